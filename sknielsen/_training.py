"""The training loop, shared by fit, partial_fit, warm starts and monitoring.

`train` runs epochs, records them, and stops; `run_epoch` is mini-batch stochastic gradient
descent (Nielsen, ch. 1); `evaluate` measures cost and accuracy by the same forward pass.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from math import inf, isnan, nan
from numbers import Real
from time import perf_counter

import numpy as np

from sknielsen._blas import blas_threads
from sknielsen._data import CACHED_BYTES, decide
from sknielsen._resolve import check_number
from sknielsen._warn import warn

# Streams of random numbers. Every epoch of a stream has a generator of its own, so that the seed
# and the count of epochs are all the state there is.
INITIALISATION, SPLIT, MONITOR, SHUFFLE, DROPOUT, AUGMENT = range(6)

HISTORY = (
    "epoch",
    "eta",
    "train_cost",
    "train_accuracy",
    "penalty",
    "validation_cost",
    "validation_accuracy",
    "validation_score",
    "saturation",
    "duration",
)


def generator(seed, stream, *key):
    """Make the generator of a stream of random numbers, or of its part: an epoch, a chunk."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *key)))


def train(
    network, data, settings, history, validation=None, score=None, best=None, callbacks=None
):
    """Train a network in place, epoch by epoch.

    Parameters
    ----------
    network : Network
    data, validation : Data
        The rows to train on and to validate on; `validation` may be None.
    settings : namespace
        The classifier's parameters with names replaced by their objects, and `seed`, `n` (the
        training rows that lmbda is divided by), `n_epochs`, `monitor` (Data), `evaluate` (the
        function of that name, or what measures rows elsewhere) and `streaming` (partial_fit:
        keep eta where it is when the schedule would end training).
    history : dict of lists
        One entry an epoch is appended to each column.
    score : callable, default=None
        Takes an epoch's record, returns its validation score.
    best : Best, default=None
        For early stopping; its weights are restored at the end, whatever ended training.
    callbacks : object, default=None
        Has ``begin_epoch()`` and ``end_epoch() -> bool``, which is True to end training.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C. With ``settings.on_interrupt == "keep"`` only before the first epoch is
        finished and in a stream; else Ctrl-C ends training with a warning, and the unfinished
        epoch stays in the weights.
    ValueError
        If training diverges.
    """
    n_before = len(history["epoch"])
    distorts = settings.augment is not None
    run = blas_threads(settings.batch_size, network.layer_sizes, spare_a_core=distorts)
    if best is not None and best.epoch > 0 and not best.kept[2]:  # the first weights compete too
        first = run(lambda: score(measure(network, settings, validation)))
        best.remember(network, first, best.epoch)
    try:
        for epoch in range(n_before, n_before + settings.n_epochs):
            eta = settings.eta_schedule(epoch, history, settings.eta)
            if eta is None and epoch > 0:
                if not settings.streaming:
                    break
                eta = history["eta"][-1]
            eta = float(check_number("eta from `eta_schedule`", eta, Real, "(0, inf)"))
            if callbacks is not None:
                callbacks.begin_epoch()
            record = run(_train_epoch, network, data, settings, eta, epoch, validation, score)
            for column in HISTORY:
                history[column].append(record[column])
            ends = best is not None and best.ends_training(network, record)
            if settings.verbose:
                print("  ".join(f"{c} {record[c]:<8.4g}" for c in HISTORY if not isnan(record[c])))
            if callbacks is not None:
                ends |= callbacks.end_epoch()
            if ends:
                break
    except KeyboardInterrupt:
        n_recorded = len(history[HISTORY[-1]])
        if settings.on_interrupt == "raise" or settings.streaming or n_recorded == n_before:
            raise
        for column in HISTORY:
            del history[column][n_recorded:]
        if best is not None and record["epoch"] == n_recorded:  # recorded, perhaps not yet judged
            best.remember(network, record["validation_score"], n_recorded)
        warn(f"Training was interrupted after epoch {n_recorded}; the model is fitted.")
    if best is not None:
        best.restore(network)


def _train_epoch(network, data, settings, eta, epoch, validation, score):
    """Train an epoch; return its record, all figures of which are finite."""
    start = perf_counter()
    run_epoch(network, data, settings, eta, epoch)
    duration = perf_counter() - start
    record = {"epoch": epoch + 1, "eta": eta, "duration": duration}
    record |= measure(network, settings, validation)
    require_finite(network, settings, validation, record)
    record["validation_score"] = score(record) if validation else nan
    return record


@np.errstate(all="ignore")  # divergence is looked for after the epoch
def run_epoch(network, data, settings, eta, epoch):
    """Descend once through all rows, a mini-batch at a time."""
    n_rows, batch_size = len(data), settings.batch_size
    rows = data.rows
    if settings.shuffle:
        rows = generator(settings.seed, SHUFFLE, epoch).permutation(rows)
    masks = generator(settings.seed, DROPOUT, epoch) if min(network.keep) < 1.0 else None
    rate = eta * settings.lmbda / settings.n
    shrink = partial(settings.penalty.shrink, rate=rate) if rate else None
    if settings.augment is None:
        chunks = gathered(data, rows, batch_size, network.n_units, CACHED_BYTES)
    else:  # in fewer, larger chunks, since the two threads take turns at every call of Python
        chunks = gathered(data, rows, batch_size, network.n_units, 4 * CACHED_BYTES)
        chunks = distorted_ahead(chunks, settings.augment, settings.seed, epoch)
    with closing(chunks):  # so that an error leaves no thread behind
        for start, x, y, weight in chunks:
            for i in range(0, len(x), batch_size):
                part = slice(i, i + batch_size)
                network.forward(x[part], masks)
                network.backward(y[part], None if weight is None else weight[part])
                begin, end = start + i, start + min(i + batch_size, len(x))
                first, last = begin % batch_size == 0, end % batch_size == 0 or end == n_rows
                m = min(batch_size, n_rows - begin // batch_size * batch_size)  # also in parts
                network.descend(eta / m, shrink, settings.momentum, first, last)


def gathered(data, rows, batch_size, n_units, cached_bytes):
    """Yield the position of each chunk of rows, its inputs, targets and relative weights."""
    for start, stop in data.chunks(batch_size, n_units, cached_bytes):
        chunk = rows[start:stop]
        weight = data.relative_weight(chunk)
        yield start, *data.gather(chunk), None if weight is None else weight.astype(data.X.dtype)


def distorted_ahead(chunks, augment, seed, epoch):
    """Yield the chunks with their inputs distorted, the next one by a thread in the meantime.

    A chunk's random numbers depend on its number alone, so results do not depend on the thread.
    """

    def distorted(number):
        start, x, y, weight = next(chunks, (None, None, None, None))
        if start is None:
            return None
        images = augment.distort(x, generator(seed, AUGMENT, epoch, number))
        images = np.array(images, x.dtype, order="C")  # a copy: x is a buffer, and so is y
        if images.shape != x.shape:
            raise ValueError(
                f"`augment.distort` must return rows of the shape it is given, {x.shape}; "
                f"got {images.shape}."
            )
        if not np.isfinite(images.sum()):
            raise ValueError("`augment.distort` must return finite numbers; got NaN or infinity.")
        return start, images, y.copy(), weight

    worker = ThreadPoolExecutor(1)
    try:
        worker.submit(int).result()  # the thread has begun: from here on its end is waited for
        number, ahead = 0, worker.submit(distorted, 0)
        while (chunk := ahead.result()) is not None:
            number += 1
            ahead = worker.submit(distorted, number)
            yield chunk
    finally:
        try:
            worker.shutdown(cancel_futures=True)
        except BaseException:  # Ctrl-C while waiting for the last chunk, a matter of milliseconds
            worker.shutdown()
            raise


@np.errstate(all="ignore")
def measure(network, settings, validation):
    """Measure what an epoch's record holds of the network; what does not exist is NaN."""
    train_cost, train_accuracy, saturation = settings.evaluate(network, settings.monitor)
    validation_cost, validation_accuracy, _ = settings.evaluate(network, validation)
    return {
        "train_cost": train_cost,
        "train_accuracy": train_accuracy,
        "penalty": settings.lmbda / settings.n * settings.penalty.value(network.weights),
        "validation_cost": validation_cost,
        "validation_accuracy": validation_accuracy,
        "saturation": saturation,
    }


@np.errstate(all="ignore")
def evaluate(network, data):
    """Measure a network on rows; NaN if there are none.

    Returns
    -------
    cost : float
        Mean over the rows, weighted by sample and class as in training.
    accuracy : float
        Share of the rows that are classified rightly, in every label; weighted by sample.
    saturation : float
        Share of the hidden activations with sigma'(z) < 0.01; NaN without hidden layers.
    """
    if not data:
        return nan, nan, nan
    costs = np.empty(len(data))
    right = np.empty(len(data), bool)
    n_saturated = n_hidden = 0
    for start, stop in data.chunks(len(data), network.n_units):
        rows = data.rows[start:stop]
        x, y = data.gather(rows)
        z = network.forward(x)
        costs[start:stop] = network.cost.value(z, y)
        same = decide(z, data.multilabel) == data.codes[rows]
        right[start:stop] = same.all(axis=1) if data.multilabel else same
        for a in network.hidden:
            n_saturated += np.count_nonzero(a * (1 - a) < 0.01)
            n_hidden += a.size
    return (
        float(np.average(costs, weights=data.relative_weight(data.rows))),
        float(np.average(right, weights=data.weight(data.rows))),
        float(n_saturated / n_hidden) if n_hidden else nan,
    )


def require_finite(network, settings, validation, record):
    """Raise ValueError if training diverged."""
    arrays = [*network.weights, *network.biases]
    arrays += [v for some in network.velocity or () for v in some]
    with np.errstate(all="ignore"):
        values = [np.abs(array).sum(axis=0).max() for array in arrays]  # these bound every |z|
    values += [record["penalty"]]
    values += [record["train_cost"]] if settings.monitor else []
    values += [record["validation_cost"]] if validation else []
    if not np.isfinite(values).all():
        raise ValueError(
            f"Training diverged in epoch {record['epoch']} at eta={record['eta']:.6g}: weights or "
            "costs are no longer finite. Lower `eta`, or scale the inputs to about one."
        )


class Best:
    """Early stopping: the best weights so far, and the rule that ends training.

    Parameters
    ----------
    n_iter_no_change : int
        Epochs in a row without improvement that end training.
    tol : float
        How far a score must exceed the best to count as an improvement.
    epoch : int
        Epoch of the weights it starts from; 0 if they are new.
    """

    def __init__(self, n_iter_no_change, tol, epoch):
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.kept = (-inf, epoch, [])
        self.n_stalled = 0

    @property
    def score(self):
        """Best score."""
        return self.kept[0]

    @property
    def epoch(self):
        """Epoch of the best weights."""
        return self.kept[1]

    def remember(self, network, score, epoch):
        """Keep a copy of the weights if their score is the best so far."""
        if score > self.score:
            parameters = [p.copy(order="F") for p in network.weights + network.biases]
            self.kept = (score, epoch, parameters)  # one assignment: Ctrl-C cannot tear it

    def ends_training(self, network, record):
        """Take the score of an epoch; tell whether scores have stalled for too long."""
        score = record["validation_score"]
        self.n_stalled = 0 if score > self.score + self.tol else self.n_stalled + 1
        self.remember(network, score, record["epoch"])
        return self.n_stalled >= self.n_iter_no_change

    def restore(self, network):
        """Write the best weights back into the network."""
        for p, kept in zip(network.weights + network.biases, self.kept[2]):
            p[...] = kept
