"""The estimator: its parameters, its training and its predictions. The maths is in `core`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sknielsen._fitted import probe_of, shallow_copy, state_of
from sknielsen._hooks import TRAINING, Hooks, all_or_nothing
from sknielsen._identity import Identity, check_same
from sknielsen._inputs import Given, Inputs, local_inputs
from sknielsen._parameters import EtaSchedule, Parameters, Scoring
from sknielsen._prediction import decisions, log_probabilities, out_activation, weighted_inputs
from sknielsen._report import report
from sknielsen._scoring import score_function
from sknielsen._sklearn import BaseEstimator, CallbackSupportMixin, ClassifierMixin
from sknielsen._start import first_state, local_engine, require_no_whole, seed_of
from sknielsen._translate import translated
from sknielsen._version import VersionedMixin
from sknielsen.core.contracts import (
    Array,
    Augmenter,
    Cost,
    Engine,
    History,
    Initializer,
    MatrixLike,
    Penalty,
)
from sknielsen.core.data import decide
from sknielsen.core.loop import train
from sknielsen.core.state import State
from sknielsen.costs import COSTS, is_exclusive


class MLPSigmoidClassifier(VersionedMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Fully connected sigmoid network, trained by mini-batch stochastic gradient descent.

    The network and its training are those of chapters 2 and 3 of [1]_.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of neurons of each hidden layer. ``()`` makes a network without hidden layers.
    cost : {"cross_entropy", "quadratic", "log_likelihood"} or object, default="cross_entropy"
        Cost function, which brings its output activation: softmax for ``"log_likelihood"``,
        else sigmoid. Cross-entropy learns fast also where an output is badly wrong. For an
        object see `sknielsen.costs`.
    weight_init : {"scaled", "large"} or callable, default="scaled"
        Initial weights: drawn from N(0, 1/n_in), so that neurons do not start saturated, or
        from N(0, 1). Biases are drawn from N(0, 1). See `sknielsen.initializers`.
    init_scale : float, default=1.0
        Factor of the initial weights.
    eta : float, default=0.5
        Learning rate: the factor of a mini-batch's mean gradient in a step. The default suits
        cross-entropy on inputs in [0, 1]; the quadratic cost needs about 3.
    eta_schedule : {"constant", "taper", "plateau"}, list of (n_epochs, eta) or object, \
default="taper"
        Schedule of eta over the epochs. ``"taper"`` lets eta fall linearly over `max_iter`
        epochs. A list gives absolute etas, so that `eta` is not used.
        ``"plateau"`` needs validation data: without `X_val`, `fit` splits some off. See
        `sknielsen.schedules`.
    momentum : float, default=0.0
        Momentum coefficient: the share of the last step that is added to the next one. The
        penalty's part of a step is not repeated.
    batch_size : int or None, default=10
        Rows of a mini-batch; None takes all. The last one of an epoch holds what remains.
    max_iter : int, default=40
        Largest number of epochs that one call of `fit` trains.
    shuffle : bool, default=True
        Whether to visit the rows in a new order each epoch.
    lmbda : float or "auto", default="auto"
        Strength of the penalty. It is divided by n, the number of training rows (or the sum of
        their weights), as in the book, so that it does not depend on the batch size. ``"auto"``
        stands for 1, or n/100 if that is less; in a `partial_fit` without `n_total` for 0, since
        a block cannot tell how many rows are to come.
    penalty : {"l2", "l1"} or object, default="l2"
        Penalty on the weights: lmbda/2n times the sum of their squares, or lmbda/n times the
        sum of their absolute values. Biases are not penalised. See `sknielsen.penalties`.
    dropout : float or sequence of float, default=0.0
        Dropout probability in training: a number for all hidden layers, or a sequence with a
        number for the input layer and one for each hidden layer.
    augment : object with ``distort(X, rng) -> X``, default=None
        Augmenter that distorts the training rows anew in every epoch, such as an
        `~sknielsen.augmentation.ImageAugmenter`. It works in a thread that runs ahead of
        training. Validation rows, monitored rows and predictions are not distorted, and its own
        `random_state` is not used. For dense `X` only.
    early_stopping : bool, default=False
        Whether to stop when the validation score no longer improves, and to restore the best
        weights. Without `X_val`, `fit` splits validation rows off the training data.
    validation_fraction : float, default=0.1
        Share of the rows that is split off for validation. The split is stratified, except for
        multilabel targets.
    n_iter_no_change : int, default=10
        Patience of early stopping: the number of epochs without improvement that ends training.
    tol : float, default=1e-4
        Tolerance of early stopping: the count of epochs without improvement starts anew when
        the score exceeds, by more than this, that of its last start.
    scoring : {"accuracy", "cost"}, str or callable, default="cost"
        Validation score: minus the cost, accuracy, or any scorer of scikit-learn. The lower
        validation cost decides between equal scores.
    class_weight : dict, "balanced" or None, default=None
        Factor of the cost, for the rows of each class. ``"balanced"`` gives all classes the
        same total weight.
    n_total : float or None, default=None
        Size n of the whole training set (the sum of its weights) where `partial_fit` is given
        one block after the other. It is used for the penalty's lmbda/n only.
    monitor_samples : int or None, default=10_000
        Largest number of training rows on which the training figures are measured after each
        epoch. They are always the same rows. None measures all rows, 0 none.
    warm_start : bool, default=False
        Whether `fit` continues a fitted model, adding `max_iter` epochs.
    random_state : int, RandomState instance or None, default=None
        Seed or generator of the initial weights, the split, the order of rows, dropout and
        distortions. A generator is used once for each new model.
    verbose : int, default=0
        Verbosity: 1, or any larger number, prints a line for each epoch, with a star if it is the
        best so far, and at the end of `fit` why it ended and the findings of `diagnose`.
    on_interrupt : {"raise", "keep"}, default="raise"
        What Ctrl-C does to `fit`. ``"raise"`` raises KeyboardInterrupt, which also ends the
        search or the loop around `fit`, and leaves the model as it was. ``"keep"`` ends training
        with a warning and keeps the epochs that are finished, if there are any; the weights also
        hold the steps of the unfinished epoch, except under early stopping. A second Ctrl-C
        raises.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for multilabel targets the numbers of the labels.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer, in Fortran order.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.
    history_ : dict of lists
        Learning curves: an entry for each epoch in each of ``"epoch"`` (from 1), ``"eta"``,
        ``"train_cost"``, ``"train_accuracy"``, ``"penalty"``, ``"validation_cost"``,
        ``"validation_accuracy"``, ``"validation_score"``, ``"saturation"`` (share of hidden
        activations with sigma'(z) < 0.01) and ``"duration"`` (seconds of training). Figures are
        measured at the end of the epoch. Costs do not include the penalty. A figure that does
        not exist is NaN. `partial_fit` appends to these lists.
    n_iter_ : int
        Number of epochs trained: the length of the history.
    eta_ : float
        Eta of the last epoch.
    lmbda_ : float
        Strength of the penalty in the last training: `lmbda`, or what ``"auto"`` stood for.
    epoch_ : int
        Epoch of the weights: `best_epoch_` after early stopping, else `n_iter_`.
    best_epoch_, best_score_ : int, float
        Epoch of the highest validation score, and that score. Only with validation data.
    validation_indices_ : ndarray of int
        Row numbers that `fit` split off for validation. Only if it did.
    seed_ : int
        Seed drawn from `random_state`. All random numbers follow from it.
    out_activation_ : {"sigmoid", "softmax"} or callable
        Activation of the output layer.
    multilabel_ : bool
        Whether the targets are a multilabel indicator matrix.
    velocity_ : list of two lists of ndarray
        Velocity of the weights and of the biases: their last steps. Only with momentum.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the features. Only if `X` has names.

    Notes
    -----
    `fit` without early stopping, with ``max_iter=k``, equals k calls of `partial_fit` with the
    same rows, bit for bit, if `lmbda` is a number or `n_total` is given; so does a warm `fit`.
    Every call either succeeds or leaves the model as it was.

    With scikit-learn 1.9 or newer, `set_callbacks` takes callbacks: scikit-learn's, and those of
    `sknielsen.callbacks`. Their hooks are called for each `fit` and each of its epochs, and for
    each `partial_fit` and its one epoch; one that returns True ends training. They are given the
    rows given to `fit` without those split off, and the weights of the epoch.

    A file that a newer version of sknielsen has saved is opened with a warning that says so.

    References
    ----------
    .. [1] M. Nielsen, *Neural Networks and Deep Learning*, Determination Press, 2015.
       http://neuralnetworksanddeeplearning.com

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sknielsen import MLPSigmoidClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> clf = MLPSigmoidClassifier(random_state=0).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.95
    True
    """

    classes_: Array
    coefs_: list[Array]
    intercepts_: list[Array]
    history_: History
    n_iter_: int
    eta_: float
    lmbda_: float
    epoch_: int
    best_epoch_: int
    best_score_: float
    validation_indices_: Array
    seed_: int
    out_activation_: str | Callable[[Array], Array]
    multilabel_: bool
    velocity_: list[list[Array]]
    n_features_in_: int
    feature_names_in_: Array

    # Asks a Pipeline or a search to pass these on under metadata routing.
    __metadata_request__fit = {"X_val": True, "y_val": True, "sample_weight_val": True}
    __metadata_request__partial_fit = {"X_val": True, "y_val": True, "sample_weight_val": True}

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
        batch_size: int | None = 10,
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
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cost = cost
        self.weight_init = weight_init
        self.init_scale = init_scale
        self.eta = eta
        self.eta_schedule = eta_schedule
        self.momentum = momentum
        self.batch_size: int | str | None = batch_size  # a string on Dask
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.lmbda = lmbda
        self.penalty = penalty
        self.dropout = dropout
        self.augment = augment
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scoring = scoring
        self.class_weight = class_weight
        self.n_total = n_total
        self.monitor_samples = monitor_samples
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.on_interrupt = on_interrupt

    @classmethod
    def from_mlp_parameters(
        cls, parameters: Mapping[str, Any], *, n_samples: int | None = None
    ) -> Self:
        """Make an estimator with the parameters of scikit-learn's `MLPClassifier`.

        Under ``solver="sgd"`` steps and schedule are translated. Another solver leaves `eta`,
        `eta_schedule` and `momentum` at their defaults here, and `batch_size` and `max_iter`
        unless Adam's are changed. For several classes ``cost="log_likelihood"`` is theirs.

        Parameters
        ----------
        parameters : dict
            What ``get_params()`` of an `MLPClassifier` returns, or a part of it.
        n_samples : int, default=None
            Number of rows that `fit` will be given, to make `lmbda` the same penalty as `alpha`.
            Without it `lmbda` stays ``"auto"``, unless `alpha` is 0.

        Returns
        -------
        MLPSigmoidClassifier
            An estimator that is not fitted.

        Warns
        -----
        UserWarning
            If parameters have no counterpart: each of them, and what there is instead.

        Examples
        --------
        >>> mlp = {"solver": "sgd", "activation": "logistic", "momentum": 0}
        >>> MLPSigmoidClassifier.from_mlp_parameters(mlp, n_samples=1000)
        MLPSigmoidClassifier(batch_size=200, eta=0.001, eta_schedule='constant',
                             lmbda=0.0005, max_iter=200, momentum=0)
        """
        return cls(**translated(parameters, n_samples))

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
        """Train the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training rows, scaled to about one.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels of any kind, or a multilabel indicator matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows' costs.
        X_val : array-like or sparse matrix of shape (n_validation, n_features), default=None
            Validation rows. They are used for early stopping and by schedules that ask for a
            validation score; otherwise they only monitor. In a pipeline they must be scaled like
            X: use ``Pipeline(..., transform_input=["X_val"])`` with metadata routing enabled.
        y_val : array-like of shape (n_validation,) or (n_validation, n_labels), default=None
            Their labels.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Their weights.

        Returns
        -------
        MLPSigmoidClassifier
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If data or parameters are not what is accepted, or if training diverges. The model
            is then as it was before.
        KeyboardInterrupt
            At Ctrl-C, as `on_interrupt` says.

        Warns
        -----
        UserWarning
            If `X_val` is seen to hold training rows, or to be scaled otherwise than X; if only
            one of them has feature names; if the values of X are so large that neurons saturate.
        sklearn.exceptions.ConvergenceWarning
            If training ended no better than outputs that ignore the inputs: why, and what to try.
        """
        start = state_of(self) if self.warm_start else None
        given = Given(X, y, sample_weight, X_val, y_val, sample_weight_val)
        train_estimator(self, start, given)
        return self

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

        It never splits off validation rows, stops or restores, nor judges what was learnt, since
        more blocks may come: see `diagnose`. A block of fewer rows than `batch_size` is one
        mini-batch.

        Parameters
        ----------
        X, y : array-like
            As for `fit`. With blocks of a larger data set, set `n_total`, for the penalty.
        classes : array-like of shape (n_classes,), default=None
            All class labels; needed in the first call, except for multilabel targets.
        sample_weight, X_val, y_val, sample_weight_val : array-like, default=None
            As for `fit`.

        Returns
        -------
        MLPSigmoidClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            As for `fit`; also for labels that are not among the classes, and for
            parameters that need the whole data: early stopping or a schedule that needs
            validation data without `X_val`, and ``class_weight="balanced"``.
        KeyboardInterrupt
            At Ctrl-C; the model is then as it was before.
        """
        given = Given(X, y, sample_weight, X_val, y_val, sample_weight_val, classes)
        train_estimator(self, state_of(self), given, streaming=True)
        return self

    def _parameters(self, streaming: bool = False) -> Parameters:
        """Check every parameter."""
        return Parameters.of(self, streaming=streaming)

    def _inputs(
        self, parameters: Parameters, seed: int, start: State | None, given: Given
    ) -> Inputs:
        """Check what was given, and make the inputs of training."""
        return local_inputs(probe_of(self, start), parameters, seed, start, given)

    def _engine(self, parameters: Parameters, inputs: Inputs, state: State) -> Engine:
        """Make the engine that trains the state's weights."""
        return local_engine(parameters, inputs, state)

    # --- prediction ---------------------------------------------------------------------------

    def decision_function(self, X: MatrixLike) -> Array:
        """Compute the output layer's weighted inputs z.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes the z of the second one; under the log-likelihood cost, how far it
            exceeds the first one's.
        """
        model = shallow_copy(self)  # whose parts belong together: another thread may refit it
        return decisions(model, weighted_inputs(model, X))

    def predict(self, X: MatrixLike) -> Array:
        """Predict the class of each row, the most probable one, or each row's labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        model = shallow_copy(self)  # whose parts belong together: another thread may refit it
        codes = decide(weighted_inputs(model, X), model.multilabel_, out_activation(model))
        return codes if model.multilabel_ else model.classes_[codes]

    def predict_log_proba(self, X: MatrixLike) -> Array:
        """Compute the logarithms of the probabilities of `predict_proba`; they are finite.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        model = shallow_copy(self)  # whose parts belong together: another thread may refit it
        return log_probabilities(model, weighted_inputs(model, X))

    def predict_proba(self, X: MatrixLike) -> Array:
        """Compute the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to one: sigmoid outputs of several classes are divided by their sum. Of
            multilabel targets, the probability of each label by itself.
        """
        with np.errstate(all="ignore"):
            return np.exp(self.predict_log_proba(X))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "out_activation_")

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop(TRAINING, None)
        if "history_" in state:  # which training appends to: a shallow copy has its own
            state["history_"] = {name: list(column) for name, column in state["history_"].items()}
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        cost: Any = COSTS.get(self.cost) if isinstance(self.cost, str) else self.cost
        tags.input_tags.sparse = self.augment is None
        tags.classifier_tags.multi_label = self.class_weight is None and not is_exclusive(cost)
        return tags


def train_estimator(
    estimator: MLPSigmoidClassifier,
    start: State | None,
    given: Given,
    *,
    streaming: bool = False,
    saved: Identity | None = None,
    ended: bool = False,
) -> None:
    """Train an estimator: what fit, partial_fit, warm starts and `resume` share.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier
        Its callers leave it as it was if anything is raised.
    start : State or None
        The state that training continues from; None begins anew.
    given : Given
    streaming : bool, default=False
        Whether this is a `partial_fit`.
    saved : Identity, default=None
        Where `start` is from a checkpoint, what was saved with it.
    ended : bool, default=False
        Whether that training had come to its end.
    """
    parameters = estimator._parameters(streaming)
    if ended and start:
        parameters = replace(parameters, max_iter=start.n_epochs - start.first_epoch)
    require_no_whole(parameters, given)
    seed = seed_of(parameters, start)  # before the data, whose split it determines
    with closing(estimator._inputs(parameters, seed, start, given)) as inputs:
        check_same(saved, start, inputs, parameters)
        state = first_state(parameters, seed, start, inputs)
        engine = estimator._engine(parameters, inputs, state)
        score = score_function(estimator, state, inputs, parameters)
        hooks = Hooks(estimator, state, inputs, parameters)
        ending = hooks.run(lambda: train(engine, state, parameters, score, hooks))
        report(hooks, ending)
