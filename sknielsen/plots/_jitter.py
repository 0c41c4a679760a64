"""Predicted against true classes, row by row."""

from numbers import Real

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import check_random_state

from sknielsen._resolve import check_number
from sknielsen.plots._common import BLUE, VERMILION, axes_grid


class JitteredScatterDisplay:
    """Predicted class against true class, a point for each row, spread out at random.

    Where a confusion matrix gives numbers, this shows how many rows there are: a crowd on the
    diagonal, and which errors there are off it.

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
    ax_ : matplotlib Axes
    correct_, wrong_ : PathCollection
        The points of the rows predicted rightly and wrongly.

    Examples
    --------
    >>> from sknielsen.plots import JitteredScatterDisplay
    >>> y_true, y_pred = ["cat", "cat", "dog", "dog"], ["cat", "dog", "dog", "dog"]
    >>> display = JitteredScatterDisplay.from_predictions(y_true, y_pred)
    >>> len(display.wrong_.get_offsets())
    1
    """

    def __init__(self, y_true, y_pred, labels):
        self.y_true = y_true
        self.y_pred = y_pred
        self.labels = labels

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, labels=None, jitter=0.35, random_state=0, ax=None, **kwargs
    ):
        """Draw what a fitted classifier predicts.

        Parameters
        ----------
        estimator : classifier or Pipeline
            Fitted; any classifier.
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            True labels.
        labels : array-like of shape (n_classes,), default=None
            All labels, in the order of the axes. None takes the classifier's classes and those
            in `y`, sorted.
        jitter : float, default=0.35
            Points are moved by at most this, as a part of the distance between classes.
        random_state : int, RandomState instance or None, default=0
            Determines how points are moved.
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the points, as for `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        JitteredScatterDisplay

        Raises
        ------
        ValueError
            For targets that have not one class a row, and for labels that are not listed.
        """
        y_pred = estimator.predict(X)
        if labels is None and np.ndim(y_pred) == 1:
            labels = unique_labels(estimator.classes_, column_or_1d(y))
        return cls.from_predictions(
            y, y_pred, labels=labels, jitter=jitter, random_state=random_state, ax=ax, **kwargs
        )

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, *, labels=None, jitter=0.35, random_state=0, ax=None, **kwargs
    ):
        """Draw predicted labels.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : array-like of shape (n_samples,)
            Predicted labels.
        labels, jitter, random_state, ax, **kwargs
            As for `from_estimator`; without `labels`, those that occur are taken.

        Returns
        -------
        JitteredScatterDisplay

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
        y_true, y_pred = column_or_1d(y_true), column_or_1d(y_pred)
        present = unique_labels(y_true, y_pred)
        labels = present if labels is None else column_or_1d(labels)
        unlisted = np.setdiff1d(present, labels)
        if unlisted.size:
            raise ValueError(
                f"`labels` must list every label; {unlisted.tolist()} are not among "
                f"{labels.tolist()}."
            )
        display = cls(y_true, y_pred, labels)
        return display.plot(ax, jitter=jitter, random_state=random_state, **kwargs)

    def plot(self, ax=None, *, jitter=0.35, random_state=0, **kwargs):
        """Draw the points.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        jitter : float, default=0.35
            Points are moved by at most this, as a part of the distance between classes.
        random_state : int, RandomState instance or None, default=0
            Determines how points are moved.
        **kwargs : dict
            Properties of the points, as for `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        JitteredScatterDisplay
            The display itself.
        """
        check_number("jitter", jitter, Real, "[0, 0.5)")
        self.ax_ = axes_grid(ax, 1, 1, (6, 6)).item(0)
        self.figure_ = self.ax_.figure
        places = {label: place for place, label in enumerate(self.labels.tolist())}
        points = np.array(
            [[places[label] for label in y.tolist()] for y in (self.y_true, self.y_pred)]
        )
        right = points[0] == points[1]
        n_rows, n_classes = len(right), len(self.labels)
        rng = check_random_state(random_state)
        x, y = points + rng.uniform(-jitter, jitter, points.shape)
        style = {"s": float(np.clip(30_000 / n_rows, 6, 30)), "alpha": 0.7, "linewidths": 0}
        for name, rows, color in (("correct", right, BLUE), ("wrong", ~right, VERMILION)):
            label = f"{name}: {rows.sum():,} of {n_rows:,} ({100 * rows.mean():.1f} %)"
            style |= {"color": color, "label": label, "zorder": 2}
            setattr(self, f"{name}_", self.ax_.scatter(x[rows], y[rows], **{**style, **kwargs}))
        ticks = range(n_classes)
        long = n_classes * max(len(str(label)) for label in self.labels) > 40
        self.ax_.set_xticks(
            ticks, self.labels, rotation=45 if long else 0, ha="right" if long else "center"
        )
        self.ax_.set_yticks(ticks, self.labels)
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
        return self
