"""Pictures, by scikit-learn's Display conventions; needs matplotlib, the extra ``plots``.

A display is made by a class method, from an estimator or from data, and is drawn at once. Its
attributes ``figure_`` and ``ax_`` or ``axes_`` hold the drawing; its parameters hold the data, so
that ``plot`` can draw them again. An estimator may be the last step of a pipeline, or inside a
fitted search. A display that
needs several axes also takes a single Axes, whose place it divides. Importing this module needs
no matplotlib.
"""

# Each display has a file; `_common` holds what they share. To add a display, write a class in a
# file of its own, its name in ``__all__`` below, a line in docs/api.rst and one in the table
# ``DISPLAYS`` of tests/plots/test_common.py, which tests for every display what is said above.

from sknielsen.plots._augmentation import AugmentationDisplay
from sknielsen.plots._eta import EtaDisplay
from sknielsen.plots._hard_examples import HardExamplesDisplay
from sknielsen.plots._history import HistoryDisplay
from sknielsen.plots._jitter import JitteredScatterDisplay
from sknielsen.plots._saturation import SaturationDisplay
from sknielsen.plots._weights import WeightsDisplay

__all__ = [
    "AugmentationDisplay",
    "EtaDisplay",
    "HardExamplesDisplay",
    "HistoryDisplay",
    "JitteredScatterDisplay",
    "SaturationDisplay",
    "WeightsDisplay",
]

# Saved files and reprs then show the path that users import a name from, not the file that
# defines it.
for _name in __all__:
    globals()[_name].__module__ = __name__
