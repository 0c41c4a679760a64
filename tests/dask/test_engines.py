"""Dask: training, prediction and searches on a real cluster of two worker processes."""

import os
import pickle
import signal
import sys
import time

import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler

from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen.dask import DaskMLPSigmoidClassifier
from sknielsen.dask._inputs import draw
from sknielsen.schedules import Constant

MEMORY_LIMIT = 550 * 10**6  # of which a worker takes 230 MB before it holds any data


@pytest.fixture(scope="module")
def client():
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            memory_limit=MEMORY_LIMIT,
            host="127.0.0.1",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def all_digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


CHUNKS = (100, 7, 1, 120, 72)


def in_blocks(*arrays, chunks=CHUNKS):
    """Put arrays on the cluster, in blocks of unequal size."""
    return [
        da.from_array(array, chunks=(chunks, *array.shape[1:]), name=False) for array in arrays
    ]


def parameters_of(model):
    return model.coefs_ + model.intercepts_


def assert_same_weights(one, other, atol=1e-10):
    for a, b in zip(parameters_of(one), parameters_of(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.fixture(scope="module")
def distributed_and_plain():
    """Make two classifiers that ought to learn the same."""

    def make(**parameters):
        defaults = dict(hidden_layer_sizes=(8, 6), max_iter=4, random_state=0, eta=2.0)
        parameters = defaults | parameters
        return DaskMLPSigmoidClassifier(**parameters), MLPSigmoidClassifier(
            **{"batch_size": None} | parameters
        )

    return make


# --- gradient: equal to one machine --------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        dict(momentum=0.9, lmbda=3.0),
        dict(cost="log_likelihood", penalty="l1", lmbda=1.0, eta_schedule=[(2, 1.0), (2, 0.1)]),
        dict(cost="quadratic", class_weight="balanced", hidden_layer_sizes=()),
    ],
)
def test_full_batch_training_equals_that_of_one_machine(
    client, digits, distributed_and_plain, parameters
):
    X, y = digits
    clf, plain = distributed_and_plain(**parameters)
    clf.fit(*in_blocks(X, y))
    plain.fit(X, y)
    assert_same_weights(clf, plain)
    for column in ("eta", "train_cost", "train_accuracy", "penalty"):
        np.testing.assert_allclose(clf.history_[column], plain.history_[column], rtol=1e-10)


def test_float32_rows_train_a_float32_network(client, digits, distributed_and_plain):
    X, y = digits[0].astype(np.float32), digits[1]
    clf, plain = distributed_and_plain()
    assert_same_weights(clf.fit(*in_blocks(X, y)), plain.fit(X, y), atol=1e-5)
    assert clf.coefs_[0].dtype == np.float32


def test_sample_weights_count_as_on_one_machine(client, digits, distributed_and_plain):
    X, y = digits
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    weight[100:107] = 0  # a block without weight
    clf, plain = distributed_and_plain(max_iter=3)
    clf.fit(*in_blocks(X, y, weight))
    assert_same_weights(clf, plain.fit(X, y, weight))
    np.testing.assert_allclose(clf.history_["train_cost"], plain.history_["train_cost"])
    assert clf.score(*in_blocks(X, y, weight)) == pytest.approx(plain.score(X, y, weight))


def test_string_labels_and_two_classes(client, binary, distributed_and_plain):
    X, y = binary[0], np.array(["no", "yes"])[binary[1]]
    clf, plain = distributed_and_plain(max_iter=3)
    dX, dy = in_blocks(X, y, chunks=(20, len(y) - 20))
    assert_same_weights(clf.fit(dX, dy), plain.fit(X, y))
    assert clf.predict(dX).compute().tolist() == plain.predict(X).tolist()
    assert clf.predict(dX).dtype == plain.predict(X).dtype


def test_multilabel_targets(client, multilabel, distributed_and_plain):
    X, Y = multilabel
    clf, plain = distributed_and_plain(max_iter=3)
    dX, dY = in_blocks(X, Y, chunks=(50, 70))
    assert_same_weights(clf.fit(dX, dY.rechunk({1: 2})), plain.fit(X, Y))
    np.testing.assert_array_equal(clf.predict(dX).compute(), plain.predict(X))
    assert clf.score(dX, dY) == plain.score(X, Y)


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


def test_sparse_blocks(client, digits, distributed_and_plain):
    X, y = digits
    clf, plain = distributed_and_plain(max_iter=2)
    dX, dy = in_blocks(X, y)
    sparse = dX.map_blocks(csr_array)
    assert_same_weights(clf.fit(sparse, dy), plain.fit(X, y))
    np.testing.assert_array_equal(clf.predict(sparse).compute(), plain.predict(X))


def test_blocks_of_a_stream_share_n_total(client, digits, distributed_and_plain):
    X, y = digits
    clf, plain = distributed_and_plain(n_total=300, lmbda=5.0)
    for rows in (slice(0, 200), slice(200, 300)):
        chunks = (90, 110) if rows.start == 0 else (100,)
        clf.partial_fit(*in_blocks(X[rows], y[rows], chunks=chunks), classes=range(10))
        plain.set_params(batch_size=None).partial_fit(X[rows], y[rows], classes=range(10))
    assert_same_weights(clf, plain)


@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_a_block_of_a_stream_without_weight_only_shrinks_the_weights(client, digits, sync):
    X, y = digits
    settings = dict(hidden_layer_sizes=(8,), n_total=300, lmbda=60.0, random_state=0)
    clf = DaskMLPSigmoidClassifier(sync=sync, batch_size=None, **settings)
    plain = MLPSigmoidClassifier(batch_size=None, **settings).partial_fit(X, y, range(10))
    clf.partial_fit(*in_blocks(X, y, chunks=(300,)), classes=range(10))
    before = plain.coefs_[0].copy()
    plain.partial_fit(X, y, sample_weight=np.zeros(len(y)))
    clf.partial_fit(*in_blocks(X, y, chunks=(300,)), None, da.zeros(len(y), chunks=300))
    np.testing.assert_allclose(plain.coefs_[0], 0.9 * before)
    assert_same_weights(clf, plain)
    with pytest.raises(ValueError, match=r"weights of all training rows are zero\.$"):
        plain.fit(X, y, np.zeros(len(y)))


def test_mini_batches_over_all_blocks_use_each_row_once(client, digits):
    """With eta so small that weights hardly move, the steps of an epoch add up to one."""
    X, y = digits
    settings = dict(hidden_layer_sizes=(), max_iter=1, random_state=0)
    for shuffle in (False, True):
        clf = DaskMLPSigmoidClassifier(eta=1e-6, batch_size=75, shuffle=shuffle, **settings)
        clf.fit(*in_blocks(X, y))
        plain = MLPSigmoidClassifier(eta=4e-6, batch_size=None, **settings).fit(X, y)
        assert_same_weights(clf, plain, atol=1e-10)


def test_mini_batches_in_the_given_order_equal_those_of_one_machine(
    client, digits, distributed_and_plain
):
    clf, plain = distributed_and_plain(batch_size=110, shuffle=False, max_iter=2)
    assert_same_weights(clf.fit(*in_blocks(*digits)), plain.fit(*digits))


def test_partial_fit_and_warm_starts_continue_fit(client, digits, distributed_and_plain):
    X, y = digits
    dX, dy = in_blocks(X, y)
    whole, _ = distributed_and_plain(max_iter=2, dropout=0.3, momentum=0.5)
    whole.fit(dX, dy)
    pieces = clone(whole)
    pieces.partial_fit(dX, dy, classes=range(10)).partial_fit(dX, dy)
    warm = clone(whole).set_params(max_iter=1, warm_start=True).fit(dX, dy).fit(dX, dy)
    assert_same_weights(pieces, whole, atol=0)
    assert_same_weights(warm, whole, atol=0)
    local = whole.to_local().set_params(batch_size=None, dropout=0.0)
    distributed = whole.set_params(dropout=0.0).partial_fit(dX, dy)
    assert_same_weights(local.partial_fit(X, y), distributed)


# --- average -------------------------------------------------------------------------------------


def test_averaging_reaches_97_percent_on_digits(client, all_digits):
    X, X_test, y, y_test = train_test_split(*all_digits, test_size=397, random_state=0)
    dX, dy = in_blocks(X, y, chunks=(500, 450, 450))
    clf = DaskMLPSigmoidClassifier(sync="average", max_iter=30, eta=2.0, random_state=0)
    clf.fit(dX, dy)
    assert clf.score(*in_blocks(X_test, y_test, chunks=(200, 197))) >= 0.97


def test_average_of_one_block_is_plain_training(client, digits):
    X, y = digits
    settings = dict(hidden_layer_sizes=(8,), max_iter=2, random_state=0, shuffle=False)
    settings |= dict(momentum=0.5, lmbda=2.0)
    clf = DaskMLPSigmoidClassifier(sync="average", **settings).fit(*in_blocks(X, y, chunks=(300,)))
    assert_same_weights(clf, MLPSigmoidClassifier(batch_size=10, **settings).fit(X, y))


def test_average_is_weighted_by_the_blocks_rows(client, digits):
    X, y = digits
    settings = dict(hidden_layer_sizes=(), max_iter=1, random_state=0, shuffle=False)
    clf = DaskMLPSigmoidClassifier(sync="average", **settings)
    clf.fit(*in_blocks(X, y, chunks=(200, 100)))
    first, second = (
        MLPSigmoidClassifier(batch_size=10, **settings).partial_fit(X[s], y[s], range(10))
        for s in (slice(0, 200), slice(200, 300))
    )
    expected = (2 * first.coefs_[0] + second.coefs_[0]) / 3
    np.testing.assert_allclose(clf.coefs_[0], expected, atol=1e-12)


def test_averaging_warns_of_blocks_sorted_by_label(client, digits):
    X, y = digits
    order = np.argsort(y, kind="stable")
    clf = DaskMLPSigmoidClassifier((8,), sync="average", max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match=r"sorted by label.*Shuffle.*sync='gradient'"):
        clf.fit(*in_blocks(X[order], y[order], chunks=(60,) * 5))


# --- both ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_augmentation_on_the_workers_depends_on_the_seed_alone(client, digits, sync):
    dX, dy = in_blocks(*digits)
    augment = ImageAugmenter(image_shape=(8, 8), elastic=1.0)
    clf = DaskMLPSigmoidClassifier((8,), sync=sync, max_iter=2, augment=augment, random_state=0)
    once, twice = clone(clf).fit(dX, dy), clone(clf).fit(dX, dy)
    assert_same_weights(once, twice, atol=0)
    without = clone(clf).set_params(augment=None).fit(dX, dy)
    assert not np.allclose(without.coefs_[0], once.coefs_[0])


def test_scaling_on_the_workers(client, digits):
    X, y = digits
    X = X[:, X.std(axis=0) > 0] + 3.0
    dX, dy = in_blocks(X, y)
    settings = dict(hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    scaler = StandardScaler().fit(X)
    plain = MLPSigmoidClassifier(batch_size=None, **settings).fit(scaler.transform(X), y)

    mean, std = dX.mean(axis=0), dX.std(axis=0)
    by_statistics = (dX - mean) / std
    by_scaler = dX.map_blocks(scaler.transform, dtype=dX.dtype)
    for scaled in (by_statistics, by_scaler):
        clf = DaskMLPSigmoidClassifier(**settings).fit(scaled, dy)
        assert_same_weights(clf, plain, atol=1e-8)


def test_early_stopping_on_validation_rows_in_memory(client, all_digits, distributed_and_plain):
    X, y = all_digits
    clf, plain = distributed_and_plain(
        early_stopping=True, n_iter_no_change=2, max_iter=15, scoring="f1_macro", eta=0.3
    )
    validation = dict(X_val=X[300:500], y_val=y[300:500])
    clf.fit(*in_blocks(X[:300], y[:300]), **validation)
    plain.fit(X[:300], y[:300], **validation)
    assert clf.n_iter_ == plain.n_iter_
    assert clf.best_epoch_ == plain.best_epoch_
    assert_same_weights(clf, plain)
    np.testing.assert_allclose(
        clf.history_["validation_score"], plain.history_["validation_score"]
    )


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


def test_clone_pickle_and_to_local(client, digits):
    X, y = digits
    clf = DaskMLPSigmoidClassifier((8,), client=client, max_iter=2, random_state=0)
    assert clone(clf).client is client
    assert set(clf.get_params()) == {*MLPSigmoidClassifier().get_params(), "client", "sync"}
    clf.fit(*in_blocks(X, y))
    copied = pickle.loads(pickle.dumps(clf))
    assert copied.client is None
    assert_same_weights(copied, clf, atol=0)
    local = clf.to_local()
    assert type(local) is MLPSigmoidClassifier
    assert (
        local.get_params()
        == MLPSigmoidClassifier((8,), max_iter=2, random_state=0, batch_size=None).get_params()
    )
    np.testing.assert_array_equal(local.predict(X), clf.predict(X))
    assert local.history_ == clf.history_ or np.isnan(local.history_["saturation"]).all()
    assert not np.shares_memory(local.coefs_[0], clf.coefs_[0])


def test_predictions_are_lazy_and_equal_local_ones(client, digits):
    X, y = digits
    dX, dy = in_blocks(X, y)
    clf = DaskMLPSigmoidClassifier((8,), max_iter=2, random_state=0).fit(dX, dy)
    local = clf.to_local()
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        lazy = getattr(clf, method)(dX)
        assert isinstance(lazy, da.Array)
        assert lazy.chunks[0] == CHUNKS
        np.testing.assert_allclose(lazy.compute(), getattr(local, method)(X))
    mapped = dX.map_blocks(local.predict_proba, dtype=float, chunks=(dX.chunks[0], (10,)))
    np.testing.assert_allclose(mapped.compute(), local.predict_proba(X))


def test_searches_run_by_joblibs_dask_backend(client, digits):
    X, y = digits
    clf = MLPSigmoidClassifier((8,), max_iter=2, random_state=0)
    search = GridSearchCV(clf, {"eta": [0.1, 1.0]}, cv=2, n_jobs=2)
    with joblib.parallel_backend("dask"):
        search.fit(X, y)
    serial = GridSearchCV(clf, {"eta": [0.1, 1.0]}, cv=2).fit(X, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"]
    )


# --- validation data, monitoring, callbacks ------------------------------------------------------


@pytest.mark.parametrize("sort", [False, True])
def test_validation_rows_that_repeat_training_rows_or_are_scaled_otherwise_are_noticed(
    client, all_digits, sort
):
    X, y = all_digits
    order = np.argsort(y[:1400], kind="stable") if sort else np.arange(1400)
    train, validation = (X[:1400][order], y[:1400][order]), (X[1400:], y[1400:])
    dX, dy = in_blocks(*train, chunks=(35,) * 40)
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


@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic"])
def test_monitored_figures_are_those_of_one_machine(client, digits, distributed_and_plain, cost):
    X, y = digits
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    clf, plain = distributed_and_plain(class_weight="balanced", weight_init="large", cost=cost)
    clf.fit(*in_blocks(X, y, weight))
    plain.fit(X, y, weight)
    assert plain.history_["saturation"][0] > 0
    for column in ("train_cost", "train_accuracy", "saturation"):
        np.testing.assert_allclose(clf.history_[column], plain.history_[column], rtol=1e-10)


def test_rows_are_drawn_from_blocks_by_their_size_however_many_there_are():
    for size in (10, 10**10):  # NumPy's own draw ends at 1e9
        sizes = np.array([2 * size, 0, size])
        n_rows = sizes.sum() if size == 10 else 3000
        drawn = draw(np.random.default_rng(0), sizes, n_rows)
        assert drawn.sum() == n_rows
        assert drawn[1] == 0
        assert drawn[0] / n_rows == pytest.approx(2 / 3, abs=0.05)


def test_callbacks_see_the_epochs(client, digits):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    from sklearn.callback import ScoringMonitor

    from sknielsen.callbacks import EarlyStopping, ValidationMonitor

    X, y = digits
    monitors = ScoringMonitor(scoring="accuracy"), ValidationMonitor()
    clf = DaskMLPSigmoidClassifier((8,), max_iter=9, eta=2.0, random_state=0)
    clf.set_callbacks(*monitors, EarlyStopping(time_limit=1e-9))
    clf.fit(*in_blocks(X[:200], y[:200], chunks=(90, 110)), X_val=X[200:], y_val=y[200:])
    assert clf.n_iter_ == 1
    for monitor, data in zip(monitors, ("train", "validation")):
        _, epoch = monitor.get_logs().data
        assert epoch["accuracy"] == pytest.approx(clf.history_[f"{data}_accuracy"][0])


@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_training_resumes_from_a_checkpoint(client, digits, sync, tmp_path):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    from sknielsen.callbacks import Checkpoint, resume

    X, y = digits
    data = in_blocks(X, y, np.linspace(0, 1, len(y)))
    settings = dict(hidden_layer_sizes=(8,), sync=sync, momentum=0.5, random_state=0)
    whole = DaskMLPSigmoidClassifier(max_iter=5, **settings).fit(*data)
    path = tmp_path / "checkpoint.npz"
    part = DaskMLPSigmoidClassifier(max_iter=2, **settings).set_callbacks(Checkpoint(path))
    part.fit(*data)
    resumed = DaskMLPSigmoidClassifier(max_iter=5, client=client, **settings)
    assert_same_weights(resume(resumed, path, *data), whole, atol=0)
    with pytest.raises(ValueError, match="other data: `X`, `y`, `sample_weight` must be what"):
        resume(resumed, path, *in_blocks(X, y, np.linspace(0, 1, len(y)), chunks=(150, 150)))


def test_the_workers_forget_the_blocks_also_after_an_error(client, digits):
    dX, dy = in_blocks(*digits)
    clf = DaskMLPSigmoidClassifier((8,), max_iter=1, random_state=0)
    errors = []  # as a notebook keeps the last one
    for fail in ("nothing", "a task", "the driver"):
        if fail == "nothing":
            clf.fit(dX, dy).score(dX, dy)
        else:
            rows = da.where(dX > 0.9, np.nan, dX) if fail == "a task" else dX
            settings = {} if fail == "a task" else {"lmbda": 1e6}
            with pytest.raises(ValueError, match=r"NaN|eta \* lmbda") as error:
                clone(clf).set_params(**settings).fit(rows, dy)
            errors.append(error)
        deadline = time.monotonic() + 10
        while client.futures and time.monotonic() < deadline:  # released by another thread
            time.sleep(0.01)
        assert client.futures == {}


# --- memory and dying workers --------------------------------------------------------------------


def peak_memory():
    """Return the largest memory that this process has held, in bytes."""
    resource = pytest.importorskip("resource", reason="Unix only")
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_trains_on_more_than_a_worker_holds_without_gathering_it(client):
    n_rows, chunk = 2_400_000, 50_000
    dX = da.random.default_rng(0).random((n_rows, 64), dtype=np.float32, chunks=(chunk, 64))
    dy = (dX[:, 0] > 0.5).astype(np.int8)
    X = np.random.default_rng(1).random((1000, 64), dtype=np.float32)
    y = (X[:, 0] > 0.5).astype(np.int8)
    assert dX.nbytes > 1.1 * MEMORY_LIMIT
    workers = client.run(os.getpid)
    before = peak_memory()
    clf = DaskMLPSigmoidClassifier((), max_iter=2, eta=0.1, random_state=0, monitor_samples=0)
    clf.fit(dX, dy, X_val=X, y_val=y)
    assert peak_memory() - before < 50 * 10**6
    assert clf.history_["validation_cost"][1] < clf.history_["validation_cost"][0]
    assert client.run(os.getpid) == workers  # none was restarted for want of memory


class KillsAWorker(Constant):
    """A schedule that kills a worker process before the third epoch."""

    killed = None

    def __call__(self, epoch, history, eta):
        if epoch == 2 and self.killed is None:
            pids = self.client.run(os.getpid)
            self.killed = min(pids.values())
            os.kill(self.killed, signal.SIGKILL)
        return eta


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_a_worker_killed_between_epochs_changes_nothing(client, digits, sync):
    dX, dy = in_blocks(*digits)
    settings = dict(hidden_layer_sizes=(8,), sync=sync, max_iter=5, random_state=0)
    undisturbed = DaskMLPSigmoidClassifier(**settings).fit(dX, dy)
    schedule = KillsAWorker()
    schedule.client = client
    disturbed = DaskMLPSigmoidClassifier(eta_schedule=schedule, **settings).fit(dX, dy)
    assert schedule.killed is not None
    assert_same_weights(disturbed, undisturbed, atol=0)
    assert len(disturbed.history_["epoch"]) == 5
    client.wait_for_workers(2, timeout=300)


class KillsItsWorker:
    """Distorts nothing; kills the process it runs in once while a file exists."""

    def __init__(self, path):
        self.path = path

    def distort(self, X, rng):
        try:
            self.path.unlink()  # of two tasks one succeeds
        except FileNotFoundError:
            return X
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("parameters", [{}, {"batch_size": 100}, {"sync": "average"}])
def test_a_worker_killed_in_the_middle_of_a_task_changes_nothing(
    client, digits, parameters, tmp_path
):
    dX, dy = in_blocks(*digits)
    path = tmp_path / "kill"
    settings = dict(hidden_layer_sizes=(8,), max_iter=3, random_state=0) | parameters
    clf = DaskMLPSigmoidClassifier(augment=KillsItsWorker(path), **settings)
    undisturbed = clone(clf).fit(dX, dy)
    path.touch()
    assert_same_weights(clf.fit(dX, dy), undisturbed, atol=0)
    assert not path.exists()
    client.wait_for_workers(2, timeout=300)


# --- refusals ------------------------------------------------------------------------------------


def test_the_plain_classifier_refuses_dask_collections(digits):
    X, y = digits
    dX, dy = in_blocks(X, y)
    plain = MLPSigmoidClassifier((8,), max_iter=1, random_state=0)
    refused = pytest.raises(TypeError, match=r"sknielsen\.dask\.DaskMLPSigmoidClassifier")
    with refused:
        plain.fit(dX, dy)
    with refused:
        plain.fit(X, dy)
    with refused:
        plain.fit(X, y, da.ones(len(y)))
    with refused:
        plain.partial_fit(dX, dy, classes=range(10))
    plain.fit(X, y)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        with refused:
            getattr(plain, method)(dX)
    with refused:
        plain.score(dX, dy)


def test_refusals_name_what_is_wrong(client, digits):
    X, y = digits
    dX, dy = in_blocks(X, y)
    clf = DaskMLPSigmoidClassifier((8,), max_iter=1, random_state=0)
    with pytest.raises(
        ValueError, match="Early stopping and the plateau schedule need `X_val` and `y_val`"
    ):
        clone(clf).set_params(early_stopping=True).fit(dX, dy)
    with pytest.raises(
        ValueError, match="must come as both `X_val` and `y_val`; `y_val` is missing"
    ):
        clf.fit(dX, dy, X_val=X)
    with pytest.raises(TypeError, match="`X_val` must be in memory; got a Dask Array"):
        clf.fit(dX, dy, X_val=dX, y_val=dy)
    with pytest.raises(ValueError, match=r"`sync` must be 'gradient' or 'average'; got 'sum'"):
        clone(clf).set_params(sync="sum").fit(dX, dy)
    with pytest.raises(TypeError, match=r"`X` must be a Dask array.*got ndarray"):
        clf.fit(X, y)
    with pytest.raises(TypeError, match=r"`y` must be .*got ndarray. Make one with da.from_array"):
        clf.fit(dX, y)
    with pytest.raises(ValueError, match="`y` must have as many rows as X, 300; got 299"):
        clf.fit(dX, dy[:-1])
    with pytest.raises(ValueError, match=r"`y` must have as many blocks as X, 5; got 1"):
        clf.fit(dX[dy >= 0], dy.rechunk(-1))
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples"):
        clf.fit(dX[dy >= 0], dy[dy > 0])
    with pytest.raises(ValueError, match=r"`batch_size` must be an integer.*or 'auto'; got 'all'"):
        clone(clf).set_params(batch_size="all").fit(dX, dy)
    for other in ("127.0.0.1:8786", object()):
        with pytest.raises(TypeError, match=r"`client` must be a dask.distributed.Client that is"):
            clone(clf).set_params(client=other).fit(dX, dy)
    kinds = dy.map_blocks(lambda y, block_id: y.astype("U1" if block_id[0] else int), dtype=int)
    with pytest.raises(ValueError, match=r"All blocks must have the same .* kind of labels"):
        clf.fit(dX, kinds)
    rare = dict.fromkeys(range(5), 0.0)
    with pytest.raises(ValueError, match="weights of all validation rows are zero"):
        clone(clf).set_params(class_weight=rare).fit(dX, dy, X_val=X[y < 5] / 2, y_val=y[y < 5])
    augment = ImageAugmenter(rotation=5)
    with pytest.raises(TypeError, match="`augment` distorts dense rows only"):
        clone(clf).set_params(augment=augment).fit(dX.map_blocks(csr_array), dy)
    with pytest.raises(ValueError, match=r"NaN"):
        clf.fit(da.where(dX > 0.9, np.nan, dX), dy)
    with pytest.raises(ValueError, match=r"weights of all training rows are zero"):
        clf.fit(dX, dy, da.zeros(len(y), chunks=dy.chunks))
    with pytest.raises(ValueError, match=r"empty"):
        clf.fit(dX[dy > 10], dy[dy > 10])
    with pytest.warns(UserWarning, match=r"root mean square of X"):
        clf.fit(1000 * dX, dy)
    assert clf.fit(dX, dy).n_iter_ == 1


def test_small_mini_batches_over_all_blocks_warn(client):
    X = da.zeros((1001, 2), chunks=(1001, 2))
    y = da.arange(1001, chunks=1001) % 2
    clf = DaskMLPSigmoidClassifier((), batch_size=1, max_iter=1, random_state=0)

    class Ends:
        def __call__(self, epoch, history, eta):
            raise RuntimeError("far enough")

    clf.set_params(eta_schedule=Ends())
    with (
        pytest.warns(UserWarning, match=r"1001 rounds between the workers"),
        pytest.raises(RuntimeError, match="far enough"),
    ):
        clf.fit(X, y)


def test_without_dask_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    clf = DaskMLPSigmoidClassifier()
    with pytest.raises(ImportError, match=r"sknielsen\[dask\]"):
        clf.fit(np.zeros((2, 2)), [0, 1])


def test_without_a_client_the_message_asks_for_one(digits, monkeypatch):
    import dask.distributed

    def none_active():
        raise ValueError("No clients found")

    monkeypatch.setattr(dask.distributed, "default_client", none_active)
    with pytest.raises(ValueError, match=r"`client` must be a dask.distributed.Client"):
        DaskMLPSigmoidClassifier().fit(*in_blocks(*digits))


def test_networks_of_more_than_ten_megabytes_train_without_a_warning(client, digits):
    X, y = digits[0][:40], digits[1][:40]
    clf = DaskMLPSigmoidClassifier((25_000,), max_iter=1, random_state=0)
    clf.fit(*in_blocks(X, y, chunks=(20, 20)))
    assert sum(p.nbytes for p in parameters_of(clf)) > 10**7


def test_verbose_prints_epochs_and_findings(client, digits, capsys):
    clf = DaskMLPSigmoidClassifier((8,), max_iter=6, eta=1e-5, verbose=1, random_state=0)
    clf.fit(*in_blocks(*digits))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:6]] == [["epoch", str(i)] for i in range(1, 7)]
    assert any("eta" in line for line in lines[6:])
