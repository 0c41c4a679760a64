"""What the user gave, checked, and made into what training uses: `Inputs`.

`check_rows` and `check_weight` check rows, labels and weights of any container; `local_inputs`
makes inputs of rows in memory.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing, assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _get_feature_names, validate_data

from sknielsen._guards import look_at_images, look_at_split, look_at_validation, refuse_images
from sknielsen._labels import Labels, exact
from sknielsen._parameters import Parameters
from sknielsen._plain import are_plain, is_plain, mean_square_of, warn_of_large_inputs
from sknielsen._warn import warn
from sknielsen.core.caching import cached_property
from sknielsen.core.contracts import Array
from sknielsen.core.data import Data, finite_total, split
from sknielsen.core.randomness import MONITOR, SPLIT, generator
from sknielsen.core.state import State

_IN_A_PIPELINE = (
    " In a pipeline `X_val` must pass the same steps as X: use "
    'Pipeline(..., transform_input=["X_val"]) with metadata routing enabled.'
)
SPARSE_AUGMENT = (
    "`augment` distorts dense rows only; got a sparse X. Pass X.toarray(), or augment=None."
)


@dataclass(frozen=True)
class Given:
    """What the user passed to `fit` or `partial_fit`."""

    X: Any
    y: Any
    sample_weight: Any = None
    X_val: Any = None
    y_val: Any = None
    sample_weight_val: Any = None
    classes: Any = None

    @property
    def rows(self) -> tuple[Any, Any, Any]:
        """X, y and weights to train on."""
        return self.X, self.y, self.sample_weight

    @property
    def validation_rows(self) -> tuple[Any, Any, Any] | None:
        """X, y and weights to validate on; None if there are none, an error if a part lacks."""
        if self.X_val is not None and self.y_val is not None:
            return self.X_val, self.y_val, self.sample_weight_val
        if any(part is not None for part in (self.X_val, self.y_val, self.sample_weight_val)):
            raise ValueError(
                "Validation data must come as both `X_val` and `y_val`; "
                f"{'`X_val`' if self.X_val is None else '`y_val`'} is missing."
            )
        return None


@dataclass(frozen=True, eq=False)
class Inputs:
    """What training uses of what the user gave.

    Parameters
    ----------
    given : Given
    labels : Labels
    n_outputs : int
        Output units.
    n_features : int
    feature_names : ndarray of str or None
    dtype : dtype
        That of rows and weights.
    train : Data
        Training rows.
    monitor : Data
        Those of the training rows that are measured.
    validation : Data or None
    held_out : ndarray of int or None
        Rows that were split off for validation.
    """

    given: Given
    labels: Labels
    n_outputs: int
    n_features: int
    feature_names: Array | None
    dtype: np.dtype[Any]
    train: Any
    monitor: Any
    validation: Data | None
    held_out: Array | None = None

    def close(self) -> None:
        """Let go of what was made for training."""

    @cached_property
    def digests(self) -> dict[str, str | None]:
        """A digest of each array given; None of what was not."""
        of_train: dict[str, str | None] = self.train.digests()
        of_validation: dict[str, str | None] = dict.fromkeys(of_train)
        if self.validation is not None and self.held_out is None:
            of_validation = self.validation.digests()
        return of_train | {f"{name}_val": value for name, value in of_validation.items()}

    @cached_property
    def training_rows(self) -> tuple[Any, Any, Any]:
        """The X, y and sample weights given, without the rows that were split off."""
        return self.given.rows if self.held_out is None else self._select(self.train.rows)

    @cached_property
    def validation_rows(self) -> tuple[Any, Any, Any] | None:
        """The X, y and sample weights to validate on, as given; None if there are none."""
        return self.given.validation_rows if self.held_out is None else self._select(self.held_out)

    def _select(self, rows: Array) -> tuple[Any, Any, Any]:
        given = (part.tocsr() if issparse(part) else part for part in self.given.rows)
        X, y, weight = (None if part is None else _safe_indexing(part, rows) for part in given)
        return X, y, weight


def local_inputs(
    probe: Any, parameters: Parameters, seed: int, start: State | None, given: Given
) -> Inputs:
    """Check rows in memory, and make the inputs of training.

    Parameters
    ----------
    probe : MLPSigmoidClassifier
        A copy of the user's one, which learns names and number of features; with what it has
        learned if training continues.
    parameters : Parameters
    seed : int
        Seed of the split and of the choice of monitored rows.
    start : State or None
        The state that training continues from.
    given : Given

    Raises
    ------
    ValueError, TypeError
        If something given is not what is accepted.

    Warns
    -----
    UserWarning
        If `X_val` is seen to hold training rows, or to be scaled otherwise than X; if only one of
        them has feature names; if the values of X are so large that neurons saturate.
    """
    refuse_dask(given.classes)
    dtype = start.weights[0].dtype if start else "numeric"
    mean_square = mean_square_of(given.X) if is_plain(given.X) else math.nan
    if math.isfinite(mean_square) and are_plain(given.X, given.y, start):
        X, y = given.X, given.y
        probe.n_features_in_ = X.shape[1]
    else:
        X, y = check_rows(probe, given.X, given.y, reset=start is None, dtype=dtype)
    if parameters.augment is not None and issparse(X):
        raise TypeError(SPARSE_AUGMENT)
    known = Labels(start.classes, start.multilabel) if start else None
    names = getattr(probe, "feature_names_in_", None)
    labels = Labels.learn(y, given.classes, known, parameters.streaming)
    n_outputs = labels.n_outputs(parameters.cost, probe.cost)
    codes, weight = labels.encode(y), check_weight(given.sample_weight, X, "sample_weight")
    rows, held_out = np.arange(X.shape[0], dtype=np.int32), None
    has_validation = given.validation_rows is not None
    if parameters.needs_validation and not has_validation:
        rows, held_out = _split(codes, labels, parameters.validation_fraction, seed)
        if remark := look_at_split(X, codes, rows, held_out):
            warn(remark)
    of_rows = None if weight is None else weight[rows]
    by_class = labels.class_weight(parameters.class_weight, codes[rows], of_rows)
    train = Data(X, codes, n_outputs, weight, by_class, rows)
    validation = None if held_out is None else train.select(held_out)
    if has_validation:
        validation = validation_data(probe, labels, given, X.dtype, n_outputs, by_class)
        if new_to_validation(start):
            remark = look_at_validation(X, validation.X, codes, validation.codes)
            if remark:
                warn(remark)
    if start is None:
        warn_of_large_inputs(mean_square_of(X) if math.isnan(mean_square) else mean_square)
        for remark in look_at_images(parameters.augment, X):
            warn(remark)
    return Inputs(
        given,
        labels,
        n_outputs,
        X.shape[1],
        names,
        train.X.dtype,
        train,
        train.select(_monitor_rows(train, parameters.monitor_samples, seed)),
        validation,
        held_out,
    )


def validation_data(
    probe: Any, labels: Labels, given: Given, dtype: Any, n_outputs: int, by_class: Array | None
) -> Data:
    """Check validation rows in memory.

    Parameters
    ----------
    probe : MLPSigmoidClassifier
        Knows names and number of features; it may take the names of `X_val`.
    labels : Labels
    given : Given
    dtype : dtype
    n_outputs : int
    by_class : ndarray or None
        Factor of each class, as of the training rows.
    """
    refuse_dask(given.X_val, given.y_val)
    _take_names(probe, given.X_val)
    try:
        X, y = check_rows(probe, given.X_val, given.y_val, dtype=dtype)
        codes = labels.encode(y)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        hint = "" if _accepts(probe, given.X_val, dtype) else _IN_A_PIPELINE
        text = str(error).rstrip(".")
        raise kind(f"In the validation data: {text}.{hint}") from error
    weight = check_weight(given.sample_weight_val, X, "sample_weight_val")
    return Data(X, codes, n_outputs, weight, by_class)


def _take_names(probe: Any, X_val: Any) -> None:
    """Warn if only one of X and X_val has feature names.

    The probe then takes what X_val has, else scikit-learn would warn of an "X".
    """
    known = names = getattr(probe, "feature_names_in_", None)
    with suppress(TypeError):  # names of several types, which the check itself refuses
        names = _get_feature_names(X_val)
    if (names is None) == (known is None):
        return
    named, nameless = ("X", "`X_val`") if names is None else ("`X_val`", "X")
    warn(
        f"{named} has feature names, but {nameless} has none, so that the order of features is "
        f"not compared.{_IN_A_PIPELINE}"
    )
    if names is None:
        del probe.feature_names_in_
    else:
        probe.feature_names_in_ = names


def _accepts(probe: Any, X: Any, dtype: Any) -> bool:
    """Tell whether rows by themselves, without labels, pass the check."""
    try:
        check_rows(probe, X, dtype=dtype)
    except (TypeError, ValueError):
        return False
    return True


def new_to_validation(start: State | None) -> bool:
    """Tell whether no epoch has had validation data yet, so that they deserve a look."""
    return start is None or all(map(math.isnan, reversed(start.history["validation_cost"])))


def _split(codes: Array, labels: Labels, fraction: float, seed: int) -> tuple[Array, Array]:
    """Split the rows into training and validation rows."""
    n_rows, names = len(codes), labels.classes.tolist()
    if labels.multilabel:
        codes, names = np.zeros(n_rows, np.int8), ["any"]  # no strata
    counts = np.bincount(codes, minlength=len(names))
    if counts.min() < 2:
        raise ValueError(
            "A validation split needs two rows of every class; got "
            f"{counts.min()} of class {names[counts.argmin()]!r}. Pass `X_val` and `y_val`."
        )
    n_held_out = math.ceil(fraction * n_rows)
    if min(n_held_out, n_rows - n_held_out) < len(names):
        raise ValueError(
            f"`validation_fraction`={fraction} splits {n_rows} rows into "
            f"{n_rows - n_held_out} and {n_held_out}; both parts need a row of each of the "
            f"{len(names)} classes."
        )
    return split(codes, n_held_out, generator(seed, SPLIT))


def _monitor_rows(train: Data, n_rows: int | None, seed: int) -> Array:
    """Choose the training rows that are measured: always the same ones."""
    if n_rows == 0:
        return train.rows[:0]
    weight = train.relative_weight(train.rows)
    rows = train.rows if weight is None else train.rows[weight > 0]
    if n_rows is not None and n_rows < len(rows):
        chosen = generator(seed, MONITOR).choice(len(rows), n_rows, replace=False)
        rows = rows[np.sort(chosen)]
    return rows


def is_dask(collection: object) -> bool:
    """Tell whether this is a Dask collection: lazy, and in blocks on the workers of a cluster."""
    return hasattr(collection, "__dask_graph__")


def refuse_dask(*collections: object) -> None:
    """Raise TypeError for Dask collections, which NumPy would load into memory unasked."""
    for given in collections:
        if is_dask(given):
            raise TypeError(
                f"Data must be in memory here; got a Dask {type(given).__name__}. On Dask "
                "collections sknielsen.dask.DaskMLPSigmoidClassifier trains, predicts and "
                "scores; for all else compute a part of them first."
            )


def check_rows(
    estimator: Any, X: Any, y: Any = "no_validation", *, reset: bool = False, dtype: Any
) -> Any:
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
    refuse_images(X, type(estimator).__name__)
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


def _network_dtype(dtype: Any) -> type[np.floating[Any]]:
    """Return the dtype of the network for rows of a dtype."""
    single = isinstance(dtype, np.dtype) and np.result_type(dtype, np.float32) == np.float32
    return np.float32 if single else np.float64


def _check_labels(y: Any) -> Array:
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
    labels: Array = y
    return labels


def _refuse_others(values: Any, name: str) -> None:
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


def check_weight(weight: Any, X: Any, name: str) -> Array | None:
    """Validate sample weights; return them as float64, None as None."""
    if weight is None:
        return None
    refuse_dask(weight)
    _refuse_others(weight, f"`{name}`")
    weight = np.asarray(weight)
    _refuse_others(weight, f"`{name}`")  # what a container held
    if weight.ndim == 0:
        weight = np.full(X.shape[0], weight)
    if weight.shape != (X.shape[0],):
        raise ValueError(f"`{name}` must have shape ({X.shape[0]},); got {weight.shape}.")
    with np.errstate(all="ignore"), _numbers_too_large(f"`{name}`"):
        checked: Array = check_array(weight, ensure_2d=False, dtype=np.float64, input_name=name)
        if checked.min() < 0:
            raise ValueError(f"`{name}` must not hold negative weights; got {checked.min():.6g}.")
        finite_total(checked.sum(), f"`{name}`")
    return checked


@contextmanager
def _numbers_too_large(name: str) -> Iterator[None]:
    """Say which numbers are meant where Python finds that no float can hold one."""
    try:
        yield
    except OverflowError as error:
        raise ValueError(f"{name} holds a number too large for float64.") from error
