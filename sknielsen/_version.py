"""The version, and the note of it in saved estimators, which an older package warns of."""

import re
from collections.abc import Mapping
from typing import Any, cast

from sknielsen._warn import warn

__version__ = "0.1.0"


class VersionedMixin:
    """Note the version in an estimator's state; warn where a newer version has saved it.

    It comes before BaseEstimator among the bases of a class.
    """

    def __getstate__(self) -> dict[str, Any]:
        state = cast("dict[str, Any]", super().__getstate__())
        return {**state, "_sknielsen_version": __version__}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        state = dict(state)
        version = state.pop("_sknielsen_version", "0")
        if message := newer_version_message(f"This {type(self).__name__}", version):
            warn(message)
        super().__setstate__(state)  # type: ignore[misc]  # BaseEstimator has it


def newer_version_message(what: str, version: str) -> str:
    """Say that a newer sknielsen than this one has saved something; "" if none has."""
    saved, here = ([int(n) for n in re.findall(r"\d+", v)[:3]] for v in (version, __version__))
    if saved <= here:
        return ""
    return (
        f"{what} was saved by sknielsen {version}, which is newer than this one, {__version__}: "
        f"it may not work as it did. Install sknielsen {version} or newer."
    )
