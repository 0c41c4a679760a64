"""Training images distorted at random: shifted, rotated, scaled, sheared, elastically deformed.

The affine and the elastic part of a distortion become one field of coordinates, at which `warp`
reads the image once. `ImageAugmenter` distorts; `ImageExpander` and `AugmentedClassifier` add
distorted copies to the rows of a fit, and to nothing else. They, and the network, take any
augmenter with ``distort(X, rng) -> X``, which returns as many rows as it was given.
"""

from functools import lru_cache
from math import isqrt, prod
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    clone,
    is_classifier,
)
from sklearn.utils import (
    _safe_indexing,
    check_array,
    check_consistent_length,
    check_random_state,
    get_tags,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sknielsen._resolve import check_number
from sknielsen._version import VersionedMixin
from sknielsen._warn import warn

_BLOCK_PIXELS = 2**18  # whose ink is looked at a time, many, to spare calls
_CHUNK_PIXELS = 2**17  # distorted at a time, so that fields and images stay in the cache
_AFFINE = "shift", "rotation", "scale", "shear"
_EXPLAINED = 0.99  # share of an elastic field's variance along an axis that is drawn


# --- geometry -------------------------------------------------------------------------------


def warp(images, rows, columns, fill=0.0):
    """Read images at real coordinates, by bilinear interpolation.

    It computes what ``map_coordinates(order=1, mode="grid-constant", cval=fill)`` of
    `scipy.ndimage` does: outside the frame lies `fill`, and the two blend over one pixel.

    Parameters
    ----------
    images : ndarray of float of shape (n, h, w) or (n, h, w, channels)
    rows, columns : ndarray of float of shape (n, height, width)
        Where to read: 0 is the centre of the first row or column, h - 1 or w - 1 of the last.
    fill : float or ndarray of shape (n, channels), default=0.0
        Value outside the frame.

    Returns
    -------
    ndarray of shape (n, height, width) or (n, height, width, channels)
        In the images' dtype.
    """
    n, h, w = images.shape[:3]
    planes = images.reshape(n, h, w, -1).transpose(0, 3, 1, 2)
    # A border of `fill` spares all masks. It is one pixel wide above and on the left; the next
    # row's left border serves on the right, and a second row below gives the last one its own.
    stride = w + 1
    framed = np.empty((*planes.shape[:2], h + 3, stride), images.dtype)
    border = np.broadcast_to(fill, (n, planes.shape[1]))[..., None, None]
    framed[:, :, :1] = framed[:, :, -2:] = framed[..., :1] = border
    framed[:, :, 1:-2, 1:] = planes
    pixels = framed.ravel()

    # float32 counts exactly up to 2^24.
    real = np.result_type(rows, np.float32 if pixels.size < 2**24 else np.float64)
    y = np.clip(rows, -1, h, dtype=real)[:, None]
    x = np.clip(columns, -1, w, dtype=real)[:, None]
    top, left = np.floor(y), np.floor(x)
    y -= top
    x -= left
    top *= stride
    top += left
    origin = np.arange(stride + 1, pixels.size, framed[0, 0].size, dtype=real)
    place = top + origin.reshape(*planes.shape[:2], 1, 1)
    if real == np.float32:
        place = place.astype(np.int32)  # on the way to np.intp, which is faster than directly
    place = place.astype(np.intp)
    # Reading from a later start spares an index array for each neighbour. All lie inside: of the
    # modes that do not check, "wrap" is the fastest.
    a, b, c, d = (
        np.take(pixels[offset:], place, mode="wrap", out=np.empty_like(place, images.dtype))
        for offset in (0, 1, stride, stride + 1)
    )
    for near, far, share in ((a, b, x), (c, d, x), (a, c, y)):
        far -= near
        far *= share
        near += far
    return a.transpose(0, 2, 3, 1).reshape(n, *a.shape[2:], *images.shape[3:])


@lru_cache(maxsize=32)
def _basis(size, sigma):
    """Components along one axis from which coordinates are made.

    White noise smoothed with a Gaussian has the correlation exp(-d^2 / 4 sigma^2) at a distance
    of d pixels. The leading eigenvectors of that matrix, times the roots of their eigenvalues,
    turn a few independent normal numbers into such a field of variance 1: the same
    distribution for a fraction of the work of smoothing.

    Parameters
    ----------
    size : int
        Pixels along the axis.
    sigma : float or None
        Of the Gaussian, in pixels. None makes no random components.

    Returns
    -------
    ndarray of float32 of shape (size, k + 2)
        k random components, a constant, and the position counted from the centre. Read-only.
    """
    position = np.arange(size) - (size - 1) / 2
    components = np.empty((size, 0))
    if sigma is not None:
        distance = position[:, None] - position
        values, vectors = np.linalg.eigh(np.exp(-((distance / (2 * sigma)) ** 2)))
        values, vectors = values[::-1].clip(0), vectors[:, ::-1]
        k = np.searchsorted(np.cumsum(values), _EXPLAINED * size) + 1
        components = vectors[:, :k] * np.sqrt(values[:k])
        components /= np.linalg.norm(components, axis=1, keepdims=True)
    basis = np.column_stack([components, np.ones(size), position]).astype(np.float32)
    basis.flags.writeable = False
    return basis


def _determinant(matrix):
    return matrix[:, 0, 0] * matrix[:, 1, 1] - matrix[:, 0, 1] * matrix[:, 1, 0]


def _coordinates(matrix, shift, frame, elastic=0.0, sigma=None, rng=None):
    """Where each pixel of the distorted images is read in the originals.

    Pixel q is read at F^-1(q) + e(q), F being the affine map that moves the ink and e the
    elastic displacement. Both are bilinear in the components of rows and of columns, so that
    two small matrix products an image make the whole.

    Parameters
    ----------
    matrix, shift : ndarray of shape (n, 2, 2) and (n, 2)
        F(p) = centre + matrix (p - centre) + shift, of points (row, column).
    frame : tuple (h, w)
    elastic, sigma, rng : float, float and numpy.random.Generator
        As for `ImageAugmenter`; a sigma of None leaves the elastic part out.

    Returns
    -------
    ndarray of float32 of shape (2, n, h, w)
        Rows and columns.
    """
    n, bases = len(matrix), [_basis(size, sigma) for size in frame]
    k_rows, k_columns = (basis.shape[1] - 2 for basis in bases)
    inverse = matrix[:, ::-1, ::-1].swapaxes(1, 2) * [[1, -1], [-1, 1]]
    inverse /= _determinant(matrix)[:, None, None]
    weights = np.zeros((2, n, k_rows + 2, k_columns + 2), np.float32)
    if sigma is not None:
        # An axis of one pixel has no room for displacements.
        amount = np.multiply(elastic, np.array(frame) > 1).reshape(2, 1, 1)
        normal = rng.standard_normal((n, 2, k_rows, k_columns), dtype=np.float32)
        weights[..., :k_rows, :k_columns] = (normal * amount).swapaxes(0, 1)
    centre = (np.array(frame) - 1) / 2
    weights[..., k_rows, k_columns] = (centre - np.einsum("nij,nj->ni", inverse, shift)).T
    weights[..., k_rows + 1, k_columns] = inverse[..., 0].T
    weights[..., k_rows, k_columns + 1] = inverse[..., 1].T
    across = weights.reshape(-1, k_columns + 2) @ bases[1].T  # one product, for speed
    return bases[0] @ across.reshape(2, n, k_rows + 2, frame[1])


def _limited(matrix, shift, ink):
    """Limit affine maps so that the centre of no ink pixel leaves the frame.

    F becomes F_t(p) = p + t (F(p) - p) with the largest t in [0, 1] that keeps all ink inside.
    Ink that touches all four borders has no room at all: such an image stays unlimited. Where
    F_t, halfway to a large rotation, would shrink the image to half its size, t is 0.

    Parameters
    ----------
    matrix, shift : ndarray of shape (n, 2, 2) and (n, 2)
        As for `_coordinates`.
    ink : ndarray of bool of shape (n, h, w)
    """
    first, last = _ink_box(ink)
    reach = (np.array(ink.shape[1:]) - 1) / 2  # from the centre to the last pixel
    touching = ((first == -reach) & (last == reach)).all(axis=1)
    # A box around the ink that stays inside spares the closer look.
    spread = np.abs(matrix) @ ((last - first)[..., None] / 2)
    middle = matrix @ ((last + first)[..., None] / 2) + shift[..., None]
    close = np.flatnonzero(((np.abs(middle) + spread)[..., 0] > reach).any(axis=1) & ~touching)
    matrix, shift = matrix.copy(), shift.copy()
    t = _largest_share(matrix[close], shift[close], ink[close])
    limited = np.eye(2) + t[:, None, None] * (matrix[close] - np.eye(2))
    t[_determinant(limited) < np.minimum(_determinant(matrix[close]), 1) / 4] = 0
    matrix[close] = np.eye(2) + t[:, None, None] * (matrix[close] - np.eye(2))
    shift[close] *= t[:, None]
    return matrix, shift


def _ink_box(ink):
    """First and last inked (row, column), each (n, 2), from the centre; the frame if no ink."""
    n, h, w = ink.shape
    counts = ink.astype(np.float32)  # so that BLAS looks for the ink
    rows = (counts.reshape(-1, w) @ np.ones(w, np.float32)).reshape(n, h) > 0
    columns = np.ones(h, np.float32) @ counts > 0
    first = np.stack([rows.argmax(axis=1), columns.argmax(axis=1)], axis=1)
    last = np.stack([rows[:, ::-1].argmax(axis=1), columns[:, ::-1].argmax(axis=1)], axis=1)
    reach = (np.array([h, w]) - 1) / 2
    return first - reach, reach - last


def _largest_share(matrix, shift, ink):
    """Find the largest t in [0, 1] with which F_t of `_limited` keeps all ink inside, (n,)."""
    n, *frame = ink.shape
    # Convexity leaves the first and the last ink pixel of each row to be looked at.
    left, right = ink.argmax(axis=2), frame[1] - 1 - ink[:, :, ::-1].argmax(axis=2)
    inked = ink[:, :, 0] | (left > 0)
    reach = (np.array(frame).reshape(2, 1, 1, 1) - 1) / 2
    points = np.empty((2, 2, n, frame[0]))  # axis, first or last, image, row
    points[0], points[1, 0], points[1, 1] = np.arange(frame[0]), left, right
    points -= reach
    change = (matrix - np.eye(2)).T[:, :, None, :, None]
    move = change[0] * points[0] + change[1] * points[1]
    move += shift.T[:, None, :, None]
    points += move
    outside = np.abs(points, out=points)
    outside -= reach
    leaving = np.flatnonzero((outside > 0) & inked)
    image = leaving // frame[0] % n
    t = np.ones(n)
    room = 1 - outside.flat[leaving] / np.abs(move.flat[leaving])  # rounded, at times below 0
    np.minimum.at(t, image, room.clip(0))
    return t


def _border_median(images):
    """Median of each image's border pixels, (n, channels); of an even number the lower one."""
    edges = images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]
    border = np.concatenate(edges, axis=1)
    median = border[:, 0].copy()
    mixed = (border != median[:, None]).any(axis=(1, 2))
    middle = (border.shape[1] - 1) // 2
    median[mixed] = np.partition(border[mixed], middle, axis=1)[:, middle]
    return median


# --- the transformer ------------------------------------------------------------------------


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
        return self._distort(X, self.image_shape_, _generator(self.random_state))

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
            fill[rows] = _border_median(images) if self.fill == "auto" else number
            if limit:
                ink = (images != fill[rows][:, None, None]).any(axis=3)
                matrix[rows], shift[rows] = _limited(matrix[rows], shift[rows], ink)
        sigma = float(self.elastic_sigma) if self.elastic else None
        for rows in _chunks(chosen, _CHUNK_PIXELS // X.shape[1]):
            images = X[rows].astype(dtype, copy=False).reshape(-1, *shape)
            affine = matrix[rows], shift[rows]
            where = _coordinates(*affine, shape[:2], self.elastic, sigma, rng)
            images = warp(images, *where, fill[rows]).reshape(len(rows), -1)
            distorted[rows] = np.rint(images, out=images) if X.dtype.kind in "biu" else images
        return distorted

    def _draw(self, n, shape, rng):
        """Draw affine maps, as `_coordinates` takes them, and the rows to distort."""
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
        if self.image_shape is None:
            side = isqrt(n_features)
            if side**2 == n_features:
                return side, side, 1
            warn(
                f"{n_features} features make no square image; each row is taken for an image "
                "of one row of pixels. Set `image_shape`."
            )
            return 1, n_features, 1
        shape = self.image_shape
        if not isinstance(shape, (tuple, list)) or len(shape) not in (2, 3):
            raise (TypeError if not isinstance(shape, (tuple, list)) else ValueError)(
                "`image_shape` must be None, (height, width) or (height, width, channels); got "
                f"{shape!r}."
            )
        name = "each length in `image_shape`"
        shape = [check_number(name, length, Integral, "[1, inf)") for length in shape]
        if prod(shape) != n_features:
            raise ValueError(
                f"`image_shape` must fit the number of features, {n_features}; got "
                f"{self.image_shape!r}, which makes {prod(shape)}."
            )
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


def _generator(random_state):
    """Make a generator from a `random_state` of scikit-learn's kinds."""
    return np.random.default_rng(check_random_state(random_state).randint(2**31, size=4))


# --- copies for a fit -------------------------------------------------------------------------


class ImageExpander(VersionedMixin, BaseEstimator):
    """Add distorted copies to the images of a fit, as a sampler of imbalanced-learn.

    Put it into ``imblearn.pipeline.Pipeline``, which calls `fit_resample` in ``fit`` only:
    validation and prediction never see a copy. But a classifier that itself splits off validation
    rows (``early_stopping``) draws them from the copies too: give it ``X_val``, or use
    ``MLPSigmoidClassifier(augment=...)``. scikit-learn's own pipeline takes no samplers; there use
    `AugmentedClassifier`.

    Parameters
    ----------
    augmenter : ImageAugmenter or object with `distort`
        Makes the copies. It need not be fitted.
    n_copies : int, default=1
        Copies of each image.
    random_state : int, RandomState instance or None, default=None
        Determines the distortions; the `random_state` of the augmenter plays no part.

    Attributes
    ----------
    sample_indices_ : ndarray of int of shape (n_samples * (1 + n_copies),)
        The original of each row: first every row itself, then all copies of the first row, of
        the second, and so on.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen.augmentation import ImageAugmenter, ImageExpander
    >>> X, y = load_digits(return_X_y=True)
    >>> expander = ImageExpander(ImageAugmenter.shifts_of_one_pixel(), n_copies=4)
    >>> X_expanded, y_expanded = expander.fit_resample(X, y)
    >>> X_expanded.shape, y_expanded.shape
    ((8985, 64), (8985,))
    """

    def __init__(self, augmenter, n_copies=1, random_state=None):
        self.augmenter = augmenter
        self.n_copies = n_copies
        self.random_state = random_state

    def fit_resample(self, X, y):
        """Return the images with their copies, and a label for each.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            An image in each row.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of any kind.

        Returns
        -------
        X_resampled : ndarray or pandas DataFrame of shape (n_samples * (1 + n_copies), n_features)
            A DataFrame, with the index of the originals, if `X` is one of pandas; else an
            array.
        y_resampled : of the kind of `y`
            The label of each row's original.

        Raises
        ------
        TypeError, ValueError
            If `augmenter` has no `distort`, `n_copies` is no positive integer, or `X` is not
            what the augmenter takes.
        """
        n_copies = check_number("n_copies", self.n_copies, Integral, "[1, inf)")
        distort = getattr(self.augmenter, "distort", None)
        if isinstance(self.augmenter, type) or not callable(distort):
            raise TypeError(
                f"`augmenter` must be an object with `distort`; got {self.augmenter!r}."
            )
        images = check_array(X)
        check_consistent_length(images, y)
        rows = np.arange(len(images))
        copied = np.repeat(rows, n_copies)
        copies = np.asarray(distort(images[copied], _generator(self.random_state)))
        if copies.shape != (len(copied), images.shape[1]):
            raise ValueError(
                "`augmenter.distort` must return rows of the shape it is given, "
                f"{(len(copied), images.shape[1])}; got {copies.shape}."
            )
        self.sample_indices_ = np.concatenate([rows, copied])
        expanded = np.concatenate([images, copies])
        if hasattr(X, "iloc"):
            index = X.index.take(self.sample_indices_)
            expanded = type(X)(expanded, index=index, columns=X.columns)
        return expanded, _safe_indexing(y, self.sample_indices_)


def _estimator_has(name):
    """Make the test of `available_if` for a method of the wrapped classifier."""

    def check(self):
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


def _validates_within_fit(name, value):
    """Whether a classifier's parameter makes it validate on rows of its own fit."""
    if name == "early_stopping":
        return value == "auto" or (not isinstance(value, str) and bool(value))
    return (
        (name == "oob_score" and bool(value))
        or (name == "cv" and value not in (None, "prefit"))
        or (name == "eta_schedule" and isinstance(value, str) and value == "plateau")
    )


class AugmentedClassifier(VersionedMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Fit a classifier on images and distorted copies of them; predict as it does.

    In a cross-validation the copies come from the rows of each fit alone, so that none leaks
    into validation. A validation set that the classifier itself splits off (``early_stopping``,
    an inner ``cv``) would hold copies of training images; a warning says so.
    `MLPSigmoidClassifier` avoids this with its own ``augment``.

    Parameters
    ----------
    estimator : classifier
        It is cloned.
    augmenter : ImageAugmenter or object with `distort`
        Makes the copies. It need not be fitted.
    n_copies : int, default=1
        Copies of each image, beside the image itself.
    random_state : int, RandomState instance or None, default=None
        Determines the distortions; the `random_state` of the augmenter plays no part.

    Attributes
    ----------
    estimator_ : classifier
        The fitted one.
    classes_ : ndarray of shape (n_classes,)
        Its class labels.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of features, when `X` has such.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sknielsen.augmentation import AugmentedClassifier, ImageAugmenter
    >>> X, y = load_digits(return_X_y=True)
    >>> augmenter = ImageAugmenter(rotation=10, scale=0.1)
    >>> clf = AugmentedClassifier(KNeighborsClassifier(), augmenter, n_copies=5, random_state=0)
    >>> clf.fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.8
    True
    """

    def __init__(self, estimator, augmenter, n_copies=1, random_state=None):
        self.estimator = estimator
        self.augmenter = augmenter
        self.n_copies = n_copies
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit a clone of the classifier on the images and their copies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            An image in each row.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What the classifier takes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of images; each copy has the weight of its original.

        Returns
        -------
        AugmentedClassifier
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            As for `ImageExpander.fit_resample`, and from the classifier.
        """
        X, y = validate_data(self, X, y, multi_output=True)
        if isinstance(self.estimator, type) or not is_classifier(self.estimator):
            raise TypeError(f"`estimator` must be a classifier; got {self.estimator!r}.")
        for name, value in self.estimator.get_params().items():
            if _validates_within_fit(name.split("__")[-1], value):
                warn(
                    f"{name}={value!r} validates on rows of the expanded images: they hold "
                    "distorted copies of training images, and their score is too good. Put a "
                    "search outside, as in GridSearchCV(AugmentedClassifier(...))."
                )
        expander = ImageExpander(self.augmenter, self.n_copies, self.random_state)
        X_expanded, y_expanded = expander.fit_resample(X, y)
        parameters = {}
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            parameters["sample_weight"] = sample_weight[expander.sample_indices_]
        self.estimator_ = clone(self.estimator).fit(X_expanded, y_expanded, **parameters)
        self.classes_ = self.estimator_.classes_
        return self

    def _delegate(self, method, X):
        check_is_fitted(self)
        return getattr(self.estimator_, method)(validate_data(self, X, reset=False))

    def predict(self, X):
        """Predict classes, as the classifier does."""
        return self._delegate("predict", X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Return probabilities of classes, as the classifier does."""
        return self._delegate("predict_proba", X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Return logarithms of probabilities of classes, as the classifier does."""
        return self._delegate("predict_log_proba", X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X):
        """Return decision values, as the classifier does."""
        return self._delegate("decision_function", X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.classifier_tags = inner.classifier_tags
        tags.target_tags = inner.target_tags
        return tags
