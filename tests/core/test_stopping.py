"""The rule of early stopping by itself; `test_loop.py` has it in a training."""

import numpy as np
import pytest

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


def train(state, score, patience):
    """Let an epoch pass: its number becomes every weight."""
    state.append(dict.fromkeys(HISTORY, 0.0))
    for array in (*state.weights, *state.biases):
        array[...] = state.epoch
    patience.judge(state, score)


@pytest.mark.parametrize(
    ("scores", "tol", "stalled"),
    [
        ([0.25, 0.5, 0.75], 0.0, [0, 0, 0]),
        ([0.5, 0.5, 0.25, 0.75], 0.0, [0, 1, 2, 0]),
        ([0.0, 0.25, 0.5, 0.75], 0.25, [0, 1, 2, 3]),  # each exceeds the one before by tol only
        ([0.0, 0.25, 0.75], 0.25, [0, 1, 0]),
        ([-1e300, -1e299], 0.0, [0, 0]),
    ],
)
def test_epochs_without_improvement_are_counted(scores, tol, stalled, state):
    patience, counted = Patience(3, tol), []
    for score in scores:
        train(state, score, patience)
        counted.append(state.best.n_stalled)
    assert counted == stalled
    assert state.best.score == max(scores)
    assert patience.is_over(state.best) is (stalled[-1] >= 3)


def test_the_best_keeps_copies_of_its_weights_and_restoring_writes_them_back(state):
    own = [*state.weights, *state.biases]
    for score in (0.25, 0.75, 0.5):
        train(state, score, Patience(3, 0.0))
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
    remember(state, 0.5, keep_weights=False)
    assert (state.best.score, state.best.weights, state.best.biases) == (0.5, (), ())


def test_a_lower_or_an_equal_score_replaces_nothing_but_the_count(state):
    state.best = best = Best(0.5, 1, 0, [np.ones((2, 2))], [np.ones(2)])
    for score in (0.5, 0.25):
        remember(state, score, keep_weights=True, n_stalled=4)
        assert (state.best.score, state.best.epoch, state.best.n_stalled) == (0.5, 1, 4)
        assert state.best.weights is best.weights


def test_patience_is_over_after_its_number_of_epochs():
    assert not Patience(3, 0.0).is_over(Best(n_stalled=2))
    assert Patience(3, 0.0).is_over(Best(n_stalled=3))
