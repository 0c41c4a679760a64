"""Predicted against true classes, row by row."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import check_random_state

from sknielsen._resolve import check_number
from sknielsen.core.contracts import Array, MatrixLike
from sknielsen.plots._common import (
    BLUE,
    VERMILION,
    AxesLike,
    Predictor,
    axes_grid,
    merged_style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure, SubFigure


class JitteredScatterDisplay:
    """Predicted class against true class: a point for each row, moved at random (jittered).

    It is a confusion matrix with points in place of numbers: the density of a cell shows how many
    rows it has. Points on the diagonal are right, all others are errors.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,)
        True labels.
    y_pred : ndarray of shape (n_samples,)
        Predicted labels.
    labels : ndarray of shape (n_classes,)
        All labels, in the order of the axes.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes.
    correct_, wrong_ : PathCollection
        The points of the rows whose prediction is right, and of those where it is wrong.

    Examples
    --------
    >>> from sknielsen.plots import JitteredScatterDisplay
    >>> y_true, y_pred = ["cat", "cat", "dog", "dog"], ["cat", "dog", "dog", "dog"]
    >>> display = JitteredScatterDisplay.from_predictions(y_true, y_pred)
    >>> len(display.wrong_.get_offsets())
    1
    """

    figure_: Figure | SubFigure
    ax_: Axes
    correct_: PathCollection
    wrong_: PathCollection

    def __init__(self, y_true: Array, y_pred: Array, labels: Array) -> None:
        self.y_true = y_true
        self.y_pred = y_pred
        self.labels = labels

    @classmethod
    def from_estimator(
        cls,
        estimator: Predictor,
        X: MatrixLike,
        y: npt.ArrayLike,
        *,
        labels: npt.ArrayLike | None = None,
        jitter: float = 0.35,
        random_state: int | np.random.RandomState | None = 0,
        ax: AxesLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw what a fitted classifier predicts.

        Parameters
        ----------
        estimator : classifier, Pipeline or search
            Any fitted classifier.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The rows to predict.
        y : array-like of shape (n_samples,)
            True labels.
        labels : array-like of shape (n_classes,), default=None
            All labels, in the order of the axes. None takes the classifier's classes and those
            in `y`, sorted.
        jitter : float, default=0.35
            Greatest distance by which points are moved, as a fraction of that between classes.
        random_state : int, RandomState instance or None, default=0
            Seed or generator of the jitter.
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the points, as for `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        JitteredScatterDisplay
            The display.

        Raises
        ------
        ValueError
            If a target does not have one class for each row, there are no rows, or a label is
            not listed in `labels`.
        """
        y_pred = estimator.predict(X)
        if labels is None and np.ndim(y_pred) == 1:
            labels = unique_labels(estimator.classes_, column_or_1d(y))
        return cls.from_predictions(
            y, y_pred, labels=labels, jitter=jitter, random_state=random_state, ax=ax, **kwargs
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        *,
        labels: npt.ArrayLike | None = None,
        jitter: float = 0.35,
        random_state: int | np.random.RandomState | None = 0,
        ax: AxesLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw predicted labels.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : array-like of shape (n_samples,)
            Predicted labels.
        labels, jitter, random_state, ax, **kwargs
            As for `from_estimator`; None takes the labels that occur.

        Returns
        -------
        JitteredScatterDisplay
            The display.

        Raises
        ------
        ValueError
            As for `from_estimator`.
        """
        for name, y in (("y_true", y_true), ("y_pred", y_pred)):
            kind = type_of_target(y, input_name=name)
            if kind not in ("binary", "multiclass"):
                raise ValueError(
                    f"`{name}` must hold one class a row; got a {kind} target. Of a multilabel "
                    "target, draw each label by itself."
                )
        check_consistent_length(y_true, y_pred)
        true, predicted = column_or_1d(y_true), column_or_1d(y_pred)
        if not len(true):
            raise ValueError("`y_true` must hold at least one label; got none.")
        present = unique_labels(true, predicted)
        listed = present if labels is None else column_or_1d(labels)
        unlisted = np.setdiff1d(present, listed)
        if unlisted.size:
            raise ValueError(
                f"`labels` must list every label; {unlisted.tolist()} are not among "
                f"{listed.tolist()}."
            )
        display = cls(true, predicted, listed)
        return display.plot(ax, jitter=jitter, random_state=random_state, **kwargs)

    def plot(
        self,
        ax: AxesLike | None = None,
        *,
        jitter: float = 0.35,
        random_state: int | np.random.RandomState | None = 0,
        **kwargs: Any,
    ) -> Self:
        """Draw the points.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        jitter : float, default=0.35
            Greatest distance by which points are moved, as a fraction of that between classes.
        random_state : int, RandomState instance or None, default=0
            Seed or generator of the jitter.
        **kwargs : dict
            Properties of the points, as for `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        JitteredScatterDisplay
            The display itself.
        """
        check_number("jitter", jitter, Real, "[0, 0.5)")
        self.ax_ = axes_grid(ax, 1, 1, (6, 6)).item(0)
        from matplotlib.collections import PathCollection  # which `axes_grid` has made sure of

        self.figure_ = self.ax_.figure
        places = {label: place for place, label in enumerate(self.labels.tolist())}
        points = np.array(
            [[places[label] for label in y.tolist()] for y in (self.y_true, self.y_pred)]
        )
        right = points[0] == points[1]
        n_rows = len(right)
        rng = check_random_state(random_state)
        x, y = points + rng.uniform(-jitter, jitter, points.shape)
        style: dict[str, Any] = {
            "s": float(np.clip(30_000 / n_rows, 6, 30)),
            "alpha": 0.7,
            "linewidth": 0,
        }
        for name, rows, color in (("correct", right, BLUE), ("wrong", ~right, VERMILION)):
            label = f"{name}: {rows.sum():,} of {n_rows:,} ({100 * rows.mean():.1f} %)"
            style |= {"label": label, "zorder": 2}
            style |= {} if "c" in kwargs else {"color": color}  # scatter takes one of the two
            merged = merged_style(style, kwargs, PathCollection)
            setattr(self, f"{name}_", self.ax_.scatter(x[rows], y[rows], **merged))
        self._label_axes()
        return self

    def _label_axes(self) -> None:
        """Write the labels at the axes, draw lines between classes, and add a legend."""
        n_classes = len(self.labels)
        ticks = range(n_classes)
        long = n_classes * max(len(str(label)) for label in self.labels) > 40
        words: dict[str, Any] = {
            "labels": self.labels,
            "parse_math": False,
        }  # text, even with dollar signs
        self.ax_.set_xticks(
            ticks, **words, rotation=45 if long else 0, ha="right" if long else "center"
        )
        self.ax_.set_yticks(ticks, **words)
        between = np.arange(n_classes + 1) - 0.5
        self.ax_.set_xticks(between, minor=True)
        self.ax_.set_yticks(between, minor=True)
        self.ax_.grid(which="minor", color="0.85", linewidth=0.8)
        self.ax_.set_axisbelow(True)
        self.ax_.tick_params(which="both", length=0)
        self.ax_.set(
            xlabel="true class",
            ylabel="predicted class",
            xlim=between[[0, -1]],
            ylim=between[[0, -1]],
            aspect="equal",
        )
        self.ax_.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, markerscale=2
        )
