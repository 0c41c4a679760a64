"""Predictions: the forward pass over rows in chunks, and the probabilities that follow from it.

All functions take a model whose parts belong together: a copy, since another thread may train the
original meanwhile.
"""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from sknielsen._fitted import network_of
from sknielsen._inputs import check_rows
from sknielsen._plain import is_plain
from sknielsen.core.activations import ACTIVATIONS, log_outputs, log_softmax
from sknielsen.core.blas import blas_threads
from sknielsen.core.contracts import Activation, Array
from sknielsen.core.network import Network

# Rows and activations predicted at once. Of many rows BLAS makes a few large products: threads
# that wait for one another often are slow on a busy machine.
_HELD_BYTES = 16 * 1024 * 1024


def weighted_inputs(model: Any, X: Any) -> Array:
    """Compute the output layer's z of every row, in float64 where the model's dtype overflows.

    Parameters
    ----------
    model : MLPSigmoidClassifier
    X : array-like or sparse matrix of shape (n_samples, n_features)

    Raises
    ------
    TypeError, ValueError
        If the model has been given arrays that make no network, if it is not finite, or if z
        overflows float64.
    """
    if not model.__sklearn_is_fitted__():
        check_is_fitted(model)  # which says so, and takes longer to find out
    network = network_of(model)
    try:
        return _forward(network, _rows(model, X, network))
    except OverflowError:
        rows = check_rows(model, X, dtype=network.dtype)  # are they finite?
        for name in ("coefs_", "intercepts_"):
            if not all(np.isfinite(array).all() for array in getattr(model, name)):
                raise ValueError(
                    f"The model is not finite: `{name}` holds NaN or infinity."
                ) from None
    try:
        return _forward(network_of(model, dtype=np.dtype(np.float64)), rows)
    except OverflowError as error:
        if not np.isfinite(rows.data if issparse(rows) else rows).all():
            raise ValueError("X must be finite, but holds NaN or infinity.") from None
        raise ValueError(f"X is too large for this model. {error}") from None


def _rows(model: Any, X: Any, network: Network) -> Any:
    """Check rows, unless they are as the check would return them.

    They may then hold NaN or infinity, of which the weighted inputs tell.
    """
    as_they_are = (
        is_plain(X)
        and X.dtype == network.dtype
        and X.shape[1] == network.layer_sizes[0]
        and not hasattr(model, "feature_names_in_")
    )
    return X if as_they_are else check_rows(model, X, dtype=network.dtype)


def _forward(network: Network, X: Any) -> Array:
    """Compute the output layer's z of every row, a chunk at a time."""
    dtype, sizes = network.dtype, network.layer_sizes
    largest = float(np.finfo(dtype).max) / 4  # so that differences are finite, too
    n_rows, n_features = X.shape
    z = np.empty((n_rows, sizes[-1]), dtype)
    is_copied = issparse(X) or X.dtype != dtype
    held = dtype.itemsize * (network.n_units + (n_features if is_copied else 0))
    at_once = max(1, _HELD_BYTES // held)

    def pass_chunks() -> None:
        for start in range(0, n_rows, at_once):
            x = X[start : start + at_once]
            x = x.astype(dtype, copy=False) if is_copied else x
            x = x.toarray() if issparse(x) else x
            z[start : start + at_once] = network.forward(x, largest=largest)

    with np.errstate(all="ignore"):
        blas_threads(min(n_rows, at_once), sizes, few=True)(pass_chunks)
    return z


def out_activation(model: Any) -> Activation:
    """Return the function that is the model's output activation."""
    activation: str | Activation = model.out_activation_
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation


def decisions(model: Any, z: Array) -> Array:
    """Give two classes one number, that of the second one or how far it exceeds the first."""
    if model.multilabel_ or len(model.classes_) > 2:
        return z
    return z[:, 0] if z.shape[1] == 1 else z[:, 1] - z[:, 0]


def log_probabilities(model: Any, z: Array) -> Array:
    """Compute the logarithms of the probabilities of each class, or of each label.

    Raises
    ------
    ValueError
        If the output activation is one whose outputs have no finite logarithm.
    """
    activation = out_activation(model)
    with np.errstate(all="ignore"):
        log_p = log_outputs(activation, z)
        if not model.multilabel_:
            if z.shape[1] == 1:
                log_p = np.hstack([log_outputs(activation, z, complement=True), log_p])
            else:
                log_p = log_softmax(log_p)  # also where all outputs underflow
    if not np.isfinite(log_p).all():  # never of sigmoid and softmax
        raise ValueError(
            f"The output activation {activation!r} gives no logarithm that is finite: its "
            "outputs must lie between 0 and 1."
        )
    return np.ascontiguousarray(log_p)
