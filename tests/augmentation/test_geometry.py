import numpy as np
import pytest
from distorting import blobs, rng
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from sknielsen.augmentation import (
    ImageAugmenter,
    _geometry,
    warp,
)


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


# --- warp ----------------------------------------------------------------------------------------


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


# --- geometry ------------------------------------------------------------------------------------


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
    limited, moved, _ = _geometry.keep_in_frame(matrix, move, ink)
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
    limited, moved, share = _geometry.keep_in_frame(np.eye(2)[None], np.array([[1.0, 8.0]]), ink)
    np.testing.assert_allclose(share, [0.25])
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


# --- ink -----------------------------------------------------------------------------------------


def test_ink_is_a_share_of_the_largest_difference_in_any_channel():
    images = np.zeros((1, 3, 3, 2))
    images[0, 0, 0, 1] = -10
    images[0, 1, 1, 0] = 10 * _geometry.INK
    images[0, 2, 2, 0] = 10 * _geometry.INK + 1e-6
    ink = _geometry.find_ink(images, np.zeros((1, 2)))
    assert np.argwhere(ink[0]).tolist() == [[0, 0], [2, 2]]


def test_an_even_image_has_no_ink_and_a_huge_one_is_no_error():
    assert not _geometry.find_ink(np.ones((1, 3, 3, 1)), np.ones((1, 1))).any()
    huge = np.full((1, 3, 3, 1), np.finfo(float).max)
    _geometry.find_ink(huge, -huge[:, 0, 0])
