"""The course of a training: cost and accuracy by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from sknielsen.core.contracts import Array
from sknielsen.diagnostics import network_inside
from sknielsen.plots._common import (
    COLORS,
    GREY,
    VERMILION,
    AxesLike,
    Fitted,
    axes_grid,
    merged_style,
    pyplot,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

Column: TypeAlias = npt.ArrayLike | Sequence[float | None]  # epoch by epoch; None stands for NaN

_WORDS = {
    "least_cost": "least validation cost",
    "best_accuracy": "best validation accuracy",
    "best_epoch": "weights kept by early stopping",
}


class HistoryDisplay:
    """Learning curves: cost and accuracy by epoch, on training and validation data.

    The cost is drawn in one panel, the accuracy in another. On the validation curves, a triangle
    that points down marks the epoch of the least validation cost, and one that points up marks
    that of the best validation accuracy. A vertical line marks the epoch whose weights early
    stopping kept. If eta changes, dotted lines mark where, and its values stand above the panels
    where there is room; if it changes in most epochs, ticks show some of them. Where several
    estimators differ in eta, dots on their curves mark the changes.

    Parameters
    ----------
    histories : dict of str to dict of array-like
        The `history_` of each estimator, by name. The columns ``"epoch"``, ``"eta"``,
        ``"train_cost"``, ``"train_accuracy"``, ``"validation_cost"`` and
        ``"validation_accuracy"`` are drawn; lines join the values on both sides of a NaN. A column
        that is NaN throughout is left out.
    best_epochs : dict of str to int, default=None
        The epoch whose weights early stopping kept, by name, for the estimators where it ran.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    axes_ : ndarray of matplotlib Axes of shape (2,)
        The axes of the cost and of the accuracy.
    lines_ : dict of str to dict of str to Line2D
        The curves, by name and column.
    marks_ : dict of str to dict of str to list of Line2D
        The marks, by name and kind: ``"least_cost"``, ``"best_accuracy"`` and ``"best_epoch"``,
        if there are such. Each list has a mark in both panels.
    eta_marks_ : list of Line2D
        The lines or dots where eta changes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier
    >>> from sknielsen.plots import HistoryDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(early_stopping=True, random_state=0).fit(X / 16, y)
    >>> display = HistoryDisplay.from_estimator(clf)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['cost', 'accuracy']
    """

    _COLUMNS = ("train_cost", "train_accuracy", "validation_cost", "validation_accuracy")

    figure_: Figure | SubFigure
    axes_: Array
    lines_: dict[str, dict[str, Line2D]]
    marks_: dict[str, dict[str, list[Line2D]]]
    eta_marks_: list[Line2D]

    def __init__(
        self,
        histories: Mapping[str, Mapping[str, Column]],
        *,
        best_epochs: Mapping[str, int] | None = None,
    ) -> None:
        self.histories = histories
        self.best_epochs = best_epochs

    @classmethod
    def from_estimator(
        cls,
        estimator: Fitted | Mapping[str, Fitted],
        *,
        ax: AxesLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the history of a fitted classifier, or of several in the same panels.

        Parameters
        ----------
        estimator : MLPSigmoidClassifier, Pipeline, search or dict of str to these
            A fitted classifier, or a pipeline or search with one inside. A dict gives several,
            by their names in the legend.
        ax : Axes or array-like of two Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the curves, as for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        HistoryDisplay
            The display.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        TypeError
            If a classifier has no `history_`.
        """
        estimators = estimator if isinstance(estimator, Mapping) else {"": estimator}
        fitted = {
            name: network_inside(one, needs="history_")[0] for name, one in estimators.items()
        }
        if not isinstance(estimator, Mapping):
            fitted = {type(clf).__name__: clf for clf in fitted.values()}
        best_epochs = {
            name: clf.best_epoch_
            for name, clf in fitted.items()
            # after more training by partial_fit, the weights are no longer the best epoch's
            if clf.early_stopping and clf.epoch_ == getattr(clf, "best_epoch_", None)
        }
        histories = {name: clf.history_ for name, clf in fitted.items()}
        return cls(histories, best_epochs=best_epochs).plot(ax, **kwargs)

    @classmethod
    def from_history(
        cls,
        history: Mapping[str, Column] | Mapping[str, Mapping[str, Column]],
        *,
        best_epoch: int | Mapping[str, int] | None = None,
        ax: AxesLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a history, for instance from a file, or several in the same panels.

        Parameters
        ----------
        history : dict of array-like, or dict of str to such
            The `history_` of an estimator, or of several by their names in the legend. None
            stands for NaN.
        best_epoch : int or dict of str to int, default=None
            The epoch whose weights early stopping kept; for several histories, by name.
        ax : Axes or array-like of two Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the curves, as for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        HistoryDisplay
            The display.

        Raises
        ------
        ValueError
            If a history lacks a column, has columns of different lengths, or has nothing to
            draw; or if a best epoch belongs to no history.
        TypeError
            If there are several histories, and `best_epoch` is no dict.
        """
        histories: Any = history
        best_epochs: Any = best_epoch
        if not history or not all(isinstance(one, Mapping) for one in history.values()):
            histories = {"history": history}
            best_epochs = None if best_epoch is None else {"history": best_epoch}
        elif not isinstance(best_epoch, Mapping | None):
            raise TypeError(
                f"`best_epoch` of several histories must be a dict by name; got {best_epoch!r}."
            )
        return cls(histories, best_epochs=best_epochs).plot(ax, **kwargs)

    def plot(self, ax: AxesLike | None = None, **kwargs: Any) -> Self:
        """Draw the two panels.

        Parameters
        ----------
        ax : Axes or array-like of two Axes, default=None
            Where to draw the cost and the accuracy; None makes a figure.
        **kwargs : dict
            Properties of the curves, as for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        HistoryDisplay
            The display itself.
        """
        plt = pyplot()
        from matplotlib.ticker import MaxNLocator, PercentFormatter

        if not self.histories:
            raise ValueError("A history must be given; got none.")
        unknown = set(self.best_epochs or {}) - set(self.histories)
        if unknown:
            raise ValueError(f"There is a best epoch, but no history, of {sorted(unknown)}.")
        histories = {name: self._checked(name, h) for name, h in self.histories.items()}
        self.axes_ = axes_grid(ax, 1, 2, (5.2, 4.2 + 0.2 * len(histories))).ravel()
        self.figure_ = self.axes_[0].figure
        colors: Any = COLORS
        if len(histories) > len(colors):
            colors = plt.get_cmap("viridis")(np.linspace(0, 0.95, len(histories)))
        self.lines_, self.marks_, self.eta_marks_ = {}, {}, []
        for (name, history), color in zip(histories.items(), colors):
            self._draw_curves(name, history, color, kwargs)
            self._draw_marks(name, history, color)
        etas = [history["eta"] for history in histories.values()]
        longest = max(histories.values(), key=lambda history: len(history["eta"]))
        if all(np.array_equal(eta, longest["eta"][: len(eta)]) for eta in etas):
            self._draw_etas(longest["epoch"], longest["eta"])
        else:
            self._draw_etas_on_curves(histories)
        for panel, figure in zip(self.axes_, ("cost", "accuracy")):
            panel.set(xlabel="epoch", ylabel=figure)
            panel.xaxis.set_major_locator(
                MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
            )
            panel.grid(axis="y", color="0.9", linewidth=0.8)
            panel.set_axisbelow(True)
        self.axes_[1].yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        self._draw_legends(own_figure=ax is None)
        return self

    def _checked(self, name: str, history: Mapping[str, Column]) -> dict[str, Array]:
        """Return the columns to draw as arrays, or say what is wrong with the history."""
        needed = ("epoch", "eta", *self._COLUMNS)
        missing = [column for column in needed if column not in history]
        if missing:
            raise ValueError(
                f"A history must have the columns {list(needed)}; {name!r} lacks {missing}."
            )
        columns = {column: np.asarray(history[column], dtype=float) for column in needed}
        lengths = {column: len(values) for column, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"The columns of {name!r} must have one length; got {lengths}.")
        if all(np.isnan(columns[column]).all() for column in self._COLUMNS):
            raise ValueError(
                f"The history of {name!r} has nothing to draw: its costs and accuracies are all "
                "NaN. Train with validation data, or with `monitor_samples` above 0."
            )
        return columns

    def _draw_curves(
        self, name: str, history: dict[str, Array], color: Any, kwargs: dict[str, Any]
    ) -> None:
        """Draw the curves of an estimator: dashed for training data, solid for validation data."""
        plt = pyplot()
        alone = len(self.histories) == 1
        self.lines_[name] = {}
        for column in self._COLUMNS:
            known = ~np.isnan(history[column])  # in a stream, of some calls only
            if not known.any():
                continue
            part, figure = column.split("_")
            validation = part == "validation"
            style = {
                "color": VERMILION if alone and validation else color,
                "linestyle": "-" if validation else "--",
                "marker": "." if known.sum() == 1 else None,
                "label": ("validation" if validation else "training") if alone else name,
            }
            (self.lines_[name][column],) = self.axes_[int(figure == "accuracy")].plot(
                history["epoch"][known],
                history[column][known],
                **merged_style(style, kwargs, plt.Line2D),
            )

    def _draw_marks(self, name: str, history: dict[str, Array], color: Any) -> None:
        """Mark the epochs of the least cost, of the best accuracy, and of early stopping."""
        marks = self.marks_[name] = {}
        best_epoch = (self.best_epochs or {}).get(name)
        if best_epoch is not None:
            style = {"color": GREY if len(self.histories) == 1 else color, "linewidth": 1}
            style |= {"label": f"{_WORDS['best_epoch']}: epoch {best_epoch}", "zorder": 1}
            marks["best_epoch"] = [panel.axvline(best_epoch, **style) for panel in self.axes_]
        columns = "validation_cost", "validation_accuracy"
        curves = [self.lines_[name][column] for column in columns if column in self.lines_[name]]
        if len(curves) < len(columns):
            return
        least = np.nanargmin(history["validation_cost"])
        best = np.nanargmax(history["validation_accuracy"])
        values = (
            f"{history['validation_cost'][least]:.3g}",
            f"{100 * history['validation_accuracy'][best]:.4g} %",
        )
        for own, (mark, marker, row) in enumerate(
            [("least_cost", "v", least), ("best_accuracy", "^", best)]
        ):
            marks[mark] = []
            for i, (panel, curve) in enumerate(zip(self.axes_, curves)):
                epoch = history["epoch"][row]
                value = f"{values[i]}, " if i == own else ""
                marks[mark] += panel.plot(
                    [epoch],
                    [history[columns[i]][row]],
                    marker=marker,
                    markersize=9,
                    linestyle="none",
                    color=curve.get_color(),
                    markerfacecolor=curve.get_color() if i == own else "white",
                    label=f"{_WORDS[mark]}: {value}epoch {epoch:.0f}",
                    zorder=4 if i == own else 3,  # in front where the two epochs are one
                )
                if i == own and len(self.histories) > 1:
                    curve.set_label(f"{name}: {_WORDS[mark].split()[0]} {value}epoch {epoch:.0f}")

    def _draw_etas(self, epoch: Array, eta: Array) -> None:
        """Mark where eta changes by dotted lines, and write its values above, where there is room.

        Values that last longer come first. An eta that changes in most epochs has no lines.
        """
        for panel in self.axes_:
            panel.set_xlim(left=epoch[0] - 0.5)
        steps = np.flatnonzero(np.diff(eta, prepend=np.nan) != 0)
        if len(steps) == 1:
            return
        gradual = len(steps) > len(eta) / 2
        inches = self.axes_[0].get_window_extent().width / self.figure_.dpi
        epochs_of_a_letter = 0.075 * len(eta) / inches
        words = {row: f"{eta[row]:.3g}" for row in steps.tolist()}
        room = {row: epochs_of_a_letter * (len(word) + 1) / 2 for row, word in words.items()}
        written: list[int] = []
        lasting = np.diff(steps, append=len(eta))
        for row in steps[np.argsort(-lasting, kind="stable")].tolist():
            if all(abs(row - other) >= room[row] + room[other] for other in written):
                written.append(row)
        ticks = sorted(written) if gradual else list(words)
        labels = [words[row] if row in written else "" for row in ticks]
        ends = epoch[ticks] - 0.5  # of the epochs before
        for panel in self.axes_:
            above = panel.secondary_xaxis("top")
            above.set_xticks(ends, labels, fontsize="small")
            above.set_xlabel("eta", fontsize="small")
            if not gradual:
                self.eta_marks_ += [
                    panel.axvline(end, color=GREY, linestyle=":", linewidth=1, zorder=1)
                    for end in ends[1:]
                ]

    def _draw_etas_on_curves(self, histories: dict[str, dict[str, Array]]) -> None:
        """Draw dots on the curves of each estimator where its eta changes."""
        for name, history in histories.items():
            rows = np.flatnonzero(np.diff(history["eta"])) + 1
            if not len(rows):
                continue
            for figure, panel in zip(("cost", "accuracy"), self.axes_):
                for part in ("validation", "train"):
                    if line := self.lines_[name].get(f"{part}_{figure}"):
                        self.eta_marks_ += panel.plot(
                            history["epoch"][rows],
                            history[f"{part}_{figure}"][rows],
                            marker=".",
                            markersize=9,
                            linestyle="none",
                            color=line.get_color(),
                            label="eta changes",
                        )
                        break

    def _draw_legends(self, own_figure: bool) -> None:
        """Add legends: below the panels if the layout makes room there, else inside."""
        place: dict[str, Any] = {"fontsize": "small"}
        if self.figure_.get_layout_engine() is not None:
            place |= {"loc": "upper center", "bbox_to_anchor": (0.5, -0.15), "frameon": False}
        alone = len(self.histories) == 1
        styles = [] if alone else self._style_handles()
        for i, figure in enumerate(("cost", "accuracy")):
            handles = []
            for name, lines in self.lines_.items():
                curves = [line for column, line in lines.items() if column.endswith(figure)]
                if alone:
                    handles += curves + [mark[i] for mark in self.marks_[name].values()]
                else:
                    handles += curves[-1:]  # that of the validation data, if there is one
            self.axes_[i].legend(handles=handles + ([] if own_figure else styles), **place)
        if own_figure and styles:
            self.figure_.legend(
                handles=styles,
                loc="outside lower center",
                ncols=len(styles),
                fontsize="small",
                frameon=False,
            )

    def _style_handles(self) -> list[Line2D]:
        """Make grey legend entries that explain line styles and marks of several estimators."""
        drawn = {column.split("_")[0] for lines in self.lines_.values() for column in lines}
        drawn |= {mark for marks in self.marks_.values() for mark in marks}
        if any(mark.get_marker() == "." for mark in self.eta_marks_):
            drawn.add("eta")
        style = {"color": GREY, "markersize": 9}
        return [
            pyplot().Line2D([], [], linestyle=linestyle, marker=marker, label=label, **style)
            for key, label, linestyle, marker in (
                ("train", "training", "--", None),
                ("validation", "validation", "-", None),
                ("least_cost", _WORDS["least_cost"], "", "v"),
                ("best_accuracy", _WORDS["best_accuracy"], "", "^"),
                ("best_epoch", _WORDS["best_epoch"], "", "|"),
                ("eta", "eta changes", "", "."),
            )
            if key in drawn
        ]
