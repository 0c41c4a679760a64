"""The images that a classifier finds hard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_consistent_length, column_or_1d

from sknielsen._resolve import check_number
from sknielsen.core.contracts import Array, MatrixLike
from sknielsen.diagnostics import hard_examples
from sknielsen.plots._common import (
    BLUE,
    VERMILION,
    AxesLike,
    ProbabilisticPredictor,
    axes_grid,
    scale_ends,
    shape_of_images,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


class HardExamples(Protocol):
    """The hard rows that `sknielsen.hard_examples` found, the hardest first."""

    @property
    def indices(self) -> Array:
        """Positions of the rows in the data."""

    @property
    def true(self) -> Array:
        """True labels."""

    @property
    def predicted(self) -> Array:
        """Labels of the most probable class."""

    @property
    def predicted_probability(self) -> Array:
        """Probabilities of the most probable class."""


class _Predictions(NamedTuple):
    """Probabilities that are given, in the place of a classifier that predicts them."""

    probabilities: Array
    classes_: Array

    def predict_proba(self, X: object) -> Array:
        """Return the probabilities, whatever the rows are."""
        return self.probabilities


class HardExamplesDisplay:
    """The images whose true class has too low a probability, the hardest first.

    Captions read "true → predicted (probability of the predicted class)". They are vermilion
    where the prediction is wrong, and blue where it is right, though not by much.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width[, channels])
        The hardest images.
    hard : Bunch
        All hard rows, as `sknielsen.hard_examples` returns them. The images are the first of
        them.
    n_samples : int
        Number of rows that were searched.
    threshold : float, default=0.7
        An image is hard if the probability of its true class is below this.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    axes_ : ndarray of matplotlib Axes of shape (n_rows, n_columns)
        The axes of the images.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier
    >>> from sknielsen.plots import HardExamplesDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(max_iter=5, random_state=0).fit(X[:1000] / 16, y[:1000])
    >>> display = HardExamplesDisplay.from_estimator(clf, X[1000:] / 16, y[1000:], limit=12)
    >>> display.images.shape
    (12, 8, 8)
    """

    figure_: Figure | SubFigure
    axes_: Array

    def __init__(
        self, images: Array, hard: HardExamples, n_samples: int, threshold: float = 0.7
    ) -> None:
        self.images = images
        self.hard = hard
        self.n_samples = n_samples
        self.threshold = threshold

    @classmethod
    def from_estimator(
        cls,
        estimator: ProbabilisticPredictor,
        X: MatrixLike,
        y: npt.ArrayLike,
        *,
        threshold: float = 0.7,
        limit: int | None = 40,
        image_shape: Sequence[int] | None = None,
        ax: AxesLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the images that a fitted classifier finds hard.

        Parameters
        ----------
        estimator : classifier, Pipeline or search
            Any fitted classifier with `predict_proba`.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            An image in each row. For a pipeline, these are drawn as they are before its steps.
        y : array-like of shape (n_samples,)
            True labels.
        threshold : float, default=0.7
            An image is hard if the probability of its true class is below this.
        limit : int or None, default=40
            Greatest number of images that are drawn; None draws all.
        image_shape : tuple (height, width) or (height, width, channels), default=None
            Shape of an image. None takes images to be square.
        ax : Axes or array-like of Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the images, as for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        HardExamplesDisplay
            The display.

        Raises
        ------
        ValueError
            If `y` does not have one class for each row, the rows do not have the image shape, or
            a number is out of range.
        """
        if limit is not None:
            check_number("limit", limit, Integral, "[1, inf)", also=" or None")
        hard = hard_examples(estimator, X, y, threshold=threshold, limit=None)
        chosen = hard.indices[:limit]
        rows: Any = csr_array(X) if issparse(X) else np.asarray(X)
        images = rows[chosen].toarray() if issparse(X) else rows[chosen]
        if images.ndim != 2:
            raise ValueError(f"`X` must have shape (n_samples, n_features); got {rows.shape}.")
        shape = shape_of_images(image_shape, images.shape[1])
        if len(shape) == 3 and shape[2] not in (1, 3):
            raise ValueError(
                "Images are drawn in grey, with 1 channel, or in colour, with 3; `image_shape` "
                f"is {shape}."
            )
        display = cls(images.reshape(-1, *shape), hard, np.size(y), threshold)
        return display.plot(ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: npt.ArrayLike,
        y_proba: npt.ArrayLike,
        X: MatrixLike,
        *,
        classes: npt.ArrayLike | None = None,
        threshold: float = 0.7,
        limit: int | None = 40,
        image_shape: Sequence[int] | None = None,
        ax: AxesLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the images that are hard by their predicted probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_proba : array-like of shape (n_samples, n_classes)
            Probabilities, as `predict_proba` returns them.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            An image in each row.
        classes : array-like of shape (n_classes,), default=None
            Labels of the columns of `y_proba`, in ascending order. None takes the labels that
            occur in `y_true`.
        threshold, limit, image_shape, ax, **kwargs
            As for `from_estimator`.

        Returns
        -------
        HardExamplesDisplay
            The display.

        Raises
        ------
        ValueError
            As for `from_estimator`; or if the columns of `y_proba` do not match the classes, or
            the classes are not in ascending order.
        """
        y_proba = np.asarray(y_proba)
        labels: Array = np.unique(y_true) if classes is None else column_or_1d(classes)
        if not np.array_equal(labels, np.unique(labels)):
            raise ValueError(f"`classes` must be in ascending order; got {labels.tolist()}.")
        if y_proba.ndim != 2 or y_proba.shape[1] != len(labels):
            raise ValueError(
                f"`y_proba` must have a column for each of the classes {labels.tolist()}; got "
                f"shape {y_proba.shape}. `classes` names classes that do not occur in `y_true`."
            )
        check_consistent_length(y_true, y_proba, X)
        return cls.from_estimator(
            _Predictions(y_proba, labels),
            X,
            y_true,
            threshold=threshold,
            limit=limit,
            image_shape=image_shape,
            ax=ax,
            **kwargs,
        )

    def plot(self, ax: AxesLike | None = None, **kwargs: Any) -> Self:
        """Draw the images with their captions, or say that none is hard.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the images, as for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        HardExamplesDisplay
            The display itself.
        """
        n_images, hard = len(self.images), self.hard
        if not n_images:
            return self._plot_none(ax)
        captions = [
            f"{true} → {predicted} ({probability:.2f})"
            for true, predicted, probability in zip(
                hard.true[:n_images], hard.predicted, hard.predicted_probability
            )
        ]
        width = max(1.0, 0.08 * max(map(len, captions)))
        n_columns = min(n_images, max(1, int(10 / width)))
        if ax is not None:  # of unknown size
            n_columns = math.ceil(math.sqrt(n_images))
        size = max(width, 7 / n_columns), 1.2  # of an image; the title takes seven inches
        axes = axes_grid(ax, math.ceil(n_images / n_columns), n_columns, size, n_images)
        self.axes_, self.figure_ = axes, axes.flat[0].figure
        low, high = scale_ends(self.images)
        for i, panel in enumerate(axes.flat):
            if i >= n_images:
                panel.set_axis_off()
                continue
            show_image(panel, self.images[i], low, high, **kwargs)
            color = BLUE if hard.true[i] == hard.predicted[i] else VERMILION
            # Labels are text, even where two of them have dollar signs.
            panel.set_title(captions[i], fontsize="small", color=color, pad=3, parse_math=False)
        if ax is None:
            self.figure_.suptitle(self._title(), fontsize="medium")
        return self

    def _plot_none(self, ax: AxesLike | None) -> Self:
        """Say that no image is hard."""
        self.axes_ = axes_grid(ax, 1, 1, (6, 1.5))
        panel = self.axes_.flat[0]
        self.figure_ = panel.figure
        panel.set_axis_off()
        panel.text(
            0.5,
            0.5,
            f"No hard examples: in each of {self.n_samples:,} images\nthe true class got at "
            f"least {self.threshold:g} of the probability.",
            ha="center",
            va="center",
            transform=panel.transAxes,
        )
        return self

    def _title(self) -> str:
        """Say how many images are hard, how many of them are drawn, and what captions mean."""
        n_images, n_hard = len(self.images), len(self.hard.indices)
        drawn = f": the {n_images:,} hardest" if n_images < n_hard else ""
        return (
            f"{n_hard:,} of {self.n_samples:,} images whose true class got less than "
            f"{self.threshold:g} of the probability{drawn}\n"
            "true → predicted (probability of the predicted class)"
        )
