"""Where neurons are saturated: the weighted inputs of each layer."""

import math

import numpy as np
from sklearn.pipeline import Pipeline

from sknielsen.diagnostics import SATURATED_Z, weighted_inputs
from sknielsen.plots._common import (
    BLUE,
    VERMILION,
    axes_grid,
    fitted_classifier,
    merged_style,
    pyplot,
)


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
        classifier = fitted_classifier(estimator, "out_activation_")
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
        plt = pyplot()
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
            style = {
                "bins": 100,
                "range": (-edge, edge),
                "density": True,
                "histtype": "stepfilled",
                "color": BLUE,
            }
            style = merged_style(style, kwargs, plt.Polygon)
            self.histograms_.append(panel.hist(z.ravel(), **style)[2])
            panel.set(xlabel="weighted input z", ylabel="density", xlim=(-edge, edge))
            if output and self.out_activation != "sigmoid":
                share, regions = math.nan, []
                text = f"{self.out_activation}, so not shaded"
            else:
                share = float(np.mean(np.abs(z) > SATURATED_Z))
                regions = [
                    panel.axvspan(*ends, color=VERMILION, alpha=0.18, linewidth=0, zorder=0)
                    for ends in ((-edge, -SATURATED_Z), (SATURATED_Z, edge))
                ]
                text = rf"{100 * share:.1f} % of z lie where $\sigma'(z) < 0.01$"
            self.shaded_.append(regions)
            self.saturation_.append(share)
            neurons = f"{z.shape[1]:,} neuron{'s' if z.shape[1] > 1 else ''}"
            panel.set_title(f"{name} ({neurons})\n{text}", fontsize="medium")
        return self


def _transformed(estimator, X):
    """Transform X by the steps of a pipeline before its classifier."""
    while isinstance(estimator, Pipeline):
        if len(estimator.steps) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator.steps[-1][1]
    return X
