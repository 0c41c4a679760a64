"""Pictures, by scikit-learn's Display conventions; needs matplotlib, the extra ``plots``.

A display is made by a class method from an estimator or from data, draws at once, and keeps
what it drew in ``figure_``, ``ax_`` or ``axes_``, and what it drew it from in its parameters, so
that ``plot`` draws it again. An estimator may be the last step of a pipeline. Where a display
needs several axes, one Axes may be given all the same: the display divides the place it has.
Importing this module needs no matplotlib.
"""

import math
from collections.abc import Mapping
from numbers import Integral, Real
from types import SimpleNamespace

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted, check_random_state

from sknielsen._resolve import check_number
from sknielsen.diagnostics import hard_examples, weighted_inputs

# The palette of Okabe and Ito, which colour-blind people can tell apart, without its yellow.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_BLUE, _VERMILION = _COLORS[:2]
_GREY = "0.4"

_WORDS = {
    "least_cost": "least validation cost",
    "best_accuracy": "best validation accuracy",
    "best_epoch": "weights kept by early stopping",
}

# sigma'(z) = 1 / (4 cosh(z/2)^2), so sigma'(z) < 0.01 where cosh(z/2) > 5: beyond about 4.585.
_SATURATED = 2 * math.acosh(5)


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


def _axes(ax, n_rows, n_columns, size, n_used=None):
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
    plt = _pyplot()
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


def _image_shape(image_shape, n_pixels):
    """Return the shape of images, checked, or that of a square."""
    if image_shape is None:
        side = math.isqrt(n_pixels)
        if side * side != n_pixels:
            raise ValueError(
                f"`image_shape`=None stands for square images, but {n_pixels} values make no "
                "square. Set `image_shape`."
            )
        return side, side
    shape = tuple(image_shape) if isinstance(image_shape, (tuple, list, np.ndarray)) else ()
    if len(shape) not in (2, 3):
        raise ValueError(
            "`image_shape` must be None, (height, width) or (height, width, channels); got "
            f"{image_shape!r}."
        )
    name = "each length in `image_shape`"
    shape = tuple(check_number(name, length, Integral, "[1, inf)") for length in shape)
    if math.prod(shape) != n_pixels:
        raise ValueError(
            f"`image_shape` must fit the {n_pixels} values of an image; got {image_shape!r}, "
            f"which has {math.prod(shape)}."
        )
    return shape


def _show(ax, image, low, high, **kwargs):
    """Draw an image without ticks; `low` and `high` are the ends of the scale of grey."""
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    elif image.ndim == 3:  # colours are drawn as they are, so they must lie in [0, 1]
        image = (image - low) / ((high - low) or 1)
    ax.imshow(image, **{"cmap": "gray_r", "vmin": low, "vmax": high, **kwargs})
    ax.set(xticks=[], yticks=[])


def _last_step(estimator):
    """Return the classifier of a pipeline, or the classifier that was given."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def _transformed(estimator, X):
    """Transform X by the steps of a pipeline before its classifier."""
    while isinstance(estimator, Pipeline):
        if len(estimator.steps) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator.steps[-1][1]
    return X


def _fitted(estimator, attribute):
    """Return the classifier of an estimator, which must be fitted and have an attribute."""
    classifier = _last_step(estimator)
    check_is_fitted(classifier)
    if not hasattr(classifier, attribute):
        raise TypeError(
            f"This display draws `{attribute}` of a fitted MLPSigmoidClassifier, or of a pipeline "
            f"that ends in one; {type(classifier).__name__} has no `{attribute}`."
        )
    return classifier


def _style(defaults, given, artist):
    """Merge keyword arguments of an artist, whichever of its aliases they use."""
    from matplotlib.cbook import normalize_kwargs

    return {**defaults, **normalize_kwargs(given, artist)}


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
        axes = _axes(ax, n_rows, n_columns, (0.8, 0.85))
        self.axes_ = axes.reshape(n_rows, n_columns)
        self.figure_ = self.axes_[0, 0].figure
        low, high = self.images.min(), self.images.max()
        for row, images in zip(self.axes_, self.images):
            for panel, image in zip(row, images):
                _show(panel, image, low, high, **kwargs)
        self.axes_[0, 0].set_title("original", fontsize="small")
        if n_columns > 1:
            self.axes_[0, n_columns // 2].set_title("distorted", fontsize="small")
        return self


class HistoryDisplay:
    """Cost and accuracy by epoch, on training and validation data.

    Two panels, the cost and the accuracy. On the curves of the validation data a triangle that
    points down marks the epoch of the least validation cost, one that points up the epoch of the
    best validation accuracy. A vertical line marks the epoch whose weights early stopping kept,
    dotted ones the changes of eta, whose values stand above the panels; where several estimators
    differ in eta, dots on their curves mark the changes.

    Parameters
    ----------
    histories : dict of str to dict of array-like
        By name, what `history_` holds. The columns ``"epoch"``, ``"eta"``, ``"train_cost"``,
        ``"train_accuracy"``, ``"validation_cost"`` and ``"validation_accuracy"`` are drawn. A
        column that is NaN throughout is left out.
    best_epochs : dict of str to int, default=None
        By name, the epochs whose weights early stopping kept, where it ran.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes of shape (2,)
        The cost's and the accuracy's.
    lines_ : dict of str to dict of str to Line2D
        The curves, by name and column.
    marks_ : dict of str to dict of str to list of Line2D
        By name, the marks ``"least_cost"``, ``"best_accuracy"`` and ``"best_epoch"``, as far as
        there are such, each in both panels.
    eta_marks_ : list of Line2D
        Lines or dots at the changes of eta.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier
    >>> from sknielsen.plots import HistoryDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(early_stopping=True, random_state=0).fit(X / 16, y)
    >>> display = HistoryDisplay.from_estimator(clf)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['cost', 'accuracy']
    """

    _COLUMNS = ("train_cost", "train_accuracy", "validation_cost", "validation_accuracy")

    def __init__(self, histories, *, best_epochs=None):
        self.histories = histories
        self.best_epochs = best_epochs

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, **kwargs):
        """Draw the history of a fitted classifier, or of several, overlaid.

        Parameters
        ----------
        estimator : MLPSigmoidClassifier, Pipeline or dict of str to these
            A fitted classifier, or a pipeline that ends in one. A dict gives several, by the
            names they have in the legend.
        ax : Axes or array-like of two Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the curves, as for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        HistoryDisplay

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        TypeError
            If a classifier has no `history_`.
        """
        if not isinstance(estimator, Mapping):
            estimator = {type(_last_step(estimator)).__name__: estimator}
        fitted = {name: _fitted(one, "history_") for name, one in estimator.items()}
        best_epochs = {
            name: clf.best_epoch_
            for name, clf in fitted.items()
            # after more training by partial_fit, the weights are no longer the best epoch's
            if clf.early_stopping and clf.epoch_ == getattr(clf, "best_epoch_", None)
        }
        histories = {name: clf.history_ for name, clf in fitted.items()}
        return cls(histories, best_epochs=best_epochs).plot(ax, **kwargs)

    @classmethod
    def from_history(cls, history, *, best_epoch=None, ax=None, **kwargs):
        """Draw a history, or several, overlaid: from a file, for instance.

        Parameters
        ----------
        history : dict of array-like, or dict of str to such
            What `history_` holds, or several such by the names they have in the legend. None
            stands for NaN.
        best_epoch : int or dict of str to int, default=None
            The epoch whose weights early stopping kept; for several histories, by name.
        ax : Axes or array-like of two Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the curves, as for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        HistoryDisplay

        Raises
        ------
        ValueError
            If a history lacks a column, has columns of several lengths, or has nothing to draw;
            and if a best epoch belongs to none.
        """
        if not history or not all(isinstance(one, Mapping) for one in history.values()):
            history = {"history": history}
            best_epoch = None if best_epoch is None else {"history": best_epoch}
        elif not isinstance(best_epoch, Mapping | None):
            raise TypeError(
                f"`best_epoch` of several histories must be a dict by name; got {best_epoch!r}."
            )
        return cls(history, best_epochs=best_epoch).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw the two panels.

        Parameters
        ----------
        ax : Axes or array-like of two Axes, default=None
            Where to draw, the cost and the accuracy; None makes a figure.
        **kwargs : dict
            Properties of the curves, as for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        HistoryDisplay
            The display itself.
        """
        plt = _pyplot()
        from matplotlib.ticker import MaxNLocator, PercentFormatter

        if not self.histories:
            raise ValueError("A history must be given; got none.")
        unknown = set(self.best_epochs or {}) - set(self.histories)
        if unknown:
            raise ValueError(f"There is a best epoch, but no history, of {sorted(unknown)}.")
        histories = {name: self._checked(name, h) for name, h in self.histories.items()}
        self.axes_ = _axes(ax, 1, 2, (5.2, 4.2 + 0.2 * len(histories))).ravel()
        self.figure_ = self.axes_[0].figure
        colors = _COLORS
        if len(histories) > len(colors):
            colors = plt.get_cmap("viridis")(np.linspace(0, 0.95, len(histories)))
        self.lines_, self.marks_, self.eta_marks_ = {}, {}, []
        for (name, history), color in zip(histories.items(), colors):
            self._draw_curves(name, history, color, kwargs)
            self._draw_marks(name, history, color)
        etas = [history["eta"] for history in histories.values()]
        longest = max(histories.values(), key=lambda history: len(history["eta"]))
        if all(np.array_equal(eta, longest["eta"][: len(eta)]) for eta in etas):
            self._draw_etas(longest["epoch"], longest["eta"])
        else:
            self._draw_etas_on_curves(histories)
        for panel, figure in zip(self.axes_, ("cost", "accuracy")):
            panel.set(xlabel="epoch", ylabel=figure)
            panel.xaxis.set_major_locator(
                MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
            )
            panel.grid(axis="y", color="0.9", linewidth=0.8)
            panel.set_axisbelow(True)
        self.axes_[1].yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        self._draw_legends(own_figure=ax is None)
        return self

    def _checked(self, name, history):
        """Return the columns that are drawn, as arrays."""
        needed = ("epoch", "eta", *self._COLUMNS)
        missing = [column for column in needed if column not in history]
        if missing:
            raise ValueError(
                f"A history must have the columns {list(needed)}; {name!r} lacks {missing}."
            )
        columns = {column: np.asarray(history[column], dtype=float) for column in needed}
        lengths = {column: len(values) for column, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"The columns of {name!r} must have one length; got {lengths}.")
        if all(np.isnan(columns[column]).all() for column in self._COLUMNS):
            raise ValueError(
                f"The history of {name!r} has nothing to draw: its costs and accuracies are all "
                "NaN. Train with validation data, or with `monitor_samples` above 0."
            )
        return columns

    def _draw_curves(self, name, history, color, kwargs):
        """Draw an estimator's curves: dashed on training data, solid on validation data."""
        plt = _pyplot()
        alone = len(self.histories) == 1
        self.lines_[name] = {}
        for column in self._COLUMNS:
            if np.isnan(history[column]).all():
                continue
            part, figure = column.split("_")
            validation = part == "validation"
            style = {
                "color": _VERMILION if alone and validation else color,
                "linestyle": "-" if validation else "--",
                "marker": "." if len(history["epoch"]) == 1 else None,
                "label": ("validation" if validation else "training") if alone else name,
            }
            (self.lines_[name][column],) = self.axes_[int(figure == "accuracy")].plot(
                history["epoch"], history[column], **_style(style, kwargs, plt.Line2D)
            )

    def _draw_marks(self, name, history, color):
        """Mark the epochs of least cost and best accuracy, and the one early stopping kept."""
        marks = self.marks_[name] = {}
        best_epoch = (self.best_epochs or {}).get(name)
        if best_epoch is not None:
            style = {"color": _GREY if len(self.histories) == 1 else color, "linewidth": 1}
            style |= {"label": f"{_WORDS['best_epoch']}: epoch {best_epoch}", "zorder": 1}
            marks["best_epoch"] = [panel.axvline(best_epoch, **style) for panel in self.axes_]
        curves = [self.lines_[name].get(f"validation_{f}") for f in ("cost", "accuracy")]
        if None in curves:
            return
        least = np.nanargmin(history["validation_cost"])
        best = np.nanargmax(history["validation_accuracy"])
        values = (
            f"{history['validation_cost'][least]:.3g}",
            f"{100 * history['validation_accuracy'][best]:.4g} %",
        )
        for own, (mark, marker, row) in enumerate(
            [("least_cost", "v", least), ("best_accuracy", "^", best)]
        ):
            marks[mark] = []
            for i, (panel, curve) in enumerate(zip(self.axes_, curves)):
                epoch = history["epoch"][row]
                value = f"{values[i]}, " if i == own else ""
                marks[mark] += panel.plot(
                    [epoch],
                    [curve.get_ydata()[row]],
                    marker=marker,
                    markersize=9,
                    linestyle="none",
                    color=curve.get_color(),
                    markerfacecolor=curve.get_color() if i == own else "white",
                    label=f"{_WORDS[mark]}: {value}epoch {epoch:.0f}",
                    zorder=4 if i == own else 3,  # in front where the two epochs are one
                )
                if i == own and len(self.histories) > 1:
                    curve.set_label(f"{name}: {_WORDS[mark].split()[0]} {value}epoch {epoch:.0f}")

    def _draw_etas(self, epoch, eta):
        """Mark where eta changes by dotted lines, and write its values above the panels."""
        steps = np.flatnonzero(np.diff(eta, prepend=np.nan) != 0)
        words = [f"{eta[row]:.3g}" for row in steps]
        inches = self.axes_[0].get_window_extent().width / self.figure_.dpi
        epochs_of_a_letter = 0.075 * len(eta) / inches
        labelled, labels, free = [], [], -math.inf
        for row, word in zip(steps, words):
            half = epochs_of_a_letter * (len(word) + 1) / 2
            has_room = row - half >= free
            if has_room:
                labelled.append(row)
                free = row + half
            labels.append(word if has_room else "")
        for panel in self.axes_:
            panel.set_xlim(left=epoch[0] - 0.5)
            above = panel.secondary_xaxis("top")
            above.set_xticks(epoch[steps] - 0.5, labels, fontsize="small")
            above.set_xlabel("eta", fontsize="small")
            self.eta_marks_ += [
                panel.axvline(epoch[row] - 0.5, color=_GREY, linestyle=":", linewidth=1, zorder=1)
                for row in labelled[1:]
            ]

    def _draw_etas_on_curves(self, histories):
        """Mark where each estimator's eta changes by dots on its curves."""
        for name, history in histories.items():
            rows = np.flatnonzero(np.diff(history["eta"])) + 1
            if not len(rows):
                continue
            for figure, panel in zip(("cost", "accuracy"), self.axes_):
                for part in ("validation", "train"):
                    if line := self.lines_[name].get(f"{part}_{figure}"):
                        self.eta_marks_ += panel.plot(
                            history["epoch"][rows],
                            line.get_ydata()[rows],
                            marker=".",
                            markersize=9,
                            linestyle="none",
                            color=line.get_color(),
                            label="eta changes",
                        )
                        break

    def _draw_legends(self, own_figure):
        """Name curves and marks: below the panels if the layout makes room there, else inside."""
        place = {"fontsize": "small"}
        if self.figure_.get_layout_engine() is not None:
            place |= {"loc": "upper center", "bbox_to_anchor": (0.5, -0.15), "frameon": False}
        alone = len(self.histories) == 1
        styles = [] if alone else self._style_handles()
        for i, figure in enumerate(("cost", "accuracy")):
            handles = []
            for name, lines in self.lines_.items():
                curves = [line for column, line in lines.items() if column.endswith(figure)]
                if alone:
                    handles += curves + [mark[i] for mark in self.marks_[name].values()]
                else:
                    handles += curves[-1:]  # that of the validation data, if there is one
            self.axes_[i].legend(handles=handles + ([] if own_figure else styles), **place)
        if own_figure and styles:
            self.figure_.legend(
                handles=styles,
                loc="outside lower center",
                ncols=len(styles),
                fontsize="small",
                frameon=False,
            )

    def _style_handles(self):
        """Say in grey what the styles of several estimators' curves and marks stand for."""
        drawn = {column.split("_")[0] for lines in self.lines_.values() for column in lines}
        drawn |= {mark for marks in self.marks_.values() for mark in marks}
        if any(mark.get_marker() == "." for mark in self.eta_marks_):
            drawn.add("eta")
        style = {"color": _GREY, "markersize": 9}
        return [
            _pyplot().Line2D([], [], linestyle=linestyle, marker=marker, label=label, **style)
            for key, label, linestyle, marker in (
                ("train", "training", "--", None),
                ("validation", "validation", "-", None),
                ("least_cost", _WORDS["least_cost"], "", "v"),
                ("best_accuracy", _WORDS["best_accuracy"], "", "^"),
                ("best_epoch", _WORDS["best_epoch"], "", "|"),
                ("eta", "eta changes", "", "."),
            )
            if key in drawn
        ]


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
        coefs = _fitted(estimator, "coefs_").coefs_
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
        images = weights.T[units].reshape(len(units), *_image_shape(image_shape, n_in))
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
        axes = _axes(ax, math.ceil(n_units / n_columns), n_columns, size, n_units)
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
        self.ax_ = _axes(ax, 1, 1, (6, 6)).item(0)
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
        for name, rows, color in (("correct", right, _BLUE), ("wrong", ~right, _VERMILION)):
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
        What the true class's probability is below.

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
        shape = _image_shape(image_shape, images.shape[1])
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
        """Draw the images that got predictions which make them hard.

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
            self.axes_ = _axes(ax, 1, 1, (6, 1.5))
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
        axes = _axes(ax, math.ceil(n_images / n_columns), n_columns, (width, 1.2), n_images)
        self.axes_, self.figure_ = axes, axes.flat[0].figure
        low, high = self.images.min(), self.images.max()
        for i, panel in enumerate(axes.flat):
            if i >= n_images:
                panel.set_axis_off()
                continue
            _show(panel, self.images[i], low, high, **kwargs)
            color = _BLUE if hard.true[i] == hard.predicted[i] else _VERMILION
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


class SaturationDisplay:
    """The distribution of the weighted inputs z of every layer.

    Shaded is where sigma'(z) < 0.01, which is where abs(z) > 4.585: a sigmoid neuron there is
    saturated and hardly learns. In the output layer that holds for the quadratic cost alone, since
    cross-entropy's delta has no sigma'(z). An output layer that is no sigmoid is not shaded.

    Parameters
    ----------
    weighted_inputs : list of ndarray of shape (n_samples, n_units)
        z of each hidden layer, then of the output layer.
    out_activation : str, default="sigmoid"
        Name of the output layer's activation.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes of shape (n_layers,)
    histograms_ : list of list of Polygon
        One list for each layer.
    shaded_ : list of list of Artist
        The regions of each layer.
    saturation_ : list of float
        The share of each layer's weighted inputs that lies in them; NaN where nothing is shaded.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier
    >>> from sknielsen.plots import SaturationDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(max_iter=3).fit(X / 16, y)
    >>> display = SaturationDisplay.from_estimator(clf, X / 16)
    >>> len(display.saturation_)
    2
    """

    def __init__(self, weighted_inputs, out_activation="sigmoid"):
        self.weighted_inputs = weighted_inputs
        self.out_activation = out_activation

    @classmethod
    def from_estimator(cls, estimator, X, *, ax=None, **kwargs):
        """Draw the weighted inputs of a fitted classifier.

        Parameters
        ----------
        estimator : MLPSigmoidClassifier or Pipeline
            Fitted; a pipeline must end in a classifier, and its earlier steps transform X.
        X : array-like or sparse matrix of shape (n_samples, n_features)
        ax : Axes or array-like of Axes, default=None
            Where to draw, an Axes for each layer; None makes a figure.
        **kwargs : dict
            Properties of the histograms, as for `matplotlib.axes.Axes.hist`.

        Returns
        -------
        SaturationDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the classifier is no MLPSigmoidClassifier.
        """
        classifier = _fitted(estimator, "out_activation_")
        layers = weighted_inputs(classifier, _transformed(estimator, X))
        activation = classifier.out_activation_
        if not isinstance(activation, str):
            activation = getattr(activation, "__name__", type(activation).__name__)
        return cls.from_weighted_inputs(layers, out_activation=activation, ax=ax, **kwargs)

    @classmethod
    def from_weighted_inputs(cls, layers, *, out_activation="sigmoid", ax=None, **kwargs):
        """Draw weighted inputs, as `sknielsen.diagnostics.weighted_inputs` gives them.

        Parameters
        ----------
        layers : list of array-like of shape (n_samples, n_units)
            z of each hidden layer, then of the output layer.
        out_activation : str, default="sigmoid"
            Name of the output layer's activation.
        ax : Axes or array-like of Axes, default=None
            Where to draw, an Axes for each layer; None makes a figure.
        **kwargs : dict
            Properties of the histograms, as for `matplotlib.axes.Axes.hist`.

        Returns
        -------
        SaturationDisplay

        Raises
        ------
        ValueError
            If there is no layer, or if one is not of shape (n_samples, n_units).
        """
        layers = [np.asarray(z) for z in layers]
        shapes = [z.shape for z in layers]
        if not layers or any(z.ndim != 2 or not z.size for z in layers):
            raise ValueError(
                f"`layers` must hold arrays of shape (n_samples, n_units); got shapes {shapes}."
            )
        return cls(layers, out_activation).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw a panel for each layer.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Where to draw, an Axes for each layer; None makes a figure.
        **kwargs : dict
            Properties of the histograms, as for `matplotlib.axes.Axes.hist`.

        Returns
        -------
        SaturationDisplay
            The display itself.
        """
        plt = _pyplot()
        n_layers = len(self.weighted_inputs)
        n_columns = min(n_layers, 3)
        axes = _axes(ax, math.ceil(n_layers / n_columns), n_columns, (4.2, 3.4), n_layers)
        self.axes_ = axes.ravel()[:n_layers]
        for panel in axes.flat[n_layers:]:
            panel.set_axis_off()
        self.figure_ = self.axes_[0].figure
        self.histograms_, self.shaded_, self.saturation_ = [], [], []
        for layer, (panel, z) in enumerate(zip(self.axes_, self.weighted_inputs), start=1):
            output = layer == n_layers
            name = "output layer" if output else f"hidden layer {layer}"
            edge = max(1.5 * _SATURATED, 1.02 * float(np.abs(z).max()))
            style = {
                "bins": 100,
                "range": (-edge, edge),
                "density": True,
                "histtype": "stepfilled",
                "color": _BLUE,
            }
            style = _style(style, kwargs, plt.Polygon)
            self.histograms_.append(panel.hist(z.ravel(), **style)[2])
            panel.set(xlabel="weighted input z", ylabel="density", xlim=(-edge, edge))
            if output and self.out_activation != "sigmoid":
                share, regions = math.nan, []
                text = f"{self.out_activation}, so not shaded"
            else:
                share = float(np.mean(np.abs(z) > _SATURATED))
                regions = [
                    panel.axvspan(*ends, color=_VERMILION, alpha=0.18, linewidth=0, zorder=0)
                    for ends in ((-edge, -_SATURATED), (_SATURATED, edge))
                ]
                text = rf"{100 * share:.1f} % of z lie where $\sigma'(z) < 0.01$"
            self.shaded_.append(regions)
            self.saturation_.append(share)
            neurons = f"{z.shape[1]:,} neuron{'s' if z.shape[1] > 1 else ''}"
            panel.set_title(f"{name} ({neurons})\n{text}", fontsize="medium")
        return self
