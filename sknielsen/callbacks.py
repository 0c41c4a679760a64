"""Callbacks for `MLPSigmoidClassifier`, and `resume`; they need scikit-learn 1.9.

A callback is an object that scikit-learn's ``set_callbacks`` accepts: with ``setup``,
``on_fit_task_begin``, ``on_fit_task_end`` and ``teardown``. `_Callback` here has them all, doing
nothing; to add a callback, derive from it and write ``end_epoch``. Scikit-learn's own callbacks
work on the classifier as well.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from numbers import Integral, Real
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import sklearn
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from sknielsen._sklearn import ScoringMonitor
else:
    try:
        from sklearn.callback import ScoringMonitor
    except ImportError as error:
        raise ImportError(
            "sknielsen.callbacks needs scikit-learn 1.9 or newer, which brought callbacks; this "
            f"is scikit-learn {sklearn.__version__}. All else in sknielsen works without them."
        ) from error

from sknielsen._checkpoint import (
    clear_temporary,
    read_checkpoint,
    require_writable,
    write_checkpoint,
)
from sknielsen._classifier import MLPSigmoidClassifier, train_estimator
from sknielsen._hooks import Hooks, all_or_nothing, training_of
from sknielsen._identity import check_same_parameters, parameters_of
from sknielsen._inputs import Given
from sknielsen._resolve import check_number
from sknielsen.core.contracts import History, MatrixLike

__all__ = ["Checkpoint", "EarlyStopping", "ValidationMonitor", "resume"]

Classifier = TypeVar("Classifier", bound=MLPSigmoidClassifier)


def _training_of(callback: object, estimator: Any) -> Hooks:
    """Return the training that is going on, or raise TypeError."""
    training = training_of(estimator)
    if training is None:
        raise TypeError(
            f"{type(callback).__name__} works on an MLPSigmoidClassifier, and was set on "
            f"{type(estimator).__name__}. Set it on the classifier inside."
        )
    return training


def _require_validation(callback: object, estimator: Any, why: str = "") -> None:
    if _training_of(callback, estimator).inputs.validation is None:
        raise ValueError(
            f"{type(callback).__name__}{why} needs validation data: pass `X_val` and `y_val` to "
            "fit, or set early_stopping=True, which splits some off."
        )


class _Callback:
    """A callback that does nothing but call `end_epoch` at the end of each epoch."""

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that the callback works on the estimator."""
        _training_of(self, estimator)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Call `end_epoch`; return True to end training."""
        is_epoch = context.task_name == "epoch"
        return is_epoch and bool(self.end_epoch(_training_of(self, estimator)))

    def end_epoch(self, training: Hooks) -> bool | None:
        """Act at the end of an epoch; return True to end training."""
        raise NotImplementedError

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing."""


class ValidationMonitor(ScoringMonitor):
    """Score the classifier on its validation data at the end of each epoch.

    It is scikit-learn's `~sklearn.callback.ScoringMonitor` for the rows in `X_val`, or those that
    `fit` splits off: its log holds a row for each epoch and one for the whole fit, and it works
    in searches with several processes.

    Parameters
    ----------
    scoring : str, callable, list, tuple or dict, default="accuracy"
        What to score, one scorer or several, as for `~sklearn.callback.ScoringMonitor`.

    Raises
    ------
    ValueError
        In `fit`, if there are no validation data.
    TypeError
        In `fit`, if it is set on another estimator than an `MLPSigmoidClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier
    >>> from sknielsen.callbacks import ValidationMonitor
    >>> X, y = load_digits(return_X_y=True)
    >>> monitor = ValidationMonitor(scoring=["accuracy", "neg_log_loss"])
    >>> clf = MLPSigmoidClassifier(max_iter=2, random_state=0).set_callbacks(monitor)
    >>> clf = clf.fit(X[:1000] / 16, y[:1000], X_val=X[1000:] / 16, y_val=y[1000:])
    >>> [row["task_name"] for row in monitor.get_logs().data]
    ['fit', 'epoch', 'epoch']
    """

    def __init__(
        self,
        *,
        scoring: str | Callable[..., Any] | Sequence[str] | Mapping[str, Any] = "accuracy",
    ) -> None:
        super().__init__(scoring=scoring)

    def setup(self, estimator: Any, context: Any) -> None:
        """Make the scorer, and check that there are validation data."""
        _require_validation(self, estimator)
        super().setup(estimator, context)

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> Any:
        """Score the validation data."""
        rows = _training_of(self, estimator).inputs.validation_rows
        assert rows is not None  # `setup` has seen that there are such
        X, y, weight = rows
        metadata = None if weight is None else {"sample_weight": weight}
        return super().on_fit_task_end(
            estimator, context, X=X, y=y, fitted_estimator=fitted_estimator, metadata=metadata
        )


class EarlyStopping(_Callback):
    """End training after some time, or once the validation score is good enough.

    For patience there is the classifier's own ``early_stopping=True``. This acts on `fit`; a
    `partial_fit` trains its one epoch anyway.

    Where both are used, the best weights are restored, whichever ends training.

    Parameters
    ----------
    time_limit : float, default=None
        Seconds since training began. They are looked at after each epoch, so that the epoch that
        exceeds them is finished. A resumed training has the whole time again.
    score : float, default=None
        Validation score, in the sense of the classifier's `scoring`, that is enough. The default
        scoring is minus the cost: -0.3 ends training at a validation cost of 0.3.

    Raises
    ------
    TypeError, ValueError
        If neither is given, or one is not a finite number. In `fit`, if `score` is given, but no
        validation data.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier
    >>> from sknielsen.callbacks import EarlyStopping
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(early_stopping=True, scoring="accuracy", random_state=0)
    >>> clf = clf.set_callbacks(EarlyStopping(score=0.9)).fit(X / 16, y)
    >>> clf.n_iter_ < clf.max_iter
    True
    """

    def __init__(self, *, time_limit: float | None = None, score: float | None = None) -> None:
        if time_limit is None and score is None:
            raise ValueError("EarlyStopping needs `time_limit`, `score` or both; got neither.")
        if time_limit is not None:
            check_number("time_limit", time_limit, Real, "(0, inf)", also=" or None")
        if score is not None:
            check_number("score", score, Real, "(-inf, inf)", also=" or None")
        self.time_limit = time_limit
        self.score = score

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that there are validation data, if a score is asked for."""
        super().setup(estimator, context)
        if self.score is not None:
            _require_validation(self, estimator, "(score=...)")

    def end_epoch(self, training: Hooks) -> bool:
        """Tell whether to end training."""
        late = self.time_limit is not None and perf_counter() - training.started > self.time_limit
        return late or self.reached(training.state.history)

    def reached(self, history: History) -> bool:
        """Tell whether the last validation score is good enough."""
        return self.score is not None and history["validation_score"][-1] >= self.score


class Checkpoint(_Callback):
    """Write the state of training to a file, from which `resume` goes on.

    The file is a .npz archive: arrays, which ``numpy.load(path, allow_pickle=False)`` reads, and
    ``checkpoint.json`` with all that is not an array. It holds the current and the best weights,
    the velocity, the history, the validation rows' numbers, the seed, the classes, the parameters
    and digests of the data, not the data themselves. A new one is written beside it, to a name
    that ends in ".tmp", forced to the disk and renamed: at any moment, `path` is a whole
    checkpoint. The first is written when training begins, over an older one.

    Parameters
    ----------
    path : str or path-like
        File to write; one training only should write to it. Scikit-learn's searches are refused;
        what else trains several (`cross_val_score`, one-vs-rest, bagging) cannot be seen.
    every : int, default=1
        Epochs between two checkpoints. One more is written after the last epoch of `max_iter`.

    Raises
    ------
    ValueError
        In `fit`, in a search whose candidates would overwrite each other's checkpoints. In
        `partial_fit`, after which there are no epochs left that could be resumed.
    OSError
        In `fit`, if the file cannot be written; when training begins, as a rule. The classifier
        is then as it was before.

    See Also
    --------
    resume : Train the epochs that are left.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier
    >>> from sknielsen.callbacks import Checkpoint, resume
    >>> X, y = load_digits(return_X_y=True)
    >>> path = os.path.join(tempfile.mkdtemp(), "digits.npz")
    >>> clf = MLPSigmoidClassifier(max_iter=4, random_state=0)
    >>> clf = clf.set_callbacks(Checkpoint(path, every=3)).fit(X / 16, y)
    >>> again = resume(MLPSigmoidClassifier(max_iter=4, random_state=0), path, X / 16, y)
    >>> all((a == b).all() for a, b in zip(again.coefs_, clf.coefs_))
    True
    """

    def __init__(self, path: str | os.PathLike[str], *, every: int = 1) -> None:
        self.path: str = os.path.realpath(
            os.fsdecode(path)
        )  # a link stays, and may lead elsewhere
        self.every: int = check_number("every", every, Integral, "[1, inf)")

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that there is one training, which can be resumed."""
        super().setup(estimator, context)
        if context.task_name == "partial_fit":
            raise ValueError(
                "Checkpoint works with fit, of which epochs are left to resume. Take it off by "
                "set_callbacks(); after a partial_fit save the classifier itself, for instance "
                "by joblib.dump."
            )
        while (context := context.parent) is not None:
            if not context.sequential_subtasks:
                raise ValueError(
                    f"Checkpoint has one file for one training, but {context.estimator_name} "
                    "trains several, which would overwrite each other's."
                )

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Write the state that training begins with, and so see that the file can be written."""
        if context.task_name == "fit":
            require_writable(self.path)
            clear_temporary(self.path)
            training = _training_of(self, estimator)
            write_checkpoint(self.path, training.state, training.identity)

    def end_epoch(self, training: Hooks) -> None:
        """Write a checkpoint if one is due."""
        n_epochs = training.state.n_epochs
        if n_epochs % self.every == 0 or n_epochs == training.last_epoch:
            write_checkpoint(self.path, training.state, training.identity)


def resume(
    estimator: Classifier,
    path: str | os.PathLike[str],
    X: MatrixLike,
    y: MatrixLike,
    sample_weight: ArrayLike | None = None,
    *,
    X_val: MatrixLike | None = None,
    y_val: MatrixLike | None = None,
    sample_weight_val: ArrayLike | None = None,
) -> Classifier:
    """Train the epochs that are left of an interrupted `fit`.

    Weights, history and all other results are, bit for bit, those of a `fit` that was never
    interrupted (on the same machine and libraries; durations apart). Where the last checkpoint is
    of the epoch after which early stopping or an `EarlyStopping` ended training, no more epochs
    are trained; callbacks of another kind are first asked after the next epoch.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier
        With the parameters and, if wanted, the callbacks of the interrupted `fit`. `max_iter` may
        differ: it counts from the beginning of that `fit`, and an eta that falls over `max_iter`
        falls over the new one from here on. So may `on_interrupt`, `verbose` and `warm_start`.
        Functions among the parameters are known by their names only, and other objects by their
        class and attributes. What it has learned is replaced.
    path : str or path-like
        A file that `Checkpoint` has written.
    X, y, sample_weight, X_val, y_val, sample_weight_val : array-like
        The data given to that `fit`.

    Returns
    -------
    MLPSigmoidClassifier
        The estimator, fitted. If no epochs are left, it is as at the end of training.

    Raises
    ------
    ValueError
        If the file is no checkpoint, damaged, or one of a newer sknielsen; if parameters or data
        are not those it was written with. The estimator is then as it was before.
    TypeError
        If `estimator` is not an `MLPSigmoidClassifier`.
    OSError
        If the file cannot be read.

    Examples
    --------
    A script that goes on where it was killed::

        clf = MLPSigmoidClassifier(random_state=0).set_callbacks(Checkpoint("run.npz"))
        if os.path.exists("run.npz"):
            resume(clf, "run.npz", X, y)
        else:
            clf.fit(X, y)
    """
    if not isinstance(estimator, MLPSigmoidClassifier):
        raise TypeError(
            f"`estimator` must be an MLPSigmoidClassifier; got {type(estimator).__name__}. Of a "
            "pipeline pass the last step, and X as the steps before transform it."
        )
    given = Given(X, y, sample_weight, X_val, y_val, sample_weight_val)
    return _resume(estimator, path, given)


@all_or_nothing
def _resume(estimator: Classifier, path: str | os.PathLike[str], given: Given) -> Classifier:
    state, identity = read_checkpoint(path)
    defaults = {n: p.default for n, p in signature(MLPSigmoidClassifier).parameters.items()}
    check_same_parameters(identity.parameters, parameters_of(estimator), defaults)
    ended = state.n_epochs > state.first_epoch and any(
        isinstance(callback, EarlyStopping) and callback.reached(state.history)
        for callback in getattr(estimator, "_skl_callbacks", [])
    )
    train_estimator(estimator, state, given, saved=identity, ended=ended)
    return estimator
