"""Initial weights and biases of one layer.

To add one: a function ``(rng, n_in, n_out) -> weights, biases`` of shapes (n_in, n_out) and
(n_out,), and a line in ``INITIALIZERS``. The draws are float64 whatever the network's dtype, so
that float32 and float64 networks start from the same numbers.
"""


def scaled(rng, n_in, n_out):
    """Draw weights from N(0, 1 / n_in) and biases from N(0, 1) (Nielsen, ch. 3).

    The sum of n_in such terms has a variance of order one, so hidden neurons do not start
    saturated.
    """
    weights, biases = large(rng, n_in, n_out)
    return weights / n_in**0.5, biases


def large(rng, n_in, n_out):
    """Draw weights and biases from N(0, 1) (Nielsen, ch. 1), for comparison: it saturates."""
    return rng.standard_normal((n_in, n_out)), rng.standard_normal(n_out)


INITIALIZERS = {"large": large, "scaled": scaled}
