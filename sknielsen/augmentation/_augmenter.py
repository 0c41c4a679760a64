"""ImageAugmenter: its parameters, its presets, and how it draws and applies distortions."""

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted, validate_data

from sknielsen._guards import refuse_images
from sknielsen._hooks import all_or_nothing
from sknielsen._resolve import check_number, random_state_of, scalar
from sknielsen._sklearn import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sknielsen._version import VersionedMixin
from sknielsen._warn import warn
from sknielsen.augmentation._geometry import coordinates, find_ink, keep_in_frame, warp
from sknielsen.augmentation._images import (
    background,
    check_pairs,
    generator_from,
    images_of,
    remark_on_shape,
    rounded,
    shape_of,
)
from sknielsen.core.contracts import Array

_BLOCK_PIXELS = 2**18  # searched for ink at a time: many, for few calls
_CHUNK_PIXELS = 2**17  # distorted at a time: few, so that fields and images stay in the cache
_SAMPLE = 1000  # images looked at for remarks
_STILL = 0.1  # share of its distortion below which an image is all but still
_AFFINE = "shift", "rotation", "scale", "shear"
_INTERVALS = {
    "rotation": "[0, 180]",
    "scale": "[0, 1)",
    "shear": "[0, inf)",
    "elastic": "[0, inf)",
    "elastic_sigma": "(0, inf)",
    "probability": "[0, 1]",
}


class ImageAugmenter(VersionedMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Distort training images at random; leave all other images as they are.

    `fit_transform`, which a pipeline calls in its ``fit``, distorts every image once;
    `transform`, which it calls to validate and to predict, changes nothing. Each image gets a
    distortion of its own. Its shift, angle, change of size and slant are uniform between minus
    and plus the amounts given here; its elastic displacement is Gaussian. All amounts are 0 by
    default, so an augmenter does only what its parameters say. The class methods `gentle`,
    `simard` and `shifts_of_one_pixel` are presets. There are no flips: they turn digits into
    other signs.

    Parameters
    ----------
    image_shape : tuple (height, width) or (height, width, channels), default=None
        Shape of the image in each row, in C order, channels last. None takes the images to be
        square and grey; where the number of features is no square number, it takes them to be one
        pixel high. A warning says so, and also where colour images of 3:4 or 4:3 have as many
        features as a square: 48 x 64 x 3 = 96 x 96.
    shift : float or sequence of (down, right) pairs, default=0.0
        Largest translation along each axis, in pixels. Pairs are exact translations instead of a
        bound: consecutive rows cycle through them, from a random start.
    rotation : float, default=0.0
        Largest angle, in degrees.
    scale : float, default=0.0
        Largest relative change of size: height and width are multiplied by two factors from
        [1 - scale, 1 + scale].
    shear : float, default=0.0
        Largest slant: pixels to the side for each pixel upwards.
    elastic : float, default=0.0
        Root mean square of the random displacement along each axis, in pixels, whatever
        `elastic_sigma` and the image size are.
    elastic_sigma : float, default=4.0
        Standard deviation, in pixels, of the Gaussian that smooths the random displacement: a
        small one crumples the image, a large one moves it almost as a whole. The default is the
        choice of [1]_ for MNIST.
    keep_in_frame : bool, default=True
        Whether to limit the affine distortion (shift, rotation, scale and shear) of each image so
        that the centre of every ink pixel stays inside the frame: a digit that lost a stroke
        belongs to no class. Ink is what differs from `fill` by more than 0.3 times the largest
        difference in the image. Fainter pixels may leave: so noise, and the uneven background
        that StandardScaler makes, hold no image still. An image whose ink touches all four
        borders is not limited; one whose ink touches two opposite ones hardly moves. Most digits
        of 8 x 8 pixels do, and some photographs: set False for these. A warning says so where it
        holds for most images.
    fill : float or "auto", default="auto"
        Value of the background, which comes in from outside the frame. ``"auto"`` is the median
        of the image's own border pixels in each channel, so that dark ink on white works, too.
        A number is for all channels. Pixels are not reflected.
    probability : float, default=1.0
        Probability that an image is distorted at all.
    random_state : int, RandomState instance or None, default=None
        Seed or generator of the distortions of `fit_transform`. An int makes the same
        distortions in every call.

    Attributes
    ----------
    image_shape_ : tuple (height, width, channels)
        Shape of the images.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the features; only if the columns of `X` have names that are strings.

    Notes
    -----
    A pipeline draws the distortions once in each fit, or only in the first fit if it has a
    ``memory``. A classifier that itself splits off validation rows validates on distorted ones.
    To draw new distortions in each epoch and to validate on undistorted rows, give the augmenter
    to ``MLPSigmoidClassifier(augment=...)``. For several copies of each image, see
    `AugmentedClassifier` and `ImageExpander`.

    References
    ----------
    .. [1] P. Y. Simard, D. Steinkraus, J. C. Platt, "Best practices for convolutional neural
       networks applied to visual document analysis", ICDAR 2003.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sknielsen.augmentation import ImageAugmenter
    >>> X, y = load_digits(return_X_y=True)
    >>> augmenter = ImageAugmenter(
    ...     rotation=10, elastic=0.3, keep_in_frame=False, random_state=0
    ... )
    >>> augmenter.fit_transform(X).shape
    (1797, 64)
    >>> pipeline = make_pipeline(augmenter, LogisticRegression(max_iter=2000)).fit(X / 16, y)
    >>> pipeline.score(X / 16, y) > 0.95
    True
    """

    image_shape_: tuple[int, int, int]
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        image_shape: Sequence[int] | None = None,
        *,
        shift: float | Sequence[Sequence[float]] | Array = 0.0,
        rotation: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        elastic: float = 0.0,
        elastic_sigma: float = 4.0,
        keep_in_frame: bool = True,
        fill: float | Literal["auto"] = "auto",
        probability: float = 1.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.image_shape = image_shape
        self.shift = shift
        self.rotation = rotation
        self.scale = scale
        self.shear = shear
        self.elastic = elastic
        self.elastic_sigma = elastic_sigma
        self.keep_in_frame = keep_in_frame
        self.fill = fill
        self.probability = probability
        self.random_state = random_state

    @classmethod
    def gentle(cls, **parameters: Any) -> Self:
        """Make an augmenter that leaves handwritten digits of about 28 x 28 pixels legible.

        Keyword arguments add parameters or replace those of the preset.
        """
        amounts = {"shift": 1.0, "rotation": 8.0, "scale": 0.1, "elastic": 0.5}
        return cls(**{**amounts, **parameters})

    @classmethod
    def simard(cls, **parameters: Any) -> Self:
        """Make an augmenter with the elastic distortion of Simard, Steinkraus and Platt (2003).

        Uniform noise in [-1, 1], smoothed with sigma = 4 pixels and multiplied by alpha = 34, has
        the root mean square alpha / (sigma sqrt(12 pi)) = 1.38 pixels. Keyword arguments add
        parameters or replace those of the preset.
        """
        return cls(**{"elastic": 1.38, "elastic_sigma": 4.0, **parameters})

    @classmethod
    def shifts_of_one_pixel(cls, **parameters: Any) -> Self:
        """Make an augmenter that moves images by one pixel, as the book's expand_mnist does.

        They move up, down, left or right; an `ImageExpander` with ``n_copies=4`` adds all four
        to each image. Ink may leave the frame, and zeros come in. Keyword arguments add
        parameters or replace those of the preset.
        """
        shift = ((-1, 0), (1, 0), (0, -1), (0, 1))
        return cls(**{"shift": shift, "keep_in_frame": False, "fill": 0.0, **parameters})

    @all_or_nothing
    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Check the parameters and the shape of the images; there is nothing to learn.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            An image in each row.
        y : None
            Ignored.

        Returns
        -------
        ImageAugmenter
            The fitted transformer.

        Raises
        ------
        TypeError
            If a parameter has the wrong type, or `X` is sparse.
        ValueError
            If a parameter is out of range, the images do not have `image_shape`, or `X` holds
            NaN or infinity.

        Warns
        -----
        UserWarning
            As `remarks` says.
        """
        self._validate(X)
        return self

    def transform(self, X: npt.ArrayLike) -> Array:
        """Return the images as they are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            An image in each row.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The images.
        """
        check_is_fitted(self)
        images: Array = validate_data(self, X, reset=False)
        return images

    @all_or_nothing
    def fit_transform(self, X: npt.ArrayLike, y: object = None) -> Array:
        """Fit, and distort every image once.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            An image in each row.
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The distorted images, in the dtype of `X`.

        Raises
        ------
        TypeError, ValueError
            As for `fit`.
        """
        images = self._validate(X)
        return self._distort(images, self.image_shape_, generator_from(self.random_state))

    def distort(self, X: Array, rng: np.random.Generator) -> Array:
        """Distort every image once, with the given generator; the augmenter need not be fitted.

        It does not warn, since it may be called for a few rows at a time; see `remarks`.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            An image in each row, of any real dtype. It stays as it is.
        rng : numpy.random.Generator
            Draws the distortions. The augmenter's own `random_state` is not used.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The distorted images, in the dtype of `X`. Integers are rounded.

        Raises
        ------
        TypeError, ValueError
            As for `fit`.
        """
        if not hasattr(rng, "integers"):  # a RandomState has none
            raise TypeError(
                f"`rng` must be a numpy.random.Generator, such as default_rng(0); got {rng!r}."
            )
        images = images_of(X)
        return self._distort(images, self._check(images.shape[1]), rng)

    def remarks(self, X: Array) -> list[str]:
        """List what makes the distortions of these images other than they seem.

        `fit` and `fit_transform` warn of it, and once in each fit so does what calls `distort`:
        `ImageExpander`, `AugmentedClassifier`, and ``MLPSigmoidClassifier(augment=...)``.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            An image in each row. Of many a sample is looked at.

        Returns
        -------
        list of str
            A sentence or two if there is no `image_shape` and the images are taken to be one
            pixel high, or to be square where they may be colour images of 3:4; and if
            `keep_in_frame` holds most of them still.

        Raises
        ------
        TypeError, ValueError
            As for `fit`.
        """
        images = images_of(X[:: -(-len(X) // _SAMPLE) or 1])
        shape = self._check(images.shape[1])
        found = []
        if self.image_shape is None and (remark := remark_on_shape(images.shape[1])):
            found.append(remark)
        if self.keep_in_frame and self._moves() and len(images):
            matrix, shift, _ = self._draw(len(images), shape, np.random.default_rng(0))
            real = images.astype(np.result_type(images, np.float32)).reshape(-1, *shape)
            ink = find_ink(real, background(self.fill, real, images.dtype))
            still = float(np.mean(keep_in_frame(matrix, shift, ink)[2] < _STILL))
            if still > 0.5:
                found.append(
                    f"`keep_in_frame` holds {still:.0%} of the images all but still: their ink "
                    "reaches the borders, which leaves shift, rotation, scale and shear no room. "
                    "Set keep_in_frame=False to distort these, too; strokes may then be cut off."
                )
        return found

    def _moves(self) -> bool:
        """Tell whether there is an affine distortion."""
        return any(np.any(getattr(self, amount)) for amount in _AFFINE)

    def _distort(self, X: Array, shape: tuple[int, int, int], rng: np.random.Generator) -> Array:
        """Draw distortions, limit them to the frame if asked to, and apply them.

        They are drawn row by row, so they do not depend on how many rows are done at a time.
        """
        distorted = np.array(X, order="C")
        moving = self._moves()
        if not moving and not self.elastic:
            return distorted
        dtype = np.result_type(X.dtype, np.float32)
        matrix, shift, chosen = self._draw(len(X), shape, rng)
        fill = np.empty((len(X), shape[2]), dtype)
        limit = self.keep_in_frame and moving
        for rows in _chunks(chosen, _BLOCK_PIXELS // X.shape[1]):
            images = X[rows].astype(dtype, copy=False).reshape(-1, *shape)
            fill[rows] = background(self.fill, images, X.dtype)
            if limit:
                ink = find_ink(images, fill[rows])
                matrix[rows], shift[rows], _ = keep_in_frame(matrix[rows], shift[rows], ink)
        elastic = float(self.elastic)
        sigma = float(self.elastic_sigma) if elastic else None
        for rows in _chunks(chosen, _CHUNK_PIXELS // X.shape[1]):
            images = X[rows].astype(dtype, copy=False).reshape(-1, *shape)
            where = coordinates(matrix[rows], shift[rows], shape[:2], elastic, sigma, rng)
            warped = warp(images, where[0], where[1], fill[rows])
            distorted[rows] = rounded(warped, X.dtype).reshape(len(rows), -1)
        return distorted

    def _draw(
        self, n: int, shape: tuple[int, int, int], rng: np.random.Generator
    ) -> tuple[Array, Array, Array]:
        """Draw affine maps, as `coordinates` takes them, and the rows to distort."""
        frame = np.array(shape[:2])
        draws = rng.random((n, 7))
        chosen = np.flatnonzero(draws[:, 0] < self.probability)
        uniform = 2 * draws[:, 1:] - 1
        if isinstance(scalar(self.shift), Real):
            shift = float(scalar(self.shift)) * uniform[:, :2]
        else:
            pairs = np.array(self.shift, float)
            shift = pairs[(rng.integers(len(pairs)) + np.arange(n)) % len(pairs)]
        shift *= frame > 1
        solid = frame.min() > 1  # one row or column of pixels can be neither turned nor slanted
        angle = np.radians(float(self.rotation) * solid) * uniform[:, 2]
        slant = float(self.shear) * solid * uniform[:, 3]
        height, width = 1 + float(self.scale) * uniform[:, 4:].T
        cos, sin = np.cos(angle), np.sin(angle)
        # Points (row, column) are scaled, then sheared, then rotated.
        down = np.stack([(cos - sin * slant) * height, -sin * width], axis=1)
        right = np.stack([(sin + cos * slant) * height, cos * width], axis=1)
        return np.stack([down, right], axis=1), shift, chosen

    def _validate(self, X: npt.ArrayLike) -> Array:
        """Check parameters and data, set the fitted attributes, and return the data."""
        refuse_images(X, type(self).__name__)
        images: Array = validate_data(self, X)
        self.image_shape_ = self._check(images.shape[1])
        for remark in self.remarks(images):
            warn(remark)
        return images

    def _check(self, n_features: int) -> tuple[int, int, int]:
        """Check every parameter; return the shape (height, width, channels) of the images."""
        if isinstance(scalar(self.shift), Real):
            check_number("shift", self.shift, Real, "[0, inf)")
        else:
            check_pairs(self.shift)
        for name, interval in _INTERVALS.items():
            check_number(name, getattr(self, name), Real, interval)
        if not isinstance(scalar(self.keep_in_frame), (bool, np.bool_)):
            raise TypeError(f"`keep_in_frame` must be True or False; got {self.keep_in_frame!r}.")
        if isinstance(scalar(self.fill), Real):
            check_number("fill", self.fill, Real, "(-inf, inf)")
        elif not (isinstance(self.fill, str) and self.fill == "auto"):
            raise (ValueError if isinstance(self.fill, str) else TypeError)(
                f'`fill` must be a number, for all channels, or "auto"; got {self.fill!r}.'
            )
        random_state_of(self.random_state)
        return shape_of(self.image_shape, n_features)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _chunks(rows: Array, size: int) -> list[Array]:
    """Split rows into chunks of nearly equal length: at most `size` rows, but at least one."""
    n_chunks = -(-len(rows) // max(1, size))
    return np.array_split(rows, n_chunks) if n_chunks else []
