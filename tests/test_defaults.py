"""What the classifier does when nothing is said: eta tapers, the penalty is chosen."""

import numpy as np
import pytest
from helpers import assert_same_model
from sklearn.ensemble import AdaBoostClassifier

from sknielsen import MLPSigmoidClassifier


def quick(**parameters):
    return MLPSigmoidClassifier(8, random_state=0, **({"max_iter": 3} | parameters))


@pytest.mark.parametrize(("n_rows", "lmbda"), [(300, 1.0), (100, 1.0), (60, 0.6), (2, 0.02)])
def test_the_penalty_is_1_and_less_for_few_rows(n_rows, lmbda, digits):
    X, y = digits[0][:n_rows], digits[1][:n_rows]
    clf = quick(batch_size=1).fit(X, y)
    assert clf.lmbda_ == pytest.approx(lmbda)
    assert_same_model(clf, quick(batch_size=1, lmbda=lmbda).fit(X, y))


def test_a_stream_is_not_penalised_unless_it_is_told_its_size(digits):
    X, y = digits
    stream = quick().partial_fit(X[:1], y[:1], classes=range(10))
    assert stream.lmbda_ == 0
    assert_same_model(stream, quick(lmbda=0.0).partial_fit(X[:1], y[:1], classes=range(10)))
    assert quick(n_total=5000).partial_fit(X[:1], y[:1], classes=range(10)).lmbda_ == 1
    assert quick(n_total=50).partial_fit(X[:1], y[:1], classes=range(10)).lmbda_ == 0.5


def test_fit_equals_calls_of_partial_fit_that_are_told_the_size(digits):
    X, y = digits
    streamed = quick(n_total=len(X))
    for _ in range(3):
        streamed.partial_fit(X, y, classes=range(10))
    assert_same_model(quick().fit(X, y), streamed)


def test_a_stream_after_a_fit_is_not_penalised(digits):
    clf = quick().fit(*digits).set_params(eta_schedule="constant")
    assert clf.partial_fit(digits[0][:5], digits[1][:5]).lmbda_ == 0


@pytest.mark.parametrize("factor", [1e-3, 1 / 300, 100.0])
def test_weights_that_count_no_repetitions_leave_the_penalty_as_it_is(factor, digits):
    X, y = digits
    weight = np.random.default_rng(0).uniform(0.5, 1.5, len(X))
    weight /= weight.mean()
    one = quick().fit(X, y, sample_weight=weight)
    other = quick().fit(X, y, sample_weight=factor * weight)
    assert other.lmbda_ == pytest.approx(factor)
    for a, b in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_adaboost_whose_weights_sum_to_one_learns(digits):
    X, y = digits
    boosted = AdaBoostClassifier(quick(max_iter=20), n_estimators=3, random_state=0).fit(X, y)
    assert boosted.score(X, y) > 0.95


def test_repeated_rows_and_weights_of_their_number_have_the_same_penalty(digits):
    X, y = digits
    repeats = 1 + np.arange(len(X)) % 3
    weighted = quick(batch_size=None).fit(X, y, sample_weight=repeats)
    repeated = quick(batch_size=None).fit(np.repeat(X, repeats, axis=0), np.repeat(y, repeats))
    assert weighted.lmbda_ == repeated.lmbda_ == 1
    np.testing.assert_allclose(weighted.coefs_[0], repeated.coefs_[0], rtol=1e-9, atol=1e-12)


def test_eta_falls_over_the_epochs_of_a_fit(digits):
    clf = quick(max_iter=5).fit(*digits)
    np.testing.assert_allclose(clf.history_["eta"], [0.5, 0.4, 0.3, 0.2, 0.1])


def test_early_stopping_keeps_the_epoch_of_the_lowest_validation_cost(digits):
    clf = quick(max_iter=20, early_stopping=True).fit(*digits)
    costs = clf.history_["validation_cost"]
    assert clf.best_score_ == -min(costs)
    assert clf.epoch_ == 1 + np.argmin(costs)
