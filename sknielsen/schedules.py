"""Schedules of eta, the learning rate.

A schedule is a pure function ``(epoch, history, eta, max_iter) -> eta``, called before each epoch.
It returns None to end training. `epoch` counts the epochs finished, `history` is the classifier's
`history_` so far, and `eta` and `max_iter` are the classifier's own. A schedule keeps nothing
between calls, so that warm starts and ``partial_fit`` continue it as if training had never
stopped. A schedule that reads the validation score says ``needs_validation = True``. Any such
function or object is a schedule. To add one to the package: a class with ``__call__``, and a line
in ``SCHEDULES`` if its defaults deserve a name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import exp, isnan
from numbers import Integral, Real
from typing import Any, Literal

from sknielsen._resolve import check_number, choices, resolve
from sknielsen._sklearn import BaseEstimator
from sknielsen.core.contracts import Schedule


class Constant(BaseEstimator):
    """Keep eta.

    Examples
    --------
    >>> Constant()(epoch=7, history={}, eta=0.5, max_iter=30)
    0.5
    """

    def __call__(
        self, epoch: int, history: Mapping[str, Sequence[float]], eta: float, max_iter: int
    ) -> float:
        """Return eta."""
        return eta


class Piecewise(BaseEstimator):
    """Give each regime of epochs its own eta; the last one holds.

    Parameters
    ----------
    regimes : sequence of (n_epochs, eta) pairs
        How many epochs each eta lasts, and that eta. The classifier's own `eta` is not used.

    Examples
    --------
    >>> schedule = Piecewise([(2, 0.5), (1, 0.1)])
    >>> [schedule(epoch, {}, None, 30) for epoch in range(5)]
    [0.5, 0.5, 0.1, 0.1, 0.1]
    """

    def __init__(self, regimes: Iterable[tuple[int, float]]) -> None:
        self.regimes = regimes

    def __call__(
        self,
        epoch: int,
        history: Mapping[str, Sequence[float]],
        eta: float | None,
        max_iter: int,
    ) -> float:
        """Return the eta of the regime that holds `epoch`."""
        regimes = self._checked()
        end = 0
        for n_epochs, regime_eta in regimes:
            end += n_epochs
            if epoch < end:
                return regime_eta
        return regimes[-1][1]

    def _checked(self) -> list[tuple[int, float]]:
        """Return the regimes as Python's own numbers."""
        try:
            pairs: list[tuple[Any, Any]] = [(n_epochs, eta) for n_epochs, eta in self.regimes]
        except (TypeError, ValueError):
            pairs = []
        if not pairs:
            raise ValueError(
                "`eta_schedule` as a list must hold (n_epochs, eta) pairs, such as "
                f"[(10, 0.5), (10, 0.1)]; got {self.regimes!r}."
            )
        return [
            (
                check_number("n_epochs of an eta regime", n_epochs, Integral, "[1, inf)"),
                check_number("eta of an eta regime", eta, Real, "(0, inf)"),
            )
            for n_epochs, eta in pairs
        ]


class Taper(BaseEstimator):
    """Let eta fall smoothly from its first value, so that the noise of the steps dies down.

    With e epochs finished and N = `n_epochs`, the factor of eta is

    - linear: 1 - e / N, down to 1 / N in epoch N;
    - exponential: exp(-e / N);
    - inverse: 1 / (1 + e / N).

    Parameters
    ----------
    form : {"linear", "exponential", "inverse"}, default="linear"
    n_epochs : int or None, default=None
        Epochs after which the factor would be zero (linear), is 1/e (exponential) or is one half
        (inverse). A number holds once and for all: after N epochs, a linear taper stays at its
        last value. None takes the classifier's `max_iter`; after that many epochs the taper
        begins anew, so that a second warm `fit` is a second descent and a stream of `partial_fit`
        never freezes.

    Examples
    --------
    >>> [Taper()(epoch, {}, 0.8, max_iter=4) for epoch in range(6)]
    [0.8, 0.6000000000000001, 0.4, 0.2, 0.8, 0.6000000000000001]
    >>> [Taper(n_epochs=4)(epoch, {}, 0.8, max_iter=30) for epoch in range(6)]
    [0.8, 0.6000000000000001, 0.4, 0.2, 0.2, 0.2]
    >>> Taper("inverse", n_epochs=4)(4, {}, 0.8, max_iter=30)
    0.4
    """

    def __init__(
        self,
        form: Literal["linear", "exponential", "inverse"] = "linear",
        n_epochs: int | None = None,
    ) -> None:
        self.form = form
        self.n_epochs = n_epochs

    def __call__(
        self, epoch: int, history: Mapping[str, Sequence[float]], eta: float, max_iter: int
    ) -> float:
        """Return eta times the factor of `form` after `epoch` epochs."""
        n_epochs = self.n_epochs
        if n_epochs is not None:
            check_number("n_epochs of Taper", n_epochs, Integral, "[1, inf)", also=" or None")
        if not isinstance(self.form, str) or self.form not in _FORMS:
            raise ValueError(
                f"`form` of Taper must be one of {choices(_FORMS)}; got {self.form!r}."
            )
        factor = _FORMS[self.form]
        if n_epochs is None:
            return eta * factor(epoch % max_iter, max_iter)
        return eta * factor(epoch, n_epochs)


def _linear(e: int, n: int) -> float:
    return 1 - min(e, n - 1) / n


def _exponential(e: int, n: int) -> float:
    return exp(-e / n)


def _inverse(e: int, n: int) -> float:
    return 1 / (1 + e / n)


_FORMS: dict[str, Callable[[int, int], float]] = {
    "linear": _linear,
    "exponential": _exponential,
    "inverse": _inverse,
}


class Plateau(BaseEstimator):
    """Halve eta when the validation score stalls; end training when eta has become small.

    Nielsen (ch. 3, "How to choose a neural network's hyper-parameters"): hold eta until the
    validation accuracy stops improving, then halve it, and end once it has fallen to 1/128.

    Parameters
    ----------
    factor : float, default=0.5
        Factor by which each plateau multiplies eta.
    patience : int, default=5
        Epochs without a better validation score that make a plateau.
    min_factor : float, default=1/128
        Training ends when eta has fallen below `min_factor` times its first value.

    Examples
    --------
    >>> schedule = Plateau(factor=0.5, patience=2, min_factor=0.25)
    >>> scores, costs = [0.90, 0.95, 0.94, 0.95, 0.96], 5 * [0.3]
    >>> history = {"validation_score": scores, "validation_cost": costs}
    >>> schedule(5, history, 0.8, max_iter=30)
    0.4
    >>> history = {"validation_score": scores + 6 * [0.96], "validation_cost": 11 * [0.3]}
    >>> schedule(11, history, 0.8, max_iter=30) is None
    True
    """

    needs_validation: bool = True

    def __init__(
        self, factor: float = 0.5, patience: int = 5, min_factor: float = 1 / 128
    ) -> None:
        self.factor = factor
        self.patience = patience
        self.min_factor = min_factor

    def __call__(
        self, epoch: int, history: Mapping[str, Sequence[float]], eta: float, max_iter: int
    ) -> float | None:
        """Return eta times `factor` for each plateau in the history, or None at the end."""
        factor = check_number("factor of Plateau", self.factor, Real, "(0, 1)")
        patience = check_number("patience of Plateau", self.patience, Integral, "[1, inf)")
        least = check_number("min_factor of Plateau", self.min_factor, Real, "(0, 1]")
        best, stalled, left = -float("inf"), 0, 1.0
        for score, cost in zip(history["validation_score"], history["validation_cost"]):
            if isnan(score) and isnan(cost):  # an epoch without validation data
                continue
            if score > best:  # False of a score that is NaN
                best, stalled = score, 0
            else:
                stalled += 1
            if stalled == patience:
                left, stalled = left * factor, 0
        return None if left < least else left * eta


SCHEDULES: dict[str, Schedule] = {
    "constant": Constant(),
    "plateau": Plateau(),
    "taper": Taper(),
}


def resolve_schedule(value: object) -> Schedule:
    """Return the schedule that `eta_schedule` stands for: a name, a list of pairs or an object."""
    if isinstance(value, (list, tuple)):
        return Piecewise(value)
    also = ", a list of (n_epochs, eta) pairs"
    return resolve("eta_schedule", value, SCHEDULES, also=also)


def needs_validation(schedule: Schedule) -> bool:
    """Tell whether a schedule reads the validation score."""
    return bool(getattr(schedule, "needs_validation", False))
