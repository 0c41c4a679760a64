"""A training that another process runs, killed at a stage of an epoch; a next one goes on."""

import io
import os
import pathlib
import signal

import numpy as np
from helpers import book
from sklearn.datasets import load_digits

from sknielsen.schedules import Plateau


def classifier():
    """Make a classifier with all the state that training can have."""
    return book(
        hidden_layer_sizes=(12, 8),
        momentum=0.5,
        dropout=(0.1, 0.2, 0.0),
        early_stopping=True,
        n_iter_no_change=30,
        eta=0.3,
        eta_schedule=Plateau(patience=3, min_factor=0.01),
        max_iter=40,
        random_state=3,
    )


def rows():
    """Load the rows it trains on."""
    X, y = load_digits(return_X_y=True)
    return X[:400] / 16, y[:400]


# Where the process is killed, in the order in which an epoch and its checkpoint reach them.
STAGES = ["training", "before writing", "half written", "written", "renamed", "after writing"]
MINI_BATCH = 20  # of an epoch, in which "training" is killed


def kill_at(epoch, stage):
    """Let this process kill itself at a stage of an epoch, or of its checkpoint; 0 is before all.

    The functions that training calls are replaced; parameters would be noticed by `resume`.
    """
    from sknielsen import _checkpoint, callbacks
    from sknielsen.core.engine import LocalEngine
    from sknielsen.core.network import Network

    write, run, descend, replace = (
        callbacks.write_checkpoint, LocalEngine.run_epoch, Network.descend, os.replace
    )  # fmt: skip
    now = {"epoch": None, "mini-batch": 0}

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def reach(*stages):
        if stage in stages and now["epoch"] == epoch:
            die()

    class HalfWritten(io.FileIO):
        """A file that is killed in the middle of what it is given."""

        def write(self, content):
            half = len(content) // 2
            super().write(content[:half])
            reach("half written")
            return half + super().write(content[half:])

    def open_file(path, mode):
        return HalfWritten(path, mode) if mode == "wb" else open(path, mode)

    def run_epoch(engine, number, eta):
        now.update({"epoch": number + 1, "mini-batch": 0})
        run(engine, number, eta)

    def descend_or_die(network, *arguments):
        now["mini-batch"] += 1
        if now["mini-batch"] == MINI_BATCH:
            reach("training")
        descend(network, *arguments)

    def write_checkpoint(path, state, identity):
        now["epoch"] = state.n_epochs
        reach("before writing")
        write(path, state, identity)
        reach("after writing")

    def rename(source, target):
        reach("written")
        replace(source, target)
        reach("renamed")

    callbacks.write_checkpoint = write_checkpoint
    LocalEngine.run_epoch, Network.descend = run_epoch, descend_or_die
    _checkpoint.open, os.replace = open_file, rename


def train(folder, *killed_at):
    """Begin or resume training; write what comes of it to ``result.npz``."""
    from sknielsen.callbacks import Checkpoint, resume

    if killed_at:
        kill_at(*killed_at)
    folder = pathlib.Path(folder)
    path = folder / "checkpoint.npz"
    clf, (X, y) = classifier().set_callbacks(Checkpoint(path)), rows()
    if path.exists():
        resume(clf, path, X, y)
    else:
        clf.fit(X, y)
    history = np.array([v for name, v in clf.history_.items() if name != "duration"])
    parameters = np.concatenate([p.ravel("F") for p in clf.coefs_ + clf.intercepts_])
    np.savez(folder / "result.npz", history=history, parameters=parameters, epoch=clf.epoch_)
