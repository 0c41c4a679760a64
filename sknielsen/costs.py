"""Cost functions, each with the output activation that belongs to it.

A cost *has* an output activation, so that a pair that makes no sense cannot be written, and it
takes the weighted inputs z, so that it stays finite when an output saturates. Any object with
the members below is a cost. To add one to the package, list it in ``COSTS`` as well.

``activation(z)``
    Overwrites z with the outputs a. What it returns is not used. A function that takes z alone is
    ``activation = staticmethod(function)`` in the body of a class.
``value(z, y)``
    Returns the cost of each sample, shape (n_samples,). It leaves z as it is.
``delta(a, y, out)``
    Writes BP1, the error dC/dz of each sample and output, into `out`.
``exclusive``
    True where the outputs of one sample are one distribution (softmax); False if left out.

Everywhere z, a, y and out have shape (n_samples, n_outputs), and y holds zeros and ones.
"""

from typing import Any

import numpy as np

from sknielsen._resolve import resolve
from sknielsen._sklearn import BaseEstimator
from sknielsen.core.activations import log_softmax, sigmoid, softmax, softplus
from sknielsen.core.contracts import Array, Cost


class Quadratic(BaseEstimator):
    """Quadratic cost of sigmoid outputs: ``C = |a - y|^2 / 2`` (Nielsen, ch. 1, eq. 6).

    Its delta keeps the factor sigma'(z), which makes a saturated wrong output learn slowly.
    """

    activation: "staticmethod[[Array], Array]" = staticmethod(sigmoid)
    exclusive: bool = False

    def value(self, z: Array, y: Array) -> Array:
        """Compute ``|sigma(z) - y|^2 / 2`` for each sample."""
        cost: Array = 0.5 * np.square(sigmoid(z.copy()) - y).sum(axis=1)
        return cost

    def delta(self, a: Array, y: Array, out: Array) -> None:
        """Write BP1, delta = (a - y) * a (1 - a), into `out` (Nielsen, ch. 2, eq. 30)."""
        np.subtract(1, a, out)
        np.multiply(out, a, out)
        np.multiply(out, a - y, out)


class CrossEntropy(BaseEstimator):
    """Cross-entropy of sigmoid outputs (Nielsen, ch. 3, eq. 63).

    C = -sum_k [y_k ln a_k + (1 - y_k) ln(1 - a_k)]. The factor sigma'(z) cancels: however
    badly an output is saturated, it learns at the pace of its error.
    """

    activation: "staticmethod[[Array], Array]" = staticmethod(sigmoid)
    exclusive: bool = False

    def value(self, z: Array, y: Array) -> Array:
        """Compute sum_k [ln(1 + e^z_k) - y_k z_k] for each sample, finite for every finite z."""
        cost: Array = (softplus(z) - y * z).sum(axis=1)
        return cost

    def delta(self, a: Array, y: Array, out: Array) -> None:
        """Write BP1, delta = a - y, into `out` (Nielsen, ch. 3, eq. 66)."""
        np.subtract(a, y, out)


class LogLikelihood(BaseEstimator):
    """Log-likelihood of softmax outputs: C = -ln a_y (Nielsen, ch. 3, eq. 80)."""

    activation: "staticmethod[[Array], Array]" = staticmethod(softmax)
    exclusive: bool = True

    def value(self, z: Array, y: Array) -> Array:
        """Compute ln(sum_k e^z_k) - z_y for each sample, finite for every finite z."""
        cost: Array = -(y * log_softmax(z)).sum(axis=1)
        return cost

    def delta(self, a: Array, y: Array, out: Array) -> None:
        """Write BP1, delta = a - y, into `out` (Nielsen, ch. 3, eq. 81)."""
        np.subtract(a, y, out)


COSTS: dict[str, Cost] = {
    "cross_entropy": CrossEntropy(),
    "log_likelihood": LogLikelihood(),
    "quadratic": Quadratic(),
}


def resolve_cost(value: object) -> Cost:
    """Return the cost that the parameter `cost` stands for, by its name or as an object."""
    return resolve("cost", value, COSTS, ("activation", "value", "delta"))


def check_cost(cost: Cost, n_outputs: int, dtype: Any) -> None:
    """Try the members of a cost that is not the package's own on a few outputs.

    Parameters
    ----------
    cost : Cost
    n_outputs : int
    dtype : dtype
        That of the network.

    Raises
    ------
    ValueError
        If one of them does not write or return what it should, or overwrites what it may not.
    TypeError
        If its activation does not take z alone.
    """
    if is_own(cost):
        return
    m = 3 if n_outputs == 2 else 2  # so that a sum over the wrong axis has another shape
    z = np.asfortranarray(np.linspace(-1, 1, m * n_outputs, dtype=dtype).reshape(m, n_outputs))
    y = np.zeros_like(z)
    y[range(m), np.arange(m) % n_outputs] = 1
    a, kept, out = z.copy(order="F"), z.copy(order="F"), np.full_like(z, np.nan)
    with np.errstate(all="ignore"):
        try:
            returned: Any = cost.activation(a)
        except TypeError as error:
            if "positional argument" not in str(error):
                raise
            raise TypeError(
                f"`activation` of the cost must take z alone; {error}. In the body of a class a "
                "function becomes a method: write activation = staticmethod(function)."
            ) from error
        if returned is not None and np.array_equal(a, z) and not np.array_equal(returned, a):
            raise ValueError(
                "`activation` of the cost must overwrite z with the outputs; it left z as it was "
                "and returned the outputs."
            )
        shape = np.shape(cost.value(kept, y))
        cost.delta(a, y, out)
    if not np.array_equal(kept, z):
        raise ValueError(
            "`value` of the cost must leave z as it is; it overwrote z: copy z first."
        )
    if shape != (m,):
        raise ValueError(
            f"`value` of the cost must return one number for each row, shape ({m},) for z of "
            f"shape {z.shape}; got shape {shape}."
        )
    if np.isnan(out).any():
        raise ValueError(
            "`delta(a, y, out)` of the cost must write the error of each row and output into "
            "`out`, as out[...] = a - y does; it left numbers unwritten, or wrote NaN."
        )


def is_own(cost: Cost) -> bool:
    """Tell whether a cost is one of the package's."""
    return type(cost) in {type(own) for own in COSTS.values()}


def is_exclusive(cost: Cost) -> bool:
    """Tell whether the outputs of one sample are one distribution under this cost."""
    return bool(getattr(cost, "exclusive", False))
