"""Trainings and data that several test modules share."""

import numpy as np
import pytest
from helpers import book
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler


@pytest.fixture
def fit(digits):
    """Train 30 hidden neurons for ten epochs on the digits; keyword arguments change it."""

    def fit(X=None, y=None, **parameters):
        X, y = (digits[0] if X is None else X), (digits[1] if y is None else y)
        defaults = dict(hidden_layer_sizes=(30,), max_iter=10, random_state=0)
        return book(**(defaults | parameters)).fit(X, y)

    return fit


@pytest.fixture
def fit_in_vain(fit):
    """As `fit`, where training ends no better than chance, and says so."""

    def fit_in_vain(*args, **parameters):
        with pytest.warns(ConvergenceWarning, match="Training ended with a cost"):
            return fit(*args, **parameters)

    return fit_in_vain


@pytest.fixture(scope="session")
def noise():
    """200 training and 200 validation rows whose labels are right in 85 % only."""
    X, y = make_classification(400, 20, n_informative=5, flip_y=0.3, random_state=0)
    X = StandardScaler().fit_transform(X)
    return X[:200], y[:200], {"X_val": X[200:], "y_val": y[200:]}


@pytest.fixture
def rare(digits):
    """Eight rows of the digit 8 among 269 others."""
    X, y = digits
    rows = np.r_[np.flatnonzero(y != 8), np.flatnonzero(y == 8)[:8]]
    return X[rows], np.where(y[rows] == 8, "eight", "other")


@pytest.fixture(scope="session")
def shapes():
    """600 colour pictures of circles, squares and triangles, 24 pixels wide, in [0, 1]."""
    rng = np.random.default_rng(0)
    v, u = np.mgrid[:24, :24] / 24
    X, y = rng.normal(0, 0.1, (600, 24, 24, 3)), rng.integers(0, 3, 600)
    for image, shape in zip(X, y):
        (cx, cy), r = rng.uniform(0.3, 0.7, 2), rng.uniform(0.15, 0.3)
        dx, dy = u - cx, v - cy
        inside = [
            dx**2 + dy**2 < r**2,
            np.maximum(abs(dx), abs(dy)) < 0.89 * r,
            (dy < 0.8 * r) & (abs(dx) < 0.6 * (dy + r)),
        ][shape]
        image += np.where(inside[..., None], rng.random(3), rng.random(3))
    return X.clip(0, 1).reshape(600, -1).astype("float32"), y
