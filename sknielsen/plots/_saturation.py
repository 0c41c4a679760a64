"""Where neurons are saturated: the weighted inputs of each layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from sknielsen.core.contracts import Array, MatrixLike
from sknielsen.diagnostics import SATURATED_Z, network_inside, weighted_inputs
from sknielsen.plots._common import (
    BLUE,
    VERMILION,
    AxesLike,
    Fitted,
    axes_grid,
    merged_style,
    pyplot,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.patches import Polygon


class SaturationDisplay:
    """Histograms of the weighted inputs z of every layer.

    The region where sigma'(z) < 0.01, that is abs(z) > 4.585, is shaded: there a sigmoid neuron is
    saturated and hardly learns. For the output layer that is only true with the quadratic cost,
    because cross-entropy's delta has no sigma'(z). An output layer that is not sigmoid is not
    shaded.

    Parameters
    ----------
    weighted_inputs : list of ndarray of shape (n_samples, n_units)
        z of each hidden layer, then of the output layer.
    out_activation : str, default="sigmoid"
        Name of the output layer's activation.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    axes_ : ndarray of matplotlib Axes of shape (n_layers,)
        The axes of the layers.
    histograms_ : list of list of Polygon
        The histogram of each layer.
    shaded_ : list of list of Artist
        The shaded regions of each layer.
    saturation_ : list of float
        The fraction of each layer's weighted inputs in the shaded regions; NaN without such.

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

    figure_: Figure | SubFigure
    axes_: Array
    histograms_: list[list[Polygon]]
    shaded_: list[list[Artist]]
    saturation_: list[float]

    def __init__(self, weighted_inputs: list[Array], out_activation: str = "sigmoid") -> None:
        self.weighted_inputs = weighted_inputs
        self.out_activation = out_activation

    @classmethod
    def from_estimator(
        cls, estimator: Fitted, X: MatrixLike, *, ax: AxesLike | None = None, **kwargs: Any
    ) -> Self:
        """Draw the weighted inputs of a fitted classifier.

        Parameters
        ----------
        estimator : MLPSigmoidClassifier, Pipeline or search
            A fitted classifier, or a pipeline or search with one inside. Earlier steps of a
            pipeline transform `X`.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            The rows whose weighted inputs are drawn.
        ax : Axes or array-like of Axes, default=None
            Where to draw, an Axes for each layer; None makes a figure.
        **kwargs : dict
            Properties of the histograms, as for `matplotlib.axes.Axes.hist`.

        Returns
        -------
        SaturationDisplay
            The display.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the classifier is no MLPSigmoidClassifier.
        """
        classifier, rows = network_inside(estimator, X, needs="out_activation_")
        layers = weighted_inputs(classifier, rows)
        activation = classifier.out_activation_
        if not isinstance(activation, str):
            activation = getattr(activation, "__name__", type(activation).__name__)
        return cls.from_weighted_inputs(layers, out_activation=activation, ax=ax, **kwargs)

    @classmethod
    def from_weighted_inputs(
        cls,
        layers: Sequence[npt.ArrayLike],
        *,
        out_activation: str = "sigmoid",
        ax: AxesLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw weighted inputs, as `sknielsen.diagnostics.weighted_inputs` returns them.

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
            The display.

        Raises
        ------
        ValueError
            If there is no layer, or if one does not have the shape (n_samples, n_units).
        """
        arrays = [np.asarray(z) for z in layers]
        shapes = [z.shape for z in arrays]
        if not arrays or any(z.ndim != 2 or not z.size for z in arrays):
            raise ValueError(
                f"`layers` must hold arrays of shape (n_samples, n_units); got shapes {shapes}."
            )
        return cls(arrays, out_activation).plot(ax, **kwargs)

    def plot(self, ax: AxesLike | None = None, **kwargs: Any) -> Self:
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
        n_layers = len(self.weighted_inputs)
        n_columns = min(n_layers, 3)
        axes = axes_grid(ax, math.ceil(n_layers / n_columns), n_columns, (4.2, 3.4), n_layers)
        self.axes_ = axes.ravel()[:n_layers]
        for panel in axes.flat[n_layers:]:
            panel.set_axis_off()
        self.figure_ = self.axes_[0].figure
        self.histograms_, self.shaded_, self.saturation_ = [], [], []
        for layer, (panel, z) in enumerate(zip(self.axes_, self.weighted_inputs), start=1):
            output = layer == n_layers
            name = "output layer" if output else f"hidden layer {layer}"
            edge = max(1.5 * SATURATED_Z, 1.02 * float(np.abs(z).max()))
            self._draw_histogram(panel, z, edge, kwargs)
            if output and self.out_activation != "sigmoid":
                self.shaded_.append([])
                self.saturation_.append(math.nan)
                text = f"{self.out_activation}, so not shaded"
            else:
                text = self._shade(panel, z, edge)
            neurons = f"{z.shape[1]:,} neuron{'s' if z.shape[1] > 1 else ''}"
            panel.set_title(f"{name} ({neurons})\n{text}", fontsize="medium")
        return self

    def _draw_histogram(self, panel: Axes, z: Array, edge: float, kwargs: dict[str, Any]) -> None:
        """Draw the histogram of a layer's weighted inputs, from -edge to edge."""
        style: dict[str, Any] = {
            "bins": 100,
            "range": (-edge, edge),
            "density": True,
            "histtype": "stepfilled",
            "color": BLUE,
        }
        style = merged_style(style, kwargs, pyplot().Polygon)
        polygons: Any = panel.hist(z.ravel(), **style)[2]  # matplotlib types it for all styles
        self.histograms_.append(polygons)
        panel.set(xlabel="weighted input z", ylabel="density", xlim=(-edge, edge))

    def _shade(self, panel: Axes, z: Array, edge: float) -> str:
        """Shade where neurons are saturated, and say which share of z lies there."""
        share = float(np.mean(np.abs(z) > SATURATED_Z))
        self.saturation_.append(share)
        self.shaded_.append(
            [
                panel.axvspan(*ends, color=VERMILION, alpha=0.18, linewidth=0, zorder=0)
                for ends in ((-edge, -SATURATED_Z), (SATURATED_Z, edge))
            ]
        )
        return rf"{100 * share:.1f} % of z lie where $\sigma'(z) < 0.01$"
