"""What a layer has learnt: the weights into each of its units as an image."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from sknielsen._resolve import check_number
from sknielsen.core.contracts import Array
from sknielsen.diagnostics import network_inside
from sknielsen.plots._common import (
    AxesLike,
    Fitted,
    axes_grid,
    image_style,
    shape_of_images,
)

if TYPE_CHECKING:
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.image import AxesImage


class WeightsDisplay:
    """The weights into each unit of a layer as an image: blue below zero, red above.

    All images share one colour scale, symmetric about zero. Its ends are the 99.5th percentile of
    the absolute weights, so that a few large weights do not leave the others pale. Channels stand
    side by side, the first one on the left.

    Parameters
    ----------
    images : ndarray of shape (n_units, height, width[, channels])
        The weights into each unit.
    units : sequence of int, default=None
        Numbers of the units, for the titles; None numbers them from 0.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    axes_ : ndarray of matplotlib Axes of shape (n_rows, n_columns)
        The axes of the units.
    images_ : list of AxesImage
        The image of each unit.
    colorbar_ : matplotlib Colorbar or None
        The colour scale, if it is drawn.

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

    figure_: Figure | SubFigure
    axes_: Array
    images_: list[AxesImage]
    colorbar_: Colorbar | None

    def __init__(self, images: Array, units: Sequence[int] | None = None) -> None:
        self.images = images
        self.units = units

    @classmethod
    def from_estimator(
        cls,
        estimator: Fitted,
        *,
        layer: int = 0,
        units: Iterable[int] | None = None,
        image_shape: Sequence[int] | None = None,
        ax: AxesLike | None = None,
        colorbar: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Draw the weights of a fitted classifier.

        Parameters
        ----------
        estimator : MLPSigmoidClassifier, Pipeline or search
            A fitted classifier, or a pipeline or search with one inside. (scikit-learn's
            `MLPClassifier` works, too, because its `coefs_` have the same layout.)
        layer : int, default=0
            The layer whose incoming weights are drawn. 0 is the first hidden layer, whose inputs
            are the pixels.
        units : sequence of int, default=None
            Numbers of the units to draw, from 0. None draws the first 100, or all if there are
            fewer.
        image_shape : tuple (height, width) or (height, width, channels), default=None
            Shape of the layer's inputs. None takes them to be a square.
        ax : Axes or array-like of Axes, default=None
            Where to draw; None makes a figure.
        colorbar : bool, default=True
            Whether to draw the colour scale.
        **kwargs : dict
            Properties of the images, as for `matplotlib.axes.Axes.imshow`; ``vmin`` and ``vmax``,
            for instance, set the ends of the colour scale.

        Returns
        -------
        WeightsDisplay
            The display.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the classifier has no `coefs_`.
        ValueError
            If there is no such layer or unit, or if the inputs do not have the image shape.
        """
        coefs = network_inside(estimator, needs="coefs_")[0].coefs_
        check_number("layer", layer, Integral, f"[0, {len(coefs) - 1}]")
        return cls.from_weights(
            coefs[layer], units=units, image_shape=image_shape, ax=ax, colorbar=colorbar, **kwargs
        )

    @classmethod
    def from_weights(
        cls,
        weights: npt.ArrayLike,
        *,
        units: Iterable[int] | None = None,
        image_shape: Sequence[int] | None = None,
        ax: AxesLike | None = None,
        colorbar: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Draw a matrix of weights.

        Parameters
        ----------
        weights : array-like of shape (n_in, n_units)
            The weights into each unit, a column for each.
        units, image_shape, ax, colorbar, **kwargs
            As for `from_estimator`.

        Returns
        -------
        WeightsDisplay
            The display.

        Raises
        ------
        ValueError
            If there is no such unit, or if the inputs do not have the image shape.
        """
        weights = np.asarray(weights)
        if weights.ndim != 2:
            raise ValueError(f"`weights` must have shape (n_in, n_units); got {weights.shape}.")
        n_in, n_units = weights.shape
        chosen = list(range(min(n_units, 100)) if units is None else units)
        if not chosen:
            raise ValueError("`units` must name at least one unit; got none.")
        for unit in chosen:
            check_number("each number in `units`", unit, Integral, f"[0, {n_units - 1}]")
        images = weights.T[chosen].reshape(len(chosen), *shape_of_images(image_shape, n_in))
        return cls(images, chosen).plot(ax, colorbar=colorbar, **kwargs)

    def plot(self, ax: AxesLike | None = None, *, colorbar: bool = True, **kwargs: Any) -> Self:
        """Draw the images.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Where to draw; None makes a figure.
        colorbar : bool, default=True
            Whether to draw the colour scale.
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
        largest = float(np.nanpercentile(np.abs(flat), 99.5)) or 1.0
        style = image_style("RdBu_r", -largest, largest, kwargs)
        self.images_ = []
        units = range(n_units) if self.units is None else self.units
        for panel, unit, image in zip(axes.flat, units, flat):
            self.images_.append(panel.imshow(image, **style))
            panel.set(xticks=[], yticks=[], facecolor="0.5")  # shows between channels
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


def _side_by_side(image: Array) -> Array:
    """Put the channels of an image side by side, with an empty column between two."""
    if image.ndim == 2:
        return image
    height, _, n_channels = image.shape
    gap = np.full((height, 1), np.nan)
    parts = [part for c in range(n_channels) for part in (gap, image[:, :, c])]
    return np.hstack(parts[1:])
