"""Sigmoid networks for scikit-learn, after Nielsen's *Neural Networks and Deep Learning*."""

from sknielsen._classifier import MLPSigmoidClassifier
from sknielsen._version import __version__
from sknielsen.augmentation import AugmentedClassifier, ImageAugmenter, ImageExpander
from sknielsen.diagnostics import diagnose, hard_examples

__all__ = [
    "AugmentedClassifier",
    "ImageAugmenter",
    "ImageExpander",
    "MLPSigmoidClassifier",
    "__version__",
    "diagnose",
    "hard_examples",
]

# Saved files and trust lists show the path that users import the class from.
MLPSigmoidClassifier.__module__ = __name__
