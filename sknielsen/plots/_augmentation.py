"""Images and their distortions, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from sknielsen.core.contracts import Array, Augmenter
from sknielsen.plots._common import AxesLike, axes_grid, scale_ends, show_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


class ShapedAugmenter(Augmenter, Protocol):
    """An augmenter that knows the shape of images, as `sknielsen.augmentation.ImageAugmenter`."""

    def get_params(self, deep: bool = True) -> Any:
        """Return the parameters by name, so that it can be cloned."""

    def fit(self, X: Array, /) -> Any:
        """Return an augmenter with the shape of the images of X in ``image_shape_``."""


class AugmentationDisplay:
    """A grid of images: each row shows an original, then distorted copies of it.

    Parameters
    ----------
    images : ndarray of shape (n_images, 1 + n_copies, height, width[, channels])
        Each original, followed by its copies.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    axes_ : ndarray of matplotlib Axes of shape (n_images, 1 + n_copies)
        The axes of the images.
    """

    figure_: Figure | SubFigure
    axes_: Array

    def __init__(self, images: Array) -> None:
        self.images = images

    @classmethod
    def from_augmenter(
        cls,
        augmenter: ShapedAugmenter,
        X: npt.ArrayLike,
        *,
        n_copies: int = 8,
        random_state: int = 0,
        ax: AxesLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw images and distorted copies of them.

        Parameters
        ----------
        augmenter : ImageAugmenter
            Makes the copies.
        X : array-like of shape (n_images, n_features)
            The originals, a handful.
        n_copies : int, default=8
            Number of copies of each image.
        random_state : int, default=0
            Seed of the distortions.
        ax : Axes or array-like of Axes of shape (n_images, 1 + n_copies), default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the images, such as `cmap`, as for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        AugmentationDisplay
            The display.
        """
        X = np.asarray(X)
        rng = np.random.default_rng(random_state)
        columns = [X, *(augmenter.distort(X, rng) for _ in range(n_copies))]
        shape = clone(augmenter).fit(X).image_shape_
        images = np.stack([column.reshape(len(X), *shape) for column in columns], axis=1)
        return cls(images).plot(ax, **kwargs)

    def plot(self, ax: AxesLike | None = None, **kwargs: Any) -> Self:
        """Draw the grid.

        Parameters
        ----------
        ax : Axes or array-like of Axes of shape (n_images, 1 + n_copies), default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the images, such as `cmap`, as for `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        AugmentationDisplay
            The display itself.
        """
        n_rows, n_columns = self.images.shape[:2]
        axes = axes_grid(ax, n_rows, n_columns, (0.8, 0.85))
        self.axes_ = axes.reshape(n_rows, n_columns)
        self.figure_ = self.axes_[0, 0].figure
        low, high = scale_ends(self.images)
        for row, images in zip(self.axes_, self.images):
            for panel, image in zip(row, images):
                show_image(panel, image, low, high, **kwargs)
        self.axes_[0, 0].set_title("original", fontsize="small")
        if n_columns > 1:
            self.axes_[0, n_columns // 2].set_title("distorted", fontsize="small")
        return self
