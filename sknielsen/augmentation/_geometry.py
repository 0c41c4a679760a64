"""The geometry of a distortion: where each pixel is sampled, and how far ink may move.

The affine and the elastic distortion are combined into one field of coordinates, so that `warp`
interpolates each image only once.
"""

from functools import lru_cache

import numpy as np

from sknielsen.core.contracts import Array

# Share of an image's contrast by which ink differs from the background. At 0.3, ``gentle`` moves
# 1.5 % of MNIST's images otherwise than at 0. Gaussian noise of a tenth of the contrast holds 7 %
# of them still, but 25 % at 0.25; pixels that StandardScaler has divided need 0.1 or more.
INK = 0.3
_EXPLAINED = 0.99  # share of an elastic displacement's variance that its components must hold


def warp(images: Array, rows: Array, columns: Array, fill: float | Array = 0.0) -> Array:
    """Sample images at real-valued coordinates, by bilinear interpolation.

    The result is that of `scipy.ndimage.map_coordinates` with ``order=1``,
    ``mode="grid-constant"`` and ``cval=fill``: outside the frame every pixel has the value
    `fill`, and the border is interpolated over one pixel.

    Parameters
    ----------
    images : ndarray of float of shape (n, h, w) or (n, h, w, channels)
        Images of one or several channels.
    rows, columns : ndarray of float of shape (n, height, width)
        Coordinates of each pixel of the result: 0 is the centre of the first row or column, and
        h - 1 or w - 1 that of the last.
    fill : float or ndarray of shape (n, channels), default=0.0
        Value outside the frame.

    Returns
    -------
    ndarray of shape (n, height, width) or (n, height, width, channels)
        The sampled images, in the dtype of `images`.
    """
    n, h, w = images.shape[:3]
    planes = images.reshape(n, h, w, -1).transpose(0, 3, 1, 2)
    # With a border of `fill` no mask is needed. The border is one pixel wide above and on the
    # left. On the right, the left border of the next row serves; a second row below gives the
    # last row one, too.
    stride = w + 1
    framed = np.empty((*planes.shape[:2], h + 3, stride), images.dtype)
    border = np.broadcast_to(fill, (n, planes.shape[1]))[..., None, None]
    framed[:, :, :1] = framed[:, :, -2:] = framed[..., :1] = border
    framed[:, :, 1:-2, 1:] = planes
    pixels = framed.ravel()

    # float32 represents all integers up to 2^24.
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
        place = place.astype(np.int32)  # then to np.intp: two steps are faster than one
    place = place.astype(np.intp)
    # The four neighbours share one index array, because each is read from a view that starts
    # later. No index is out of bounds, so "wrap" changes nothing; it is the fastest mode.
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
def _basis(size: int, sigma: float | None) -> Array:
    """Compute the basis functions along one axis of which coordinates are linear combinations.

    White noise smoothed with a Gaussian has the correlation exp(-d^2 / 4 sigma^2) at a distance
    of d pixels. The leading eigenvectors of that correlation matrix, each times the square root
    of its eigenvalue, turn a few independent normal numbers into such noise with variance 1. The
    distribution is the same, for a fraction of the work that smoothing takes.

    Parameters
    ----------
    size : int
        Pixels along the axis.
    sigma : float or None
        Standard deviation of the Gaussian, in pixels. None makes no random components.

    Returns
    -------
    ndarray of float32 of shape (size, k + 2)
        k random components, a constant, and the position relative to the centre. Read-only.
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


def _determinant(matrix: Array) -> Array:
    """Compute the determinant of each 2 x 2 matrix."""
    determinant: Array = matrix[:, 0, 0] * matrix[:, 1, 1] - matrix[:, 0, 1] * matrix[:, 1, 0]
    return determinant


def coordinates(
    matrix: Array,
    shift: Array,
    frame: tuple[int, int],
    elastic: float,
    sigma: float | None,
    rng: np.random.Generator,
) -> Array:
    """Compute where in the original each pixel of a distorted image is sampled.

    Pixel q is sampled at F^-1(q) + e(q), where the affine map F moves the ink and e is the elastic
    displacement. Both are bilinear in the basis functions of the rows and of the columns, so two
    small matrix products for each image suffice.

    Parameters
    ----------
    matrix, shift : ndarray of shape (n, 2, 2) and (n, 2)
        F(p) = centre + matrix (p - centre) + shift, for points p = (row, column).
    frame : tuple (h, w)
        Height and width of the images.
    elastic : float
        Root mean square of the elastic displacement along each axis, in pixels.
    sigma : float or None
        Standard deviation of the Gaussian that smooths the elastic displacement, in pixels. None
        leaves the elastic distortion out.
    rng : numpy.random.Generator
        Draws the elastic displacement.

    Returns
    -------
    ndarray of float32 of shape (2, n, h, w)
        The rows, then the columns.
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
    where: Array = bases[0] @ across.reshape(2, n, k_rows + 2, frame[1])
    return where


def find_ink(images: Array, fill: Array) -> Array:
    """Find the pixels that differ clearly from the background, in any channel.

    They differ from it by more than ``INK`` times the largest difference in the image, so that
    noise, and a background that is not quite even, are no ink.

    Parameters
    ----------
    images : ndarray of float of shape (n, h, w, channels)
    fill : ndarray of shape (n, channels)
        The background.

    Returns
    -------
    ndarray of bool of shape (n, h, w)
    """
    with np.errstate(over="ignore"):
        difference = np.abs(images - fill[:, None, None])
    ink: Array = (difference > INK * difference.max(axis=(1, 2, 3), keepdims=True)).any(axis=3)
    return ink


def keep_in_frame(matrix: Array, shift: Array, ink: Array) -> tuple[Array, Array, Array]:
    """Limit affine maps so that the centre of every ink pixel stays inside the frame.

    F becomes F_t(p) = p + t (F(p) - p) with the largest t in [0, 1] that keeps all ink inside.
    Ink that touches all four borders has no room to move, so such an image is not limited. Part
    of the way to a large rotation, F_t shrinks the image; where it would shrink to less than half
    its size, t is 0.

    Parameters
    ----------
    matrix, shift : ndarray of shape (n, 2, 2) and (n, 2)
        The affine maps, as for `coordinates`. They stay as they are.
    ink : ndarray of bool of shape (n, h, w)
        Which pixels hold ink.

    Returns
    -------
    matrix, shift : ndarray of shape (n, 2, 2) and (n, 2)
        The limited maps.
    share : ndarray of shape (n,)
        The t of each image.
    """
    first, last = _ink_box(ink)
    reach = (np.array(ink.shape[1:]) - 1) / 2  # from the centre to the last pixel
    touching = ((first == -reach) & (last == reach)).all(axis=1)
    # Where the bounding box of the ink stays inside, the ink does, and no search is needed.
    spread = np.abs(matrix) @ ((last - first)[..., None] / 2)
    middle = matrix @ ((last + first)[..., None] / 2) + shift[..., None]
    close = np.flatnonzero(((np.abs(middle) + spread)[..., 0] > reach).any(axis=1) & ~touching)
    matrix, shift = matrix.copy(), shift.copy()
    t = _largest_share(matrix[close], shift[close], ink[close])
    limited = np.eye(2) + t[:, None, None] * (matrix[close] - np.eye(2))
    t[_determinant(limited) < np.minimum(_determinant(matrix[close]), 1) / 4] = 0
    matrix[close] = np.eye(2) + t[:, None, None] * (matrix[close] - np.eye(2))
    shift[close] *= t[:, None]
    share = np.ones(len(matrix))
    share[close] = t
    return matrix, shift, share


def _ink_box(ink: Array) -> tuple[Array, Array]:
    """Find the first and the last (row, column) with ink, each of shape (n, 2).

    They are relative to the centre of the frame. Without ink, they span the whole frame.
    """
    n, h, w = ink.shape
    counts = ink.astype(np.float32)  # so that BLAS, which is fast, looks for the ink
    rows = (counts.reshape(-1, w) @ np.ones(w, np.float32)).reshape(n, h) > 0
    columns = np.ones(h, np.float32) @ counts > 0
    first = np.stack([rows.argmax(axis=1), columns.argmax(axis=1)], axis=1)
    last = np.stack([rows[:, ::-1].argmax(axis=1), columns[:, ::-1].argmax(axis=1)], axis=1)
    reach = (np.array([h, w]) - 1) / 2
    return first - reach, reach - last


def _largest_share(matrix: Array, shift: Array, ink: Array) -> Array:
    """Find the largest t in [0, 1] for which F_t of `keep_in_frame` loses no ink; shape (n,)."""
    n, *frame = ink.shape
    # The frame is convex, so the first and the last ink pixel of each row stand for the others.
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
    room = 1 - outside.flat[leaving] / np.abs(move.flat[leaving])  # rounding may take it below 0
    np.minimum.at(t, image, room.clip(0))
    return t


def border_median(images: Array) -> Array:
    """Compute the median of each image's border pixels; shape (n, channels).

    Of an even number of pixels it is the lower of the two in the middle.
    """
    edges = images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]
    border = np.concatenate(edges, axis=1)
    median = border[:, 0].copy()
    mixed = (border != median[:, None]).any(axis=(1, 2))
    middle = (border.shape[1] - 1) // 2
    median[mixed] = np.partition(border[mixed], middle, axis=1)[:, middle]
    return median
