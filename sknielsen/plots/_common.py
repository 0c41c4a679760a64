"""What displays share: axes, colours, images, and the classifier of an estimator."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sknielsen._resolve import check_image_shape

# The palette of Okabe and Ito, which colour-blind people can tell apart, without its yellow.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, VERMILION = COLORS[:2]
GREY = "0.4"


def pyplot():
    """Import matplotlib, or say which extra brings it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "sknielsen.plots needs matplotlib, which the extra `plots` brings: "
            'pip install "sknielsen[plots]".'
        ) from error
    return plt


def axes_grid(ax, n_rows, n_columns, size, n_used=None):
    """Return the axes to draw on.

    Parameters
    ----------
    ax : Axes, array-like of Axes or None
        None makes a figure. One Axes is divided into the grid that is needed.
    n_rows, n_columns : int
        The grid.
    size : tuple of float
        Width and height of one cell, in inches.
    n_used : int, default=None
        How many axes are drawn on, if not all of the grid: an array may have as many, or more.

    Returns
    -------
    ndarray of Axes
        Of shape (n_rows, n_columns), or of the caller's shape.
    """
    plt = pyplot()
    if ax is None:
        figsize = (size[0] * n_columns, size[1] * n_rows)
        return plt.subplots(
            n_rows, n_columns, figsize=figsize, squeeze=False, layout="constrained"
        )[1]
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


def _divided(ax, n_rows, n_columns):
    """Put a grid of axes in the place of one."""
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "An `ax` that is to be divided must come from subplots or a grid; this one was placed "
            f"by hand. Give {n_rows * n_columns} Axes, or None."
        )
    ax.set_axis_off()
    grid = GridSpecFromSubplotSpec(n_rows, n_columns, subplot_spec=place)
    cells = [ax.figure.add_subplot(cell) for cell in grid]
    return np.array(cells, dtype=object).reshape(n_rows, n_columns)


def shape_of_images(image_shape, n_pixels):
    """Return the shape of images, checked, or that of a square."""
    shape = check_image_shape(
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


def show_image(ax, image, low, high, **kwargs):
    """Draw an image without ticks; `low` and `high` are the ends of the scale of grey."""
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    elif image.ndim == 3:  # colours are drawn as they are, so they must lie in [0, 1]
        image = (image - low) / ((high - low) or 1)
    ax.imshow(image, **{"cmap": "gray_r", "vmin": low, "vmax": high, **kwargs})
    ax.set(xticks=[], yticks=[])


def last_step(estimator):
    """Return the classifier of a pipeline, or the classifier that was given."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def fitted_classifier(estimator, attribute):
    """Return the classifier of an estimator, which must be fitted and have an attribute."""
    classifier = last_step(estimator)
    check_is_fitted(classifier)
    if not hasattr(classifier, attribute):
        raise TypeError(
            f"This display draws `{attribute}` of a fitted MLPSigmoidClassifier, or of a pipeline "
            f"that ends in one; {type(classifier).__name__} has no `{attribute}`."
        )
    return classifier


def merged_style(defaults, given, artist):
    """Merge keyword arguments of an artist, whichever of its aliases they use."""
    from matplotlib.cbook import normalize_kwargs

    return {**defaults, **normalize_kwargs(given, artist)}
