"""What parameters and data are known by, so that a resumed training can tell whether they changed.

To describe a kind of object: a function, registered with `describe`.
"""

import functools
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sknielsen._inputs import Inputs
from sknielsen._parameters import CHECKS, Parameters
from sknielsen.core.contracts import Array
from sknielsen.core.data import digest
from sknielsen.core.state import Best, State

# Parameters that do not change what an epoch does.
_FREE = {"client", "max_iter", "on_interrupt", "verbose", "warm_start"}
_LARGE = 1000  # numbers of an array that is known by its digest


@dataclass(frozen=True)
class Identity:
    """What a training was made of.

    Parameters
    ----------
    parameters : dict
        Descriptions by name, as JSON gives them back.
    data : dict of str or None
        A digest of each array given; None of what was not.
    source : str, default=""
        The file that it was read from, for messages.
    """

    parameters: dict[str, Any]
    data: dict[str, str | None]
    source: str = ""


def identify(estimator: Any, inputs: Inputs) -> Identity:
    """Describe the parameters of an estimator and the data that it is given."""
    return Identity(parameters_of(estimator), inputs.digests)


def parameters_of(estimator: Any) -> dict[str, Any]:
    """Describe the parameters that training depends on, as JSON gives them back."""
    names = sorted({*CHECKS, *estimator.get_params(deep=False)})
    described = {}
    for name in names:
        if name in _FREE:
            continue
        value = getattr(estimator, name)
        try:
            described[name] = describe(value)
        except RecursionError:  # an object that holds itself
            described[name] = describe(type(value))
    return described


@functools.singledispatch
def describe(value: Any) -> Any:
    """Describe a value by what JSON knows; objects by their class and parameters."""
    if hasattr(value, "get_params"):
        return [describe(type(value)), describe(value.get_params(deep=False))]
    if hasattr(value, "__qualname__"):  # a function
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "__dict__"):
        return [describe(type(value)), describe(vars(value))]
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(value))


@describe.register(bool)
@describe.register(int)
@describe.register(str)
@describe.register(types.NoneType)
def _as_it_is(value: Any) -> Any:
    return value


@describe.register(float)
def _float(value: float) -> float | str:
    return value if np.isfinite(value) else repr(value)


@describe.register(np.generic)
def _scalar(value: np.generic) -> Any:
    item = value.item()
    return repr(item) if isinstance(item, np.generic) else describe(item)  # a long double


@describe.register(type)
def _class(value: type) -> str:
    return f"{value.__module__}.{value.__qualname__}"


@describe.register(list)
@describe.register(tuple)
def _sequence(value: Any) -> list[Any]:
    return [describe(item) for item in value]


@describe.register(np.ndarray)
def _array(value: Array) -> list[Any]:
    if value.size > _LARGE and value.dtype != np.dtype(object):
        return ["ndarray", digest(value)]
    return _sequence(value)


@describe.register(set)
@describe.register(frozenset)
def _set(value: Any) -> list[Any]:
    return sorted(map(describe, value), key=repr)


@describe.register(dict)
def _dict(value: dict[Any, Any]) -> list[Any]:
    pairs = ([describe(key), describe(item)] for key, item in value.items())
    return sorted(pairs, key=repr)


@describe.register(functools.partial)
def _partial(value: functools.partial[Any]) -> list[Any]:
    return ["functools.partial", *map(describe, (value.func, value.args, value.keywords))]


@describe.register(types.MethodType)
def _method(value: types.MethodType) -> list[Any]:
    return [describe(value.__func__), describe(value.__self__)]


def check_same_parameters(
    saved: Mapping[str, Any], given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> None:
    """Raise ValueError if a parameter is not as it was.

    Parameters
    ----------
    saved, given : mapping
        Descriptions by name.
    defaults : mapping
        Values that stand for what `saved` lacks: a parameter that came with a newer version was
        then what its default is.
    """
    then = {**{name: describe(defaults[name]) for name in given if name in defaults}, **saved}
    names = [name for name in {**then, **given} if then.get(name) != given.get(name)]
    if names:
        changes = "; ".join(
            f"{name}={then.get(name)!r} in the checkpoint, {given.get(name)!r} now"
            for name in names
        )
        raise ValueError(f"The checkpoint was written with other parameters: {changes}.")


def check_same(
    saved: Identity | None, start: State | None, inputs: Inputs, parameters: Parameters
) -> None:
    """Raise ValueError if data or parameters are not those that were saved, if any were."""
    if saved and start:
        _check_data(saved, start, inputs)
        _check_course(saved, start, parameters)


def _check_data(saved: Identity, start: State, inputs: Inputs) -> None:
    """Raise ValueError if rows, labels or weights are not as they were.

    Parameters
    ----------
    saved : Identity
    start : State
        The state that was saved with it.
    inputs : Inputs
        What is given now.
    """
    names = [name for name, digest in inputs.digests.items() if saved.data[name] != digest]
    if names:
        raise ValueError(
            "The checkpoint was written with other data: "
            + ", ".join(f"`{name}`" for name in names)
            + " must be what that fit was given, rows in the same order (of Dask, in the same "
            "blocks)."
        )
    nothing = np.empty(0, int)
    then, now = (nothing if x is None else x for x in (start.held_out, inputs.held_out))
    if not np.array_equal(then, now):
        raise ValueError(
            "The rows that fit splits off are no longer those of the checkpoint; NumPy may "
            "be of another version."
        )
    costs = start.history["validation_cost"][start.first_epoch :]
    if inputs.validation is None and not np.isnan(costs).all():
        raise ValueError(
            f"{saved.source} is damaged: it has figures of validation data, but there are no such "
            "data."
        )


def _check_course(saved: Identity, start: State, parameters: Parameters) -> None:
    """Raise ValueError if a saved state lacks what early stopping and momentum leave in it."""
    has_begun = start.best.score > Best.score
    expected = parameters.patience is not None and has_begun, parameters.momentum > 0
    if (bool(start.best.weights), start.velocity is not None) != expected:
        raise ValueError(
            f"{saved.source} is damaged: early stopping and momentum leave something in a "
            "checkpoint that is missing, or something is there that they would have left."
        )
