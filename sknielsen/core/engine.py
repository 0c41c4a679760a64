"""The engine: it trains an epoch by mini-batch stochastic gradient descent, and measures.

`LocalEngine` holds the rows in memory. An engine for rows elsewhere has the same three methods,
which `sknielsen.core.contracts.Engine` describes; the training loop knows no other.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from sknielsen.core.activations import count_saturated
from sknielsen.core.blas import blas_threads
from sknielsen.core.contracts import Array, Augmenter, Penalty, Record
from sknielsen.core.data import CACHED_BYTES, Chunk, Data, batches, decide, rows_measured, spread
from sknielsen.core.distortion import distorted_ahead
from sknielsen.core.network import Network, Parts, Shrink, zeros_like
from sknielsen.core.randomness import DROPOUT, SHUFFLE, generator
from sknielsen.core.state import State


@dataclass(frozen=True)
class Descent:
    """How mini-batch gradient descent goes through rows.

    Parameters
    ----------
    batch_size : int
        Rows of a mini-batch.
    seed : int or sequence of int
        Seed of shuffling, dropout and distortions.
    penalty : Penalty
    lmbda : float
        Strength of the penalty.
    n : float
        Size of the training set, by which lmbda is divided.
    momentum : float
        Momentum coefficient.
    shuffle : bool
        Whether each epoch visits the rows in an order of its own.
    augment : Augmenter or None
        Distorts the rows of each epoch anew.
    absolute : bool, default=False
        Whether weights of rows are taken as they are; else they are divided by their mean.
    """

    batch_size: int
    seed: int | Sequence[int]
    penalty: Penalty
    lmbda: float
    n: float
    momentum: float
    shuffle: bool
    augment: Augmenter | None
    absolute: bool = False

    @classmethod
    def of(cls, parameters: Any, state: State, batch_size: int, total_weight: float) -> Self:
        """Choose what of the classifier's parameters an epoch depends on.

        Parameters
        ----------
        parameters : Parameters
        state : State
        batch_size : int
        total_weight : float
            Sum of the training rows' weights, for lmbda / n where `n_total` is not given.
        """
        return cls(
            batch_size,
            state.seed,
            parameters.penalty,
            state.lmbda,
            float(parameters.n_total or total_weight),
            parameters.momentum,
            parameters.shuffle,
            parameters.augment,
            absolute=parameters.streaming,  # since a block cannot know the weights of the others
        )

    def shrink(self, eta: float) -> Shrink | None:
        """Return the penalty's own step at this eta; None if it leaves weights alone."""
        rate = eta * self.lmbda / self.n
        return partial(self.penalty.shrink, rate=rate) if rate else None

    def penalty_value(self, network: Network) -> float:
        """Compute the penalty of the network's weights; without a strength there is none."""
        if not self.lmbda:
            return 0.0
        with np.errstate(all="ignore"):
            return self.lmbda / self.n * self.penalty.value(network.weights)


class LocalEngine:
    """Gradient descent through rows in memory.

    Parameters
    ----------
    network : Network
        Trained in place.
    train : Data
        Training rows.
    descent : Descent
    monitor, validation : Data or None
        Rows on which `measure` takes the training and the validation figures.
    """

    def __init__(
        self,
        network: Network,
        train: Data,
        descent: Descent,
        monitor: Data | None = None,
        validation: Data | None = None,
    ) -> None:
        self.network = network
        self.train = train
        self.descent = descent
        self.monitor = monitor
        self.validation = validation
        self._parts: Parts | None = None  # the step of a mini-batch that comes in parts
        weighted = train.step_weights(descent.batch_size, descent.absolute)
        self._weights: Array | None = weighted[0] if weighted else None
        self._visits: Array | None = weighted[1] if weighted else None
        self._run = blas_threads(descent.batch_size, network.layer_sizes)

    def with_threads(self, function: Any, *args: Any) -> Any:
        """Return ``function(*args)``, called with the threads of BLAS that suit a mini-batch."""
        return self._run(function, *args)

    def run_epoch(self, epoch: int, eta: float) -> None:
        """Descend once through all rows, a mini-batch at a time."""
        network, momentum = self.network, self.descent.momentum
        shrink, masks = self.descent.shrink(eta), self._masks(epoch)
        rows = self._order(epoch)
        # Divergence is looked for after the epoch.
        with np.errstate(all="ignore"), closing(self._chunks(epoch, rows)) as chunks:
            for x, y, weight, m, first, last in batches(
                chunks, self.descent.batch_size, len(rows)
            ):
                network.forward(x, masks)
                network.backward(y, weight)
                if first and last and self._parts is None:
                    network.descend(eta / m, shrink, momentum)
                else:
                    self._descend_in_parts(eta / m, shrink, first, last)

    def _descend_in_parts(
        self, step: float, shrink: Shrink | None, first: bool, last: bool
    ) -> None:
        """Add a part of a mini-batch to its step; take the step with the last part.

        So goes a smaller mini-batch that follows, too, even if it is whole: a step that is added
        up apart rounds otherwise than one that is subtracted at once.
        """
        network = self.network
        if self._parts is None:
            self._parts = network.velocity or zeros_like((network.weights, network.biases))
        network.accumulate(self._parts, step, self.descent.momentum if first else 1.0)
        if last:
            network.move(self._parts, shrink)

    def gradients(self, epoch: int, factor: float) -> Parts:
        """Sum the gradients of all rows, times a factor, without a step."""
        network, masks = self.network, self._masks(epoch)
        total, rows = zeros_like((network.weights, network.biases)), self._order(epoch)
        with np.errstate(all="ignore"), closing(self._chunks(epoch, rows)) as chunks:
            for x, y, weight, *_ in batches(chunks, self.descent.batch_size, len(rows)):
                network.forward(x, masks)
                network.backward(y, weight)
                network.accumulate(total, -factor, 1.0)
        return total

    def _masks(self, epoch: int) -> np.random.Generator | None:
        """Make the generator of an epoch's dropout masks; None without dropout."""
        has_dropout = min(self.network.keep) < 1.0
        return generator(self.descent.seed, DROPOUT, epoch) if has_dropout else None

    def _order(self, epoch: int) -> Array:
        """Return the row numbers of an epoch in the order of its visits."""
        rows = self.train.rows
        if self.descent.shuffle and len(rows) > 1:
            rows = generator(self.descent.seed, SHUFFLE, epoch).permutation(rows)
        return rows if self._visits is None else spread(rows, self._visits)

    def _chunks(self, epoch: int, rows: Array) -> Generator[Chunk, None, None]:
        """Gather the rows of an epoch, a chunk at a time, distorted."""
        descent, network = self.descent, self.network
        # With distortions in fewer, larger chunks, since two threads take turns at every call of
        # Python.
        cached = CACHED_BYTES if descent.augment is None else 4 * CACHED_BYTES
        chunks = self.train.gathered(
            rows, self._weights, descent.batch_size, network.n_units, cached, network.n_weights
        )
        if descent.augment is None:
            return chunks
        return distorted_ahead(chunks, descent.augment, descent.seed, epoch)

    def measure(self) -> Record:
        """Measure the penalty, and the network on monitored and on validation rows.

        Returns
        -------
        dict of float
            Figures of an epoch's record, those that exist.
        """
        record = {"penalty": self.descent.penalty_value(self.network)}
        if self.monitor:
            record |= train_figures(*evaluate(self.network, self.monitor))
        if self.validation:
            record |= validation_figures(self.network, self.validation)
        return record


def train_figures(cost: float, accuracy: float, saturation: float | None) -> Record:
    """Name the figures of `evaluate` on training rows."""
    record = {"train_cost": cost, "train_accuracy": accuracy}
    return record if saturation is None else record | {"saturation": saturation}


def validation_figures(network: Network, validation: Data) -> Record:
    """Measure a network on validation rows."""
    cost, accuracy, _ = evaluate(network, validation)
    return {"validation_cost": cost, "validation_accuracy": accuracy}


def evaluate(network: Network, data: Data) -> tuple[float, float, float | None]:
    """Measure a network on rows, with the threads of BLAS that suit them.

    Returns
    -------
    cost : float
        Mean over the rows, weighted by sample and class as in training.
    accuracy : float
        Share of the rows whose labels are all predicted rightly; weighted by sample.
    saturation : float or None
        Share of the hidden activations with sigma'(z) < 0.01; None without hidden layers.
    """
    at_once = min(len(data), rows_measured(data.X.shape[1], network.n_units, network.dtype))
    run = blas_threads(at_once, network.layer_sizes, few=True)
    with np.errstate(all="ignore"):
        costs, right, n_saturated = run(_measure_rows, network, data, at_once)
        n_hidden = len(data) * sum(network.layer_sizes[1:-1])
        return (
            _mean(costs, data.relative_weight(data.rows)),
            _mean(right, data.weight(data.rows)),
            n_saturated / n_hidden if n_hidden else None,
        )


def _measure_rows(network: Network, data: Data, at_once: int) -> tuple[Array, Array, int]:
    """Return the cost of each row, whether it is predicted rightly, and saturated activations."""
    cost = network.cost
    assert cost is not None
    costs, right, n_saturated = np.empty(len(data)), np.empty(len(data), bool), 0
    for start in range(0, len(data), at_once):
        part = slice(start, start + at_once)
        x, y, codes = data.read(start, start + at_once)
        z = network.forward(x)
        costs[part] = cost.value(z, y)
        same = decide(z, data.multilabel, cost.activation) == codes
        right[part] = same.all(axis=1) if data.multilabel else same
        n_saturated += sum(map(count_saturated, network.hidden))
    return costs, right, n_saturated


def _mean(values: Array, weights: Array | None) -> float:
    if weights is None:
        return float(values.sum()) / len(values)
    return float(np.average(values, weights=weights))
