"""Training on rows that lie on the workers of a Dask cluster; needs the extra ``dask``.

The estimator is the plain one, and so is its training loop; `_distributed` holds the rows and the
network that the loop is given here, and the tasks that run on the workers.
"""

import copy
import inspect
from math import nan
from types import SimpleNamespace

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sknielsen._classifier import (
    SPARSE_AUGMENT,
    MLPSigmoidClassifier,
    _several_classes,
    _warn_of_large_inputs,
    all_or_nothing,
    shallow_copy,
)
from sknielsen._distributed import (
    AveragingNetwork,
    Block,
    Cluster,
    DaskNetwork,
    Rows,
    align_blocks,
    check_block,
    compare_rows,
    draw,
    encode_block,
    evaluate_rows,
    import_dask,
    is_dask,
    list_blocks,
    predict_block,
    sample_block,
    score_block,
    summarise_block,
)
from sknielsen._guards import choose_rows, remark_on_validation
from sknielsen._inputs import validation_given
from sknielsen._labels import Labels
from sknielsen._training import MONITOR, generator
from sknielsen._warn import warn

_MANY_ROUNDS = 1_000  # an epoch's rounds that deserve a warning: a round takes some 20 ms
_UNLIKE = 0.3  # mean total variation distance of the blocks' labels from those of all rows


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

    @all_or_nothing
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

    @all_or_nothing
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
        with Cluster(self.client) as settings.cluster:
            return super()._train(settings, *data, **options)

    def _report(self, X, y):
        """Print what `diagnose` finds in the history: the rows stay where they are."""
        super()._report(None, None)

    def _batch_size(self):
        if isinstance(self.batch_size, str) and self.batch_size == "auto":
            return 10 if self.sync == "average" else None
        return self.batch_size

    def _settings(self, streaming):
        """Check every parameter; lay aside what is the workers' business."""
        if self.sync not in ("gradient", "average"):
            raise ValueError(f"`sync` must be 'gradient' or 'average'; got {self.sync!r}.")
        if isinstance(self.batch_size, str) and self.batch_size != "auto":
            raise ValueError(
                "`batch_size` must be an integer in [1, inf), None or 'auto'; "
                f"got {self.batch_size!r}."
            )
        plain = shallow_copy(self)
        plain.batch_size = self._batch_size()
        settings = super(DaskMLPSigmoidClassifier, plain)._settings(streaming)
        names = "augment", "batch_size", "lmbda", "momentum", "penalty", "shuffle"
        settings.on_workers = SimpleNamespace(**{name: getattr(settings, name) for name in names})
        settings.augment, settings.shuffle, settings.evaluate = None, False, evaluate_rows
        if self.sync == "average":
            settings.batch_size = None  # an epoch is one round over all rows
        return settings

    def _data(self, settings, continuing, X, y, classes, weight, X_val, y_val, weight_val):
        """Have the blocks checked where they lie; return references to their rows."""
        given = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight_val}
        for name, part in given.items():
            if is_dask(part):
                raise TypeError(
                    f"`{name}` must be in memory; got a Dask {type(part).__name__}. Pass "
                    f"{name}.compute(), or leave validation data out and use `score`."
                )
        has_validation = validation_given(*given.values())
        if settings.needs_validation and not has_validation:
            raise ValueError(
                "Early stopping and the plateau schedule need `X_val` and `y_val`, in memory: no "
                "rows are split off Dask collections."
            )
        cluster = settings.cluster
        model = cluster.share(self._learned())
        checked = cluster.compute(check_block, align_blocks(X, y, weight), model, continuing)
        summaries = cluster.gather([cluster.submit(summarise_block, block) for block in checked])
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
        y = np.zeros((1, n_labels), np.int8) if n_labels else present
        known = Labels.of(self) if continuing else None
        labels = Labels.learn(y, classes, known, settings.streaming)
        self.classes_, self.multilabel_ = labels.classes, labels.multilabel
        n_outputs = labels.n_outputs(settings.cost, self.cost)
        labels.encode(y)  # raises if a label is not among the classes
        weights, counts = _by_block_and_class(labels, summaries)
        codes = np.arange(weights.shape[1])
        by_class = labels.class_weight(self.class_weight, codes, weights.sum(axis=0))
        factors = np.ones(weights.shape[1]) if by_class is None else by_class
        shared_labels = cluster.share(labels)
        blocks = [
            Block(number, *block)
            for number, block in enumerate(
                zip(
                    checked,
                    [cluster.submit(encode_block, block, shared_labels) for block in checked],
                    [summary.n_rows for summary in summaries],
                    (weights @ factors).tolist(),
                    (counts @ (factors > 0)).tolist(),
                )
            )
        ]
        rows = Rows(
            cluster,
            blocks,
            self.n_features_in_,
            dtype,
            n_outputs,
            by_class,
            self.seed_,
            settings.on_workers,
        )
        if self.sync == "average":
            _warn_of_unlike_blocks(weights)
        elif settings.batch_size and len(rows) > _MANY_ROUNDS * settings.batch_size:
            warn(
                f"`batch_size`={settings.batch_size} makes {-(-len(rows) // settings.batch_size)} "
                "rounds between the workers an epoch, each of which takes some 20 ms or more. "
                "Take larger mini-batches, or sync='average'."
            )
        if not has_validation:
            return rows, None
        validation = self._validation(X_val, y_val, weight_val, rows)
        if self._new_to_validation():
            _warn_of_validation(rows, validation, len(present) > 1 or n_labels > 0)
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

    def _monitor_rows(self, rows, n_rows):
        """Choose how many rows of each block are measured; the workers choose which."""
        counts = np.array([block.n_weighted for block in rows.blocks])
        if n_rows is None or n_rows >= counts.sum():
            return counts
        return draw(generator(self.seed_, MONITOR), counts, n_rows)

    def _network(self, settings, data, continuing):
        """Make the network whose passes over references to rows are tasks."""
        kind = AveragingNetwork if self.sync == "average" else DaskNetwork
        plain = super()._network(settings, data, continuing)
        velocity = plain.velocity if settings.momentum > 0 else None
        return kind(plain, velocity, data, settings.n, len(self.history_["epoch"]))

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
        if not is_dask(X):
            return getattr(super(), method)(X)
        dask = import_dask()
        check_is_fitted(self)
        learned = self._learned()
        nameless = copy.copy(learned)
        vars(nameless).pop("feature_names_in_", None)
        none = getattr(nameless, method)(np.zeros((1, self.n_features_in_)))[:0]
        if method != "predict":  # of huge rows, results of a float32 model are float64, too
            none = none.astype(np.float64)
        model, predict = dask.delayed(learned), dask.delayed(predict_block)
        blocks = list_blocks(X, "X")
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
        if not is_dask(X):
            return super().score(X, y, sample_weight)
        check_is_fitted(self)
        with Cluster(self.client) as cluster:
            model = cluster.share(self._learned())
            blocks = align_blocks(X, y, sample_weight)
            scores = cluster.gather(cluster.compute(score_block, blocks, model))
        right, total = np.sum(scores, axis=0)
        if not total > 0:
            raise ValueError(f"The weights of the rows must not sum to zero; got {total:.6g}.")
        return float(right / total)


def _by_block_and_class(labels, summaries):
    """Return weight and count (of rows with a weight) of each class in each block."""
    n_classes = 1 if labels.multilabel else len(labels.classes)
    weights, counts = np.zeros((2, len(summaries), n_classes))
    for of_classes, n_rows, summary in zip(weights, counts, summaries):
        at = [0] if labels.multilabel else labels.encode(summary.classes)
        of_classes[at], n_rows[at] = summary.weights, summary.counts
    return weights, counts.astype(np.int64)


def _warn_of_unlike_blocks(weights):
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


def _warn_of_validation(rows, validation, several_classes):
    """Warn where validation rows are seen to be training rows, or scaled differently."""
    rng = np.random.default_rng(0)
    sample = rows.cluster.share(validation.X[choose_rows(validation.X, rng)])
    counts = draw(rng, rows.sizes, len(choose_rows(rows.X, rng)))
    samples = [
        rows.cluster.submit(sample_block, block.rows, count)
        for block, count in zip(rows.blocks, counts.tolist())
        if count
    ]
    several_classes &= _several_classes(validation.codes)
    share, difference = rows.cluster.submit(compare_rows, sample, len(rows), *samples).result()
    if remark := remark_on_validation(share, difference if several_classes else None):
        warn(remark)
