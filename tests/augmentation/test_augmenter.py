from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.pipeline import Pipeline as SamplingPipeline
from scipy.ndimage import map_coordinates
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknielsen import MLPSigmoidClassifier
from sknielsen.augmentation import (
    AugmentedClassifier,
    ImageAugmenter,
    ImageExpander,
    _augmenter,
    _geometry,
    warp,
)

NO_SQUARE = "ignore:.* features make no square image"


class Largest(np.random.Generator):
    """A generator that draws the largest amounts, for every image, and no elastic field."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def random(self, shape):
        draws = np.ones(shape)
        draws[:, 0] = 0  # probability
        return draws


def largest(X, **parameters):
    """Distort by exactly the amounts given."""
    return ImageAugmenter(**parameters).distort(X, Largest())


def rng(seed=0):
    return np.random.default_rng(seed)


def blobs(n, h, w, channels=(), seed=0):
    """Images of random ink, on an empty background, with a margin of two pixels."""
    images = np.zeros((n, h, w, *channels), np.float32)
    images[:, 2:-2, 2:-2] = rng(seed).random((n, h - 4, w - 4, *channels))
    return images


def everything(**parameters):
    amounts = dict(shift=2.0, rotation=15.0, scale=0.2, shear=0.2, elastic=0.6)
    return ImageAugmenter(**(amounts | parameters))


# --- warp -------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([(), (1,), (3,)]),
    st.floats(-1, 1, width=32),
    st.integers(0, 2**16),
)
def test_warp_agrees_with_scipy(n, h, w, channels, fill, seed):
    images = rng(seed).random((n, h, w, *channels), np.float32)
    rows, columns = rng(seed + 1).uniform(-3, 15, (2, n, 5, 6)).astype(np.float32)
    warped = warp(images, rows, columns, fill)
    assert warped.shape == (n, 5, 6, *channels) and warped.dtype == np.float32
    for i in range(n):
        planes = images[i].reshape(h, w, -1)
        for c, got in enumerate(np.moveaxis(warped[i].reshape(5, 6, -1), -1, 0)):
            expected = map_coordinates(
                planes[..., c], (rows[i], columns[i]), order=1, mode="grid-constant", cval=fill
            )
            np.testing.assert_allclose(got, expected, atol=1e-5)


def test_warp_takes_a_fill_for_each_image_and_channel():
    fill = rng().random((4, 3))
    far = np.full((4, 2, 2), 99.0)
    warped = warp(np.zeros((4, 5, 6, 3)), far, -far, fill)
    np.testing.assert_array_equal(warped, np.broadcast_to(fill[:, None, None], (4, 2, 2, 3)))
    last = warp(np.zeros((4, 5, 6, 3)), np.full((4, 1, 1), 5), np.full((4, 1, 1), 6), fill)
    np.testing.assert_array_equal(last[:, 0, 0], fill)


def test_warp_leaves_its_arguments_alone():
    images, rows, columns = rng().random((3, 2, 4, 4))[:, :, :, :]
    before = images.copy(), rows.copy(), columns.copy()
    warp(images, rows, columns)
    for array, old in zip((images, rows, columns), before):
        np.testing.assert_array_equal(array, old)


# --- geometry ---------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [8, 13, 28])
def test_rotation_by_90_degrees_is_rot90(side):
    images = blobs(5, side, side)
    turned = largest(images.reshape(5, -1), rotation=90).reshape(images.shape)
    np.testing.assert_allclose(turned, np.rot90(images, axes=(1, 2)), atol=1e-5)


def test_integer_shift_is_a_slice():
    images = rng().random((4, 10, 12)).astype(np.float32)
    shifted = largest(
        images.reshape(4, -1), image_shape=(10, 12), shift=3, keep_in_frame=False, fill=0.25
    ).reshape(images.shape)
    np.testing.assert_array_equal(shifted[:, 3:, 3:], images[:, :-3, :-3])
    assert (shifted[:, :3] == 0.25).all() and (shifted[:, :, :3] == 0.25).all()


def test_rows_and_columns_of_a_non_square_image_are_not_swapped():
    image = np.zeros((1, 6, 20), np.float32)
    image[0, 2, 10] = 1
    for pair in [(1, 0), (0, 7), (-2, -9)]:
        augmenter = ImageAugmenter((6, 20), shift=[pair])
        moved = augmenter.distort(image.reshape(1, -1), rng()).reshape(6, 20)
        assert np.argwhere(moved).tolist() == [[2 + pair[0], 10 + pair[1]]]


def test_scale_multiplies_height_and_width():
    image = np.zeros((1, 21, 31), np.float32)
    image[0, 6:15, 11:20] = 1  # 9 by 9, in the centre
    larger = largest(image.reshape(1, -1), image_shape=(21, 31), scale=0.5).reshape(21, 31)
    assert larger.sum() == pytest.approx(81 * 1.5**2, rel=0.03)
    np.testing.assert_allclose(larger, larger[::-1, ::-1], atol=1e-5)


def test_shear_slants_by_pixels_to_the_side_for_each_pixel_upwards():
    image = np.zeros((1, 11, 11), np.float32)
    image[0, 2:9, 5] = 1
    slanted = largest(image.reshape(1, -1), shear=0.5).reshape(11, 11)
    np.testing.assert_allclose(slanted[[3, 5, 7]].argmax(axis=1), [4, 5, 6])


@pytest.mark.parametrize("frame", [(28, 28), (8, 8), (12, 40)])
@pytest.mark.parametrize("sigma", [1.0, 4.0, 9.0])
def test_rms_displacement_equals_elastic_within_5_percent(frame, sigma):
    identity = np.broadcast_to(np.eye(2), (4000, 2, 2)), np.zeros((4000, 2))
    field = _geometry.coordinates(*identity, frame, 0.7, sigma, rng())
    displacement = field - np.indices(frame)[:, None]
    np.testing.assert_allclose(np.sqrt((displacement**2).mean(axis=(1, 2, 3))), 0.7, rtol=0.05)


def test_elastic_field_is_correlated_as_smoothed_noise_is():
    identity = np.broadcast_to(np.eye(2), (4000, 2, 2)), np.zeros((4000, 2))
    field = _geometry.coordinates(*identity, (28, 28), 1.0, 4.0, rng())
    field = (field - np.indices((28, 28))[:, None]).reshape(8000, 28, 28)
    for d in (1, 4, 8):
        expected = np.exp(-(d**2) / (4 * 4.0**2))
        for one, other in [
            (field[:, d:], field[:, :-d]),
            (field[:, :, d:], field[:, :, :-d]),
        ]:
            assert (one * other).mean() == pytest.approx(expected, abs=0.03)


def test_rms_displacement_of_distorted_ramps():
    ramp = np.repeat(np.arange(40.0), 40) / 40
    X = np.tile(ramp, (500, 1))
    moved = ImageAugmenter(elastic=0.8, fill=0.0).distort(X, rng()) - X
    inner = moved.reshape(500, 40, 40)[:, 5:-5, 5:-5] * 40
    assert np.sqrt((inner**2).mean()) == pytest.approx(0.8, rel=0.05)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 20),
    st.integers(2, 20),
    st.floats(0, 30),
    st.floats(0, 180),
    st.floats(0, 0.9),
    st.floats(0, 2),
    st.floats(0.01, 0.5),
    st.integers(0, 2**16),
)
def test_no_ink_centre_leaves_the_frame(h, w, shift, rotation, scale, shear, density, seed):
    ink = rng(seed).random((20, h, w)) < density
    augmenter = ImageAugmenter(shift=shift, rotation=rotation, scale=scale, shear=shear)
    matrix, move, _ = augmenter._draw(20, (h, w, 1), rng(seed))
    limited, moved = _geometry.keep_in_frame(matrix, move, ink)
    centre = (np.array([h, w]) - 1) / 2
    for i in range(20):
        borders = ink[i, 0], ink[i, -1], ink[i, :, 0], ink[i, :, -1]
        if all(border.any() for border in borders):
            np.testing.assert_allclose(limited[i], matrix[i])
            np.testing.assert_allclose(moved[i], move[i])
            continue
        arrived = (np.argwhere(ink[i]) - centre) @ limited[i].T + moved[i] + centre
        assert (arrived > -1e-9).all() and (arrived < np.array([h, w]) - 1 + 1e-9).all()
        np.testing.assert_array_less(0, np.linalg.det(limited[i]))


def test_the_limit_is_the_largest_possible():
    ink = np.zeros((1, 10, 10), bool)
    ink[0, 4, 7] = True
    limited, moved = _geometry.keep_in_frame(np.eye(2)[None], np.array([[1.0, 8.0]]), ink)
    np.testing.assert_allclose(moved, [[0.25, 2.0]])
    np.testing.assert_array_equal(limited, np.eye(2)[None])


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 20), st.integers(5, 20), st.floats(0, 20), st.integers(0, 2**16))
def test_a_dot_stays_whole_in_the_frame(h, w, shift, seed):
    images = np.zeros((30, h, w), np.float32)
    row, column = rng(seed).integers(0, (h, w), (30, 2)).T
    images[np.arange(30), row, column] = 1
    parameters = dict(image_shape=(h, w), shift=shift, fill=0.0)
    kept = ImageAugmenter(**parameters).distort(images.reshape(30, -1), rng(seed))
    np.testing.assert_allclose(kept.sum(axis=1), 1, atol=1e-4)
    if shift > 2 * max(h, w):
        lost = ImageAugmenter(**parameters, keep_in_frame=False)
        assert lost.distort(images.reshape(30, -1), rng(seed)).sum() < 30


def test_ink_at_every_border_is_distorted_without_the_limit():
    images = rng().random((3, 9, 9)).astype(np.float32) + 0.1
    X = images.reshape(3, -1)
    kept, free = (largest(X, shift=2, fill=0.0, keep_in_frame=keep) for keep in (True, False))
    np.testing.assert_array_equal(kept, free)
    assert not np.array_equal(kept, X)


# --- kinds of images --------------------------------------------------------------------------


def test_channels_are_distorted_alike():
    grey = blobs(6, 12, 10)
    factors = np.array([1.0, 0.5, 0.25], np.float32)
    colour = (grey[..., None] * factors).reshape(6, -1)
    distorted = everything(image_shape=(12, 10, 3)).distort(colour, rng()).reshape(6, 12, 10, 3)
    alone = everything(image_shape=(12, 10)).distort(grey.reshape(6, -1), rng())
    for c, factor in enumerate(factors):
        np.testing.assert_allclose(distorted[..., c].reshape(6, -1), alone * factor, atol=1e-6)


def test_inverted_images_stay_inverted():
    X = blobs(20, 16, 16).reshape(20, -1)
    distorted, inverted = (everything().distort(image, rng()) for image in (X, 1 - X))
    np.testing.assert_allclose(inverted, 1 - distorted, atol=1e-5)


def test_automatic_fill_is_the_median_of_the_border_in_each_channel():
    images = rng().random((5, 6, 7, 3))
    inner = np.zeros((6, 7), bool)
    inner[1:-1, 1:-1] = True
    border = np.sort(images[:, ~inner], axis=1)
    expected = border[:, (border.shape[1] - 1) // 2]
    np.testing.assert_array_equal(_geometry.border_median(images), expected)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "int64", "float16", "float32", "float64"]
)
def test_dtype_and_range_are_preserved(dtype):
    top = 1 if dtype == "bool" else 100
    X = (blobs(30, 12, 12).reshape(30, -1) * top).round().astype(dtype)
    before = X.copy()
    distorted = everything().distort(X, rng())
    assert distorted.dtype == X.dtype
    assert distorted.min() >= X.min() and distorted.max() <= X.max()
    assert not np.array_equal(distorted, X)
    np.testing.assert_array_equal(X, before)


def test_integers_are_rounded():
    X = (blobs(10, 12, 12).reshape(10, -1) * 200).astype(np.uint8)
    exact = everything().distort(X.astype(np.float32), rng())
    np.testing.assert_array_equal(everything().distort(X, rng()), np.rint(exact))


def test_float64_is_interpolated_in_float64():
    X = 1 + 1e-9 * blobs(3, 12, 12).astype(np.float64).reshape(3, -1)
    distorted = everything().distort(X, rng())
    assert len(np.unique(distorted)) > 100


def test_8x8_digits_stay_recognisable(digits):
    X, y = digits
    near = KNeighborsClassifier(1).fit(X, y)
    augmenter = ImageAugmenter(shift=0.5, rotation=8, elastic=0.2)
    assert near.score(augmenter.distort(X, rng()), y) > 0.95


@pytest.mark.filterwarnings(NO_SQUARE)
def test_a_single_row_of_pixels_moves_along_itself_only():
    X = blobs(20, 5, 30)[:, 2]
    distorted = everything().distort(X, rng())
    assert distorted.max(axis=1).min() > 0.3 and not np.array_equal(distorted, X)


def test_no_square_without_a_shape_is_warned_of():
    with pytest.warns(UserWarning, match="27 features make no square image"):
        ImageAugmenter().fit(np.zeros((2, 27)))


# --- randomness -------------------------------------------------------------------------------


@pytest.mark.parametrize("pixels", [1, 1000, 10**7])
def test_result_does_not_depend_on_the_chunk_size(monkeypatch, pixels):
    X = blobs(100, 14, 14).reshape(100, -1)
    expected = everything(probability=0.7).distort(X, rng())
    monkeypatch.setattr(_augmenter, "_CHUNK_PIXELS", pixels)
    monkeypatch.setattr(_augmenter, "_BLOCK_PIXELS", 2 * pixels)
    np.testing.assert_array_equal(everything(probability=0.7).distort(X, rng()), expected)


def test_integer_random_state_repeats_and_none_does_not(digits):
    X = digits[0][:20]
    fixed, free = everything(random_state=3), everything()
    np.testing.assert_array_equal(fixed.fit_transform(X), fixed.fit_transform(X))
    np.testing.assert_array_equal(fixed.fit_transform(X), clone(fixed).fit_transform(X))
    assert not np.array_equal(free.fit_transform(X), free.fit_transform(X))


def test_random_state_instance_advances(digits):
    X = digits[0][:20]
    one, other = (everything(random_state=np.random.RandomState(3)) for _ in range(2))
    first = one.fit_transform(X)
    assert not np.array_equal(one.fit_transform(X), first)
    np.testing.assert_array_equal(other.fit_transform(X), first)


def test_each_image_is_drawn_anew():
    X = np.tile(blobs(1, 14, 14).reshape(1, -1), (50, 1))
    distorted = everything().distort(X, rng())
    assert len(np.unique(distorted, axis=0)) == 50


def test_probability_is_the_share_of_images_distorted():
    X = blobs(2000, 8, 8).reshape(2000, -1)
    changed = (everything(probability=0.3).distort(X, rng()) != X).any(axis=1)
    assert changed.mean() == pytest.approx(0.3, abs=0.04)
    np.testing.assert_array_equal(everything(probability=0).distort(X, rng()), X)


def test_no_rows_are_no_error():
    assert everything(image_shape=(4, 4)).distort(np.zeros((0, 16)), rng()).shape == (0, 16)


# --- the transformer --------------------------------------------------------------------------

EXCUSED = dict.fromkeys(
    ("check_transformer_general", "check_transformer_data_not_an_array"),
    "fit_transform distorts, transform does not: that is what it is for",
)


def expected_failures(estimator):
    distorts = isinstance(estimator, ImageAugmenter) and estimator.elastic
    return EXCUSED if distorts else {}


@pytest.mark.filterwarnings(NO_SQUARE)
@parametrize_with_checks(
    [
        ImageAugmenter.gentle(random_state=0),
        ImageAugmenter(),
        AugmentedClassifier(LogisticRegression(), ImageAugmenter()),
        AugmentedClassifier(LogisticRegression(), ImageAugmenter(), n_copies=2),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings(NO_SQUARE)
@parametrize_with_checks(
    [AugmentedClassifier(LogisticRegression(), ImageAugmenter.gentle(), random_state=0)],
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": "a repeated row is drawn anew"
    },
)
def test_scikit_learn_check_of_a_distorting_classifier(estimator, check):
    check(estimator)


def test_transform_is_the_identity(digits):
    X, _ = digits
    np.testing.assert_array_equal(everything().fit(X).transform(X), X)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_frames_come_out_as_from_scikit_learns_own_transformers(kind):
    values = blobs(5, 8, 8).reshape(5, -1)
    X = pd.DataFrame(values).add_prefix("p")
    X = X if kind == "pandas" else pl.DataFrame({name: X[name].to_numpy() for name in X})
    augmenter = everything(random_state=0).set_output(transform=kind)
    distorted = augmenter.fit_transform(X)
    model = StandardScaler().set_output(transform=kind).fit(X)  # 1.6 takes no names from polars
    assert type(distorted) is type(X)
    assert list(distorted.columns) == list(model.transform(X).columns)
    assert list(augmenter.get_feature_names_out()) == list(model.get_feature_names_out())
    expected = everything(random_state=0).fit_transform(values)
    np.testing.assert_array_equal(np.asarray(distorted), expected)
    np.testing.assert_array_equal(np.asarray(augmenter.transform(X)), values)


@pytest.mark.parametrize("preset", ["gentle", "simard", "shifts_of_one_pixel"])
def test_presets_take_parameters_and_clone(preset):
    augmenter = getattr(ImageAugmenter, preset)(random_state=5, probability=0.5)
    assert augmenter.random_state == 5 and augmenter.probability == 0.5
    assert repr(clone(augmenter)) == repr(augmenter)
    assert getattr(ImageAugmenter, preset)(elastic=0.25).elastic == 0.25


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers the rows it was fitted with and asked about."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.weight_ = np.array(X), np.array(y), sample_weight
        self.classes_ = np.unique(y)
        self.asked_ = []
        return self

    def predict(self, X):
        self.asked_.append(np.array(X))
        return np.full(len(X), self.classes_[0])


def test_a_pipeline_distorts_in_fit_and_nowhere_else(digits):
    X, y = digits
    pipeline = make_pipeline(everything(random_state=0), Recorder()).fit(X, y)
    pipeline.predict(X)
    assert (pipeline[-1].X_ != X).any(axis=1).mean() > 0.9
    np.testing.assert_array_equal(pipeline[-1].asked_[0], X)


# --- expander and classifier ------------------------------------------------------------------


def test_one_pixel_shifts_are_exactly_up_down_left_and_right():
    images = rng().random((7, 5, 6)) + 0.1
    expander = ImageExpander(
        ImageAugmenter.shifts_of_one_pixel(image_shape=(5, 6)), n_copies=4, random_state=0
    )
    X, _ = expander.fit_resample(images.reshape(7, -1), np.arange(7))
    copies = X[7:].reshape(7, 4, 5, 6)
    for image, four in zip(images, copies):
        padded = np.pad(image, 1)
        expected = [padded[2:, 1:-1], padded[:-2, 1:-1], padded[1:-1, 2:], padded[1:-1, :-2]]
        one, other = (sorted(a.tobytes() for a in np.array(each)) for each in (four, expected))
        assert one == other


def test_expander_keeps_originals_first(digits):
    X, y = digits
    y = y.astype(str)
    expander = ImageExpander(everything(), n_copies=2, random_state=0)
    X_expanded, y_expanded = expander.fit_resample(X, y)
    np.testing.assert_array_equal(X_expanded[: len(X)], X)
    origin = np.concatenate([np.arange(300), np.repeat(np.arange(300), 2)])
    np.testing.assert_array_equal(expander.sample_indices_, origin)
    np.testing.assert_array_equal(y_expanded, y[origin])
    assert (X_expanded[len(X) :] != X[origin[len(X) :]]).any(axis=1).mean() > 0.9
    again = clone(expander).fit_resample(X, y)[0]
    np.testing.assert_array_equal(again, X_expanded)


def test_expander_gives_frames_for_frames():
    index = [f"r{i}" for i in range(4)]
    X = pd.DataFrame(blobs(4, 8, 8).reshape(4, -1), index).add_prefix("p")
    y = pd.Series(list("abab"), index, name="letter")
    X_expanded, y_expanded = ImageExpander(everything(), random_state=0).fit_resample(X, y)
    pd.testing.assert_frame_equal(X_expanded[:4], X)
    assert (X_expanded.dtypes == np.float32).all()
    assert X_expanded.index.equals(y_expanded.index)
    assert y_expanded.name == "letter" and list(y_expanded) == list("abababab")


def test_imbalanced_learn_pipeline_expands_in_fit_and_nowhere_else(digits):
    X, y = digits
    expander = ImageExpander(everything(), n_copies=3, random_state=0)
    pipeline = SamplingPipeline([("expand", expander), ("record", Recorder())]).fit(X, y)
    assert len(pipeline[-1].X_) == 4 * len(X)
    assert len(pipeline.predict(X)) == len(X)
    np.testing.assert_array_equal(pipeline[-1].asked_[0], X)


def test_imbalanced_learn_pipeline_in_cross_validation(digits):
    X, y = digits
    expander = ImageExpander(ImageAugmenter(shift=0.5, rotation=5), random_state=0)
    pipeline = SamplingPipeline([("expand", expander), ("near", KNeighborsClassifier(1))])
    assert cross_val_score(pipeline, X, y, cv=3).min() > 0.9
    search = GridSearchCV(pipeline, {"expand__augmenter__rotation": [0, 10]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.9


def test_augmented_classifier_fits_expanded_rows_and_weights(digits):
    X, y = digits
    weight = np.arange(1.0, 301.0)
    clf = AugmentedClassifier(Recorder(), everything(), n_copies=2, random_state=0)
    inner = clf.fit(X, y, sample_weight=weight).estimator_
    np.testing.assert_array_equal(inner.X_[:300], X)
    np.testing.assert_array_equal(inner.y_, np.r_[y, np.repeat(y, 2)])
    np.testing.assert_array_equal(inner.weight_, np.r_[weight, np.repeat(weight, 2)])
    assert clf.fit(X, y).estimator_.weight_ is None
    clf.predict(X)
    np.testing.assert_array_equal(clf.estimator_.asked_[0], X)


def test_no_copy_reaches_validation_in_cross_validation(digits):
    X, y = digits
    seen = []

    class Watching(Recorder):
        def predict(self, X):
            seen.append((self.X_, np.array(X)))
            return super().predict(X)

    cross_val_score(AugmentedClassifier(Watching(), everything()), X, y, cv=3)
    originals = {row.tobytes() for row in X}
    for fitted, validated in seen:
        validated = {row.tobytes() for row in validated}
        assert validated <= originals
        assert not validated & {row.tobytes() for row in fitted}


def test_sample_weights_are_routed(digits):
    X, y = digits
    with config_context(enable_metadata_routing=True):
        clf = AugmentedClassifier(Recorder(), everything())
        clf.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        found = cross_validate(
            clf, X, y, params={"sample_weight": np.full(300, 2.0)}, return_estimator=True, cv=3
        )
    for fitted in found["estimator"]:
        np.testing.assert_array_equal(fitted.estimator_.weight_, np.full(400, 2.0))


def test_augmented_classifier_has_the_methods_of_its_estimator(digits):
    X, y = digits
    clf = AugmentedClassifier(LinearSVC(), ImageAugmenter())
    assert hasattr(clf, "decision_function") and not hasattr(clf, "predict_proba")
    assert clf.fit(X, y).decision_function(X).shape == (300, 10)
    clf = AugmentedClassifier(GaussianNB(), ImageAugmenter()).fit(X, y)
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), clf.predict_proba(X))
    np.testing.assert_array_equal(clf.classes_, np.arange(10))


def test_augmentation_teaches_the_distortions_it_makes(digits):
    X, y = digits
    shifts, near = ImageAugmenter.shifts_of_one_pixel(), KNeighborsClassifier(1)
    shifted = shifts.distort(X[100:], rng())
    plain = near.fit(X[:100], y[:100]).score(shifted, y[100:])
    augmented = AugmentedClassifier(near, shifts, n_copies=4, random_state=0)
    assert augmented.fit(X[:100], y[:100]).score(shifted, y[100:]) > plain + 0.2


def test_nested_parameters_are_tuned_in_a_plain_pipeline(digits):
    X, y = digits
    clf = AugmentedClassifier(LogisticRegression(max_iter=300), everything(), random_state=0)
    pipeline = make_pipeline(StandardScaler(with_std=False), clf)
    prefix = "augmentedclassifier__"
    grid = {
        f"{prefix}augmenter__rotation": [0, 10],
        f"{prefix}augmenter__elastic": [0.0, 0.2],
        f"{prefix}estimator__C": [1.0],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert set(search.best_params_) == set(grid)


def test_early_stopping_inside_is_warned_of(digits):
    X, y = digits
    mlp = MLPClassifier((4,), early_stopping=True, max_iter=300, n_iter_no_change=1, tol=1)
    clf = AugmentedClassifier(make_pipeline(StandardScaler(), mlp), ImageAugmenter())
    with pytest.warns(
        UserWarning, match="mlpclassifier__early_stopping=True validates on rows of the expanded"
    ):
        clf.fit(X, y)


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (dict(shift=-1), ValueError, r"`shift` must be a number in \[0, inf\); got -1"),
        (dict(shift="far"), ValueError, r"`shift` must be a number in \[0, inf\).* or a sequence"),
        (dict(shift=[(1, 2, 3)]), ValueError, "pairs such as .*; got"),
        (dict(shift=()), ValueError, "pairs such as .*; got"),
        (dict(shift=None), ValueError, "pairs such as .*; got None"),
        (dict(shift=[(0, np.nan)]), ValueError, "pairs such as .*; got"),
        (dict(rotation=-8), ValueError, r"`rotation` must be a number in \[0, 180\]; got -8"),
        (dict(rotation="8"), TypeError, "`rotation` must be a number"),
        (dict(scale=1.0), ValueError, r"`scale` must be a number in \[0, 1\)"),
        (dict(shear=-0.1), ValueError, "`shear` must"),
        (dict(elastic=np.nan), ValueError, "`elastic` must be .* got nan"),
        (dict(elastic_sigma=0), ValueError, r"`elastic_sigma` must be a number in \(0, inf\)"),
        (dict(probability=1.5), ValueError, r"`probability` must be a number in \[0, 1\]"),
        (dict(fill="median"), ValueError, "`fill` must be a number or \"auto\"; got 'median'"),
        (dict(fill=None), TypeError, "`fill` must be a number"),
        (dict(image_shape=8), TypeError, "`image_shape` must be None, .* got 8"),
        (dict(image_shape=(64,)), ValueError, r"`image_shape` must be None, .* got \(64,\)"),
        (dict(image_shape=(8.0, 8)), TypeError, "each length in `image_shape` must be an int"),
        (dict(image_shape=(8, 9)), ValueError, r"number of features, 64; got \(8, 9\), .* 72"),
    ],
)
def test_bad_parameters_are_named_in_fit_and_distort(parameters, error, message):
    augmenter = ImageAugmenter(**parameters)
    with pytest.raises(error, match=message):
        augmenter.fit(np.zeros((2, 64)))
    with pytest.raises(error, match=message):
        augmenter.distort(np.zeros((2, 64)), rng())


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (csr_array(np.eye(4)), TypeError, "dense array; got a sparse matrix"),
        (np.full((2, 4), np.nan), ValueError, "must be finite; got NaN"),
        (np.zeros(4), ValueError, r"two-dimensional array of real numbers; .* \(4,\)"),
        (np.full((2, 4), "a"), ValueError, "real numbers"),
    ],
)
def test_bad_images_are_refused(X, error, message):
    with pytest.raises(error, match=message):
        everything().distort(X, rng())
    with pytest.raises((TypeError, ValueError)):
        everything().fit(X)


def test_fill_must_fit_integer_images():
    with pytest.raises(ValueError, match=r"`fill` for uint8 images must be .* \[0, 255\]"):
        everything(fill=-1.0).distort(np.zeros((2, 4), np.uint8), rng())


@pytest.mark.parametrize("wrong", [None, "gentle", ImageAugmenter, StandardScaler()])
def test_augmenter_without_distort_is_refused(digits, wrong):
    message = "`augmenter` must be an object with `distort`; got"
    with pytest.raises(TypeError, match=message):
        ImageExpander(wrong).fit_resample(*digits)
    with pytest.raises(TypeError, match=message):
        AugmentedClassifier(GaussianNB(), wrong).fit(*digits)


def test_number_of_copies_must_be_positive(digits):
    with pytest.raises(ValueError, match=r"`n_copies` must be an integer in \[1, inf\); got 0"):
        ImageExpander(ImageAugmenter(), n_copies=0).fit_resample(*digits)


def test_labels_must_match_images():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ImageExpander(ImageAugmenter()).fit_resample(np.zeros((3, 4)), [1, 2])


@pytest.mark.parametrize("bad", [0, None, np.random.RandomState(0)])
def test_what_is_no_generator_is_named(bad):
    with pytest.raises(TypeError, match=r"`rng` must be a numpy.random.Generator.*got"):
        ImageAugmenter(elastic=1.0).distort(np.zeros((2, 64)), bad)


def test_keep_in_frame_is_true_or_false():
    with pytest.raises(TypeError, match="`keep_in_frame` must be True or False; got 'no'"):
        ImageAugmenter(keep_in_frame="no").fit(np.zeros((2, 64)))


def test_a_fixed_fill_is_told_from_ink_in_half_precision():
    X = np.full((20, 64), 0.1, np.float16)
    X[:, 27:29] = 1
    distorted = ImageAugmenter(shift=3, fill=0.1).distort(X, np.random.default_rng(0))
    np.testing.assert_allclose((distorted - X[0, 0]).sum(axis=1), 1.8, rtol=0.05)


def test_a_copy_of_another_shape_is_an_error():
    class Halver:
        def distort(self, X, rng):
            return X[::2]

    with pytest.raises(ValueError, match=r"rows of the shape it is given, \(4, 64\); got \(2, 64"):
        ImageExpander(Halver()).fit_resample(np.zeros((4, 64)), [0, 1, 0, 1])


def test_what_is_no_classifier_is_an_error():
    with pytest.raises(TypeError, match="`estimator` must be a classifier; got LinearRegression"):
        AugmentedClassifier(LinearRegression(), ImageAugmenter()).fit(
            np.zeros((4, 64)), [0, 1, 0, 1]
        )


@pytest.mark.parametrize(
    "estimator",
    [
        GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2),
        GridSearchCV(LogisticRegression(), {"C": [1.0]}),
        RandomForestClassifier(oob_score=True, random_state=0),
        MLPSigmoidClassifier(eta_schedule="plateau", max_iter=1, batch_size=5),
    ],
    ids=["search", "search of five folds by default", "out of bag", "plateau"],
)
def test_a_classifier_that_validates_within_its_fit_draws_a_warning(estimator):
    X = np.random.default_rng(0).random((40, 64))
    with pytest.warns(UserWarning, match="validates on rows of the expanded images"):
        AugmentedClassifier(estimator, ImageAugmenter()).fit(X, np.arange(40) % 2)


@pytest.mark.parametrize(
    "amounts",
    [
        dict(shift=Fraction(1, 2)),
        dict(scale=Fraction(1, 2)),
        dict(elastic=Fraction(1, 2)),
        dict(elastic=2**70),
    ],
    ids=str,
)
def test_any_real_number_is_an_amount(amounts):
    X = blobs(5, 12, 12).reshape(5, -1)
    floats = {name: float(amount) for name, amount in amounts.items()}
    np.testing.assert_array_equal(
        ImageAugmenter(**amounts).distort(X, rng()), ImageAugmenter(**floats).distort(X, rng())
    )


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_the_largest_integers_stay_in_range(dtype):
    top = np.iinfo(dtype).max
    distorted = ImageAugmenter(shift=1.5, fill="auto").distort(np.full((3, 64), top, dtype), rng())
    assert (distorted > top // 2).all()
