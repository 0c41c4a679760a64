"""Plain rows, which need no check but for numbers that are not finite, and how large inputs are.

The checks of scikit-learn return plain rows as they are, and take a tenth of a millisecond and a
pass over the data to do so. One pass here tells whether all numbers are finite, and how large.
"""

import math
from typing import Any

import numpy as np
from scipy.sparse import issparse

from sknielsen._labels import distinct
from sknielsen._warn import warn
from sknielsen.core.blas import sum_of_squares
from sknielsen.core.state import State

LARGE_RMS = 5.0  # inputs: beyond this one weight of order one saturates a neuron
_FEW = 20  # rows: of more, scikit-learn warns where most of them have a class of their own


def is_plain(X: Any) -> bool:
    """Tell whether these are rows as `check_rows` would return them, if they are finite."""
    return (
        type(X) is np.ndarray
        and X.dtype in (np.float32, np.float64)
        and X.ndim == 2
        and X.size > 0
        and X.flags.c_contiguous
    )


def are_plain(X: Any, y: Any, start: State | None) -> bool:
    """Tell whether these are rows and labels that need no check, if X is finite.

    They must fit the state, if there is one, that training continues from.
    """
    if not (is_plain(X) and type(y) is np.ndarray and y.dtype.kind in "biu"):
        return False
    if start is not None:
        fits = X.dtype == start.weights[0].dtype and X.shape[1] == start.n_features
        if not fits or start.feature_names is not None:
            return False
    return y.shape == X.shape[:1] and (len(y) <= _FEW or 2 * len(distinct(y)) <= len(y))


def mean_square_of(X: Any) -> float:
    """Compute the mean of the squares of all values of X; it is finite only if they all are."""
    with np.errstate(all="ignore"):
        values = X.data if issparse(X) else X.ravel()
        return sum_of_squares(values) / float(X.shape[0] * X.shape[1])


def warn_of_large_inputs(mean_square: float) -> None:
    """Warn where inputs are so large that sigmoid neurons saturate at once."""
    rms = math.sqrt(mean_square)
    if rms > LARGE_RMS:
        warn(
            f"The root mean square of X is {rms:.3g}: sigmoid neurons will saturate and hardly "
            "learn. Scale the inputs to about one, for instance by dividing pixels by 255 or "
            "with StandardScaler."
        )
