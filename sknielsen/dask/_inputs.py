"""Inputs whose training rows lie on the workers: summarised there, judged here, kept there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sknielsen._guards import sample_size
from sknielsen._inputs import (
    SPARSE_AUGMENT,
    Given,
    Inputs,
    is_dask,
    new_to_validation,
    refuse_dask,
    validation_data,
)
from sknielsen._labels import Labels
from sknielsen._parameters import Parameters
from sknielsen._plain import warn_of_large_inputs
from sknielsen._warn import warn
from sknielsen.core.contracts import Array
from sknielsen.core.data import Data, digest, finite_total
from sknielsen.core.randomness import MONITOR, SHUFFLE, generator
from sknielsen.core.state import State
from sknielsen.dask._cluster import Cluster, align_blocks
from sknielsen.dask._tasks import (
    BlockSummary,
    Job,
    check_block,
    compare_rows,
    digests,
    encode_block,
    order,
    remarks_on,
    sample_block,
    summarise_block,
)

_IMAGES = 1000  # rows that an augmenter is asked about
_UNLIKE = 0.3  # mean total variation distance of the blocks' labels from those of all rows


class Block(NamedTuple):
    """A block of rows on the workers."""

    number: int
    rows: Any  # future of `Rows`
    codes: Any  # future of the rows' classes
    n_rows: int
    total_weight: float
    n_weighted: int  # rows whose weight in the cost is above zero

    @property
    def task(self) -> tuple[int, Any, Any]:
        """What a task on this block takes."""
        return self.number, self.rows, self.codes


class RemoteRows:
    """Training rows on the workers, block by block.

    Parameters
    ----------
    cluster : Cluster
    blocks : list of Block
    job : Job
        What tasks on the blocks need to know.
    """

    def __init__(self, cluster: Cluster, blocks: list[Block], job: Job) -> None:
        self.cluster = cluster
        self.blocks = blocks
        self.job = job
        self.sizes = np.array([block.n_rows for block in blocks])
        self.total_weight = finite_total(sum(block.total_weight for block in blocks))

    def __len__(self) -> int:
        return int(self.sizes.sum())

    def digests(self) -> dict[str, str | None]:
        """Return a digest of each array, of its blocks in order; None for what is not there."""
        job = self.cluster.share(self.job)
        tasks = [self.cluster.submit(digests, job, *block.task) for block in self.blocks]
        found = self.cluster.gather(tasks)
        whole: dict[str, str | None] = {}
        for name, first in found[0].items():
            joined = "".join(of_block[name] for of_block in found) if first else ""
            whole[name] = digest(np.frombuffer(bytes.fromhex(joined), np.uint8)) if first else None
        return whole

    def batches(
        self, epoch: int, batch_size: int, shuffle: bool
    ) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
        """Cut an epoch into mini-batches over all blocks.

        How many rows of each block a mini-batch holds is drawn as if it were drawn from all the
        rows that are left.

        Yields
        ------
        m : int
            Rows of the mini-batch.
        parts : list of tuple
            Of each block that has some of them: what its task takes, the order of its rows, and
            the begin and the end of those in this mini-batch.
        """
        left, rng = self.sizes.copy(), generator(self.job.seed, SHUFFLE, epoch)
        orders: list[Any] = [None] * len(self.blocks)
        if shuffle and batch_size < len(self):
            orders = [
                self.cluster.submit(order, self.job.seed, block.number, block.n_rows, epoch)
                for block in self.blocks
            ]
        while n_left := int(left.sum()):
            m = min(batch_size, n_left)
            if m == n_left:
                counts = left.copy()
            elif shuffle:
                counts = draw(rng, left, m)
            else:
                counts = np.clip(m - (np.cumsum(left) - left), 0, left)
            begins = self.sizes - left
            left -= counts
            parts = zip(self.blocks, orders, begins.tolist(), counts.tolist())
            yield (
                m,
                [
                    (*block.task, in_order, begin, begin + count)
                    for block, in_order, begin, count in parts
                    if count
                ],
            )


@dataclass(frozen=True, eq=False)
class DaskInputs(Inputs):
    """Inputs with a `RemoteRows` to train on; `monitor` lists blocks with a number of rows each.

    Parameters
    ----------
    cluster : Cluster
        Closed with the inputs.
    """

    cluster: Cluster | None = None

    def close(self) -> None:
        """Have the workers forget the rows."""
        assert self.cluster is not None
        self.cluster.close()


@dataclass(frozen=True)
class Decision:
    """What all blocks together decide."""

    labels: Labels
    codes: Array  # of the classes that occur, or of one row with several labels
    n_outputs: int
    n_features: int
    feature_names: Array | None
    dtype: np.dtype[Any]
    class_weight: Array | None
    weights: Array  # of shape (n_blocks, n_classes), for each class in each block
    counts: Array  # of rows with a weight, of the same shape


def dask_inputs(
    cluster: Cluster,
    probe: Any,
    model: Any,
    parameters: Parameters,
    seed: int,
    start: State | None,
    given: Given,
) -> DaskInputs:
    """Have blocks of rows checked where they lie, and make the inputs of training.

    Parameters
    ----------
    cluster : Cluster
        Closed with the inputs.
    probe : DaskMLPSigmoidClassifier
        A copy of the user's one; with what it has learned if training continues.
    model : MLPSigmoidClassifier
        What the workers are given of the probe.
    parameters : Parameters
    seed : int
    start : State or None
        The state that training continues from.
    given : Given

    Raises
    ------
    ValueError, TypeError
        If something given is not what is accepted.

    Warns
    -----
    UserWarning
        As `sknielsen._inputs.local_inputs`; also of blocks of different classes.
    """
    _require_in_memory(given, parameters)
    checked, summaries = _summarise(cluster, model, start, given)
    if parameters.augment is not None and any(summary.sparse for summary in summaries):
        raise TypeError(SPARSE_AUGMENT)
    decision = _decide(summaries, probe, parameters, start, given)
    rows = _build(cluster, checked, summaries, decision, seed)
    if probe.sync == "average":
        _warn_of_unlike_blocks(decision.weights)
    if start is None:
        _warn_of_images(rows, parameters.augment)
    validation = None
    if given.validation_rows is not None:
        probe.n_features_in_ = decision.n_features
        if decision.feature_names is not None:
            probe.feature_names_in_ = decision.feature_names
        validation = validation_data(
            probe,
            decision.labels,
            given,
            decision.dtype,
            decision.n_outputs,
            decision.class_weight,
        )
        if new_to_validation(start):
            _warn_of_validation(rows, validation, decision.codes)
    return DaskInputs(
        given,
        decision.labels,
        decision.n_outputs,
        decision.n_features,
        decision.feature_names,
        decision.dtype,
        rows,
        _monitored(rows, parameters.monitor_samples, seed),
        validation,
        cluster=cluster,
    )


def _require_in_memory(given: Given, parameters: Parameters) -> None:
    """Raise unless validation data are in memory, and there where they are needed."""
    refuse_dask(given.classes)
    for name in ("X_val", "y_val", "sample_weight_val"):
        part = getattr(given, name)
        if is_dask(part):
            raise TypeError(
                f"`{name}` must be in memory; got a Dask {type(part).__name__}. Pass "
                f"{name}.compute(), or leave validation data out and use `score`."
            )
    if parameters.needs_validation and given.validation_rows is None:
        raise ValueError(
            "Early stopping and the plateau schedule need `X_val` and `y_val`, in memory: no "
            "rows are split off Dask collections."
        )


def _summarise(
    cluster: Cluster, model: Any, start: State | None, given: Given
) -> tuple[list[Any], list[BlockSummary]]:
    """Have the blocks checked; return the futures of those that hold rows, and summaries."""
    shared, blocks = cluster.share(model), align_blocks(*given.rows)
    checked = cluster.compute(check_block, blocks, shared, start is not None)
    summaries = cluster.gather([cluster.submit(summarise_block, block) for block in checked])
    kept = [(block, summary) for block, summary in zip(checked, summaries) if summary]
    if not kept:
        raise ValueError("X must hold rows; all of its blocks are empty.")
    return [block for block, _ in kept], [summary for _, summary in kept]


def _decide(
    summaries: Sequence[BlockSummary],
    probe: Any,
    parameters: Parameters,
    start: State | None,
    given: Given,
) -> Decision:
    """Decide what one machine would have learned of all rows."""
    n_features, names, n_labels = _common(summaries)
    if start:
        dtype = start.weights[0].dtype
    else:
        dtype = np.result_type(*(summary.dtype for summary in summaries))
        n_values = sum(summary.n_rows for summary in summaries) * n_features
        warn_of_large_inputs(sum(summary.squares for summary in summaries) / n_values)
    present = np.unique(np.concatenate([summary.classes for summary in summaries]))
    y = np.zeros((1, n_labels), np.int8) if n_labels else present
    known = Labels(start.classes, start.multilabel) if start else None
    labels = Labels.learn(y, given.classes, known, parameters.streaming)
    n_outputs = labels.n_outputs(parameters.cost, probe.cost)
    codes = labels.encode(y)  # raises if a label is not among the classes
    weights, counts = _by_block_and_class(labels, summaries)
    by_class = labels.class_weight(
        parameters.class_weight, np.arange(weights.shape[1]), weights.sum(axis=0)
    )
    return Decision(labels, codes, n_outputs, n_features, names, dtype, by_class, weights, counts)


def _common(summaries: Sequence[BlockSummary]) -> tuple[int, Array | None, int]:
    """Return number and names of the features, and number of labels, which all blocks share."""
    kinds = {(s.n_features, s.names, s.n_labels, s.kind_of_labels) for s in summaries}
    if len(kinds) > 1:
        raise ValueError(
            "All blocks must have the same number of features, names of features, number of "
            f"labels, and kind of labels; got {sorted(kinds, key=str)}."
        )
    n_features, names, n_labels, _ = kinds.pop()
    return n_features, None if names is None else np.array(names, dtype=object), n_labels


def _by_block_and_class(labels: Labels, summaries: Sequence[BlockSummary]) -> tuple[Array, Array]:
    """Return weight and count (of rows with a weight) of each class in each block."""
    n_classes = 1 if labels.multilabel else len(labels.classes)
    weights, counts = np.zeros((2, len(summaries), n_classes))
    for of_classes, n_rows, summary in zip(weights, counts, summaries):
        at = np.array([0]) if labels.multilabel else labels.encode(summary.classes)
        of_classes[at], n_rows[at] = summary.weights, summary.counts
    return weights, counts.astype(np.int64)


def _build(
    cluster: Cluster,
    checked: Sequence[Any],
    summaries: Sequence[BlockSummary],
    decision: Decision,
    seed: int,
) -> RemoteRows:
    """Have the labels encoded; make the references to all blocks."""
    by_class = decision.class_weight
    factors = np.ones(decision.weights.shape[1]) if by_class is None else by_class
    shared = cluster.share(decision.labels)
    blocks = [
        Block(number, block, cluster.submit(encode_block, block, shared), n_rows, weight, count)
        for number, (block, n_rows, weight, count) in enumerate(
            zip(
                checked,
                [summary.n_rows for summary in summaries],
                (decision.weights @ factors).tolist(),
                (decision.counts @ (factors > 0)).tolist(),
            )
        )
    ]
    n_rows = sum(block.n_rows for block in blocks)
    mean = finite_total(sum(block.total_weight for block in blocks)) / n_rows or 1.0
    job = Job(decision.dtype, decision.n_outputs, by_class, mean, seed)
    return RemoteRows(cluster, blocks, job)


def _monitored(rows: RemoteRows, n_rows: int | None, seed: int) -> list[tuple[Block, int]]:
    """List the blocks that hold monitored rows, and how many each does; workers choose which."""
    counts = np.array([block.n_weighted for block in rows.blocks])
    if n_rows is not None and n_rows < counts.sum():
        counts = draw(generator(seed, MONITOR), counts, n_rows)
    return [(block, int(count)) for block, count in zip(rows.blocks, counts) if count]


def draw(rng: np.random.Generator, sizes: Array, n_rows: int) -> Array:
    """Draw so many of all rows without replacement; return how many are of each block."""
    if sizes.sum() < 10**9:  # NumPy's limit
        return rng.multivariate_hypergeometric(sizes, n_rows, method="marginals")
    drawn = rng.choice(int(sizes.sum()), n_rows, replace=False, shuffle=False)
    return np.bincount(np.searchsorted(sizes.cumsum(), drawn, "right"), minlength=len(sizes))


def _warn_of_unlike_blocks(weights: Array) -> None:
    """Warn if blocks hold different classes; weights has shape (n_blocks, n_classes)."""
    totals = weights.sum(axis=1)
    if not totals.any():
        return
    shares = weights / np.maximum(totals, np.finfo(float).tiny)[:, None]
    distances = np.abs(shares - weights.sum(axis=0) / totals.sum()).sum(axis=1) / 2
    distance = float(np.average(distances, weights=totals))
    if distance > _UNLIKE:
        warn(
            "The blocks hold different classes, as if the rows were sorted by label: of a block's "
            f"labels {distance:.0%} on average would have to change to make it look like the "
            "whole. Averaged weights will learn badly. Shuffle the rows across the blocks, or "
            "take sync='gradient', to which the order of rows does not matter."
        )


def _warn_of_validation(rows: RemoteRows, validation: Data, codes: Array) -> None:
    """Warn where validation rows are seen to be training rows, or scaled differently."""
    rng, cluster = np.random.default_rng(0), rows.cluster
    n_val, limit = validation.X.shape[0], sample_size(validation.X)
    chosen = rng.choice(n_val, min(n_val, limit), replace=False)
    sample = cluster.share(validation.X[chosen])
    codes_val, samples = validation.codes[chosen], _samples(rows, limit, rng)
    task = cluster.submit(compare_rows, sample, codes, codes_val, len(rows), *samples)
    if remark := task.result():
        warn(remark)


def _warn_of_images(rows: RemoteRows, augment: Any) -> None:
    """Warn of what an augmenter remarks on a sample of the rows, if it has `remarks`."""
    if not hasattr(augment, "remarks"):
        return
    cluster = rows.cluster
    samples = _samples(rows, _IMAGES, np.random.default_rng(0))
    for remark in cluster.submit(remarks_on, cluster.share(augment), *samples).result():
        warn(remark)


def _samples(rows: RemoteRows, n_rows: int, rng: np.random.Generator) -> list[Any]:
    """Have so many rows drawn from all blocks, or all rows if there are fewer; return futures."""
    counts = draw(rng, rows.sizes, min(len(rows), n_rows))
    return [
        rows.cluster.submit(sample_block, block.rows, count)
        for block, count in zip(rows.blocks, counts.tolist())
        if count
    ]
