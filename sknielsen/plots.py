"""Pictures, by scikit-learn's Display conventions; needs matplotlib, the extra ``plots``.

A display is made by a class method from an estimator or from data, draws at once, and keeps
what it drew in ``figure_``, ``ax_`` or ``axes_``. Importing this module needs no matplotlib.
"""

import numpy as np
from sklearn.base import clone


def _pyplot():
    """Import matplotlib, or say which extra brings it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "sknielsen.plots needs matplotlib, which the extra `plots` brings: "
            'pip install "sknielsen[plots]".'
        ) from error
    return plt


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
    def from_augmenter(cls, augmenter, X, *, n_copies=8, random_state=0, axes=None, cmap="gray_r"):
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
        axes : array-like of Axes of shape (n_images, 1 + n_copies), default=None
            Where to draw; None makes a figure.
        cmap : str, default="gray_r"
            Colour map of images without channels.

        Returns
        -------
        AugmentationDisplay
        """
        X = np.asarray(X)
        rng = np.random.default_rng(random_state)
        columns = [X, *(augmenter.distort(X, rng) for _ in range(n_copies))]
        shape = clone(augmenter).fit(X).image_shape_
        images = np.stack([column.reshape(len(X), *shape) for column in columns], axis=1)
        return cls(images).plot(axes=axes, cmap=cmap)

    def plot(self, *, axes=None, cmap="gray_r"):
        """Draw the grid.

        Parameters
        ----------
        axes : array-like of Axes of shape (n_images, 1 + n_copies), default=None
            Where to draw; None makes a figure.
        cmap : str, default="gray_r"
            Colour map of images without channels.

        Returns
        -------
        AugmentationDisplay
            The display itself.
        """
        plt = _pyplot()
        n_rows, n_columns = self.images.shape[:2]
        if axes is None:
            _, axes = plt.subplots(
                n_rows, n_columns, figsize=(0.8 * n_columns, 0.85 * n_rows), squeeze=False
            )
        self.axes_ = np.asarray(axes, dtype=object).reshape(n_rows, n_columns)
        self.figure_ = self.axes_[0, 0].figure
        low, high = self.images.min(), self.images.max()
        for row, images in zip(self.axes_, self.images):
            for ax, image in zip(row, images):
                if image.ndim == 3 and image.shape[-1] == 1:
                    image = image[..., 0]
                elif image.ndim == 3:  # colours are drawn as they are, so they must lie in [0, 1]
                    image = (image - low) / ((high - low) or 1)
                ax.imshow(image, cmap=cmap, vmin=low, vmax=high)
                ax.set(xticks=[], yticks=[])
        self.axes_[0, 0].set_title("original", fontsize="small")
        if n_columns > 1:
            self.axes_[0, n_columns // 2].set_title("distorted", fontsize="small")
        return self
