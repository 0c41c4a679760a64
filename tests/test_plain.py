"""Rows that need no check get none, and are trained on like those that do."""

import numpy as np
import pandas as pd
import pytest
from helpers import assert_same_model
from scipy.sparse import csr_array

from sknielsen import _inputs
from sknielsen._fitted import state_of
from sknielsen._plain import are_plain, is_plain, mean_square_of

X, Y = np.arange(60.0).reshape(30, 2) / 60, np.arange(30) % 3


@pytest.fixture
def checked(monkeypatch):
    """Count the checks of scikit-learn."""
    calls, validate_data = [], _inputs.validate_data

    def counted(*args, **options):
        calls.append(1)
        return validate_data(*args, **options)

    monkeypatch.setattr(_inputs, "validate_data", counted)
    return calls


@pytest.mark.parametrize("y", [Y, Y.astype(np.uint8), Y > 0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_numbers_and_labels_are_plain(dtype, y):
    assert are_plain(X.astype(dtype), y, None)


@pytest.mark.parametrize(
    "rows",
    [
        X.tolist(), pd.DataFrame(X), csr_array(X), X.astype(int), X.astype(np.float16), X[0],
        X[:0], X[:, :0], np.asfortranarray(X), X[:, ::-1], np.ma.masked_array(X), X.astype(">f4"),
    ],
)  # fmt: skip
def test_other_rows_are_not(rows):
    assert not is_plain(rows)


@pytest.mark.parametrize(
    "labels",
    [Y.tolist(), Y[:-1], Y[:, None], Y.astype(float), Y.astype(str), pd.Series(Y), np.arange(30)],
)
def test_other_labels_are_not(labels):
    assert not are_plain(X, labels, None)


def test_rows_of_a_continued_training_must_fit_it(small):
    state = state_of(small().fit(X, Y))
    assert are_plain(X, Y, state)
    assert not are_plain(X.astype(np.float32), Y, state)
    assert not are_plain(np.hstack([X, X]), Y, state)
    named = state_of(small().fit(pd.DataFrame(X, columns=["a", "b"]), Y))
    assert not are_plain(X, Y, named)


def test_plain_rows_train_the_same_model_without_a_check(checked, small):
    plain = small().fit(X, Y).partial_fit(X, Y)
    assert not checked
    assert_same_model(plain, small().fit(X.tolist(), Y).partial_fit(X.tolist(), Y))
    assert checked
    assert plain.n_features_in_ == 2


@pytest.mark.parametrize("value, message", [(np.nan, "contains NaN"), (np.inf, "infinity")])
def test_numbers_that_are_not_finite_are_refused(value, message, small):
    rows = X.copy()
    rows[7, 1] = value
    clf = small().fit(X, Y)
    for train in (small().fit, clf.fit, clf.partial_fit):
        with pytest.raises(ValueError, match=f"Input X .*{message}"):
            train(rows, Y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_numbers_whose_squares_overflow_are_finite(small):
    rows = X.astype(np.float32)
    rows[3, 0] = 1e30
    with pytest.warns(UserWarning, match="root mean square of X is inf"):
        small(eta=1e-30).fit(rows, Y)


@pytest.mark.parametrize("container", [np.asarray, csr_array, pd.DataFrame, np.asfortranarray])
def test_large_inputs_are_found_in_every_container(container, small):
    with pytest.warns(UserWarning, match=r"root mean square of X is 28\.5"):
        small().fit(container(X * 50), Y)


def test_the_mean_square_counts_what_a_sparse_matrix_does_not_store():
    rows = np.array([[0.0, 3.0], [4.0, 0.0]])
    assert mean_square_of(rows) == mean_square_of(csr_array(rows)) == 25 / 4


def test_a_class_for_each_row_is_left_to_scikit_learn_which_may_warn():
    assert not are_plain(X, np.arange(30), None)
    assert are_plain(X, np.arange(30) // 2, None)
