import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from sknielsen._blas import GEMM, GEMV, blas_threads, check_layout


def n_threads():
    return [lib["num_threads"] for lib in ThreadpoolController().select(user_api="blas").info()]


@pytest.fixture
def two_threads():
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        yield


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_update_their_result_in_place(dtype):
    a, b = np.ones((2, 3), dtype, order="F"), np.ones((3, 4), dtype, order="F")
    c, y = np.ones((2, 4), dtype, order="F"), np.ones(3, dtype)
    GEMM[np.dtype(dtype)](2.0, a, b, 0.5, c, 0, 0, 1)
    GEMV[np.dtype(dtype)](2.0, a, np.ones(2, dtype), 0.5, y, 0, 1, 0, 1, 1, 1)
    np.testing.assert_array_equal(c, np.full((2, 4), 6.5))
    np.testing.assert_array_equal(y, np.full(3, 4.5))


@pytest.mark.parametrize("array", [np.zeros((2, 3)), np.zeros((2, 3), np.float32, order="F")])
def test_arrays_that_would_be_copied_are_refused(array):
    with pytest.raises(ValueError, match=f"Fortran-contiguous float64; got {array.dtype}"):
        check_layout(array, np.dtype(np.float64))


def test_small_products_run_on_one_thread_and_the_count_is_restored(two_threads):
    before = n_threads()
    with blas_threads(10, [784, 100, 10]):
        assert set(n_threads()) == {1}
    assert n_threads() == before


def test_large_products_keep_their_threads(two_threads):
    before = n_threads()
    with blas_threads(100, [784, 800, 10]):
        assert n_threads() == before


def test_overlapping_limits_restore_when_the_last_one_leaves(two_threads):
    before = n_threads()
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with blas_threads(10, [784, 100, 10]):
            entered.set()
            leave.wait()

    other = threading.Thread(target=hold)
    with blas_threads(10, [784, 100, 10]):
        other.start()
        entered.wait()
    assert set(n_threads()) == {1}
    leave.set()
    other.join()
    assert n_threads() == before
