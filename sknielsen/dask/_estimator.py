"""The classifier on Dask collections: the plain one, but for its inputs and its engine."""

import copy
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from math import nan
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sknielsen._classifier import MLPSigmoidClassifier
from sknielsen._fitted import FITTED, probe_of
from sknielsen._hooks import all_or_nothing
from sknielsen._inputs import Given, Inputs, is_dask
from sknielsen._parameters import EtaSchedule, Parameters, Scoring
from sknielsen._start import clip_batch_size
from sknielsen._warn import warn
from sknielsen.core.contracts import (
    Augmenter,
    Cost,
    Engine,
    Initializer,
    MatrixLike,
    Penalty,
)
from sknielsen.core.engine import Descent
from sknielsen.core.network import Network
from sknielsen.core.state import State
from sknielsen.dask._cluster import Cluster, align_blocks, import_dask, list_blocks
from sknielsen.dask._engines import AverageEngine, GradientEngine
from sknielsen.dask._inputs import DaskInputs, dask_inputs
from sknielsen.dask._tasks import predict_block, score_block

_MANY_ROUNDS = 1_000  # an epoch's rounds that deserve a warning: a round takes some 20 ms


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

    A row much heavier than the others is visited once by each epoch of mini-batches under
    ``sync="gradient"``, where `MLPSigmoidClassifier` visits it several times.

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
        hidden_layer_sizes: int | Sequence[int] = (100,),
        *,
        cost: Literal["cross_entropy", "quadratic", "log_likelihood"] | Cost = "cross_entropy",
        weight_init: Literal["scaled", "large"] | Initializer = "scaled",
        init_scale: float = 1.0,
        eta: float = 0.5,
        eta_schedule: EtaSchedule = "taper",
        momentum: float = 0.0,
        batch_size: int | Literal["auto"] | None = "auto",
        max_iter: int = 40,
        shuffle: bool = True,
        lmbda: float | Literal["auto"] = "auto",
        penalty: Literal["l2", "l1"] | Penalty = "l2",
        dropout: float | Sequence[float] = 0.0,
        augment: Augmenter | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        scoring: Scoring = "cost",
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        n_total: float | None = None,
        monitor_samples: int | None = 10_000,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        on_interrupt: Literal["raise", "keep"] = "raise",
        client: Any = None,
        sync: Literal["gradient", "average"] = "gradient",
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            cost=cost,
            weight_init=weight_init,
            init_scale=init_scale,
            eta=eta,
            eta_schedule=eta_schedule,
            momentum=momentum,
            max_iter=max_iter,
            shuffle=shuffle,
            lmbda=lmbda,
            penalty=penalty,
            dropout=dropout,
            augment=augment,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            scoring=scoring,
            class_weight=class_weight,
            n_total=n_total,
            monitor_samples=monitor_samples,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
            on_interrupt=on_interrupt,
        )
        self.batch_size = batch_size
        self.client = client
        self.sync = sync

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"client": None}  # a connection cannot be pickled

    def __sklearn_clone__(self) -> Self:
        without_client = copy.copy(self)
        cloned = super(DaskMLPSigmoidClassifier, without_client).__sklearn_clone__()
        cloned.client = self.client
        return cloned

    def to_local(self) -> MLPSigmoidClassifier:
        """Return a `MLPSigmoidClassifier` with the same parameters and what has been learned.

        Returns
        -------
        MLPSigmoidClassifier
            It shares nothing with this one. ``batch_size="auto"`` becomes what it stood for.
        """
        parameters = self.get_params(deep=False) | {"batch_size": self._batch_size()}
        del parameters["client"], parameters["sync"]
        local = copy.deepcopy(_plain(self, history=True))
        return local.set_params(**{n: clone(p, safe=False) for n, p in parameters.items()})

    # --- training -----------------------------------------------------------------------------

    @all_or_nothing
    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
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
            As `MLPSigmoidClassifier.fit`; also if ``sync="average"`` meets blocks whose shares
            of the classes differ by much (a rare class missing from most of them gives no
            warning), or if a small `batch_size` makes very many rounds.
        """
        return super().fit(
            X, y, sample_weight, X_val=X_val, y_val=y_val, sample_weight_val=sample_weight_val
        )

    @all_or_nothing
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train one epoch over the rows given, continuing from where the model is.

        Parameters
        ----------
        X, y, sample_weight : Dask arrays, series or dataframes
            As for `fit`. For the penalty see `n_total`.
        classes : array-like of shape (n_classes,), default=None
            All class labels; needed in the first call, except for multilabel targets.
        X_val, y_val, sample_weight_val : array-like, default=None
            As for `fit`.

        Returns
        -------
        DaskMLPSigmoidClassifier
            The fitted estimator.
        """
        return super().partial_fit(
            X,
            y,
            classes,
            sample_weight,
            X_val=X_val,
            y_val=y_val,
            sample_weight_val=sample_weight_val,
        )

    def _batch_size(self) -> int | str | None:
        if isinstance(self.batch_size, str) and self.batch_size == "auto":
            return 10 if self.sync == "average" else None
        return self.batch_size

    def _parameters(self, streaming: bool = False) -> Parameters:
        """Check every parameter; ``batch_size="auto"`` becomes what it stands for."""
        if self.sync not in ("gradient", "average"):
            raise ValueError(f"`sync` must be 'gradient' or 'average'; got {self.sync!r}.")
        if isinstance(self.batch_size, str) and self.batch_size != "auto":
            raise ValueError(
                "`batch_size` must be an integer in [1, inf), None or 'auto'; "
                f"got {self.batch_size!r}."
            )
        return Parameters.of(self, streaming=streaming, batch_size=self._batch_size())

    def _inputs(
        self, parameters: Parameters, seed: int, start: State | None, given: Given
    ) -> DaskInputs:
        """Have the blocks checked where they lie; keep references to their rows."""
        probe = probe_of(self, start)
        cluster = Cluster(self.client)
        with ExitStack() as on_error:
            on_error.callback(cluster.close)
            model = _plain(probe)
            inputs = dask_inputs(cluster, probe, model, parameters, seed, start, given)
            on_error.pop_all()
        return inputs

    def _engine(self, parameters: Parameters, inputs: Inputs, state: State) -> Engine:
        """Make the engine whose work is done by the workers."""
        assert isinstance(inputs, DaskInputs)
        n_rows, averages = len(inputs.train), self.sync == "average"
        batch_size = n_rows
        if not averages:  # else an epoch is one round over all rows
            batch_size = clip_batch_size(parameters.batch_size, n_rows, parameters.streaming)
        if n_rows > _MANY_ROUNDS * batch_size:
            warn(
                f"`batch_size`={batch_size} makes {-(-n_rows // batch_size)} "
                "rounds between the workers an epoch, each of which takes some 20 ms or more. "
                "Take larger mini-batches, or sync='average'."
            )
        descent = Descent.of(parameters, state, batch_size, inputs.train.total_weight)
        network = Network(
            state.weights, state.biases, parameters.cost, parameters.keep, state.velocity
        )
        engine = AverageEngine if averages else GradientEngine
        return engine(network, inputs, descent, parameters.batch_size)

    # --- prediction ---------------------------------------------------------------------------

    def decision_function(self, X: Any) -> Any:
        """Compute the output layer's weighted inputs z; see `MLPSigmoidClassifier`.

        Parameters
        ----------
        X : Dask array or dataframe, or rows in memory

        Returns
        -------
        dask.array.Array, lazy, for a Dask collection; else ndarray
        """
        return self._predicted("decision_function", X)

    def predict(self, X: Any) -> Any:
        """Predict the class of each row, or each row's labels.

        Parameters
        ----------
        X : Dask array or dataframe, or rows in memory

        Returns
        -------
        dask.array.Array, lazy, for a Dask collection; else ndarray
        """
        return self._predicted("predict", X)

    def predict_log_proba(self, X: Any) -> Any:
        """Compute the logarithms of the probabilities of `predict_proba`.

        Parameters
        ----------
        X : Dask array or dataframe, or rows in memory

        Returns
        -------
        dask.array.Array, lazy, for a Dask collection; else ndarray
        """
        return self._predicted("predict_log_proba", X)

    def predict_proba(self, X: Any) -> Any:
        """Compute the probability of each class; see `MLPSigmoidClassifier`.

        Parameters
        ----------
        X : Dask array or dataframe, or rows in memory

        Returns
        -------
        dask.array.Array, lazy, for a Dask collection; else ndarray
        """
        return self._predicted("predict_proba", X)

    def _predicted(self, method: str, X: Any) -> Any:
        if not is_dask(X):
            return getattr(super(), method)(X)
        dask = import_dask()
        check_is_fitted(self)
        learned = _plain(self)
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

    def score(self, X: MatrixLike, y: MatrixLike, sample_weight: ArrayLike | None = None) -> float:
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
        with closing(Cluster(self.client)) as cluster:
            model = cluster.share(_plain(self))
            blocks = align_blocks(X, y, sample_weight)
            scores = cluster.gather(cluster.compute(score_block, blocks, model))
        right, total = np.sum(scores, axis=0)
        if not total > 0:
            raise ValueError(f"The weights of the rows must not sum to zero; got {total:.6g}.")
        return float(right / total)


def _plain(estimator: DaskMLPSigmoidClassifier, history: bool = False) -> MLPSigmoidClassifier:
    """Return a plain classifier that has learned the same, with default parameters.

    Workers get such a one: they need not know the classes of all the objects given.
    """
    model = MLPSigmoidClassifier()
    vars(model).update({name: value for name, value in vars(estimator).items() if name in FITTED})
    if not history:
        for name in ("history_", "velocity_"):
            vars(model).pop(name, None)
    return model
