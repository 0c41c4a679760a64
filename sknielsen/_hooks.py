"""A training as scikit-learn's callbacks see it: a task with one subtask for each epoch.

`sklearn.callback` came with scikit-learn 1.9. With an older one, or without callbacks, `Hooks`
only keep the estimator's attributes in step with the state of the training.
"""

import functools
from collections.abc import Callable
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from sknielsen._fitted import FITTED, attributes
from sknielsen._identity import Identity, identify
from sknielsen._inputs import Inputs
from sknielsen._parameters import Parameters
from sknielsen._progress import columns_of, head, line
from sknielsen._warn import warn
from sknielsen.core.caching import cached_property
from sknielsen.core.state import State

Estimator = TypeVar("Estimator")
P = ParamSpec("P")
T = TypeVar("T")

try:
    from sklearn.callback import with_callbacks
except ImportError:  # scikit-learn before 1.9

    def with_callbacks(method: Callable[P, T]) -> Callable[P, T]:
        """Stand in for scikit-learn's decorator."""
        return method


# The attribute of an estimator that is being trained: its `Hooks`; None for one that shares the
# weights of such a one. An error leaves none behind, since `all_or_nothing` puts all attributes
# back at once; copies and pickles leave it out.
TRAINING = "_training"


def forbid_training(estimator: Any) -> None:
    """Have `refuse_in_training` refuse an estimator from now on."""
    vars(estimator)[TRAINING] = None


def training_of(estimator: Any) -> "Hooks | None":
    """Return the training of an estimator that is going on; None if there is none."""
    training: Hooks | None = vars(estimator).get(TRAINING)
    return training


def refuse_in_training(estimator: Any) -> None:
    """Raise RuntimeError if the estimator is being trained."""
    if TRAINING in vars(estimator):
        raise RuntimeError(
            f"This {type(estimator).__name__} is being trained: what is called meanwhile, a "
            "callback for instance, can train a clone or a copy of it."
        )


class Hooks:
    """Keep an estimator in step with its training, and call its callbacks.

    If an error ends the training, it is for `all_or_nothing` to put the estimator back.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier
    state : State
    inputs : Inputs
    parameters : Parameters

    Attributes
    ----------
    last_epoch : int
        Epochs in the history if nothing ends this training earlier.
    started : float
        `time.perf_counter` when it began.
    """

    def __init__(
        self, estimator: Any, state: State, inputs: Inputs, parameters: Parameters
    ) -> None:
        self.estimator = estimator
        self.state = state
        self.inputs = inputs
        self.parameters = parameters
        self.last_epoch: int = state.first_epoch + parameters.n_epochs
        self.started: float = perf_counter()
        self._n_before: int = 0 if parameters.streaming else state.n_epochs
        self._fit: Any = None
        self._epoch: Any = None

    def run(self, train: Callable[[], T]) -> T:
        """Begin the training, call a function that trains, end the training; return the result."""
        result: T = _call_and_tear_down(self.estimator, self._run, train)
        return result

    def _run(self, train: Callable[[], T]) -> T:
        self._begin()
        result = train()
        self._end()
        return result

    def _begin(self) -> None:
        """Make the estimator a fitted one that is being trained; tell the callbacks."""
        estimator, parameters = self.estimator, self.parameters
        others = {n: v for n, v in vars(estimator).items() if n not in FITTED}
        learned = attributes(self.state) | {"out_activation_": parameters.out_activation}
        # At once: another thread may predict.
        estimator.__dict__ = others | learned | {TRAINING: self}
        if hasattr(estimator, "_init_callback_context"):
            self._fit = estimator._init_callback_context(
                task_name="partial_fit" if parameters.streaming else "fit",
                max_subtasks=max(0, self.last_epoch - self.state.n_epochs),
            )
            self._fit.call_on_fit_task_begin(**self._rows())

    def _end(self) -> None:
        """Make the estimator one that was trained; tell the callbacks."""
        self._settle()
        if "velocity_" in vars(self.estimator) and self.state.velocity is None:
            del self.estimator.velocity_  # it belonged to later weights than the best ones
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._rows(), reconstruction_attributes={})
        del vars(self.estimator)[TRAINING]

    def begin_epoch(self) -> None:
        """Tell the callbacks that an epoch begins."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._rows())

    def end_epoch(self) -> bool:
        """Tell the callbacks that an epoch has ended; return whether one asks for the end."""
        self._settle()
        if self.parameters.verbose:
            self._print()
        return self._epoch is not None and bool(
            self._epoch.call_on_fit_task_end(
                **self._rows(),
                reconstruction_attributes=lambda: attributes(self.state.copy()),
            )
        )

    def _print(self) -> None:
        """Print the line of the epoch, and before the first one of a table its head."""
        record = {column: values[-1] for column, values in self.state.history.items()}
        columns = columns_of(record, self.parameters)
        if self.state.n_epochs == self._n_before + 1:
            if self._n_before > self.state.first_epoch:
                print(f"Resumed after epoch {self._n_before}.")
            print(head(columns))
        is_best = self.state.best.epoch == self.state.n_epochs
        print(line(columns, record, is_best))

    def interrupted(self) -> None:
        """Tell the user that Ctrl-C has ended training."""
        warn(f"Training was interrupted after epoch {self.state.n_epochs}; the model is fitted.")

    @cached_property
    def identity(self) -> Identity:
        """What parameters and data are known by, as they are when it is first asked for."""
        return identify(self.estimator, self.inputs)

    def _settle(self) -> None:
        """Make the estimator's attributes those of the state."""
        vars(self.estimator).update(attributes(self.state))

    def _rows(self) -> dict[str, Any]:
        """Return what every hook may ask for; scikit-learn calls what is callable if it does."""
        return {
            "estimator": self.estimator,
            "X": lambda: self.inputs.training_rows[0],
            "y": lambda: self.inputs.training_rows[1],
            "metadata": self._metadata,
        }

    def _metadata(self) -> dict[str, Any] | None:
        weight = self.inputs.training_rows[2]
        return None if weight is None else {"sample_weight": weight}


def _call(estimator: Any, function: Callable[..., T], *args: Any) -> T:
    """Call a function that trains the estimator under its callbacks."""
    return function(*args)


# It tears the callbacks down at the end, whatever ends the call.
_call_and_tear_down: Callable[..., Any] = with_callbacks(_call)


def all_or_nothing(
    train: Callable[Concatenate[Estimator, P], T],
) -> Callable[Concatenate[Estimator, P], T]:
    """Make a function that trains its first argument leave it as it was if anything is raised.

    Ctrl-C included; it is raised again. Training replaces an estimator's arrays, so that its
    attributes are all there is to put back, but for two things that it changes in place: the
    history, to which epochs are appended, and a RandomState given as `random_state`.
    """

    @functools.wraps(train)
    def guarded(estimator: Estimator, /, *args: P.args, **kwargs: P.kwargs) -> T:
        refuse_in_training(estimator)
        before = dict(vars(estimator))
        history, n_epochs = before.get("history_", {}), before.get("n_iter_", 0)
        given = getattr(estimator, "random_state", None)
        random_state = given if isinstance(given, np.random.RandomState) else None
        state = random_state.get_state(legacy=False) if random_state else None
        try:
            return train(estimator, *args, **kwargs)
        except BaseException:
            estimator.__dict__ = before  # at once: another Ctrl-C cannot tear it
            if random_state and state:
                random_state.set_state(state)
            for column in history.values():
                del column[n_epochs:]
            raise

    return guarded
