"""A process that reads files which may be damaged or hostile, and reports what each came to.

For each call that it is sent, it prints a line of JSON: whether the file was accepted, or the
exception; the memory that the call took at its peak; and what an accepted file holds. A call that
hangs ends the process.
"""

import faulthandler
import hashlib
import json
import pathlib
import sys
import tracemalloc
import warnings
from functools import cache

import numpy as np
from sklearn.datasets import load_digits

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist, read_idx

MIB = 2**20
MAX_EPOCHS = 4  # of a resumed training
PATIENCE = 30  # seconds, after which a call hangs: a safety net, which no file should need


class TooManyEpochsError(Exception):
    """Raised when a checkpoint makes training go on after its last epoch."""


class EpochLimit:
    """A callback that ends a training which a false number of epochs prolongs."""

    def __init__(self, max_epochs=MAX_EPOCHS):
        self.max_epochs, self.n_epochs = max_epochs, 0

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.n_epochs += context.task_name == "epoch"
        if self.n_epochs > self.max_epochs:
            raise TooManyEpochsError(f"more than {self.max_epochs} epochs")

    def on_fit_task_end(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass


# --- trainings whose checkpoints are damaged --------------------------------------------------


@cache
def rows():
    """Load a few rows of three classes."""
    X, y = load_digits(n_class=3, return_X_y=True)
    return X[:60, 10:20] / 16, y[:60]


def early_stopping():
    """A training with all the state that there can be: velocity, best weights, rows split off."""
    X, y = rows()
    parameters = dict(early_stopping=True, momentum=0.5, dropout=0.1, eta=0.3)
    return parameters, dict(X=X, y=y)


def validation():
    """A training on weighted rows of named classes, with validation rows given."""
    X, y = rows()
    names = np.array(["one", "three", "two"])[y]
    weight = np.linspace(0.5, 2, 40)
    data = dict(X=X[:40], y=names[:40], sample_weight=weight, X_val=X[40:], y_val=names[40:])
    return dict(cost="log_likelihood", lmbda=0.1), data


def named():
    """A training on a table with names of features; the classes are Python objects."""
    import pandas as pd

    X, y = rows()
    X = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(X.shape[1])])
    return dict(hidden_layer_sizes=(3, 2)), dict(X=X, y=np.array(["a", "b", "c"], object)[y])


def multilabel():
    """A training on float32 rows with several labels each."""
    X, y = rows()
    Y = np.column_stack([y == 0, y > 0, y == 2]).astype(int)
    return {}, dict(X=X.astype(np.float32), y=Y)


def not_begun():
    """A training whose checkpoint is from before its first epoch."""
    X, y = rows()
    return dict(early_stopping=True, momentum=0.9), dict(X=X[y < 2], y=y[y < 2])


TRAININGS = [early_stopping, validation, named, multilabel, not_begun]


def training(name, max_iter):
    """Make the classifier and the data of one of the trainings."""
    parameters, data = next(t for t in TRAININGS if t.__name__ == name)()
    defaults = dict(hidden_layer_sizes=(4,), random_state=1, max_iter=max_iter)
    return MLPSigmoidClassifier(**(defaults | parameters)), data


def training_of(path):
    """Return the name of a training that a file's name begins with."""
    return pathlib.Path(path).name.partition("-")[0] or "multilabel"


# --- what each call came to -------------------------------------------------------------------


def outcome_of_array(array):
    """Describe an array that a file gave."""
    content = hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
    return {"array": [array.dtype.name, list(array.shape), content]}


def outcome_of_model(classifier, X):
    """Describe a model that a checkpoint gave, durations excepted."""
    history = classifier.history_
    columns = {name: history[name] for name in sorted(history) if name != "duration"}
    velocity = [v for some in getattr(classifier, "velocity_", []) for v in some]
    arrays = [*classifier.coefs_, *classifier.intercepts_, *velocity]
    known = [
        [[a.dtype.str, a.shape, a.tolist()] for a in arrays],
        {name: np.array(values, float).tolist() for name, values in columns.items()},
        [classifier.n_iter_, classifier.epoch_, classifier.eta_, classifier.seed_],
        [getattr(classifier, name, None) for name in ("best_epoch_", "best_score_")],
        [classifier.classes_.dtype.kind, classifier.classes_.tolist()],
        classifier.predict(X).tolist(),
    ]
    return {
        "model": hashlib.sha256(repr(known).encode()).hexdigest(),
        "finite": all(np.isfinite(a).all() for a in arrays),
        "consistent": history["epoch"] == list(range(1, classifier.n_iter_ + 1))
        and {len(values) for values in history.values()} == {classifier.n_iter_}
        and 0 <= classifier.epoch_ <= classifier.n_iter_,
    }


def call_read_idx(path):
    return outcome_of_array(read_idx(path))


def call_fetch_mnist(path):
    return outcome_of_array(fetch_mnist(path).X_train)


def call_resume(path):
    """Resume the training that the file's name tells."""
    from sknielsen.callbacks import resume

    classifier, data = training(training_of(path), MAX_EPOCHS)
    classifier.set_callbacks(EpochLimit())
    return unless_touched(classifier, lambda: resume(classifier, path, **data), data["X"])


def call_checkpoint(path):
    """Train with a checkpoint at the path."""
    from sknielsen.callbacks import Checkpoint

    classifier, data = training("multilabel", 1)
    return unless_touched(
        classifier,
        lambda: classifier.set_callbacks(Checkpoint(path)).fit(**data),
        data["X"],
    )


def unless_touched(classifier, train, X):
    """Train; if that raises, the estimator must be as it was."""
    before = {name: value for name, value in vars(classifier).items() if name != "_skl_callbacks"}
    try:
        train()
    except Exception as error:
        after = {n: value for n, value in vars(classifier).items() if n != "_skl_callbacks"}
        if after != before:
            raise AssertionError("the estimator is not as it was") from error
        raise
    return outcome_of_model(classifier, X)


CALLS = {
    "read_idx": call_read_idx,
    "fetch_mnist": call_fetch_mnist,
    "resume": call_resume,
    "checkpoint": call_checkpoint,
}


def lacked_memory(error):
    """Tell whether an exception, or one that it came from, was a lack of memory."""
    while error is not None:
        # Python's parser raises an empty MemoryError where brackets are nested too deeply.
        if isinstance(error, MemoryError) and str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def report(call, path):
    """Call a function on a path; print what came of it."""
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    line = {"call": call, "path": path}
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    try:
        line |= CALLS[call](path)
        line |= {"error": None}
    except Exception as error:
        line["error"] = type(error).__name__
        line["refused"] = isinstance(error, (ValueError, OSError))
        line["lacked_memory"], line["message"] = lacked_memory(error), str(error)[:300]
    faulthandler.cancel_dump_traceback_later()
    line["peak"] = tracemalloc.get_traced_memory()[1] - before
    print(json.dumps(line), flush=True)


def limit_memory(n_bytes):
    """Let the process grow by so much only, so that a bomb does no harm to the machine."""
    if sys.platform == "linux":
        import resource

        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + n_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main():
    """Read calls and paths from standard input, a JSON list a line."""
    warnings.simplefilter("error")
    limit_memory(600 * MIB)
    tracemalloc.start()
    for line in sys.stdin:
        report(*json.loads(line))


if __name__ == "__main__":
    main()
