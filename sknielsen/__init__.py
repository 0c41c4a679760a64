"""Sigmoid networks for scikit-learn, after Nielsen's *Neural Networks and Deep Learning*."""

from sknielsen._classifier import MLPSigmoidClassifier

__version__ = "0.1.0"

__all__ = ["MLPSigmoidClassifier", "__version__"]
