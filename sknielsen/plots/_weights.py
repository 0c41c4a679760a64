"""What a layer has learnt: the weights into each of its units as an image."""

import math
from numbers import Integral

import numpy as np

from sknielsen._resolve import check_number
from sknielsen.plots._common import axes_grid, fitted_classifier, shape_of_images


class WeightsDisplay:
    """The weights into each unit of a layer as an image: blue below zero, red above.

    All images have one scale of colours, which is symmetric about zero. It ends where 99.5 % of
    the weights do, so that a few large ones do not leave the others pale. Channels stand side by
    side, the first one on the left.

    Parameters
    ----------
    images : ndarray of shape (n_units, height, width[, channels])
        The weights into each unit.
    units : sequence of int, default=None
        The units' numbers, from 0; None counts them.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes of shape (n_rows, n_columns)
    images_ : list of AxesImage
        One for each unit.
    colorbar_ : matplotlib Colorbar or None

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier
    >>> from sknielsen.plots import WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(hidden_layer_sizes=6, max_iter=3).fit(X / 16, y)
    >>> display = WeightsDisplay.from_estimator(clf)
    >>> display.images.shape
    (6, 8, 8)
    """

    def __init__(self, images, units=None):
        self.images = images
        self.units = units

    @classmethod
    def from_estimator(
        cls, estimator, *, layer=0, units=None, image_shape=None, ax=None, colorbar=True, **kwargs
    ):
        """Draw the weights of a fitted classifier.

        Parameters
        ----------
        estimator : MLPSigmoidClassifier or Pipeline
            Fitted; a pipeline must end in a classifier. (scikit-learn's `MLPClassifier` will do,
            too: its `coefs_` are the same.)
        layer : int, default=0
            The layer whose incoming weights are drawn: 0 is the first hidden layer, whose inputs
            are the images' pixels.
        units : sequence of int, default=None
            The units' numbers, from 0. None takes all, at most the first 100.
        image_shape : tuple (height, width) or (height, width, channels), default=None
            Of the layer's inputs. None makes them a square.
        ax : Axes or array-like of Axes, default=None
            Where to draw; None makes a figure.
        colorbar : bool, default=True
            Whether to draw the scale of colours.
        **kwargs : dict
            Properties of the images, as for `matplotlib.axes.Axes.imshow`: ``vmin`` and ``vmax``,
            for instance, are the ends of the scale.

        Returns
        -------
        WeightsDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the classifier has no `coefs_`.
        ValueError
            If there is no such layer or unit, or if the inputs do not have the image shape.
        """
        coefs = fitted_classifier(estimator, "coefs_").coefs_
        check_number("layer", layer, Integral, f"[0, {len(coefs) - 1}]")
        return cls.from_weights(
            coefs[layer], units=units, image_shape=image_shape, ax=ax, colorbar=colorbar, **kwargs
        )

    @classmethod
    def from_weights(
        cls, weights, *, units=None, image_shape=None, ax=None, colorbar=True, **kwargs
    ):
        """Draw a matrix of weights.

        Parameters
        ----------
        weights : array-like of shape (n_in, n_units)
        units, image_shape, ax, colorbar, **kwargs
            As for `from_estimator`.

        Returns
        -------
        WeightsDisplay
        """
        weights = np.asarray(weights)
        if weights.ndim != 2:
            raise ValueError(f"`weights` must have shape (n_in, n_units); got {weights.shape}.")
        n_in, n_units = weights.shape
        units = list(range(min(n_units, 100)) if units is None else units)
        if not units:
            raise ValueError("`units` must name at least one unit; got none.")
        for unit in units:
            check_number("each number in `units`", unit, Integral, f"[0, {n_units - 1}]")
        images = weights.T[units].reshape(len(units), *shape_of_images(image_shape, n_in))
        return cls(images, units).plot(ax, colorbar=colorbar, **kwargs)

    def plot(self, ax=None, *, colorbar=True, **kwargs):
        """Draw the images.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Where to draw; None makes a figure.
        colorbar : bool, default=True
            Whether to draw the scale of colours.
        **kwargs : dict
            Properties of the images, as for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        WeightsDisplay
            The display itself.
        """
        n_units = len(self.images)
        flat = np.stack([_side_by_side(image) for image in self.images])
        n_columns = min(10, math.ceil(math.sqrt(n_units)))
        aspect = flat.shape[2] / flat.shape[1]
        size = (0.85 * min(max(aspect, 1), 4), 0.95 / max(min(aspect, 1), 0.25))
        axes = axes_grid(ax, math.ceil(n_units / n_columns), n_columns, size, n_units)
        self.axes_, self.figure_ = axes, axes.flat[0].figure
        # a few large weights would leave all others pale
        largest = np.nanpercentile(np.abs(flat), 99.5) or 1
        style = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        self.images_ = []
        units = range(n_units) if self.units is None else self.units
        for panel, unit, image in zip(axes.flat, units, flat):
            self.images_.append(panel.imshow(image, **{**style, **kwargs}))
            panel.set(xticks=[], yticks=[], facecolor="0.5")  # seen between channels
            panel.set_title(f"unit {unit}", fontsize="x-small", pad=2)
        for panel in axes.flat[n_units:]:
            panel.set_axis_off()
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(
                self.images_[0],
                ax=axes.ravel().tolist(),
                label="weight",
                extend="both",
                aspect=30,
            )
        return self


def _side_by_side(image):
    """Put the channels of an image side by side, with an empty column between."""
    if image.ndim == 2:
        return image
    height, _, n_channels = image.shape
    gap = np.full((height, 1), np.nan)
    parts = [part for c in range(n_channels) for part in (gap, image[:, :, c])]
    return np.hstack(parts[1:])
