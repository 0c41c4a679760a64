"""A training that another process runs, to be killed; it goes on from its checkpoint."""

import pathlib

import numpy as np
from sklearn.datasets import load_digits

from sknielsen import MLPSigmoidClassifier
from sknielsen.schedules import Plateau


def classifier():
    """Make a classifier with all the state that training can have."""
    return MLPSigmoidClassifier(
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


def train(folder, started):
    """Begin or resume training; write what comes of it to ``result.npz``."""
    from sknielsen.callbacks import Checkpoint, resume

    folder = pathlib.Path(folder)
    path = folder / "checkpoint.npz"
    clf, (X, y) = classifier().set_callbacks(Checkpoint(path)), rows()
    started.set()
    if path.exists():
        resume(clf, path, X, y)
    else:
        clf.fit(X, y)
    history = np.array([v for name, v in clf.history_.items() if name != "duration"])
    parameters = np.concatenate([p.ravel("F") for p in clf.coefs_ + clf.intercepts_])
    np.savez(folder / "result.npz", history=history, parameters=parameters, epoch=clf.epoch_)
