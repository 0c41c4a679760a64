"""Predictions: the forward pass over rows in chunks, and the probabilities that follow from it.

All functions take a model whose parts belong together: a copy, since another thread may train the
original meanwhile.
"""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from scipy.special import log_softmax
from sklearn.utils.validation import check_is_fitted

from sknielsen._fitted import network_of, parts_of
from sknielsen._inputs import check_rows
from sknielsen.core.activations import ACTIVATIONS, log_outputs
from sknielsen.core.blas import blas_threads
from sknielsen.core.contracts import Activation, Array
from sknielsen.core.data import rows_held


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
    check_is_fitted(model)
    dtype = parts_of(model)[0][0].dtype
    X = check_rows(model, X, dtype=dtype)
    try:
        return _forward(model, X, dtype)
    except OverflowError:
        for name in ("coefs_", "intercepts_"):
            if not all(np.isfinite(array).all() for array in getattr(model, name)):
                raise ValueError(
                    f"The model is not finite: `{name}` holds NaN or infinity."
                ) from None
    try:
        return _forward(model, X, np.dtype(np.float64))
    except OverflowError as error:
        raise ValueError(f"X is too large for this model. {error}") from None


def _forward(model: Any, X: Any, dtype: np.dtype[Any]) -> Array:
    """Compute the output layer's z of every row, a chunk at a time."""
    network = network_of(model, dtype=dtype)
    largest = float(np.finfo(dtype).max) / 4  # so that differences are finite, too
    n_rows, n_features = X.shape
    z = np.empty((n_rows, network.layer_sizes[-1]), dtype)
    step = rows_held(n_features, network.n_units, dtype)

    def pass_chunks() -> None:
        for start in range(0, n_rows, step):
            x = X[start : start + step].astype(dtype, copy=False)
            x = x.toarray() if issparse(x) else x
            z[start : start + step] = network.forward(x, largest=largest)

    run = blas_threads(min(n_rows, 10), network.layer_sizes)  # all threads if a layer is large
    with np.errstate(all="ignore"):
        run(pass_chunks)
    return z


def out_activation(model: Any) -> Activation:
    """Return the function that is the model's output activation."""
    activation: str | Activation = model.out_activation_
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation


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
                log_p = log_softmax(log_p, axis=1)  # also where all outputs underflow
    if not np.isfinite(log_p).all():  # never of sigmoid and softmax
        raise ValueError(
            f"The output activation {activation!r} gives no logarithm that is finite: its "
            "outputs must lie between 0 and 1."
        )
    return log_p
