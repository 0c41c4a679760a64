import re
import tracemalloc
from collections import deque
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sknielsen import MLPSigmoidClassifier
from sknielsen._labels import Labels, distinct, exact, kind

INTEGERS = np.arange(17)


def fitted(classes, X=None):
    y = np.asarray(classes)
    X = np.zeros((len(y), 2)) if X is None else X
    return MLPSigmoidClassifier((3,), max_iter=1, batch_size=1, random_state=0).fit(X, y)


@pytest.mark.parametrize(
    "classes",
    [
        np.arange(17),
        np.arange(17) - 5,
        np.array([2**53, 2**53 + 1, 2**53 + 2]),
        np.array([0.5, 1.5, 1e300]),
        np.array([False, True]),
        np.array([f"{i}" for i in range(17)]),
        np.array(["a", "bb", "ccc"], object),
        np.array(["2020-01-01", "2021-01-01"], "M8[D]"),
    ],
)
def test_every_code_is_that_of_its_label(classes):
    labels = Labels.learn(classes)
    y = np.random.default_rng(0).choice(classes, 200)
    codes = labels.encode(y)
    assert codes.dtype == np.int32
    np.testing.assert_array_equal(labels.classes[codes], y)


@pytest.mark.parametrize(
    ("classes", "y"),
    [
        (INTEGERS, INTEGERS.astype(str)),  # "10" sorts before "2"
        (INTEGERS, INTEGERS.astype(str).astype(object)),
        (INTEGERS.astype(str), INTEGERS),
        (INTEGERS[:2], np.array(["0", "1"])),
        (np.array(["0", "1"]), np.array([0.0, 1.0])),
        (np.array(["2020", "2021"], "M8[ns]"), np.array([1577836800 * 10**9] * 2)),
    ],
)
def test_labels_of_another_kind_are_refused_wherever_they_come(classes, y):
    clf, X = fitted(classes), np.zeros((len(y), 2))
    message = rf"y holds {re.escape(kind(y))}, .* but the classes are {re.escape(kind(classes))}, "
    for block in (slice(None), slice(0, 1)):
        with pytest.raises(ValueError, match=message):
            clf.partial_fit(X[block], y[block])
    with pytest.raises(ValueError, match="In the validation data: " + message):
        clf.partial_fit(np.zeros((len(classes), 2)), classes, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="keeps its classes"):
        clf.partial_fit(X, y, classes=np.unique(y))
    fresh = MLPSigmoidClassifier((3,), batch_size=2)
    with pytest.raises(ValueError, match=message):
        fresh.partial_fit(X, y, classes=classes)
    assert not hasattr(fresh, "classes_")


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.float32, np.float64])
def test_numbers_match_by_value_whatever_their_type(dtype):
    clf = fitted(INTEGERS)
    clf.partial_fit(np.zeros((17, 2)), INTEGERS.astype(dtype))
    assert clf.classes_.dtype == INTEGERS.dtype


def test_large_integers_are_not_rounded_to_a_class():
    labels = Labels.learn(np.array([2.0**53, 0.0]))
    with pytest.raises(ValueError, match=r"y holds \[9007199254740993\], not among"):
        labels.encode(np.array([2**53 + 1]))


def test_pandas_strings_are_strings():
    labels = Labels.learn(np.array(["a", "b"]))
    y = pd.Series(["b", "a"], dtype=object).to_numpy()
    np.testing.assert_array_equal(labels.encode(y), [1, 0])


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (np.array([0.0, 1.0, np.nan]), "classes must be numbers or strings, without NaN"),
        (["a", None], "classes must have no missing labels; the first is None, in row 1"),
        ([0, "1"], r"classes must hold labels of one kind; beside .* would change \[0\]"),
        (["a", b"a"], "classes must hold labels of one kind"),
        (np.array([0, "1"], object), "classes must hold labels of one kind"),
        ([[0, 1]], r"classes must be one-dimensional; got shape \(1, 2\)"),
        ([0], "At least two classes are needed"),
    ],
)
def test_what_cannot_be_classes_is_refused(classes, message):
    with pytest.raises(ValueError, match=message):
        MLPSigmoidClassifier().partial_fit(np.zeros((2, 2)), [0, 1], classes=classes)


def test_objects_are_no_labels():
    path = PurePosixPath("a")
    text = re.escape("numbers that fit a NumPy dtype; got PurePosixPath('a'), of type PurePosix")
    for y in (["b", path, "b"], np.array([path, "b", path], object)):
        with pytest.raises(ValueError, match=f"^y must hold strings, booleans or {text}"):
            MLPSigmoidClassifier().fit(np.zeros((3, 2)), y)


def test_a_list_that_mixes_numbers_and_strings_is_refused():
    with pytest.raises(ValueError, match=r"y must hold labels of one kind; .* change \[0, 2\]"):
        MLPSigmoidClassifier().fit(np.zeros((3, 2)), [0, "1", 2])


@pytest.mark.parametrize(
    "y", [[np.True_, "True", "b"], [b"a", "a", "b"], [1j, "1j", "b"], [2**53 + 1, 2**53, 0.5]]
)
def test_labels_that_numpy_would_merge_are_refused(y):
    with pytest.raises(ValueError, match="y must hold labels of one kind; beside the others"):
        MLPSigmoidClassifier().fit(np.zeros((3, 2)), y)


@pytest.mark.parametrize("missing", [None, float("nan"), np.float32("nan"), pd.NA])
@pytest.mark.parametrize("as_given", [list, lambda y: np.array(y, dtype=object), pd.Series])
def test_a_missing_label_is_named_with_its_row(missing, as_given):
    y = as_given(["a", "b", missing, missing])
    with pytest.raises(ValueError, match=r"no missing labels; the first is .*, in row 2\."):
        MLPSigmoidClassifier().fit(np.zeros((4, 2)), y)


def test_a_missing_label_among_numbers_and_columns_is_named_with_its_row():
    with pytest.raises(ValueError, match=r"the first is None, in row 1\."):
        MLPSigmoidClassifier().fit(np.zeros((3, 2)), [[0, 1], [1, None], [1, 1]])


def test_strings_are_checked_without_a_copy_of_each():
    y = np.array(["idle", "run"], dtype=object)[np.arange(100_000) % 2]
    tracemalloc.start()
    assert exact(y, "y") is y
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(y)


@pytest.mark.parametrize("dtype", ["Int64", "UInt64", "int64[pyarrow]"])
def test_large_integers_of_nullable_types_are_not_rounded(dtype):
    y = pd.Series([2**53, 2**53 + 1, 2**53 + 2] * 2, dtype=dtype)
    clf = MLPSigmoidClassifier((3,), max_iter=1, batch_size=2).fit(np.zeros((6, 2)), y)
    assert clf.classes_.tolist() == [2**53, 2**53 + 1, 2**53 + 2]
    with pytest.raises(ValueError, match="not among the classes"):
        clf.partial_fit(np.zeros((6, 2)), y + 1)


def test_messages_show_the_first_of_many_labels():
    clf = fitted(np.repeat(np.arange(1000), 2))
    with pytest.raises(ValueError, match=r"19\] and 980 more\.$"):
        clf.partial_fit(np.zeros((1, 2)), [-1])


@pytest.mark.parametrize(
    "y",
    [
        [[1], ["1"], [2]],
        deque([2**53 + 1, 2.0, 2**53]),
        pl.Series(["a", "a\0", "b"]),
    ],
)
def test_labels_in_any_container_are_kept_or_refused(y):
    with pytest.raises(ValueError, match="y must hold labels of one kind; beside the others"):
        MLPSigmoidClassifier().fit(np.zeros((3, 2)), y)


@pytest.mark.parametrize("least", [1e-300, 1e-320])
def test_balanced_weights_that_no_float_can_hold_are_an_error(least):
    X, y = np.zeros((4, 2)), np.array([0, 0, 1, 1])
    clf = MLPSigmoidClassifier((3,), max_iter=1, batch_size=1, class_weight="balanced")
    weight = np.where(y == 0, least, 1.0)
    if least == 1e-300:
        assert clf.fit(X, y, sample_weight=weight).n_iter_ == 1
    else:
        with pytest.raises(ValueError, match="must have a finite sum; got inf"):
            clf.fit(X, y, sample_weight=weight)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 1, 3, -2, 1, 0]),
        np.array([127, -128] * 200, np.int8),
        np.array([2**63 - 1, 2**63 - 3] * 3, np.uint64),
        np.array([2**64 - 1, 0, 2**64 - 2], np.uint64),
        np.array([-(2**63), 2**63 - 1]),
        np.array([10**12, 5]),
        np.array([0.5, -1.0, 0.5]),
        np.array([True, False, True]),
        np.array(["b", "a", "b"]),
        np.array([], int),
    ],
)
def test_labels_that_occur_are_those_of_numpy_with_their_codes(labels):
    values = distinct(labels)
    np.testing.assert_array_equal(values, np.unique(labels))
    assert values.dtype == labels.dtype
    if len(values):
        codes = Labels(values, multilabel=False).encode(labels)
        np.testing.assert_array_equal(values[codes], labels)
