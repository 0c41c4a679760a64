"""Output and hidden activations, computed in place on the weighted inputs z.

The hidden layers are always sigmoid; the output layer takes the activation of its cost. To add
one: a function that overwrites z with the activations and returns it; where its logarithm needs
care in the tails, a line in `log_outputs`.
"""

import numpy as np
from scipy.special import log_expit, log_softmax

# Arrays of no dimension, because NumPy takes 0.3 us longer to convert a Python float: a third of
# the time of such a call on a mini-batch of ten.
_HALF = {np.dtype(t): np.array(0.5, t) for t in (np.float32, np.float64)}
_ONE = {np.dtype(t): np.array(1.0, t) for t in (np.float32, np.float64)}


def sigmoid(z):
    """Compute sigma(z) = 1 / (1 + exp(-z)) in place (Nielsen, ch. 1, eq. 3).

    Uses sigma(z) = (1 + tanh(z / 2)) / 2, which cannot overflow and takes one transcendental
    function.

    Parameters
    ----------
    z : ndarray of float32 or float64
        Weighted inputs, any shape. Overwritten.

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


def softmax(z):
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


def multiply_by_sigmoid_prime(delta, a, keep, scratch):
    """Multiply an error by sigma'(z), in place, from the activations a = sigma(z).

    sigma'(z) = a (1 - a). Where dropout has masked and scaled the activations, a' = a * mask /
    keep, the error must pass the same mask: sigma'(z) * mask / keep = a' (1 - keep a').

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


def log_outputs(activation, z, complement=False):
    """Compute ln a, or ln(1 - a), from the weighted inputs, finite in the tails.

    Parameters
    ----------
    activation : callable
        `sigmoid` and `softmax` are computed stably from z. Of any other function, outputs below
        the smallest normal number are taken as that number.
    z : ndarray of shape (n_samples, n_units)
        Weighted inputs. Not changed.
    complement : bool, default=False
        Whether to compute ln(1 - a); not for softmax.

    Returns
    -------
    ndarray of shape (n_samples, n_units)
    """
    if activation is softmax:
        return log_softmax(z, axis=1)
    if activation is sigmoid:
        return log_expit(-z if complement else z)
    a = activation(z.copy())
    return np.log(np.maximum(1 - a if complement else a, np.finfo(a.dtype).tiny))


ACTIVATIONS = {"sigmoid": sigmoid, "softmax": softmax}
