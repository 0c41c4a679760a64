import re

import numpy as np
import pytest
from distorting import rng
from scipy.sparse import csr_array

from sknielsen.augmentation import ImageAugmenter


@pytest.mark.parametrize(
    ("n_features", "advice"),
    [(26, r"Set `image_shape`\.$"), (27, r"to \(3, 3, 3\) if the images are RGB\.$")],
)
def test_no_square_without_a_shape_is_warned_of(n_features, advice):
    message = rf"{n_features} features make no square image; .*{advice}"
    with pytest.warns(UserWarning, match=message):
        ImageAugmenter().fit(np.zeros((2, n_features)))


@pytest.mark.parametrize("shape", [(48, 64, 3), (64, 48, 3)])
def test_colours_that_have_as_many_values_as_a_square_are_warned_of(shape):
    X = np.zeros((2, np.prod(shape)))
    message = (
        rf"9216 features is taken for a grey image of 96 x 96, but .* {re.escape(str(shape))}"
    )
    with pytest.warns(UserWarning, match=message):
        ImageAugmenter().fit(X)
    assert not ImageAugmenter((96, 96)).remarks(X)


def test_a_square_that_no_colours_of_3_to_4_make_is_not_warned_of():
    assert not ImageAugmenter().remarks(np.zeros((2, 28 * 28)))


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (4, 16, 8)])
def test_channels_first_are_refused_with_the_way_out(shape):
    X = rng().random((2, np.prod(shape)))
    channels, height, width = shape
    with pytest.raises(ValueError, match=r"looks like channels first\. Put them last, by X") as no:
        ImageAugmenter(shape).fit(X)
    assert f"set `image_shape` to {(height, width, channels)}" in str(no.value)


@pytest.mark.parametrize("shape", [(1, 100, 2), (1, 100, 8), (3, 32, 3), (8, 3, 5), (4, 4, 5)])
def test_low_images_and_signals_of_several_channels_are_not_taken_for_channels_first(shape):
    assert ImageAugmenter(shape).fit(np.zeros((2, np.prod(shape)))).image_shape_ == shape


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (csr_array(np.eye(4)), TypeError, "dense array; got a sparse matrix"),
        (np.full((2, 4), np.nan), ValueError, "must be finite; got NaN"),
        (np.zeros(4), ValueError, r"two-dimensional array of real numbers; .* \(4,\)"),
        (np.zeros(4), ValueError, r"X\.reshape\(1, -1\) is one row of a single image"),
        (np.full((2, 4), "a"), ValueError, "real numbers"),
    ],
)
def test_bad_images_are_refused(X, error, message):
    with pytest.raises(error, match=message):
        ImageAugmenter(shift=1.0).distort(X, rng())
    with pytest.raises((TypeError, ValueError)):
        ImageAugmenter(shift=1.0).fit(X)


def test_images_that_are_no_rows_are_refused_with_the_way_out():
    X = np.zeros((2, 4, 4, 3))
    for call in (ImageAugmenter().fit, lambda X: ImageAugmenter().distort(X, rng())):
        with pytest.raises(ValueError, match=r"dim 4, .* X\.reshape\(len\(X\), -1\) makes a row"):
            call(X)


def test_fill_must_fit_integer_images():
    with pytest.raises(ValueError, match=r"`fill` for uint8 images must be .* \[0, 255\]"):
        ImageAugmenter(shift=1.0, fill=-1.0).distort(np.zeros((2, 4), np.uint8), rng())
