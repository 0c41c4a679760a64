"""What the tests on a cluster of two worker processes share."""

import dask.array as da
import numpy as np

MEMORY_LIMIT = 550 * 10**6  # of which a worker takes 230 MB before it holds any data
CHUNKS = (100, 7, 1, 120, 72)


def in_blocks(*arrays, chunks=CHUNKS):
    """Put arrays on the cluster, in blocks of unequal size."""
    return [
        da.from_array(array, chunks=(chunks, *array.shape[1:]), name=False) for array in arrays
    ]


def parameters_of(model):
    return model.coefs_ + model.intercepts_


def assert_same_weights(one, other, atol=1e-10):
    for a, b in zip(parameters_of(one), parameters_of(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)
