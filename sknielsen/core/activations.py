"""Output and hidden activations, computed in place on the weighted inputs z.

The hidden layers are always sigmoid; the output layer has the activation of its cost, which is any
function that overwrites z with the activations. To add one to the package, list it in
``ACTIVATIONS`` as well, and in `log_outputs` if its logarithm needs care in the tails.
"""

from math import sqrt
from typing import Any

import numpy as np

from sknielsen.core.contracts import Activation, Array

# Arrays of no dimension: a Python float, which NumPy must convert, would cost 0.3 us more, a third
# of the time of such a call on a mini-batch of ten.
_DTYPES: list[np.dtype[Any]] = [np.dtype(np.float32), np.dtype(np.float64)]
_HALF: dict[np.dtype[Any], Array] = {dtype: np.array(0.5, dtype) for dtype in _DTYPES}
_ONE: dict[np.dtype[Any], Array] = {dtype: np.array(1.0, dtype) for dtype in _DTYPES}

SATURATED_SLOPE = 0.01  # sigma'(z) below it: a neuron learns at less than 1/25 of its best
# a (1 - a) is below it outside of these bounds, which is |z| > 4.585.
_LOW = 0.5 - sqrt(0.25 - SATURATED_SLOPE)
_HIGH = 0.5 + sqrt(0.25 - SATURATED_SLOPE)


def sigmoid(z: Array) -> Array:
    """Compute sigma(z) = 1 / (1 + exp(-z)) in place (Nielsen, ch. 1, eq. 3).

    Uses sigma(z) = (1 + tanh(z / 2)) / 2, which cannot overflow and calls one transcendental
    function only.

    Parameters
    ----------
    z : ndarray of float32 or float64
        Weighted inputs of any shape. Overwritten.

    Returns
    -------
    ndarray
        The same array.
    """
    half = _HALF[z.dtype]
    np.multiply(z, half, z)
    np.tanh(z, z)
    np.multiply(z, half, z)
    return np.add(z, half, z)


def count_saturated(a: Array) -> int:
    """Count the sigmoid activations a with sigma'(z) = a (1 - a) < SATURATED_SLOPE."""
    return int(np.count_nonzero(a < _LOW)) + int(np.count_nonzero(a > _HIGH))


def softplus(z: Array) -> Array:
    """Compute ln(1 + e^z) in a new array, finite for every finite z.

    Uses max(z, 0) + ln(1 + e^-|z|), of which NumPy computes many elements at a time; it computes
    `numpy.logaddexp` one by one.
    """
    result = np.abs(z)
    np.negative(result, result)
    np.exp(result, result)
    np.log1p(result, result)
    result += np.maximum(z, 0)
    return result


def softmax(z: Array) -> Array:
    """Compute exp(z_k) / sum_j exp(z_j) for each row, in place (Nielsen, ch. 3, eq. 78).

    Parameters
    ----------
    z : ndarray of shape (n_samples, n_units)
        Weighted inputs. Overwritten.

    Returns
    -------
    ndarray
        The same array.
    """
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, z)
    z /= z.sum(axis=1, keepdims=True)
    return z


def log_softmax(z: Array) -> Array:
    """Compute ln softmax(z) of each row in a new array.

    The function of this name in SciPy does the same, but takes 30 us to begin. In Fortran order
    NumPy reduces short rows ten times as fast.
    """
    z = np.asfortranarray(z)
    log_a: Array = z - z.max(axis=1, keepdims=True)
    log_a -= np.log(np.exp(log_a).sum(axis=1, keepdims=True))
    return log_a


def multiply_by_sigmoid_prime(delta: Array, a: Array, keep: float, scratch: Array) -> None:
    """Multiply an error by sigma'(z), in place, from the activations a = sigma(z).

    sigma'(z) = a (1 - a). Dropout turns the activations into a' = a * mask / keep, and the error
    must pass the same mask: sigma'(z) * mask / keep = a' (1 - keep a').

    Parameters
    ----------
    delta : ndarray of shape (n_samples, n_units)
        Error with respect to the activations. Overwritten.
    a : ndarray of shape (n_samples, n_units)
        Activations as the forward pass left them.
    keep : float
        Probability with which dropout keeps a unit; 1.0 without dropout.
    scratch : ndarray of shape (n_samples, n_units)
        Overwritten.
    """
    np.multiply(delta, a, delta)
    if keep < 1.0:
        a = np.multiply(a, keep, scratch)
    np.subtract(_ONE[a.dtype], a, scratch)
    np.multiply(delta, scratch, delta)


def log_outputs(activation: Activation, z: Array, complement: bool = False) -> Array:
    """Compute ln a, or ln(1 - a), from the weighted inputs, finite in the tails.

    Parameters
    ----------
    activation : callable
        Overwrites z with the outputs a. For `sigmoid` and `softmax` the logarithm comes from z
        itself, which is accurate in the tails; for any other function it comes from a, where
        outputs below the smallest normal number count as that number.
    z : ndarray of shape (n_samples, n_units)
        Weighted inputs. Not changed.
    complement : bool, default=False
        Whether to compute ln(1 - a); not for softmax.

    Returns
    -------
    ndarray of shape (n_samples, n_units)
    """
    log_a: Array
    if activation is softmax:
        log_a = log_softmax(z)
    elif activation is sigmoid:
        log_a = -softplus(z if complement else -z)
    else:
        a = z.copy()
        activation(a)
        log_a = np.log(np.maximum(1 - a if complement else a, np.finfo(a.dtype).tiny))
    return log_a


ACTIVATIONS: dict[str, Activation] = {"sigmoid": sigmoid, "softmax": softmax}
