"""Attributes of a fitted estimator and the state of its training, back and forth."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sknielsen._fitted import (
    FITTED,
    attributes,
    network_of,
    shallow_copy,
    state_of,
    unfitted_copy,
)
from sknielsen.core.state import State, pieces

CASES = {
    "plain": ({}, lambda X, y: (X, y)),
    "momentum": ({"momentum": 0.5}, lambda X, y: (X, y)),
    "early stopping": ({"early_stopping": True}, lambda X, y: (X, y)),
    "names": ({}, lambda X, y: (pd.DataFrame(X).rename(columns=str), y)),
    "objects": ({}, lambda X, y: (X, y.astype(str).astype(object))),
    "multilabel": ({}, lambda X, y: (X, (y[:, None] == np.arange(10)).astype(int))),
    "softmax": ({"cost": "log_likelihood"}, lambda X, y: (X, y)),
}


@pytest.fixture(params=CASES)
def fitted(request, small, digits):
    parameters, change = CASES[request.param]
    return small(**parameters).fit(*change(*digits))


def learned(estimator):
    return {name: value for name, value in vars(estimator).items() if name.endswith("_")}


def assert_same_arrays(some, others):
    """Assert that arrays are the very same ones, however lists hold them."""
    for one, other in zip(some, others, strict=True):
        if isinstance(one, list):
            assert_same_arrays(one, other)
        else:
            assert one is other


def test_the_attributes_of_an_estimators_state_are_its_own(fitted):
    found, expected = attributes(state_of(fitted)), learned(fitted)
    assert expected.pop("out_activation_") in ("sigmoid", "softmax")  # it follows from the cost
    assert found.keys() == expected.keys()
    for name, value in found.items():
        if name in ("coefs_", "intercepts_", "velocity_"):
            assert_same_arrays(value, expected[name])
        else:
            assert value is expected[name] or value == expected[name], name


def test_the_state_of_a_states_attributes_is_that_state(fitted):
    state = state_of(fitted)
    again = state_of(SimpleNamespace(**attributes(state)))
    for field, _, _, _ in pieces():
        one, other = getattr(again, field), getattr(state, field)
        if field in ("weights", "biases", "velocity") and one is not None:
            assert_same_arrays(one, other)
        elif field == "best":
            assert (one.score, one.epoch) == (other.score, other.epoch)
        else:
            assert one is other or one == other, field


def test_a_training_to_come_begins_after_the_epochs_that_there_are(fitted):
    state = state_of(fitted)
    assert state.first_epoch == state.n_epochs == fitted.n_iter_ == 3
    assert_same_arrays(state.weights, fitted.coefs_)


def test_without_a_training_there_is_no_state(small):
    assert state_of(small()) is None


def test_a_state_of_no_epoch_shows_no_eta_and_no_best():
    state = State(
        seed=0, weights=[np.zeros((2, 1), order="F")], biases=[np.zeros(1)],
        classes=np.arange(2), multilabel=False, n_features=2,
    )  # fmt: skip
    assert not {"eta_", "best_score_", "best_epoch_", "velocity_"} & attributes(state).keys()
    assert attributes(state)["n_iter_"] == 0


def test_an_unfitted_copy_has_the_parameters_and_nothing_learned(fitted):
    before = dict(vars(fitted))
    copied = unfitted_copy(fitted)
    assert copied.get_params() == fitted.get_params()
    assert not FITTED & vars(copied).keys()
    assert not learned(copied)
    assert vars(fitted) == before


def test_a_shallow_copy_shares_what_attributes_hold(fitted):
    copied = shallow_copy(fitted)
    assert type(copied) is type(fitted)
    assert vars(copied).keys() == vars(fitted).keys()
    assert all(vars(copied)[name] is value for name, value in vars(fitted).items())


def test_the_network_of_an_estimator_shares_its_arrays_unless_the_dtype_differs(fitted):
    assert np.shares_memory(network_of(fitted).weights[0], fitted.coefs_[0])
    converted = network_of(fitted, dtype=np.dtype(np.float32))
    assert not np.shares_memory(converted.weights[0], fitted.coefs_[0])
    assert {p.dtype for p in converted.weights + converted.biases} == {np.dtype(np.float32)}


def test_a_state_takes_the_history_as_it_is_and_fills_in_a_column_that_is_missing(small, digits):
    clf = small().fit(*digits)
    assert state_of(clf).history is clf.history_
    del clf.history_["saturation"]
    assert np.isnan(state_of(clf).history["saturation"]).tolist() == [True] * 3
