"""Matrix products that update their result in place.

SciPy's wrappers write into `c` only if it is Fortran-contiguous and of the routine's own dtype;
otherwise they work on a copy and the update is silently lost. `check_layout` makes sure, once
for each array. The wrappers are called with positional arguments, which saves 0.3 us a call.
"""

import functools
import threading
from contextlib import nullcontext
from itertools import pairwise

import numpy as np
from scipy.linalg import blas
from threadpoolctl import ThreadpoolController

GEMM = {np.dtype(np.float32): blas.sgemm, np.dtype(np.float64): blas.dgemm}
GEMV = {np.dtype(np.float32): blas.sgemv, np.dtype(np.float64): blas.dgemv}

# Below this many multiply-adds in a call, a second thread costs more than it brings.
_MULTIPLY_ADDS_FOR_THREADS = 5_000_000


def check_layout(array, dtype):
    """Raise ValueError unless BLAS can update `array` in place.

    Parameters
    ----------
    array : ndarray
        Must be Fortran-contiguous and of the given dtype. (A read-only one is written to all
        the same: SciPy does not look.)
    dtype : dtype
        float32 or float64.
    """
    if not (array.flags.f_contiguous and array.dtype == dtype):
        raise ValueError(
            f"BLAS updates an array in place only if it is Fortran-contiguous {dtype}; "
            f"got {array.dtype} with strides {array.strides}."
        )


@functools.cache
def _controller():
    """Scan the loaded libraries once in a process: the scan costs milliseconds."""
    return ThreadpoolController()


def _release_control():
    for library in _controller().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


class _SingleThread:
    """Hold BLAS at one thread while anybody is inside; the last to leave restores.

    Two overlapping limits of threadpoolctl could restore in the wrong order and leave the
    library at one thread for good. Since threadpoolctl 3.8 only the thread that set a limit may
    change it, so whoever leaves last has to take that right over.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._n_inside = 0

    def __enter__(self):
        with self._lock:
            if self._n_inside == 0:
                self._limit = _controller().limit(limits=1, user_api="blas")
            self._n_inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                _release_control()
                self._limit.restore_original_limits()
                _release_control()


_single_thread = _SingleThread()


def blas_threads(n_rows, layer_sizes):
    """Choose the number of BLAS threads by the size of the largest product.

    Parameters
    ----------
    n_rows : int
        Rows of a mini-batch.
    layer_sizes : sequence of int
        Units of every layer, the input layer included.

    Returns
    -------
    context manager
        Holds BLAS at one thread for products too small to be shared, else does nothing.
    """
    largest = n_rows * max(i * o for i, o in pairwise(layer_sizes))
    return _single_thread if largest < _MULTIPLY_ADDS_FOR_THREADS else nullcontext()
