"""The version in saved estimators, which an older package looks at before it trusts them."""

import re

from sknielsen._warn import warn

__version__ = "0.1.0"


class VersionedMixin:
    """Note the version in an estimator's state, and warn where a newer one is opened."""

    def __getstate__(self):
        return {**super().__getstate__(), "_sknielsen_version": __version__}

    def __setstate__(self, state):
        state = dict(state)
        version = state.pop("_sknielsen_version", "0")
        if message := newer_version_message(f"This {type(self).__name__}", version):
            warn(message)
        super().__setstate__(state)


def newer_version_message(what, version):
    """Say that something was saved by a newer sknielsen than this; "" if it was not."""
    saved, here = ([int(n) for n in re.findall(r"\d+", v)[:3]] for v in (version, __version__))
    if saved <= here:
        return ""
    return (
        f"{what} was saved by sknielsen {version}, which is newer than this one, {__version__}: "
        f"it may not work as it did. Install sknielsen {version} or newer to open it."
    )
