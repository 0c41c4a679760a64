"""What a training prints under ``verbose=1``: a line for each epoch, and why it ended."""

from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

from sknielsen._parameters import Parameters
from sknielsen.core.contracts import Record
from sknielsen.core.loop import Ending
from sknielsen.core.state import State


class Column(NamedTuple):
    """A column of the table: two lines of its head, the figure's name, and its format."""

    over: str
    head: str
    name: str
    shape: str


# All of them together, with two blanks between, take less than 80 characters.
COLUMNS = [
    Column("", "epoch", "epoch", "5.0f"),
    Column("", "eta", "eta", "8.3g"),
    Column("training", "cost", "train_cost", "8.4f"),
    Column("training", "accuracy", "train_accuracy", "8.4f"),
    Column("validation", "cost", "validation_cost", "8.4f"),
    Column("validation", "accuracy", "validation_accuracy", "8.4f"),
    Column("validation", "score", "validation_score", "8.4f"),
    Column("", "saturated", "saturation", "9.3f"),
    Column("", "seconds", "duration", "7.2f"),
]


def columns_of(record: Record, parameters: Parameters) -> list[Column]:
    """Choose the columns: those that have figures, and a score only where it is another one."""
    left_out = "validation_score" if isinstance(parameters.scoring, str) else "validation_accuracy"
    return [c for c in COLUMNS if c.name != left_out and not isnan(record[c.name])]


def head(columns: Sequence[Column]) -> str:
    """Return the two lines of the table's head."""
    over = ""
    for before, column in zip([None, *columns], columns):
        is_new = column.over and (before is None or before.over != column.over)
        over += (column.over if is_new else "").rjust(_width(column)) + "  "
    heads = [column.head.rjust(_width(column)) for column in columns]
    return f"{over.rstrip()}\n{'  '.join(heads)}".lstrip("\n")


def line(columns: Sequence[Column], record: Record, is_best: bool) -> str:
    """Return the line of an epoch, with a star behind it if it is the best so far."""
    cells = [_cell(column, record[column.name]) for column in columns]
    return "  ".join(cells) + (" *" if is_best else "")


def _cell(column: Column, value: float) -> str:
    """Format a figure, one that is too wide for its column by its leading digits."""
    width = _width(column)
    text = format(value, column.shape)
    return (text if len(text) <= width else format(value, ".2g")).rjust(width)


def _width(column: Column) -> int:
    return max(len(column.head), int(column.shape.split(".")[0]))


def ending_line(ending: Ending, state: State, parameters: Parameters) -> str:
    """Say why training ended, and which weights were kept.

    Parameters
    ----------
    ending : Ending
    state : State
        At the end of training.
    parameters : Parameters
    """
    because = {
        "epochs": f"all {parameters.n_epochs} epochs are trained",
        "schedule": "the schedule of eta has come to its end",
        "patience": f"no progress for {parameters.n_iter_no_change} epochs",
        "hook": "a callback asked for it",
        "interrupt": "interrupted",
    }[ending]
    said = f"Ended after epoch {state.n_epochs}: {because}"
    if parameters.patience and state.best.weights:
        scoring = parameters.scoring
        name = scoring if isinstance(scoring, str) else "score"
        value = abs(state.best.score) if scoring == "cost" else state.best.score
        said += f"; weights of epoch {state.epoch} ({name} {value:.4g})"
    return f"{said}."
