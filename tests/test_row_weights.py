"""What weights of rows and classes mean: for a step, for the penalty, and for a heavy row."""

import warnings

import numpy as np
import pytest
from helpers import assert_same_model, book
from sklearn.datasets import load_digits

from sknielsen import MLPSigmoidClassifier
from sknielsen.core.data import Data, spread


def weights_of(clf):
    return np.concatenate([a.ravel() for a in clf.coefs_ + clf.intercepts_])


@pytest.fixture(scope="module")
def all_digits():
    X, y = load_digits(return_X_y=True)
    return X[:1200] / 16, y[:1200], X[1200:] / 16, y[1200:]


def test_a_number_is_the_weight_of_every_row(small, digits):
    X, y = digits[0][:200], digits[1][:200]
    validation = {"X_val": digits[0][200:], "y_val": digits[1][200:]}
    one = small(lmbda=1.0).fit(X, y, sample_weight=2.0, sample_weight_val=3, **validation)
    rows = {"sample_weight": np.full(200, 2.0), "sample_weight_val": np.full(100, 3.0)}
    assert_same_model(one, small(lmbda=1.0).fit(X, y, **rows, **validation))


@pytest.mark.parametrize("parameters", [{}, {"lmbda": 2.0, "momentum": 0.5}, {"batch_size": None}])
def test_fit_and_partial_fit_agree_where_the_mean_weight_is_one(parameters, small, digits):
    X, y = digits
    weight = np.where(np.arange(300) % 2, 0.5, 1.5)
    fitted = small(**parameters).fit(X, y, sample_weight=weight)
    streamed = small(**parameters)
    for _ in range(3):
        streamed.partial_fit(X, y, range(10), sample_weight=weight)
    assert_same_model(fitted, streamed)


def test_in_fit_weights_are_relative(small, digits):
    X, y = digits
    weight = np.random.default_rng(0).random(300)
    one = small().fit(X, y, sample_weight=weight)
    other = small().fit(X, y, sample_weight=1000 * weight)
    np.testing.assert_allclose(weights_of(one), weights_of(other), rtol=1e-6)


@pytest.mark.parametrize("n_rows", [1, 7, 300])
def test_partial_fit_takes_the_weights_of_a_block_as_they_are(n_rows, small, digits):
    X, y = digits
    weighted = small(eta=0.1, batch_size=None).partial_fit(
        X[:n_rows], y[:n_rows], range(10), sample_weight=np.full(n_rows, 3.0)
    )
    faster = small(eta=0.3, batch_size=None).partial_fit(X[:n_rows], y[:n_rows], range(10))
    np.testing.assert_allclose(weights_of(weighted), weights_of(faster), rtol=1e-9, atol=1e-12)


def test_class_weights_of_a_stream_are_taken_as_they_are(small, digits):
    X, y = digits
    weighted = small(eta=0.1, class_weight=dict.fromkeys(range(10), 3.0))
    weighted.partial_fit(X, y, range(10))
    faster = small(eta=0.3).partial_fit(X, y, range(10))
    np.testing.assert_allclose(weights_of(weighted), weights_of(faster), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shuffle", [True, False])
def test_heavy_rows_learn_as_the_same_rows_repeated_do(shuffle, all_digits):
    X, y, X_test, y_test = all_digits
    heavy = np.arange(len(X)) % 100 == 0
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    weight = np.where(heavy, 100.0, 1.0)
    clf = book((30,), shuffle=shuffle, random_state=0, eta_schedule="taper")
    weighted = clf.fit(X, y, sample_weight=weight).score(X_test, y_test)
    repeated = np.repeat(np.arange(len(X)), weight.astype(int))
    alike = clf.fit(X[repeated], y[repeated]).score(X_test, y_test) if shuffle else 0.9
    assert weighted >= alike - 0.03
    assert weighted >= 0.9


def test_balanced_weights_of_few_positives_learn(all_digits):
    X, y, X_test, y_test = all_digits
    is_eight = np.flatnonzero(y == 8)
    rows = np.sort(np.concatenate([is_eight[:12], np.flatnonzero(y != 8)]))

    def recall(class_weight):
        clf = MLPSigmoidClassifier((30,), class_weight=class_weight, random_state=0)
        predicted = clf.fit(X[rows], y[rows] == 8).predict(X_test)
        return np.mean([predicted[y_test == 8].mean(), 1 - predicted[y_test != 8].mean()])

    assert recall("balanced") > recall(None) + 0.05


def test_a_heavy_row_is_visited_often_enough():
    weight = np.ones(100)
    weight[3], weight[50] = 200.0, 25.0
    data = Data(np.zeros((100, 2)), np.zeros(100, int), 1, weight)
    mean = weight.mean()
    weights, visits = data.step_weights(10, absolute=False)
    assert visits[3] == np.ceil(200 / (10 * mean))
    assert (np.delete(visits, [3, 50]) == 1).all()
    assert weights.max() <= 10
    np.testing.assert_allclose(weights * visits, weight / mean)
    weights, visits = data.step_weights(10, absolute=True)
    np.testing.assert_allclose(weights * visits, weight)


@pytest.mark.parametrize("batch_size", [1, 10, 64])
def test_an_epoch_grows_by_at_most_one_row_in_a_batch(batch_size):
    weight = np.random.default_rng(1).pareto(0.5, 1000)
    data = Data(np.zeros((1000, 1)), np.zeros(1000, int), 1, weight)
    _, visits = data.step_weights(batch_size, absolute=False)
    assert len(data) <= visits.sum() <= len(data) * (1 + 1 / batch_size)


def test_visits_of_a_row_are_in_different_mini_batches():
    rows = np.random.default_rng(0).permutation(100)
    visits = np.ones(100, int)
    visits[7], visits[20] = 5, 3
    order = spread(rows, visits)
    assert np.array_equal(np.bincount(order), visits)
    for row in (7, 20):
        assert np.diff(np.flatnonzero(order == row)).min() > 10
    others = order[~np.isin(order, (7, 20))]
    assert np.array_equal(others, rows[~np.isin(rows, (7, 20))])


def test_rows_that_weigh_alike_are_visited_once_each(small, digits):
    X, y = digits
    for weight in (np.full(300, 1 / 300), np.full(300, 1e6)):
        data = Data(X, y, 10, weight)
        for batch_size in (1, 10, 300):
            assert data.step_weights(batch_size, absolute=False)[1].max() == 1


@pytest.mark.parametrize(
    ("parameters", "weight"),
    [({}, np.full(300, 1 / 300)), ({"class_weight": dict.fromkeys(range(10), 50.0)}, None)],
)
def test_unusual_weights_beside_a_penalty_are_warned_of(parameters, weight, small, digits):
    clf = small(lmbda=0.1, **parameters)
    with pytest.warns(UserWarning, match=r"sum to n = .*lmbda = 0\.1.*`n_total`"):
        clf.fit(*digits, sample_weight=weight)


@pytest.mark.parametrize("parameters", [{"lmbda": 0.0}, {"lmbda": 0.1, "n_total": 300}])
def test_unusual_weights_are_fine_without_a_penalty_or_with_n_total(parameters, small, digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(**parameters).fit(*digits, sample_weight=np.full(300, 1 / 300))
