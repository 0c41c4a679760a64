"""The estimator: parameters, labels and wiring. The maths is in `_training` and `_network`."""

import functools
import inspect
import math
from itertools import pairwise
from numbers import Integral, Real
from operator import itemgetter
from types import SimpleNamespace

import numpy as np
from scipy.sparse import issparse
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sknielsen._blas import blas_threads
from sknielsen._data import Data, decide, rows_held, split
from sknielsen._guards import remark_on_validation, scale_difference, shared_rows
from sknielsen._inputs import check_rows, check_weight, validation_given
from sknielsen._labels import Labels
from sknielsen._network import Network
from sknielsen._resolve import check_number, resolve, shown
from sknielsen._tasks import CallbackSupportMixin, Training, with_callbacks
from sknielsen._training import (
    HISTORY,
    INITIALISATION,
    MONITOR,
    SPLIT,
    Best,
    evaluate,
    generator,
    train,
)
from sknielsen._version import VersionedMixin
from sknielsen._warn import warn
from sknielsen.activations import ACTIVATIONS, log_outputs
from sknielsen.costs import COSTS
from sknielsen.diagnostics import LARGE_RMS, diagnose
from sknielsen.initializers import INITIALIZERS
from sknielsen.penalties import PENALTIES
from sknielsen.schedules import SCHEDULES, Piecewise

_SCORES = {
    "accuracy": lambda record: record["validation_accuracy"],
    "cost": lambda record: -record["validation_cost"],
}

_MOST_UNITS = 2**31 - 1

SPARSE_AUGMENT = (
    "`augment` distorts dense rows only; got a sparse X. Pass X.toarray(), or augment=None."
)


def all_or_nothing(train):
    """Make a function that trains its first argument leave it as it was if anything is raised.

    Ctrl-C included; it is raised again. Training replaces an estimator's arrays, so that its
    attributes are all there is to put back, but for two things that it changes in place: the
    history, to which epochs are appended, and a RandomState given as `random_state`.
    """

    @functools.wraps(train)
    def guarded(estimator, *args, **kwargs):
        before = dict(vars(estimator))
        if "_training" in before:
            raise RuntimeError(
                f"This {type(estimator).__name__} is being trained: what is called meanwhile, a "
                "callback for instance, can train a clone or a copy of it."
            )
        history, n_epochs = before.get("history_", {}), before.get("n_iter_", 0)
        random_state = getattr(estimator, "random_state", None)
        drawn_from = isinstance(random_state, np.random.RandomState)
        state = random_state.get_state(legacy=False) if drawn_from else None
        try:
            return train(estimator, *args, **kwargs)
        except BaseException:
            estimator.__dict__ = before  # at once: another Ctrl-C cannot tear it
            if drawn_from:
                random_state.set_state(state)
            for column in history.values():
                del column[n_epochs:]
            raise

    return guarded


class MLPSigmoidClassifier(VersionedMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Fully connected sigmoid network, trained by mini-batch stochastic gradient descent.

    The network and its training are those of chapters 2 and 3 of [1]_.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Neurons of each hidden layer. ``()`` makes a single layer of sigmoid neurons.
    cost : {"cross_entropy", "quadratic", "log_likelihood"} or object, default="cross_entropy"
        Cost and, with it, the output activation: sigmoid, or softmax for ``"log_likelihood"``.
        Cross-entropy does not slow down when an output is badly wrong. For an object see
        `sknielsen.costs`.
    eta : float, default=0.5
        Learning rate: the step for each mean gradient of a mini-batch. The default suits inputs
        scaled to about [0, 1] and cross-entropy; the quadratic cost wants about 3.
    eta_schedule : {"constant", "taper", "plateau"}, list of (n_epochs, eta) or object, \
default="constant"
        How eta changes from epoch to epoch. A list gives absolute etas, and leaves `eta` unused.
        ``"plateau"`` needs validation data: without `X_val`, `fit` splits some off. See
        `sknielsen.schedules`.
    lmbda : float, default=0.0
        Strength of the penalty, scaled by 1/n, so that it means the same for every batch size.
    penalty : {"l2", "l1"} or object, default="l2"
        Penalty on the weights: lmbda/2n times the sum of squares, or lmbda/n times the sum of
        absolute values. Biases are free. See `sknielsen.penalties`.
    dropout : float or sequence of float, default=0.0
        Probability of dropping a unit in training: of hidden layers, or a sequence that starts
        with the input layer and goes on with each hidden layer.
    momentum : float, default=0.0
        Part of the last step that is made again. The penalty stays out of it.
    weight_init : {"scaled", "large"} or callable, default="scaled"
        Initial weights from N(0, 1/n_in), which leaves neurons unsaturated, or from N(0, 1);
        biases from N(0, 1). See `sknielsen.initializers`.
    init_scale : float, default=1.0
        Factor of the initial weights.
    augment : object with ``distort(X, rng) -> X``, default=None
        Distorts the training rows anew in every epoch, in a thread that runs ahead of training:
        an `~sknielsen.augmentation.ImageAugmenter`, for instance. Validation rows, monitored
        rows and predictions are left alone. Its own `random_state` plays no part. For dense `X`
        only.
    batch_size : int or None, default=10
        Rows of a mini-batch; None takes all rows. The last mini-batch of an epoch holds the rows
        that are left. If these are very few, their step is a noisy one.
    max_iter : int, default=30
        Epochs of training that one call of `fit` adds at most.
    early_stopping : bool, default=False
        Whether to stop when the validation score no longer improves, and to restore the best
        weights. Without `X_val`, `fit` splits validation rows off the training data.
    validation_fraction : float, default=0.1
        Share of the rows that is split off; stratified, except for multilabel targets.
    n_iter_no_change : int, default=10
        Early stopping: epochs without improvement that end training.
    tol : float, default=1e-4
        Early stopping: how far a score must exceed the best to count as an improvement.
    scoring : {"accuracy", "cost"}, str or callable, default="accuracy"
        Validation score: accuracy, minus the cost, or any scorer of scikit-learn.
    class_weight : dict, "balanced" or None, default=None
        Factors of the cost of each class's rows.
    n_total : float or None, default=None
        Where the rows come in blocks through `partial_fit`: the size of the whole training set
        (the sum of its weights), for the penalty's lmbda/n. It sets nothing else.
    monitor_samples : int or None, default=10_000
        Training rows, at most, on which each epoch's training figures are taken; always the
        same ones. None takes all, 0 none.
    shuffle : bool, default=True
        Whether to visit the rows in a new order each epoch.
    warm_start : bool, default=False
        Whether `fit` continues a fitted model, adding `max_iter` epochs.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, split, order, dropout and distortions. It is drawn from once
        for a model.
    verbose : int, default=0
        1 prints a line for each epoch, and at the end of `fit` what `diagnose` finds.
    on_interrupt : {"raise", "keep"}, default="raise"
        What Ctrl-C does to `fit`. ``"raise"`` raises KeyboardInterrupt, which also ends the
        search or the loop that `fit` runs in, and leaves the model as it was. ``"keep"``, for
        a `fit` that you watch, ends training with a warning and keeps the model of the epochs
        finished, if there is one; the unfinished epoch stays in its weights, except under early
        stopping. A second Ctrl-C raises.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for multilabel targets the numbers of the labels.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer, in Fortran order.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.
    history_ : dict of lists
        One entry an epoch in each of ``"epoch"`` (from 1), ``"eta"``, ``"train_cost"``,
        ``"train_accuracy"``, ``"penalty"``, ``"validation_cost"``, ``"validation_accuracy"``,
        ``"validation_score"``, ``"saturation"`` (share of hidden activations with
        sigma'(z) < 0.01) and ``"duration"`` (seconds of training). Figures are taken at the end
        of the epoch; costs hold no penalty; what does not exist is NaN. `partial_fit` appends to
        these lists.
    n_iter_ : int
        Epochs trained: the length of the history.
    eta_ : float
        Eta of the last epoch.
    epoch_ : int
        Epoch the weights are from: `best_epoch_` after early stopping, else `n_iter_`.
    best_epoch_, best_score_ : int, float
        Epoch of the highest validation score, and that score. With validation data only.
    validation_indices_ : ndarray of int
        Rows that `fit` split off, if it did.
    seed_ : int
        What `random_state` gave; all further randomness follows from it.
    out_activation_ : {"sigmoid", "softmax"} or callable
        Activation of the output layer.
    multilabel_ : bool
        Whether the targets are a multilabel indicator matrix.
    velocity_ : list of two lists of ndarray
        With momentum: the last step of each of the weights and of each of the biases.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of features, when `X` has such.

    Notes
    -----
    `fit` with ``max_iter=k`` equals k calls of `partial_fit` with the same rows, bit for bit; so
    does a warm `fit`. Every call either succeeds or leaves the model as it was.

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
    >>> clf = MLPSigmoidClassifier(max_iter=10, random_state=0).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.95
    True
    """

    # Asks a Pipeline or a search to pass these on under metadata routing.
    __metadata_request__fit = {"X_val": True, "y_val": True, "sample_weight_val": True}
    __metadata_request__partial_fit = {"X_val": True, "y_val": True, "sample_weight_val": True}

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
        cost="cross_entropy",
        eta=0.5,
        eta_schedule="constant",
        lmbda=0.0,
        penalty="l2",
        dropout=0.0,
        momentum=0.0,
        weight_init="scaled",
        init_scale=1.0,
        augment=None,
        batch_size=10,
        max_iter=30,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        scoring="accuracy",
        class_weight=None,
        n_total=None,
        monitor_samples=10_000,
        shuffle=True,
        warm_start=False,
        random_state=None,
        verbose=0,
        on_interrupt="raise",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cost = cost
        self.eta = eta
        self.eta_schedule = eta_schedule
        self.lmbda = lmbda
        self.penalty = penalty
        self.dropout = dropout
        self.momentum = momentum
        self.weight_init = weight_init
        self.init_scale = init_scale
        self.augment = augment
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scoring = scoring
        self.class_weight = class_weight
        self.n_total = n_total
        self.monitor_samples = monitor_samples
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.on_interrupt = on_interrupt

    # --- training -----------------------------------------------------------------------------

    @all_or_nothing
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
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
            If `X_val` is seen to hold training rows, or to be scaled otherwise than X; if the
            values of X are so large that neurons saturate.
        """
        continuing = self.warm_start and hasattr(self, "coefs_")
        data = X, y, None, sample_weight, X_val, y_val, sample_weight_val
        self._train(self._settings(streaming=False), continuing, *data)
        self._report(X, y)
        return self

    def _report(self, X, y):
        """Print under `verbose` what `diagnose` finds with these rows."""
        if self.verbose:
            for finding in diagnose(self, X, y):
                print(finding)

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

        It never splits off validation rows, stops or restores.

        Parameters
        ----------
        X, y : array-like
            As for `fit`. With blocks of a larger data set, set `n_total`.
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
        settings = self._settings(streaming=True)
        if settings.needs_validation and X_val is None:
            raise ValueError(
                "partial_fit splits off no validation rows, which early stopping and the "
                "plateau schedule need: pass `X_val` and `y_val`, or use fit."
            )
        if isinstance(settings.class_weight, str) and settings.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not possible with partial_fit, which cannot "
                "count the classes of rows to come: pass a dict of weights."
            )
        continuing = hasattr(self, "coefs_")
        data = X, y, classes, sample_weight, X_val, y_val, sample_weight_val
        self._train(settings, continuing, *data)
        return self

    def _train(
        self, settings, continuing, X, y, classes, sample_weight, *given_validation, restore=None
    ):
        """Make data and network, train, and keep what came of it."""
        model = shallow_copy(self)  # so that others can predict with `self` meanwhile
        if not continuing:
            model._start()
        settings.seed = model.seed_
        data, validation = model._data(
            settings, continuing, X, y, classes, sample_weight, *given_validation
        )
        in_a_stream = settings.streaming and settings.n_total is not None
        if not data.total_weight > 0 and not in_a_stream:
            advice = " In a block of a stream they may be, if `n_total` gives the size of all."
            raise ValueError(
                f"The weights of all training rows are zero.{advice if settings.streaming else ''}"
            )
        if validation is not None and not validation.total_weight > 0:
            raise ValueError("The weights of all validation rows are zero.")
        settings.n = float(settings.n_total or data.total_weight)
        settings.monitor = data.select(model._monitor_rows(data, settings.monitor_samples))
        settings.batch_size = _clip_batch_size(settings.batch_size, len(data))
        network = model._network(settings, data, continuing)
        history = model.history_  # a stream appends to it, so that no call copies it
        if not settings.streaming:
            history = {column: list(values) for column, values in history.items()}
        model.history_ = history
        model.coefs_, model.intercepts_ = network.weights, network.biases
        best_before = getattr(model, "best_score_", -math.inf), getattr(model, "best_epoch_", 0)
        for name in ("best_epoch_", "best_score_", "velocity_"):  # those of an earlier training
            vars(model).pop(name, None)

        activation = settings.cost.activation
        names = [name for name, function in ACTIVATIONS.items() if function is activation]
        model.out_activation_ = names[0] if names else activation
        self.__dict__ = vars(model)
        score = self._score_function(settings, validation)
        best = None
        if settings.early_stopping and not settings.streaming:
            best = Best(settings.n_iter_no_change, settings.tol, self.epoch_)
        training = Training(
            self,
            (X, y, sample_weight),
            given_validation,
            network,
            data,
            validation,
            settings,
            history,
            best,
            best_before,
        )
        if restore is not None:
            restore(training)
        self._run(training, score)

    @with_callbacks
    def _run(self, training, score):
        """Train under the callbacks, and keep what came of it."""
        self._training = training  # for callbacks; left out of copies and pickles
        training.begin()
        train(
            training.network,
            training.data,
            training.settings,
            training.history,
            training.validation,
            score,
            training.best,
            training,
        )
        vars(self).update(training.outcome())
        training.end()
        del self._training

    def _start(self):
        """Forget an earlier fit and draw the seed of a new one."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.history_ = {column: [] for column in HISTORY}
        self.epoch_ = 0

    def _settings(self, streaming):
        """Check every parameter; return them with names replaced by what they stand for."""
        names = MLPSigmoidClassifier._get_param_names()  # a subclass may fix some of them
        s = SimpleNamespace(**{name: getattr(self, name) for name in names})
        s.streaming, s.evaluate = streaming, evaluate
        for name, kind, interval in (
            ("eta", Real, "(0, inf)"),
            ("lmbda", Real, "[0, inf)"),
            ("momentum", Real, "[0, 1)"),
            ("init_scale", Real, "[0, inf)"),
            ("max_iter", Integral, "[1, inf)"),
            ("validation_fraction", Real, "(0, 1)"),
            ("n_iter_no_change", Integral, "[1, inf)"),
            ("tol", Real, "[0, inf)"),
        ):
            setattr(s, name, check_number(name, getattr(s, name), kind, interval))
        s.n_epochs = 1 if streaming else s.max_iter
        for name, kind, interval in (
            ("batch_size", Integral, "[1, inf)"),
            ("n_total", Real, "(0, inf)"),
            ("monitor_samples", Integral, "[0, inf)"),
        ):
            if getattr(s, name) is not None:
                value = check_number(name, getattr(s, name), kind, interval, also=" or None")
                setattr(s, name, value)
        for name in ("early_stopping", "shuffle", "warm_start"):
            if not isinstance(getattr(s, name), (bool, np.bool_)):
                raise TypeError(f"`{name}` must be True or False; got {getattr(s, name)!r}.")
        if not isinstance(s.verbose, bool):
            check_number("verbose", s.verbose, Integral, "[0, inf)")
        if not isinstance(s.on_interrupt, str) or s.on_interrupt not in ("raise", "keep"):
            raise ValueError(f"`on_interrupt` must be 'raise' or 'keep'; got {s.on_interrupt!r}.")

        sizes = s.hidden_layer_sizes
        sizes = tuple(sizes) if isinstance(sizes, (list, tuple, np.ndarray)) else (sizes,)
        also = " or a sequence of such integers"
        s.hidden_layer_sizes = sizes = tuple(
            check_number("hidden_layer_sizes", size, Integral, "[1, inf)", also) for size in sizes
        )
        if max(sizes, default=0) > _MOST_UNITS:
            raise ValueError(
                f"`hidden_layer_sizes` must not exceed {_MOST_UNITS} units a layer, the most that "
                f"BLAS can count; got {max(sizes)}."
            )
        s.keep = [1.0 - float(p) for p in _dropout_by_layer(s.dropout, len(sizes))]

        s.cost = resolve("cost", s.cost, COSTS, ("activation", "value", "delta"))
        s.penalty = resolve("penalty", s.penalty, PENALTIES, ("value", "shrink"))
        distort = getattr(s.augment, "distort", None)
        if s.augment is not None and (isinstance(s.augment, type) or not callable(distort)):
            raise TypeError(
                "`augment` must be None or an object with `distort`, such as an ImageAugmenter; "
                f"got {s.augment!r}."
            )
        s.weight_init = resolve("weight_init", s.weight_init, INITIALIZERS)
        if isinstance(s.eta_schedule, (list, tuple)):
            s.eta_schedule = Piecewise(s.eta_schedule)
        also = ", a list of (n_epochs, eta) pairs"
        s.eta_schedule = resolve("eta_schedule", s.eta_schedule, SCHEDULES, also=also)
        s.needs_validation = s.early_stopping or getattr(s.eta_schedule, "needs_validation", False)
        known = isinstance(s.scoring, str) and s.scoring in (*_SCORES, *get_scorer_names())
        if not (known or callable(s.scoring)):
            raise (ValueError if isinstance(s.scoring, str) else TypeError)(
                "`scoring` must be 'accuracy', 'cost', a name that "
                f"sklearn.metrics.get_scorer_names lists, or a scorer; got {s.scoring!r}."
            )
        s.scorer = None
        if not known or s.scoring not in _SCORES:
            s.scorer = check_scoring(self, scoring=s.scoring)
        return s

    # --- data ---------------------------------------------------------------------------------

    def _data(self, settings, continuing, X, y, classes, weight, X_val, y_val, weight_val):
        """Validate what was given; return training data and, if there are any, validation data."""
        dtype = self.coefs_[0].dtype if continuing else "numeric"
        X, y = check_rows(self, X, y, reset=not continuing, dtype=dtype)
        if settings.augment is not None and issparse(X):
            raise TypeError(SPARSE_AUGMENT)
        known = Labels.of(self) if continuing else None
        labels = Labels.learn(y, classes, known, settings.streaming)
        self.classes_, self.multilabel_ = labels.classes, labels.multilabel
        n_outputs = labels.n_outputs(settings.cost, self.cost)
        codes, weight = labels.encode(y), check_weight(weight, X, "sample_weight")
        rows = np.arange(X.shape[0], dtype=np.int32)
        self.__dict__.pop("validation_indices_", None)
        given = validation_given(X_val, y_val, weight_val)
        if settings.needs_validation and not given:
            rows, self.validation_indices_ = self._split(codes, settings)
        of_rows = None if weight is None else weight[rows]
        by_class = labels.class_weight(self.class_weight, codes[rows], of_rows)
        data = Data(X, codes, n_outputs, weight, by_class, rows)
        validation = None
        if given:
            validation = self._validation(X_val, y_val, weight_val, data)
            if self._new_to_validation():
                several = _several_classes(codes) and _several_classes(validation.codes)
                difference = scale_difference(X, validation.X) if several else None
                if remark := remark_on_validation(shared_rows(X, validation.X), difference):
                    warn(remark)
        elif settings.needs_validation:
            validation = data.select(self.validation_indices_)
        if not continuing:
            _warn_of_large_inputs(X)
        return data, validation

    def _new_to_validation(self):
        """Tell whether no epoch has had validation data yet, so that they deserve a look."""
        return all(map(math.isnan, reversed(self.history_["validation_cost"])))

    def _validation(self, X, y, weight, data):
        """Validate validation rows given; `data` are the training rows."""
        try:
            X, y = check_rows(self, X, y, dtype=data.X.dtype)
            codes = Labels.of(self).encode(y)
        except ValueError as error:
            raise ValueError(f"In the validation data: {error}") from error
        weight = check_weight(weight, X, "sample_weight_val")
        return Data(X, codes, data.n_outputs, weight, data.class_weight)

    def _split(self, codes, settings):
        """Split the rows into training and validation rows."""
        n_rows = len(codes)
        names = self.classes_.tolist()
        if self.multilabel_:
            codes, names = np.zeros(n_rows, np.int8), ["any"]  # no strata
        counts = np.bincount(codes, minlength=len(names))
        if counts.min() < 2:
            raise ValueError(
                "A validation split needs two rows of every class; got "
                f"{counts.min()} of class {names[counts.argmin()]!r}. Pass `X_val` and `y_val`."
            )
        n_held_out = math.ceil(settings.validation_fraction * n_rows)
        if min(n_held_out, n_rows - n_held_out) < len(names):
            raise ValueError(
                f"`validation_fraction`={settings.validation_fraction} splits {n_rows} rows into "
                f"{n_rows - n_held_out} and {n_held_out}; both parts need a row of each of the "
                f"{len(names)} classes."
            )
        return split(codes, n_held_out, generator(self.seed_, SPLIT))

    def _monitor_rows(self, data, n_rows):
        """Choose the training rows that are measured: always the same ones."""
        weight = data.relative_weight(data.rows)
        rows = data.rows if weight is None else data.rows[weight > 0]
        if n_rows is not None and n_rows < len(rows):
            chosen = generator(self.seed_, MONITOR).choice(len(rows), n_rows, replace=False)
            rows = rows[np.sort(chosen)]
        return rows

    # --- network ------------------------------------------------------------------------------

    def _network(self, settings, data, continuing):
        """Make the network that is trained: on copies, until training has succeeded."""
        n_features, dtype = data.X.shape[1], data.X.dtype
        sizes = [n_features, *settings.hidden_layer_sizes, data.n_outputs]
        if continuing:
            weights = [np.array(w, dtype, order="F") for w in self.coefs_]
            biases = [np.array(b, dtype) for b in self.intercepts_]
            old_sizes = [n_features, *map(len, biases)]
            if sizes != old_sizes:
                raise ValueError(
                    f"A continued fit keeps its layers, {old_sizes} units with inputs and "
                    f"outputs; `hidden_layer_sizes` and `cost` now ask for {sizes}."
                )
        else:
            weights, biases = [], []
            rng = generator(self.seed_, INITIALISATION)
            for n_in, n_out in pairwise(sizes):
                w, b = settings.weight_init(rng, n_in, n_out)
                if np.shape(w) != (n_in, n_out) or np.shape(b) != (n_out,):
                    raise ValueError(
                        f"`weight_init` must return shapes {(n_in, n_out)} and {(n_out,)}; "
                        f"got {np.shape(w)} and {np.shape(b)}."
                    )
                with np.errstate(all="ignore"):
                    w, b = np.asfortranarray(settings.init_scale * w, dtype), np.array(b, dtype)
                if not (np.isfinite(w).all() and np.isfinite(b).all()):
                    raise ValueError(
                        f"Initial weights and biases must be finite in {dtype}; those of "
                        f"`weight_init` and `init_scale`={settings.init_scale:.6g} are not."
                    )
                weights.append(w)
                biases.append(b)
        velocity = None
        if hasattr(self, "velocity_") and settings.momentum > 0:
            velocity = [[np.array(v, dtype, order="F") for v in some] for some in self.velocity_]
        elif settings.momentum > 0 or settings.batch_size > rows_held(
            n_features, sum(sizes[1:]), dtype
        ):
            velocity = [[np.zeros_like(p) for p in some] for some in (weights, biases)]
        return Network(weights, biases, settings.cost, settings.keep, velocity)

    def _score_function(self, settings, validation):
        """Make the function from an epoch's record to its validation score."""
        if settings.scorer is None or validation is None:
            return _SCORES.get(self.scoring) if settings.scorer is None else None
        fitted = shallow_copy(self)  # shares the weights in training
        vars(fitted).pop("feature_names_in_", None)  # the rows at hand are arrays
        fitted._training = None  # it must not be trained
        X, y, rows = validation.X, validation.codes, validation.rows
        weight = validation.weight(rows)
        if len(rows) < X.shape[0]:
            X, y = X[rows], y[rows]
        y = y if self.multilabel_ else self.classes_[y]
        options = {} if weight is None else {"sample_weight": weight}
        if options and "sample_weight" not in inspect.signature(settings.scorer).parameters:
            raise ValueError(
                f"`scoring`={self.scoring!r} takes no `sample_weight`, but the validation rows "
                "have weights."
            )

        def score(record):
            value = settings.scorer(fitted, X, y, **options)
            if not isinstance(value, Real) or not np.isfinite(value):
                raise ValueError(f"`scoring` must give a finite number; got {value!r}.")
            return float(value)

        return score

    # --- prediction ---------------------------------------------------------------------------

    def _weighted_inputs(self, X):
        """Compute the output layer's z of every row, in float64 where the model's dtype overflows.

        Raises
        ------
        ValueError
            If the model is not finite, or z overflows float64.
        """
        check_is_fitted(self)
        dtype = self.coefs_[0].dtype
        X = check_rows(self, X, dtype=dtype)
        try:
            return self._forward(X, dtype)
        except OverflowError:
            for name in ("coefs_", "intercepts_"):
                if not all(np.isfinite(array).all() for array in getattr(self, name)):
                    raise ValueError(
                        f"The model is not finite: `{name}` holds NaN or infinity."
                    ) from None
        try:
            return self._forward(X, np.dtype(np.float64))
        except OverflowError as error:
            raise ValueError(f"X is too large for this model. {error}") from None

    def _forward(self, X, dtype):
        """Compute the output layer's z of every row, a chunk at a time."""
        coefs, intercepts = itemgetter("coefs_", "intercepts_")(vars(self))  # of one training
        weights = [np.asarray(w, dtype, order="F") for w in coefs]
        network = Network(weights, [b.astype(dtype, copy=False) for b in intercepts], None)
        largest = np.finfo(dtype).max / 4  # so that differences are finite, too
        n_rows, n_features = X.shape
        z = np.empty((n_rows, len(intercepts[-1])), dtype)
        step = rows_held(n_features, network.n_units, dtype)

        def pass_chunks():
            for start in range(0, n_rows, step):
                x = X[start : start + step].astype(dtype, copy=False)
                x = x.toarray() if issparse(x) else x
                z[start : start + step] = network.forward(x, largest=largest)

        run = blas_threads(min(n_rows, 10), network.layer_sizes)  # all threads if a layer is large
        with np.errstate(all="ignore"):
            run(pass_chunks)
        return z

    def decision_function(self, X):
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
        z = model._weighted_inputs(X)
        if model.multilabel_ or len(model.classes_) > 2:
            return z
        return z[:, 0] if z.shape[1] == 1 else z[:, 1] - z[:, 0]

    def predict(self, X):
        """Predict the class of each row, or each row's labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        model = shallow_copy(self)  # whose parts belong together: another thread may refit it
        codes = decide(model._weighted_inputs(X), model.multilabel_)
        return codes if model.multilabel_ else model.classes_[codes]

    def predict_log_proba(self, X):
        """Compute the logarithms of the probabilities of `predict_proba`; they are finite.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        model = shallow_copy(self)  # whose parts belong together: another thread may refit it
        z = model._weighted_inputs(X)
        activation = model.out_activation_
        if isinstance(activation, str):
            activation = ACTIVATIONS[activation]
        with np.errstate(all="ignore"):
            log_p = log_outputs(activation, z)
            if not model.multilabel_:
                if z.shape[1] == 1:
                    log_p = np.hstack([log_outputs(activation, z, complement=True), log_p])
                else:
                    log_p = log_softmax(log_p, axis=1)  # also where all outputs underflow
        if not np.isfinite(log_p).all():  # never of sigmoid and softmax
            raise ValueError(
                f"The output activation {activation!r} gives no logarithm that is finite: its "
                "outputs must lie between 0 and 1."
            )
        return log_p

    def predict_proba(self, X):
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

    def __sklearn_is_fitted__(self):
        return hasattr(self, "out_activation_")

    def __getstate__(self):
        state = super().__getstate__()
        training = state.pop("_training", None)
        if training is not None and training.n_epochs > training.first_epoch:
            state |= training.outcome() | {"epoch_": training.n_epochs}
        if "history_" in state:  # which training appends to: a shallow copy has its own
            state["history_"] = {name: list(column) for name, column in state["history_"].items()}
        return state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags


def shallow_copy(estimator):
    """Copy an estimator's attributes, and nothing that they hold."""
    copied = object.__new__(type(estimator))
    vars(copied).update(vars(estimator))
    return copied


def _dropout_by_layer(dropout, n_hidden):
    """Return the dropout of the input layer and of each hidden layer."""
    if np.ndim(dropout) == 0:
        also = " or a sequence of such numbers"
        check_number("dropout", dropout, Real, "[0, 1)", also)
        return [0.0] + [dropout] * n_hidden
    for p in dropout:
        check_number("dropout", p, Real, "[0, 1)")
    if len(dropout) != n_hidden + 1:
        raise ValueError(
            "`dropout` as a sequence must hold a number for the input layer and one for each of "
            f"the {n_hidden} hidden layers; got {len(dropout)}."
        )
    return list(dropout)


def _clip_batch_size(batch_size, n_rows):
    if batch_size is None:
        return n_rows
    if batch_size > n_rows:
        warn(
            f"`batch_size` is {shown(batch_size)}, but there are {n_rows} training rows; a "
            "mini-batch takes them all."
        )
    return min(batch_size, n_rows)


def _several_classes(codes):
    return codes.ndim == 2 or codes.min() < codes.max()


def _warn_of_large_inputs(X):
    """Warn where inputs are so large that sigmoid neurons saturate at once."""
    values = X.data if issparse(X) else X.ravel()
    with np.errstate(all="ignore"):
        rms = float(np.sqrt(np.vdot(values, values) / (X.shape[0] * X.shape[1])))
    if rms > LARGE_RMS:
        warn(
            f"The root mean square of X is {rms:.3g}: sigmoid neurons will saturate and hardly "
            "learn. Scale the inputs to about one, for instance by dividing pixels by 255 or "
            "with StandardScaler."
        )
