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

# Up to the first number of multiply-adds in a call OpenBLAS keeps to one thread by itself; up to
# the second, another thread costs more than it brings, and many times more on a busy machine.
_ONE_THREAD_ANYWAY, _ONE_THREAD_IS_FASTER = 250_000, 5_000_000


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


def _set_threads(counts):
    """Set the number of threads of each library.

    Since threadpoolctl 3.8 only the thread that was the first to do so may; whoever comes takes
    that right over, and gives it up again.
    """
    for take in (True, False):
        for library, n_threads in counts:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)
            if take:
                library.set_num_threads(n_threads)


class _SingleThread:
    """Hold BLAS at one thread while anybody is inside; the last to leave restores.

    Two overlapping limits of threadpoolctl could restore in the wrong order and leave the
    library at one thread for good. So could Ctrl-C half way; hence the second attempts.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._n_inside = 0

    def __enter__(self):
        with self._lock:
            if self._n_inside == 0:
                libraries = _controller().lib_controllers
                self._before = [
                    (lib, lib.num_threads) for lib in libraries if lib.user_api == "blas"
                ]
                try:
                    _set_threads([(library, 1) for library, _ in self._before])
                except BaseException:  # Ctrl-C too; it is raised again
                    _set_threads(self._before)
                    raise
            self._n_inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                try:
                    _set_threads(self._before)
                except BaseException:  # Ctrl-C too; it is raised again
                    _set_threads(self._before)
                    raise


_single_thread = _SingleThread()


def blas_threads(n_rows, layer_sizes, spare_a_core=False):
    """Choose the number of BLAS threads by the size of the largest product.

    Parameters
    ----------
    n_rows : int
        Rows of a mini-batch.
    layer_sizes : sequence of int
        Units of every layer, the input layer included.
    spare_a_core : bool, default=False
        Whether another thread of ours is busy meanwhile, so that BLAS gets one only.

    Returns
    -------
    context manager
        Holds BLAS at one thread for products too small to be shared, else does nothing.
    """
    largest = n_rows * max(i * o for i, o in pairwise(layer_sizes))
    limit = largest > _ONE_THREAD_ANYWAY and (spare_a_core or largest < _ONE_THREAD_IS_FASTER)
    return _single_thread if limit else nullcontext()
