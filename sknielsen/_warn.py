"""Warnings that name the user's line, whatever libraries lie between it and this package."""

import sys
import warnings
from types import FrameType

_LIBRARIES = {"imblearn", "joblib", "sklearn", "sknielsen", "skops"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Emit a warning that points at the innermost line outside of ``_LIBRARIES``.

    A pipeline and a search call from different depths, so no fixed `stacklevel` would do.

    Parameters
    ----------
    message : str
    category : type of Warning, default=UserWarning
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _library(frame) in _LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _library(frame: FrameType) -> str:
    """Return the name of the top-level package whose code a frame runs."""
    name: str = (frame.f_globals.get("__name__") or "").partition(".")[0]
    return name
