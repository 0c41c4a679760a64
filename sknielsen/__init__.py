"""Sigmoid networks for scikit-learn, after Nielsen's *Neural Networks and Deep Learning*."""

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

# Saved files and trust lists show the path that users import the class from.
MLPSigmoidClassifier.__module__ = __name__
