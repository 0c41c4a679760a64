"""Comparisons that several test modules share."""

import numpy as np

from sknielsen import MLPSigmoidClassifier
from sknielsen.core.activations import sigmoid
from sknielsen.costs import CrossEntropy

# How the book trains where it says nothing else.
BOOK = {"eta_schedule": "constant", "lmbda": 0.0, "init_scale": 1.0, "scoring": "accuracy"}


def book(*args, **parameters):
    """Make a classifier that trains as the book does where it says nothing else."""
    return MLPSigmoidClassifier(*args, **(BOOK | parameters))


def weights_of(classifier):
    """All parameters of a network as one vector."""
    arrays = classifier.coefs_ + classifier.intercepts_
    return np.concatenate([array.ravel(order="F") for array in arrays])


def history_of(classifier):
    """The history without durations, as an array that compares NaN equal."""
    columns = {name: c for name, c in classifier.history_.items() if name != "duration"}
    return np.array(list(columns.values()), dtype=float)


def assert_same_model(one, other):
    """Assert that two classifiers are equal bit for bit, durations excepted."""
    assert weights_of(one).dtype == weights_of(other).dtype
    np.testing.assert_array_equal(weights_of(one), weights_of(other))
    np.testing.assert_array_equal(history_of(one), history_of(other))
    assert one.n_iter_ == other.n_iter_
    assert one.eta_ == other.eta_


class RecordingCost(CrossEntropy):
    """Cross-entropy that keeps the outputs and the targets of every mini-batch."""

    def __init__(self):
        self.outputs, self.targets = [], []

    def delta(self, a, y, out):
        self.outputs.append(a.copy())
        self.targets.append(y.copy())
        super().delta(a, y, out)


class ShiftedCost(CrossEntropy):
    """Cross-entropy of outputs whose a(0) is not 1/2: a = sigma(z - shift)."""

    def __init__(self, shift):
        self.shift = shift

    def activation(self, z):
        z -= self.shift
        sigmoid(z)

    def value(self, z, y):
        return super().value(z - self.shift, y)
