"""What training on a Dask cluster is made of: rows by reference, a network, calls, and tasks.

The training loop is the plain one. What differs are the two things that it is given: `Rows` in
place of `Data`, which hands out references to rows, and `DaskNetwork` in place of `Network`, whose
passes over such references are tasks on the workers. A task runs the plain `run_epoch` over the
rows of one block, or the plain `evaluate` over those that are monitored. Rows never leave the
workers; what travels are weights and sums of gradients.
"""

import copy
import weakref
from math import nan
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_consistent_length

from sknielsen._blas import blas_threads
from sknielsen._data import Data, digest, finite_total, rows_held
from sknielsen._guards import scale_difference, shared_rows
from sknielsen._inputs import check_rows, check_weight
from sknielsen._labels import kind
from sknielsen._network import Network
from sknielsen._training import MONITOR, SHUFFLE, evaluate, generator, run_epoch

FAN_IN = 8  # sums that a node of the reduction tree adds


def import_dask():
    """Import Dask, or say which extra brings it."""
    try:
        import dask
        import dask.array
        import dask.distributed
    except ImportError as error:
        raise ImportError(
            "sknielsen.dask needs dask and distributed, which the extra `dask` brings: "
            'pip install "sknielsen[dask]".'
        ) from error
    return dask


# --- rows and network, as the training loop sees them ------------------------------------------


class Block(NamedTuple):
    """A block of rows on the workers."""

    number: int
    rows: object  # future of what `check_block` returns
    codes: object  # future of the rows' classes
    n_rows: int
    total_weight: float
    n_weighted: int  # rows whose weight in the cost is above zero

    @property
    def task(self):
        """What a task on this block takes."""
        return self.number, self.rows, self.codes


class Rows:
    """Stands for `Data`: gives out positions in an epoch's order in place of rows."""

    def __init__(
        self, cluster, blocks, n_features, dtype, n_outputs, class_weight, seed, on_workers
    ):
        self.cluster = cluster
        self.blocks = blocks
        self.seed = seed
        self.on_workers = on_workers  # settings that are the workers' business
        self.sizes = np.array([block.n_rows for block in blocks])
        self.rows = range(int(self.sizes.sum()))
        self.X = SimpleNamespace(shape=(len(self.rows), n_features), dtype=dtype)
        self.n_outputs = n_outputs
        self.class_weight = class_weight
        self.total_weight = finite_total(sum(block.total_weight for block in blocks))

    def __len__(self):
        return len(self.rows)

    def chunks(self, batch_size, n_units, cached_bytes):
        """Yield start and stop of one mini-batch after the other."""
        for start in self.rows[::batch_size]:
            yield start, min(start + batch_size, len(self))

    def gather(self, rows):
        """Return positions as rows and as targets."""
        return rows, rows

    def relative_weight(self, rows):
        """Return None: weights stay with the rows."""

    def select(self, counts):
        """List the blocks that hold monitored rows, and how many each does."""
        return [(block, int(count)) for block, count in zip(self.blocks, counts) if count]

    def digests(self):
        """Return a digest of each array, of its blocks in order; None for what is not there."""
        job = self.share()
        of_blocks = self.cluster.gather(
            [self.cluster.submit(_digests, job, *block.task) for block in self.blocks]
        )
        return {
            name: of_blocks[0][name]
            and digest(np.frombuffer(bytes.fromhex("".join(d[name] for d in of_blocks)), np.uint8))
            for name in of_blocks[0]
        }

    def begin(self, epoch, n_rows):
        """Begin an epoch whose first mini-batch has so many rows."""
        self._left = self.sizes.copy()
        self._rng = generator(self.seed, SHUFFLE, epoch)
        self._orders = [None] * len(self.blocks)
        if self.on_workers.shuffle and n_rows < len(self):
            self._orders = [
                self.cluster.submit(_order, self.seed, block.number, block.n_rows, epoch)
                for block in self.blocks
            ]

    def next(self, n_rows):
        """Yield each block that the next mini-batch has rows of, its order, begin and end.

        The numbers of rows are those of a mini-batch drawn from all the rows that are left.
        """
        if n_rows == self._left.sum():
            counts = self._left.copy()
        elif self.on_workers.shuffle:
            counts = draw(self._rng, self._left, n_rows)
        else:
            counts = np.clip(n_rows - (np.cumsum(self._left) - self._left), 0, self._left)
        begins = self.sizes - self._left
        self._left -= counts
        parts = zip(self.blocks, self._orders, begins.tolist(), counts.tolist())
        for block, order, begin, count in parts:
            if count:
                yield block, order, begin, begin + count

    def share(self, **also):
        """Share with the workers what their tasks need to know beside their blocks."""
        return self.cluster.share(
            SimpleNamespace(
                dtype=self.X.dtype,
                n_outputs=self.n_outputs,
                class_weight=self.class_weight,
                mean_weight=self.total_weight / len(self) or 1.0,
                seed=self.seed,
                settings=self.on_workers,
                **also,
            )
        )


class DaskNetwork(Network):
    """A network that works on references to rows: its passes over them are tasks.

    Rows in memory, those of validation, pass as through any network.

    Parameters
    ----------
    plain : Network
        Whose weights, biases, cost and dropout it takes.
    velocity : tuple of two lists of ndarray, or None
    rows : Rows
    n : float
        What lmbda is divided by.
    n_epochs : int
        Epochs trained so far.
    """

    def __init__(self, plain, velocity, rows, n, n_epochs):
        super().__init__(plain.weights, plain.biases, plain.cost, plain.keep, velocity)
        self.remote = rows
        self.n = n
        self.epoch = n_epochs - 1

    def forward(self, x, rng=None):
        """Note which rows a step is for."""
        self._x = x
        return None if isinstance(x, range) else super().forward(x, rng)

    def backward(self, y, sample_weight=None):
        """Have each block sum the gradients of its rows, and the sums added up."""
        cluster, job = self.remote.cluster, self._step()
        self._gradients = cluster.total(
            [
                cluster.submit(_gradient, job, *block.task, order, begin, end)
                for block, order, begin, end in self.remote.next(len(self._x))
            ]
        )

    def evaluate(self, monitored):
        """Have each block measured on its monitored rows; return the means over all of them."""
        cluster, job = self.remote.cluster, self._share()
        figures, weights = zip(
            *cluster.gather(
                [cluster.submit(_figures, job, *block.task, count) for block, count in monitored]
            )
        )
        return tuple(np.average(figures, axis=0, weights=weights).tolist())

    def _step(self, **also):
        """Share what a step needs; the step for the first row begins an epoch."""
        if self._x.start == 0:
            self.epoch += 1
            self.remote.begin(self.epoch, len(self._x))
        return self._share(epoch=self.epoch, n=self.n, **also)

    def _share(self, **also):
        names = "weights", "biases", "cost", "keep"
        return self.remote.share(**{name: getattr(self, name) for name in names}, **also)

    def _subtract_gradients(self, step, weights, betas, biases, bias_beta):
        """Write beta * array - step * gradient into each array."""
        betas = [*betas, *[bias_beta] * len(biases)]
        for array, beta, gradient in zip([*weights, *biases], betas, self._gradients):
            np.multiply(array, beta, array)
            array -= array.dtype.type(step) * gradient


class AveragingNetwork(DaskNetwork):
    """Its step is an epoch over each block by itself, and the average of what comes of it."""

    def backward(self, y, sample_weight=None):
        """Do nothing: blocks go forward and backward by themselves."""

    def descend(self, step, shrink=None, momentum=0.0, first=True, last=True):
        """Replace the weights by the average of those that an epoch on each block leads to.

        `step` is eta over the number of all rows. The penalty and the momentum act on the workers.
        """
        remote, job = self.remote, self._step(velocity=self.velocity)
        shares = np.array([block.total_weight for block in remote.blocks])
        if not shares.any():
            shares = remote.sizes.astype(float)
        eta = step * len(remote)
        averages = remote.cluster.total(
            [
                remote.cluster.submit(_local_epoch, job, *block.task, eta, share)
                for block, share in zip(remote.blocks, (shares / shares.sum()).tolist())
                if share
            ]
        )
        velocity = [v for some in self.velocity for v in some] if momentum else []
        for array, average in zip([*self.weights, *self.biases, *velocity], averages):
            array[...] = average


class Cluster:
    """The calls of Dask. All work is in tasks: Dask repeats those that a dead worker had done.

    It is a context that releases at its end what it made. Else an error would keep the blocks on
    the workers: a future holds the error it was met with, and that the frames with all futures.
    """

    def __init__(self, client):
        self.dask = import_dask()
        if client is None:
            try:
                client = self.dask.distributed.default_client()
            except ValueError as error:
                raise ValueError(
                    "`client` must be a dask.distributed.Client, or one must be active; got None "
                    "and there is no active one."
                ) from error
        if not isinstance(client, self.dask.distributed.Client) or client.asynchronous:
            raise TypeError(
                "`client` must be a dask.distributed.Client that is not asynchronous; "
                f"got {client!r}."
            )
        self.client = client
        self._made = weakref.WeakSet()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for future in list(self._made):
            future.release()

    def submit(self, function, *args):
        """Return the future of a call."""
        future = self.client.submit(function, *args, pure=False)
        self._made.add(future)
        return future

    def share(self, value):
        """Return the future of a value: it is sent once, and workers pass it on to each other.

        It is a task, since scattered data are lost with the worker that holds them.
        """
        with self.dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            return self.submit(_identity, SimpleNamespace(value=value))

    def compute(self, function, blocks, *args):
        """Return the futures of calls on the blocks of lazy collections."""
        lazy = self.dask.delayed(function, pure=False)
        futures = self.client.compute([lazy(*args, *block) for block in blocks])
        self._made.update(futures)
        return futures

    def gather(self, futures):
        """Return what futures come to."""
        return self.client.gather(futures)

    def total(self, futures):
        """Add up lists of arrays, in a tree whose shape depends on their number alone."""
        while len(futures) > 1:
            futures = [
                self.submit(_add, *futures[i : i + FAN_IN]) for i in range(0, len(futures), FAN_IN)
            ]
        return futures[0].result()


# --- tasks -------------------------------------------------------------------------------------


def _identity(shared):
    return shared.value


def _add(*lists):
    return [sum(arrays[1:], arrays[0]) for arrays in zip(*lists)]


def check_block(model, continuing, X, y, weight):
    """Validate a block: return rows, labels, weights and names of features; None if empty."""
    if X.shape[0] == len(y) == 0:
        return None
    model = copy.copy(model)
    dtype = model.coefs_[0].dtype if continuing else "numeric"
    X, y = check_rows(model, X, y, reset=not continuing, dtype=dtype)
    if weight is not None:
        weight = np.asarray(weight)
        weight = weight[:, 0] if weight.ndim == 2 and weight.shape[1] == 1 else weight
        weight = check_weight(weight, X, "sample_weight")
    names = getattr(model, "feature_names_in_", None)
    return X, y, weight, None if names is None else tuple(names)


def summarise_block(block):
    """Count what all blocks together are judged by."""
    if block is None:
        return None
    X, y, weight, names = block
    weight = np.ones(len(y)) if weight is None else weight
    if y.ndim == 2:
        classes, codes = np.empty(0, int), np.zeros(len(y), int)
    else:
        classes, codes = np.unique(y, return_inverse=True)
    values = X.data if issparse(X) else X.ravel()
    return SimpleNamespace(
        n_rows=len(y),
        n_features=X.shape[1],
        names=names,
        dtype=X.dtype,
        sparse=issparse(X),
        squares=float(np.vdot(values, values)),
        n_labels=y.shape[1] if y.ndim == 2 else 0,
        classes=classes,
        kind_of_labels=kind(y),
        weights=np.bincount(codes, weights=weight),
        counts=np.bincount(codes, weights=weight > 0),
    )


def encode_block(block, labels):
    return labels.encode(block[1])


def sample_block(rows, count):
    """Return some of a block's rows."""
    X = rows[0]
    return X[np.sort(np.random.default_rng(0).choice(X.shape[0], count, replace=False))]


def compare_rows(X_val, n_rows, *samples):
    """Return what is compared of validation rows and a sample of the training rows."""
    sparse = any(map(issparse, samples))
    X = vstack(samples, format="csr") if sparse else np.concatenate(samples)
    X = X.astype(X_val.dtype, copy=False)
    return shared_rows(X, X_val, n_rows), scale_difference(X, X_val)


def _data_of(job, rows, codes):
    X, _, weight, _ = rows
    X = X.astype(job.dtype, copy=False)
    return Data(X, codes, job.n_outputs, weight, job.class_weight)


def _copies(arrays):
    return [np.array(array, order="F") for array in arrays]


def _zeros(arrays):
    return [np.zeros_like(array, order="F") for array in arrays]


def _digests(job, number, rows, codes):
    return _data_of(job, rows, codes).digests()


def _order(seed, number, n_rows, epoch):
    """Return the rows of a block in the order of an epoch of several steps."""
    rows = np.arange(n_rows, dtype=np.int32)
    return generator([seed, number + 1], SHUFFLE, epoch).permutation(rows)


def _gradient(job, number, rows, codes, order, begin, end):
    """Return the sums of the gradients of a block's rows `begin` to `end` in the epoch's order.

    The sums, weighted relative to the mean weight of all rows, stand in the velocity after one
    step of -1 over the rows.
    """
    data = _data_of(job, rows, codes)
    if end - begin < len(data):
        data = data.select((data.rows if order is None else order)[begin:end])
    velocity = [_zeros(job.weights), _zeros(job.biases)]
    settings = SimpleNamespace(**vars(job.settings))
    settings.batch_size, settings.shuffle = len(data), False
    settings.lmbda, settings.n, settings.momentum = 0.0, 1.0, 0.0
    settings.seed = [job.seed, number + 1, begin]
    _descend(job, data, velocity, settings, -len(data) * (data.mean_weight / job.mean_weight))
    return velocity[0] + velocity[1]


def _local_epoch(job, number, rows, codes, eta, share):
    """Train on a block by itself for an epoch; return weights and velocity times `share`."""
    data = _data_of(job, rows, codes)
    batch_size = min(job.settings.batch_size or len(data), len(data))
    n_units = sum(map(len, job.biases))
    velocity = None
    if job.settings.momentum:
        velocity = [_copies(arrays) for arrays in job.velocity]
    elif batch_size > rows_held(data.X.shape[1], n_units, job.dtype):
        velocity = [_zeros(job.weights), _zeros(job.biases)]
    settings = SimpleNamespace(**vars(job.settings))
    settings.batch_size, settings.n, settings.seed = batch_size, job.n, [job.seed, number + 1]
    network = _descend(job, data, velocity, settings, eta)
    arrays = network.weights + network.biases
    if job.settings.momentum:
        arrays += velocity[0] + velocity[1]
    return [array.dtype.type(share) * array for array in arrays]


def _descend(job, data, velocity, settings, eta):
    """Train a copy of the network for an epoch."""
    network = Network(_copies(job.weights), _copies(job.biases), job.cost, job.keep, velocity)
    run = blas_threads(settings.batch_size, network.layer_sizes, settings.augment is not None)
    run(run_epoch, network, data, settings, eta, job.epoch)
    return network


def _figures(job, number, rows, codes, count):
    """Return what `evaluate` measures on a block's monitored rows, and the weight of each mean.

    The rows are always the same ones.
    """
    data = _data_of(job, rows, codes)
    weight = data.relative_weight(data.rows)
    chosen = data.rows if weight is None else data.rows[weight > 0]
    if count < len(chosen):
        rng = generator([job.seed, number + 1], MONITOR)
        chosen = np.sort(rng.choice(chosen, count, replace=False))
    data = data.select(chosen)
    network = Network(_copies(job.weights), _copies(job.biases), job.cost)
    figures = blas_threads(len(data), network.layer_sizes)(evaluate, network, data)
    weight = data.weight(chosen)
    rows_weight = len(data) if weight is None else float(weight.sum(dtype=np.float64))
    return figures, (data.total_weight, rows_weight, len(data))


def predict_block(model, method, X, none):
    return getattr(model, method)(X).astype(none.dtype, copy=False) if X.shape[0] else none


def score_block(model, X, y, weight):
    """Return the weight of the rows that are classified rightly, and that of all."""
    check_consistent_length(X, y, weight)
    weight = np.ones(X.shape[0]) if weight is None else np.ravel(weight).astype(float)
    if not weight.any():  # or no rows
        return 0.0, 0.0
    y = np.reshape(y, -1) if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1 else y
    right = accuracy_score(y, model.predict(X), normalize=False, sample_weight=weight)
    return float(right), float(weight.sum())


def evaluate_rows(network, data):
    """Measure a network on rows in memory, or on the blocks' monitored rows."""
    return network.evaluate(data) if data and isinstance(data, list) else evaluate(network, data)


def draw(rng, sizes, n_rows):
    """Draw so many of all rows without replacement; return how many are of each block."""
    if sizes.sum() < 10**9:  # NumPy's limit
        return rng.multivariate_hypergeometric(sizes, n_rows, method="marginals")
    drawn = rng.choice(int(sizes.sum()), n_rows, replace=False, shuffle=False)
    return np.bincount(np.searchsorted(sizes.cumsum(), drawn, "right"), minlength=len(sizes))


# --- collections -------------------------------------------------------------------------------


def is_dask(collection):
    return hasattr(collection, "__dask_graph__")


def list_blocks(collection, name):
    """List the lazy blocks of rows of a Dask array, series or dataframe."""
    if not (is_dask(collection) and hasattr(collection, "to_delayed")):
        advice = (
            "For rows in memory there is MLPSigmoidClassifier; in a pipeline, scikit-learn's "
            "transformers make rows in memory of Dask collections."
            if name == "X"
            else f"Make one with da.from_array({name}, chunks=X.chunks[0])."
        )
        raise TypeError(
            f"`{name}` must be a Dask array, series or dataframe; got "
            f"{type(collection).__name__}. {advice}"
        )
    if hasattr(collection, "rechunk"):
        if collection.ndim == 2 and collection.numblocks[1] > 1:
            collection = collection.rechunk({1: -1})
        return collection.to_delayed().ravel().tolist()
    return list(collection.to_delayed())


def align_blocks(X, y, weight):
    """List the lazy blocks of X, y and weights together."""
    aligned = [list_blocks(X, "X")]
    for name, other in (("y", y), ("sample_weight", weight)):
        if other is None and name == "sample_weight":
            aligned.append([None] * len(aligned[0]))
            continue
        known = [np.sum(getattr(c, "chunks", [[nan]])[0]) for c in (X, other)]
        if not np.isnan(known).any() and known[0] != known[1]:
            raise ValueError(f"`{name}` must have as many rows as X, {known[0]}; got {known[1]}.")
        if known[0] == known[1] and X.chunks[0] != other.chunks[0]:
            other = other.rechunk({0: X.chunks[0]})
        blocks = list_blocks(other, name)
        if len(blocks) != len(aligned[0]):
            raise ValueError(
                f"`{name}` must have as many blocks as X, {len(aligned[0])}; got {len(blocks)}."
            )
        aligned.append(blocks)
    return list(zip(*aligned))
