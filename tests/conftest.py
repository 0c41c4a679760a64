"""Small seeded data and estimators that several test modules share."""

import os

# Read when SciPy is imported; without it scikit-learn skips one of its checks.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import pytest
from helpers import book
from sklearn.datasets import load_digits, make_multilabel_classification


@pytest.fixture(scope="session")
def digits():
    """300 handwritten digits of 8 x 8 pixels in [0, 1], and their labels."""
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]


@pytest.fixture
def split(digits):
    """200 rows and labels to train on, and 100 to validate on, by the names that fit has."""
    X, y = digits
    return (X[:200], y[:200]), {"X_val": X[200:], "y_val": y[200:]}


@pytest.fixture(scope="session")
def binary(digits):
    X, y = digits
    return X[y < 2], y[y < 2]


@pytest.fixture(scope="session")
def multilabel():
    X, Y = make_multilabel_classification(120, 12, n_classes=4, random_state=0)
    return X / 10, Y


@pytest.fixture
def small():
    """Make a quick classifier as in the book; keyword arguments change it."""

    def make(**parameters):
        defaults = dict(hidden_layer_sizes=(8,), max_iter=3, random_state=0)
        return book(**(defaults | parameters))

    return make
