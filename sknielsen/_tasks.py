"""Training as scikit-learn's callbacks see it: a task with one subtask for each epoch.

`sklearn.callback` came with scikit-learn 1.9. With an older one, or without callbacks, a
`Training` tells nobody anything.
"""

import functools
from dataclasses import dataclass
from math import inf
from time import perf_counter

from scipy.sparse import issparse
from sklearn.utils import _safe_indexing

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:
        """Stands in for scikit-learn's mixin; an estimator has no `set_callbacks` then."""

    def with_callbacks(method):
        """Stand in for scikit-learn's decorator."""
        return method


@dataclass(eq=False)
class Training:
    """One training, for callbacks to look at.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier
    given : tuple of (X, y, sample_weight)
        What the user passed.
    given_validation : tuple of (X_val, y_val, sample_weight_val)
        What the user passed; all None if nothing.
    network, data, validation, settings, history, best
        As `sknielsen._training.train` takes them.
    best_before : tuple of (score, epoch)
        The highest validation score of earlier trainings; epoch 0 if there is none.

    Attributes
    ----------
    first_epoch : int
        Epochs of the history that are older than this training.
    last_epoch : int
        Epochs of the history if nothing ends this training earlier.
    started : float
        `time.perf_counter` at its start.
    known_by : dict or None
        What a checkpoint knows parameters and data by: made once for a training.
    """

    estimator: object
    given: tuple
    given_validation: tuple
    network: object
    data: object
    validation: object
    settings: object
    history: dict
    best: object
    best_before: tuple

    def __post_init__(self):
        """Note where and when it starts."""
        self.first_epoch = len(self.history["epoch"])
        self.last_epoch = self.first_epoch + self.settings.n_epochs
        self.started = perf_counter()
        self.known_by = None
        self._task = self._epoch = None

    @property
    def n_epochs(self):
        """Epochs trained so far, those of earlier trainings included."""
        return len(self.history["epoch"])

    @functools.cached_property
    def training_rows(self):
        """The X, y and sample weights given, without the rows that were split off."""
        if len(self.data) == self.data.X.shape[0]:
            return self.given
        return _select(self.given, self.data.rows)

    @functools.cached_property
    def validation_rows(self):
        """The X, y and sample weights to validate on, as given; None if there are none."""
        if self.validation is None:
            return None
        if self.given_validation[0] is not None:
            return self.given_validation
        return _select(self.given, self.validation.rows)

    def begin(self):
        """Tell the callbacks that training begins."""
        if not hasattr(self.estimator, "_init_callback_context"):
            return
        name = "partial_fit" if self.settings.streaming else "fit"
        n_epochs = self.settings.n_epochs
        self._task = self.estimator._init_callback_context(task_name=name, max_subtasks=n_epochs)
        self._task.call_on_fit_task_begin(**self._rows())

    def begin_epoch(self):
        """Tell the callbacks that an epoch begins."""
        if self._task is not None:
            self._epoch = self._task.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._rows())

    def end_epoch(self):
        """Tell the callbacks that an epoch has ended; return whether one asks for the end."""
        return self._epoch is not None and self._epoch.call_on_fit_task_end(
            **self._rows(), reconstruction_attributes=self._fitted_attributes
        )

    def end(self):
        """Tell the callbacks that training has ended and the estimator is fitted."""
        if self._task is not None:
            self._task.call_on_fit_task_end(**self._rows(), reconstruction_attributes={})

    def _rows(self):
        """Return what every hook may ask for; scikit-learn calls what is callable if it does."""
        return {
            "estimator": self.estimator,
            "X": lambda: self.training_rows[0],
            "y": lambda: self.training_rows[1],
            "metadata": self._metadata,
        }

    def _metadata(self):
        weight = self.training_rows[2]
        return None if weight is None else {"sample_weight": weight}

    def outcome(self):
        """Return what training has come to, beside the weights: attributes of the estimator."""
        history, best = self.history, self.best
        attributes = {"n_iter_": self.n_epochs, "eta_": history["eta"][-1]}
        if best is not None:
            attributes["epoch_"] = best.epoch
        elif self.n_epochs > self.first_epoch:  # else the weights are still those they were
            attributes["epoch_"] = self.n_epochs
        if best is not None:
            highest = best.score, best.epoch
        else:
            scores = history["validation_score"][self.first_epoch :]
            highest = highest_score(scores, self.first_epoch, self.best_before)
        if highest[1] > 0:
            attributes |= {"best_score_": highest[0], "best_epoch_": highest[1]}
        if best is None and self.settings.momentum > 0:
            attributes["velocity_"] = [list(arrays) for arrays in self.network.velocity]
        return attributes

    def _fitted_attributes(self):
        """Copy what a fitted estimator with the weights of this epoch differs in."""
        attributes = self.outcome() | {
            "coefs_": _copies(self.network.weights),
            "intercepts_": _copies(self.network.biases),
            "history_": {column: list(values) for column, values in self.history.items()},
            "epoch_": self.n_epochs,
        }
        if "velocity_" in attributes:
            attributes["velocity_"] = [_copies(arrays) for arrays in attributes["velocity_"]]
        return attributes


def highest_score(scores, n_before=0, before=(-inf, 0)):
    """Return the highest score and its epoch; epoch 0 if all are NaN.

    Parameters
    ----------
    scores : list of float
        Of the epochs that follow the first `n_before`.
    n_before : int, default=0
    before : tuple of (score, epoch), default=(-inf, 0)
        The highest score of those epochs, which wins a tie.
    """
    for epoch, score in enumerate(scores, n_before + 1):
        if score > before[0]:
            before = score, epoch
    return before


def _copies(arrays):
    return [array.copy(order="F") for array in arrays]


def _select(given, rows):
    given = (part.tocsr() if issparse(part) else part for part in given)  # COO has no rows
    return tuple(None if part is None else _safe_indexing(part, rows) for part in given)
