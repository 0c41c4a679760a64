"""fetch_mnist and read_idx, on tiny IDX files; on the real ones with the marker mnist."""

import gzip
import hashlib
import struct
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.utils import Bunch

from sknielsen import datasets
from sknielsen.datasets import fetch_mnist, read_idx

ONE_IMAGE = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)


def idx_bytes(array, code=0x08):
    """Encode an array as IDX: the magic number, the dimensions, big-endian values."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def digits(monkeypatch):
    """Six training and three test rows in the place of MNIST, by file name."""
    monkeypatch.delenv("SKNIELSEN_MNIST", raising=False)
    monkeypatch.setattr(datasets, "_N_TRAIN", 6)
    monkeypatch.setattr(datasets, "_N_VAL", 2)
    monkeypatch.setattr(datasets, "_N_TEST", 3)
    rng = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte": rng.integers(0, 256, (6, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": np.array([5, 0, 4, 1, 9, 2], dtype=np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": np.array([7, 2, 1], dtype=np.uint8),
    }


@pytest.fixture
def write(monkeypatch, tmp_path):
    """Write arrays as IDX files, and expect their SHA-256 in the place of MNIST's."""

    def write_files(arrays, rename=str, encode=bytes):
        for name, array in arrays.items():
            content = idx_bytes(array)
            monkeypatch.setitem(datasets._SHA256, name, hashlib.sha256(content).hexdigest())
            (tmp_path / rename(name)).write_bytes(encode(content))
        return tmp_path

    return write_files


@pytest.fixture
def openml(monkeypatch, digits):
    """Stand in for fetch_openml: collects the calls and returns `digits` as it would."""
    calls = []

    def fake(*args, **kwargs):
        calls.append((args, kwargs))
        X, y, X_test, y_test = digits.values()
        data = np.concatenate([X, X_test]).reshape(9, 784)
        return Bunch(
            data=np.asfortranarray(data, dtype=np.float64),
            target=np.concatenate([y, y_test]).astype(str).astype(object),
        )

    monkeypatch.setattr(datasets, "fetch_openml", fake)
    return calls


@pytest.fixture
def offline(monkeypatch):
    """Let every attempt to download fail, as it does without a network."""

    def unreachable(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setattr(datasets, "fetch_openml", unreachable)


def write_cache(data_home, digits, file="52667.gz", lines=None):
    """Write the ARFF file that fetch_openml leaves in the data home."""
    X, y, X_test, y_test = digits.values()
    pixels = np.concatenate([X, X_test]).reshape(9, 784)
    table = np.column_stack([pixels, np.concatenate([y, y_test])])
    header = [
        "% the MNIST database",
        "@RELATION mnist_784",
        *(f"@ATTRIBUTE pixel{i} real" for i in range(1, 785)),
        "@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}",
        "@DATA",
    ]
    rows = [",".join(map(str, row)) for row in table.tolist()]
    path = data_home / "openml" / "openml.org" / "data" / "v1" / "download" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress("\n".join(header + rows[:lines]).encode()))
    return path


# read_idx


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_read_idx_returns_the_array_whatever_the_name_says(tmp_path, encode):
    path = tmp_path / "images.gz"
    path.write_bytes(encode(idx_bytes(ONE_IMAGE)))
    array = read_idx(path)
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, ONE_IMAGE)


@pytest.mark.parametrize(
    ("code", "dtype"),
    [
        (0x08, "uint8"),
        (0x09, "int8"),
        (0x0B, "int16"),
        (0x0C, "int32"),
        (0x0D, "float32"),
        (0x0E, "float64"),
    ],
)
def test_read_idx_reads_every_type_in_native_byte_order(tmp_path, code, dtype):
    values = np.array([[0, 1], [100, 127]], dtype=dtype)
    path = tmp_path / "values"
    path.write_bytes(idx_bytes(values, code))
    array = read_idx(path)
    assert array.dtype == np.dtype(dtype) and array.dtype.isnative
    np.testing.assert_array_equal(array, values)


def test_read_idx_returns_a_writeable_array(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(idx_bytes(ONE_IMAGE))
    assert read_idx(path).flags.writeable


def test_read_idx_accepts_a_path_given_as_a_string(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(idx_bytes(ONE_IMAGE))
    np.testing.assert_array_equal(read_idx(str(path)), ONE_IMAGE)


GOOD = idx_bytes(ONE_IMAGE)
GOOD_GZIP = gzip.compress(GOOD)
BROKEN = {
    "empty": (b"", r"the magic number .* got b''"),
    "ends in the magic number": (GOOD[:3], r"the magic number .* got b'\\x00\\x00\\x08'"),
    "does not begin with zeros": (b"PK" + GOOD[2:], r"the magic number .* got b'PK\\x08\\x03'"),
    "unknown type": (b"\0\0\x0f" + GOOD[3:], r".*'0x08', .* '0x0e'.* got b'\\x00\\x00\\x0f\\x03'"),
    "no dimensions": (b"\0\0\x08\0", r".* number of dimensions\); got b'.*\\x08\\x00'"),
    "too many dimensions": (b"\0\0\x08\x21" + b"\0\0\0\x01" * 33 + b"\0", "1 to 32 dimensions"),
    "a dimension of 0": (b"\0\0\x08\x02" + bytes(8), r".* none of them 0; got \(0, 0\)"),
    "ends in the header": (GOOD[:10], r"a header of 16 bytes; got 10 bytes \(truncated\)"),
    "ends in the values": (GOOD[:-1], r"22 bytes for uint8 .*\(1, 2, 3\); got 21 \(truncated\)"),
    "trailing bytes": (GOOD + b"\0", r"22 bytes for uint8 .*; got 23 \(trailing bytes\)"),
    "gzip ends in the header": (GOOD_GZIP[:5], "a whole gzip stream; got a truncated"),
    "gzip ends in the stream": (GOOD_GZIP[:-9], "a whole gzip stream; got a truncated"),
    "gzip with trailing bytes": (GOOD_GZIP + b"more", "a whole gzip stream; got"),
    "gzip of another checksum": (GOOD_GZIP[:-8] + bytes(8), "a whole gzip stream; .*CRC"),
    "gzip of no stream": (GOOD_GZIP[:10] + b"\xff" * 20, "a whole gzip stream; .*damaged"),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_read_idx_says_what_is_wrong_with_a_file(tmp_path, problem):
    content, message = BROKEN[problem]
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"broken: expected {message}"):
        read_idx(path)


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_read_idx_refuses_other_data_under_an_original_name(tmp_path, name, ending, encode):
    path = tmp_path / (name + ending)
    content = idx_bytes(np.arange(3, dtype=np.uint8))
    path.write_bytes(encode(content))
    expected = datasets._SHA256["t10k-labels-idx1-ubyte"]
    actual = hashlib.sha256(content).hexdigest()
    with pytest.raises(
        ValueError, match=rf"{name}{ending}: .*{expected}.*got {actual}.*rename it"
    ):
        read_idx(path)


def test_read_idx_of_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")


# fetch_mnist: what it returns


def test_standard_split_keeps_all_training_rows(digits, write):
    mnist = fetch_mnist(write(digits), split="standard", dtype="uint8", scale=False)
    X, y, X_test, y_test = digits.values()
    np.testing.assert_array_equal(mnist.X_train, X.reshape(6, 784))
    np.testing.assert_array_equal(mnist.y_train, y)
    np.testing.assert_array_equal(mnist.X_test, X_test.reshape(3, 784))
    np.testing.assert_array_equal(mnist.y_test, y_test)
    assert "X_val" not in mnist


def test_book_split_is_the_default_and_validates_on_the_last_training_rows(digits, write):
    mnist = fetch_mnist(write(digits), dtype="uint8", scale=False)
    X, y, X_test, _ = digits.values()
    np.testing.assert_array_equal(mnist.X_train, X[:4].reshape(4, 784))
    np.testing.assert_array_equal(mnist.X_val, X[4:].reshape(2, 784))
    np.testing.assert_array_equal(mnist.y_train, y[:4])
    np.testing.assert_array_equal(mnist.y_val, y[4:])
    np.testing.assert_array_equal(mnist.X_test, X_test.reshape(3, 784))


def test_bunch_also_holds_the_shape_of_an_image_and_a_description(digits, write):
    mnist = fetch_mnist(write(digits))
    assert mnist.images_shape == (28, 28)
    assert "LeCun" in mnist.DESCR and "Nielsen" in mnist.DESCR


@pytest.mark.parametrize("dtype", ["float16", "float32", np.float64])
def test_pixels_are_divided_by_255_in_the_dtype_asked_for(digits, write, dtype):
    mnist = fetch_mnist(write(digits), dtype=dtype)
    expected = digits["t10k-images-idx3-ubyte"].reshape(3, 784).astype(dtype) / np.array(
        255, dtype
    )
    assert mnist.X_test.dtype == mnist.X_train.dtype == mnist.X_val.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(mnist.X_test, expected)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_scale_false_keeps_0_to_255(digits, write, dtype):
    mnist = fetch_mnist(write(digits), dtype=dtype, scale=False)
    assert mnist.X_test.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(
        mnist.X_test.reshape(3, 28, 28), digits["t10k-images-idx3-ubyte"]
    )


def test_rows_are_contiguous_and_writeable_and_labels_int64(digits, write):
    mnist = fetch_mnist(write(digits))
    for name in ("train", "val", "test"):
        assert mnist[f"X_{name}"].flags.c_contiguous and mnist[f"X_{name}"].flags.writeable
        assert mnist[f"y_{name}"].dtype == np.int64


def test_return_x_y_gives_the_training_rows_only(digits, write):
    X, y = fetch_mnist(write(digits), return_X_y=True)
    assert X.shape == (4, 784)
    assert y.tolist() == [5, 0, 4, 1]


# fetch_mnist: its parameters


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="`split` must be 'book' or 'standard'; got 'test'"):
        fetch_mnist(split="test")


def test_integer_dtype_cannot_hold_scaled_pixels():
    with pytest.raises(ValueError, match=r"scale=True .* integer dtype 'uint8'.*scale=False"):
        fetch_mnist(dtype="uint8")


@pytest.mark.parametrize("dtype", ["int8", "bool", "complex64", "object", "U3"])
def test_dtype_that_is_no_pixel_is_refused(dtype):
    with pytest.raises(ValueError, match=r"`dtype` must be a floating dtype, or.*; got '"):
        fetch_mnist(dtype=dtype, scale=False)


# fetch_mnist: a folder


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("separator", ["-idx", ".idx"])
def test_folder_may_use_any_usual_spelling(digits, write, separator, ending, encode):
    folder = write(digits, lambda name: name.replace("-idx", separator) + ending, encode)
    assert fetch_mnist(folder).X_train.shape == (4, 784)


def test_variable_names_the_folder(monkeypatch, digits, write):
    monkeypatch.setenv("SKNIELSEN_MNIST", str(write(digits)))
    assert fetch_mnist().y_test.tolist() == [7, 2, 1]


def test_path_wins_over_the_variable(monkeypatch, digits, write):
    monkeypatch.setenv("SKNIELSEN_MNIST", "nowhere")
    assert fetch_mnist(write(digits)).y_test.tolist() == [7, 2, 1]


def test_empty_variable_counts_as_not_set(monkeypatch, openml, tmp_path):
    monkeypatch.setenv("SKNIELSEN_MNIST", "")
    assert fetch_mnist(data_home=tmp_path).y_test.tolist() == [7, 2, 1]


def test_path_without_the_files_is_an_error_that_names_them(digits, write, openml):
    folder = write(digits)
    (folder / "train-labels-idx1-ubyte").unlink()
    (folder / "t10k-images-idx3-ubyte").unlink()
    message = (
        "`path` names .* lacks train-labels-idx1-ubyte, t10k-images-idx3-ubyte; no other place was"
    )
    with pytest.raises(OSError, match=message):
        fetch_mnist(folder)
    assert not openml


def test_variable_without_the_files_is_an_error_that_names_it(monkeypatch, tmp_path, openml):
    monkeypatch.setenv("SKNIELSEN_MNIST", str(tmp_path / "nowhere"))
    with pytest.raises(OSError, match=r"SKNIELSEN_MNIST names .*nowhere', which is not a folder"):
        fetch_mnist()
    assert not openml


def test_own_files_under_the_original_names_are_refused_clearly(tmp_path, digits):
    for name, array in digits.items():
        (tmp_path / name).write_bytes(idx_bytes(array))
    with pytest.raises(
        ValueError, match=r"train-images-idx3-ubyte: expected SHA-256 ba89.*rename"
    ):
        fetch_mnist(tmp_path)


def test_images_and_labels_must_be_as_many(digits, write):
    digits["train-labels-idx1-ubyte"] = digits["train-labels-idx1-ubyte"][:5]
    message = (
        r"training set: expected .*labels of shape \(6,\); got uint8 \(6, 28, 28\) and \(5,\)"
    )
    with pytest.raises(ValueError, match=message):
        fetch_mnist(write(digits))


def test_images_must_be_28_by_28(digits, write):
    digits["t10k-images-idx3-ubyte"] = digits["t10k-images-idx3-ubyte"].reshape(3, 14, 56)
    message = r"test set: expected uint8 images of shape \(3, 28, 28\).*got uint8 \(3, 14, 56\)"
    with pytest.raises(ValueError, match=message):
        fetch_mnist(write(digits))


def test_labels_must_be_digits(digits, write):
    digits["train-labels-idx1-ubyte"][2] = 10
    with pytest.raises(ValueError, match="training set: expected labels 0 to 9; got 0 to 10"):
        fetch_mnist(write(digits))


# fetch_mnist: the data home of scikit-learn


@pytest.mark.parametrize("file", ["52667.gz", "52667/mnist_784.arff.gz"], ids=["1.6", "1.9"])
def test_cache_of_either_scikit_learn_is_read_without_the_network(tmp_path, digits, openml, file):
    write_cache(tmp_path, digits, file)
    mnist = fetch_mnist(data_home=tmp_path, dtype="uint8", scale=False)
    X, _, X_test, _ = digits.values()
    np.testing.assert_array_equal(mnist.X_train, X[:4].reshape(4, 784))
    np.testing.assert_array_equal(mnist.X_test, X_test.reshape(3, 784))
    assert mnist.y_val.tolist() == [9, 2]
    assert not openml


def test_cache_is_found_through_the_variable_of_scikit_learn(monkeypatch, tmp_path, digits):
    write_cache(tmp_path, digits)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    assert fetch_mnist(download_if_missing=False).y_test.tolist() == [7, 2, 1]


def test_damaged_cache_is_left_to_fetch_openml(tmp_path, digits, openml):
    path = write_cache(tmp_path, digits)
    path.write_bytes(path.read_bytes()[:-9])
    assert fetch_mnist(data_home=tmp_path).y_test.tolist() == [7, 2, 1]
    assert len(openml) == 1


def test_damaged_cache_without_download_is_an_error(tmp_path, digits, openml):
    path = write_cache(tmp_path, digits)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(OSError, match=r"the data home of scikit-learn \(EOFError"):
        fetch_mnist(data_home=tmp_path, download_if_missing=False)
    assert not openml


def test_cache_with_too_few_rows_is_an_error(tmp_path, digits, openml):
    write_cache(tmp_path, digits, lines=8)
    with pytest.raises(OSError, match=r"shape \(9, 784\) .*; got uint8 \(8, 784\) and \(8,\)"):
        fetch_mnist(data_home=tmp_path, download_if_missing=False)
    assert not openml


# fetch_mnist: OpenML


def test_openml_is_asked_for_arrays_with_a_parser_that_needs_no_pandas(tmp_path, openml):
    fetch_mnist(data_home=tmp_path)
    expected = dict(version=1, data_home=tmp_path, as_frame=False, parser="liac-arff")
    assert openml == [(("mnist_784",), expected)]


def test_openml_rows_are_train_then_test(tmp_path, digits, openml):
    mnist = fetch_mnist(data_home=tmp_path, split="standard", dtype="uint8", scale=False)
    X, y, X_test, y_test = digits.values()
    np.testing.assert_array_equal(mnist.X_train, X.reshape(6, 784))
    np.testing.assert_array_equal(mnist.X_test, X_test.reshape(3, 784))
    assert mnist.y_train.tolist() == y.tolist()
    assert mnist.y_test.tolist() == y_test.tolist()


def test_openml_rows_are_c_contiguous(tmp_path, openml):
    assert fetch_mnist(data_home=tmp_path).X_train.flags.c_contiguous


def test_openml_pixels_must_be_whole_numbers(monkeypatch, tmp_path, digits):
    halves = Bunch(data=np.full((9, 784), 0.5), target=np.zeros(9, int))
    monkeypatch.setattr(datasets, "fetch_openml", lambda *_, **__: halves)
    with pytest.raises(OSError, match=r"OpenML: expected pixels that are whole numbers 0 to 255"):
        fetch_mnist(data_home=tmp_path)


def test_error_names_every_place_tried(tmp_path, digits, offline):
    message = (
        r"Tried: `path` \(not given\); the environment variable SKNIELSEN_MNIST \(not set\); "
        rf"the data home of scikit-learn \(.*{tmp_path.name}.*\); OpenML \(.*no route to host.*\)"
    )
    with pytest.raises(OSError, match=message):
        fetch_mnist(data_home=tmp_path)


def test_error_says_what_to_do(tmp_path, digits, offline):
    message = (
        r"Let `path` or SKNIELSEN_MNIST name a folder with train-images-idx3-ubyte, .* or use"
    )
    with pytest.raises(OSError, match=message):
        fetch_mnist(data_home=tmp_path)


def test_error_is_chained_to_that_of_openml(tmp_path, digits, offline):
    with pytest.raises(OSError, match="MNIST was not found") as caught:
        fetch_mnist(data_home=tmp_path)
    assert isinstance(caught.value.__cause__, URLError)


def test_download_if_missing_false_never_asks_openml(tmp_path, openml):
    with pytest.raises(OSError, match=r"not OpenML \(download_if_missing=False\)"):
        fetch_mnist(data_home=tmp_path, download_if_missing=False)
    assert not openml


# The real files, from the folder that SKNIELSEN_MNIST names


@pytest.fixture(scope="module")
def mnist():
    """Load the whole data set, raw."""
    return fetch_mnist(split="standard", dtype="uint8", scale=False, download_if_missing=False)


@pytest.mark.mnist
def test_mnist_has_60000_training_and_10000_test_rows(mnist):
    assert mnist.X_train.shape == (60_000, 784) and mnist.y_train.shape == (60_000,)
    assert mnist.X_test.shape == (10_000, 784) and mnist.y_test.shape == (10_000,)


@pytest.mark.mnist
def test_mnist_training_digits_are_as_frequent_as_published(mnist):
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.y_train).tolist() == counts


@pytest.mark.mnist
def test_mnist_pixels_span_0_to_255(mnist):
    assert mnist.X_train.min() == mnist.X_test.min() == 0
    assert mnist.X_train.max() == mnist.X_test.max() == 255


@pytest.mark.mnist
def test_mnist_scaled_pixels_span_0_to_1():
    X, _ = fetch_mnist(return_X_y=True, download_if_missing=False)
    assert X.dtype == np.float32 and X.shape == (50_000, 784)
    assert X.min() == 0 and X.max() == 1


@pytest.mark.mnist
def test_mnist_book_split_is_the_standard_one_cut_at_50000(mnist):
    book = fetch_mnist(dtype="uint8", scale=False, download_if_missing=False)
    assert len(book.X_train) == 50_000 and len(book.X_val) == 10_000
    np.testing.assert_array_equal(np.concatenate([book.X_train, book.X_val]), mnist.X_train)
    np.testing.assert_array_equal(np.concatenate([book.y_train, book.y_val]), mnist.y_train)
    np.testing.assert_array_equal(book.X_test, mnist.X_test)
