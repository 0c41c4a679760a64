"""What an augmenter is given, checked: images, their shape and background, pairs and seeds."""

from math import isqrt
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse

from sknielsen._guards import refuse_images
from sknielsen._resolve import check_image_shape, check_number, random_state_of
from sknielsen.augmentation._geometry import border_median
from sknielsen.core.contracts import Array


def images_of(X: npt.ArrayLike) -> Array:
    """Return X as an array; raise an error unless each row holds an image."""
    if issparse(X):
        raise TypeError("Images must be a dense array; got a sparse matrix.")
    refuse_images(X, "ImageAugmenter")
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] == 0 or X.dtype.kind not in "biuf":
        raise ValueError(
            "Images must be the rows of a two-dimensional array of real numbers; got an array of "
            f"shape {X.shape} and dtype {X.dtype}."
            f"{' X.reshape(1, -1) is one row of a single image.' if X.ndim == 1 else ''}"
        )
    if not np.isfinite(X).all():
        raise ValueError("Images must be finite; got NaN or infinity.")
    return X


def rounded(images: Array, dtype: np.dtype[Any]) -> Array:
    """Round real-valued images, in place, if they are to become integers of this dtype."""
    if dtype.kind in "biu":
        np.rint(images, out=images)
    if dtype.kind in "iu" and dtype.itemsize == 8:
        # float64 rounds the largest 64-bit integer up, out of range: take the float below.
        np.minimum(images, np.nextafter(float(np.iinfo(dtype).max), 0), out=images)
    return images


def shape_of(image_shape: Any, n_features: int) -> tuple[int, int, int]:
    """Check the parameter `image_shape`; return (height, width, channels).

    One row of pixels if it is None and the features do not make a square.
    """
    shape = check_image_shape(image_shape, n_features, f"the number of features, {n_features}")
    if shape is None:
        return 1, n_features, 1
    height, width, channels = (*shape, 1)[:3]
    return height, width, channels


def remark_on_shape(n_features: int) -> str | None:
    """Say what features without an `image_shape` are taken for, if that may be wrong.

    Colour images of 3k x 4k have as many features as a square of 6k x 6k; no other colour images
    of usual proportions have as many as a square.
    """
    side = isqrt(n_features)
    if side**2 == n_features:
        if side % 6 or side < 60:  # colour images of less than 30 x 40 are rare, squares are not
            return None
        low, high = side // 2, side * 2 // 3
        return (
            f"Each row of {n_features} features is taken for a grey image of {side} x {side}, but "
            f"colour images of {low} x {high} or {high} x {low} have as many. Set `image_shape`, "
            f"to ({side}, {side}), ({low}, {high}, 3) or ({high}, {low}, 3)."
        )
    side = isqrt(n_features // 3)
    is_colour = 3 * side**2 == n_features and side > 1
    colour = f", to ({side}, {side}, 3) if the images are RGB" if is_colour else ""
    return (
        f"{n_features} features make no square image; each row is taken for an image of one row "
        f"of pixels. Set `image_shape`{colour}."
    )


def background(fill: Any, images: Array, dtype: np.dtype[Any]) -> Array:
    """Return the background of each image, of shape (n, channels).

    Parameters
    ----------
    fill : float or "auto"
        The parameter.
    images : ndarray of float of shape (n, h, w, channels)
    dtype : dtype
        Of the images as they were given, which must be able to hold `fill`.
    """
    if isinstance(fill, str):
        return border_median(images)
    if dtype.kind in "biu":
        low, high = 0, 1
        if dtype.kind != "b":
            low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        fill = check_number(f"`fill` for {dtype} images", fill, Real, f"[{low}, {high}]")
    else:
        fill = dtype.type(fill)  # rounded like the pixels, so that the two compare equal
    return np.full((len(images), images.shape[3]), fill, images.dtype)


def check_pairs(shift: object) -> None:
    """Raise ValueError unless `shift` is a sequence of pairs of finite numbers."""
    try:
        pairs = np.array(shift, float)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs) or not np.isfinite(pairs).all():
        raise ValueError(
            "`shift` must be a number in [0, inf), which bounds it, or a sequence of exact "
            f"(down, right) pairs such as [(2, 3)]; got {shift!r}."
        )


def generator_from(random_state: int | np.random.RandomState | None) -> np.random.Generator:
    """Make a generator from what scikit-learn accepts as `random_state`."""
    return np.random.default_rng(random_state_of(random_state).randint(2**31, size=4))
