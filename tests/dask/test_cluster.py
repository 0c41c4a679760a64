"""Memory, workers that die, and clusters that are not there."""

import os
import signal
import sys
import time

import dask.array as da
import numpy as np
import pytest
from helpers import BOOK
from sklearn.base import clone
from two_workers import (
    MEMORY_LIMIT,
    PATIENCE,
    assert_same_weights,
    in_blocks,
    one_is_killed,
    parameters_of,
)

from sknielsen.dask import DaskMLPSigmoidClassifier
from sknielsen.schedules import Constant


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
        deadline = time.monotonic() + PATIENCE
        while client.futures and time.monotonic() < deadline:  # released by another thread
            time.sleep(0.01)
        assert client.futures == {}


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

    def __call__(self, epoch, history, eta, max_iter):
        if epoch == 2 and self.killed is None:
            pids = self.client.run(os.getpid)
            self.killed = min(pids.values())
            os.kill(self.killed, signal.SIGKILL)
        return eta


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_a_worker_killed_between_epochs_changes_nothing(client, digits, sync):
    dX, dy = in_blocks(*digits)
    settings = dict(BOOK, hidden_layer_sizes=(8,), sync=sync, max_iter=5, random_state=0)
    undisturbed = DaskMLPSigmoidClassifier(**settings).fit(dX, dy)
    schedule = KillsAWorker()
    schedule.client = client
    disturbed = DaskMLPSigmoidClassifier(**(settings | {"eta_schedule": schedule}))
    with one_is_killed(client):
        disturbed.fit(dX, dy)
    assert schedule.killed is not None
    assert_same_weights(disturbed, undisturbed, atol=0)
    assert len(disturbed.history_["epoch"]) == 5


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
    with one_is_killed(client):
        clf.fit(dX, dy)
    assert_same_weights(clf, undisturbed, atol=0)
    assert not path.exists()


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
