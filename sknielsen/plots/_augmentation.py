"""Images and their distortions, side by side."""

import numpy as np
from sklearn.base import clone

from sknielsen.plots._common import axes_grid, show_image


class AugmentationDisplay:
    """A grid of images, each followed in its row by distortions of it.

    Parameters
    ----------
    images : ndarray of shape (n_images, 1 + n_copies, height, width[, channels])
        Each original, then its copies.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes of shape (n_images, 1 + n_copies)
    """

    def __init__(self, images):
        self.images = images

    @classmethod
    def from_augmenter(cls, augmenter, X, *, n_copies=8, random_state=0, ax=None, **kwargs):
        """Draw rows of X and distortions of them.

        Parameters
        ----------
        augmenter : ImageAugmenter
        X : array-like of shape (n_images, n_features)
            The originals; a handful.
        n_copies : int, default=8
            Distortions of each.
        random_state : int, default=0
            Seed of the distortions.
        ax : Axes or array-like of Axes of shape (n_images, 1 + n_copies), default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the images, as for `matplotlib.axes.Axes.imshow`: `cmap`, for instance.

        Returns
        -------
        AugmentationDisplay
        """
        X = np.asarray(X)
        rng = np.random.default_rng(random_state)
        columns = [X, *(augmenter.distort(X, rng) for _ in range(n_copies))]
        shape = clone(augmenter).fit(X).image_shape_
        images = np.stack([column.reshape(len(X), *shape) for column in columns], axis=1)
        return cls(images).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw the grid.

        Parameters
        ----------
        ax : Axes or array-like of Axes of shape (n_images, 1 + n_copies), default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the images, as for `matplotlib.axes.Axes.imshow`: `cmap`, for instance.

        Returns
        -------
        AugmentationDisplay
            The display itself.
        """
        n_rows, n_columns = self.images.shape[:2]
        axes = axes_grid(ax, n_rows, n_columns, (0.8, 0.85))
        self.axes_ = axes.reshape(n_rows, n_columns)
        self.figure_ = self.axes_[0, 0].figure
        low, high = self.images.min(), self.images.max()
        for row, images in zip(self.axes_, self.images):
            for panel, image in zip(row, images):
                show_image(panel, image, low, high, **kwargs)
        self.axes_[0, 0].set_title("original", fontsize="small")
        if n_columns > 1:
            self.axes_[0, n_columns // 2].set_title("distorted", fontsize="small")
        return self
