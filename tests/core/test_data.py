import hashlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix

from sknielsen.core import data as core_data
from sknielsen.core.activations import softmax
from sknielsen.core.data import (
    Data,
    batches,
    decide,
    digest,
    finite_total,
    rows_held,
    rows_measured,
    split,
    spread,
)


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
    """Of the inputs, and another one of the targets."""
    data = make_data(100, 5)
    first = data.gather(np.arange(10))
    for n_rows in (10, 7):
        again = data.gather(np.arange(n_rows))
        assert all(np.shares_memory(a, b) for a, b in zip(first, again, strict=True))


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


@pytest.mark.parametrize(
    ("batch_size", "cached_rows", "n_rows", "expected"),
    [
        (2, 5, None, [(0, 4), (4, 8), (8, 10)]),  # two mini-batches fit the cache
        (2, 1, None, [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]),  # not even one does
        (3, 100, None, [(0, 10)]),
        (6, 12, None, [(0, 10)]),  # as many rows as may be held
        (7, 100, None, [(0, 6), (6, 7), (7, 10)]),  # one more
        (2, 5, 7, [(0, 4), (4, 7)]),
    ],
)
def test_runs_are_as_long_as_the_cache_and_the_rows_held_allow(
    batch_size, cached_rows, n_rows, expected, monkeypatch
):
    """Whole mini-batches up to the cache, and parts of one that cannot be held."""
    data = make_data(10, 4)
    monkeypatch.setattr(core_data, "_HELD_BYTES", 6 * 4 * (4 + 3 * 2))
    runs = data.chunks(batch_size, 2, cached_rows * 4 * 4, n_rows)
    assert list(runs) == expected


def test_rows_held_are_those_whose_inputs_activations_and_errors_take_four_megabytes():
    """A pass holds the inputs, and about three numbers for each unit."""
    assert rows_held(100, 50, np.dtype(np.float64)) == 4 * 1024 * 1024 // (8 * 250)
    assert rows_held(10**7, 1, np.dtype(np.float32)) == 1


def test_buffers_grow_with_the_rows_asked_for_and_keep_their_types():
    """More rows than before, sparse or dense, come in the dtype of X."""
    X = np.arange(12, dtype=np.float32).reshape(4, 3)
    for container in (np.asarray, csr_array):
        data = Data(container(X), np.array([0, 2, 1, 2]), 3)
        for rows in ([1], [2, 0, 3]):
            x, y = data.gather(np.array(rows))
            np.testing.assert_array_equal(x, X[rows])
            assert x.flags.c_contiguous
            assert x.dtype == y.dtype == np.float32
            assert y.shape == (len(rows), 3)


# --- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by_sample", "by_class"), [(1e300, 1e-290), (1e-300, 1e290)])
def test_huge_and_tiny_weights_lose_no_bit(by_sample, by_class):
    """Neither a sum nor a mean of factors near the ends of the floats is lost."""
    weight, of_class = by_sample * np.array([4.0, 8.0, 8.0]), by_class * np.array([1.0, 2.0])
    data = Data(np.zeros((3, 1)), np.array([0, 1, 1]), 1, weight, of_class)
    np.testing.assert_allclose(data.relative_weight(np.arange(3)), [1 / 3, 4 / 3, 4 / 3])
    assert data.total_weight == pytest.approx(36 * by_sample * by_class, rel=1e-15)


@pytest.mark.parametrize("weight", [1e308, 1e-200])
def test_a_weight_alone_is_scaled_and_measured_as_well(weight):
    """The sum of the weights of a sample, or a class, at the ends of the floats."""
    by_sample = Data(np.zeros((3, 1)), np.array([0, 1, 1]), 1, weight * np.array([1.0, 0.25, 0.5]))
    assert by_sample.total_weight == weight * 1.75
    np.testing.assert_allclose(by_sample.relative_weight(np.array([2])), [0.5 / (1.75 / 3)])
    by_class = Data(
        np.zeros((3, 1)), np.array([0, 1, 1]), 1, class_weight=weight * np.array([0.5, 0.25])
    )
    assert by_class.total_weight == weight
    np.testing.assert_allclose(by_class.relative_weight(np.array([0, 1])), [1.5, 0.75])


def test_rows_without_any_weight_have_a_mean_of_one():
    """Weights that are all zero divide by one, not by zero."""
    data = Data(np.zeros((2, 1)), np.array([0, 1]), 1, np.zeros(2))
    assert (data.total_weight, data.mean_weight) == (0.0, 1.0)
    np.testing.assert_array_equal(data.relative_weight(np.arange(2)), [0.0, 0.0])


def test_no_rows_weigh_nothing():
    """A selection of no rows has a sum, with weights and without."""
    none = np.arange(0)
    for weight in (None, np.ones(2)):
        empty = Data(np.zeros((2, 1)), np.array([0, 1]), 1, weight).select(none)
        assert (len(empty), empty.total_weight) == (0, 0.0)


def test_a_selection_keeps_the_weights_of_its_rows():
    """Weights by sample and by class go with the rows selected."""
    weight, of_class = np.array([1.0, 2.0, 5.0]), np.array([10.0, 1.0])
    data = Data(np.zeros((3, 1)), np.array([0, 1, 1]), 1, weight, of_class)
    chosen = data.select(np.array([0, 2]))
    assert (chosen.total_weight, chosen.mean_weight) == (15.0, 7.5)
    np.testing.assert_allclose(chosen.relative_weight(chosen.rows), [10 / 7.5, 5 / 7.5])
    assert chosen.n_outputs == 1


def test_weights_without_a_finite_sum_are_an_error():
    """The sentence names both factors, or what the caller says."""
    with pytest.raises(ValueError) as error:
        Data(np.zeros((2, 1)), np.array([0, 1]), 1, np.full(2, 1e308))
    assert str(error.value) == (
        "The weights of the rows, `sample_weight` times `class_weight`, must have a finite sum; "
        "got inf."
    )
    with pytest.raises(ValueError, match=r"of the rows, `w`, must have a finite sum; got nan\.$"):
        finite_total(float("nan"), "`w`")


def test_a_row_number_takes_four_bytes():
    """There is one for each row, of data that may hold a thousand million."""
    np.testing.assert_array_equal(make_data(3, 1).rows, [0, 1, 2])
    assert make_data(3, 1).rows.dtype == np.int32


def test_no_step_is_weighted_without_weights():
    """Rows without weights are visited once each, and nothing is made for it."""
    assert make_data(3, 1).step_weights(2, absolute=False) is None


@pytest.mark.parametrize(
    ("weight", "absolute", "weights", "visits"),
    [
        ([1, 1, 1, 9], False, [1 / 3, 1 / 3, 1 / 3, 1.5], [1, 1, 1, 2]),
        ([1, 1, 1, 9], True, [1, 1, 1, 4.5], [1, 1, 1, 2]),
        ([1, 1, 0, 6], False, [0.5, 0.5, 0, 1.5], [1, 1, 1, 2]),
        ([0.1, 0.1, 0.1, 5], True, [0.1, 0.1, 0.1, 5 / 2], [1, 1, 1, 2]),  # 1.325 times two
        ([0.1, 0.1, 0.1, 1.5], True, [0.1, 0.1, 0.1, 1.5], [1, 1, 1, 1]),  # times one, not 0.45
        ([0.1, 0.1, 0.1, 2.5], True, [0.1, 0.1, 0.1, 1.25], [1, 1, 1, 2]),
    ],
)
def test_a_heavy_row_is_visited_in_equal_parts(weight, absolute, weights, visits):
    """In mini-batches of two, a row may weigh twice the mean, which in a stream is at least 1."""
    X, codes = np.zeros((4, 1), np.float32), np.array([0, 1, 1, 0])
    by_class = np.array([2.0, 4.0])
    weight = np.array(weight, float) / by_class[codes]  # so both factors have to be there
    found = Data(X, codes, 1, weight, by_class).step_weights(2, absolute)
    np.testing.assert_allclose(found[0], weights, rtol=1e-6)
    np.testing.assert_array_equal(found[1], visits)
    assert found[0].dtype == np.float32
    assert found[1].dtype == np.int64


def test_rows_that_weigh_as_much_as_allowed_but_for_rounding_are_visited_once():
    """Equal weights exceed their own mean by rounding alone."""
    for n_rows in (3, 10, 300):
        data = make_data(n_rows, 1, sample_weight=np.full(n_rows, 1 / n_rows))
        assert (data.step_weights(1, absolute=False)[1] == 1).all()


@pytest.mark.parametrize(("by_sample", "by_class"), [(1e-300, 1e-300), (1e-60, 1.0)])
def test_weights_too_small_for_the_dtype_become_zero_whatever_numpy_is_told(by_sample, by_class):
    """The product of two, or one alone; the caller's settings of NumPy do not matter."""
    weight, of_class = np.array([by_sample, 1.0]), np.array([by_class, 1.0])
    with np.errstate(all="raise"):
        data = Data(np.zeros((2, 1), np.float32), np.array([0, 1]), 1, weight, of_class)
        for absolute in (False, True):
            np.testing.assert_array_equal(
                data.step_weights(10, absolute)[0], [0.0, 1.0 + (not absolute)]
            )
    assert data.total_weight == 1.0


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        ([1, 1, 1, 1], [3, 1, 0, 2]),
        ([1, 1, 3, 1], [3, 2, 1, 2, 0, 2]),  # from the last place on, round the epoch's end
        ([1, 1, 3, 2], [3, 2, 1, 2, 3, 0, 2]),
        ([1, 2, 1, 1], [3, 1, 0, 1, 2]),  # two at one place stay in their order
    ],
)
def test_visits_lie_at_even_distances(visits, expected):
    """A row that is visited k times comes again after each k-th part of an epoch."""
    order = spread(np.array([3, 1, 0, 2]), np.array(visits))
    np.testing.assert_array_equal(order, expected)


def test_visits_at_the_same_place_stay_in_the_order_of_their_rows():
    """Half of the rows come twice, each where another one is."""
    visits = np.repeat([2, 1], 32)
    first, second = np.arange(32), np.arange(32, 64)
    expected = [*first, *np.column_stack([first, second]).ravel()]
    np.testing.assert_array_equal(spread(np.arange(64), visits), expected)


# --- rows held out, digests, decisions ----------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "n_held_out", "expected"),
    [
        ([19, 9, 12], 10, [5, 2, 3]),  # of 4.75, 2.25 and 3
        ([9, 19, 12], 10, [2, 5, 3]),
        ([20, 2], 11, [10, 1]),
        ([20, 2], 2, [1, 1]),  # at least one of each
        ([20, 2], 22, [19, 1]),  # one of each is kept
        ([4, 4, 4], 4, [2, 1, 1]),  # the first of equal ones
        ([3, 5] * 20, 70, [2, 2] * 10 + [1, 2] * 10),  # shares of 1.3 and 2.2
    ],
)
def test_rows_held_out_go_to_the_largest_remainders(counts, n_held_out, expected):
    """Every class gives the whole part of its share; those with the largest rest one more."""
    codes = np.repeat(np.arange(len(counts)), counts)
    kept, held_out = split(codes, n_held_out, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(codes[held_out]), expected)
    assert (np.diff(kept) > 0).all()
    assert (np.diff(held_out) > 0).all()
    assert kept.dtype == np.int32


def test_a_digest_tells_values_shape_dtype_and_sparsity_apart():
    """Equal arrays have one digest, whatever their memory; all others have another."""
    X = np.arange(6, dtype=np.float32).reshape(2, 3)
    others = [X + 1, X.reshape(3, 2), X.ravel(), X.astype(np.float64), X.view(np.int32)]
    sparse = csr_array(X)
    moved = csr_array((sparse.data, (sparse.indices + 1) % 3, sparse.indptr), shape=X.shape)
    below = csr_array((sparse.data, sparse.indices, [0, 3, 5]), shape=X.shape)
    digests = [digest(a) for a in (X, *others, sparse, 2 * sparse, moved, below)]
    assert len(set(digests)) == len(digests)
    described = b"(2, 3) float32" + X.tobytes()
    expected = hashlib.blake2b(described, digest_size=16).hexdigest()
    assert digest(np.asfortranarray(X)) == digest(X) == expected
    assert digest(csr_matrix(X)) == digest(sparse)


def test_data_are_known_again_by_a_digest_of_each_array():
    """By the names that `fit` gives to the arrays, with None for one that is not there."""
    data = make_data(3, 2)
    known = {"X": digest(data.X), "y": digest(data.codes), "sample_weight": None}
    assert data.digests() == known
    weight = np.ones(3)
    assert make_data(3, 2, sample_weight=weight).digests() == known | {
        "sample_weight": digest(weight)
    }


def test_an_activation_that_overflows_decides_in_silence():
    """What NumPy warns of in an activation of one's own is no news for `predict`."""
    z = np.array([[1000.0], [-1000.0]])
    np.testing.assert_array_equal(decide(z, False, lambda z: np.exp(z, z)), [1, 0])


def test_decisions_are_whole_numbers_where_outputs_saturate_and_at_one_half():
    """By z itself, which tells outputs apart that round to the same number."""
    one, several = np.array([[0.0], [1e-20], [-1e-20]]), np.array([[40.0, 50.0], [-800.0, -810.0]])
    for z, multilabel, expected in (
        (one, False, [0, 1, 0]),
        (one, True, [[0], [1], [0]]),
        (several, False, [1, 0]),
    ):
        codes = decide(z, multilabel)
        np.testing.assert_array_equal(codes, expected)
        assert codes.dtype.kind == "i"
    np.testing.assert_array_equal(decide(several * 1e-20, False, softmax), [1, 0])
    np.testing.assert_array_equal(decide(np.array([[0.5]]), False, lambda z: None), [0])


def test_a_mini_batch_that_takes_no_more_than_the_weights_is_held_whole(monkeypatch):
    monkeypatch.setattr(core_data, "_HELD_BYTES", 100 * 4 * (4 + 3 * 2))  # 100 rows
    dtype = np.dtype(np.float32)
    assert core_data.rows_held(4, 2, dtype) == 100
    assert core_data.rows_held(4, 2, dtype, n_weights=500) == 100
    assert core_data.rows_held(4, 2, dtype, n_weights=3000) == 300
