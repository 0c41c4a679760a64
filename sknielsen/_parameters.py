"""The classifier's parameters, checked once: a table of checks, and the values that they give.

To add a parameter: a line in ``CHECKS``, a field of `Parameters`, and the constructor of the
classifier. A check takes the parameter's name and what the user gave; it returns the value that
training uses, in which a name has become the object it stands for, or raises an error that says
what is accepted and what came.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, Self, TypeAlias

import numpy as np

from sknielsen._resolve import check_number, end_of_error, random_state_of, scalar
from sknielsen.core.activations import ACTIVATIONS
from sknielsen.core.contracts import (
    Activation,
    Augmenter,
    Cost,
    History,
    Initializer,
    Penalty,
    Schedule,
)
from sknielsen.core.stopping import Patience
from sknielsen.costs import resolve_cost
from sknielsen.initializers import resolve_initializer
from sknielsen.penalties import resolve_penalty
from sknielsen.schedules import needs_validation, resolve_schedule

Check = Callable[[str, Any], Any]
# What users may give.
EtaSchedule: TypeAlias = (
    Literal["constant", "taper", "plateau"] | Sequence[tuple[int, float]] | Schedule
)
Scoring: TypeAlias = Literal["accuracy", "cost"] | str | Callable[..., float]

_MOST_UNITS = 2**31 - 1


def number(kind: type, interval: str, or_none: bool = False) -> Check:
    """Make the check of a number; `interval` in the usual notation."""

    def check(name: str, value: Any) -> Any:
        if or_none and value is None:
            return None
        return check_number(name, value, kind, interval, also=" or None" if or_none else "")

    return check


def step_size(name: str, value: Any) -> float:
    """Check eta, of which there is one."""
    value = scalar(value)
    if callable(value) or (np.iterable(value) and not isinstance(value, str)):
        raise TypeError(
            f"`{name}` must be a number in (0, inf); got {value!r}. For an eta that changes use "
            "`eta_schedule`."
        )
    return check_number(name, value, Real, "(0, inf)")


def flag(name: str, value: Any) -> bool:
    """Check a boolean."""
    found = scalar(value)
    if not isinstance(found, (bool, np.bool_)):
        raise TypeError(f"`{name}` must be True or False; got {value!r}.")
    return bool(found)


def choice(*choices: str) -> Check:
    """Make the check of a string out of two or more."""

    def check(name: str, value: Any) -> Any:
        if not value_is(value, *choices):
            raise ValueError(f"`{name}` must be {' or '.join(map(repr, choices))}; got {value!r}.")
        return value

    return check


def stands_for(resolve: Callable[[object], Any]) -> Check:
    """Make the check of a name or an object of one of the tables."""
    return lambda _, value: resolve(value)


def seed_or_generator(name: str, value: Any) -> Any:
    """Check what random numbers begin with, and draw none."""
    if value is not None and not (type(value) is int and 0 <= value < 2**32):
        random_state_of(value)  # which takes long to seed a generator
    return value


def layer_sizes(name: str, value: Any) -> tuple[int, ...]:
    """Check numbers of units."""
    value = scalar(value)
    sizes = tuple(value) if isinstance(value, (list, tuple, np.ndarray)) else (value,)
    also = " or a sequence of such integers"
    sizes = tuple(check_number(name, size, Integral, "[1, inf)", also) for size in sizes)
    if max(sizes, default=0) > _MOST_UNITS:
        raise ValueError(
            f"`{name}` must not exceed {_MOST_UNITS} units a layer, the most that "
            f"BLAS can count; got {max(sizes)}."
        )
    return sizes


def probabilities(name: str, value: Any) -> float | tuple[float, ...]:
    """Check the dropout of all hidden layers, or that of each layer."""
    if np.ndim(value) == 0:
        also = " or a sequence of such numbers"
        return float(check_number(name, value, Real, "[0, 1)", also))
    return tuple(float(check_number(name, p, Real, "[0, 1)")) for p in value)


def augmenter(name: str, value: Any) -> Augmenter | None:
    """Check an object that distorts rows."""
    distort = getattr(value, "distort", None)
    if value is not None and (isinstance(value, type) or not callable(distort)):
        raise TypeError(
            f"`{name}` must be None or an object with `distort`, such as an ImageAugmenter; "
            f"got {value!r}{end_of_error(value, ('distort',))}"
        )
    found: Augmenter | None = value
    return found


def scoring(name: str, value: Any) -> Any:
    """Check a validation score: "accuracy" and "cost" stay names, all else becomes a scorer."""
    if value_is(value, "accuracy", "cost"):
        return value
    from sklearn.metrics import check_scoring, get_scorer_names  # which take long to import

    if not (callable(value) or value_is(value, *get_scorer_names())):
        raise (ValueError if isinstance(value, str) else TypeError)(
            f"`{name}` must be 'accuracy', 'cost', a name that "
            f"sklearn.metrics.get_scorer_names lists, or a scorer; got {value!r}."
        )
    return check_scoring(scoring=value)


def penalty_strength(name: str, value: Any) -> float | Literal["auto"]:
    """Check the strength of the penalty."""
    if isinstance(value, str) and value == "auto":
        return "auto"
    return float(check_number(name, value, Real, "[0, inf)", also=" or 'auto'"))


def class_weights(name: str, value: Any) -> Any:
    """Check the kind of class weights; which classes there are is not known here."""
    if not (value is None or isinstance(value, dict) or value_is(value, "balanced")):
        raise TypeError(f"`{name}` must be a dict, 'balanced' or None; got {value!r}.")
    return value


def value_is(value: Any, *words: str) -> bool:
    """Tell whether a value is one of these strings; arrays are none."""
    return isinstance(value, str) and value in words


def verbosity(name: str, value: Any) -> int:
    """Check how much is printed."""
    value = scalar(value)
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    return check_number(name, value, Integral, "[0, inf)", also=" or a boolean")


CHECKS: dict[str, Check] = {
    "hidden_layer_sizes": layer_sizes,
    "cost": stands_for(resolve_cost),
    "eta": step_size,
    "eta_schedule": stands_for(resolve_schedule),
    "lmbda": penalty_strength,
    "penalty": stands_for(resolve_penalty),
    "dropout": probabilities,
    "momentum": number(Real, "[0, 1)"),
    "weight_init": stands_for(resolve_initializer),
    "init_scale": number(Real, "[0, inf)"),
    "augment": augmenter,
    "batch_size": number(Integral, "[1, inf)", or_none=True),
    "max_iter": number(Integral, "[1, inf)"),
    "early_stopping": flag,
    "validation_fraction": number(Real, "(0, 1)"),
    "n_iter_no_change": number(Integral, "[1, inf)"),
    "tol": number(Real, "[0, inf)"),
    "scoring": scoring,
    "class_weight": class_weights,
    "n_total": number(Real, "(0, inf)", or_none=True),
    "monitor_samples": number(Integral, "[0, inf)", or_none=True),
    "shuffle": flag,
    "warm_start": flag,
    "random_state": seed_or_generator,
    "verbose": verbosity,
    "on_interrupt": choice("raise", "keep"),
}


@dataclass(frozen=True)
class Parameters:
    """The parameters of one training, with names replaced by what they stand for.

    The fields are those of the classifier's constructor; `streaming` tells whether `partial_fit`
    trains. What follows from them are the properties.
    """

    hidden_layer_sizes: tuple[int, ...]
    cost: Cost
    eta: float
    eta_schedule: Schedule
    lmbda: float | Literal["auto"]
    penalty: Penalty
    dropout: float | tuple[float, ...]
    momentum: float
    weight_init: Initializer
    init_scale: float
    augment: Augmenter | None
    batch_size: int | None
    max_iter: int
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    scoring: Literal["accuracy", "cost"] | Callable[..., float]
    class_weight: dict[Any, float] | Literal["balanced"] | None
    n_total: float | None
    monitor_samples: int | None
    shuffle: bool
    warm_start: bool
    random_state: Any
    verbose: int
    on_interrupt: Literal["raise", "keep"]
    streaming: bool = False

    @classmethod
    def of(cls, estimator: Any, *, streaming: bool = False, **instead: Any) -> Self:
        """Check the parameters of an estimator.

        Parameters
        ----------
        estimator : MLPSigmoidClassifier
        streaming : bool, default=False
        **instead
            Values that take the place of the estimator's own.

        Raises
        ------
        ValueError, TypeError
            If one is not what is accepted.
        """
        given = {name: getattr(estimator, name) for name in CHECKS} | instead
        checked = {name: check(name, given[name]) for name, check in CHECKS.items()}
        parameters = cls(**checked, streaming=streaming)
        n_hidden, dropout = len(parameters.hidden_layer_sizes), parameters.dropout
        if isinstance(dropout, tuple) and len(dropout) != n_hidden + 1:
            raise ValueError(
                "`dropout` as a sequence must hold a number for the input layer and one for each "
                f"of the {n_hidden} hidden layers; got {len(dropout)}."
            )
        return parameters

    @property
    def keep(self) -> list[float]:
        """Probability with which dropout keeps a unit, of the input and each hidden layer."""
        dropout = self.dropout
        if not isinstance(dropout, tuple):
            dropout = (0.0, *[dropout] * len(self.hidden_layer_sizes))
        return [1.0 - p for p in dropout]

    @property
    def n_epochs(self) -> int:
        """Epochs that training adds, at most."""
        return 1 if self.streaming else self.max_iter

    @property
    def patience(self) -> Patience | None:
        """The rule of early stopping, if it is asked for; a stream never stops."""
        stops = self.early_stopping and not self.streaming
        return Patience(self.n_iter_no_change, self.tol) if stops else None

    @property
    def needs_validation(self) -> bool:
        """Whether early stopping or the schedule needs a validation score."""
        return self.early_stopping or needs_validation(self.eta_schedule)

    @property
    def keeps_interrupted(self) -> bool:
        """Whether Ctrl-C keeps the epochs finished."""
        return self.on_interrupt == "keep" and not self.streaming

    @property
    def out_activation(self) -> str | Activation:
        """Activation of the output layer, by its name if it has one."""
        activation = self.cost.activation
        names = [name for name, function in ACTIVATIONS.items() if function is activation]
        return names[0] if names else activation

    def next_eta(self, history: History) -> float | None:
        """Ask the schedule for the next epoch's eta; None ends training.

        In a stream eta stays where it is when the schedule would end training.
        """
        epoch = len(history["epoch"])
        eta = self.eta_schedule(epoch, history, self.eta, self.max_iter)
        if eta is None and epoch > 0:
            if not self.streaming:
                return None
            eta = history["eta"][-1]
        return float(check_number("eta from `eta_schedule`", eta, Real, "(0, inf)"))
