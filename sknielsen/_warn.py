"""Warnings that name the line of the user, whatever libraries lie between it and the network."""

import sys
import warnings

_LIBRARIES = {"imblearn", "joblib", "sklearn", "sknielsen", "skops"}


def warn(message):
    """Emit a UserWarning that points at the innermost line outside of these libraries.

    A pipeline or a search calls from a depth of its own, so that no number fits `stacklevel`.

    Parameters
    ----------
    message : str
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _library(frame) in _LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def _library(frame):
    return (frame.f_globals.get("__name__") or "").partition(".")[0]
