from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from distorting import (
    HELD,
    NO_SQUARE,
    Recorder,
    blobs,
    everything,
    everything_of_digits,
    rng,
)
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknielsen import MLPSigmoidClassifier
from sknielsen.augmentation import (
    AugmentedClassifier,
    ImageAugmenter,
    ImageExpander,
    _augmenter,
    _geometry,
)

# --- kinds of images -----------------------------------------------------------------------------


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


# --- ink -----------------------------------------------------------------------------------------


def noisy(images, amount):
    return images + rng(9).uniform(-amount, amount, images.shape)


def test_noise_and_uneven_backgrounds_are_no_ink():
    X = np.zeros((200, 20, 20))
    X[:, 6:14, 6:14] = 1
    clean = everything(elastic=0.0, shift=4.0)
    moved = clean.distort(X.reshape(200, -1), rng()) - X.reshape(200, -1)
    for other in (noisy(X, 0.2), X + np.linspace(0, 0.2, 20), -3 * noisy(X, 0.2) + 7):
        rows = other.reshape(200, -1)
        assert not clean.remarks(rows)
        change = np.abs(clean.distort(rows, rng()) - rows).mean()
        assert change > 0.8 * np.abs(moved).mean()


STILL = r"`keep_in_frame` holds \d+% of the images all but still: .* Set keep_in_frame=False"


@pytest.fixture
def tall():
    """Images whose ink reaches from the top to the bottom, and their labels."""
    images = np.zeros((60, 14, 14))
    images[:, :, 6:8] = rng().random((60, 14, 2)) + 0.5
    return images.reshape(60, -1), np.arange(60) % 2


def test_images_that_are_held_still_are_warned_of_once_in_each_fit(tall):
    augmenter = ImageAugmenter(rotation=10, shift=1, random_state=0)
    for fit in (
        augmenter.fit,
        augmenter.fit_transform,
        ImageExpander(augmenter, 3).fit_resample,
        AugmentedClassifier(GaussianNB(), augmenter, 3).fit,
        MLPSigmoidClassifier((3,), augment=augmenter, max_iter=3).fit,
    ):
        with pytest.warns(UserWarning, match=STILL) as caught:
            fit(*tall)
        assert len(caught) == 1


@pytest.mark.parametrize("parameters", [dict(keep_in_frame=False), dict(rotation=0, shift=0)])
def test_what_holds_no_image_still_is_not_warned_of(parameters, tall):
    ImageAugmenter(**(dict(rotation=10, shift=1) | parameters)).fit(*tall)


def test_a_minority_that_is_held_still_is_not_warned_of(tall):
    X = np.concatenate([tall[0], blobs(61, 14, 14).reshape(61, -1)])
    ImageAugmenter(rotation=5, shift=1).fit(X)


def test_distort_itself_does_not_warn(tall):
    ImageAugmenter(rotation=10).distort(tall[0], rng())


# --- randomness ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pixels", [1, 1000, 10**7])
def test_result_does_not_depend_on_the_chunk_size(monkeypatch, pixels):
    X = blobs(100, 14, 14).reshape(100, -1)
    expected = everything(probability=0.7).distort(X, rng())
    monkeypatch.setattr(_augmenter, "_CHUNK_PIXELS", pixels)
    monkeypatch.setattr(_augmenter, "_BLOCK_PIXELS", 2 * pixels)
    np.testing.assert_array_equal(everything(probability=0.7).distort(X, rng()), expected)


def test_integer_random_state_repeats_and_none_does_not(digits):
    X = digits[0][:20]
    fixed, free = everything_of_digits(random_state=3), everything_of_digits()
    np.testing.assert_array_equal(fixed.fit_transform(X), fixed.fit_transform(X))
    np.testing.assert_array_equal(fixed.fit_transform(X), clone(fixed).fit_transform(X))
    assert not np.array_equal(free.fit_transform(X), free.fit_transform(X))


def test_random_state_instance_advances(digits):
    X = digits[0][:20]
    one, other = (everything_of_digits(random_state=np.random.RandomState(3)) for _ in range(2))
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


EXCUSED = dict.fromkeys(
    ("check_transformer_general", "check_transformer_data_not_an_array"),
    "fit_transform distorts, transform does not: that is what it is for",
)


def expected_failures(estimator):
    distorts = isinstance(estimator, ImageAugmenter) and estimator.elastic
    return EXCUSED if distorts else {}


# --- the transformer -----------------------------------------------------------------------------


@pytest.mark.filterwarnings(NO_SQUARE, HELD)
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


def test_transform_is_the_identity(digits):
    X, _ = digits
    np.testing.assert_array_equal(everything_of_digits().fit(X).transform(X), X)


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


def test_a_pipeline_distorts_in_fit_and_nowhere_else(digits):
    X, y = digits
    pipeline = make_pipeline(everything_of_digits(random_state=0), Recorder()).fit(X, y)
    pipeline.predict(X)
    assert (pipeline[-1].X_ != X).any(axis=1).mean() > 0.9
    np.testing.assert_array_equal(pipeline[-1].asked_[0], X)


# --- bad input -----------------------------------------------------------------------------------


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
        (dict(fill="median"), ValueError, "`fill` must be .* or \"auto\"; got 'median'"),
        (dict(fill=(0, 0, 0)), TypeError, 'number, for all channels, or "auto"; got \\(0, 0, 0'),
        (dict(fill=np.inf), ValueError, "`fill` must be a number in .* got inf"),
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


@pytest.mark.parametrize(
    "amounts",
    [
        dict(shift=Fraction(1, 2)),
        dict(scale=Fraction(1, 2)),
        dict(elastic=Fraction(1, 2)),
        dict(elastic=2**70),
        dict(shift=1, probability=Fraction(1, 2)),
        dict(shift=1, fill=Fraction(1, 2)),
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
