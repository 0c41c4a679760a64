import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from sknielsen._blas import GEMM, GEMV, _controller, blas_threads, check_layout


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


def blas_libraries():
    return [lib for lib in _controller().lib_controllers if lib.user_api == "blas"]


def interrupt_once(monkeypatch, library, before):
    """Let Ctrl-C come in the next setting of a library's threads, before or after its work."""
    set_num_threads = library.set_num_threads

    def interrupted(n_threads):
        monkeypatch.setattr(library, "set_num_threads", set_num_threads)
        if not before:
            set_num_threads(n_threads)
        raise KeyboardInterrupt

    monkeypatch.setattr(library, "set_num_threads", interrupted)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("which", [0, -1])
def test_ctrl_c_while_entering_a_limit_restores_the_counts(
    which, before, two_threads, monkeypatch
):
    counts = n_threads()
    interrupt_once(monkeypatch, blas_libraries()[which], before)
    with pytest.raises(KeyboardInterrupt), blas_threads(10, [784, 100, 10]):
        pytest.fail("entered")
    assert n_threads() == counts


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("which", [0, -1])
def test_ctrl_c_while_leaving_a_limit_restores_the_counts(which, before, two_threads, monkeypatch):
    counts = n_threads()
    with pytest.raises(KeyboardInterrupt), blas_threads(10, [784, 100, 10]):
        interrupt_once(monkeypatch, blas_libraries()[which], before)
    assert n_threads() == counts


def test_a_limit_works_again_after_ctrl_c_in_one(two_threads, monkeypatch):
    counts = n_threads()
    for _ in range(2):
        interrupt_once(monkeypatch, blas_libraries()[-1], before=True)
        with pytest.raises(KeyboardInterrupt), blas_threads(10, [784, 100, 10]):
            pytest.fail("entered")
        with blas_threads(10, [784, 100, 10]):
            assert set(n_threads()) == {1}
        assert n_threads() == counts
