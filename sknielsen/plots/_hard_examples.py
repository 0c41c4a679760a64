"""The images that a classifier finds hard."""

import math
from numbers import Integral
from types import SimpleNamespace

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_consistent_length, column_or_1d

from sknielsen._resolve import check_number
from sknielsen.diagnostics import hard_examples
from sknielsen.plots._common import BLUE, VERMILION, axes_grid, shape_of_images, show_image


class HardExamplesDisplay:
    """The images whose true class got too little of the probability, the hardest first.

    Captions read "true → predicted (probability of the predicted class)": vermilion where the
    prediction is wrong, blue where it is right, if barely.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width[, channels])
        The hardest images.
    hard : Bunch
        All hard rows, as `sknielsen.hard_examples` returns them; the first of them are drawn.
    n_samples : int
        Rows among which they were found.
    threshold : float, default=0.7
        Images are hard whose true class has a probability below this.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes of shape (n_rows, n_columns)

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

    def __init__(self, images, hard, n_samples, threshold=0.7):
        self.images = images
        self.hard = hard
        self.n_samples = n_samples
        self.threshold = threshold

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, threshold=0.7, limit=40, image_shape=None, ax=None, **kwargs
    ):
        """Draw the images that a fitted classifier finds hard.

        Parameters
        ----------
        estimator : classifier or Pipeline
            Fitted; any classifier with `predict_proba`.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The images as rows; what a pipeline is given is drawn.
        y : array-like of shape (n_samples,)
            True labels.
        threshold : float, default=0.7
            Images are hard whose true class has a probability below this.
        limit : int or None, default=40
            Images that are drawn at most; None draws all.
        image_shape : tuple (height, width) or (height, width, channels), default=None
            None takes images to be square.
        ax : Axes or array-like of Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the images, as for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        HardExamplesDisplay

        Raises
        ------
        ValueError
            For targets that have not one class a row, rows that do not have the image shape, and
            numbers out of range.
        """
        if limit is not None:
            check_number("limit", limit, Integral, "[1, inf)", also=" or None")
        hard = hard_examples(estimator, X, y, threshold=threshold, limit=None)
        chosen = hard.indices[:limit]
        images = X.tocsr()[chosen].toarray() if issparse(X) else np.asarray(X)[chosen]
        if images.ndim != 2:
            raise ValueError(f"`X` must have shape (n_samples, n_features); got {np.shape(X)}.")
        shape = shape_of_images(image_shape, images.shape[1])
        if len(shape) == 3 and shape[2] not in (1, 3):
            raise ValueError(
                "Images are drawn in grey, with 1 channel, or in colour, with 3; `image_shape` "
                f"is {shape}."
            )
        display = cls(images.reshape(-1, *shape), hard, len(y), threshold)
        return display.plot(ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_proba,
        X,
        *,
        classes=None,
        threshold=0.7,
        limit=40,
        image_shape=None,
        ax=None,
        **kwargs,
    ):
        """Draw the images whose predicted probabilities make them hard.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_proba : array-like of shape (n_samples, n_classes)
            Probabilities, as `predict_proba` gives them.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The images as rows.
        classes : array-like of shape (n_classes,), default=None
            The label of each column of `y_proba`, in ascending order. None takes the labels that
            occur in `y_true`.
        threshold, limit, image_shape, ax, **kwargs
            As for `from_estimator`.

        Returns
        -------
        HardExamplesDisplay

        Raises
        ------
        ValueError
            As for `from_estimator`; and if there is not one column for each class, in order.
        """
        y_proba = np.asarray(y_proba)
        classes = np.unique(y_true) if classes is None else column_or_1d(classes)
        if not np.array_equal(classes, np.unique(classes)):
            raise ValueError(f"`classes` must be in ascending order; got {classes.tolist()}.")
        if y_proba.ndim != 2 or y_proba.shape[1] != len(classes):
            raise ValueError(
                f"`y_proba` must have a column for each of the classes {classes.tolist()}; got "
                f"shape {y_proba.shape}. `classes` names classes that do not occur in `y_true`."
            )
        check_consistent_length(y_true, y_proba, X)
        predicted = SimpleNamespace(predict_proba=lambda X: y_proba, classes_=classes)
        return cls.from_estimator(
            predicted,
            X,
            y_true,
            threshold=threshold,
            limit=limit,
            image_shape=image_shape,
            ax=ax,
            **kwargs,
        )

    def plot(self, ax=None, **kwargs):
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
        axes = axes_grid(ax, math.ceil(n_images / n_columns), n_columns, (width, 1.2), n_images)
        self.axes_, self.figure_ = axes, axes.flat[0].figure
        low, high = self.images.min(), self.images.max()
        for i, panel in enumerate(axes.flat):
            if i >= n_images:
                panel.set_axis_off()
                continue
            show_image(panel, self.images[i], low, high, **kwargs)
            color = BLUE if hard.true[i] == hard.predicted[i] else VERMILION
            panel.set_title(captions[i], fontsize="small", color=color, pad=3)
        if ax is None:
            title = (
                f"{len(hard.indices):,} of {self.n_samples:,} images whose true class got less "
                f"than {self.threshold:g} of the probability"
            )
            if n_images < len(hard.indices):
                title += f": the {n_images:,} hardest"
            title += "\ntrue → predicted (probability of the predicted class)"
            self.figure_.suptitle(title, fontsize="medium")
        return self
