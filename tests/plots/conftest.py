"""A classifier to draw, and an end of all figures after each test."""

import matplotlib as mpl
import pytest

from sknielsen import MLPSigmoidClassifier

mpl.use("agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def trained(digits):
    """A classifier trained with validation data and two etas."""
    X, y = digits
    clf = MLPSigmoidClassifier(8, eta_schedule=[(3, 1.0), (3, 0.25)], max_iter=6, random_state=0)
    return clf.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
