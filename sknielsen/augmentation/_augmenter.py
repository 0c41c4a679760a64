"""ImageAugmenter: its parameters and presets, and the draws of its distortions."""

from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sknielsen._resolve import check_image_shape, check_number
from sknielsen._version import VersionedMixin
from sknielsen._warn import warn
from sknielsen.augmentation._geometry import border_median, coordinates, keep_in_frame, warp

_BLOCK_PIXELS = 2**18  # in which ink is looked for at a time: many, to spare calls
_CHUNK_PIXELS = 2**17  # distorted at a time: few, so that fields and images stay in the cache
_AFFINE = "shift", "rotation", "scale", "shear"


class ImageAugmenter(VersionedMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Distort training images at random; leave all others as they are.

    `fit_transform`, which is what the ``fit`` of a pipeline calls, distorts every image once;
    `transform`, which is what validation and prediction get, changes nothing. Each amount is the
    bound of what is drawn for every image anew, evenly to both sides, and 0 by default, so that
    an augmenter does what its parameters say and no more. `gentle`, `simard` and
    `shifts_of_one_pixel` are sets of amounts. There are no flips: they turn digits into others.

    Parameters
    ----------
    image_shape : tuple (height, width) or (height, width, channels), default=None
        Shape of the image in each row, in C order. None stands for a square, or for a single
        row of pixels, with a warning, where the number of features is no square.
    shift : float or sequence of (down, right) pairs, default=0.0
        Pixels, along each axis. A pair is an exact displacement, not a bound: consecutive rows
        cycle through the pairs from a random start.
    rotation : float, default=0.0
        Degrees.
    scale : float, default=0.0
        Fraction: height and width are multiplied by two factors from [1 - scale, 1 + scale].
    shear : float, default=0.0
        Fraction: slant, in pixels to the side for each pixel upwards.
    elastic : float, default=0.0
        Root mean square of the random displacement along each axis, in pixels, for every
        `elastic_sigma` and image size.
    elastic_sigma : float, default=4.0
        Standard deviation, in pixels, of the Gaussian that smoothes the displacement: small
        makes it crumpled, large uniform. The default is the choice of [1]_ for MNIST.
    keep_in_frame : bool, default=True
        Whether to limit the affine part, image by image, so that the centre of no ink pixel
        leaves the frame: a digit that lost a stroke belongs to no class. Ink is what differs
        from `fill`, so the background must be of one value: divide pixels by 255, where
        StandardScaler would turn everything into ink. An image whose ink touches all four
        borders is not limited; one that touches some hardly moves, as most digits of 8 x 8
        pixels do: set False for such.
    fill : float or "auto", default="auto"
        What comes in from outside the frame, the background. ``"auto"`` is the median of the
        image's own border pixels in each channel, so that dark ink on white works too.
    probability : float, default=1.0
        Share of the images that are distorted at all.
    random_state : int, RandomState instance or None, default=None
        Determines the distortions of `fit_transform`: an int makes all calls alike.

    Attributes
    ----------
    image_shape_ : tuple (height, width, channels)
        Shape of the images.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of features, when `X` has such.

    Notes
    -----
    A pipeline draws the distortions once for a fit, and with ``memory`` once for all; and a
    classifier that splits off validation rows of its own validates on distorted ones. For fresh
    distortions in each epoch, and validation rows as they are, give the augmenter to
    ``MLPSigmoidClassifier(augment=...)``; for several copies of each image see
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
    >>> augmenter = ImageAugmenter(rotation=10, elastic=0.3, random_state=0)
    >>> augmenter.fit_transform(X).shape
    (1797, 64)
    >>> pipeline = make_pipeline(augmenter, LogisticRegression(max_iter=2000)).fit(X / 16, y)
    >>> pipeline.score(X / 16, y) > 0.95
    True
    """

    def __init__(
        self,
        image_shape=None,
        *,
        shift=0.0,
        rotation=0.0,
        scale=0.0,
        shear=0.0,
        elastic=0.0,
        elastic_sigma=4.0,
        keep_in_frame=True,
        fill="auto",
        probability=1.0,
        random_state=None,
    ):
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
    def gentle(cls, **parameters):
        """Make one whose distortions leave handwritten digits of about 28 x 28 legible.

        Keyword arguments set or replace parameters.
        """
        amounts = {"shift": 1.0, "rotation": 8.0, "scale": 0.1, "elastic": 0.5}
        return cls(**(amounts | parameters))

    @classmethod
    def simard(cls, **parameters):
        """Make one with the elastic distortion of Simard, Steinkraus and Platt (2003).

        Even noise in [-1, 1], smoothed at sigma = 4 pixels and multiplied by alpha = 34, has the
        root mean square alpha / (sigma sqrt(12 pi)) = 1.38 pixels. Keyword arguments set or
        replace parameters.
        """
        return cls(**({"elastic": 1.38, "elastic_sigma": 4.0} | parameters))

    @classmethod
    def shifts_of_one_pixel(cls, **parameters):
        """Make one that moves images up, down, left or right, as the book's expand_mnist does.

        In an expander with ``n_copies=4`` each image gets all four. Ink may leave the frame, and
        zeros come in. Keyword arguments set or replace parameters.
        """
        shift = ((-1, 0), (1, 0), (0, -1), (0, 1))
        return cls(**({"shift": shift, "keep_in_frame": False, "fill": 0.0} | parameters))

    def fit(self, X, y=None):
        """Check parameters and the shape of the images; nothing is learnt.

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
            If a parameter is of the wrong kind, or `X` is sparse.
        ValueError
            If a parameter is out of its range, the images do not have `image_shape`, or `X`
            holds NaN.
        """
        self._validate(X)
        return self

    def transform(self, X):
        """Return images as they are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        return validate_data(self, X, reset=False)

    def fit_transform(self, X, y=None):
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
            In the dtype of `X`.

        Raises
        ------
        TypeError, ValueError
            As for `fit`.
        """
        X = self._validate(X)
        return self._distort(X, self.image_shape_, generator_from(self.random_state))

    def distort(self, X, rng):
        """Distort every image once, with a given generator; needs no fit.

        The distortions are drawn row by row: they do not depend on how much is done at a time.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            An image in each row, of any real dtype. It stays as it is.
        rng : numpy.random.Generator
            Makes every draw. The `random_state` of the augmenter plays no part.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            In the dtype of `X`, and in its range; integers are rounded.

        Raises
        ------
        TypeError, ValueError
            As for `fit`.
        """
        if not hasattr(rng, "integers"):  # a RandomState has none
            raise TypeError(
                f"`rng` must be a numpy.random.Generator, such as default_rng(0); got {rng!r}."
            )
        X = _images(X)
        return self._distort(X, self._check(X.shape[1]), rng)

    def _distort(self, X, shape, rng):
        number = self.fill
        if number != "auto" and X.dtype.kind in "biu":
            low, high = 0, 1
            if X.dtype.kind != "b":
                low, high = np.iinfo(X.dtype).min, np.iinfo(X.dtype).max
            check_number(f"`fill` for {X.dtype} images", number, Real, f"[{low}, {high}]")
        elif number != "auto":
            number = X.dtype.type(number)  # rounded as the pixels were, so that they compare
        distorted = np.array(X, order="C")
        moving = any(np.any(getattr(self, amount)) for amount in _AFFINE)
        if not moving and not self.elastic:
            return distorted
        dtype = np.result_type(X.dtype, np.float32)
        matrix, shift, chosen = self._draw(len(X), shape, rng)
        fill = np.empty((len(X), shape[2]), dtype)
        limit = self.keep_in_frame and moving
        for rows in _chunks(chosen, _BLOCK_PIXELS // X.shape[1]):
            images = X[rows].astype(dtype, copy=False).reshape(-1, *shape)
            fill[rows] = border_median(images) if self.fill == "auto" else number
            if limit:
                ink = (images != fill[rows][:, None, None]).any(axis=3)
                matrix[rows], shift[rows] = keep_in_frame(matrix[rows], shift[rows], ink)
        sigma = float(self.elastic_sigma) if self.elastic else None
        for rows in _chunks(chosen, _CHUNK_PIXELS // X.shape[1]):
            images = X[rows].astype(dtype, copy=False).reshape(-1, *shape)
            affine = matrix[rows], shift[rows]
            where = coordinates(*affine, shape[:2], self.elastic, sigma, rng)
            images = warp(images, *where, fill[rows]).reshape(len(rows), -1)
            distorted[rows] = np.rint(images, out=images) if X.dtype.kind in "biu" else images
        return distorted

    def _draw(self, n, shape, rng):
        """Draw affine maps, as `coordinates` takes them, and the rows to distort."""
        frame = np.array(shape[:2])
        draws = rng.random((n, 7))
        chosen = np.flatnonzero(draws[:, 0] < self.probability)
        even = 2 * draws[:, 1:] - 1
        if isinstance(self.shift, Real):
            shift = self.shift * even[:, :2]
        else:
            pairs = np.array(self.shift, float)
            shift = pairs[(rng.integers(len(pairs)) + np.arange(n)) % len(pairs)]
        shift *= frame > 1
        solid = frame.min() > 1  # one row or column of pixels can be neither turned nor slanted
        angle, slant = (
            np.radians(float(self.rotation) * solid) * even[:, 2],
            float(self.shear) * solid * even[:, 3],
        )
        height, width = 1 + self.scale * even[:, 4:].T
        cos, sin = np.cos(angle), np.sin(angle)
        # Scale, shear, then rotate, in that order, points (row, column).
        down = np.stack([(cos - sin * slant) * height, -sin * width], axis=1)
        right = np.stack([(sin + cos * slant) * height, cos * width], axis=1)
        return np.stack([down, right], axis=1), shift, chosen

    def _validate(self, X):
        """Check parameters and data, set what `fit` sets, and return the data."""
        X = validate_data(self, X)
        self.image_shape_ = self._check(X.shape[1])
        return X

    def _check(self, n_features):
        """Check every parameter; return the shape (height, width, channels) of the images."""
        if isinstance(self.shift, Real):
            check_number("shift", self.shift, Real, "[0, inf)")
        else:
            _check_pairs(self.shift)
        check_number("rotation", self.rotation, Real, "[0, 180]")
        check_number("scale", self.scale, Real, "[0, 1)")
        check_number("shear", self.shear, Real, "[0, inf)")
        check_number("elastic", self.elastic, Real, "[0, inf)")
        check_number("elastic_sigma", self.elastic_sigma, Real, "(0, inf)")
        check_number("probability", self.probability, Real, "[0, 1]")
        if not isinstance(self.keep_in_frame, (bool, np.bool_)):
            raise TypeError(f"`keep_in_frame` must be True or False; got {self.keep_in_frame!r}.")
        if not isinstance(self.fill, str):
            check_number("fill", self.fill, Real, "(-inf, inf)")
        elif self.fill != "auto":
            raise ValueError(f'`fill` must be a number or "auto"; got {self.fill!r}.')
        shape = check_image_shape(
            self.image_shape, n_features, f"the number of features, {n_features}"
        )
        if shape is None:
            warn(
                f"{n_features} features make no square image; each row is taken for an image "
                "of one row of pixels. Set `image_shape`."
            )
            return 1, n_features, 1
        return *shape, *(1,) * (3 - len(shape))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _check_pairs(shift):
    """Check that `shift` holds pairs of finite numbers."""
    try:
        pairs = np.array(shift, float)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs) or not np.isfinite(pairs).all():
        raise ValueError(
            "`shift` must be a number in [0, inf), which bounds it, or a sequence of exact "
            f"(down, right) pairs such as [(2, 3)]; got {shift!r}."
        )


def _chunks(rows, size):
    """Cut rows into runs, as even as can be, of at most `size`, or of one."""
    n_chunks = -(-len(rows) // max(1, size))
    return np.array_split(rows, n_chunks) if n_chunks else []


def _images(X):
    """Return X as an array if it holds an image in each row."""
    if issparse(X):
        raise TypeError("Images must be a dense array; got a sparse matrix.")
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] == 0 or X.dtype.kind not in "biuf":
        raise ValueError(
            "Images must be the rows of a two-dimensional array of real numbers; got an array of "
            f"shape {X.shape} and dtype {X.dtype}."
        )
    if not np.isfinite(X).all():
        raise ValueError("Images must be finite; got NaN or infinity.")
    return X


def generator_from(random_state):
    """Make a generator from a `random_state` of scikit-learn's kinds."""
    return np.random.default_rng(check_random_state(random_state).randint(2**31, size=4))
