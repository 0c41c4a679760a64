"""The training loop, shared by fit, partial_fit, warm starts and resumed trainings.

`train` asks for eta, has the engine run an epoch, records it, judges it, and tells the hooks. Four
may end training: the number of epochs, the schedule, early stopping and a hook; and Ctrl-C.
"""

from collections.abc import Callable
from math import isfinite, nan
from time import perf_counter
from typing import Literal, Protocol, TypeAlias

import numpy as np

from sknielsen.core.contracts import Array, Engine, History, Record
from sknielsen.core.state import HISTORY, State
from sknielsen.core.stopping import Patience, remember, restore

Ending: TypeAlias = Literal["epochs", "schedule", "patience", "hook", "interrupt"]


class Course(Protocol):
    """How long training goes on, and with which etas."""

    @property
    def n_epochs(self) -> int:
        """Epochs, at most."""

    @property
    def patience(self) -> Patience | None:
        """The rule of early stopping, if there is any."""

    @property
    def keeps_interrupted(self) -> bool:
        """Whether Ctrl-C keeps the epochs finished."""

    def next_eta(self, history: History) -> float | None:
        """Return eta for the next epoch, or None to end training."""


class Observer(Protocol):
    """Who looks on."""

    def begin_epoch(self) -> None:
        """Take note that an epoch begins."""

    def end_epoch(self) -> bool:
        """Take note that an epoch has ended; return True to end training."""

    def interrupted(self) -> None:
        """Take note that Ctrl-C has ended training."""


def train(
    engine: Engine,
    state: State,
    course: Course,
    score: Callable[[Record], float] | None,
    hooks: Observer,
) -> Ending:
    """Train a network in place, epoch by epoch.

    Parameters
    ----------
    engine : Engine
        Writes into the weights of the state.
    state : State
        An entry of each epoch is appended to its history.
    course : Course
    score : callable or None
        Takes the record of an epoch and returns its validation score; None without validation
        data.
    hooks : Observer

    Returns
    -------
    {"epochs", "schedule", "patience", "hook", "interrupt"}
        What has ended training.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C; where `course` keeps what is finished, only before the first epoch is. Else
        Ctrl-C ends training, and the unfinished epoch stays in the weights.
    ValueError
        If training diverges.
    """
    n_before, last_epoch = state.n_epochs, state.first_epoch + course.n_epochs
    patience = course.patience
    if patience and score and state.epoch > 0 and not state.best.weights:
        # The weights that training begins with compete, too.
        patience.judge(state, engine.with_threads(_score_first, engine, score))
    record: Record = {}
    ending: Ending = "epochs"
    try:
        while state.n_epochs < last_epoch:
            if patience and patience.is_over(state.best):
                ending = "patience"
                break
            eta = course.next_eta(state.history)
            if eta is None:
                ending = "schedule"
                break
            hooks.begin_epoch()
            record = engine.with_threads(_train_epoch, engine, state, eta, score)
            state.append(record)
            _judge(state, patience, record)
            if hooks.end_epoch():
                ending = "hook"
                break
    except KeyboardInterrupt:
        n_recorded = state.n_epochs
        if not course.keeps_interrupted or n_recorded == n_before:
            raise
        state.cut(n_recorded)
        if record["epoch"] == n_recorded:  # recorded, perhaps not yet judged
            remember(state, record, keep_weights=patience is not None)
        hooks.interrupted()
        ending = "interrupt"
    if patience:
        restore(state)
    return ending


def _judge(state: State, patience: Patience | None, record: Record) -> None:
    """Compare the epoch just recorded with the best one."""
    if patience:
        patience.judge(state, record)
    else:
        remember(state, record, keep_weights=False)


def _score_first(engine: Engine, score: Callable[[Record], float]) -> Record:
    """Measure and score the weights that training begins with."""
    record = _record(engine.measure())
    return record | {"validation_score": score(record)}


def _train_epoch(
    engine: Engine, state: State, eta: float, score: Callable[[Record], float] | None
) -> Record:
    """Train an epoch; return its record, in which figures that do not exist are NaN."""
    start = perf_counter()
    engine.run_epoch(state.n_epochs, eta)
    duration = perf_counter() - start
    figures = engine.measure()
    _require_finite(state, figures, eta)
    record = _record(figures) | {"epoch": state.n_epochs + 1, "eta": eta, "duration": duration}
    if score:
        record["validation_score"] = score(record)
    return record


def _record(figures: Record) -> Record:
    return dict.fromkeys(HISTORY, nan) | figures


def _require_finite(state: State, figures: Record, eta: float) -> None:
    """Raise ValueError if training diverged in the epoch after those recorded."""
    arrays = [*state.weights, *state.biases]
    arrays += [v for some in state.velocity or () for v in some]
    if not (all(map(isfinite, figures.values())) and all(map(_is_bounded, arrays))):
        raise ValueError(
            f"Training diverged in epoch {state.n_epochs + 1} at eta={eta:.6g}: weights or costs "
            "are no longer finite. Lower `eta`, or scale the inputs to about one."
        )


def _is_bounded(array: Array) -> bool:
    """Tell whether the sum of squares is finite, which bounds the penalty and |z|."""
    largest = max(float(array.max()), -float(array.min()))
    if largest * largest * array.size < float(np.finfo(array.dtype).max):  # False of NaN
        return True
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.square(array).sum()))
