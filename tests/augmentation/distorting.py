"""What the tests of augmentation share: images, ways to distort them, and who looks on."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from sknielsen.augmentation import ImageAugmenter

# Warnings that scikit-learn's checks, whose rows are no images, may draw.
NO_SQUARE = "ignore:.* features make no square image"
HELD = "ignore:`keep_in_frame` holds"


def rng(seed=0):
    return np.random.default_rng(seed)


def blobs(n, h, w, channels=(), seed=0):
    """Images of random ink, on an empty background, with a margin of two pixels."""
    images = np.zeros((n, h, w, *channels), np.float32)
    images[:, 2:-2, 2:-2] = rng(seed).random((n, h - 4, w - 4, *channels))
    return images


def everything(**parameters):
    """Distort in every way."""
    amounts = dict(shift=2.0, rotation=15.0, scale=0.2, shear=0.2, elastic=0.6)
    return ImageAugmenter(**(amounts | parameters))


def everything_of_digits(**parameters):
    """Distort in every way digits that fill their frame, as most of 8 x 8 pixels do."""
    return everything(keep_in_frame=False, **parameters)


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers the rows it was fitted with and asked about."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.weight_ = np.array(X), np.array(y), sample_weight
        self.classes_ = np.unique(y)
        self.asked_ = []
        return self

    def predict(self, X):
        self.asked_.append(np.array(X))
        return np.full(len(X), self.classes_[0])
