"""The rule of early stopping, by itself and in a training."""

import numpy as np
import pytest
from helpers import weights_of

from sknielsen.core.state import HISTORY, Best, State
from sknielsen.core.stopping import Patience, remember, restore


@pytest.fixture
def state():
    return State(
        seed=0,
        weights=[np.zeros((2, 2), order="F")],
        biases=[np.zeros(2)],
        classes=np.arange(2),
        multilabel=False,
        n_features=2,
        velocity=([np.ones((2, 2), order="F")], [np.ones(2)]),
    )


def pass_epoch(state, score, patience):
    """Let an epoch pass: its number becomes every weight."""
    record = recorded(score)
    state.append(record)
    for array in (*state.weights, *state.biases):
        array[...] = state.epoch
    patience.judge(state, record)


def recorded(score):
    return dict.fromkeys(HISTORY, 0.0) | {"validation_score": score}


@pytest.mark.parametrize(
    ("scores", "tol", "stalled"),
    [
        ([0.25, 0.5, 0.75], 0.0, [0, 0, 0]),
        ([0.5, 0.5, 0.25, 0.75], 0.0, [0, 1, 2, 0]),
        ([0.0, 0.25, 0.125, 0.25], 0.25, [0, 1, 2, 3]),  # none exceeds the first by more than tol
        ([0.0, 0.25, 0.5, 0.75], 0.25, [0, 1, 0, 1]),
        ([0.0, 0.25, 0.75], 0.25, [0, 1, 0]),
        ([-1e300, -1e299], 0.0, [0, 0]),
    ],
)
def test_epochs_without_improvement_are_counted(scores, tol, stalled, state):
    patience, counted = Patience(3, tol), []
    for score in scores:
        pass_epoch(state, score, patience)
        counted.append(state.best.n_stalled)
    assert counted == stalled
    assert state.best.score == max(scores)
    assert patience.is_over(state.best) is (stalled[-1] >= 3)


def test_the_best_keeps_copies_of_its_weights_and_restoring_writes_them_back(state):
    own = [*state.weights, *state.biases]
    for score in (0.25, 0.75, 0.5):
        pass_epoch(state, score, Patience(3, 0.0))
    assert (state.best.score, state.best.epoch, state.best.n_stalled) == (0.75, 2, 1)
    assert {3.0} == {value for array in own for value in array.flat}
    restore(state)
    assert state.epoch == 2
    assert state.n_epochs == 3
    assert state.velocity is None
    for array, before in zip([*state.weights, *state.biases], own, strict=True):
        assert array is before
        assert (array == 2).all()
    state.weights[0][...] = 9
    assert (state.best.weights[0] == 2).all()


def test_a_score_is_remembered_without_weights_where_none_are_to_be_kept(state):
    remember(state, recorded(0.5), keep_weights=False)
    assert (state.best.score, state.best.weights, state.best.biases) == (0.5, (), ())


def test_a_lower_or_an_equal_score_replaces_nothing_but_the_count(state):
    state.best = best = Best(0.5, 1, 0, [np.ones((2, 2))], [np.ones(2)], cost=0.0, bar=0.5)
    for n_stalled, score in enumerate((0.5, 0.25), 1):
        Patience(9, 0.0).judge(state, recorded(score))
        assert (state.best.score, state.best.epoch, state.best.n_stalled) == (0.5, 1, n_stalled)
        assert state.best.weights is best.weights


def test_patience_is_over_after_its_number_of_epochs():
    assert not Patience(3, 0.0).is_over(Best(n_stalled=2))
    assert Patience(3, 0.0).is_over(Best(n_stalled=3))


def test_early_stopping_ends_after_n_iter_no_change_epochs_and_restores_the_best(small, split):
    train, validation = split
    clf = small(early_stopping=True, max_iter=200, n_iter_no_change=4, eta=1.0)
    clf.fit(*train, **validation)
    scores = clf.history_["validation_score"]
    assert clf.n_iter_ < 200
    costs = [-cost for cost in clf.history_["validation_cost"]]
    assert clf.best_epoch_ == max(range(clf.n_iter_), key=lambda i: (scores[i], costs[i])) + 1
    assert clf.epoch_ == clf.best_epoch_
    assert clf.best_score_ == max(scores)
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_
    unstopped = small(max_iter=clf.best_epoch_, eta=1.0).fit(*train, **validation)
    np.testing.assert_array_equal(weights_of(clf), weights_of(unstopped))


def test_the_best_weights_are_restored_at_the_limit_of_epochs_too(small, split):
    train, validation = split
    parameters = dict(max_iter=12, eta=4.0, n_iter_no_change=100)
    clf = small(early_stopping=True, **parameters).fit(*train, **validation)
    assert clf.n_iter_ == 12
    assert clf.best_epoch_ < 12
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_


@pytest.mark.parametrize("tol", [0.0, 0.5])
def test_tol_is_what_a_score_must_exceed_the_best_by(tol, small, split):
    train, validation = split
    clf = small(early_stopping=True, max_iter=40, n_iter_no_change=3, tol=tol)
    scores = clf.fit(*train, **validation).history_["validation_score"]
    bar, stalled = -np.inf, []
    for score in scores:
        restarts = score > bar + tol
        stalled.append(0 if restarts else stalled[-1] + 1)
        bar = score if restarts else bar
    assert stalled[-1] == 3
    assert max(stalled[:-1]) < 3


def test_a_warm_start_after_early_stopping_goes_on_from_the_restored_weights(small, split):
    train, validation = split
    clf = small(early_stopping=True, max_iter=30, n_iter_no_change=3, momentum=0.5)
    clf.set_params(warm_start=True, eta=1.0).fit(*train, **validation)
    best, n_first = clf.best_score_, clf.n_iter_
    assert not hasattr(clf, "velocity_")
    clf.set_params(eta=1e-9, max_iter=2).fit(*train, **validation)
    assert clf.n_iter_ == n_first + 2
    assert clf.best_score_ == best
    assert clf.history_["validation_score"][n_first] == best


def test_a_warm_start_that_finds_nothing_better_keeps_the_weights_it_had(small, split):
    train, validation = split
    clf = small(early_stopping=True, max_iter=60, warm_start=True).fit(*train, **validation)
    before, best_epoch = weights_of(clf), clf.best_epoch_
    clf.set_params(eta=300.0, max_iter=2).fit(*train, **validation)
    np.testing.assert_array_equal(weights_of(clf), before)
    assert clf.epoch_ == clf.best_epoch_ == best_epoch


def test_a_score_that_only_equals_the_best_is_no_improvement(small, split):
    train, validation = split
    parameters = dict(early_stopping=True, n_iter_no_change=3, tol=0.0, max_iter=20)
    clf = small(scoring=lambda clf, X, y: 0.5, **parameters).fit(*train, **validation)
    assert clf.n_iter_ == 4
    assert clf.best_epoch_ == int(np.argmin(clf.history_["validation_cost"])) + 1


def test_a_score_that_exceeds_the_best_by_tol_exactly_is_no_improvement(small, split):
    train, validation = split
    scores = iter([0.5, 0.75, 0.75, 1.25, 1.5])
    parameters = dict(early_stopping=True, n_iter_no_change=2, tol=0.25, max_iter=5)
    clf = small(scoring=lambda clf, X, y: next(scores), **parameters).fit(*train, **validation)
    assert clf.n_iter_ == 3
    assert clf.best_epoch_ in (2, 3)
