"""What the workers do: functions of one block of rows, which a task calls.

A block that is checked is a `Rows`; with the number of the block and its codes, it is what the
tasks of training take behind the `Job`.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_consistent_length

from sknielsen._guards import look_at_images, look_at_validation
from sknielsen._inputs import check_rows, check_weight
from sknielsen._labels import Labels, kind
from sknielsen.core.contracts import Array, Cost
from sknielsen.core.data import Data
from sknielsen.core.engine import Descent, LocalEngine, evaluate
from sknielsen.core.network import Network, Parts
from sknielsen.core.randomness import MONITOR, SHUFFLE, generator
from sknielsen.core.state import copies


class Rows(NamedTuple):
    """A block that has been checked."""

    X: Any
    y: Array
    weight: Array | None
    names: tuple[str, ...] | None


@dataclass(frozen=True)
class BlockSummary:
    """What a block tells about its rows.

    Parameters
    ----------
    n_rows, n_features : int
    names : tuple of str or None
        Names of the features.
    dtype : dtype
    sparse : bool
    squares : float
        Sum of the squares of all values.
    n_labels : int
        Columns of a multilabel target; 0 of another.
    classes : ndarray
        Those that occur, if the target is not multilabel.
    kind_of_labels : str
    weights, counts : ndarray
        Sum of the weights, and number of rows with a weight, of each of these classes; of all
        rows, if the target is multilabel.
    """

    n_rows: int
    n_features: int
    names: tuple[str, ...] | None
    dtype: np.dtype[Any]
    sparse: bool
    squares: float
    n_labels: int
    classes: Array
    kind_of_labels: str
    weights: Array
    counts: Array


@dataclass(frozen=True)
class Job:
    """What a task of training needs to know beside its block.

    Parameters
    ----------
    dtype : dtype
        That of the network.
    n_outputs : int
    class_weight : ndarray or None
        Factor of each class.
    mean_weight : float
        Mean weight of the rows of all blocks.
    seed : int
    descent : Descent or None
        How a block's rows are gone through; each task has a batch size and a seed of its own.
        None where nothing is trained.
    batch_size : int or None
        Rows of a block's own mini-batches; None takes all of its rows.
    weights, biases, velocity, cost, keep
        As of `Network`.
    epoch : int
    """

    dtype: np.dtype[Any]
    n_outputs: int
    class_weight: Array | None
    mean_weight: float
    seed: int
    descent: Descent | None = None
    batch_size: int | None = None
    weights: list[Array] = field(default_factory=list)
    biases: list[Array] = field(default_factory=list)
    velocity: Parts | None = None
    cost: Cost | None = None
    keep: Sequence[float] = ()
    epoch: int = 0

    def data(self, rows: Rows, codes: Array) -> Data:
        """Make the Data of a block."""
        X = rows.X.astype(self.dtype, copy=False)
        return Data(X, codes, self.n_outputs, rows.weight, self.class_weight)

    def network(self) -> Network:
        """Make a copy of the network: a task must not change what others share."""
        velocity = None
        if self.velocity is not None:
            velocity = copies(self.velocity[0]), copies(self.velocity[1])
        return Network(copies(self.weights), copies(self.biases), self.cost, self.keep, velocity)

    def engine(self, data: Data, **instead: Any) -> LocalEngine:
        """Make the engine of a task, whose descent differs in some fields."""
        assert self.descent is not None
        return LocalEngine(self.network(), data, replace(self.descent, **instead))


# --- blocks ------------------------------------------------------------------------------------


def check_block(model: Any, continuing: bool, X: Any, y: Any, weight: Any) -> Rows | None:
    """Check a block; return None if it is empty.

    Parameters
    ----------
    model : MLPSigmoidClassifier
        With what it has learned, if training continues.
    continuing : bool
    X, y, weight
        Rows, labels, and weights or None.
    """
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
    return Rows(X, y, weight, None if names is None else tuple(names))


def summarise_block(rows: Rows | None) -> BlockSummary | None:
    """Count what all blocks together are judged by; None of an empty block."""
    if rows is None:
        return None
    X, y, weight, names = rows
    weight = np.ones(len(y)) if weight is None else weight
    if y.ndim == 2:
        classes, codes = np.empty(0, int), np.zeros(len(y), int)
    else:
        classes, codes = np.unique(y, return_inverse=True)
    values = X.data if issparse(X) else X.ravel()
    return BlockSummary(
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


def encode_block(rows: Rows, labels: Labels) -> Array:
    """Return the codes of a block's labels."""
    return labels.encode(rows.y)


def sample_block(rows: Rows, count: int) -> Any:
    """Return some of a block's rows."""
    X = rows.X
    return X[np.sort(np.random.default_rng(0).choice(X.shape[0], count, replace=False))]


def remarks_on(augment: Any, *samples: Any) -> list[str]:
    """Return what an augmenter remarks on samples of the training rows."""
    return look_at_images(augment, np.concatenate(samples))


def compare_rows(
    X_val: Any, codes: Array, codes_val: Array, n_rows: int, *samples: Any
) -> str | None:
    """Look at validation rows and samples of the training rows; see `look_at_validation`."""
    sparse = any(map(issparse, samples))
    X = vstack(samples, format="csr") if sparse else np.concatenate(samples)
    return look_at_validation(
        X.astype(X_val.dtype, copy=False), X_val, codes, codes_val, n_rows=n_rows
    )


# --- training ----------------------------------------------------------------------------------


def digests(job: Job, number: int, rows: Rows, codes: Array) -> dict[str, str | None]:
    """Return a digest of each array of a block."""
    return job.data(rows, codes).digests()


def order(seed: int, number: int, n_rows: int, epoch: int) -> Array:
    """Return the rows of a block in the order of an epoch of several steps."""
    rows = np.arange(n_rows, dtype=np.int32)
    return generator([seed, number + 1], SHUFFLE, epoch).permutation(rows)


def sum_gradients(
    job: Job, number: int, rows: Rows, codes: Array, order: Array | None, begin: int, end: int
) -> list[Array]:
    """Sum the gradients of a block's rows `begin` to `end` in the epoch's order.

    Rows are weighted relative to the mean weight of all blocks' rows.
    """
    data = job.data(rows, codes)
    if end - begin < len(data):
        data = data.select((data.rows if order is None else order)[begin:end])
    seed = [job.seed, number + 1, begin]
    engine = job.engine(data, batch_size=len(data), seed=seed, shuffle=False)
    factor = 1.0 if engine.descent.absolute else data.mean_weight / job.mean_weight
    weights, biases = engine.with_threads(engine.gradients, job.epoch, factor)
    return [*weights, *biases]


def local_epoch(
    job: Job, number: int, rows: Rows, codes: Array, eta: float, share: float
) -> list[Array]:
    """Train on a block by itself for an epoch; return weights and velocity times `share`."""
    data = job.data(rows, codes)
    batch_size = min(job.batch_size or len(data), len(data))
    engine = job.engine(data, batch_size=batch_size, seed=[job.seed, number + 1])
    engine.with_threads(engine.run_epoch, job.epoch, eta)
    network = engine.network
    arrays = network.weights + network.biases
    for some in network.velocity or ():
        arrays = arrays + some
    return [array.dtype.type(share) * array for array in arrays]


def figures(
    job: Job, number: int, rows: Rows, codes: Array, count: int
) -> tuple[list[float], tuple[float, float, int]]:
    """Return what `evaluate` measures on a block's monitored rows, and the weight of each mean.

    The rows are always the same ones. Without hidden layers, the saturation is NaN.
    """
    data = job.data(rows, codes)
    weight = data.relative_weight(data.rows)
    chosen = data.rows if weight is None else data.rows[weight > 0]
    if count < len(chosen):
        rng = generator([job.seed, number + 1], MONITOR)
        chosen = np.sort(rng.choice(chosen, count, replace=False))
    data = data.select(chosen)
    found = evaluate(job.network(), data)
    weight = data.weight(chosen)
    rows_weight = len(data) if weight is None else float(weight.sum(dtype=np.float64))
    measured = [np.nan if figure is None else figure for figure in found]
    return measured, (data.total_weight, rows_weight, len(data))


# --- predictions -------------------------------------------------------------------------------


def predict_block(model: Any, method: str, X: Any, none: Array) -> Array:
    """Predict the rows of a block by a method of the model; `none` is the result of no rows."""
    if not X.shape[0]:
        return none
    predicted: Array = getattr(model, method)(X)
    return predicted.astype(none.dtype, copy=False)


def score_block(model: Any, X: Any, y: Any, weight: Any) -> tuple[float, float]:
    """Return the weight of the rows that are classified rightly, and that of all."""
    check_consistent_length(X, y, weight)
    weight = np.ones(X.shape[0]) if weight is None else np.ravel(weight).astype(float)
    if not weight.any():  # or no rows
        return 0.0, 0.0
    y = np.reshape(y, -1) if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1 else y
    right = accuracy_score(y, model.predict(X), normalize=False, sample_weight=weight)
    return float(right), float(weight.sum())
