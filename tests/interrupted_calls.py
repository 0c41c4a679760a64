"""What child processes of test_interrupts run: calls that Ctrl-C hits, and a disk that is full."""

import inspect
import os
import resource
import signal
import sys

import numpy as np
from helpers import weights_of
from processes import blas_counts, snapshot
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from stages import network
from threadpoolctl import threadpool_limits

import sknielsen

PACKAGE = os.path.dirname(sknielsen.__file__)
CLASSES = np.arange(10)
INSIDE, ELSEWHERE, LOST = range(3)
N_EPOCHS = 20  # of a model under Ctrl-C, before another one begins


def rows(n_rows=20):
    """Load a few digits."""
    X, y = load_digits(return_X_y=True)
    return X[:n_rows] / 16, y[:n_rows]


class PressAtCall:
    """Press Ctrl-C at the n-th call of any function, of Python or C, that this thread makes.

    It counts where Python functions begin and where built-in ones end, since there Python looks
    for signals; not generators, which are also entered to be closed, where it does not look. In a
    destructor Python ignores whatever is raised: there it waits for the end.

    Parameters
    ----------
    at : int, default=None
        With None it only counts.
    module : str, default=""
        Count only what functions of a module of this name do; "" counts all.
    """

    def __init__(self, at=None, module=""):
        self.at, self.module, self.n_calls, self.pressed = at, module, 0, False

    def __enter__(self):
        sys.setprofile(self._count)
        return self

    def __exit__(self, *exception):
        sys.setprofile(None)

    def _count(self, frame, event, argument):
        code = frame.f_code
        is_generator = event == "call" and code.co_flags & inspect.CO_GENERATOR
        counts = code.co_filename.endswith(f"{self.module}.py") and code.co_filename != __file__
        if event in ("call", "c_return") and counts and not is_generator:
            self.n_calls += 1
            due = self.at is not None and self.n_calls >= self.at and not self.pressed
            if due and not _in_destructor(frame):
                self.pressed = True
                signal.raise_signal(signal.SIGINT)


def _in_destructor(frame):
    while frame is not None and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None


def train_until_ctrl_c(at, module, connection):
    """Train for good, pressing Ctrl-C once, at the n-th call; report when it is felt.

    Unless the calls of a module are counted, the first training, in which Python imports this
    and that, is over by then.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    X, y = rows()
    clf = network()
    if not module:
        clf.partial_fit(X, y, CLASSES)
    try:
        with PressAtCall(at, module):
            while True:
                clf.partial_fit(X, y, CLASSES)
    except KeyboardInterrupt:
        connection.send("felt")


class Interrupted:
    """Make calls that Ctrl-C may hit; count where each one that the parent presses has landed.

    Python may raise KeyboardInterrupt after any step. So that none is raised while the last one is
    being counted, it is raised only where `armed` says that a call is in progress.

    Parameters
    ----------
    landed : array of int, shared with the parent
        Signals so far that have landed in sknielsen, elsewhere, and that were lost.
    """

    def __init__(self, landed):
        self.landed, self.armed, self.raised = landed, False, False
        signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number, frame):
        if self.armed:
            self.raised = True
            raise KeyboardInterrupt
        self.landed[ELSEWHERE] += 1

    def call(self, function, *arguments):
        """Call a function; tell whether Ctrl-C has interrupted it."""
        place, self.raised = LOST, False
        try:
            self.armed = True
            function(*arguments)
            self.armed = False
        except KeyboardInterrupt as error:
            self.armed = False
            place = INSIDE if _passed_through_the_package(error) else ELSEWHERE
        if self.raised:
            self.landed[place] += 1
        return place == INSIDE


def _passed_through_the_package(error):
    step = error.__traceback__
    while step is not None and not step.tb_frame.f_code.co_filename.startswith(PACKAGE):
        step = step.tb_next
    return step is not None


def train_and_predict_under_ctrl_c(n_signals, landed, connection):
    """Train and predict, while the parent presses Ctrl-C; report what came of it."""
    X, y = rows()
    weights, clf = [], network()  # after each epoch, undisturbed
    for _ in range(N_EPOCHS):
        weights.append(weights_of(clf.partial_fit(X, y, CLASSES)))

    def torn(clf, n_epochs):
        """Tell whether a model is not the undisturbed one of so many epochs."""
        if n_epochs == 0:
            return any(name.endswith("_") for name in vars(clf))
        lengths = {clf.n_iter_, *map(len, clf.history_.values())}
        return lengths != {n_epochs} or not np.array_equal(weights_of(clf), weights[n_epochs - 1])

    n_torn = n_rounds = n_epochs = 0
    with threadpool_limits(2, "blas"):
        counts = blas_counts()
        calls, clf = Interrupted(landed), network()
        connection.send("ready")
        while sum(landed) < n_signals:
            n_rounds += 1
            if n_epochs == N_EPOCHS:
                clf, n_epochs = network(), 0
            before = snapshot(clf) if n_rounds % 10 == 0 else None
            interrupted = calls.call(clf.partial_fit, X, y, CLASSES)
            n_torn += interrupted and before is not None and snapshot(clf) != before
            if not interrupted:
                n_epochs = getattr(clf, "n_iter_", 0)
            n_torn += torn(clf, n_epochs)
            if n_epochs > 0:
                calls.call(clf.predict_proba, X)
            if n_rounds % 3 == 0:
                other = network(max_iter=1)
                interrupted = calls.call(other.fit, X, y)
                n_torn += torn(other, 0 if interrupted else getattr(other, "n_iter_", 0))
        probabilities = clf.partial_fit(X, y, CLASSES).predict_proba(X)
        finite, restored = bool(np.isfinite(probabilities).all()), blas_counts() == counts
    connection.send({"torn": int(n_torn), "finite": finite, "restored": restored})


class FillDisk(BaseEstimator):
    """A schedule that lets no file grow beyond some bytes once so many epochs are finished."""

    n_bytes = None  # of a class, not of an object: a checkpoint knows a schedule by its attributes

    def __init__(self, epoch):
        self.epoch = epoch

    def __call__(self, epoch, history, eta, max_iter):
        if epoch == self.epoch and self.n_bytes is not None:
            limit_files(self.n_bytes)
        return eta


def limit_files(n_bytes):
    """Let no file of this process grow beyond some bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))


def classifier_that_fills_the_disk(epoch):
    return network(max_iter=4, eta_schedule=FillDisk(epoch))


def train_on_a_disk_that_fills(path, epoch, n_bytes, connection):
    """Train with a Checkpoint while the disk fills: before training, or after an epoch."""
    from sknielsen.callbacks import Checkpoint

    ignored = []
    sys.unraisablehook = ignored.append
    X, y = rows(100)
    clf = classifier_that_fills_the_disk(epoch).fit(X, y)
    clf.set_callbacks(Checkpoint(path))
    FillDisk.n_bytes = n_bytes
    if epoch == 0:
        limit_files(n_bytes)
    before, error = snapshot(clf), None
    try:
        clf.fit(X, y)
    except OSError as raised:
        error = raised.errno
    connection.send({"errno": error, "same": snapshot(clf) == before, "ignored": len(ignored)})


def score_or_die(estimator, X, y, *, eta, parent):
    """Score a candidate; kill the process, unless it is the parent, at the candidate of an eta."""
    if estimator.eta == eta and os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return estimator.score(X, y)
