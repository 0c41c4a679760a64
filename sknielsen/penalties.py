"""Penalties on the weights; biases are never penalised.

A penalty holds no strength of its own: the classifier scales it by lmbda / n, so that lmbda
means the same for every batch size. To add one: write a class with the members below and list it
in ``PENALTIES``.

``value(weights)``
    The penalty of a list of weight matrices, before the factor lmbda / n.
``shrink(w, rate)``
    Takes the penalty's own step on one matrix, rate = eta lmbda / n. It may change w in place,
    and returns the factor by which w is still to be multiplied: that ride is free in BP4.
"""

import numpy as np
from sklearn.base import BaseEstimator


class L2(BaseEstimator):
    """Weight decay: lmbda / (2 n) sum w^2 (Nielsen, ch. 3, eq. 85)."""

    def value(self, weights):
        """Compute sum w^2 / 2."""
        return 0.5 * sum(float(np.vdot(w, w)) for w in weights)

    def shrink(self, w, rate):
        """Return 1 - rate, by which a step multiplies the weights (Nielsen, ch. 3, eq. 93).

        Raises
        ------
        ValueError
            If rate >= 1: such a step would turn the weights' signs.
        """
        if rate >= 1:
            raise ValueError(
                f"eta * lmbda / n must be below 1 for the L2 penalty; got {rate:.6g}, with n the "
                "number of training rows (or `n_total`). Lower `eta` or `lmbda`."
            )
        return 1.0 - rate


class L1(BaseEstimator):
    """Sum of absolute weights: ``lmbda / n sum |w|`` (Nielsen, ch. 3, eq. 95)."""

    def value(self, weights):
        """Compute ``sum |w|``."""
        return sum(float(np.abs(w).sum()) for w in weights)

    def shrink(self, w, rate):
        """Subtract rate * sgn(w) in place, sgn(0) = 0; return 1 (Nielsen, ch. 3, eq. 97)."""
        w -= w.dtype.type(rate) * np.sign(w)
        return 1.0


PENALTIES = {"l1": L1(), "l2": L2()}
