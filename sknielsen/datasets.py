"""MNIST, the digits of the book, and a reader for the IDX files in which they are published.

A source is a function that returns the raw images and labels of the training set and of the test
set; `fetch_mnist` chooses a source, splits the rows and casts the pixels. To add a source that
needs no folder, write a reader like `_read_cache` and list it in `_from_openml`, which tries its
readers in turn.
"""

import gzip
import hashlib
import math
import os
import struct
import zlib
from io import BufferedIOBase
from itertools import dropwhile, islice
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, overload

import numpy as np
import numpy.typing as npt
from sklearn.datasets import fetch_openml, get_data_home

from sknielsen._files import require_regular
from sknielsen._sklearn import Bunch
from sknielsen.core.contracts import Array

_VARIABLE = "SKNIELSEN_MNIST"
_N_TRAIN, _N_VAL, _N_TEST = 60_000, 10_000, 10_000
_IMAGES_SHAPE = (28, 28)

# The four original files, and the SHA-256 of their uncompressed content.
_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# The third byte of an IDX file is the type of its values. These are big-endian.
_IDX_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

_AT_ONCE = 2**20  # bytes read at a time
_LINE_AT_MOST = 3200  # characters: 785 numbers of up to three digits take 3,140
_DEFLATE_AT_MOST = (
    1032  # no content of a gzip file is more than so many times as large as the file
)

_FILES_WANTED = f"{', '.join(_SHA256)} (or train-images.idx3-ubyte and so on; plain or .gz)"

_DESCR = """\
MNIST database of handwritten digits (LeCun, Cortes and Burges)

70,000 grey images of 28x28 pixels, 0 (background) to 255 (ink), and the digit 0 to 9 that each
shows: 60,000 for training and 10,000, by other writers, for testing. The classes are roughly, not
exactly, of one size. With split="book" the first 50,000 training rows train and the last 10,000
validate, as in Nielsen's Neural Networks and Deep Learning (2015), whose own file mnist.pkl.gz
holds the same pixels divided by 256, not by 255.

LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition,
Proceedings of the IEEE 86(11), 2278-2324.
"""


PathLike: TypeAlias = str | os.PathLike[str]
Split: TypeAlias = Literal["book", "standard"]
_Source: TypeAlias = tuple[Array, Array, Array, Array]  # X, y, X_test, y_test


class MNIST(Protocol):
    """What `fetch_mnist` returns: a Bunch, whose entries are attributes, too."""

    X_train: Array
    y_train: Array
    X_val: Array  # only with split="book", as is y_val
    y_val: Array
    X_test: Array
    y_test: Array
    images_shape: tuple[int, int]
    DESCR: str

    def __getitem__(self, name: str, /) -> Any:
        """Return an entry by its name."""


@overload
def fetch_mnist(
    path: PathLike | None = None,
    data_home: PathLike | None = None,
    split: Split = "book",
    dtype: npt.DTypeLike = "float32",
    scale: bool = True,
    return_X_y: Literal[False] = False,
    download_if_missing: bool = True,
) -> MNIST: ...
@overload
def fetch_mnist(
    path: PathLike | None = None,
    data_home: PathLike | None = None,
    split: Split = "book",
    dtype: npt.DTypeLike = "float32",
    scale: bool = True,
    *,
    return_X_y: Literal[True],
    download_if_missing: bool = True,
) -> tuple[Array, Array]: ...
@overload
def fetch_mnist(
    path: PathLike | None = None,
    data_home: PathLike | None = None,
    split: Split = "book",
    dtype: npt.DTypeLike = "float32",
    scale: bool = True,
    return_X_y: bool = False,
    download_if_missing: bool = True,
) -> MNIST | tuple[Array, Array]: ...
def fetch_mnist(
    path: PathLike | None = None,
    data_home: PathLike | None = None,
    split: Split = "book",
    dtype: npt.DTypeLike = "float32",
    scale: bool = True,
    return_X_y: bool = False,
    download_if_missing: bool = True,
) -> MNIST | tuple[Array, Array]:
    """Load the MNIST digits (LeCun, Cortes and Burges), split as in Nielsen's book (ch. 1).

    The digits are read from the folder `path`; without it, from the folder that the environment
    variable SKNIELSEN_MNIST names; without that, from the data home of scikit-learn, where
    `fetch_openml` caches them; and if it has none, from OpenML.

    Parameters
    ----------
    path : str or path-like, default=None
        Folder with the four IDX files, plain or gzip. If it lacks one, no other source is tried.
    data_home : str or path-like, default=None
        The data home of scikit-learn. None is scikit-learn's default, usually ~/scikit_learn_data.
    split : {"book", "standard"}, default="book"
        "book" keeps the last 10,000 of the 60,000 training rows for validation, so that the test
        rows stay unseen while hyper-parameters are chosen; "standard" trains on all 60,000.
    dtype : dtype, default="float32"
        Dtype of the pixels: floating, or, with scale=False, an integer dtype that holds 0 to 255.
        The default takes half the memory of float64.
    scale : bool, default=True
        Divide the pixels by 255, into [0, 1], the range for which the book's step sizes are made.
    return_X_y : bool, default=False
        Return the training rows only.
    download_if_missing : bool, default=True
        If False, never use the network: without a local copy, raise OSError.

    Returns
    -------
    Bunch or (X_train, y_train)
        `X_train`, `X_test` and, with split="book", `X_val` hold an image in each row; their shape
        is (n, 784), C-contiguous. `y_train`, `y_test` and `y_val` hold the digits, int64, of
        shape (n,). `images_shape` is (28, 28), and `DESCR` a description.

    Raises
    ------
    OSError
        If the folder lacks a file, or no source has the data. The message names all sources that
        were tried.
    ValueError
        If `split` or `dtype` is not accepted, or the files in the folder are not MNIST's.

    Examples
    --------
    >>> mnist = fetch_mnist()
    >>> mnist.X_train.shape, mnist.X_val.shape, mnist.X_test.shape
    ((50000, 784), (10000, 784), (10000, 784))
    """
    if split not in ("book", "standard"):
        raise ValueError(f"`split` must be 'book' or 'standard'; got {split!r}.")
    pixel_dtype = _pixel_dtype(dtype, scale)
    X, y, X_test, y_test = _read_source(path, data_home, download_if_missing)

    def rows(suffix: str, images: Array, labels: Array) -> dict[str, Array]:
        pixels = np.array(images.reshape(len(images), -1), dtype=pixel_dtype, order="C")
        if scale:
            pixels /= 255
        return {f"X_{suffix}": pixels, f"y_{suffix}": labels.astype(np.int64)}

    cut = _N_TRAIN - _N_VAL if split == "book" else _N_TRAIN
    mnist = Bunch(**rows("train", X[:cut], y[:cut]))
    if return_X_y:
        return mnist.X_train, mnist.y_train
    if split == "book":
        mnist.update(rows("val", X[cut:], y[cut:]))
    mnist.update(rows("test", X_test, y_test), images_shape=_IMAGES_SHAPE, DESCR=_DESCR)
    bunch: MNIST = mnist
    return bunch


def _pixel_dtype(dtype: npt.DTypeLike, scale: bool) -> np.dtype[Any]:
    """Return the dtype of the pixels; raise ValueError if it cannot hold them."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "fiu" or not np.can_cast(np.uint8, dtype):
        raise ValueError(
            "`dtype` must be a floating dtype, or, with scale=False, an integer dtype that holds "
            f"0 to 255; got {str(dtype)!r}."
        )
    if scale and dtype.kind != "f":
        raise ValueError(
            "With scale=True the pixels lie in [0, 1], so `dtype` must be a floating dtype; got "
            f"the integer dtype {str(dtype)!r}. Give scale=False to keep 0 to 255."
        )
    return dtype


def _read_source(
    path: PathLike | None, data_home: PathLike | None, download_if_missing: bool
) -> _Source:
    """Read the first source that is named, else scikit-learn's cache or OpenML."""
    if path is not None:
        return _from_folder(path, "`path`")
    if folder := os.environ.get(_VARIABLE):
        return _from_folder(folder, f"the environment variable {_VARIABLE}")
    return _from_openml(data_home, download_if_missing)


def read_idx(path: PathLike) -> Array:
    """Read an IDX file, the format in which MNIST is published (LeCun, Cortes and Burges).

    The file consists of two zero bytes, a byte for the type, a byte for the number of dimensions,
    the dimensions as 32-bit integers, and the values, the last dimension varying fastest. All is
    big-endian.

    Parameters
    ----------
    path : str or path-like
        The file, plain or gzip; its first bytes tell which, whatever its name is.

    Returns
    -------
    ndarray
        The values, in the shape and type that the file names (uint8 for MNIST). The array is
        writeable and has the machine's byte order.

    Raises
    ------
    ValueError
        If the file is not IDX, is damaged, is shorter or longer than its header says, or has the
        name of an original MNIST file but another SHA-256.
    OSError
        If there is no such file, it is no regular file, or it cannot be read.
    """
    path = Path(path)
    size = require_regular(path)
    with open(path, "rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _read_idx(path, gzip.open(file) if is_gzip else file, size, is_gzip)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{path}: expected a whole gzip stream; got a truncated or damaged one ({error})."
            ) from error


def _read_idx(path: Path, file: BufferedIOBase, size: int, is_gzip: bool) -> Array:
    """Read an IDX stream: one byte more than its header promises, at most."""
    header, dtype, shape = _read_header(path, file)
    n_values = math.prod(shape) * dtype.itemsize
    content = bytearray()
    if n_values <= size * (_DEFLATE_AT_MOST if is_gzip else 1):
        while len(content) <= n_values and (
            part := file.read(min(_AT_ONCE, n_values + 1 - len(content)))
        ):
            content += part
    if len(content) != n_values:
        found = f"at least {len(header) + len(content)}" if is_gzip else size
        raise ValueError(
            f"{path}: expected {len(header) + n_values} bytes for {dtype.name} values of shape "
            f"{shape}; got {found} "
            f"({'truncated' if len(content) < n_values else 'trailing bytes'})."
        )
    if original := _SHA256.get(path.name.removesuffix(".gz").replace(".idx", "-idx")):
        digest = hashlib.sha256(header)
        digest.update(content)
        if digest.hexdigest() != original:
            raise ValueError(
                f"{path}: expected SHA-256 {original}, that of the original MNIST file of this "
                f"name; got {digest.hexdigest()}. If it should be MNIST, fetch it anew; if it "
                "holds data of your own, rename it: read_idx reads a file of any other name "
                "without this check."
            )
    values = np.frombuffer(content, dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def _read_header(path: Path, file: BufferedIOBase) -> tuple[bytes, np.dtype[Any], tuple[int, ...]]:
    """Read the header of an IDX stream; return its bytes, and dtype and shape of the values."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _IDX_DTYPES or not magic[3]:
        raise ValueError(
            f"{path}: expected the magic number of an IDX file (two zero bytes, a type from "
            f"{[f'0x{code:02x}' for code in _IDX_DTYPES]}, the number of dimensions); got "
            f"{magic!r}."
        )
    n_dimensions = magic[3]
    lengths = file.read(4 * n_dimensions)
    n_header = 4 + 4 * n_dimensions
    if 4 + len(lengths) < n_header:
        raise ValueError(
            f"{path}: expected a header of {n_header} bytes; got {4 + len(lengths)} bytes "
            "(truncated)."
        )
    shape = struct.unpack(f">{n_dimensions}I", lengths)
    if 0 in shape or n_dimensions > 32:  # as many as NumPy 1 can hold
        raise ValueError(f"{path}: expected 1 to 32 dimensions, none of them 0; got {shape}.")
    return magic + lengths, np.dtype(_IDX_DTYPES[magic[2]]), shape


def _from_folder(named: PathLike, origin: str) -> _Source:
    """Read the four IDX files in the folder that `origin` named."""
    folder = Path(os.path.expanduser(named))  # leaves "~somebody" where there is no such user
    found: dict[str, Path] = {}
    for name in _SHA256:
        stems = name, name.replace("-idx", ".idx")
        files = [folder / f"{stem}{ending}" for stem in stems for ending in ("", ".gz")]
        if file := next((file for file in files if file.is_file()), None):
            found[name] = file
    missing = [name for name in _SHA256 if name not in found]
    if missing:
        problem = f"lacks {', '.join(missing)}" if folder.is_dir() else "is not a folder"
        raise FileNotFoundError(
            f"MNIST was not found: {origin} names {str(folder)!r}, which {problem}; no other "
            f"place was tried. Name a folder with {_FILES_WANTED}, or name none, to use "
            "scikit-learn's data home or OpenML."
        )
    X, y, X_test, y_test = (read_idx(file) for file in found.values())
    _check(X, y, (_N_TRAIN, *_IMAGES_SHAPE), f"{folder}, training set")
    _check(X_test, y_test, (_N_TEST, *_IMAGES_SHAPE), f"{folder}, test set")
    return X, y, X_test, y_test


def _from_openml(data_home: PathLike | None, download_if_missing: bool) -> _Source:
    """Read OpenML's mnist_784 from the cache or the network; its first rows are for training."""
    tried = [f"`path` (not given); the environment variable {_VARIABLE} (not set)"]
    readers = {"the data home of scikit-learn": _read_cache, "OpenML": _download}
    if not download_if_missing:
        del readers["OpenML"]
    for source, read in readers.items():
        try:
            data, target = read(data_home)
            X, y = data.astype(np.uint8, copy=False), target.astype(np.int64)
            _check(X, y, (_N_TRAIN + _N_TEST, math.prod(_IMAGES_SHAPE)), source)
            if not np.array_equal(X, data):
                raise ValueError(f"{source}: expected pixels that are whole numbers 0 to 255.")
            return X[:_N_TRAIN], y[:_N_TRAIN], X[_N_TRAIN:], y[_N_TRAIN:]
        except Exception as error:  # network, cache and parser fail in many ways; all are reported
            tried.append(f"{source} ({type(error).__name__}: {error})")
            cause = error
    if not download_if_missing:
        tried.append("not OpenML (download_if_missing=False)")
    raise OSError(
        f"MNIST was not found. Tried: {'; '.join(tried)}. Let `path` or {_VARIABLE} name a folder "
        f"with {_FILES_WANTED}, or use download_if_missing=True and a working network."
    ) from cause


def _read_cache(data_home: PathLike | None) -> tuple[Array, Array]:
    """Read what `fetch_openml` cached, without calling it, because it might use the network."""
    cache = Path(get_data_home(data_home), "openml", "openml.org")
    # OpenML numbers the file 52667; scikit-learn 1.9 adds its name, mnist_784.arff.
    files = [*cache.glob("data/**/52667.gz"), *cache.glob("data/**/52667/*.arff.gz")]
    if not files:
        raise FileNotFoundError(f"no mnist_784 in {cache}")
    require_regular(files[0])
    with gzip.open(files[0], "rt", encoding="latin-1") as file:
        lines = iter(lambda: file.readline(_LINE_AT_MOST), "")  # a line may have no end
        lines = islice(
            lines, _N_TRAIN + _N_TEST + 2000
        )  # 2,000 for the header, which names the columns
        rows = dropwhile(lambda line: not line.lower().startswith("@data"), lines)
        n_rows = _N_TRAIN + _N_TEST + 1  # one more tells whether there are too many
        table = np.loadtxt(rows, np.uint8, delimiter=",", skiprows=1, ndmin=2, max_rows=n_rows)
    return table[:, :-1], table[:, -1]


def _download(data_home: PathLike | None) -> tuple[Array, Array]:
    """Download mnist_784 through scikit-learn, which caches it in `data_home`."""
    # The other parser needs pandas, and that of scikit-learn 1.9.1 fails with pandas 3.1.
    mnist = fetch_openml(
        "mnist_784", version=1, data_home=data_home, as_frame=False, parser="liac-arff"
    )
    return mnist.data, mnist.target


def _check(images: Array, labels: Array, shape: tuple[int, ...], source: str) -> None:
    """Raise ValueError unless these are uint8 images of this shape, with a digit for each."""
    if images.dtype != np.uint8 or images.shape != shape or labels.shape != shape[:1]:
        raise ValueError(
            f"{source}: expected uint8 images of shape {shape} and labels of shape {shape[:1]}; "
            f"got {images.dtype} {images.shape} and {labels.shape}."
        )
    low, high = labels.min(), labels.max()
    if low < 0 or high > 9:
        raise ValueError(f"{source}: expected labels 0 to 9; got {low} to {high}.")
