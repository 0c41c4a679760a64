"""Inputs of every kind train and predict like the plain float array."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import assert_same_model
from scipy.sparse import coo_array, csc_matrix, csr_array, csr_matrix


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def memory_map(X, tmp_path):
    X.tofile(tmp_path / "X.bin")
    return np.memmap(tmp_path / "X.bin", X.dtype, "r", shape=X.shape)


def strided(X):
    return np.repeat(X, 2, axis=1)[:, ::2]


KINDS = {
    "list": lambda X, _: X.tolist(),
    "read-only": lambda X, _: read_only(X),
    "Fortran order": lambda X, _: np.asfortranarray(X),
    "strided": lambda X, _: strided(X),
    "byte-swapped": lambda X, _: X.astype(X.dtype.newbyteorder()),
    "objects": lambda X, _: X.astype(object),
    "memmap": memory_map,
    "CSR matrix": lambda X, _: csr_matrix(X),
    "CSR array": lambda X, _: csr_array(X),
    "CSC": lambda X, _: csc_matrix(X),
    "COO": lambda X, _: coo_array(X),
    "pandas": lambda X, _: pd.DataFrame(X).rename(columns=str),
    "pandas, nullable": lambda X, _: pd.DataFrame(X).rename(columns=str).astype("Float64"),
    "pandas, pyarrow": lambda X, _: pd.DataFrame(X).rename(columns=str).astype("double[pyarrow]"),
    "polars": lambda X, _: pl.DataFrame({str(i): X[:, i] for i in range(X.shape[1])}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_any_kind_train_and_predict_like_a_plain_array(kind, small, digits, tmp_path):
    X, y = digits
    given = KINDS[kind](X, tmp_path)
    clf, plain = small(), small().fit(X, y)
    assert_same_model(clf.fit(given, y), plain)
    np.testing.assert_array_equal(clf.predict(given), plain.predict(X))
    np.testing.assert_allclose(clf.predict_proba(given), plain.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_validation_rows_of_any_kind_score_alike(kind, small, digits, tmp_path):
    X, y = digits
    (tmp_path / "validation").mkdir()
    train, val = (
        KINDS[kind](part, path)
        for part, path in ((X[:200], tmp_path), (X[200:], tmp_path / "validation"))
    )
    assert_same_model(
        small().fit(train, y[:200], X_val=val, y_val=y[200:]),
        small().fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:]),
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint8", "int64", "bool"])
@pytest.mark.parametrize("kind", ["plain", "pandas", "polars", "pyarrow"])
def test_numbers_of_any_width_train_like_the_floats_they_stand_for(kind, dtype, small, digits):
    X, y = digits
    X = (X > 0.5).astype(dtype)
    floats = X.astype(np.result_type(X.dtype, np.float32))
    given = {
        "plain": lambda: X,
        "pandas": lambda: pd.DataFrame(X),
        "polars": lambda: pl.DataFrame({str(i): X[:, i] for i in range(X.shape[1])}),
        "pyarrow": lambda: pd.DataFrame(X).convert_dtypes(dtype_backend="pyarrow"),
    }[kind]
    given = given().rename(columns=str) if kind in ("pandas", "pyarrow") else given()
    np.testing.assert_array_equal(
        small().fit(given, y).predict(given), small().fit(floats, y).predict(floats)
    )


LABELS = {
    "list": lambda y: y.tolist(),
    "strings": lambda y: y.astype(str),
    "pandas": pd.Series,
    "pandas, nullable": lambda y: pd.Series(y, dtype="Int64"),
    "pandas, pyarrow": lambda y: pd.Series(y, dtype="int64[pyarrow]"),
    "pandas, categories": lambda y: pd.Series(y).astype("category"),
    "pandas, strings": lambda y: pd.Series(y.astype(str)),
    "polars": pl.Series,
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind_train_alike(kind, small, digits):
    X, y = digits
    clf = small().fit(X, LABELS[kind](y))
    plain = small().fit(X, y)
    assert_same_model(clf, plain)
    np.testing.assert_array_equal(clf.predict(X).astype(int), plain.predict(X))
    assert clf.score(X, LABELS[kind](y)) == plain.score(X, y)


def test_missing_values_in_nullable_columns_raise(small, digits):
    X, y = digits
    frame = pd.DataFrame(X).rename(columns=str).astype("Float64")
    frame.iloc[0, 0] = pd.NA
    with pytest.raises(ValueError, match="NaN"):
        small().fit(frame, y)


@pytest.mark.parametrize("kind", [np.asarray, list])
def test_images_that_are_no_rows_are_refused_with_the_way_to_make_rows(kind, small, digits):
    X, y = digits
    images, message = X.reshape(-1, 8, 8), r"array with dim 3, .*: X\.reshape\(len\(X\), -1\)"
    with pytest.raises(ValueError, match=message):
        small().fit(kind(images), y)
    with pytest.raises(ValueError, match=f"In the validation data: .*{message}"):
        small().fit(X, y, X_val=kind(images), y_val=y)
    fitted = small().fit(X, y)
    with pytest.raises(ValueError, match=message):
        fitted.predict(kind(images))
    with pytest.raises(ValueError, match=r"array with dim 4, .*image\.reshape\(1, -1\)"):
        fitted.predict(kind(images[..., None]))
    with pytest.raises(ValueError, match="dim 3"):  # of labels: scikit-learn's own words
        small().fit(X, np.zeros((len(X), 1, 1)))


def test_objects_that_are_no_numbers_raise(small, digits):
    X, y = digits
    X = X.astype(object)
    X[0, 0] = "many"
    with pytest.raises(ValueError, match="many"):
        small().fit(X, y)


@pytest.mark.nightly
@pytest.mark.skipif("SKNIELSEN_NIGHTLY" not in os.environ, reason="SKNIELSEN_NIGHTLY is not set")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_memory_map_of_4_gib_trains_in_less_than_1_gib_of_memory(tmp_path):
    script = """
        import sys, threading, time
        from pathlib import Path
        import numpy as np
        from sknielsen import MLPSigmoidClassifier

        def anonymous():
            [line] = [x for x in Path("/proc/self/status").read_text().splitlines()
                      if x.startswith("RssAnon")]
            return int(line.split()[1]) / 2**20

        n_rows, n_features = 2**20, 2**10
        X = np.memmap(sys.argv[1], np.float32, "w+", shape=(n_rows, n_features))
        y = np.arange(n_rows) % 10
        rng = np.random.default_rng(0)
        for start in range(0, n_rows, 2**14):  # a few columns; the rest stays a hole in the file
            block = slice(start, start + 2**14)
            X[block, :10] = np.eye(10)[y[block]] + 0.1 * rng.standard_normal((2**14, 10))
        X.flush()
        X = np.memmap(sys.argv[1], np.float32, "r", shape=(n_rows, n_features))
        peak, done = [anonymous()], threading.Event()

        def watch():
            while not done.wait(0.01):
                peak.append(anonymous())

        watcher = threading.Thread(target=watch)
        watcher.start()
        clf = MLPSigmoidClassifier(10, batch_size=100, max_iter=1, random_state=0).fit(X, y)
        accuracy = clf.score(X[:100_000], y[:100_000])
        done.set()
        watcher.join()
        print(max(peak), accuracy)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "X.bin")],
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "X.bin").unlink()
    gibibytes, accuracy = map(float, result.stdout.split())
    print(f"{gibibytes:.3f} GiB of anonymous memory")
    assert gibibytes < 1
    assert accuracy > 0.95


def test_a_read_only_memory_map_is_not_written_to(small, digits, tmp_path):
    X, y = digits
    mapped = memory_map(X, tmp_path)
    small().fit(mapped, y).partial_fit(mapped, y)
    np.testing.assert_array_equal(mapped, X)


def test_split_off_rows_are_stratified_and_not_trained_on(small, digits):
    X, y = digits
    clf = small(early_stopping=True, validation_fraction=0.2, max_iter=2).fit(X, y)
    rows = clf.validation_indices_
    assert len(rows) == 60
    assert np.abs(np.bincount(y[rows]) - np.bincount(y) * 0.2).max() <= 1
    changed = X.copy()
    changed[rows] = 1 - changed[rows]
    again = small(early_stopping=True, validation_fraction=0.2, max_iter=1, scoring=lambda *a: 0.5)
    once = again.fit(X, y).coefs_
    np.testing.assert_array_equal(again.fit(changed, y).coefs_[0], once[0])


def test_x_val_is_used_instead_of_a_split(small, split):
    train, validation = split
    clf = small(early_stopping=True).fit(*train, **validation)
    assert not hasattr(clf, "validation_indices_")


def test_a_warm_fit_with_x_val_forgets_the_rows_of_an_earlier_split(small, split):
    train, validation = split
    clf = small(early_stopping=True, warm_start=True, max_iter=1).fit(*train)
    assert len(clf.validation_indices_) == 20
    clf.fit(*train, **validation)
    assert not hasattr(clf, "validation_indices_")


def test_a_schedule_that_needs_validation_data_splits_some_off(small, digits):
    clf = small(eta_schedule="plateau").fit(*digits)
    assert len(clf.validation_indices_) == 30
    assert not np.isnan(clf.history_["validation_score"]).any()


def test_multilabel_rows_are_split_without_strata(small, multilabel):
    clf = small(early_stopping=True, max_iter=2).fit(*multilabel)
    assert len(clf.validation_indices_) == 12


def test_a_class_of_one_row_is_named_when_a_split_is_asked_for(small, digits):
    X, y = digits
    keep = (y != 7) | (np.cumsum(y == 7) == 1)
    with pytest.raises(ValueError, match="two rows of every class; got 1 of class 7"):
        small(early_stopping=True).fit(X[keep], y[keep])
