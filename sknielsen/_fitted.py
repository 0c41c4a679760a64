"""The state of a training as attributes of a fitted estimator, and back.

Which attributes hold which piece of state, `sknielsen.core.state.State` says; those below follow
from several pieces.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import nan
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from sknielsen.core.contracts import Array, Cost, FittedClassifier
from sknielsen.core.network import Network
from sknielsen.core.state import HISTORY, Best, State, pieces

T = TypeVar("T")

# All attributes that a fitted estimator may have.
FITTED = {f"{name}_" for _, name, _, fitted in pieces() if fitted} | {
    "n_iter_",
    "eta_",
    "best_score_",
    "best_epoch_",
    "out_activation_",
}


def attributes(state: State) -> dict[str, Any]:
    """Return the fitted attributes that a state comes to."""
    found: dict[str, Any] = {}
    for field, name, _, fitted in pieces():
        value = getattr(state, field)
        if fitted and value is not None:
            found[f"{name}_"] = value
    found["n_iter_"] = state.n_epochs
    if state.n_epochs:
        found["eta_"] = state.history["eta"][-1]
    if state.best.score > Best.score:
        found |= {"best_score_": state.best.score, "best_epoch_": state.best.epoch}
    if state.velocity is not None:  # lists, which skops knows how to save
        found["velocity_"] = [*state.velocity]
    return found


def state_of(estimator: object) -> State | None:
    """Return the state in which an estimator's last training ended; None if there was none."""
    given = vars(estimator)
    if "coefs_" not in given:
        return None
    state = State(
        **{
            field: given[f"{name}_"]
            for field, name, _, fitted in pieces()
            if fitted and f"{name}_" in given
        }
    )
    for column in HISTORY:  # one that came with a newer version
        state.history.setdefault(column, [nan] * state.n_epochs)
    dtype = np.asarray(state.weights[0]).dtype  # users may have put in arrays of another one
    state.weights, state.biases = _cast(state.weights, dtype), _cast(state.biases, dtype)
    if state.velocity is not None:
        weights, biases = state.velocity
        state.velocity = _cast(weights, dtype), _cast(biases, dtype)
    best = Best(given.get("best_score_", Best.score), given.get("best_epoch_", Best.epoch))
    return replace(state, best=best, first_epoch=state.n_epochs)  # a training to come


def _cast(arrays: Sequence[ArrayLike], dtype: np.dtype[Any]) -> list[Array]:
    return [np.asarray(array, dtype) for array in arrays]


def unfitted_copy(estimator: T) -> T:
    """Copy an estimator's attributes, without those that it has learned."""
    copied = shallow_copy(estimator)
    for name in FITTED:
        vars(copied).pop(name, None)
    return copied


def shallow_copy(estimator: T) -> T:
    """Copy an estimator's attributes, and nothing that they hold."""
    copied = object.__new__(type(estimator))
    vars(copied).update(vars(estimator))
    return copied


def network_of(
    estimator: FittedClassifier, cost: Cost | None = None, dtype: np.dtype[Any] | None = None
) -> Network:
    """Make the network of a fitted estimator, which may share its arrays.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier
    cost : Cost or None, default=None
        None for a network that only goes forward.
    dtype : dtype, default=None
        Of the network; None takes that of the estimator.
    """
    weights = [np.asarray(w, dtype, order="F") for w in estimator.coefs_]
    return Network(weights, [np.asarray(b, dtype) for b in estimator.intercepts_], cost)
