import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix

from sknielsen.core import data as core_data
from sknielsen.core.data import Data, batches, decide, rows_held, rows_measured, split


def make_data(n_rows, n_features, dtype=np.float32, **options):
    X = np.zeros((n_rows, n_features), dtype)
    return Data(X, np.zeros(n_rows, int), 3, **options)


@given(
    n_rows=st.integers(1, 5000),
    batch_size=st.integers(1, 6000),
    n_features=st.integers(1, 3000),
    n_units=st.integers(1, 100_000),
)
def test_chunks_cover_the_rows_once_and_never_tear_a_mini_batch(
    n_rows, batch_size, n_features, n_units
):
    data = make_data(n_rows, 1)
    data.X = np.broadcast_to(np.float32(0), (n_rows, n_features))
    batch_size = min(batch_size, n_rows)
    held = rows_held(n_features, n_units, data.X.dtype)
    end = 0
    for start, stop in data.chunks(batch_size, n_units):
        assert start == end < stop
        if batch_size <= held:
            assert start % batch_size == 0
            assert stop % batch_size == 0 or stop == n_rows
        else:
            assert start // batch_size == (stop - 1) // batch_size
            assert stop - start <= held
        end = stop
    assert end == n_rows


@given(
    n_rows=st.integers(1, 60),
    batch_size=st.integers(1, 70),
    n_cached=st.integers(1, 70),
    n_held=st.integers(1, 70),
    weighted=st.booleans(),
)
@example(n_rows=20, batch_size=3, n_cached=8, n_held=70, weighted=True)  # several in a chunk
@example(n_rows=20, batch_size=8, n_cached=3, n_held=70, weighted=True)  # each a chunk
@example(n_rows=20, batch_size=8, n_cached=3, n_held=3, weighted=True)  # each in several parts
@example(n_rows=20, batch_size=70, n_cached=3, n_held=70, weighted=False)  # the only one
def test_batches_are_the_rows_in_order_cut_where_mini_batches_end(
    n_rows, batch_size, n_cached, n_held, weighted
):
    X = np.arange(n_rows, dtype=float)[:, None]
    codes = np.arange(n_rows) % 3
    data, weights = Data(X, codes, 3), np.arange(1.0, n_rows + 1) if weighted else None
    order = np.random.default_rng(0).permutation(data.rows)
    row_bytes = X.itemsize
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core_data, "_HELD_BYTES", n_held * row_bytes * (1 + 3 * 2))
        chunks = data.gathered(order, weights, batch_size, 2, n_cached * row_bytes)
        position = n_largest = 0
        for x, y, weight, m, first, last in batches(chunks, batch_size, n_rows):
            rows = order[position : position + len(x)]
            np.testing.assert_array_equal(x[:, 0], rows)
            np.testing.assert_array_equal(y.argmax(axis=1), codes[rows])
            assert (weight is not None) is weighted
            if weighted:
                np.testing.assert_array_equal(weight, weights[rows])
            begin = position - position % batch_size
            assert m == min(batch_size, n_rows - begin)
            assert first is (position == begin)
            position += len(x)
            assert last is (position == begin + m)
            n_largest = max(n_largest, len(x))
    assert position == n_rows
    assert n_largest <= n_held or n_largest == 1
    if batch_size <= n_held:
        assert n_largest == min(batch_size, n_rows)  # none is torn


@pytest.mark.parametrize("container", [np.asarray, csr_matrix, csr_array])
def test_rows_are_gathered_in_the_order_asked_for(container):
    X = np.arange(12.0).reshape(4, 3)
    data = Data(container(X), np.array([0, 2, 1, 2]), 3)
    x, y = data.gather(np.array([3, 0, 3]))
    np.testing.assert_array_equal(x, X[[3, 0, 3]])
    np.testing.assert_array_equal(y, [[0, 0, 1], [1, 0, 0], [0, 0, 1]])


def test_one_output_has_the_second_class_as_its_target():
    data = Data(np.zeros((3, 1)), np.array([0, 1, 0]), 1)
    np.testing.assert_array_equal(data.gather(np.arange(3))[1], [[0], [1], [0]])


def test_indicator_matrices_are_targets_as_they_are():
    Y = np.array([[0, 1], [1, 1]], np.int8)
    np.testing.assert_array_equal(Data(np.zeros((2, 1)), Y, 2).gather(np.arange(2))[1], Y)


def test_gathering_writes_over_the_same_buffer():
    data = make_data(100, 5)
    assert np.shares_memory(data.gather(np.arange(10))[0], data.gather(np.arange(7))[0])


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("rows", [None, [2, 3, 4, 5], [5, 0, 3, 1], [0, 2, 3, 5], [4, 3, 2, 1]])
def test_rows_are_read_as_they_are_gathered(rows, container):
    X, codes = np.arange(18.0).reshape(6, 3), np.array([0, 2, 1, 2, 0, 1])
    data = Data(container(X), codes, 3, rows=None if rows is None else np.array(rows))
    for start, stop in ((0, 2), (2, 4), (3, 9)):
        x, y, read_codes = data.read(start, stop)
        np.testing.assert_array_equal(x, X[data.rows[start:stop]])
        np.testing.assert_array_equal(read_codes, codes[data.rows[start:stop]])
        np.testing.assert_array_equal(y, np.eye(3)[read_codes])


def test_rows_that_lie_together_are_read_without_a_copy():
    X = np.zeros((6, 3))
    for rows, together in ((None, True), ([2, 3, 4], True), ([2, 4, 5], False)):
        data = Data(X, np.zeros(6, int), 2, rows=None if rows is None else np.array(rows))
        assert np.shares_memory(data.read(1, 3)[0], X) is together


def test_a_measurement_takes_as_many_rows_as_the_cache_holds_and_more_of_wide_ones():
    single = np.dtype(np.float32)
    assert rows_measured(784, 110, single) == 1024 * 1024 // (4 * 894)
    assert rows_measured(7840, 110, single) == 128
    assert rows_measured(78_400, 110, single) == rows_held(78_400, 110, single) < 128
    assert rows_measured(10**9, 1, single) == 1


def test_weights_by_sample_and_by_class_multiply():
    data = Data(
        np.zeros((3, 1)),
        np.array([0, 1, 1]),
        1,
        sample_weight=np.array([1.0, 2.0, 3.0]),
        class_weight=np.array([10.0, 0.5]),
    )
    relative = data.relative_weight(np.arange(3))
    np.testing.assert_allclose(relative * data.mean_weight, [10.0, 1.0, 1.5], rtol=1e-15)
    assert relative.mean() == pytest.approx(1.0, rel=1e-15)
    np.testing.assert_array_equal(data.weight(np.arange(3)), [1.0, 2.0, 3.0])
    assert data.total_weight == 12.5


def test_total_weight_counts_the_selected_rows_without_weights():
    assert make_data(10, 1).select(np.arange(4)).total_weight == 4


@pytest.mark.parametrize(
    ("z", "multilabel", "expected"),
    [
        ([[-1.0], [2.0]], False, [0, 1]),
        ([[-1.0, 3.0, 2.0], [5.0, 3.0, 2.0]], False, [1, 0]),
        ([[-1.0, 3.0], [5.0, -3.0]], True, [[0, 1], [1, 0]]),
    ],
)
def test_decisions(z, multilabel, expected):
    np.testing.assert_array_equal(decide(np.array(z), multilabel), expected)


def square(z):
    np.square(z, z)


@pytest.mark.parametrize(
    ("z", "multilabel", "expected"),
    [
        ([[-1.0], [0.5], [0.8]], False, [1, 0, 1]),
        ([[-3.0, 2.0], [0.1, 0.2]], False, [0, 1]),
        ([[-1.0, 0.5], [0.7, 0.8]], True, [[1, 0], [0, 1]]),
    ],
)
def test_decisions_under_an_activation_of_ones_own(z, multilabel, expected):
    z = np.array(z)
    before = z.copy()
    np.testing.assert_array_equal(decide(z, multilabel, square), expected)
    np.testing.assert_array_equal(z, before)


@given(
    counts=st.lists(st.integers(2, 60), min_size=1, max_size=8),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
)
def test_every_class_gives_its_share_of_the_rows_held_out(counts, fraction, seed):
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    n_held_out = int(
        np.clip(np.ceil(fraction * len(codes)), len(counts), len(codes) - len(counts))
    )
    kept, held_out = split(codes, n_held_out, rng)
    np.testing.assert_array_equal(np.sort(np.r_[kept, held_out]), np.arange(len(codes)))
    by_class = np.bincount(codes[held_out], minlength=len(counts))
    shares = np.array(counts) * n_held_out / len(codes)
    assert (by_class >= 1).all()
    assert (by_class < counts).all()
    assert np.abs(by_class - np.clip(shares, 1, np.array(counts) - 1)).max() <= 1
    if shares.min() >= 1 and (np.array(counts) - shares).min() >= 1:
        assert len(held_out) == n_held_out
