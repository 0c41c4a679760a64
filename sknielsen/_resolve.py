"""Hyper-parameters checked and turned into what they stand for.

A name becomes the object of that name in its table; an object that keeps the contract stays
itself; anything else becomes an error that says what is accepted and what came.
"""

import math
from numbers import Integral

import numpy as np


def choices(table):
    """List the names of a table for a message."""
    return sorted(table)


def resolve(name, value, table, members=(), also=""):
    """Return the object that a hyper-parameter stands for.

    Parameters
    ----------
    name : str
        The parameter, for the message.
    value : str or object
        What the user gave.
    table : dict
        Objects by name.
    members : tuple of str
        Methods that an object must have; none for a function.
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
    fits = all(callable(getattr(value, member, None)) for member in members or ("__call__",))
    if isinstance(value, (str, type)) or not fits:
        names = [f"`{member}`" for member in members]
        contract = " and ".join([", ".join(names[:-1]), *names[-1:]])
        raise (ValueError if isinstance(value, str) else TypeError)(
            f"`{name}` must be one of {choices(table)}{also} or "
            f"{f'an object with {contract}' if members else 'a callable object'}; got {value!r}."
        )
    return value


def check_number(name, value, kind, interval, also=""):
    """Return a number of this kind in this interval as Python's own int or float.

    NumPy's small integers would overflow in arithmetic.

    Parameters
    ----------
    name : str
        The parameter, or a phrase that tells what it is, for the message.
    value : object
        What the user gave.
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
        If it is not a number of this kind.
    ValueError
        If it lies outside, is NaN, or is larger than any float.
    """
    low, high = map(float, interval[1:-1].split(","))
    kinds = "an integer" if kind is Integral else "a number"
    subject = f"`{name}`" if name.isidentifier() else name
    expected = f"{subject} must be {kinds} in {interval}{also}"
    if isinstance(value, (bool, np.timedelta64)) or not isinstance(value, kind):
        raise TypeError(f"{expected}; got {value!r}.")
    try:
        with np.errstate(over="ignore"):
            number = int(value) if kind is Integral else float(value)
    except OverflowError:
        number = math.inf
    above = number >= low if interval[0] == "[" else number > low
    below = number <= high if interval[-1] == "]" else number < high
    if not (above and below):
        raise ValueError(f"{expected}; got {shown(value)}.")
    return number


def check_image_shape(image_shape, n_values, values, kinds=(tuple, list), wrong_kind=TypeError):
    """Return the shape of images, each of which is a row of `n_values` values.

    Parameters
    ----------
    image_shape : tuple (height, width), tuple (height, width, channels) or None
        What the user gave; None stands for a square.
    n_values : int
    values : str
        A phrase for the values, for the message.
    kinds : tuple of types, default=(tuple, list)
        What a shape may be held in.
    wrong_kind : type of exception, default=TypeError
        Raised for anything else.

    Returns
    -------
    tuple of int or None
        None if a square is wanted and the values make none.

    Raises
    ------
    TypeError
        If it is of the wrong kind, or holds what is no integer.
    ValueError
        If it has not two or three lengths above 0, or does not fit the values.
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
    return shape


def shown(number):
    """Show a number, but not the hundreds of digits of an integer."""
    if isinstance(number, int) and number.bit_length() > 64:
        return f"an integer of {number.bit_length()} bits"
    return repr(number)
