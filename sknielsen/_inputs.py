"""Rows, labels and weights as users give them, validated by scikit-learn's rules."""

from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from sknielsen._data import finite_total, refuse_dask
from sknielsen._labels import exact


def check_rows(estimator, X, y="no_validation", *, reset=False, dtype):
    """Validate rows and, if given, their labels.

    Parameters
    ----------
    estimator : estimator
        Learns the number and the names of features if `reset`; else they must fit it.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_labels), default="no_validation"
        The default, scikit-learn's own, stands for no labels; None is an error.
    reset : bool, default=False
    dtype : dtype or "numeric"
        Of the rows that are returned; with "numeric" the rows decide between float32 and float64.

    Returns
    -------
    X : ndarray in C order or CSR matrix, of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Only if `y` is given.
    """
    refuse_dask(X, y)
    _refuse_others(X, "X")
    has_labels = not isinstance(y, str)
    if has_labels:
        if np.ma.is_masked(y):
            raise ValueError("y must have no masked entries; drop their rows first.")
        y = exact(y, "y")
    by_itself = isinstance(dtype, str)  # not dtype == "numeric": there NumPy loses a Ctrl-C
    if by_itself and getattr(getattr(X, "dtype", None), "kind", "") in ("b", "i", "u", "f"):
        dtype = _network_dtype(X.dtype)  # at once, to spare a second copy
    with np.errstate(all="ignore"), _numbers_too_large("X"):  # what becomes infinite is refused
        checked = validate_data(
            estimator,
            X,
            y,
            reset=reset,
            accept_sparse="csr",
            dtype=dtype,
            order="C",
            **({"multi_output": True} if has_labels else {}),
        )
        X, y = checked if has_labels else (checked, None)
        if by_itself and X.dtype != _network_dtype(X.dtype):  # of lists and frames
            X = X.astype(_network_dtype(X.dtype))
            assert_all_finite(X, input_name="X")
        return (X, _check_labels(y)) if has_labels else X


def _network_dtype(dtype):
    """Return the dtype of the network for rows of a dtype."""
    single = isinstance(dtype, np.dtype) and np.result_type(dtype, np.float32) == np.float32
    return np.float32 if single else np.float64


def _check_labels(y):
    """Return labels as an array with a column for each label, or as a vector."""
    check_classification_targets(y)
    y = y.toarray() if issparse(y) else y
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if y.ndim == 2 and not np.isin(y, (0, 1)).all():
        raise ValueError(
            "y with several columns must be a multilabel indicator matrix of zeros and ones; "
            f"got values {np.unique(y)[:10].tolist()}."
        )
    return y


def _refuse_others(values, name):
    """Raise for what NumPy casts to numbers unasked: dates, strings, and masked entries."""
    if np.ma.is_masked(values):
        raise ValueError(f"{name} must have no masked entries; fill them first.")
    if not (hasattr(values, "dtype") or hasattr(values, "dtypes")):
        try:
            values = np.asarray(values)
        except ValueError:  # rows of several lengths, of which scikit-learn has more to say
            return
    dtypes = [values.dtype] if hasattr(values, "dtype") else list(values.dtypes)
    others = [
        dtype
        for dtype in dtypes
        if getattr(dtype, "kind", "") in ("M", "m")
        or (isinstance(dtype, np.dtype) and dtype.kind in "USV")
        or getattr(dtype, "is_temporal", lambda: False)()  # of polars
    ]
    if any(dtype == np.dtype(object) for dtype in dtypes) and not issparse(values):
        items = np.asarray(values, dtype=object).ravel()
        others += [item for item in items if isinstance(item, (np.datetime64, np.timedelta64))]
    if others:
        raise TypeError(
            f"{name} must hold numbers; got {others[0]}. Make numbers of dates, durations and "
            "strings first."
        )


def check_weight(weight, X, name):
    """Validate sample weights; return them as float64, None as None."""
    if weight is None:
        return None
    refuse_dask(weight)
    _refuse_others(weight, f"`{name}`")
    weight = np.asarray(weight)
    _refuse_others(weight, f"`{name}`")  # what a container held
    if weight.shape != (X.shape[0],):
        raise ValueError(f"`{name}` must have shape ({X.shape[0]},); got {weight.shape}.")
    with np.errstate(all="ignore"), _numbers_too_large(f"`{name}`"):
        weight = check_array(weight, ensure_2d=False, dtype=np.float64, input_name=name)
        if weight.min() < 0:
            raise ValueError(f"`{name}` must not hold negative weights; got {weight.min():.6g}.")
        finite_total(weight.sum(), f"`{name}`")
    return weight


@contextmanager
def _numbers_too_large(name):
    """Say which numbers are meant where Python finds that no float can hold one."""
    try:
        yield
    except OverflowError as error:
        raise ValueError(f"{name} holds a number too large for float64.") from error


def validation_given(X_val, y_val, sample_weight_val):
    """Tell whether validation data are given; raise if a part of them is missing."""
    if X_val is not None and y_val is not None:
        return True
    if X_val is not None or y_val is not None or sample_weight_val is not None:
        raise ValueError(
            "Validation data must come as both `X_val` and `y_val`; "
            f"{'`X_val`' if X_val is None else '`y_val`'} is missing."
        )
    return False
