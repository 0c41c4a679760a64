import os
import threading
import warnings

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from sknielsen.core import blas
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


def test_the_message_tells_what_blas_needs_and_what_it_got():
    """The whole sentence: the dtype asked for, and the dtype and strides given."""
    with pytest.raises(ValueError) as error:
        check_layout(np.zeros((2, 3), np.float32), np.dtype(np.float64))
    assert str(error.value) == (
        "BLAS updates an array in place only if it is Fortran-contiguous float64; got float32 "
        "with strides (12, 4)."
    )


SMALL, LARGE = (10, [784, 100, 10]), (100, [784, 800, 10])


def test_small_products_run_on_one_thread_and_the_count_is_restored(two_threads):
    before = n_threads()
    assert set(blas_threads(*SMALL)(n_threads)) == {1}
    assert n_threads() == before


def test_large_products_keep_their_threads(two_threads):
    before = n_threads()
    assert blas_threads(*LARGE)(n_threads) == before


@pytest.mark.parametrize(
    ("n_rows", "sizes", "limits"),
    [
        (10, [25, 1000, 3], False),  # 250,000 multiply-adds: one thread anyway
        (10, [3, 1001, 25], True),  # the second product is the largest
        (10, [1000, 499, 3], True),
        (10, [1000, 500, 3], False),  # five million: worth its threads
    ],
)
def test_blas_is_held_at_one_thread_where_that_is_faster(n_rows, sizes, limits):
    """The largest product of a mini-batch decides."""
    assert blas_threads(n_rows, sizes) is (blas._one_thread if limits else blas._call)


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
        return blas_threads(*SMALL)(n_threads) + n_threads()

    assert set(blas_threads(*SMALL)(outer)) == {1}
    assert n_threads() == before


class Library:
    """A library as threadpoolctl shows it, with a note of what is asked of it."""

    def __init__(self, user_api="blas"):
        self.user_api, self.num_threads, self.asked = user_api, 4, []

    def set_num_threads(self, n_threads):
        self.num_threads = n_threads
        self.asked.append(n_threads)


class OwnedLibrary(Library):
    """One whose number of threads belongs to the thread that sets it, since threadpoolctl 3.8."""

    def clear_controlling_thread(self, *, force):
        self.asked.append("take" if force is True else "ask")


@pytest.fixture
def limit(monkeypatch):
    """A limit of its own, the libraries that it finds, and what it registers for forks."""

    class Limit:
        libraries = lib_controllers = [Library(), OwnedLibrary(), Library("openmp")]
        at_fork: dict = {}

    monkeypatch.setattr(blas, "_controller", Limit)
    monkeypatch.setattr(
        os, "register_at_fork", lambda **calls: Limit.at_fork.update(calls), raising=False
    )
    Limit.run = _OneThread()
    return Limit


def test_a_limit_sets_the_threads_of_blas_once_and_restores_them(limit):
    """Calls inside of a call set nothing; what is no BLAS is left alone."""

    def counts():
        return [library.num_threads for library in limit.libraries]

    def outer():
        return limit.run(counts), counts()

    for _ in range(2):
        assert limit.run(outer) == ([1, 1, 4], [1, 1, 4])
        assert counts() == [4, 4, 4]
    plain, owned, other = (library.asked for library in limit.libraries)
    assert plain == 2 * [1, 4]
    assert owned == 2 * ["take", 1, "take", "take", 4, "take"]  # whoever comes next may set it
    assert other == []


def test_a_fork_waits_for_the_limit_and_goes_on_after_it(limit):
    """No thread settles threads during a fork; the parent goes on, and the child begins anew."""
    limit.at_fork["before"]()

    def can_settle():
        found = []

        def try_lock():
            found.append(limit.run._lock.acquire(blocking=False))
            if found[0]:
                limit.run._lock.release()

        thread = threading.Thread(target=try_lock)
        thread.start()
        thread.join()
        return found[0]

    assert not can_settle()
    limit.at_fork["after_in_parent"]()
    assert can_settle()
    assert limit.at_fork["after_in_child"] == limit.run._begin_in_child


def test_a_limit_is_made_where_there_is_no_fork(monkeypatch):
    """As on Windows, where nothing can be registered."""
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    assert _OneThread()(divmod, 7, 2) == (3, 1)


@pytest.mark.parametrize("own", [True, False])
def test_what_a_forked_process_begins_with_are_the_calls_of_its_own_thread(own, limit):
    """Of another thread's call nothing is left, and the threads are restored."""

    def counts_in_child():
        limit.run._begin_in_child()
        return [library.num_threads for library in limit.libraries]

    if own:
        assert limit.run(counts_in_child) == [1, 1, 4]
    else:
        entered, leave = threading.Event(), threading.Event()
        other = threading.Thread(target=limit.run, args=[lambda: entered.set() or leave.wait()])
        other.start()
        entered.wait()
        found = counts_in_child()
        leave.set()
        other.join()
        assert found == [4, 4, 4]
    assert [library.num_threads for library in limit.libraries] == [4, 4, 4]


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
@pytest.mark.parametrize("n", [5, 10_000, 10_001])
def test_squares_are_summed_on_one_thread(n, dtype, two_threads, monkeypatch):
    x, seen, vdot = np.full(n, 0.5, dtype), [], np.vdot
    monkeypatch.setattr(np, "vdot", lambda *args: seen.append(n_threads()) or vdot(*args))
    assert sum_of_squares(x) == n / 4
    assert (set(seen[0]) == {1}) is (n > 10_000)  # BLAS takes one for few numbers anyway
    x[3] = np.nan
    assert not np.isfinite(sum_of_squares(x))
