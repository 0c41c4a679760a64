"""Pictures, by scikit-learn's Display conventions; needs matplotlib, the extra ``plots``.

A display is made by a class method from an estimator or from data, draws at once, and keeps
what it drew in ``figure_``, ``ax_`` or ``axes_``, and what it drew it from in its parameters, so
that ``plot`` draws it again. An estimator may be the last step of a pipeline. Where a display
needs several axes, one Axes may be given all the same: the display divides the place it has.
Importing this module needs no matplotlib.
"""

# Each display has a file, `_common` holds what they share. To add one: a class in a file of its
# own, its name in ``__all__`` below, a line in docs/api.rst and one in the table ``DISPLAYS`` of
# tests/test_plots.py, which asks of every display what is said above.

from sknielsen.plots._augmentation import AugmentationDisplay
from sknielsen.plots._hard_examples import HardExamplesDisplay
from sknielsen.plots._history import HistoryDisplay
from sknielsen.plots._jitter import JitteredScatterDisplay
from sknielsen.plots._saturation import SaturationDisplay
from sknielsen.plots._weights import WeightsDisplay

__all__ = [
    "AugmentationDisplay",
    "HardExamplesDisplay",
    "HistoryDisplay",
    "JitteredScatterDisplay",
    "SaturationDisplay",
    "WeightsDisplay",
]

# Saved files and reprs show the path that users import a name from, not the file it is in.
for _name in __all__:
    globals()[_name].__module__ = __name__
