"""Without any extra, each optional part raises an ImportError that names the one it needs.

Run by the Python of an environment that has the package alone.
"""

import importlib

import numpy as np


def plots():
    """Draw weights."""
    from sknielsen.plots import WeightsDisplay

    WeightsDisplay.from_weights(np.ones((4, 1)))


def dask():
    """Train on a cluster."""
    from sknielsen.dask import DaskMLPSigmoidClassifier

    DaskMLPSigmoidClassifier().fit(np.ones((2, 1)), [0, 1])


def onnx():
    """Register the converters."""
    importlib.import_module("sknielsen.onnx")


for part in plots, dask, onnx:
    try:
        part()
    except ImportError as error:
        print(error)
        if f"sknielsen[{part.__name__}]" not in str(error):
            raise
    else:
        raise SystemExit(f"{part.__name__}: expected an ImportError")
