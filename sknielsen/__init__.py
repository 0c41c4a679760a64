"""Sigmoid networks for scikit-learn, after Nielsen's *Neural Networks and Deep Learning*."""

import importlib
from typing import TYPE_CHECKING

from sknielsen._classifier import MLPSigmoidClassifier
from sknielsen._version import __version__
from sknielsen.augmentation import AugmentedClassifier, ImageAugmenter, ImageExpander
from sknielsen.diagnostics import diagnose, find_eta, hard_examples, summary

__all__ = [
    "AugmentedClassifier",
    "ImageAugmenter",
    "ImageExpander",
    "MLPSigmoidClassifier",
    "__version__",
    "diagnose",
    "find_eta",
    "hard_examples",
    "summary",
]

# Modules that are imported when they are first used, as in ``sknielsen.plots.HistoryDisplay``.
_WINGS = {"activations", "callbacks", "dask", "datasets", "onnx", "plots"}

if TYPE_CHECKING:
    from sknielsen import activations as activations
    from sknielsen import augmentation as augmentation
    from sknielsen import callbacks as callbacks
    from sknielsen import core as core
    from sknielsen import costs as costs
    from sknielsen import dask as dask
    from sknielsen import datasets as datasets
    from sknielsen import diagnostics as diagnostics
    from sknielsen import initializers as initializers
    from sknielsen import onnx as onnx
    from sknielsen import penalties as penalties
    from sknielsen import plots as plots
    from sknielsen import schedules as schedules
else:

    def __getattr__(name):
        if name in _WINGS:
            try:
                return importlib.import_module(f"{__name__}.{name}")
            except ImportError as error:  # of an extra; who lists all names goes on
                raise AttributeError(f"{__name__}.{name} cannot be used: {error}") from error
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *_WINGS})


# Saved files and trust lists show the path that users import the class from.
MLPSigmoidClassifier.__module__ = __name__
