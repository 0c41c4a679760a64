"""Matrix products that update their result in place.

SciPy's wrappers write into `c` only if it is Fortran-contiguous and of the routine's own dtype;
otherwise they work on a copy and the update is silently lost. `check_layout` makes sure, once
for each array. The wrappers are called with positional arguments, which saves 0.3 us a call.
"""

import functools
import os
import threading
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
    """Scan the loaded libraries once in a process: the scan costs milliseconds.

    In a thread, which Ctrl-C does not reach: older threadpoolctl scans by a function that C
    calls, where Python prints an exception and goes on.
    """
    found = []
    scan = threading.Thread(target=lambda: found.append(ThreadpoolController()))
    scan.start()
    scan.join()
    return found[0]


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


class _OneThread:
    """Call functions while BLAS is held at one thread; the last call to end restores.

    Two overlapping limits of threadpoolctl could restore in the wrong order and leave the
    library at one thread for good. Ctrl-C may come between any two steps here, hence nothing is
    counted: a call is in progress as long as its lock is held, and a ``with`` statement
    releases a lock whatever happens, since both of its ends are C. `_settle` makes the threads
    what the calls in progress ask for, so that whoever comes next mends what was cut short.
    """

    def __init__(self):
        self._calls = []  # lock and thread of each
        self._before = None  # libraries and their numbers of threads; None if nothing was set
        self._is_set = False
        self._lock = threading.RLock()  # a signal handler may come here while its thread is here
        if hasattr(os, "register_at_fork"):  # else there is no fork
            os.register_at_fork(  # functions of C, which Ctrl-C cannot interrupt
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._begin_in_child,
            )

    def __call__(self, function, *args):
        """Return ``function(*args)``."""
        call = threading.Lock()
        try:
            try:
                with call:
                    self._settle((call, threading.get_ident()))
                    return function(*args)
            finally:
                self._settle()
        except BaseException:  # Ctrl-C in `_settle`, for one; it is raised again
            self._settle()
            raise

    def _settle(self, *new_call):
        """Hold BLAS at one thread if a call is in progress, else restore it."""
        with self._lock:
            self._calls = [pair for pair in self._calls if pair[0].locked()]
            self._calls += new_call
            if self._calls and not self._is_set:
                if self._before is None:
                    libraries = _controller().lib_controllers
                    counts = [
                        (lib, lib.num_threads) for lib in libraries if lib.user_api == "blas"
                    ]
                    if self._before is None:  # a signal handler has set none meanwhile
                        self._before = counts
                _set_threads([(library, 1) for library, _ in self._before])
                self._is_set = True
            elif not self._calls and self._before is not None:
                self._is_set = False
                _set_threads(self._before)
                self._before = None

    def _begin_in_child(self):
        """Forget, in a forked process, the calls of the threads that it has not got.

        The lock was held while forking: no other thread was inside, nor in threadpoolctl for us.
        """
        self._lock._at_fork_reinit()  # as Python's own locks do
        self._calls = [pair for pair in self._calls if pair[1] == threading.get_ident()]
        self._settle()


_one_thread = _OneThread()


def _call(function, *args):
    return function(*args)


def blas_threads(n_rows, layer_sizes, spare_a_core=False):
    """Choose how to call functions that multiply: on how many threads of BLAS.

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
    callable
        ``run(function, *args)`` returns ``function(*args)``, with BLAS held at one thread where
        the products are too small to be shared.
    """
    largest = n_rows * max(i * o for i, o in pairwise(layer_sizes))
    limit = largest > _ONE_THREAD_ANYWAY and (spare_a_core or largest < _ONE_THREAD_IS_FASTER)
    return _one_thread if limit else _call
