"""Matrix products that update their result in place.

SciPy's wrappers write into the result's array only if it is Fortran-contiguous and of the
routine's own dtype; otherwise they write into a copy and the update is silently lost.
`check_layout` makes sure, once for each array.

``GEMM[dtype](alpha, a, b, beta, c, trans_a, trans_b, overwrite_c)``
    c <- alpha a b + beta c
``GEMV[dtype](alpha, a, x, beta, y, offset_x, stride_x, offset_y, stride_y, trans, overwrite_y)``
    y <- alpha a x + beta y

Call them with positional arguments, which saves 0.3 us a call, and with the names that the flags
have here: ``gemv(1.0, a, x, 0.0, y, OFFSET, STRIDE, OFFSET, STRIDE, TRANSPOSED, IN_PLACE)``.
"""

import functools
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import numpy as np
from scipy.linalg import blas
from threadpoolctl import ThreadpoolController

from sknielsen.core.contracts import Array

Routine: TypeAlias = Callable[..., Array]

GEMM: dict[np.dtype[Any], Routine] = {
    np.dtype(np.float32): blas.sgemm,
    np.dtype(np.float64): blas.dgemm,
}
GEMV: dict[np.dtype[Any], Routine] = {
    np.dtype(np.float32): blas.sgemv,
    np.dtype(np.float64): blas.dgemv,
}
NOT_TRANSPOSED: Final = 0  # `trans`: multiply by the matrix itself
TRANSPOSED: Final = 1  # `trans`: multiply by the transposed matrix
IN_PLACE: Final = 1  # `overwrite`: write into the array given
OFFSET: Final = 0  # `offset`: start at the first element of a vector
STRIDE: Final = 1  # `stride`: take every element of a vector

T = TypeVar("T")
_Counts: TypeAlias = list[tuple[Any, int]]  # libraries, each with a number of threads

# Up to the first number of multiply-adds in a call, OpenBLAS itself uses one thread only. Up to
# the second number, a further thread costs more time than it saves, and far more on a busy
# machine. A thread that must be woken for a few products has to save more than one that goes on
# from mini-batch to mini-batch.
_ONE_THREAD_ANYWAY, _ONE_THREAD_IS_FASTER, _NOT_WORTH_WAKING = 250_000, 5_000_000, 100_000_000
_ONE_THREAD_ANYWAY_IN_A_DOT = 10_000  # numbers of a vector


class Run(Protocol):
    """Calls a function, with BLAS held at one thread or not."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> T:
        """Return ``function(*args)``."""


def check_layout(array: Array, dtype: np.dtype[Any]) -> None:
    """Raise ValueError unless BLAS can update `array` in place.

    Parameters
    ----------
    array : ndarray
        Must be Fortran-contiguous and of the given dtype. (SciPy writes into a read-only array
        too: it does not look.)
    dtype : dtype
        float32 or float64.
    """
    if not (array.flags.f_contiguous and array.dtype == dtype):
        raise ValueError(
            f"BLAS updates an array in place only if it is Fortran-contiguous {dtype}; "
            f"got {array.dtype} with strides {array.strides}."
        )


@functools.cache
def _controller() -> Any:
    """Scan the loaded libraries once in a process, since the scan costs milliseconds.

    The scan runs in a thread, which Ctrl-C does not reach. Older versions of threadpoolctl scan
    in a function that C calls; there Python would print a KeyboardInterrupt and go on.
    """
    found: list[Any] = []
    scan = threading.Thread(target=lambda: found.append(ThreadpoolController()))
    scan.start()
    scan.join()
    return found[0]


def _set_threads(counts: Iterable[tuple[Any, int]]) -> None:
    """Set the number of threads of each library.

    Since threadpoolctl 3.8 only one thread, the first to set a number, may do so. This function
    takes that right over, and gives it up again.
    """
    for take in (True, False):
        for library, n_threads in counts:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)
            if take:
                library.set_num_threads(n_threads)


class _OneThread:
    """Call functions while BLAS is held at one thread; the last call to end restores its threads.

    Two overlapping limits of threadpoolctl could be lifted in the wrong order and leave the
    library at one thread for good. Ctrl-C may come between any two steps here, so a counter of
    calls could go wrong. Instead, a call is in progress as long as its lock is held, and a
    ``with`` statement always releases the lock, since C code runs both of its ends. `_settle`
    sets the threads that the calls in progress need, so the next call repairs whatever Ctrl-C
    cut short.
    """

    def __init__(self) -> None:
        self._calls: list[tuple[threading.Lock, int]] = []  # lock and thread of each
        self._before: _Counts | None = None  # numbers of threads to restore; None if none was set
        self._is_set = False
        self._lock = threading.RLock()  # a signal handler may call this while its thread holds it
        if hasattr(os, "register_at_fork"):  # else there is no fork
            os.register_at_fork(  # C functions, which Ctrl-C cannot interrupt
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._begin_in_child,
            )

    def __call__(self, function: Callable[..., T], /, *args: Any) -> T:
        """Return ``function(*args)``."""
        call = threading.Lock()
        try:
            try:
                with call:
                    self._settle((call, threading.get_ident()))
                    return function(*args)
            finally:
                self._settle()
        except BaseException:  # such as Ctrl-C in `_settle`; it is raised again
            self._settle()
            raise

    def _settle(self, *new_call: tuple[threading.Lock, int]) -> None:
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
                    if self._before is None:  # else a signal handler has set it meanwhile
                        self._before = counts
                _set_threads([(library, 1) for library, _ in self._before])
                self._is_set = True
            elif not self._calls and self._before is not None:
                self._is_set = False
                _set_threads(self._before)
                self._before = None

    def _begin_in_child(self) -> None:
        """Forget, in a forked process, the calls of threads that exist only in its parent.

        The lock was held during the fork, so no other thread was in `_settle`.
        """
        # As Python's own locks do; typeshed leaves out this method, which is private.
        self._lock._at_fork_reinit()  # type: ignore[attr-defined]
        self._calls = [pair for pair in self._calls if pair[1] == threading.get_ident()]
        self._settle()


_one_thread = _OneThread()


def sum_of_squares(x: Array) -> float:
    """Sum the squares of a vector, on one thread: reading it takes longer than adding it up.

    The sum is finite only if all numbers are.
    """
    run = _one_thread if x.size > _ONE_THREAD_ANYWAY_IN_A_DOT else _call
    return float(run(np.vdot, x, x))


def _call(function: Callable[..., T], /, *args: Any) -> T:
    return function(*args)


def blas_threads(n_rows: int, layer_sizes: Sequence[int], few: bool = False) -> Run:
    """Choose whether BLAS is held at one thread while it multiplies the matrices of a network.

    Parameters
    ----------
    n_rows : int
        Rows of a mini-batch, or those that a measurement or a prediction takes at once.
    layer_sizes : sequence of int
        Units of every layer, the input layer included.
    few : bool, default=False
        Whether these are the few products of a measurement, a prediction or a short trial, for
        which a second thread must be woken, and not those of thousands of mini-batches.

    Returns
    -------
    callable
        ``run(function, *args)`` returns ``function(*args)``. BLAS is held at one thread if the
        products are too small to be shared among threads.
    """
    largest = n_rows * max(i * o for i, o in pairwise(layer_sizes))
    enough = _NOT_WORTH_WAKING if few else _ONE_THREAD_IS_FASTER
    return _one_thread if _ONE_THREAD_ANYWAY < largest < enough else _call
