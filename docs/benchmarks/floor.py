"""The floor of a training step: its calls of BLAS, and nothing else."""

from itertools import pairwise

import numpy as np
from scipy.linalg.blas import sgemm, sgemv

STEP = 0.05  # of errors near zero: the weights stay as they are, and nothing overflows


def blas_calls(sizes, n_rows):
    """Make a function that makes the calls of BLAS of a training step on some rows.

    For each layer one product goes forward and one updates the weights, a matrix times a vector
    updates the biases, and all layers but the first need one product to go backward: what
    backpropagation by mini-batches cannot do without. Biases, activations, errors, gathering of
    rows and Python are left out.

    Parameters
    ----------
    sizes : sequence of int
        Units of every layer, the input layer included.
    n_rows : int
        Rows of a mini-batch, all float32.
    """
    rng = np.random.default_rng(0)

    def normal(*shape):
        return np.asfortranarray(rng.normal(0, 0.1, shape), np.float32)

    weights = [normal(*shape) for shape in pairwise(sizes)]
    biases = [normal(size) for size in sizes[1:]]
    layers = [normal(n_rows, size) for size in sizes[1:]]
    deltas = [normal(n_rows, size) * np.float32(1e-12) for size in sizes[1:]]
    ones = np.ones(n_rows, np.float32)

    def step(x):
        a = x.T
        for layer, (w, z) in enumerate(zip(weights, layers)):
            sgemm(1.0, a, w, 0.0, z, layer == 0, 0, 1)
            a = z
        for layer in range(len(weights) - 1, 0, -1):
            sgemm(1.0, deltas[layer], weights[layer], 0.0, deltas[layer - 1], 0, 1, 1)
        a = x.T
        for layer, (w, b, delta) in enumerate(zip(weights, biases, deltas)):
            sgemm(-STEP, a, delta, 1.0, w, layer > 0, 0, 1)
            sgemv(-STEP, delta, ones, 1.0, b, 0, 1, 0, 1, 1, 1)
            a = layers[layer]

    return step
