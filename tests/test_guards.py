"""Warnings about validation data: given where they must be, and not otherwise."""

import re
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix, vstack
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from sknielsen._guards import look_at_validation, sample_size
from sknielsen.datasets import fetch_mnist

LOADERS = [load_breast_cancer, load_digits, load_iris, load_wine]


SEVERAL = np.arange(2)  # the codes of several classes


def shared_rows(X, X_val):
    """Return the share of copies that is remarked on; 0 if none is."""
    remark = look_at_validation(X, X_val, SEVERAL, SEVERAL) or ""
    share = re.match("About ([0-9]+)% of the rows of `X_val` equal training rows", remark)
    return int(share[1]) / 100 if share else 0


def scale_difference(X, X_val):
    """Return the difference of scale that is remarked on, or None."""
    remark = look_at_validation(X, X_val, SEVERAL, SEVERAL) or ""
    difference = re.match("`X_val` does not look scaled like X: (.+?)[.] If", remark)
    return difference and difference[1]


def halves(load, seed=0):
    X, _ = load(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(X))
    return X[order[: len(X) // 2]], X[order[len(X) // 2 :]]


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
@pytest.mark.parametrize("load", LOADERS)
def test_nothing_is_said_of_ordinary_halves(load, kind):
    for seed in range(20):
        X, X_val = map(kind, halves(load, seed))
        assert shared_rows(X, X_val) == 0
        assert scale_difference(X, X_val) is None


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
@pytest.mark.parametrize("load", LOADERS)
def test_training_rows_are_recognised_whole_in_part_and_in_another_order(load, kind):
    X, _ = halves(load)
    for rows in (slice(None), slice(40), np.random.default_rng(1).permutation(len(X))):
        assert shared_rows(kind(X), kind(X[rows])) > 0.9


def test_a_few_training_rows_among_many_others_are_nothing_to_mention():
    X, X_val = halves(load_digits)
    assert shared_rows(X, np.vstack([X_val, X[:200]])) < 0.3


def test_training_rows_are_found_among_more_than_are_looked_at():
    X = np.random.default_rng(0).normal(size=(20_000, 4))
    assert shared_rows(X, X[-3000:]) > 0.6
    assert 0.9 < shared_rows(X, X.copy()) <= 1
    assert shared_rows(X[:10_000], X[10_000:]) == 0


@pytest.mark.parametrize(("levels", "n_features"), [(2, 5), (2, 8), (3, 5), (5, 3), (10, 3)])
@pytest.mark.parametrize("sizes", [(30, 30), (200, 60), (1000, 300), (300, 3000)])
def test_rows_that_repeat_in_small_tables_are_no_sign(levels, n_features, sizes):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, X_val = (rng.integers(levels, size=(n, n_features)).astype(float) for n in sizes)
        assert shared_rows(X, X_val) < 0.5
        assert scale_difference(X, X_val) is None


def test_empty_rows_that_repeat_are_no_sign():
    rng = np.random.default_rng(0)
    X, X_val = (rng.poisson(0.002, (500, 300)).astype(float) for _ in range(2))
    assert not X.any(axis=1).all()
    for kind in (np.asarray, csr_matrix):
        assert shared_rows(kind(X), kind(X_val)) < 0.5
        assert scale_difference(kind(X), kind(X_val)) is None


def test_rows_repeated_by_oversampling_are_no_sign():
    X, X_val = halves(load_digits)
    assert shared_rows(np.repeat(X, 3, axis=0), X_val) == 0


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
@pytest.mark.parametrize("load", [load_breast_cancer, load_digits, load_wine])
def test_unscaled_rows_are_recognised_and_scaled_ones_pass(load, scaler):
    X, X_val = halves(load)
    scaled = scaler.fit_transform(X)
    assert scale_difference(scaled, X_val)
    assert scale_difference(scaled, scaler.transform(X_val)) is None


def test_rows_scaled_where_the_training_rows_are_not_are_recognised():
    X, X_val = halves(load_digits)
    for scaler in (StandardScaler().fit(X), MinMaxScaler().fit(X)):
        assert scale_difference(X, scaler.transform(X_val))


def test_unscaled_sparse_rows_are_recognised():
    X, X_val = map(csr_matrix, halves(load_digits))
    scaler = MaxAbsScaler().fit(X)
    assert "times off their range" in scale_difference(scaler.transform(X), X_val)
    assert scale_difference(scaler.transform(X), scaler.transform(X_val)) is None


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_inverted_images_beside_others_are_recognised(kind):
    X, X_val = halves(load_digits)
    for one, other in ((X / 16, 1 - X_val / 16), (1 - X / 16, X_val / 16)):
        assert "as of images and inverted ones" in scale_difference(kind(one), kind(other))
    assert scale_difference(kind(1 - X / 16), kind(1 - X_val / 16)) is None


def test_a_time_of_measurement_beside_features_of_one_may_drift():
    rng = np.random.default_rng(0)
    X, X_val = (
        np.column_stack([1.6e9 + start + np.arange(n), rng.normal(size=(n, 9))])
        for start, n in ((0, 1000), (1e7, 300))
    )
    assert scale_difference(X, X_val) is None


def test_pixels_that_are_the_same_in_all_images_pass():
    rng = np.random.default_rng(0)
    for n in range(100, 1000, 37):  # the mean of many 0.3 is not 0.3, for some of these
        X, X_val = (np.full((m, 16, 16), 0.3) for m in (n, n // 4))
        for images in X, X_val:
            images[:, 3:13, 3:13] = rng.random((len(images), 10, 10))
        assert scale_difference(X.reshape(n, -1), X_val.reshape(n // 4, -1)) is None


def test_too_few_rows_to_judge_a_scale_pass():
    X, X_val = halves(load_digits)
    assert scale_difference(X, 1000 * X_val[:9]) is None
    assert scale_difference(X, 10 * X_val[:20]) is None


@pytest.mark.parametrize("n_rows", [10, 20, 49])
@pytest.mark.parametrize("load", LOADERS)
def test_few_rows_are_recognised_if_their_scale_is_far_off(load, n_rows):
    X, _ = load(return_X_y=True)
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(X))
        few, rest = X[order[:n_rows]], X[order[n_rows:]]
        for scaler in (MinMaxScaler().fit(rest), StandardScaler().fit(rest)):
            scaled = scaler.transform(rest)
            assert scale_difference(scaled, scaler.transform(few)) is None
            assert "times off their range" in scale_difference(scaled, 255 * scaler.transform(few))
        assert "times off their range" in scale_difference(few, 255 * rest)


def test_heavy_tails_of_many_features_pass():
    rng = np.random.default_rng(0)
    X, X_val = (rng.standard_cauchy((200, 20)) for _ in range(2))
    assert scale_difference(X, X_val) is None


def test_huge_numbers_do_not_overflow():
    X, X_val = halves(load_digits)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scale_difference(X, 1e300 * X_val)


def test_only_a_bounded_number_of_rows_is_read():
    class Counting(np.ndarray):
        read = 0

        def __getitem__(self, rows):
            picked = super().__getitem__(rows)
            if isinstance(rows, np.ndarray):  # a copy, not a view
                Counting.read += picked.shape[0]
            return picked

    X, X_val = np.random.default_rng(0).normal(size=(2, 100_000, 3)).view(Counting)
    Counting.read = 0
    assert look_at_validation(X, X_val, SEVERAL, SEVERAL) is None
    assert 0 < Counting.read <= 2 * 4096


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((10, 256), 4096), ((10, 1024), 1024), ((2, 200_000), 50)],
)
@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_samples_of_wide_tables_have_fewer_rows(shape, expected, kind):
    assert sample_size(kind(np.ones(shape, np.int8))) == expected


def test_samples_of_sparse_rows_depend_on_their_values_not_on_their_features():
    assert sample_size(csr_matrix((10, 10**6))) == 4096


@pytest.mark.mnist
def test_nothing_is_said_of_mnists_validation_images():
    mnist = fetch_mnist(download_if_missing=False)
    assert shared_rows(mnist.X_train, mnist.X_val) == 0
    assert scale_difference(mnist.X_train, mnist.X_val) is None
    assert shared_rows(mnist.X_train, mnist.X_train[-10_000:]) > 0.5
    assert scale_difference(mnist.X_train, 255 * mnist.X_val)


@pytest.mark.parametrize("n_classes", [1, 2])
def test_the_scale_of_rows_of_a_single_class_tells_nothing(n_classes, small):
    rng = np.random.default_rng(0)
    y = np.arange(600) % 3
    X = np.array([-1.0, 0.0, 1.0])[y, None] + 0.01 * rng.normal(size=(600, 4))
    rows = (y < n_classes) & (np.arange(600) >= 300)
    small().fit(X[:300], y[:300], X_val=X[rows], y_val=y[rows])


def test_one_signed_feature_does_not_hide_the_others():
    X, X_val = halves(load_digits)
    signed = np.random.default_rng(0).normal(size=(len(X) + len(X_val), 1))
    X, X_val = (
        np.hstack([M, s]) for M, s in ((X / 16, signed[: len(X)]), (X_val / 16, signed[len(X) :]))
    )
    scaler = StandardScaler().fit(X)
    assert scale_difference(scaler.transform(X), X_val)
    assert scale_difference(X, scaler.transform(X_val))
    assert scale_difference(X, X_val) is None


@pytest.mark.parametrize(
    ("kind", "kind_val"),
    [
        (csr_matrix, np.asarray),
        (np.asarray, csr_matrix),
        (np.asarray, lambda X: np.where(X == 0, -0.0, X)),
    ],
)
def test_rows_are_compared_by_their_values_however_they_are_stored(kind, kind_val, small):
    X, _ = halves(load_digits)
    y = np.arange(len(X)) % 2
    with pytest.warns(UserWarning, match="100% of the rows of `X_val` equal training rows"):
        small().fit(kind(X / 16), y, X_val=kind_val(X / 16), y_val=y)


def test_very_wide_tables_are_compared_by_some_of_their_features():
    X, X_val = np.random.default_rng(0).normal(size=(2, 60, 50_000)).astype(np.float32)
    assert scale_difference(X, X_val) is None
    assert "100% of the features compared" in scale_difference(X, 100 * X_val)
    X, X_val = np.random.default_rng(0).normal(size=(2, 300, 20_000)).astype(np.float32)
    assert shared_rows(X, X_val) == 0
    assert shared_rows(X, X[::2]) > 0.9


def test_sparse_values_that_hardly_meet_in_a_feature_are_compared_together():
    rng = np.random.default_rng(0)
    X, X_val = (
        csr_matrix(
            (rng.random(30 * n), rng.integers(100_000, size=30 * n), range(0, 30 * n + 1, 30))
        )
        for n in (5000, 600)
    )
    for M in (X, X_val):
        M.resize(M.shape[0], 100_000)
        M.sum_duplicates()
    assert scale_difference(X, X_val) is None
    assert scale_difference(X, 100 * X_val)


@pytest.mark.parametrize("sigma", [1, 2, 3])
def test_heavy_tails_of_sparse_values_pass(sigma):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X, X_val = (
            csr_matrix(rng.lognormal(0, sigma, (n, 40)) * (rng.random((n, 40)) < 0.05))
            for n in (3000, 100)
        )
        assert scale_difference(X, X_val) is None


def test_one_feature_that_drifts_does_not_stand_for_the_others():
    rng = np.random.default_rng(0)
    rare = (rng.random((1000, 49)) < 0.1).astype(float)
    X = np.hstack([rare, np.linspace(0, 1, 1000)[:, None] ** 0.1])
    assert scale_difference(X[:900], X[900:]) is None


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_categories_beside_amounts_that_are_rarely_there_pass(kind):
    for seed in range(50):
        rng = np.random.default_rng(seed)
        tables = []
        for n_rows in (500, 300):
            categories = np.eye(9)[rng.integers(9, size=n_rows)]
            amounts = rng.uniform(10, 80, (n_rows, 4)) * (rng.random((n_rows, 4)) < 0.25)
            tables.append(np.hstack([categories, amounts]))
        X, X_val = map(kind, tables)
        assert scale_difference(X, X_val) is None
        assert scale_difference(X, X_val * 100)


def test_a_handful_of_signed_values_in_sparse_rows_pass():
    rng = np.random.default_rng(0)
    X, X_val = (rng.normal(size=(n, 20)) * (rng.random((n, 20)) < 0.005) for n in (1000, 50))
    X_val = np.abs(X_val)
    assert scale_difference(csr_matrix(X), csr_matrix(X_val)) is None
    X_val[2:] = 0
    assert 0 < np.count_nonzero(X_val) < 5
    assert scale_difference(csr_matrix(X), csr_matrix(100 * X_val)) is None


def test_the_first_validation_rows_of_a_continued_fit_are_looked_at(small):
    X, X_val = halves(load_digits)
    y = np.arange(len(X)) % 2
    clf = small().partial_fit(X / 16, y, classes=[0, 1])
    with pytest.warns(UserWarning, match="does not look scaled like X"):
        clf.partial_fit(X / 16, y, X_val=100 * X_val, y_val=np.arange(len(X_val)) % 2)


def test_a_continued_fit_does_not_look_again(small):
    X, X_val = halves(load_digits)
    y = np.arange(len(X)) % 2
    clf = small()
    data = dict(X_val=100 * X_val, y_val=np.arange(len(X_val)) % 2)
    with pytest.warns(UserWarning, match="does not look scaled like X"):
        clf.partial_fit(X / 16, y, classes=[0, 1], **data)
    clf.partial_fit(X / 16, y, **data)


def test_copies_are_found_among_half_a_million_rows():
    X = np.random.default_rng(0).normal(size=(500_000, 2)).astype(np.float32)
    assert shared_rows(X, X[::7]) > 0.5


@pytest.mark.parametrize("n_rows", [20_000, 300_000])
def test_rows_that_repeat_in_large_tables_are_no_sign(n_rows):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        for levels in (20, 50, 100):
            X, X_val = rng.integers(levels, size=(2, n_rows, 3)).astype(float)
            assert look_at_validation(X, X_val, SEVERAL, SEVERAL) is None


def test_the_number_of_rows_is_needed_where_the_training_rows_are_a_sample():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 2))
    sample = X[rng.choice(len(X), 4000, replace=False)]
    for n_shared, expected in ((1000, False), (4000, True)):
        X_val = np.vstack([X[:n_shared], rng.normal(size=(4000 - n_shared, 2))])
        remark = look_at_validation(sample, X_val, SEVERAL, SEVERAL, n_rows=len(X))
        assert (remark is not None) == expected


@pytest.mark.parametrize("scaler", [MinMaxScaler(), MaxAbsScaler()])
@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_unscaled_values_in_a_narrow_range_are_recognised(scaler, kind):
    rng = np.random.default_rng(0)
    spectra = 0.3 + 0.1 * np.sin(np.arange(200) / 20)
    X, X_val = (spectra + 0.02 * rng.normal(size=(200, 200)) for _ in range(2))
    scaled, scaled_val = scaler.fit_transform(X), scaler.transform(X_val)
    assert scale_difference(kind(scaled), kind(X_val))
    assert scale_difference(kind(X), kind(scaled_val))
    assert scale_difference(kind(scaled), kind(scaled_val)) is None


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), MaxAbsScaler()])
@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_categories_that_scaling_leaves_as_they_are_hide_nothing(scaler, kind):
    rng = np.random.default_rng(0)
    X, X_val = (
        np.hstack([np.eye(9)[rng.integers(9, size=n)], rng.normal(100, 20, (n, 4))])
        for n in (500, 300)
    )
    scaled, scaled_val = scaler.fit_transform(X), scaler.transform(X_val)
    assert scale_difference(kind(scaled), kind(X_val))
    assert scale_difference(kind(X), kind(scaled_val))
    assert scale_difference(kind(scaled), kind(scaled_val)) is None
    own = type(scaler)().fit_transform(X_val)
    assert scale_difference(kind(scaled), kind(own)) is None


@pytest.mark.parametrize("scaler", [StandardScaler(with_mean=False), TfidfTransformer()])
def test_unscaled_counts_of_words_are_recognised(scaler):
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, 20_001)
    X, X_val = (
        vstack(
            [
                csr_matrix(
                    np.bincount(rng.choice(20_000, 100, p=share / share.sum()), minlength=20_000)
                )
                for _ in range(n)
            ]
        ).astype(float)
        for n in (1000, 400)
    )
    scaled, scaled_val = scaler.fit_transform(X), scaler.transform(X_val)
    assert scale_difference(scaled, X_val)
    assert scale_difference(X, scaled_val)
    assert scale_difference(scaled, scaled_val) is None
    assert scale_difference(X, X_val) is None


@pytest.mark.parametrize("scaler", [None, StandardScaler(), MinMaxScaler()])
@pytest.mark.parametrize("load", [load_breast_cancer, load_digits, load_wine])
def test_rows_sorted_by_class_pass(load, scaler):
    X, y = load(return_X_y=True)
    X = X[np.argsort(y, kind="stable")]
    n_val = np.count_nonzero(y == y.max()) + 40  # two classes
    X, X_val = X[:-n_val], X[-n_val:]
    if scaler is not None:
        X, X_val = scaler.fit_transform(X), scaler.transform(X_val)
    assert scale_difference(X, X_val) is None


def test_negative_values_that_are_rare_may_be_missing_from_a_few_rows():
    rng = np.random.default_rng(0)
    X, X_val = (rng.normal(2, 1, size=(n, 10)) for n in (1000, 50))
    assert (X_val > 0).all(axis=0).mean() >= 0.2
    assert scale_difference(X, np.abs(X_val)) is None


@pytest.mark.parametrize("several", [SEVERAL, np.zeros((1, 3))])
def test_scales_are_compared_only_if_both_sides_hold_several_classes(several):
    X, X_val = halves(load_digits)
    single = np.ones(3)
    assert look_at_validation(X, 100 * X_val, several, several)
    assert look_at_validation(X, 100 * X_val, single, several) is None
    assert look_at_validation(X, 100 * X_val, several, single) is None
    assert look_at_validation(X, X, single, single)


def test_copies_are_found_among_other_validation_rows():
    X, X_val = halves(load_digits)
    assert 0.6 < shared_rows(X, np.vstack([X[:200], X_val[:80]])) < 0.8


def test_shares_do_not_exceed_the_whole():
    for n_rows in range(20_000, 20_010):
        X = np.random.default_rng(0).normal(size=(n_rows, 4))
        assert 0.9 < shared_rows(X, X[::2]) <= 1


def test_copies_are_found_where_some_training_rows_repeat():
    X, _ = halves(load_digits)
    X = np.vstack([X, X[: len(X) // 10]])
    assert shared_rows(X, X) > 0.95


def test_copies_are_found_in_very_wide_tables():
    X = np.random.default_rng(0).random((300, 42_000), np.float32)
    assert shared_rows(X, X[::2]) > 0.9


def test_copies_are_found_among_sparse_rows_of_many_features():
    rng = np.random.default_rng(0)
    X = csr_matrix(
        (np.ones(5000), rng.integers(100_000, size=5000), range(0, 5001, 10)), shape=(500, 100_000)
    )
    assert shared_rows(X, X[::2]) > 0.9


def test_copies_are_found_however_sparse_rows_are_stored():
    X, _ = halves(load_digits)
    stored = csr_matrix(
        (X[:, ::-1].ravel(), np.tile(np.arange(64)[::-1], len(X)), range(0, X.size + 1, 64))
    )
    assert stored.nnz == X.size and not stored.has_sorted_indices
    assert shared_rows(X, stored) > 0.9
    wide = csr_array(X)
    wide.indices, wide.indptr = (a.astype(np.int64) for a in (wide.indices, wide.indptr))
    assert shared_rows(X, wide) > 0.9
    assert scale_difference(X, 100 * stored[::2])


def test_heavy_tails_of_values_that_are_rare_in_every_feature_pass():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X, X_val = (
            csr_matrix(rng.lognormal(0, 3, (400, 1000)) * (rng.random((400, 1000)) < 0.003))
            for _ in range(2)
        )
        assert scale_difference(X, X_val) is None


def oversampled(n_few, times, noise=0):
    """Make rows of noise in which an over-sampler has repeated those of the smaller class."""
    rng = np.random.default_rng(noise)
    X, y = rng.random((400 + n_few, 5)), np.repeat([0, 1], [400, n_few])
    repeated = np.repeat(np.flatnonzero(y == 1), times)
    return np.concatenate([X, X[repeated]]), np.concatenate([y, y[repeated]])


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
def test_a_split_of_rows_that_an_over_sampler_repeated_is_warned_of(form, small):
    X, y = oversampled(40, 9)
    with pytest.warns(UserWarning, match=r"% of the rows that were split off .* over-sampler"):
        small(early_stopping=True).fit(form(X), y)


def test_splits_of_other_rows_are_not_warned_of(small, digits):
    rng = np.random.default_rng(0)
    small(early_stopping=True).fit(*digits)
    small(early_stopping=True).fit(*oversampled(40, 1)[:2])  # few of those split off repeat
    repeating = rng.integers(0, 3, (600, 4)).astype(float)  # in every class
    small(early_stopping=True).fit(repeating, rng.integers(0, 2, 600))
