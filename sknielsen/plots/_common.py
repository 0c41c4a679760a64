"""What displays share: types, axes, colours and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from sknielsen._resolve import check_image_shape
from sknielsen.core.contracts import Array

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# Okabe and Ito's palette, whose colours colour-blind people can tell apart, without its yellow.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, VERMILION = COLORS[:2]
GREY = "0.4"


class Fitted(Protocol):
    """A fitted estimator: a classifier, or a pipeline or search with one inside."""

    # scikit-learn's methods are at times descriptors, hence properties that may hold anything.
    @property
    def fit(self) -> Any:
        """Fit to rows and labels."""


class Predictor(Protocol):
    """A fitted classifier that predicts labels."""

    @property
    def classes_(self) -> Any:
        """All labels, sorted."""

    @property
    def predict(self) -> Any:
        """Predict the label of each row."""


class ProbabilisticPredictor(Protocol):
    """A fitted classifier that predicts probabilities."""

    @property
    def classes_(self) -> Any:
        """All labels, sorted."""

    @property
    def predict_proba(self) -> Any:
        """Predict the probability of each class, row by row."""


AxesLike: TypeAlias = "Axes | Array | Sequence[Axes] | Sequence[Sequence[Axes]]"


def pyplot() -> ModuleType:
    """Import matplotlib; without it, raise ImportError that names the extra to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "sknielsen.plots needs matplotlib, which the extra `plots` brings: "
            'pip install "sknielsen[plots]", or ".[plots]" in a checkout.'
        ) from error
    return plt


def axes_grid(
    ax: AxesLike | None,
    n_rows: int,
    n_columns: int,
    size: tuple[float, float],
    n_used: int | None = None,
) -> Array:
    """Return the axes to draw on.

    Parameters
    ----------
    ax : Axes, array-like of Axes or None
        None makes a figure. A single Axes is divided into the grid.
    n_rows, n_columns : int
        Shape of the grid.
    size : tuple of float
        Width and height of one cell, in inches.
    n_used : int, default=None
        Number of axes that are drawn on. An array must have as many, or more. None draws on the
        whole grid, and an array must have exactly as many.

    Returns
    -------
    ndarray of Axes
        In the shape (n_rows, n_columns), or in that of `ax`.
    """
    plt = pyplot()
    axes: Array
    if ax is None:
        figsize = (size[0] * n_columns, size[1] * n_rows)
        _, axes = plt.subplots(
            n_rows, n_columns, figsize=figsize, squeeze=False, layout="constrained"
        )
        return axes
    axes = np.asarray(ax, dtype=object)
    wrong = [type(one).__name__ for one in axes.ravel() if not isinstance(one, plt.Axes)]
    if wrong:
        raise TypeError(f"`ax` must be matplotlib Axes; got {wrong[0]}.")
    if axes.size == 1 < n_rows * n_columns:
        return _divided(axes.item(), n_rows, n_columns)
    n_needed, more = n_used or n_rows * n_columns, " or more" if n_used else ""
    if axes.size < n_needed or (axes.size > n_needed and not more):
        raise ValueError(
            f"`ax` must be one Axes, or an array of {n_needed}{more}; got {axes.size}."
        )
    return np.atleast_2d(axes)


def _divided(ax: Axes, n_rows: int, n_columns: int) -> Array:
    """Replace an Axes by a grid of axes in its place."""
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "An `ax` that is to be divided must come from subplots or a grid; this one was placed "
            f"by hand. Give {n_rows * n_columns} Axes, or None."
        )
    ax.set_axis_off()
    grid = GridSpecFromSubplotSpec(n_rows, n_columns, subplot_spec=place)
    cells = [ax.figure.add_subplot(grid[i]) for i in range(n_rows * n_columns)]
    return np.array(cells, dtype=object).reshape(n_rows, n_columns)


def shape_of_images(image_shape: Sequence[int] | None, n_pixels: int) -> tuple[int, ...]:
    """Return the shape of images after a check; None stands for a square."""
    shape: tuple[int, ...] | None = check_image_shape(
        image_shape,
        n_pixels,
        f"the {n_pixels} values of an image",
        kinds=(tuple, list, np.ndarray),
        wrong_kind=ValueError,
    )
    if shape is None:
        raise ValueError(
            f"`image_shape`=None stands for square images, but {n_pixels} values make no "
            "square. Set `image_shape`."
        )
    return shape


def scale_ends(images: Array) -> tuple[float, float]:
    """Return the least and the greatest pixel of images, the ends of their scale of grey."""
    return float(images.min()), float(images.max())


def show_image(ax: Axes, image: Array, low: float, high: float, **kwargs: Any) -> None:
    """Draw an image without ticks, in grey from `low` to `high`, or in colour."""
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    elif image.ndim == 3:  # matplotlib draws colours as they are, so they must lie in [0, 1]
        image = image.astype(float) if image.dtype.kind in "biu" else image
        image = (image - low) / ((high - low) or 1)
    ax.imshow(image, **image_style("gray_r", low, high, kwargs))
    ax.set(xticks=[], yticks=[])


def image_style(cmap: str, low: float, high: float, given: Mapping[str, Any]) -> dict[str, Any]:
    """Merge keyword arguments of `imshow` with defaults; a norm that is given has ends itself."""
    norm = given.get("norm")
    scale = {"vmin": low, "vmax": high} if norm is None or isinstance(norm, str) else {}
    return {"cmap": cmap, **scale, **given}


def merged_style(
    defaults: Mapping[str, Any], given: dict[str, Any], artist: type[Artist]
) -> dict[str, Any]:
    """Merge keyword arguments of an artist with defaults, whichever aliases they use."""
    from matplotlib.cbook import normalize_kwargs

    return {**defaults, **normalize_kwargs(given, artist)}
