"""Checks of hyper-parameters, which return what a hyper-parameter stands for.

A name stands for the object of that name in a table; an object with the members that are needed
stands for itself. Anything else is an error that says what is accepted and what came.
"""

import functools
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, TypeVar, cast, overload

import numpy as np
from sklearn.utils import check_random_state

T = TypeVar("T")


def choices(table: Iterable[str]) -> list[str]:
    """List the names of a table for a message."""
    return sorted(table)


def resolve(
    name: str, value: object, table: Mapping[str, T], members: tuple[str, ...] = (), also: str = ""
) -> T:
    """Return the object that a hyper-parameter stands for.

    Parameters
    ----------
    name : str
        The parameter, for the message.
    value : object
        What the user gave.
    table : dict
        Objects by name.
    members : tuple of str
        Methods that an object must have. If there are none, it must be callable.
    also : str, default=""
        What else is accepted, for the message.

    Raises
    ------
    ValueError
        If a string names nothing in the table.
    TypeError
        If an object lacks one of the members, or is a class and not an instance.
    """
    if isinstance(value, str) and value in table:
        return table[value]
    needed = members or ("__call__",)
    fits = all(callable(getattr(value, member, None)) for member in needed)
    if isinstance(value, (str, type)) or not fits:
        names = [f"`{member}`" for member in members]
        contract = " and ".join([", ".join(names[:-1]), *names[-1:]])
        raise (ValueError if isinstance(value, str) else TypeError)(
            f"`{name}` must be one of {choices(table)}{also} or "
            f"{f'an object with {contract}' if members else 'a callable object'}; "
            f"got {value!r}{end_of_error(value, needed)}"
        )
    return cast("T", value)


def end_of_error(value: object, members: tuple[str, ...]) -> str:
    """End the sentence on a value that lacks members, which an instance of its class may have.

    A class method, such as ``ImageAugmenter.gentle``, counts as its class.
    """
    made = getattr(value, "__self__", value)
    fits = isinstance(made, type) and all(callable(getattr(made, m, None)) for m in members)
    return "; did you forget `()`?" if fits else "."


def scalar(value: Any) -> Any:
    """Return what an array without dimensions holds; of all else the value itself."""
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


# The classes of `numbers` are abstract, which mypy accepts as callables but not as types.
@overload
def check_number(  # type: ignore[overload-overlap]  # an Integral is a Real, an int no float
    name: str, value: object, kind: Callable[..., Integral], interval: str, also: str = ""
) -> int: ...
@overload
def check_number(
    name: str, value: object, kind: Callable[..., Real], interval: str, also: str = ""
) -> float: ...
def check_number(name: str, value: Any, kind: Any, interval: str, also: str = "") -> float:
    """Check the kind and the interval of a number; return it as an int or a float of Python.

    NumPy's small integers would overflow in arithmetic.

    Parameters
    ----------
    name : str
        The parameter, or a phrase that tells what it is, for the message.
    value : object
        What the user gave. An array without dimensions stands for its number.
    kind : {numbers.Integral, numbers.Real}
        Booleans count as neither.
    interval : str
        In the usual notation, such as ``"(0, 1]"`` or ``"[0, inf)"``.
    also : str, default=""
        What else is accepted, for the message.

    Returns
    -------
    int or float

    Raises
    ------
    TypeError
        If the value is not a number of this kind.
    ValueError
        If it lies outside of the interval, is NaN, or is larger than any float.
    """

    def expected() -> str:
        kinds = "an integer" if kind is Integral else "a number"
        subject = f"`{name}`" if name.isidentifier() else name
        return f"{subject} must be {kinds} in {interval}{also}"

    low, high = _ends(interval)
    value = scalar(value)
    if isinstance(value, (bool, np.timedelta64)) or not isinstance(value, kind):
        raise TypeError(f"{expected()}; got {value!r}.")
    try:
        if type(value) is int or type(value) is float:  # at once: most numbers are
            number = value if kind is Integral else float(value)
        else:
            with np.errstate(over="ignore"):
                number = int(value) if kind is Integral else float(value)
    except OverflowError:
        number = math.inf
    above = number >= low if interval[0] == "[" else number > low
    below = number <= high if interval[-1] == "]" else number < high
    if not (above and below):
        raise ValueError(f"{expected()}; got {shown(value)}.")
    return number


@functools.cache
def _ends(interval: str) -> tuple[float, float]:
    """Read the ends of an interval."""
    low, high = interval[1:-1].split(",")
    return float(low), float(high)


def random_state_of(random_state: Any) -> np.random.RandomState:
    """Return the generator that a `random_state` stands for.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        What the user gave.

    Raises
    ------
    TypeError
        If it is of another kind.
    ValueError
        If it is an integer that NumPy takes for no seed.
    """
    try:
        found: np.random.RandomState = check_random_state(scalar(random_state))
    except ValueError:
        kind = ValueError if isinstance(random_state, Integral) else TypeError
        raise kind(
            "`random_state` must be None, an integer in [0, 2**32 - 1] or a "
            f"numpy.random.RandomState; got {shown(random_state)}."
        ) from None
    return found


def check_image_shape(
    image_shape: Any,
    n_values: int,
    values: str,
    kinds: tuple[type[Collection[Any]], ...] = (tuple, list),
    wrong_kind: type[Exception] = TypeError,
) -> tuple[int, ...] | None:
    """Check the shape of images, each of which is a row of `n_values` values; return it.

    Parameters
    ----------
    image_shape : tuple (height, width), tuple (height, width, channels) or None
        What the user gave; None stands for a square.
    n_values : int
    values : str
        A phrase for the values, for the message.
    kinds : tuple of types, default=(tuple, list)
        Types that a shape may have.
    wrong_kind : type of exception, default=TypeError
        Error that is raised for other types.

    Returns
    -------
    tuple of int or None
        None if `image_shape` is None and the values do not make a square.

    Raises
    ------
    TypeError
        If `image_shape` is of another type, or holds anything but integers.
    ValueError
        If it does not hold two or three lengths above 0, does not fit the values, or looks like
        channels first.
    """
    if image_shape is None:
        side = math.isqrt(n_values)
        return (side, side) if side**2 == n_values else None
    if not isinstance(image_shape, kinds) or len(image_shape) not in (2, 3):
        raise (ValueError if isinstance(image_shape, kinds) else wrong_kind)(
            "`image_shape` must be None, (height, width) or (height, width, channels); got "
            f"{image_shape!r}."
        )
    name = "each length in `image_shape`"
    shape = tuple(check_number(name, length, Integral, "[1, inf)") for length in image_shape)
    if math.prod(shape) != n_values:
        raise ValueError(
            f"`image_shape` must fit {values}; got {image_shape!r}, which has {math.prod(shape)}."
        )
    if len(shape) == 3 and _is_channels_first(*shape):
        channels, height, width = shape
        raise ValueError(
            f"`image_shape` must be (height, width, channels); got {image_shape!r}, which looks "
            f"like channels first. Put them last, by X.reshape(-1, {channels}, {height}, {width})"
            ".transpose(0, 2, 3, 1).reshape(len(X), -1), and set `image_shape` to "
            f"({height}, {width}, {channels})."
        )
    return shape


def _is_channels_first(*shape: int) -> bool:
    """Tell whether this is the shape of grey, colour or RGBA images with channels in front."""
    (first, *frame), counts = shape, (1, 3, 4)
    alike = max(frame) <= 4 * min(frame)  # else it is a signal of several channels
    return first in counts and frame[1] not in counts and min(frame) > max(counts) and alike


def shown(number: object) -> str:
    """Return the digits of a number; of an integer that has hundreds, only its length."""
    if isinstance(number, int) and number.bit_length() > 64:
        return f"an integer of {number.bit_length()} bits"
    return repr(number)
