"""Initial weights and biases of one layer.

An initialisation is a function ``(rng, n_in, n_out) -> weights, biases`` of shapes (n_in, n_out)
and (n_out,). Draw float64 numbers, whatever the network's dtype, so that float32 and float64
networks start from the same numbers. To add one to the package, list it in ``INITIALIZERS`` as
well.
"""

import numpy as np

from sknielsen._resolve import resolve
from sknielsen.core.contracts import Array, Initializer


def scaled(rng: np.random.Generator, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Draw weights from N(0, 1 / n_in) and biases from N(0, 1) (Nielsen, ch. 3).

    The sum of n_in such weights has variance 1, so hidden neurons do not start saturated.
    """
    weights, biases = large(rng, n_in, n_out)
    return weights / n_in**0.5, biases


def large(rng: np.random.Generator, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Draw weights and biases from N(0, 1) (Nielsen, ch. 1), for comparison.

    With many inputs the hidden neurons start saturated.
    """
    return rng.standard_normal((n_in, n_out)), rng.standard_normal(n_out)


INITIALIZERS: dict[str, Initializer] = {"large": large, "scaled": scaled}


def resolve_initializer(value: object) -> Initializer:
    """Return the initializer that `weight_init` stands for, by its name or as a function."""
    return resolve("weight_init", value, INITIALIZERS)
