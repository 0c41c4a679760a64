import os
import threading
import warnings

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from sknielsen.core.blas import (
    GEMM,
    GEMV,
    IN_PLACE,
    NOT_TRANSPOSED,
    OFFSET,
    STRIDE,
    TRANSPOSED,
    _controller,
    _OneThread,
    blas_threads,
    check_layout,
    sum_of_squares,
)


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
    ones, vector = np.ones(2, dtype), (OFFSET, STRIDE)
    GEMM[np.dtype(dtype)](2.0, a, b, 0.5, c, NOT_TRANSPOSED, NOT_TRANSPOSED, IN_PLACE)
    GEMV[np.dtype(dtype)](2.0, a, ones, 0.5, y, *vector, *vector, TRANSPOSED, IN_PLACE)
    np.testing.assert_array_equal(c, np.full((2, 4), 6.5))
    np.testing.assert_array_equal(y, np.full(3, 4.5))


@pytest.mark.parametrize("array", [np.zeros((2, 3)), np.zeros((2, 3), np.float32, order="F")])
def test_arrays_that_would_be_copied_are_refused(array):
    with pytest.raises(ValueError, match=f"Fortran-contiguous float64; got {array.dtype}"):
        check_layout(array, np.dtype(np.float64))


SMALL, LARGE = (10, [784, 100, 10]), (100, [784, 800, 10])


def test_small_products_run_on_one_thread_and_the_count_is_restored(two_threads):
    before = n_threads()
    assert set(blas_threads(*SMALL)(n_threads)) == {1}
    assert n_threads() == before


def test_large_products_keep_their_threads(two_threads):
    before = n_threads()
    assert blas_threads(*LARGE)(n_threads) == before


@pytest.mark.parametrize("n_rows, alone", [(1, False), (100, True), (1000, True), (10_000, False)])
def test_a_few_products_wake_no_second_thread_unless_they_are_large(n_rows, alone, two_threads):
    """One row is left to BLAS, which takes one thread for so little."""
    before = n_threads()
    expected = [1] * len(before) if alone else before
    assert blas_threads(n_rows, [784, 100, 10], few=True)(n_threads) == expected


def test_a_call_gets_its_arguments_and_gives_its_result_or_error(two_threads):
    before = n_threads()
    for size in SMALL, LARGE:
        assert blas_threads(*size)(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            blas_threads(*size)(divmod, 7, 0)
    assert n_threads() == before


def test_overlapping_limits_restore_when_the_last_one_leaves(two_threads):
    before = n_threads()
    entered, leave = threading.Event(), threading.Event()

    def hold():
        entered.set()
        leave.wait()

    other = threading.Thread(target=blas_threads(*SMALL), args=[hold])

    def overlap():
        other.start()
        entered.wait()

    blas_threads(*SMALL)(overlap)
    assert set(n_threads()) == {1}
    leave.set()
    other.join()
    assert n_threads() == before


def test_nested_limits_restore_when_the_outer_one_leaves(two_threads):
    before = n_threads()

    def outer():
        blas_threads(*SMALL)(n_threads)
        return n_threads()

    assert set(blas_threads(*SMALL)(outer)) == {1}
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
    with pytest.raises(KeyboardInterrupt):
        blas_threads(*SMALL)(pytest.fail, "entered")
    assert n_threads() == counts


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("which", [0, -1])
def test_ctrl_c_while_leaving_a_limit_restores_the_counts(which, before, two_threads, monkeypatch):
    counts = n_threads()
    with pytest.raises(KeyboardInterrupt):
        blas_threads(*SMALL)(interrupt_once, monkeypatch, blas_libraries()[which], before)
    assert n_threads() == counts


@pytest.mark.parametrize("at_its_end", [True, False])
@pytest.mark.parametrize("cut", [{1}, {2}, {3}, {1, 2}, {2, 3}, {1, 2, 3}])
def test_what_ctrl_c_cut_short_is_made_up_for_by_the_next_call(
    cut, at_its_end, two_threads, monkeypatch
):
    """A call settles the threads when it begins, when it ends, and again after an error."""
    counts, settle, n_calls = n_threads(), _OneThread._settle, 0

    def interrupted(*args):
        nonlocal n_calls
        n_calls += 1
        if n_calls not in cut:
            return settle(*args)
        if at_its_end:
            settle(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(_OneThread, "_settle", interrupted)
    with pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
        blas_threads(*SMALL)(divmod, 1, 0)
    monkeypatch.undo()
    assert set(blas_threads(*SMALL)(n_threads)) == {1}
    assert n_threads() == counts


def test_a_signal_handler_that_multiplies_does_not_confuse_the_counts(two_threads, monkeypatch):
    """It comes while the counts are read for another call."""
    counts, library = n_threads(), blas_libraries()[-1]
    read = type(library).num_threads

    def handled(self):
        monkeypatch.undo()
        blas_threads(*SMALL)(n_threads)
        monkeypatch.undo()
        return read.fget(self)

    monkeypatch.setattr(type(library), "num_threads", property(handled))
    blas_threads(*SMALL)(n_threads)
    assert n_threads() == counts


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("own", [True, False])
def test_a_forked_process_keeps_the_limit_of_its_own_thread_alone(own, two_threads):
    """A fork while a thread is inside a limit: that thread itself, or another."""
    counts = n_threads()

    def in_child():
        """Return the counts in a forked process, inside and outside of a limit."""
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside threads
            child = os.fork()
        if child == 0:
            found = n_threads() + blas_threads(*SMALL)(n_threads)
            thread = threading.Thread(target=blas_threads(*SMALL), args=[n_threads], daemon=True)
            thread.start()
            thread.join(20)  # for ever, if the parent's lock were still held here
            os.write(writer, bytes([*found, thread.is_alive()]))
            os._exit(0)
        os.waitpid(child, 0)
        found = list(os.read(reader, 100))
        os.close(reader), os.close(writer)
        assert found.pop() == 0
        return found[: len(counts)], found[len(counts) :]

    if own:
        outside, inside = blas_threads(*SMALL)(in_child)
        assert set(outside) == {1}
    else:
        entered, leave = threading.Event(), threading.Event()
        other = threading.Thread(
            target=blas_threads(*SMALL), args=[lambda: entered.set() or leave.wait()]
        )
        other.start()
        entered.wait()
        outside, inside = in_child()
        leave.set()
        other.join()
        assert outside == counts
    assert set(inside) == {1}
    assert n_threads() == counts


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [5, 20_000])
def test_squares_are_summed_on_one_thread(n, dtype, two_threads, monkeypatch):
    x, seen, vdot = np.full(n, 0.5, dtype), [], np.vdot
    monkeypatch.setattr(np, "vdot", lambda *args: seen.append(n_threads()) or vdot(*args))
    assert sum_of_squares(x) == n / 4
    assert (set(seen[0]) == {1}) is (n > 10_000)  # BLAS takes one for few numbers anyway
    x[3] = np.nan
    assert not np.isfinite(sum_of_squares(x))
