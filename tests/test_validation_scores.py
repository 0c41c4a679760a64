"""Validation scores: when early stopping ends, which epoch is the best, and scorers that fail."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import f1_score, get_scorer, log_loss, make_scorer

from sknielsen.core.state import HISTORY, Best, State
from sknielsen.core.stopping import Patience, restore
from sknielsen.schedules import Plateau


@pytest.fixture
def parts(digits):
    X, y = digits
    return (X[:200], y[:200]), {"X_val": X[200:], "y_val": y[200:]}


def judged(scores, tol=0.0, n_epochs=3, costs=None):
    """Judge epochs of these scores; return the state after each, until patience is over."""
    state = State(0, [np.zeros((1, 1))], [np.zeros(1)], np.arange(2), False, 1)
    patience, states = Patience(n_epochs, tol), []
    for epoch, score in enumerate(scores):
        state.weights[0][...] = epoch + 1
        cost = costs[epoch] if costs else 1.0
        record = dict.fromkeys(HISTORY, np.nan)
        record |= {"epoch": epoch + 1, "validation_score": score, "validation_cost": cost}
        state.append(record)
        patience.judge(state, record)
        states.append(state.best)
        if patience.is_over(state.best):
            break
    return state, states


def test_slow_but_steady_rises_go_on():
    _, states = judged([0.5 + 0.006 * i for i in range(30)], tol=0.01)
    assert len(states) == 30
    assert {best.n_stalled for best in states} == {0, 1}


def test_rises_that_stay_below_the_tolerance_end_training():
    _, states = judged([0.5, 0.501, 0.502, 0.503, 0.504, 0.505], tol=0.01)
    assert [best.n_stalled for best in states] == [0, 1, 2, 3]
    assert states[-1].epoch == 4  # the best one, all the same


def test_the_count_starts_anew_only_above_the_score_at_its_last_start():
    _, states = judged([0.5, 0.6, 0.55, 0.59, 0.605, 0.62, 0.7], tol=0.01, n_epochs=4)
    assert [best.n_stalled for best in states] == [0, 0, 1, 2, 3, 0, 0]
    assert [best.bar for best in states] == [0.5, 0.6, 0.6, 0.6, 0.6, 0.62, 0.7]


def test_of_equal_scores_the_one_with_the_lower_cost_is_the_best():
    state, states = judged([0.9, 0.9, 0.9, 0.8], costs=[0.5, 0.3, 0.4, 0.1], n_epochs=9)
    assert [best.epoch for best in states] == [1, 2, 2, 2]
    restore(state)
    assert state.weights[0] == 2
    assert state.epoch == 2


def test_a_score_that_is_nan_counts_as_no_improvement():
    _, states = judged([np.nan, 0.5, np.nan, np.nan, np.nan, 0.9])
    assert [best.n_stalled for best in states] == [1, 0, 1, 2, 3]
    assert states[-1].epoch == 2


def test_without_any_score_the_last_weights_stay():
    state, _ = judged([np.nan] * 3)
    restore(state)
    assert state.weights[0] == 3
    assert state.epoch == 3
    assert state.best.score == Best.score


def test_plateau_counts_a_score_that_is_nan_but_no_epoch_without_validation():
    schedule, nan = Plateau(patience=2), float("nan")
    scores = {"validation_score": [0.9, nan, nan], "validation_cost": [0.3, 0.3, 0.3]}
    assert schedule(3, scores, 0.8, 30) == 0.4
    scores["validation_cost"] = [0.3, nan, nan]
    assert schedule(3, scores, 0.8, 30) == 0.8


def test_a_scorer_that_gives_nan_is_warned_of_once_and_keeps_all_epochs(small, parts):
    rows, validation = parts
    clf = small(scoring=lambda estimator, X, y: np.nan, early_stopping=True, n_iter_no_change=2)
    with pytest.warns(UserWarning, match="gave nan in epoch 1, which counts as no impr") as seen:
        clf.set_params(max_iter=9).fit(*rows, **validation)
    assert len(seen) == 1
    assert clf.n_iter_ == clf.epoch_ == 2
    assert not hasattr(clf, "best_score_")
    assert np.isnan(clf.history_["validation_score"]).all()


def test_a_scorer_that_raises_names_epoch_scorer_and_missing_classes(small, parts):
    def picky(estimator, X, y):
        raise ValueError("labels differ")

    (X, y), validation = parts
    known = validation["y_val"] < 7
    lacking = {name: part[known] for name, part in validation.items()}
    message = (
        r"`scoring`=.*picky.* failed in epoch 1: labels differ.*none of the classes \[7, 8, 9\]"
    )
    with pytest.raises(ValueError, match=message):
        small(scoring=picky).fit(X, y, **lacking)


def test_a_scorer_of_probabilities_knows_the_classes_that_validation_lacks(small, parts):
    (X, y), validation = parts
    known = validation["y_val"] < 7
    lacking = {name: part[known] for name, part in validation.items()}
    clf = small(scoring="neg_log_loss").fit(X, y, **lacking)
    probabilities = clf.predict_proba(lacking["X_val"])
    expected = -log_loss(lacking["y_val"], probabilities, labels=range(10))
    assert clf.history_["validation_score"][-1] == pytest.approx(expected)


@pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), np.int64(1), 1])
def test_numbers_of_numpy_are_scores(number, small, parts):
    rows, validation = parts
    clf = small(scoring=lambda estimator, X, y: number).fit(*rows, **validation)
    assert clf.best_score_ == float(number)
    assert type(clf.best_score_) is float


@pytest.mark.parametrize("score", ["0.5", None, [0.5], 1j])
def test_what_is_no_number_is_no_score(score, small, parts):
    rows, validation = parts
    with pytest.raises((TypeError, ValueError), match=r"`scoring` must give a number; got"):
        small(scoring=lambda estimator, X, y: score).fit(*rows, **validation)


def test_a_scorer_with_any_options_takes_weights(small, parts):
    (X, y), validation = parts
    seen = []

    def score(estimator, X, y, **options):
        seen.append(options)
        return 0.5

    small(scoring=score).fit(X, y, sample_weight_val=np.full(100, 2.0), **validation)
    assert all((options["sample_weight"] == 2).all() for options in seen)


def test_a_scorer_without_weights_scores_without_them_and_says_so_once(small, parts):
    rows, validation = parts

    def scorer(estimator, X, y):
        return np.mean(estimator.predict(X) == y)

    with pytest.warns(UserWarning, match="takes no `sample_weight`") as seen:
        clf = small(scoring=scorer).fit(*rows, sample_weight_val=np.full(100, 2.0), **validation)
    assert len(seen) == 1
    assert clf.history_["validation_score"] == clf.history_["validation_accuracy"]


@pytest.mark.parametrize(
    "name", ["f1_macro", "roc_auc_ovr", "balanced_accuracy", "top_k_accuracy"]
)
def test_named_scorers_work(name, small, parts):
    rows, validation = parts
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = small(scoring=name).fit(*rows, **validation)
    score = get_scorer(name)(clf, validation["X_val"], validation["y_val"])
    assert clf.history_["validation_score"][-1] == pytest.approx(score)


def test_a_scorer_that_was_given_its_labels_keeps_them(small, parts):
    rows, validation = parts
    scorer = make_scorer(f1_score, labels=[1, 2], average="macro")
    clf = small(scoring=scorer).fit(*rows, **validation)
    expected = scorer(clf, validation["X_val"], validation["y_val"])
    assert clf.history_["validation_score"][-1] == pytest.approx(expected)
