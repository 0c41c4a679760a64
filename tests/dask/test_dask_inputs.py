"""What may be given as Dask collections, what is refused, and what is noticed."""

from types import SimpleNamespace

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from two_workers import assert_same_weights, in_blocks

from sknielsen import ImageAugmenter
from sknielsen.dask import DaskMLPSigmoidClassifier
from sknielsen.dask._inputs import draw


def test_label_sorted_empty_and_unknown_blocks(client, digits, distributed_and_plain):
    X, y = digits
    order = np.argsort(y, kind="stable")
    dX, dy = in_blocks(X[order], y[order], chunks=(60,) * 5)
    known = dy < 6  # leaves blocks without rows, and sizes that nobody knows
    dX, dy = dX[known].rechunk({1: 32}), dy[known]
    assert np.isnan(dX.chunks[0]).all()
    clf, plain = distributed_and_plain(max_iter=3)
    assert_same_weights(clf.fit(dX, dy), plain.fit(X[y < 6], y[y < 6]))
    assert clf.score(dX, dy) == pytest.approx(plain.score(X[y < 6], y[y < 6]))
    assert len(clf.predict_proba(dX).compute()) == (y < 6).sum()


def test_dataframes_keep_the_names_of_features(client, digits, distributed_and_plain):
    X, y = digits
    frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)]).assign(digit=y)
    ddf = dd.from_pandas(frame, npartitions=3)
    dX, dy = ddf.drop(columns="digit"), ddf["digit"]
    clf, plain = distributed_and_plain(max_iter=2)
    assert_same_weights(clf.fit(dX, dy), plain.fit(frame.drop(columns="digit"), y))
    assert clf.feature_names_in_.tolist() == plain.feature_names_in_.tolist()
    np.testing.assert_array_equal(clf.predict(dX).compute(), plain.predict(frame.iloc[:, :64]))
    assert clf.score(dX, dy) == pytest.approx(plain.score(frame.iloc[:, :64], y))


@pytest.mark.parametrize(
    "kind", ["string[pyarrow]", "category", "Int64", "int64[pyarrow]", "a frame of one column"]
)
def test_labels_of_any_kind_of_column(client, digits, distributed_and_plain, kind):
    X, y = digits
    labels = pd.Series(y, name="digit")
    if kind == "string[pyarrow]":
        labels = "digit " + labels.astype(str)
    labels = labels.to_frame() if kind.startswith("a frame") else labels.astype(kind)
    weight = pd.Series(np.linspace(0, 1, len(y)), name="weight")
    frame = pd.DataFrame(X).rename(columns=str)
    dX, dy, weights = (dd.from_pandas(part, npartitions=3) for part in (frame, labels, weight))
    clf, plain = distributed_and_plain(max_iter=2)
    plain.fit(frame, np.ravel(labels), weight)
    assert_same_weights(clf.fit(dX, dy, weights), plain)
    assert clf.classes_.tolist() == plain.classes_.tolist()
    score = plain.score(frame, np.ravel(labels), weight)
    assert clf.score(dX, dy, weights) == pytest.approx(score)


def test_averaging_warns_of_blocks_sorted_by_label(client, digits):
    X, y = digits
    order = np.argsort(y, kind="stable")
    clf = DaskMLPSigmoidClassifier((8,), sync="average", max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match=r"sorted by label.*Shuffle.*sync='gradient'"):
        clf.fit(*in_blocks(X[order], y[order], chunks=(60,) * 5))


def test_monitored_rows_are_a_sample_of_all_blocks(client, digits):
    dX, dy = in_blocks(*digits)
    settings = dict(hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    few = DaskMLPSigmoidClassifier(monitor_samples=250, **settings).fit(dX, dy)
    all_rows = DaskMLPSigmoidClassifier(**settings).fit(dX, dy)
    np.testing.assert_allclose(
        few.history_["train_cost"], all_rows.history_["train_cost"], rtol=0.05
    )
    assert few.history_["train_cost"] != all_rows.history_["train_cost"]
    none = DaskMLPSigmoidClassifier(monitor_samples=0, **settings).fit(dX, dy)
    assert np.isnan(none.history_["train_cost"]).all()


@pytest.mark.parametrize("sort", [False, True])
def test_validation_rows_that_repeat_training_rows_or_are_scaled_otherwise_are_noticed(
    client, all_digits, sort
):
    X, y = all_digits
    order = np.argsort(y[:1400], kind="stable") if sort else np.arange(1400)
    train, validation = (X[:1400][order], y[:1400][order]), (X[1400:], y[1400:])
    dX, dy = in_blocks(*train, chunks=(70,) * 20)
    dX = dX.map_blocks(csr_array) if sort else dX
    clf = DaskMLPSigmoidClassifier((8,), max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="rows of `X_val` equal training rows") as warned:
        clf.fit(dX, dy, X_val=train[0][::2], y_val=train[1][::2])
    assert warned[0].filename == __file__
    with pytest.warns(UserWarning, match="does not look scaled like X"):
        clf.fit(dX, dy, X_val=16 * validation[0], y_val=validation[1])
    clf.fit(dX, dy, X_val=validation[0], y_val=validation[1])
    single = validation[1] == 0
    clf.fit(dX, dy, X_val=16 * validation[0][single], y_val=validation[1][single])


def test_images_that_are_held_still_are_noticed_once(client, digits):
    clf = DaskMLPSigmoidClassifier((8,), max_iter=2, augment=ImageAugmenter(rotation=5))
    with pytest.warns(UserWarning, match=r"`keep_in_frame` holds \d+% of the images") as caught:
        clf.fit(*in_blocks(*digits))
    assert len(caught) == 1
    clf.set_params(max_iter=3).partial_fit(*in_blocks(*digits))


def test_rows_are_drawn_from_blocks_by_their_size_however_many_there_are():
    for size in (10, 10**10):  # NumPy's own draw ends at 1e9
        sizes = np.array([2 * size, 0, size])
        n_rows = sizes.sum() if size == 10 else 3000
        drawn = draw(np.random.default_rng(0), sizes, n_rows)
        assert drawn.sum() == n_rows
        assert drawn[1] == 0
        assert drawn[0] / n_rows == pytest.approx(2 / 3, abs=0.05)


class Refused(SimpleNamespace):
    """What is given where something is refused: rows X, y, collections dX, dy, a classifier."""

    def fit(self, *data, **options):
        """Fit the classifier with other parameters, to the collections unless others are given."""
        names = [name for name in options if name not in ("X_val", "y_val")]
        clf = clone(self.clf).set_params(**{name: options.pop(name) for name in names})
        return clf.fit(*(data or (self.dX, self.dy)), **options)


def kinds_that_differ(dy):
    return dy.map_blocks(lambda y, block_id: y.astype("U1" if block_id[0] else int), dtype=int)


REFUSALS = {
    "early stopping without validation rows": (
        lambda r: r.fit(early_stopping=True),
        ValueError,
        "Early stopping and the plateau schedule need `X_val` and `y_val`",
    ),
    "X_val without y_val": (
        lambda r: r.fit(X_val=r.X),
        ValueError,
        "must come as both `X_val` and `y_val`; `y_val` is missing",
    ),
    "validation rows on the cluster": (
        lambda r: r.fit(X_val=r.dX, y_val=r.dy),
        TypeError,
        "`X_val` must be in memory; got a Dask Array",
    ),
    "another sync": (
        lambda r: r.fit(sync="sum"),
        ValueError,
        r"`sync` must be 'gradient' or 'average'; got 'sum'",
    ),
    "rows in memory": (
        lambda r: r.fit(r.X, r.y),
        TypeError,
        r"`X` must be a Dask array.*got ndarray",
    ),
    "labels in memory": (
        lambda r: r.fit(r.dX, r.y),
        TypeError,
        r"`y` must be .*got ndarray. Make one with da.from_array",
    ),
    "too few labels": (
        lambda r: r.fit(r.dX, r.dy[:-1]),
        ValueError,
        "`y` must have as many rows as X, 300; got 299",
    ),
    "other blocks of labels": (
        lambda r: r.fit(r.dX[r.dy >= 0], r.dy.rechunk(-1)),
        ValueError,
        r"`y` must have as many blocks as X, 5; got 1.*df\.persist\(\)",
    ),
    "too few labels in a block of unknown size": (
        lambda r: r.fit(r.dX[r.dy >= 0], r.dy[r.dy > 0]),
        ValueError,
        r"inconsistent numbers of samples",
    ),
    "a batch size that is no number": (
        lambda r: r.fit(batch_size="all"),
        ValueError,
        r"`batch_size` must be an integer.*or 'auto'; got 'all'",
    ),
    "an address as the client": (
        lambda r: r.fit(client="127.0.0.1:8786"),
        TypeError,
        r"`client` must be a dask.distributed.Client that is",
    ),
    "any object as the client": (
        lambda r: r.fit(client=object()),
        TypeError,
        r"`client` must be a dask.distributed.Client that is",
    ),
    "numbers and strings as labels": (
        lambda r: r.fit(r.dX, kinds_that_differ(r.dy)),
        ValueError,
        r"All blocks must have the same .* kind of labels",
    ),
    "validation rows without weight": (
        lambda r: r.fit(
            class_weight=dict.fromkeys(range(5), 0.0),
            X_val=r.X[r.y < 5] / 2,
            y_val=r.y[r.y < 5],
        ),
        ValueError,
        "weights of all validation rows are zero",
    ),
    "sparse rows to distort": (
        lambda r: r.fit(r.dX.map_blocks(csr_array), r.dy, augment=ImageAugmenter(rotation=5)),
        TypeError,
        "`augment` distorts dense rows only",
    ),
    "NaN": (lambda r: r.fit(da.where(r.dX > 0.9, np.nan, r.dX), r.dy), ValueError, r"NaN"),
    "rows without weight": (
        lambda r: r.fit(r.dX, r.dy, da.zeros(len(r.y), chunks=r.dy.chunks)),
        ValueError,
        r"weights of all training rows are zero",
    ),
    "no rows": (lambda r: r.fit(r.dX[r.dy > 10], r.dy[r.dy > 10]), ValueError, r"empty"),
}


@pytest.fixture
def refused(client, digits):
    dX, dy = in_blocks(*digits)
    clf = DaskMLPSigmoidClassifier((8,), max_iter=1, random_state=0)
    return Refused(X=digits[0], y=digits[1], dX=dX, dy=dy, clf=clf)


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_names_what_is_wrong(what, refused):
    fit, error, message = REFUSALS[what]
    with pytest.raises(error, match=message):
        fit(refused)


def test_what_was_refused_leaves_the_cluster_fit_to_train(refused):
    assert refused.fit().n_iter_ == 1


def test_large_rows_are_noticed(refused):
    with pytest.warns(UserWarning, match=r"root mean square of X"):
        refused.fit(1000 * refused.dX, refused.dy)
