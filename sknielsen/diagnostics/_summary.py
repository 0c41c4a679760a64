"""A fitted network at a glance: its layers, parameters and figures."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from sknielsen._fitted import strength_of
from sknielsen.diagnostics._inside import network_inside

_WIDTH = 79  # of a terminal, which is 80 columns wide
_FIGURES = ("train_cost", "train_accuracy", "validation_cost", "validation_accuracy")


@dataclass(frozen=True, repr=False)
class Summary:
    """What `summary` found; its `str` is text, and a notebook shows tables.

    Attributes
    ----------
    layers : list of tuple (name, n_units, activation, n_parameters)
        The input layer first; it has no activation and no parameters.
    n_parameters : int
        Number of weights and biases.
    settings : dict of str to str
        Cost, penalty, etas, epochs and what else was set, by name.
    figures : dict of str to dict of str to float
        The figures of the history by column, for the epoch that the weights are from and for the
        last epoch, if these differ. Figures that are not known are left out.
    """

    layers: list[tuple[str, int, str, int]]
    n_parameters: int
    settings: dict[str, str]
    figures: dict[str, dict[str, float]]

    def __repr__(self) -> str:
        return "\n\n".join(
            [
                _as_text(["layer", "neurons", "activation", "parameters"], self._layer_rows()),
                _pairs_as_text(self.settings),
                *([_as_text(*self._figure_table())] if any(self.figures.values()) else []),
            ]
        )

    def _repr_html_(self) -> str:
        settings = [[name, value] for name, value in self.settings.items()]
        parts = [
            _as_html(["layer", "neurons", "activation", "parameters"], self._layer_rows()),
            _as_html(["", ""], settings),
            *([_as_html(*self._figure_table())] if any(self.figures.values()) else []),
        ]
        cells = "".join(
            f'<div style="display: inline-block; vertical-align: top; margin-right: 2em">{part}'
            "</div>"
            for part in parts
        )
        return f"<div>{cells}</div>"

    def _layer_rows(self) -> list[list[str]]:
        rows = [[n, f"{k:,}", a, f"{p:,}" if p else ""] for n, k, a, p in self.layers]
        return [*rows, ["all", "", "", f"{self.n_parameters:,}"]]

    def _figure_table(self) -> tuple[list[str], list[list[str]]]:
        columns = [c for c in _FIGURES if any(c in one for one in self.figures.values())]
        rows = [
            [
                c.replace("train_", "training ").replace("_", " "),
                *(_shown(c, one[c]) if c in one else "" for one in self.figures.values()),
            ]
            for c in columns
        ]
        return ["", *self.figures], rows


def summary(estimator: Any) -> Summary:
    """Sum up a fitted network: layers, number of parameters, settings and figures.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier, Pipeline or search
        Fitted. Of a pipeline its last step is summed up, of a search its `best_estimator_`.

    Returns
    -------
    Summary
        Shown as text in a terminal, and as small tables in a notebook.

    Raises
    ------
    TypeError
        If there is no MLPSigmoidClassifier in the estimator.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier, summary
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(30, lmbda=0.1, max_iter=5, random_state=0).fit(X / 16, y)
    >>> found = summary(clf)
    >>> found.n_parameters
    2260
    >>> print(str(found).partition("cost")[0].rstrip())
    layer   neurons  activation  parameters
    input        64
    hidden       30  sigmoid          1,950
    output       10  sigmoid            310
    all                               2,260
    """
    clf, _ = network_inside(estimator)
    sizes = [len(clf.coefs_[0]), *(len(b) for b in clf.intercepts_)]
    counts = [w.size + b.size for w, b in zip(clf.coefs_, clf.intercepts_)]
    n_hidden = len(sizes) - 2
    names = [f"hidden {i + 1}" if n_hidden > 1 else "hidden" for i in range(n_hidden)]
    activations = ["sigmoid"] * n_hidden + [_name(clf.out_activation_)]
    layers = [("input", sizes[0], "", 0)]
    layers += list(zip([*names, "output"], sizes[1:], activations, counts))
    history = clf.history_
    figures = {f"epoch {clf.n_iter_} (last)": _figures(history, clf.n_iter_)}
    if clf.epoch_ != clf.n_iter_:
        figures = {f"epoch {clf.epoch_} (weights)": _figures(history, clf.epoch_)} | figures
    return Summary(layers, sum(counts), _settings(clf), figures)


def _settings(clf: Any) -> dict[str, str]:
    """Return what was set, and what came of it, by name."""
    found = {"cost": _name(clf.cost)}
    if lmbda := strength_of(clf):
        found["penalty"] = f"{_name(clf.penalty)}, lmbda={lmbda:g}"
    found["eta"] = _runs(clf.history_["eta"])
    if clf.momentum:
        found["momentum"] = f"{float(clf.momentum):g}"
    if np.any(clf.dropout):
        found["dropout"] = f"{clf.dropout}"
    found["batch size"] = "all rows" if clf.batch_size is None else f"{clf.batch_size}"
    found["epochs"] = f"{clf.n_iter_}"
    seconds = math.fsum(s for s in clf.history_["duration"] if not math.isnan(s))
    found["seconds"] = f"{seconds:.3g}"
    if hasattr(clf, "best_epoch_"):
        found["best epoch"] = f"{clf.best_epoch_}, validation score {clf.best_score_:.4g}"
    if clf.epoch_ != clf.n_iter_:
        found["weights"] = f"those of epoch {clf.epoch_}"
    return found


def _runs(etas: Sequence[float]) -> str:
    """List etas with the epochs in which they were used, the first and last ones of many."""
    starts = [i for i, eta in enumerate(etas) if i == 0 or eta != etas[i - 1]]
    if len(starts) == 1:
        return f"{etas[0]:.4g}"
    ends = [*starts[1:], len(etas)]
    runs = [
        f"{etas[i]:.3g} (epoch{f's {i + 1} to {end}' if end > i + 1 else f' {i + 1}'})"
        for i, end in zip(starts, ends)
    ]
    if len(runs) > 6:
        runs = [*runs[:2], f"... {len(runs) - 4} more ...", *runs[-2:]]
    return ", ".join(runs)


def _figures(history: Mapping[str, Sequence[float]], epoch: int) -> dict[str, float]:
    found = {column: history[column][epoch - 1] for column in _FIGURES} if epoch else {}
    return {column: value for column, value in found.items() if not math.isnan(value)}


def _name(value: object) -> str:
    return value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)


def _shown(column: str, value: float) -> str:
    return f"{value:.2%}" if column.endswith("accuracy") else f"{value:.4g}"


def _as_text(head: list[str], rows: list[list[str]]) -> str:
    """Lay out a table whose columns of numbers stand to the right."""
    table = [head, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    left = [i == 0 or head[i] == "activation" for i in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(row, widths, left)
        ).rstrip()
        for row in table
    ]
    return "\n".join(lines)


def _pairs_as_text(pairs: Mapping[str, str]) -> str:
    width = max(map(len, pairs)) + 2
    return "\n".join(
        textwrap.fill(
            value,
            _WIDTH,
            initial_indent=name.ljust(width),
            subsequent_indent=" " * width,
            break_on_hyphens=False,
        )
        for name, value in pairs.items()
    )


def _as_html(head: list[str], rows: list[list[str]]) -> str:
    style = ' style="text-align: left"'
    titles = "".join(f"<th{style}>{escape(name)}</th>" for name in head) if any(head) else ""
    body = "".join(
        f"<tr>{''.join(f'<td{style}>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
