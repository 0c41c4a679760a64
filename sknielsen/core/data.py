"""The rows a network sees: inputs, labels as codes, weights, given out a chunk at a time.

Nothing as large as the data is made here. Chosen rows are gathered into one small buffer, sparse
rows made dense and codes made targets on the way: gathering into a buffer that stays in the
cache costs half of what a whole shuffled copy of X does.
"""

import hashlib
from collections.abc import Generator, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import issparse

from sknielsen.core.activations import sigmoid, softmax
from sknielsen.core.caching import cached_property
from sknielsen.core.contracts import Activation, Array

CACHED_BYTES = 256 * 1024  # rows gathered at a time
# Rows and activations of the largest mini-batch held at once, unless the weights take more: the
# sum of the steps of its parts would take as much as the weights.
_HELD_BYTES = 4 * 1024 * 1024
_MEASURED_BYTES = 1024 * 1024  # rows and activations measured at a time
_WORTH_A_PRODUCT = 128  # rows for which BLAS may read wide weights, where that many are held

# Rows gathered at once: the position of the first one, inputs, targets, weights.
Chunk: TypeAlias = tuple[int, Array, Array, Array | None]
# A mini-batch, or a part of one: inputs, targets, weights, rows of the whole mini-batch,
# and whether this is its first and its last part. (A plain tuple: reading the fields of a named
# one takes a twentieth of the time of a small mini-batch.)
Batch: TypeAlias = tuple[Array, Array, Array | None, int, bool, bool]


class Data:
    """Labelled rows, or a selection of them.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_samples, n_features)
        In the network's dtype; C order if dense.
    codes : ndarray of shape (n_samples,) or (n_samples, n_labels)
        The class of each row as an integer from 0, or a multilabel indicator matrix.
    n_outputs : int
        Output units: 1 for two classes under a sigmoid, else one for each class or label.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weight of each row.
    class_weight : ndarray of shape (n_classes,), default=None
        Further factor of the cost of each class's rows.
    rows : ndarray of int, default=None
        The rows selected; None selects all.

    Attributes
    ----------
    total_weight : float
        Sum of the rows' weights in the cost; their number when there are no weights.

    Raises
    ------
    ValueError
        If the sum of the weights is not finite.
    """

    total_weight: float

    def __init__(
        self,
        X: Any,
        codes: Array,
        n_outputs: int,
        sample_weight: Array | None = None,
        class_weight: Array | None = None,
        rows: Array | None = None,
    ) -> None:
        self.X = X
        self.codes = codes
        self.sample_weight = sample_weight
        self.class_weight = class_weight
        self.rows: Array = np.arange(X.shape[0], dtype=np.int32) if rows is None else rows
        self._measure_weights()
        self.n_outputs = n_outputs
        self._units = np.ones(1, int) if n_outputs == 1 else np.arange(n_outputs)
        self._x = np.empty((0, X.shape[1]), X.dtype)
        self._y = np.empty((0, n_outputs), X.dtype)

    def __len__(self) -> int:
        return len(self.rows)

    def _measure_weights(self) -> None:
        """Sum the weights, scaled by powers of two that bring them near one.

        Then neither the sum of huge weights nor the mean of tiny ones is lost, and no bit is.
        """
        given = self.sample_weight, self.class_weight
        self._exponents = [0 if w is None else int(np.frexp(w.max())[1]) for w in given]
        weight = self._scaled(self.rows)
        if weight is None or not len(self):
            self._mean, self.total_weight = 1.0, float(len(self))
            return
        total = float(weight.sum())
        self._mean = total / len(self) or 1.0  # 1 where no row has weight
        with np.errstate(all="ignore"):
            self.total_weight = finite_total(np.ldexp(total, sum(self._exponents)))

    def select(self, rows: Array) -> "Data":
        """Make the Data of other rows of the same arrays."""
        return Data(
            self.X, self.codes, self.n_outputs, self.sample_weight, self.class_weight, rows
        )

    @property
    def multilabel(self) -> bool:
        """Whether each output is a label of its own."""
        return self.codes.ndim == 2

    def weight(self, rows: Array) -> Array | None:
        """Sample weights of rows; None when there are none."""
        return None if self.sample_weight is None else self.sample_weight[rows]

    def _scaled(self, rows: Array | slice) -> Array | None:
        """Return scaled weights of rows, by sample times by class; None when there are none."""
        if self.sample_weight is None and self.class_weight is None:
            return None
        by_sample, by_class = self._exponents
        weight = None
        with np.errstate(under="ignore"):
            if self.sample_weight is not None:
                weight = np.ldexp(self.sample_weight[rows], -by_sample)
            if self.class_weight is not None:
                of_class = np.ldexp(self.class_weight, -by_class)[self.codes[rows]]
                weight = of_class if weight is None else weight * of_class
        return weight

    @property
    def mean_weight(self) -> float:
        """Mean of the rows' weights in the cost; 1 where no row has weight."""
        return self.total_weight / len(self) or 1.0

    def relative_weight(self, rows: Array) -> Array | None:
        """Weights of rows in the cost, by sample and class, over the mean of those of these Data.

        None when there are none.
        """
        weight = self._scaled(rows)
        return None if weight is None else weight / self._mean

    def step_weights(self, batch_size: int, absolute: bool) -> tuple[Array, Array] | None:
        """Return what each row weighs in a step, and how often an epoch visits it.

        A row much heavier than the others would take a step far beyond eta. Therefore a row that
        is heavier than `batch_size` times the mean is visited several times, each time with an
        equal part of its weight; an epoch grows by at most one row in `batch_size`.

        Parameters
        ----------
        batch_size : int
            Rows of a mini-batch.
        absolute : bool
            Whether weights are taken as they are, as in a stream, where 1 is an ordinary row;
            else they are divided by their mean.

        Returns
        -------
        weights : ndarray of shape (n_samples,)
            For all rows of X, in its dtype.
        visits : ndarray of int of shape (n_samples,)
            None is returned for both where there are no weights.
        """
        scaled = self._scaled(slice(None))
        if scaled is None:
            return None
        mean = 1.0
        with np.errstate(all="ignore"):  # weights too small for the dtype become 0
            if absolute:
                scaled, mean = np.ldexp(scaled, sum(self._exponents)), max(1.0, self.mean_weight)
            else:
                scaled = scaled / self._mean
            # What exceeds the limit by rounding alone does not exceed it.
            visits = np.ceil(scaled / (batch_size * mean) * (1 - 1e-9)).clip(1).astype(np.int64)
            return (scaled / visits).astype(self.X.dtype), visits

    def digests(self) -> dict[str, str | None]:
        """Return a digest of each array, None for what is not there, to know the data again."""
        arrays = {"X": self.X, "y": self.codes, "sample_weight": self.sample_weight}
        return {name: None if a is None else digest(a) for name, a in arrays.items()}

    def gather(self, rows: Array) -> tuple[Array, Array]:
        """Gather rows and their targets.

        Parameters
        ----------
        rows : ndarray of int of shape (m,)

        Returns
        -------
        x : ndarray of shape (m, n_features)
            In C order. The next call overwrites it, and so may the caller.
        y : ndarray of shape (m, n_outputs)
            Targets, zeros and ones. The next call overwrites it.
        """
        m = len(rows)
        if m > len(self._x):
            self._x = np.empty((m, self._x.shape[1]), self._x.dtype)
        x = self._x[:m]
        if issparse(self.X):
            self.X[rows].toarray(out=x)
        else:
            np.take(self.X, rows, 0, x, "clip")  # "clip" lets it write into x directly
        return x, self._targets(self.codes[rows])

    def _targets(self, codes: Array) -> Array:
        """Write the targets of rows with these codes; the next call overwrites them."""
        m = len(codes)
        if m > len(self._y):
            self._y = np.empty((m, self._y.shape[1]), self._y.dtype, order="F")
        y = self._y[:m]
        if codes.ndim == 1:
            np.equal(codes[:, None], self._units, y)
        else:
            y[...] = codes
        return y

    @cached_property
    def _is_a_slice(self) -> bool:
        """Whether the rows are dense and lie together in X, so that they need not be gathered."""
        if issparse(self.X) or not len(self):
            return False
        return np.array_equal(self.rows, np.arange(self.rows[0], self.rows[0] + len(self)))

    def read(self, start: int, stop: int) -> tuple[Array, Array, Array]:
        """Return rows of the selection, which the caller may not overwrite.

        Parameters
        ----------
        start, stop : int
            Positions in `rows`.

        Returns
        -------
        x, y : ndarray
            As `gather` returns them.
        codes : ndarray of int
        """
        rows = self.rows[start:stop]
        if self._is_a_slice:
            together = slice(rows[0], rows[0] + len(rows))
            codes = self.codes[together]
            return self.X[together], self._targets(codes), codes
        return *self.gather(rows), self.codes[rows]

    def chunks(
        self,
        batch_size: int,
        n_units: int,
        cached_bytes: int = CACHED_BYTES,
        n_rows: int | None = None,
        n_weights: int = 0,
    ) -> Iterator[tuple[int, int]]:
        """Cut the rows into runs that are gathered at once.

        A run is several whole mini-batches, as many as fit the cache, or a part of one that is
        too large to be held with its activations.

        Parameters
        ----------
        batch_size : int
        n_units : int
            Hidden and output units together; a pass holds about three numbers for each.
        cached_bytes : int
            How much of X a run of several mini-batches may hold.
        n_rows : int, default=None
            Number of rows; None takes that of the selection.
        n_weights : int, default=0
            Weights of the network, if it is trained.

        Yields
        ------
        start, stop : int
            Positions in `rows`.
        """
        n_rows, n_features = n_rows or len(self), self.X.shape[1]
        held = rows_held(n_features, n_units, self.X.dtype, n_weights)
        if batch_size > held:
            span, part = batch_size, held
        else:
            row_bytes = n_features * self.X.dtype.itemsize
            span = part = batch_size * max(1, cached_bytes // (row_bytes * batch_size))
        for begin in range(0, n_rows, span):
            end = min(begin + span, n_rows)
            for start in range(begin, end, part):
                yield start, min(start + part, end)

    def gathered(
        self,
        rows: Array,
        weights: Array | None,
        batch_size: int,
        n_units: int,
        cached_bytes: int,
        n_weights: int = 0,
    ) -> Generator[Chunk, None, None]:
        """Gather rows, and what each weighs in a step, a chunk at a time; see `chunks`."""
        for start, stop in self.chunks(batch_size, n_units, cached_bytes, len(rows), n_weights):
            chunk = rows[start:stop]
            x, y = self.gather(chunk)
            yield start, x, y, None if weights is None else weights[chunk]


def batches(chunks: Iterable[Chunk], batch_size: int, n_rows: int) -> Iterator[Batch]:
    """Cut chunks into mini-batches, or parts of those that are larger than a chunk.

    Parameters
    ----------
    chunks : iterable of Chunk
        As `Data.gathered` yields them.
    batch_size : int
        Rows of a mini-batch; the last one holds those that are left.
    n_rows : int
        Rows of all chunks.
    """
    for start, x, y, weight in chunks:
        for i in range(0, len(x), batch_size):
            part = slice(i, i + batch_size)
            begin, end = start + i, start + min(i + batch_size, len(x))
            whole = begin - begin % batch_size
            m = min(batch_size, n_rows - whole)
            w = None if weight is None else weight[part]
            yield x[part], y[part], w, m, begin == whole, end == whole + m


def spread(rows: Array, visits: Array) -> Array:
    """Repeat rows as often as they are visited, at even distances.

    Parameters
    ----------
    rows : ndarray of int
        Row numbers, in the order of an epoch.
    visits : ndarray of int
        For each row number, how often an epoch visits it.
    """
    counts = visits[rows]
    n_visits = int(counts.sum())
    if n_visits == len(rows):
        return rows
    which = np.repeat(np.arange(len(rows)), counts)
    nth = np.arange(n_visits) - np.repeat(np.cumsum(counts) - counts, counts)
    at = (which / len(rows) + nth / counts[which]) % 1.0
    return rows[which[np.argsort(at, kind="stable")]]


def finite_total(weight: float, name: str = "`sample_weight` times `class_weight`") -> float:
    """Return a sum of weights; raise ValueError if it is not finite."""
    if not np.isfinite(weight):
        raise ValueError(f"The weights of the rows, {name}, must have a finite sum; got {weight}.")
    return float(weight)


def rows_held(n_features: int, n_units: int, dtype: np.dtype[Any], n_weights: int = 0) -> int:
    """Return how many rows a pass may hold at once, with their activations and errors."""
    most_bytes = max(_HELD_BYTES, dtype.itemsize * n_weights)
    return max(1, most_bytes // (dtype.itemsize * (n_features + 3 * n_units)))


def rows_measured(n_features: int, n_units: int, dtype: np.dtype[Any]) -> int:
    """Return how many rows a pass that only goes forward takes at once: what the cache holds.

    Of wide rows it takes more, since weights that the cache cannot hold are read for all of them.
    """
    row_bytes = dtype.itemsize * (n_features + n_units)
    held = min(rows_held(n_features, n_units, dtype), _WORTH_A_PRODUCT)
    return max(held, _MEASURED_BYTES // row_bytes)


def split(codes: Array, n_held_out: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw rows to hold out, from every class its share.

    `sklearn.model_selection.train_test_split` does the same, but takes 60 bytes a row.

    Parameters
    ----------
    codes : ndarray of int of shape (n_samples,)
        Class of each row; at least two rows of each.
    n_held_out : int
        Rows to hold out. Of every class at least one is held out and one kept, also where this
        makes them a few more or less.
    rng : numpy.random.Generator

    Returns
    -------
    kept, held_out : ndarray of int
        Row numbers in rising order.
    """
    counts = np.bincount(codes)
    shares = counts * (n_held_out / len(codes))
    sizes = np.clip(shares.astype(int), 1, counts - 1)
    by_remainder = np.argsort(sizes - shares, kind="stable")
    by_remainder = by_remainder[(sizes < counts - 1)[by_remainder]]
    sizes[by_remainder[: max(0, n_held_out - sizes.sum())]] += 1
    is_held_out = np.zeros(len(codes), bool)
    for code, size in enumerate(sizes):
        is_held_out[rng.choice(np.flatnonzero(codes == code), size, replace=False)] = True
    return np.flatnonzero(~is_held_out).astype(np.int32), np.flatnonzero(is_held_out)


def digest(values: Any) -> str:
    """Digest an array or CSR matrix, its shape and dtype included."""
    parts = (values.data, values.indices, values.indptr) if issparse(values) else (values,)
    result = hashlib.blake2b(f"{values.shape} {values.dtype}".encode(), digest_size=16)
    for part in parts:
        result.update(np.ascontiguousarray(part).data)
    return result.hexdigest()


def decide(z: Array, multilabel: bool, activation: Activation = sigmoid) -> Array:
    """Turn the output layer's weighted inputs into codes: what `predict` returns, encoded.

    An output that stands alone is decided by a > 1/2, several of them by the largest a. For
    `sigmoid` and `softmax` z tells this, also where outputs saturate.

    Parameters
    ----------
    z : ndarray of shape (n_samples, n_outputs)
        Not changed.
    multilabel : bool
        Whether each output is a label of its own.
    activation : callable, default=sigmoid
        Overwrites z with the outputs a.

    Returns
    -------
    ndarray of int of shape (n_samples,), or (n_samples, n_outputs) if multilabel
    """
    threshold = 0.0
    if activation is not sigmoid and activation is not softmax:
        threshold, z = 0.5, z.copy()
        with np.errstate(all="ignore"):
            activation(z)
    if multilabel:
        return (z > threshold).astype(int)
    return (z[:, 0] > threshold).astype(int) if z.shape[1] == 1 else z.argmax(axis=1)
