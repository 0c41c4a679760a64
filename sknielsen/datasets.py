"""MNIST, the digits of the book, and a reader of the IDX files they are published in.

A source is a function that returns the images and labels of the training and the test set, raw;
`fetch_mnist` chooses the source, splits and casts. To add a source that needs no folder, write a
reader like `_read_cache` and list it in `_from_openml`, which asks its readers in turn.
"""

import gzip
import hashlib
import math
import os
import struct
import zlib
from itertools import dropwhile, islice
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml, get_data_home
from sklearn.utils import Bunch

from sknielsen._files import require_regular

_VARIABLE = "SKNIELSEN_MNIST"
_N_TRAIN, _N_VAL, _N_TEST = 60_000, 10_000, 10_000
_IMAGES_SHAPE = (28, 28)

# The four original files and the SHA-256 of what they hold once uncompressed.
_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# The third byte of an IDX file is the type of its values, which are big-endian.
_IDX_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

_AT_ONCE = 2**20  # bytes read at a time
_LINE_AT_MOST = 3200  # characters: 785 numbers of up to three digits take 3,140
_DEFLATE_AT_MOST = 1032  # times the size of a gzip file: more cannot be in it

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


def fetch_mnist(
    path=None,
    data_home=None,
    split="book",
    dtype="float32",
    scale=True,
    return_X_y=False,
    download_if_missing=True,
):
    """Load the MNIST digits (LeCun, Cortes and Burges), split as in Nielsen's book (ch. 1).

    Read the folder `path`, else the folder named by the environment variable SKNIELSEN_MNIST,
    else what `fetch_openml` cached in the data home of scikit-learn, else OpenML.

    Parameters
    ----------
    path : str or path-like, default=None
        Folder with the four IDX files, plain or gzip. If it lacks one, no other source is asked.
    data_home : str or path-like, default=None
        The data home of scikit-learn; None is its own default, usually ~/scikit_learn_data.
    split : {"book", "standard"}, default="book"
        "book" keeps the last 10,000 of the 60,000 training rows for validation, so that the test
        rows stay unseen while hyper-parameters are chosen; "standard" trains on all 60,000.
    dtype : dtype, default="float32"
        Of the pixels: floating, or, with scale=False, an integer dtype that holds 0 to 255. The
        default takes half the memory of float64.
    scale : bool, default=True
        Divide the pixels by 255, into [0, 1], the range that the book's step sizes suit.
    return_X_y : bool, default=False
        Return the training rows only.
    download_if_missing : bool, default=True
        If False, never use the network: without a local copy, raise OSError.

    Returns
    -------
    Bunch or (X_train, y_train)
        `X_train`, `X_test` and, with split="book", `X_val`: one image per row, shape (n, 784),
        C-contiguous. `y_train`, `y_test`, `y_val`: the digits, int64, shape (n,).
        `images_shape`: (28, 28). `DESCR`: a description.

    Raises
    ------
    OSError
        If the folder lacks a file, or no source has the data; it names every place tried.
    ValueError
        If `split` or `dtype` is not accepted, or the files in the folder are not those of MNIST.

    Examples
    --------
    >>> mnist = fetch_mnist()
    >>> mnist.X_train.shape, mnist.X_val.shape, mnist.X_test.shape
    ((50000, 784), (10000, 784), (10000, 784))
    """
    if split not in ("book", "standard"):
        raise ValueError(f"`split` must be 'book' or 'standard'; got {split!r}.")
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

    if path is not None:
        X, y, X_test, y_test = _from_folder(path, "`path`")
    elif folder := os.environ.get(_VARIABLE):
        X, y, X_test, y_test = _from_folder(folder, f"the environment variable {_VARIABLE}")
    else:
        X, y, X_test, y_test = _from_openml(data_home, download_if_missing)

    def rows(suffix, images, labels):
        pixels = np.array(images.reshape(len(images), -1), dtype=dtype, order="C")
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
    return mnist


def read_idx(path):
    """Read an IDX file, the format MNIST is published in (LeCun, Cortes and Burges).

    Two zero bytes, a byte each for the type and the number of dimensions, the dimensions as
    32-bit integers, then the values, the last dimension varying fastest; all big-endian.

    Parameters
    ----------
    path : str or path-like
        The file, plain or gzip: its first bytes decide, not its name.

    Returns
    -------
    ndarray
        Of the file's shape and type (uint8 for MNIST), in the machine's byte order, writeable.

    Raises
    ------
    ValueError
        If the file is not IDX, is damaged, is shorter or longer than its header says, or has the
        name of an original MNIST file but not its SHA-256.
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


def _read_idx(path, file, size, is_gzip):
    """Read an IDX stream, and no more of it than its header promises, but for one byte."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _IDX_DTYPES or not magic[3]:
        raise ValueError(
            f"{path}: expected the magic number of an IDX file (two zero bytes, a type from "
            f"{[f'0x{code:02x}' for code in _IDX_DTYPES]}, the number of dimensions); got "
            f"{magic!r}."
        )
    dtype, n_dimensions = np.dtype(_IDX_DTYPES[magic[2]]), magic[3]
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
    n_values = math.prod(shape) * dtype.itemsize
    content = bytearray()
    if n_values <= size * (_DEFLATE_AT_MOST if is_gzip else 1):
        while len(content) <= n_values and (
            part := file.read(min(_AT_ONCE, n_values + 1 - len(content)))
        ):
            content += part
    if len(content) != n_values:
        found = f"at least {n_header + len(content)}" if is_gzip else size
        raise ValueError(
            f"{path}: expected {n_header + n_values} bytes for {dtype.name} values of shape "
            f"{shape}; got {found} "
            f"({'truncated' if len(content) < n_values else 'trailing bytes'})."
        )
    if original := _SHA256.get(path.name.removesuffix(".gz").replace(".idx", "-idx")):
        digest = hashlib.sha256(magic + lengths)
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


def _from_folder(folder, origin):
    """Read the four IDX files in `folder`, which `origin` named."""
    folder = Path(os.path.expanduser(folder))  # leaves "~somebody" where there is no such user
    found = {}
    for name in _SHA256:
        stems = name, name.replace("-idx", ".idx")
        files = [folder / f"{stem}{ending}" for stem in stems for ending in ("", ".gz")]
        found[name] = next((file for file in files if file.is_file()), None)
    missing = [name for name, file in found.items() if file is None]
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


def _from_openml(data_home, download_if_missing):
    """Read OpenML's mnist_784, the training rows first: from the cache, else by downloading."""
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
        except Exception as error:  # network, cache and parser fail in many ways: report them all
            tried.append(f"{source} ({type(error).__name__}: {error})")
            cause = error
    if not download_if_missing:
        tried.append("not OpenML (download_if_missing=False)")
    raise OSError(
        f"MNIST was not found. Tried: {'; '.join(tried)}. Let `path` or {_VARIABLE} name a folder "
        f"with {_FILES_WANTED}, or use download_if_missing=True and a working network."
    ) from cause


def _read_cache(data_home):
    """Read what `fetch_openml` cached, without it: it might turn to the network."""
    cache = Path(get_data_home(data_home), "openml", "openml.org")
    # OpenML numbers the file 52667; scikit-learn 1.9 adds its name, mnist_784.arff.
    files = [*cache.glob("data/**/52667.gz"), *cache.glob("data/**/52667/*.arff.gz")]
    if not files:
        raise FileNotFoundError(f"no mnist_784 in {cache}")
    require_regular(files[0])
    with gzip.open(files[0], "rt", encoding="latin-1") as file:
        lines = iter(lambda: file.readline(_LINE_AT_MOST), "")  # not one without an end
        lines = islice(lines, _N_TRAIN + _N_TEST + 2000)  # with the names of the columns
        rows = dropwhile(lambda line: not line.lower().startswith("@data"), lines)
        n_rows = _N_TRAIN + _N_TEST + 1  # one more shows that there are too many
        table = np.loadtxt(rows, np.uint8, delimiter=",", skiprows=1, ndmin=2, max_rows=n_rows)
    return table[:, :-1], table[:, -1]


def _download(data_home):
    """Download mnist_784 through scikit-learn, which caches it in `data_home`."""
    mnist = fetch_openml(  # its other parser needs pandas, and fails on 3.1 in scikit-learn 1.9.1
        "mnist_784", version=1, data_home=data_home, as_frame=False, parser="liac-arff"
    )
    return mnist.data, mnist.target


def _check(images, labels, shape, source):
    """Raise ValueError unless these are uint8 images of `shape` with a digit for each."""
    if images.dtype != np.uint8 or images.shape != shape or labels.shape != shape[:1]:
        raise ValueError(
            f"{source}: expected uint8 images of shape {shape} and labels of shape {shape[:1]}; "
            f"got {images.dtype} {images.shape} and {labels.shape}."
        )
    low, high = labels.min(), labels.max()
    if low < 0 or high > 9:
        raise ValueError(f"{source}: expected labels 0 to 9; got {low} to {high}.")
