"""What the script of a sequence of calls begins with: imports, data from seeds, comparisons."""
# ruff: noqa: F401  (scripts use all these names)

import copy
import pickle
import warnings

import numpy as np
from numpy import inf, nan
from scipy.sparse import csr_matrix, issparse
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from sknielsen import MLPSigmoidClassifier
from sknielsen.schedules import Plateau, Taper

warnings.simplefilter("error")
warnings.filterwarnings("ignore", "`batch_size` is")
warnings.filterwarnings("ignore", "The root mean square of X")
warnings.filterwarnings("ignore", "Training ended with a cost")
warnings.filterwarnings("ignore", "`X_val` does not look scaled like X")


def make_rows(seed, n_rows, labels, n_features, dtype, form):
    """Rows in [0, 1.5], and their labels: of each class some, or of so many labels each."""
    rng = np.random.default_rng(seed)
    X = rng.random((n_rows, n_features)) * (rng.random((n_rows, n_features)) < 0.7)
    if isinstance(labels, int):
        y = (rng.random((n_rows, labels)) < 0.5).astype(int)
        X[:, 0] += y[:, 0] / 2
    else:
        codes = rng.permutation(np.arange(n_rows) % len(labels))
        y = np.array(labels)[codes]
        X[np.arange(n_rows), codes % n_features] += 0.5
    make = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": csr_matrix}[form]
    return make(X.astype(dtype)), y


def make_weights(seed, n_rows):
    """Weights of rows, some of them zero; the first is 1."""
    weights = np.random.default_rng(seed).choice([0.0, 0.5, 1.0, 2.0], n_rows)
    weights[0] = 1.0
    return weights


def spoiled(X, value):
    """A copy of X that holds this value once."""
    X = X.copy()
    (X.data if issparse(X) else X)[(0,) * (1 if issparse(X) else 2)] = value
    return X


def state(value):
    """All that a value holds, in a form that is equal only where every bit is."""
    if isinstance(value, np.ndarray):
        order = value.flags.c_contiguous, value.flags.f_contiguous
        return value.dtype.str, value.shape, order, value.tobytes()
    if issparse(value):
        return [state(part) for part in (value.data, value.indices, value.indptr)]
    if isinstance(value, np.random.RandomState):
        return state(value.get_state())
    if isinstance(value, BaseEstimator):
        return {"": type(value).__name__, **state(vars(value))}
    if isinstance(value, dict):
        return {key: state(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(state, value)]
    return repr(value)


def same(one, other):
    """Assert that two classifiers hold the same, durations excepted."""
    states = []
    for classifier in one, other:
        classifier = copy.deepcopy(classifier)
        if hasattr(classifier, "history_"):
            del classifier.history_["duration"]
        states.append(state(classifier))
    require_equal(*states)


def require_equal(before, after):
    """Assert that two states are equal; name the attributes that are not."""
    names = sorted(before.keys() | after.keys())
    different = [name for name in names if before.get(name) != after.get(name)]
    assert not different, f"these differ: {different}"


def unchanged(model, call):
    """Make a call that must not change the model; return what it returns."""
    before = state(model)
    result = call()
    require_equal(before, state(model))
    return result


def refused(model, call):
    """Make a call that must raise ValueError or TypeError, and leave the model as it was."""
    assert not succeeds(model, call), "the call was accepted"


def succeeds(model, call):
    """Make a call that may raise ValueError or TypeError, but then leaves the model as it was."""
    before = state(model)
    try:
        call()
    except (ValueError, TypeError) as error:
        assert len(str(error)) > 10, "the error says nothing"
        require_equal(before, state(model))
        return False
    return True


def agree(actual, expected, tolerance=None):
    """Assert that values are equal, or numbers close."""
    if tolerance is None:
        assert np.shape(actual) == np.shape(expected), (actual, expected)
        np.testing.assert_array_equal(actual, expected)
    else:
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
