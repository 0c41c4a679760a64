"""How the gallery's pictures look: as the displays of `sknielsen.plots` do."""

import matplotlib as mpl

from sknielsen.plots._common import COLORS

STYLE = {
    "axes.prop_cycle": mpl.cycler(color=COLORS),
    "axes.axisbelow": True,
    "axes.grid.axis": "y",
    "figure.dpi": 100,
    "grid.color": "0.9",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "savefig.dpi": 100,
}


def one_style(gallery_conf, fname):
    """Set the style before each script.

    Parameters
    ----------
    gallery_conf, fname : dict, str
        Given by sphinx-gallery.
    """
    mpl.rcParams.update(mpl.rcParamsDefault)
    mpl.use("agg")
    mpl.rcParams.update(STYLE)
