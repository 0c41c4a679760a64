"""Sigmoid networks for scikit-learn, after Nielsen's *Neural Networks and Deep Learning*."""

from sknielsen._classifier import MLPSigmoidClassifier
from sknielsen.augmentation import AugmentedClassifier, ImageAugmenter, ImageExpander
from sknielsen.diagnostics import diagnose, hard_examples

__version__ = "0.1.0"

__all__ = [
    "AugmentedClassifier",
    "ImageAugmenter",
    "ImageExpander",
    "MLPSigmoidClassifier",
    "__version__",
    "diagnose",
    "hard_examples",
]
