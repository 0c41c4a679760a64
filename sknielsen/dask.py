"""Training on rows that lie on the workers of a Dask cluster; needs the extra ``dask``.

The classifier is the plain one, and so is its training loop. What differs are the two things
that the loop is given: `_Rows` in place of `Data`, which hands out references to rows, and
`_DaskNetwork` in place of `Network`, whose passes over such references are tasks on the workers.
A task runs the plain `run_epoch` over the rows of one block, or the plain `evaluate` over those
that are monitored. Rows never leave the workers; what travels are weights and sums of gradients.
"""

import copy
import inspect
import weakref
from math import nan
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sknielsen._blas import blas_threads
from sknielsen._classifier import (
    SPARSE_AUGMENT,
    MLPSigmoidClassifier,
    _both_or_none,
    _check_weight,
    _warn_of_large_inputs,
)
from sknielsen._data import Data, digest, rows_held
from sknielsen._guards import choose_rows, remark_on_validation, scale_difference, shared_rows
from sknielsen._network import Network
from sknielsen._training import MONITOR, SHUFFLE, evaluate, generator, run_epoch
from sknielsen._warn import warn

_FAN_IN = 8  # sums that a node of the reduction tree adds
_MANY_ROUNDS = 1_000  # an epoch's rounds that deserve a warning: a round takes some 20 ms
_UNLIKE = 0.3  # mean total variation distance of the blocks' labels from those of all rows


def _dask():
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


class DaskMLPSigmoidClassifier(MLPSigmoidClassifier):
    """`MLPSigmoidClassifier` that trains on Dask arrays and dataframes, where they lie.

    `fit`, `partial_fit` and `score` take X as a Dask array or dataframe, and y and
    `sample_weight` as arrays, series or dataframes in as many blocks. Blocks may be of unequal,
    unknown or no size. `predict`, `predict_proba`, `predict_log_proba` and `decision_function`
    of a Dask collection are lazy Dask arrays. Validation data are given in memory. Rows in
    memory are predicted as by the plain classifier.

    Parameters
    ----------
    hidden_layer_sizes, cost, eta, ... :
        As of `MLPSigmoidClassifier`, except for what is said below. The same `random_state`
        starts from the same weights.
    client : dask.distributed.Client, default=None
        Computes. None takes the active client. It is left out of pickles.
    sync : {"gradient", "average"}, default="gradient"
        When the workers come together. ``"gradient"``: at every step. Each block gives the sum
        of its rows' gradients, so that a step equals the step of one machine over the same rows.
        An epoch is then a single step unless `batch_size` is set: give `max_iter` hundreds.
        ``"average"``: once an epoch. Each block is trained on by itself for an epoch, from the
        same weights, and the weights that come of it are averaged, weighted by the blocks'
        weights (local SGD). Blocks must then look alike, and a few large ones learn more in an
        epoch than many small ones do.
    batch_size : int, None or "auto", default="auto"
        Under ``sync="gradient"`` rows of a mini-batch over all blocks; None makes one step an
        epoch over all rows, and so does ``"auto"``. Under ``sync="average"`` rows of a block's
        own mini-batches; None takes all of its rows and ``"auto"`` takes 10.
    early_stopping : bool, default=False
        As of `MLPSigmoidClassifier`, but `X_val` and `y_val` must be given, in memory.
    augment : object with ``distort(X, rng) -> X``, default=None
        Distorts rows on the workers.

    Attributes
    ----------
    coefs_, intercepts_, history_, ... :
        Those of `MLPSigmoidClassifier`.

    Notes
    -----
    Under ``sync="gradient"`` and ``batch_size=None``, without dropout and augmentation, the
    weights equal those of `MLPSigmoidClassifier` with the same parameters and rows, up to
    rounding. Mini-batches are as likely as those of one machine: how many rows of each block a
    mini-batch holds is drawn at random.

    Rows of X, y and weights belong together by position; the index of a dataframe is not looked
    at. Blocks are kept in the workers' memory while `fit` runs, which spills to disk what does not
    fit. Dask may copy a block to an idle worker. A worker that dies is made up for by the others:
    Dask computes its blocks again. Results do not depend on which worker computes what.

    Under momentum, ``sync="average"`` averages the last steps too.

    Callbacks work as on the plain classifier, `~sknielsen.callbacks.Checkpoint` and
    `~sknielsen.callbacks.resume` with the same blocks included. Scikit-learn's `ScoringMonitor`
    takes Dask arrays of known sizes only; take `~sknielsen.callbacks.ValidationMonitor`.

    Examples
    --------
    ::

        with Client() as client:
            clf = DaskMLPSigmoidClassifier(max_iter=500, random_state=0).fit(dX, dy)
            print(clf.score(dX_test, dy_test))
            model = clf.to_local()
    """

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
        client=None,
        sync="gradient",
        batch_size="auto",
        **parameters,
    ):
        super().__init__(hidden_layer_sizes, batch_size=batch_size, **parameters)
        self.client = client
        self.sync = sync

    # scikit-learn reads the names and defaults of parameters from the signature.
    _plain = inspect.signature(MLPSigmoidClassifier.__init__).parameters
    _all = {**_plain, **inspect.signature(__init__).parameters}
    _all.pop("parameters")
    __init__.__signature__ = inspect.Signature(_all.values())
    del _plain, _all

    def __getstate__(self):
        return super().__getstate__() | {"client": None}  # a connection cannot be pickled

    def __sklearn_clone__(self):
        without_client = copy.copy(self)
        cloned = super(DaskMLPSigmoidClassifier, without_client).__sklearn_clone__()
        cloned.client = self.client
        return cloned

    def to_local(self):
        """Return a `MLPSigmoidClassifier` with the same parameters and what has been learned.

        Returns
        -------
        MLPSigmoidClassifier
            It shares nothing with this one. ``batch_size="auto"`` becomes what it stood for.
        """
        parameters = self.get_params(deep=False) | {"batch_size": self._batch_size()}
        del parameters["client"], parameters["sync"]
        local = copy.deepcopy(self._learned(history=True))
        return local.set_params(**{n: clone(p, safe=False) for n, p in parameters.items()})

    def _learned(self, history=False):
        """Return a plain classifier that has learned the same, with default parameters.

        Workers get such a one: they need not know the classes of all the objects given.
        """
        learned = {name: value for name, value in vars(self).items() if name.endswith("_")}
        if not history:
            for name in ("history_", "velocity_"):
                learned.pop(name, None)
        model = MLPSigmoidClassifier()
        vars(model).update(learned)
        return model

    # --- training -----------------------------------------------------------------------------

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Train the network on rows that lie on the workers.

        Parameters
        ----------
        X : dask.array.Array or dask.dataframe.DataFrame of shape (n_samples, n_features)
            Training rows, scaled to about one. Blocks may be dense or sparse.
        y : Dask array, series or dataframe of shape (n_samples,) or (n_samples, n_labels)
            Class labels of any kind, or a multilabel indicator matrix, in as many blocks as X.
        sample_weight : Dask array, series or dataframe of shape (n_samples,), default=None
            Weights of the rows' costs, in as many blocks as X.
        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data, in memory.

        Returns
        -------
        DaskMLPSigmoidClassifier
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            As `MLPSigmoidClassifier.fit`; also if no client is active, if blocks do not fit
            together, or if early stopping or a schedule needs `X_val` and it is not given.
        KeyboardInterrupt
            As `MLPSigmoidClassifier.fit`.

        Warns
        -----
        UserWarning
            As `MLPSigmoidClassifier.fit`; also if ``sync="average"`` meets blocks of different
            classes, or if a small `batch_size` makes very many rounds.
        """
        return super().fit(
            X, y, sample_weight, X_val=X_val, y_val=y_val, sample_weight_val=sample_weight_val
        )

    def partial_fit(
        self,
        X,
        y,
        classes=None,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Train one epoch over the rows given, continuing from where the model is.

        Parameters
        ----------
        X, y, sample_weight : Dask arrays, series or dataframes
            As for `fit`.
        classes : array-like of shape (n_classes,), default=None
            All class labels; needed in the first call, except for multilabel targets.
        X_val, y_val, sample_weight_val : array-like, default=None
            As for `fit`.

        Returns
        -------
        DaskMLPSigmoidClassifier
            The fitted estimator.
        """
        validation = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        return super().partial_fit(X, y, classes, sample_weight, **validation)

    def _train(self, settings, *data, **options):
        """Train; let the workers forget the blocks, also where an error is raised."""
        with _Cluster(self.client) as settings.cluster:
            return super()._train(settings, *data, **options)

    def _report(self, X, y):
        """Print what `diagnose` finds in the history: the rows stay where they are."""
        super()._report(None, None)

    def _batch_size(self):
        if isinstance(self.batch_size, str) and self.batch_size == "auto":
            return 10 if self.sync == "average" else None
        return self.batch_size

    def _settings(self, n_epochs, streaming):
        """Check every parameter; lay aside what is the workers' business."""
        if self.sync not in ("gradient", "average"):
            raise ValueError(f"`sync` must be 'gradient' or 'average'; got {self.sync!r}.")
        if isinstance(self.batch_size, str) and self.batch_size != "auto":
            raise ValueError(
                "`batch_size` must be an integer in [1, inf), None or 'auto'; "
                f"got {self.batch_size!r}."
            )
        plain = copy.copy(self)
        plain.batch_size = self._batch_size()
        settings = super(DaskMLPSigmoidClassifier, plain)._settings(n_epochs, streaming)
        names = "augment", "batch_size", "lmbda", "momentum", "penalty", "shuffle"
        settings.on_workers = SimpleNamespace(**{name: getattr(settings, name) for name in names})
        settings.augment, settings.shuffle, settings.evaluate = None, False, _evaluate
        if self.sync == "average":
            settings.batch_size = None  # an epoch is one round over all rows
        return settings

    def _data(self, settings, continuing, X, y, classes, weight, X_val, y_val, weight_val):
        """Have the blocks checked where they lie; return references to their rows."""
        has_validation = _both_or_none(X_val, y_val, weight_val)
        if settings.needs_validation and not has_validation:
            raise ValueError(
                "Early stopping and the plateau schedule need `X_val` and `y_val`, in memory: no "
                "rows are split off Dask collections."
            )
        cluster = settings.cluster
        model = cluster.share(self._learned())
        checked = cluster.compute(_check, _aligned(X, y, weight), model, continuing)
        summaries = cluster.gather([cluster.submit(_summarise, block) for block in checked])
        kept = [(block, summary) for block, summary in zip(checked, summaries) if summary]
        if not kept:
            raise ValueError("X must hold rows; all of its blocks are empty.")
        checked, summaries = zip(*kept)
        if settings.on_workers.augment is not None and any(s.sparse for s in summaries):
            raise TypeError(SPARSE_AUGMENT)
        self._set_features(summaries)
        if continuing:
            dtype = self.coefs_[0].dtype
        else:
            dtype = np.result_type(*(summary.dtype for summary in summaries))
            n_values = sum(summary.n_rows for summary in summaries) * self.n_features_in_
            mean_square = sum(summary.squares for summary in summaries) / n_values
            _warn_of_large_inputs(np.sqrt([[mean_square]]))

        n_labels = summaries[0].n_labels
        present = np.unique(np.concatenate([summary.classes for summary in summaries]))
        labels = np.zeros((1, n_labels), np.int8) if n_labels else present
        self._set_classes(labels, classes, continuing, settings.streaming)
        n_outputs = self._n_outputs(settings.cost)
        self._encode(labels)  # raises if a label is not among the classes
        weights, counts = self._by_block_and_class(summaries)
        by_class = self._class_weight(np.arange(weights.shape[1]), weights.sum(axis=0))
        factors = np.ones(weights.shape[1]) if by_class is None else by_class
        model = cluster.share(self._learned())
        blocks = [
            _Block(number, *block)
            for number, block in enumerate(
                zip(
                    checked,
                    [cluster.submit(_encode, block, model) for block in checked],
                    [summary.n_rows for summary in summaries],
                    (weights @ factors).tolist(),
                    (counts @ (factors > 0)).tolist(),
                )
            )
        ]
        rows = _Rows(cluster, blocks, self.n_features_in_, dtype, n_outputs, by_class)
        rows.seed, rows.on_workers = self.seed_, settings.on_workers
        if self.sync == "average":
            _warn_of_unlike_blocks(weights)
        elif settings.batch_size and len(rows) > _MANY_ROUNDS * settings.batch_size:
            warn(
                f"`batch_size`={settings.batch_size} makes {-(-len(rows) // settings.batch_size)} "
                "rounds between the workers an epoch, each of which takes some milliseconds. "
                "Take larger mini-batches, or sync='average'."
            )
        if not has_validation:
            return rows, None
        validation = self._validation(X_val, y_val, weight_val, rows)
        if self._new_to_validation():
            several = [len(summary.classes) > 1 or n_labels > 0 for summary in summaries]
            _warn_of_validation(rows, validation.X, several)
        return rows, validation

    def _set_features(self, summaries):
        """Learn number and names of the features, which all blocks must share."""
        kinds = {(s.n_features, s.names, s.n_labels, s.kind_of_labels) for s in summaries}
        if len(kinds) > 1:
            raise ValueError(
                "All blocks must have the same number of features, names of features, number of "
                f"labels, and kind of labels; got {sorted(kinds, key=str)}."
            )
        self.n_features_in_, names, _, _ = kinds.pop()
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)

    def _by_block_and_class(self, summaries):
        """Return weight and count (of rows with a weight) of each class in each block."""
        weights, counts = np.zeros(
            (2, len(summaries), 1 if self.multilabel_ else len(self.classes_))
        )
        for of_classes, n_rows, summary in zip(weights, counts, summaries):
            at = [0] if self.multilabel_ else np.searchsorted(self.classes_, summary.classes)
            of_classes[at], n_rows[at] = summary.weights, summary.counts
        return weights, counts.astype(np.int64)

    def _monitor_rows(self, rows):
        """Choose how many rows of each block are measured; the workers choose which."""
        counts = np.array([block.n_weighted for block in rows.blocks])
        if self.monitor_samples is None or self.monitor_samples >= counts.sum():
            return counts
        return _draw(generator(self.seed_, MONITOR), counts, self.monitor_samples)

    def _network(self, settings, data, continuing):
        """Make the network whose passes over references to rows are tasks."""
        kind = _AveragingNetwork if self.sync == "average" else _DaskNetwork
        plain = super()._network(settings, data, continuing)
        velocity = plain.velocity if settings.momentum > 0 else None
        network = kind(plain.weights, plain.biases, plain.cost, plain.keep, velocity)
        network.remote, network.estimator, network.n = data, self, settings.n
        return network

    # --- prediction ---------------------------------------------------------------------------

    def decision_function(self, X):
        """Compute the output layer's weighted inputs z; see `MLPSigmoidClassifier`.

        Parameters
        ----------
        X : Dask array or dataframe, or rows in memory

        Returns
        -------
        dask.array.Array, lazy, for a Dask collection; else ndarray
        """
        return self._predicted("decision_function", X)

    def predict(self, X):
        """Predict the class of each row, or each row's labels.

        Parameters
        ----------
        X : Dask array or dataframe, or rows in memory

        Returns
        -------
        dask.array.Array, lazy, for a Dask collection; else ndarray
        """
        return self._predicted("predict", X)

    def predict_log_proba(self, X):
        """Compute the logarithms of the probabilities of `predict_proba`.

        Parameters
        ----------
        X : Dask array or dataframe, or rows in memory

        Returns
        -------
        dask.array.Array, lazy, for a Dask collection; else ndarray
        """
        return self._predicted("predict_log_proba", X)

    def predict_proba(self, X):
        """Compute the probability of each class; see `MLPSigmoidClassifier`.

        Parameters
        ----------
        X : Dask array or dataframe, or rows in memory

        Returns
        -------
        dask.array.Array, lazy, for a Dask collection; else ndarray
        """
        return self._predicted("predict_proba", X)

    def _predicted(self, method, X):
        if not _is_dask(X):
            return getattr(super(), method)(X)
        dask = _dask()
        check_is_fitted(self)
        learned = self._learned()
        nameless = copy.copy(learned)
        vars(nameless).pop("feature_names_in_", None)
        none = getattr(nameless, method)(np.zeros((1, self.n_features_in_)))[:0]
        model, predict = dask.delayed(learned), dask.delayed(_predict)
        blocks = _blocks(X, "X")
        sizes = X.chunks[0] if hasattr(X, "chunks") else [nan] * len(blocks)
        return dask.array.concatenate(
            [
                dask.array.from_delayed(
                    predict(model, method, block, none), (size, *none.shape[1:]), none.dtype
                )
                for block, size in zip(blocks, sizes)
            ]
        )

    def score(self, X, y, sample_weight=None):
        """Return the share of rows that are classified rightly, in every label.

        Parameters
        ----------
        X : Dask array or dataframe, or rows in memory
        y, sample_weight : Dask arrays, series or dataframes in as many blocks; or in memory

        Returns
        -------
        float
        """
        if not _is_dask(X):
            return super().score(X, y, sample_weight)
        check_is_fitted(self)
        with _Cluster(self.client) as cluster:
            model = cluster.share(self._learned())
            scores = cluster.gather(cluster.compute(_score, _aligned(X, y, sample_weight), model))
        right, total = np.sum(scores, axis=0)
        if not total > 0:
            raise ValueError(f"The weights of the rows must not sum to zero; got {total:.6g}.")
        return float(right / total)


# --- rows and network, as the training loop sees them ------------------------------------------


class _Block(NamedTuple):
    """A block of rows on the workers."""

    number: int
    rows: object  # future of what `_check` returns
    codes: object  # future of the rows' classes
    n_rows: int
    total_weight: float
    n_weighted: int  # rows whose weight in the cost is above zero

    @property
    def task(self):
        """What a task on this block takes."""
        return self.number, self.rows, self.codes


class _Rows:
    """Stands for `Data`: gives out positions in an epoch's order in place of rows."""

    def __init__(self, cluster, blocks, n_features, dtype, n_outputs, class_weight):
        self.cluster = cluster
        self.blocks = blocks
        self.sizes = np.array([block.n_rows for block in blocks])
        self.rows = range(int(self.sizes.sum()))
        self.X = SimpleNamespace(shape=(len(self.rows), n_features), dtype=dtype)
        self.n_outputs = n_outputs
        self.class_weight = class_weight
        self.total_weight = float(sum(block.total_weight for block in blocks))

    def __len__(self):
        return len(self.rows)

    def chunks(self, batch_size, n_units, cached_bytes):
        """Yield start and stop of one mini-batch after the other."""
        for start in self.rows[::batch_size]:
            yield start, min(start + batch_size, len(self))

    def gather(self, rows):
        """Return positions as rows and as targets."""
        return rows, rows

    def cost_weight(self, rows):
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
            counts = _draw(self._rng, self._left, n_rows)
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
                seed=self.seed,
                settings=self.on_workers,
                **also,
            )
        )


class _DaskNetwork(Network):
    """A network that works on references to rows: its passes over them are tasks.

    `remote` (`_Rows`), `estimator` (whose history counts epochs) and `n` (what lmbda is divided
    by) are set from outside. Rows in memory, those of validation, pass as through any network.
    """

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
        epoch = len(self.estimator.history_["epoch"])
        if self._x.start == 0:
            self.remote.begin(epoch, len(self._x))
        return self._share(epoch=epoch, n=self.n, **also)

    def _share(self, **also):
        names = "weights", "biases", "cost", "keep"
        return self.remote.share(**{name: getattr(self, name) for name in names}, **also)

    def _subtract_gradients(self, step, weights, betas, biases, bias_beta):
        """Write beta * array - step * gradient into each array."""
        betas = [*betas, *[bias_beta] * len(biases)]
        for array, beta, gradient in zip([*weights, *biases], betas, self._gradients):
            np.multiply(array, beta, array)
            array -= array.dtype.type(step) * gradient


class _AveragingNetwork(_DaskNetwork):
    """Its step is an epoch over each block by itself, and the average of what comes of it."""

    def backward(self, y, sample_weight=None):
        """Do nothing: blocks go forward and backward by themselves."""

    def descend(self, step, shrink=None, momentum=0.0, first=True, last=True):
        """Replace the weights by the average of those that an epoch on each block leads to.

        `step` is eta over the weight of all rows. The penalty and the momentum act on the workers.
        """
        remote, job = self.remote, self._step(velocity=self.velocity)
        shares = np.array([block.total_weight for block in remote.blocks])
        if not shares.any():
            shares = remote.sizes.astype(float)
        eta = step * (remote.total_weight or len(remote))
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


class _Cluster:
    """The calls of Dask. All work is in tasks: Dask repeats those that a dead worker had done.

    It is a context that releases at its end what it made. Else an error would keep the blocks on
    the workers: a future holds the error it was met with, and that the frames with all futures.
    """

    def __init__(self, client):
        self.dask = _dask()
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
                self.submit(_add, *futures[i : i + _FAN_IN])
                for i in range(0, len(futures), _FAN_IN)
            ]
        return futures[0].result()


# --- tasks -------------------------------------------------------------------------------------


def _identity(shared):
    return shared.value


def _add(*lists):
    return [sum(arrays[1:], arrays[0]) for arrays in zip(*lists)]


def _check(model, continuing, X, y, weight):
    """Validate a block: return rows, labels, weights and names of features; None if empty."""
    if X.shape[0] == len(y) == 0:
        return None
    model = copy.copy(model)
    dtype = model.coefs_[0].dtype if continuing else "numeric"
    X, y = model._check_rows(X, y, reset=not continuing, dtype=dtype)
    if weight is not None:
        weight = np.asarray(weight)
        weight = weight[:, 0] if weight.ndim == 2 and weight.shape[1] == 1 else weight
        if weight.any() or weight.shape != y.shape[:1]:
            weight = _check_weight(weight, X, "sample_weight")
        weight = weight.astype(X.dtype)  # of a block, all may be zero
    names = getattr(model, "feature_names_in_", None)
    return X, y, weight, None if names is None else tuple(names)


def _summarise(block):
    """Count what all blocks together are judged by."""
    if block is None:
        return None
    X, y, weight, names = block
    weight = np.ones(len(y)) if weight is None else weight.astype(np.float64)
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
        kind_of_labels="numbers" if y.dtype.kind in "biuf" else "others",
        weights=np.bincount(codes, weights=weight),
        counts=np.bincount(codes, weights=weight > 0),
    )


def _encode(block, model):
    return model._encode(block[1])


def _compare(rows, X_val):
    """Return what is compared of a block's rows and validation rows."""
    X = rows[0].astype(X_val.dtype, copy=False)
    return shared_rows(X, X_val), scale_difference(X, X_val)


def _data_of(job, rows, codes):
    X, _, weight, _ = rows
    weight = None if weight is None else weight.astype(job.dtype, copy=False)
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
    return generator([seed, number], SHUFFLE, epoch).permutation(rows)


def _gradient(job, number, rows, codes, order, begin, end):
    """Return the sums of the gradients of a block's rows `begin` to `end` in the epoch's order.

    The weighted sums stand in the velocity after one step of -1 over the rows.
    """
    data = _data_of(job, rows, codes)
    if end - begin < len(data):
        data = data.select((data.rows if order is None else order)[begin:end])
    velocity = [_zeros(job.weights), _zeros(job.biases)]
    settings = SimpleNamespace(**vars(job.settings))
    settings.batch_size, settings.shuffle = len(data), False
    settings.lmbda, settings.n, settings.momentum = 0.0, 1.0, 0.0
    settings.seed = [job.seed, number, begin]
    _descend(job, data, velocity, settings, -(data.total_weight or len(data)))
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
    settings.batch_size, settings.n, settings.seed = batch_size, job.n, [job.seed, number]
    network = _descend(job, data, velocity, settings, eta)
    arrays = network.weights + network.biases
    if job.settings.momentum:
        arrays += velocity[0] + velocity[1]
    return [array.dtype.type(share) * array for array in arrays]


def _descend(job, data, velocity, settings, eta):
    """Train a copy of the network for an epoch."""
    network = Network(_copies(job.weights), _copies(job.biases), job.cost, job.keep, velocity)
    with blas_threads(settings.batch_size, network.layer_sizes, settings.augment is not None):
        run_epoch(network, data, settings, eta, job.epoch)
    return network


def _figures(job, number, rows, codes, count):
    """Return what `evaluate` measures on a block's monitored rows, and the weight of each mean.

    The rows are always the same ones.
    """
    data = _data_of(job, rows, codes)
    weight = data.cost_weight(data.rows)
    chosen = data.rows if weight is None else data.rows[weight > 0]
    if count < len(chosen):
        rng = generator([job.seed, number], MONITOR)
        chosen = np.sort(rng.choice(chosen, count, replace=False))
    data = data.select(chosen)
    network = Network(_copies(job.weights), _copies(job.biases), job.cost)
    with blas_threads(len(data), network.layer_sizes):
        figures = evaluate(network, data)
    weight = data.weight(chosen)
    rows_weight = len(data) if weight is None else float(weight.sum(dtype=np.float64))
    return figures, (data.total_weight, rows_weight, len(data))


def _predict(model, method, X, none):
    return getattr(model, method)(X) if X.shape[0] else none


def _score(model, X, y, weight):
    """Return the weight of the rows that are classified rightly, and that of all."""
    check_consistent_length(X, y, weight)
    weight = np.ones(X.shape[0]) if weight is None else np.ravel(weight).astype(float)
    if not weight.any():  # or no rows
        return 0.0, 0.0
    y = np.reshape(y, -1) if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1 else y
    right = accuracy_score(y, model.predict(X), normalize=False, sample_weight=weight)
    return float(right), float(weight.sum())


def _evaluate(network, data):
    """Measure a network on rows in memory, or on the blocks' monitored rows."""
    return network.evaluate(data) if data and isinstance(data, list) else evaluate(network, data)


def _draw(rng, sizes, n_rows):
    """Draw so many of all rows without replacement; return how many are of each block."""
    if sizes.sum() < 10**9:  # NumPy's limit
        return rng.multivariate_hypergeometric(sizes, n_rows, method="marginals")
    drawn = rng.choice(int(sizes.sum()), n_rows, replace=False, shuffle=False)
    return np.bincount(np.searchsorted(sizes.cumsum(), drawn, "right"), minlength=len(sizes))


# --- collections -------------------------------------------------------------------------------


def _is_dask(collection):
    return hasattr(collection, "__dask_graph__")


def _blocks(collection, name):
    """List the lazy blocks of rows of a Dask array, series or dataframe."""
    if not (_is_dask(collection) and hasattr(collection, "to_delayed")):
        raise TypeError(
            f"`{name}` must be a Dask array, series or dataframe; got "
            f"{type(collection).__name__}. For rows in memory there is MLPSigmoidClassifier."
        )
    if hasattr(collection, "rechunk"):
        if collection.ndim == 2 and collection.numblocks[1] > 1:
            collection = collection.rechunk({1: -1})
        return collection.to_delayed().ravel().tolist()
    return list(collection.to_delayed())


def _aligned(X, y, weight):
    """List the lazy blocks of X, y and weights together."""
    aligned = [_blocks(X, "X")]
    for name, other in (("y", y), ("sample_weight", weight)):
        if other is None and name == "sample_weight":
            aligned.append([None] * len(aligned[0]))
            continue
        known = [np.sum(getattr(c, "chunks", [[nan]])[0]) for c in (X, other)]
        if known[0] == known[1] and X.chunks[0] != other.chunks[0]:
            other = other.rechunk({0: X.chunks[0]})
        blocks = _blocks(other, name)
        if len(blocks) != len(aligned[0]):
            raise ValueError(
                f"`{name}` must have as many blocks as X, {len(aligned[0])}; got {len(blocks)}."
            )
        aligned.append(blocks)
    return list(zip(*aligned))


def _warn_of_unlike_blocks(weights):
    """Warn if blocks hold different classes; weights has shape (n_blocks, n_classes)."""
    totals = weights.sum(axis=1)
    shares = weights / np.maximum(totals, np.finfo(float).tiny)[:, None]
    distances = np.abs(shares - weights.sum(axis=0) / totals.sum()).sum(axis=1) / 2
    distance = float(np.average(distances, weights=totals)) if totals.any() else 0.0
    if distance > _UNLIKE:
        warn(
            "The blocks hold different classes, as if the rows were sorted by label: of a block's "
            f"labels {distance:.0%} on average would have to change to make it look like the "
            "whole. Averaged weights will learn badly. Shuffle the rows across the blocks, or "
            "take sync='gradient', to which the order of rows does not matter."
        )


def _warn_of_validation(rows, X_val, several_classes):
    """Warn where validation rows are seen to be training rows, or scaled differently.

    `several_classes` tells of each block whether it holds more than one class.
    """
    sample = rows.cluster.share(X_val[choose_rows(X_val, np.random.default_rng(0))])
    compared = rows.cluster.gather(
        [rows.cluster.submit(_compare, block.rows, sample) for block in rows.blocks]
    )
    shares, differences = zip(*compared)
    off = np.array([bool(d) and several for d, several in zip(differences, several_classes)])
    mostly_off = rows.sizes[off].sum() > rows.sizes.sum() / 2
    difference = differences[off.argmax()] if mostly_off else None
    if remark := remark_on_validation(min(1.0, sum(shares)), difference):
        warn(remark)
