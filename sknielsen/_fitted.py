"""The state of a training as attributes of a fitted estimator, and back.

Which attributes hold which piece of state, `sknielsen.core.state.State` says; those below follow
from several pieces.
"""

from dataclasses import replace
from math import nan
from typing import Any, TypeVar

import numpy as np

from sknielsen.core.contracts import Array, Cost, FittedClassifier
from sknielsen.core.network import Network, Parts
from sknielsen.core.state import HISTORY, Best, State, pieces

T = TypeVar("T")

_PARTS = "coefs_", "intercepts_"

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
    learned = {
        field: given[f"{name}_"]
        for field, name, _, fitted in pieces()
        if fitted and f"{name}_" in given
    }
    learned["weights"], learned["biases"] = parts_of(estimator)
    if learned.get("velocity") is not None:
        learned["velocity"] = _velocity(learned["velocity"], learned["weights"], learned["biases"])
    state = State(**learned)
    for column in HISTORY:
        if column not in state.history:  # it came with a newer version
            state.history[column] = [nan] * state.n_epochs
    best = Best(given.get("best_score_", Best.score), given.get("best_epoch_", Best.epoch))
    if best.epoch:
        best = replace(best, cost=state.history["validation_cost"][best.epoch - 1])
    return replace(state, best=best, first_epoch=state.n_epochs)  # a training to come


def strength_of(estimator: Any) -> float:
    """Return the strength of the penalty in the last training of an estimator.

    A model that was saved before there was a `lmbda_` was trained with its `lmbda`.
    """
    given = vars(estimator)
    return float(given.get("lmbda_", given["lmbda"]))


def unfitted_copy(estimator: T) -> T:
    """Copy an estimator's attributes, without those that it has learned."""
    copied = shallow_copy(estimator)
    for name in FITTED:
        vars(copied).pop(name, None)
    return copied


def probe_of(estimator: T, start: State | None) -> T:
    """Copy an estimator as of the state that training continues from.

    Checks of the rows write names and number of features to it, and leave the original alone.
    """
    probe = unfitted_copy(estimator)
    vars(probe).update(attributes(start) if start else {})
    return probe


def shallow_copy(estimator: T) -> T:
    """Copy an estimator's attributes, and nothing that they hold."""
    copied = object.__new__(type(estimator))
    vars(copied).update(vars(estimator))
    return copied


def parts_of(estimator: Any) -> Parts:
    """Return weights and biases as a network takes them, whoever has put them there.

    In one dtype, float32 if all fit into it and else float64, and in Fortran order: arrays that
    are so already are returned themselves.

    Raises
    ------
    TypeError, ValueError
        If what somebody has set makes no network of the features and the classes.
    """
    weights, biases = (_numbers(name, getattr(estimator, name)) for name in _PARTS)
    if len(weights) != len(biases) or not weights:
        raise ValueError(
            "`coefs_` and `intercepts_` must hold an array for each layer; got "
            f"{len(weights)} and {len(biases)}."
        )
    n_in = getattr(estimator, "n_features_in_", None)
    for layer, (w, b) in enumerate(zip(weights, biases)):
        if w.ndim != 2 or n_in not in (None, len(w)):
            rows = "n_features_in_" if layer == 0 else "units of the layer before"
            raise ValueError(
                f"`coefs_[{layer}]` must have shape ({n_in}, n_units), with a row for each of the "
                f"{rows}; got {w.shape}."
            )
        n_in = w.shape[1]
        if b.shape != (n_in,):
            raise ValueError(
                f"`intercepts_[{layer}]` must have shape ({n_in},), as `coefs_[{layer}]` has as "
                f"many columns; got {b.shape}."
            )
    n_classes = len(estimator.classes_)
    if n_in != n_classes and not (n_in == 1 and n_classes == 2):
        raise ValueError(
            f"`coefs_[{len(weights) - 1}]` must have a column for each of the {n_classes} "
            f"classes; got {n_in}."
        )
    return _in_one_dtype(weights, biases)


def _numbers(name: str, arrays: Any) -> list[Array]:
    """Return arrays as they are, or raise TypeError if they hold no real numbers."""
    found = [np.asarray(array) for array in arrays]
    for layer, array in enumerate(found):
        if array.dtype.kind not in "biuf":
            raise TypeError(f"`{name}[{layer}]` must hold real numbers; got {array.dtype}.")
    return found


def _in_one_dtype(weights: list[Array], biases: list[Array], dtype: Any = None) -> Parts:
    """Cast arrays that have another dtype or order than the network needs."""
    if dtype is None:
        kinds = {array.dtype for array in (*weights, *biases)}
        fit = np.result_type(np.float32, *kinds) == np.float32
        dtype = np.dtype(np.float32 if fit else np.float64)
    with np.errstate(over="ignore"):  # what becomes infinite is refused where it is used
        w, b = ([np.asarray(a, dtype, order="F") for a in some] for some in (weights, biases))
    return w, b


def _velocity(velocity: Any, weights: list[Array], biases: list[Array]) -> Parts:
    """Return a velocity as weights and biases take it."""
    w, b = (_numbers(f"velocity_[{i}]", arrays) for i, arrays in enumerate(velocity))
    shapes, expected = [a.shape for a in (*w, *b)], [a.shape for a in (*weights, *biases)]
    if shapes != expected:
        raise ValueError(
            f"`velocity_` must hold arrays of the shapes of `coefs_` and `intercepts_`, "
            f"{expected}; got {shapes}."
        )
    return _in_one_dtype(w, b, weights[0].dtype)


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
    weights, biases = parts_of(estimator)
    if dtype is not None:
        weights, biases = _in_one_dtype(weights, biases, dtype)
    return Network(weights, biases, cost)
