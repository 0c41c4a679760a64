"""The search for a learning rate: training cost by eta."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from sknielsen.core.contracts import MatrixLike
from sknielsen.diagnostics import EtaSuggestion, find_eta
from sknielsen.plots._common import (
    BLUE,
    GREY,
    VERMILION,
    AxesLike,
    axes_grid,
    merged_style,
    pyplot,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

_HEADROOM = 1.25  # of the larger of start and chance: costs above are drawn at the upper edge


class EtaDisplay:
    """Training cost after a few steps, by eta, with the threshold and the suggested eta.

    Horizontal lines show the cost at the start and the cost of chance. Etas whose cost is far
    higher, or at which training diverged, are drawn as triangles at the upper edge.

    Parameters
    ----------
    suggestion : EtaSuggestion
        What `sknielsen.find_eta` returned.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes.
    line_ : Line2D
        The costs by eta.
    beyond_ : Line2D
        The triangles at the upper edge.
    marks_ : dict of str to Line2D
        The lines that mark ``"eta"``, ``"threshold"``, ``"start"`` and ``"chance"``.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier
    >>> from sknielsen.plots import EtaDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = EtaDisplay.from_estimator(MLPSigmoidClassifier(30), X / 16, y)
    >>> display.suggestion.eta > 0.1
    True
    """

    figure_: Figure | SubFigure
    ax_: Axes
    line_: Line2D
    beyond_: Line2D
    marks_: dict[str, Line2D]

    def __init__(self, suggestion: EtaSuggestion) -> None:
        self.suggestion = suggestion

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: npt.ArrayLike,
        *,
        etas: npt.ArrayLike | None = None,
        n_steps: int | None = None,
        n_samples: int = 1000,
        random_state: int = 0,
        ax: AxesLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Search for an eta and draw the costs.

        Parameters
        ----------
        estimator : MLPSigmoidClassifier, Pipeline or search
            Fitted or not; it is left as it is.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Their labels.
        etas, n_steps, n_samples, random_state
            As for `sknielsen.find_eta`.
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the curve, as for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        EtaDisplay
            The display.

        Raises
        ------
        ValueError, TypeError
            As for `sknielsen.find_eta`.
        """
        pyplot()  # without it, better fail before the search than after
        suggestion = find_eta(
            estimator,
            X,
            y,
            etas=etas,
            n_steps=n_steps,
            n_samples=n_samples,
            random_state=random_state,
        )
        return cls(suggestion).plot(ax, **kwargs)

    def plot(self, ax: AxesLike | None = None, **kwargs: Any) -> Self:
        """Draw the curve and the marks.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Properties of the curve, as for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        EtaDisplay
            The display itself.
        """
        found = self.suggestion
        self.ax_ = axes_grid(ax, 1, 1, (6.4, 4.4)).item()
        self.figure_ = self.ax_.figure
        top = _HEADROOM * max(found.start_cost, found.chance_cost)
        inside = found.costs <= top
        shown = np.where(inside, found.costs, np.nan)
        style: dict[str, Any] = {
            "color": BLUE,
            "marker": "o",
            "markersize": 5,
            "label": _curve_label(found),
        }
        style = merged_style(style, kwargs, pyplot().Line2D)
        (self.line_,) = self.ax_.plot(found.etas, shown, **style)
        # The curve leaves the panel towards the first cost that is beyond it.
        for i in np.flatnonzero(inside[:-1] & ~inside[1:]):
            ends = found.costs[i : i + 2].clip(None, 10 * top)
            self.ax_.plot(found.etas[i : i + 2], ends, color=self.line_.get_color(), alpha=0.5)
        beyond: dict[str, Any] = {"label": "beyond this scale"} if not inside.all() else {}
        (self.beyond_,) = self.ax_.plot(
            found.etas[~inside],
            np.full(int((~inside).sum()), 0.985 * top),
            marker="^",
            linestyle="none",
            color=self.line_.get_color(),
            markerfacecolor="white",
            **beyond,
        )
        self._draw_marks()
        self.ax_.set(xscale="log", xlabel="eta", ylabel="training cost", ylim=(0, top))
        self.ax_.grid(axis="y", color="0.9", linewidth=0.8)
        self.ax_.set_axisbelow(True)
        place: dict[str, Any] = {"fontsize": "small"}
        if self.figure_.get_layout_engine() is not None:
            place |= {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14)}
            place |= {"frameon": False, "ncols": 2}
        self.ax_.legend(**place)
        return self

    def _draw_marks(self) -> None:
        """Mark the suggestion and the threshold, and the costs to compare with."""
        found = self.suggestion
        upright = {
            "eta": (found.eta, f"suggested eta: {found.eta:.3g}", "-", VERMILION),
            "threshold": (found.threshold, f"threshold: {found.threshold:.3g}", "--", VERMILION),
        }
        level = {
            "start": (found.start_cost, f"at the start: {found.start_cost:.3g}", ":"),
            "chance": (found.chance_cost, f"by chance: {found.chance_cost:.3g}", "--"),
        }
        self.marks_ = {
            name: self.ax_.axvline(
                at, color=color, linestyle=style, linewidth=1.2, label=label, zorder=1
            )
            for name, (at, label, style, color) in upright.items()
        }
        for name, (cost, label, style) in level.items():
            if math.isfinite(cost):
                self.marks_[name] = self.ax_.axhline(
                    cost, color=GREY, linestyle=style, linewidth=1, label=label, zorder=1
                )


def _curve_label(found: EtaSuggestion) -> str:
    return f"after {found.n_steps:,} steps on {found.n_rows:,} rows"
