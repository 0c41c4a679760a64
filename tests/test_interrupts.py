"""Ctrl-C at any stage, full disks, folders that vanish and workers that are killed.

Whatever comes, a call ends with what it promises, and the estimator, the number of BLAS threads,
the threads running and the files are as they were before.
"""

import contextlib
import errno
import functools
import io
import os
import shutil
import signal
import threading
import warnings
from multiprocessing import get_context
from multiprocessing.sharedctypes import RawArray
from time import monotonic

import numpy as np
import pytest
from helpers import assert_same_model, history_of
from joblib import parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from processes import NIGHTLY, PATIENCE, blas_counts, blas_libraries, snapshot
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from stages import CALLBACK_STAGES, STAGES, DisturbedCallback, disturbed, network

pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(os.name != "posix", reason="needs the signals and limits of POSIX"),
]
if os.name == "posix":
    import interrupted_calls
    from interrupted_calls import CLASSES, PressAtCall

N_POINTS = 30 if NIGHTLY else 1  # of each stage, call and state: about 60, or 2,000, in all
N_CALLS = 2000 if NIGHTLY else 200
N_SIGNALS = 20_000 if NIGHTLY else 3_000
PAUSE = 60_000  # rounds of an empty loop: about as long as a partial_fit and a predict_proba


@pytest.fixture(autouse=True)
def calm():
    """Let SIGINT mean Ctrl-C and force two BLAS threads; see that a test has changed neither."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with blas_libraries().limit(limits=2):
            before = blas_counts()
            yield
            assert blas_counts() == before
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


@pytest.fixture
def split(digits):
    """100 rows to train on, and 50 to validate on."""
    X, y = digits
    return (X[:100], y[:100]), {"X_val": X[100:150], "y_val": y[100:150]}


class CtrlC:
    """Press Ctrl-C at the n-th call after `arm`, and at all later ones if `again`."""

    def __init__(self):
        self.arm(None)

    def arm(self, at, again=False):
        self.at, self.again, self.n_calls = at, again, 0

    def __call__(self):
        self.n_calls += 1
        if self.at == self.n_calls or (self.again and self.n_calls > self.at):
            os.kill(os.getpid(), signal.SIGINT)


def needs_callbacks(stage):
    if stage in CALLBACK_STAGES:
        pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")


def interrupted(at, function, *arguments, module=""):
    """Press Ctrl-C at the n-th call inside a function; tell whether the function has so many."""
    press = PressAtCall(at, module)
    try:
        with press:
            function(*arguments)
    except KeyboardInterrupt:
        return True
    assert not press.pressed, f"Ctrl-C at call {at} is lost"
    return False


def train(clf, call, split):
    rows, validation = split
    if call == "partial_fit":
        return clf.partial_fit(*rows, CLASSES, **validation)
    return clf.fit(*rows, **validation)


# --- Ctrl-C in fit and partial_fit --------------------------------------------------------------


@pytest.mark.parametrize("fitted_before", [False, True])
@pytest.mark.parametrize("call", ["fit", "warm fit", "partial_fit"])
@pytest.mark.parametrize("stage", STAGES + CALLBACK_STAGES)
def test_ctrl_c_at_any_stage_raises_and_leaves_everything_as_before(
    stage, call, fitted_before, split
):
    needs_callbacks(stage)

    def prepared():
        ctrl_c = CtrlC()
        clf = disturbed(stage, ctrl_c, warm_start=call == "warm fit")
        if fitted_before:
            train(clf, call, split)
        ctrl_c.arm(None)
        return clf, ctrl_c

    whole, ctrl_c = prepared()
    train(whole, call, split)
    if ctrl_c.n_calls == 0:
        assert stage == "weight_init"
        assert fitted_before
        return
    counts, threads = blas_counts(), threading.enumerate()
    for at in np.random.default_rng(0).integers(1, ctrl_c.n_calls + 1, N_POINTS):
        clf, ctrl_c = prepared()
        ctrl_c.arm(at)
        before = snapshot(clf)
        with pytest.raises(KeyboardInterrupt):
            train(clf, call, split)
        assert threading.enumerate() == threads
        assert snapshot(clf) == before
        train(clf, call, split)
        assert blas_counts() == counts
        assert_same_model(clf, whole)


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True, "momentum": 0.5}])
@pytest.mark.parametrize("call", ["fit", "warm fit", "partial_fit"])
@pytest.mark.parametrize("fitted_before", [False, True])
def test_ctrl_c_at_any_call_inside_leaves_everything_as_before(
    fitted_before, call, parameters, split
):
    parameters = parameters | {"max_iter": 2, "warm_start": call == "warm fit"}

    def prepared():
        clf = network(random_state=np.random.RandomState(0), **parameters)
        return train(clf, call, split) if fitted_before else clf

    train(prepared(), call, split)  # what is imported at first is not counted
    whole = prepared()
    with PressAtCall() as calls:
        train(whole, call, split)
    counts, n_interrupted, n_points = blas_counts(), 0, N_CALLS // 12
    for at in np.random.default_rng(0).integers(1, calls.n_calls, n_points):
        clf = prepared()
        before = snapshot(clf)
        if interrupted(at, train, clf, call, split):
            n_interrupted += 1
            assert snapshot(clf) == before, at
            train(clf, call, split)
        assert blas_counts() == counts, at
        assert_same_model(clf, whole)
    assert n_interrupted > 0.9 * n_points


@pytest.mark.parametrize("fitted_before", [False, True])
def test_ctrl_c_where_a_training_begins_and_ends_leaves_an_estimator_that_can_be_trained(
    fitted_before, split
):
    def prepared():
        clf = network(max_iter=2, warm_start=True)
        return train(clf, "fit", split) if fitted_before else clf

    whole, clf, at = train(prepared(), "fit", split), prepared(), 1
    before = snapshot(clf)
    while interrupted(at, train, clf, "fit", split, module="_hooks"):
        assert snapshot(clf) == before, at
        assert_same_model(train(clf, "fit", split), whole)
        clf, at = prepared(), at + 1
        before = snapshot(clf)
    assert at > 20


def test_ctrl_c_at_any_call_inside_a_prediction_restores_the_blas_threads(split):
    X, y = split[0]
    clf = network().fit(X, y)
    expected = clf.predict_proba(X)
    with PressAtCall() as calls:
        clf.predict_proba(X)
    counts, n_interrupted, n_points = blas_counts(), 0, N_CALLS // 4
    for at in np.random.default_rng(0).integers(1, calls.n_calls, n_points):
        n_interrupted += interrupted(at, clf.predict_proba, X)
        np.testing.assert_array_equal(clf.predict_proba(X), expected)
        assert blas_counts() == counts, at
    assert n_interrupted > 0.9 * n_points


class PressingOutput(io.StringIO):
    """Standard output that presses Ctrl-C at the n-th piece of text."""

    def __init__(self):
        super().__init__()
        self.ctrl_c = CtrlC()

    def write(self, text):
        self.ctrl_c()
        return super().write(text)


def test_ctrl_c_while_fit_prints_leaves_everything_as_before(split):
    def fit(clf, at):
        with contextlib.redirect_stdout(PressingOutput()) as output:
            output.ctrl_c.arm(at)
            clf.set_params(verbose=1).fit(*split[0])
        return output

    whole = network(eta=1e-6)
    output = fit(whole, None)
    assert len(output.getvalue().splitlines()) > whole.n_iter_  # it prints findings, too
    for at in range(1, output.ctrl_c.n_calls + 1):
        clf = network(eta=1e-6, verbose=1)
        before = snapshot(clf)
        with pytest.raises(KeyboardInterrupt):
            fit(clf, at)
        assert snapshot(clf) == before, at


def test_a_random_state_is_as_before_when_ctrl_c_has_ended_a_fit(split):
    ctrl_c = CtrlC()
    random_state = np.random.RandomState(0)
    clf = disturbed("cost", ctrl_c, random_state=random_state)
    ctrl_c.arm(20)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*split[0])
    assert random_state.randint(2**31) == np.random.RandomState(0).randint(2**31)


# --- on_interrupt="keep" ------------------------------------------------------------------------

WITHIN_AN_EPOCH = ["cost", "penalty", "scorer", "distort"]
BETWEEN_EPOCHS = ["schedule", "begin epoch", "end epoch"]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("stage", WITHIN_AN_EPOCH + BETWEEN_EPOCHS)
def test_ctrl_c_keeps_the_model_of_the_epochs_finished_where_this_is_asked_for(
    stage, warm, early_stopping, split
):
    needs_callbacks(stage)
    rows, validation = split

    def fitted(max_iter, at=None):
        ctrl_c = CtrlC()
        clf = disturbed(stage, ctrl_c, on_interrupt="keep", early_stopping=early_stopping, eta=3)
        if stage == "cost":  # which the look for chance calls, too; its calls are not counted here
            clf.set_params(monitor_samples=0)
        if warm:
            clf.set_params(max_iter=2).fit(*rows, **validation)
        ctrl_c.arm(at)
        clf.set_params(max_iter=max_iter, warm_start=True)
        if at is None:
            clf.fit(*rows, **validation)
        else:
            with pytest.warns(UserWarning, match=r"interrupted after epoch \d+"):
                clf.fit(*rows, **validation)
        return clf, ctrl_c.n_calls

    _, n_calls_of_first = fitted(1)
    _, n_calls = fitted(4)
    n_calls_of_another = (n_calls - n_calls_of_first) // 3
    counts, threads = blas_counts(), threading.enumerate()
    for at in np.random.default_rng(0).integers(n_calls_of_first + 1, n_calls + 1, 4):
        clf, _ = fitted(4, at=at)
        assert threading.enumerate() == threads
        n_epochs = clf.n_iter_ - (2 if warm else 0)
        last = at if stage == "end epoch" else at - 1  # of the calls in epochs that are finished
        assert n_epochs == 1 + (last - n_calls_of_first) // n_calls_of_another
        whole, _ = fitted(n_epochs)
        np.testing.assert_array_equal(history_of(clf), history_of(whole))
        assert np.isfinite(clf.predict_proba(rows[0])).all()
        assert blas_counts() == counts
        if early_stopping or stage in BETWEEN_EPOCHS:
            assert_same_model(clf, whole)
            assert clf.epoch_ == whole.epoch_
            assert clf.best_epoch_ == whole.best_epoch_
            assert clf.best_score_ == whole.best_score_


@pytest.mark.parametrize("verbose", [0, 1])
def test_ctrl_c_after_the_last_epoch_keeps_the_model_where_this_is_asked_for(verbose, split):
    (X, y), _ = split

    def ready(on_interrupt):
        ctrl_c = CtrlC()
        clf = disturbed("cost", ctrl_c, max_iter=1, eta=1e-9, on_interrupt=on_interrupt)
        return ctrl_c, clf.set_params(verbose=verbose)

    ctrl_c, whole = ready("keep")
    ctrl_c.arm(None)
    whole.fit(X, y)
    last, n_measured = ctrl_c.n_calls, 1 + -(-len(X) // whole.batch_size)
    assert last > n_measured  # since after the epoch it is looked for chance
    ctrl_c, clf = ready("keep")
    ctrl_c.arm(last)
    with pytest.warns(UserWarning, match="interrupted after epoch 1; the model is fitted"):
        clf.fit(X, y)
    assert_same_model(clf, whole)
    ctrl_c, clf = ready("raise")
    ctrl_c.arm(last)
    before = snapshot(clf)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert snapshot(clf) == before


@pytest.mark.parametrize("fitted_before", [False, True])
@pytest.mark.parametrize("stage", ["schedule", "cost", "distort", "begin epoch"])
def test_ctrl_c_before_the_first_epoch_is_finished_raises_always(stage, fitted_before, split):
    needs_callbacks(stage)
    ctrl_c = CtrlC()
    clf = disturbed(stage, ctrl_c, on_interrupt="keep")
    if fitted_before:
        clf.fit(*split[0])
    ctrl_c.arm(1)
    before = snapshot(clf)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*split[0])
    assert snapshot(clf) == before


@pytest.mark.parametrize("stage", WITHIN_AN_EPOCH + BETWEEN_EPOCHS)
def test_ctrl_c_in_partial_fit_raises_always(stage, split):
    needs_callbacks(stage)
    ctrl_c = CtrlC()
    clf = train(disturbed(stage, ctrl_c, on_interrupt="keep"), "partial_fit", split)
    ctrl_c.arm(None)
    train(clf, "partial_fit", split)
    for at in {1, ctrl_c.n_calls}:  # the first and the last
        ctrl_c.arm(at)
        before = snapshot(clf)
        with pytest.raises(KeyboardInterrupt):
            train(clf, "partial_fit", split)
        assert snapshot(clf) == before


@pytest.mark.parametrize("fitted_before", [False, True])
def test_a_second_ctrl_c_raises(fitted_before, split):
    needs_callbacks("begin epoch")
    ctrl_c = CtrlC()
    clf = network(on_interrupt="keep")
    if fitted_before:
        clf.fit(*split[0])
    clf.set_callbacks(DisturbedCallback(["begin epoch", "end epoch", "end fit"], ctrl_c))
    ctrl_c.arm(3, again=True)
    before = snapshot(clf)
    with warnings.catch_warnings(), pytest.raises(KeyboardInterrupt):
        warnings.simplefilter("ignore", UserWarning)  # of the first one
        clf.fit(*split[0])
    assert snapshot(clf) == before


# --- signals from another process ---------------------------------------------------------------


class Child:
    """A fresh process that calls a function of `interrupted_calls`; it is killed at the end."""

    def __init__(self, function, *arguments):
        context = get_context("forkserver")  # its processes start quickly
        context.set_forkserver_preload(["interrupted_calls", "sklearn.datasets"])
        self.receiver, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=function, args=(*arguments, sender))
        self.process.start()
        sender.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.join()
        self.receiver.close()

    def answer(self):
        """Wait for what it sends; the time is a safety net only."""
        assert self.receiver.poll(PATIENCE), "the child hangs"
        return self.receiver.recv()


def test_a_loop_of_partial_fit_never_loses_ctrl_c():
    X, y = interrupted_calls.rows()
    clf = network().partial_fit(X, y, CLASSES)
    with PressAtCall() as calls:
        for _ in range(3):
            clf.partial_fit(X, y)
    for at in np.random.default_rng(0).integers(1, calls.n_calls, 60):
        with Child(interrupted_calls.train_until_ctrl_c, at, "") as child:
            assert child.answer() == "felt", at


def test_the_first_call_in_a_process_does_not_lose_ctrl_c_while_it_looks_for_blas():
    for at in range(1, 400, 50):
        with Child(interrupted_calls.train_until_ctrl_c, at, "threadpoolctl") as child:
            assert child.answer() == "felt", at


def test_thousands_of_signals_leave_whole_models_and_the_blas_threads():
    pauses = np.random.default_rng(0).integers(PAUSE, size=N_SIGNALS).tolist()
    landed = RawArray("l", 3)
    with Child(interrupted_calls.train_and_predict_under_ctrl_c, N_SIGNALS, landed) as child:
        assert child.answer() == "ready"
        for n_sent, pause in enumerate(pauses):
            deadline = monotonic() + PATIENCE
            while sum(landed) < n_sent:  # the next is sent when the last has landed
                assert monotonic() < deadline, "a signal is lost, or the child hangs"
            for _ in range(pause):  # by counting, not by time
                pass
            os.kill(child.process.pid, signal.SIGINT)
        report = child.answer()
    n_inside, n_elsewhere, n_lost = landed
    assert n_lost == 0
    assert n_inside > n_elsewhere
    assert report == {"torn": 0, "finite": True, "restored": True}


# --- Ctrl-C in searches and ensembles -----------------------------------------------------------


class Rival:
    """Functions for a classifier in a search that press Ctrl-C in an epoch of one of many fits."""

    def __init__(self, fit, epoch):
        self.fit, self.epoch = fit, epoch
        self.n_fits = self.n_scores = 0

    def schedule(self, epoch, history, eta, max_iter):
        self.n_fits += epoch == 0
        if (self.n_fits, epoch) == (self.fit, self.epoch):
            os.kill(os.getpid(), signal.SIGINT)
        return eta

    def score(self, estimator, X, y):
        self.n_scores += 1
        return estimator.score(X, y)


@pytest.mark.parametrize("epoch", [0, 1, 2])
@pytest.mark.parametrize("fit", [1, 2, 4])
@pytest.mark.parametrize("kind", ["grid search", "cross-validation", "search of pipelines"])
def test_ctrl_c_leaves_a_search_and_no_candidate_is_scored_after_it(kind, fit, epoch, digits):
    rival = Rival(fit, epoch)
    clf = network(eta_schedule=lambda *arguments: rival.schedule(*arguments))
    grid = {"eta": [0.1, 0.3, 0.5]}
    if kind == "search of pipelines":
        clf = make_pipeline(MinMaxScaler(), clf)
        grid = {"mlpsigmoidclassifier__eta": [0.1, 0.3, 0.5]}
    search = GridSearchCV(clf, grid, cv=2, scoring=rival.score)
    before = snapshot(clf), snapshot(search)
    with pytest.raises(KeyboardInterrupt):
        if kind == "cross-validation":
            cross_val_score(clf, *digits, cv=5, scoring=rival.score)
        else:
            search.fit(*digits)
    assert (rival.n_fits, rival.n_scores) == (fit, fit - 1)
    assert snapshot(clf) == before[0]
    assert not hasattr(search, "cv_results_")


@pytest.mark.parametrize("fit", [1, 3])
@pytest.mark.parametrize("ensemble", ["one-vs-rest", "bagging", "pipeline"])
def test_ctrl_c_leaves_ensembles_and_pipelines(ensemble, fit, digits):
    rival = Rival(1 if ensemble == "pipeline" else fit, epoch=1)
    clf = network(eta_schedule=lambda *arguments: rival.schedule(*arguments))
    whole = {
        "one-vs-rest": OneVsRestClassifier(clf),
        "bagging": BaggingClassifier(clf, n_estimators=4, random_state=0),
        "pipeline": make_pipeline(MinMaxScaler(), clf),
    }[ensemble]
    before = snapshot(clf)
    with pytest.raises(KeyboardInterrupt):
        whole.fit(*digits)
    assert rival.n_fits == rival.fit
    assert snapshot(clf) == before


# --- faults -------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    """Of a checkpoint, in a folder of its own."""
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    (tmp_path / "run").mkdir()
    return tmp_path / "run" / "checkpoint.npz"


def checkpointed(path, **parameters):
    """Make a classifier that writes checkpoints."""
    from sknielsen.callbacks import Checkpoint

    return network(**parameters).set_callbacks(Checkpoint(path))


@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.999])
@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_a_disk_that_is_full_is_an_error_and_the_last_checkpoint_stays(epoch, part, path):
    from sknielsen.callbacks import resume

    rows = interrupted_calls.rows(100)
    checkpointed(path, max_iter=2).fit(*rows)
    older = path.read_bytes()
    n_bytes = int(part * len(older))
    train = interrupted_calls.train_on_a_disk_that_fills
    with Child(train, path, epoch, n_bytes) as child:
        report = child.answer()
    assert report == {"errno": errno.EFBIG, "same": True, "ignored": 0}
    assert os.listdir(path.parent) == [path.name]
    if epoch == 0:
        assert path.read_bytes() == older
    else:
        whole = interrupted_calls.classifier_that_fills_the_disk(epoch).fit(*rows)
        again = interrupted_calls.classifier_that_fills_the_disk(epoch)
        assert_same_model(resume(again, path, *rows), whole)


def remove_folder(path):
    shutil.rmtree(path.parent)


def put_a_file_in_the_place_of_the_folder(path):
    remove_folder(path)
    path.parent.touch()


def put_a_folder_in_the_place_of_the_file(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("fitted_before", [False, True])
@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize(
    "spoil",
    [remove_folder, put_a_file_in_the_place_of_the_folder, put_a_folder_in_the_place_of_the_file],
)
def test_a_checkpoint_that_can_no_longer_be_written_is_an_error(
    spoil, epoch, fitted_before, path, split
):
    def schedule(finished, history, eta, max_iter):
        if spoiling and finished == epoch:
            spoil(path)
        return eta

    spoiling = False
    clf = checkpointed(path, eta_schedule=schedule)
    if fitted_before:
        clf.fit(*split[0])
    spoiling = True
    before = snapshot(clf)
    with pytest.raises(OSError):
        clf.fit(*split[0])
    assert snapshot(clf) == before
    assert not [*path.parent.parent.rglob("*.tmp")]


def test_a_checkpoint_below_a_file_is_an_error_before_training(path, split):
    path.parent.rmdir()
    path.parent.touch()
    started = []

    def schedule(epoch, history, eta, max_iter):
        started.append(epoch)
        return eta

    clf = checkpointed(path, eta_schedule=schedule)
    before = snapshot(clf)
    with pytest.raises(OSError):
        clf.fit(*split[0])
    assert not started
    assert snapshot(clf) == before


# Of an archive that Ctrl-C has cut short Python prints what the destructors raise.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored .*zip:pytest.PytestUnraisableExceptionWarning"
)
def test_ctrl_c_at_any_call_of_a_training_leaves_a_whole_checkpoint(path):
    from sknielsen.callbacks import resume

    rows = interrupted_calls.rows(100)
    whole = checkpointed(path, max_iter=2).fit(*rows)
    clf = checkpointed(path, max_iter=2)
    with PressAtCall() as calls:
        clf.fit(*rows)
    n_interrupted, n_points = 0, N_CALLS // 4
    for at in np.random.default_rng(0).integers(1, calls.n_calls, n_points):
        clf = checkpointed(path, max_iter=2)
        before = snapshot(clf)
        if interrupted(at, clf.fit, *rows):
            n_interrupted += 1
            assert snapshot(clf) == before, at
        assert os.listdir(path.parent) == [path.name], at
        assert_same_model(resume(network(max_iter=2), path, *rows), whole)
    assert n_interrupted > 0.9 * n_points


def test_a_worker_that_is_killed_ends_the_search_and_the_next_one_works(digits):
    scoring = functools.partial(interrupted_calls.score_or_die, eta=0.3, parent=os.getpid())
    clf = network()
    search = GridSearchCV(clf, {"eta": [0.1, 0.3, 0.5]}, cv=2, scoring=scoring, n_jobs=2)
    before = snapshot(clf)
    with parallel_config(backend="loky"):
        with pytest.raises(TerminatedWorkerError):
            search.fit(*digits)
        assert snapshot(clf) == before
        assert not hasattr(search, "cv_results_")
        search.set_params(scoring=None).fit(*digits)
    in_turn = GridSearchCV(clf, {"eta": [0.1, 0.3, 0.5]}, cv=2).fit(*digits)
    assert_same_model(search.best_estimator_, in_turn.best_estimator_)
