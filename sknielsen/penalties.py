"""Penalties on the weights; biases are never penalised.

A penalty holds no strength of its own: the classifier scales it by lmbda / n, so that lmbda
means the same for every batch size. What ``lmbda="auto"`` stands for does not depend on the
penalty. Any object with the members below is a penalty. To add one to the package, list it in
``PENALTIES`` as well.

``value(weights)``
    Returns the penalty of a list of weight matrices, without the factor lmbda / n.
``shrink(w, rate)``
    Takes the penalty's own step on one matrix, with rate = eta lmbda / n. It may change w in
    place, and returns the factor by which w must still be multiplied. BP4 applies this factor at
    no cost.
"""

from collections.abc import Sequence

import numpy as np

from sknielsen._resolve import resolve
from sknielsen._sklearn import BaseEstimator
from sknielsen.core.contracts import Array, Penalty


class L2(BaseEstimator):
    """Weight decay: lmbda / (2 n) sum w^2 (Nielsen, ch. 3, eq. 85)."""

    def value(self, weights: Sequence[Array]) -> float:
        """Compute sum w^2 / 2."""
        return 0.5 * sum(float(np.square(w).sum()) for w in weights)

    def shrink(self, w: Array, rate: float) -> float:
        """Return 1 - rate, by which a step multiplies the weights (Nielsen, ch. 3, eq. 93).

        Raises
        ------
        ValueError
            If rate >= 1: such a step would flip the signs of the weights.
        """
        if rate >= 1:
            raise ValueError(
                f"eta * lmbda / n must be below 1 for the L2 penalty; got {rate:.6g}, with n the "
                "number of training rows (or `n_total`). Lower `eta` or `lmbda`."
            )
        return 1.0 - rate


class L1(BaseEstimator):
    """Sum of absolute weights: ``lmbda / n sum |w|`` (Nielsen, ch. 3, eq. 95)."""

    def value(self, weights: Sequence[Array]) -> float:
        """Compute ``sum |w|``."""
        return sum(float(np.abs(w).sum()) for w in weights)

    def shrink(self, w: Array, rate: float) -> float:
        """Subtract rate * sgn(w) in place, with sgn(0) = 0; return 1 (Nielsen, ch. 3, eq. 97)."""
        w -= w.dtype.type(rate) * np.sign(w)
        return 1.0


PENALTIES: dict[str, Penalty] = {"l1": L1(), "l2": L2()}


def resolve_penalty(value: object) -> Penalty:
    """Return the penalty that the parameter `penalty` stands for, by its name or as an object."""
    return resolve("penalty", value, PENALTIES, ("value", "shrink"))
