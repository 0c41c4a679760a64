"""Labels: the classes of a target, and the code of each, an integer from 0.

Labels are equal if Python says so and if they are of one kind: 1 equals 1.0 and True, but not
"1". NumPy's set routines would turn numbers beside strings into strings, and so find codes for
labels that are not among the classes.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import numpy as np

from sknielsen._resolve import check_number
from sknielsen.core.contracts import Array, Cost, FittedClassifier
from sknielsen.costs import is_exclusive

_SHOWN = 20  # labels that a message lists


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes of a target, or the labels of a multilabel one.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted; for multilabel targets the numbers of the labels.
    multilabel : bool
        Whether the target is an indicator matrix.
    """

    classes: Array
    multilabel: bool

    @classmethod
    def of(cls, estimator: FittedClassifier) -> Self:
        """Return the labels that a fitted estimator has learned."""
        return cls(estimator.classes_, estimator.multilabel_)

    @classmethod
    def learn(
        cls, y: Array, classes: Any = None, known: Self | None = None, streaming: bool = False
    ) -> Self:
        """Learn the classes in a first call; in a later call check that they are the same.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels, or a multilabel indicator matrix.
        classes : array-like of shape (n_classes,), default=None
            All classes, if the user named them.
        known : Labels, default=None
            Labels of the model that is continued.
        streaming : bool, default=False
            Whether `y` may lack some of the classes.

        Returns
        -------
        Labels

        Raises
        ------
        ValueError
            If there are fewer than two classes, other classes than those known, or if `classes`
            are needed or cannot be classes.
        """
        multilabel = y.ndim == 2
        if classes is not None:
            named = _check_classes(classes)
        elif multilabel:
            named = np.arange(y.shape[1])
        elif not streaming:
            named = distinct(y)
        elif known is not None:
            named = known.classes
        else:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        found = cls(named, multilabel)
        if known is not None:
            if not found._is_same(known):
                raise ValueError(f"A continued fit keeps its classes, {known}; got {found}.")
            return known
        if multilabel and named.tolist() != list(range(y.shape[1])):
            columns = np.arange(y.shape[1])
            raise ValueError(
                f"classes of a multilabel target must be {_some(columns)}, the numbers of its "
                f"columns; got {_some(named)}."
            )
        if len(named) < 2 and not multilabel:
            raise ValueError(f"At least two classes are needed; got 1 class: {_some(named)}.")
        return found

    def __str__(self) -> str:
        """List the classes, the first ones of many."""
        return f"{'multilabel ' if self.multilabel else ''}{_some(self.classes)}"

    def _is_same(self, other: Self) -> bool:
        same_kind = kind(self.classes) == kind(other.classes)
        same_classes = same_kind and self.classes.tolist() == other.classes.tolist()
        return self.multilabel == other.multilabel and same_classes

    def encode(self, y: Array) -> Array:
        """Turn labels into codes; leave an indicator matrix as it is.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)

        Returns
        -------
        ndarray of int32 of shape (n_samples,), or of int8 of shape (n_samples, n_labels)

        Raises
        ------
        ValueError
            If `y` is of another kind or shape, or holds a label that is not among the classes.
        """
        if (y.ndim == 2) != self.multilabel or (y.ndim == 2 and y.shape[1] != len(self.classes)):
            raise ValueError(
                f"y must be {'multilabel' if self.multilabel else 'one label a row'}, of "
                f"{len(self.classes)} classes; got shape {y.shape}."
            )
        if self.multilabel:
            return y.astype(np.int8)
        if kind(y) != kind(self.classes):
            raise ValueError(
                f"y holds {kind(y)}, {_some(distinct(y))}, but the classes are "
                f"{kind(self.classes)}, {_some(self.classes)}."
            )
        code_of = {label: code for code, label in enumerate(self.classes.tolist())}
        values = distinct(y)
        unseen = [label for label in values.tolist() if label not in code_of]
        if unseen:
            raise ValueError(
                f"y holds {_some(unseen)}, not among the classes {_some(self.classes)}."
            )
        codes = np.array([code_of[label] for label in values.tolist()], np.int32)
        return codes[_positions(y, values)]

    def n_outputs(self, cost: Cost, name: object) -> int:
        """Count output units: one for each class or label, but one only for two classes.

        Under a cost with exclusive outputs two classes have two output units.

        Parameters
        ----------
        cost : object
            A cost in the sense of `sknielsen.costs`.
        name : object
            What the user gave for the cost, for the message.

        Raises
        ------
        ValueError
            If the cost makes the outputs one distribution, but the target is multilabel.
        """
        exclusive = is_exclusive(cost)
        if self.multilabel and exclusive:
            raise ValueError(
                f"cost={name!r} makes the outputs one distribution, but labels of a "
                "multilabel target do not exclude each other; use 'cross_entropy' or 'quadratic'."
            )
        n_classes = len(self.classes)
        return n_classes if self.multilabel or exclusive or n_classes > 2 else 1

    def class_weight(
        self, given: Any, codes: Array, sample_weight: Array | None = None
    ) -> Array | None:
        """Return the factor of each class, None if there is none.

        Parameters
        ----------
        given : dict, "balanced" or None
            The classifier's `class_weight`.
        codes : ndarray of int of shape (n_samples,)
            Codes of the training rows.
        sample_weight : ndarray of shape (n_samples,), default=None
            Used by "balanced".

        Returns
        -------
        ndarray of shape (n_classes,), or None

        Raises
        ------
        TypeError
            If `given` is of another type, or holds anything but numbers.
        ValueError
            If it holds other labels than the classes or numbers below 0, or if the target is
            multilabel.
        """
        if given is None:
            return None
        if self.multilabel:
            raise ValueError(f"`class_weight` must be None for multilabel y; got {given!r}.")
        if isinstance(given, str) and given == "balanced":
            return self._balanced(codes, sample_weight)
        if not isinstance(given, dict):
            raise TypeError(f"`class_weight` must be a dict, 'balanced' or None; got {given!r}.")
        unknown = [label for label in given if label not in self.classes.tolist()]
        if unknown:
            raise ValueError(
                f"`class_weight` names {_some(unknown)}, not among the classes "
                f"{_some(self.classes)}."
            )
        factors = [given.get(label, 1.0) for label in self.classes.tolist()]
        return np.array(
            [check_number("a weight in `class_weight`", f, Real, "[0, inf)") for f in factors]
        )

    def _balanced(self, codes: Array, sample_weight: Array | None) -> Array:
        """Return factors that give all classes the same total weight; 0 for a class of no weight.

        A factor too large for float64 is infinite.
        """
        n_classes = len(self.classes)
        with np.errstate(under="ignore", over="ignore"):
            if sample_weight is not None:  # scaled, so that the sum of huge weights is finite
                exponent = np.frexp(sample_weight.max())[1]
                sample_weight = np.ldexp(sample_weight, -exponent)
            totals = np.bincount(codes, weights=sample_weight, minlength=n_classes)
            share = totals.sum() / n_classes
            factors = np.zeros(n_classes)
            np.divide(share, totals, out=factors, where=totals > 0)
        return factors


def distinct(labels: Array) -> Array:
    """Return the labels that occur, sorted.

    Integers that lie close together are counted, in a tenth of the time that sorting takes.
    Strings of Python go into a set, in a hundredth.
    """
    if labels.dtype == object:
        return np.array(sorted(set(labels.flat)), dtype=object)
    if not (labels.dtype.kind in "iu" and len(labels)):
        return np.unique(labels)
    low, high = labels.min(), labels.max()
    if not _lie_close(low, high, len(labels)):
        return np.unique(labels)
    counts = np.bincount(labels.astype(np.int64) - int(low))
    return (np.flatnonzero(counts) + int(low)).astype(labels.dtype)


def _positions(labels: Array, values: Array) -> Array:
    """Return the position of each label among those that occur, as `distinct` returns them."""
    if labels.dtype.kind in "iu" and _lie_close(values[0], values[-1], len(labels)):
        position_of = np.zeros(int(values[-1]) - int(values[0]) + 1, np.intp)
        position_of[values.astype(np.int64) - int(values[0])] = np.arange(len(values))
        return position_of[labels.astype(np.int64) - int(values[0])]
    return np.searchsorted(values, labels)


def _lie_close(low: Any, high: Any, n_labels: int) -> bool:
    """Tell whether integers lie within so few values that counting them is fast."""
    return int(high) - int(low) < n_labels and int(high) < 2**63


def kind(labels: Array) -> str:
    """Return the kind of the labels in an array; labels of two kinds are never equal."""
    if labels.dtype.kind in "biuf":
        return "numbers"
    return "strings" if labels.dtype.kind in "UTO" else str(labels.dtype)


def exact(labels: Any, name: str) -> Any:
    """Return labels that NumPy has a dtype for; raise ValueError if it would change one.

    In a list, NumPy turns numbers beside strings into strings, and rounds large integers beside
    floats. Scikit-learn rounds large integers of pandas' nullable types; these become NumPy's.
    Missing labels are refused as well: None, NaN and pandas' NA.
    """
    dtype: Any = getattr(labels, "dtype", None)
    if hasattr(dtype, "numpy_dtype") and dtype.kind in "iu" and not labels.isna().any():
        return labels.to_numpy(dtype.numpy_dtype)
    of_numpy = isinstance(dtype, np.dtype) and dtype != np.dtype(object)
    if of_numpy or hasattr(labels, "columns") or not hasattr(labels, "__len__"):
        return labels
    listed = labels.to_list() if hasattr(labels, "to_list") else labels
    given = np.asarray(listed, dtype=object)
    types = set(map(type, given.flat))
    if types == {str}:
        items = list(dict.fromkeys(given.flat))  # a copy of all would take 60 bytes each
    else:
        if not types <= {int, bool, str, np.str_, np.int64}:  # which are never missing
            _refuse_missing(given, name)
        items = given.ravel().tolist()
    array = np.array(items)
    for item in items if array.dtype == object else ():
        if np.asarray(item).dtype == object:
            raise ValueError(
                f"{name} must hold strings, booleans or numbers that fit a NumPy dtype; got "
                f"{item!r}, of type {type(item).__name__}."
            )
    converted = array.ravel().tolist()
    changed = [
        item for item, found in zip(items, converted) if item is not found and item != found
    ]
    if changed:
        raise ValueError(
            f"{name} must hold labels of one kind; beside the others NumPy would change "
            f"{_some(changed)}."
        )
    return labels


def _refuse_missing(labels: Array, name: str) -> None:
    """Raise ValueError if a label is None, NaN or pandas' NA."""
    na = getattr(sys.modules.get("pandas"), "NA", None)
    for place, label in np.ndenumerate(labels):
        if label is None or label is na or (isinstance(label, Real) and label != label):
            raise ValueError(
                f"{name} must have no missing labels; the first is {label}, in row {place[0]}."
            )


def _check_classes(classes: Any) -> Array:
    """Return the classes that the user named, sorted, each of them once."""
    named = np.asarray(exact(classes, "classes"))
    if named.dtype == object:  # as pandas makes them
        named = np.array(named.tolist())
    if named.ndim != 1:
        raise ValueError(f"classes must be one-dimensional; got shape {named.shape}.")
    if named.dtype == object or (named != named).any():
        raise ValueError(f"classes must be numbers or strings, without NaN; got {_some(named)}.")
    return np.unique(named)


def _some(labels: Iterable[Any]) -> str:
    """List labels for a message, the first ones of many."""
    listed = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return f"{listed[:_SHOWN]}{more}"
