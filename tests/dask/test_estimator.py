"""The classifier for Dask: predictions, copies, searches, callbacks and checkpoints."""

import pickle

import dask.array as da
import joblib
import numpy as np
import pytest
from helpers import BOOK
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from two_workers import CHUNKS, assert_same_weights, in_blocks

from sknielsen import MLPSigmoidClassifier
from sknielsen.dask import DaskMLPSigmoidClassifier


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
    settings = dict(BOOK, hidden_layer_sizes=(8,), sync=sync, momentum=0.5, random_state=0)
    whole = DaskMLPSigmoidClassifier(max_iter=5, **settings).fit(*data)
    path = tmp_path / "checkpoint.npz"
    part = DaskMLPSigmoidClassifier(max_iter=2, **settings).set_callbacks(Checkpoint(path))
    part.fit(*data)
    resumed = DaskMLPSigmoidClassifier(max_iter=5, client=client, **settings)
    assert_same_weights(resume(resumed, path, *data), whole, atol=0)
    with pytest.raises(ValueError, match="other data: `X`, `y`, `sample_weight` must be what"):
        resume(resumed, path, *in_blocks(X, y, np.linspace(0, 1, len(y)), chunks=(150, 150)))


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


def test_verbose_prints_epochs_and_findings(client, digits, capsys):
    clf = DaskMLPSigmoidClassifier((8,), max_iter=6, eta=1e-5, verbose=1, random_state=0)
    clf.fit(*in_blocks(*digits))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:8]] == [str(epoch) for epoch in range(1, 7)]
    assert lines[8] == "Ended after epoch 6: all 6 epochs are trained."
    assert any("eta" in line for line in lines[9:])
