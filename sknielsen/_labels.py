"""Labels: which classes there are, and the number of each, its code.

Labels are matched as Python compares them, and by kind: 1 equals 1.0 and True, not "1". NumPy's
set routines would turn numbers into strings where both meet, and so find codes for labels that
are not among the classes.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from sknielsen._data import refuse_dask
from sknielsen._resolve import check_number

_SHOWN = 20  # labels of a list in a message


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

    classes: np.ndarray
    multilabel: bool

    @classmethod
    def of(cls, estimator):
        """Return those that a fitted estimator has learned."""
        return cls(estimator.classes_, estimator.multilabel_)

    @classmethod
    def learn(cls, y, classes=None, known=None, streaming=False):
        """Learn the classes in a first call, and hold to them later.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels, or a multilabel indicator matrix.
        classes : array-like of shape (n_classes,), default=None
            All classes, if the user named them.
        known : Labels, default=None
            Those of the model that is continued.
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
        present = np.arange(y.shape[1]) if multilabel else np.unique(y)
        if classes is not None:
            named = _check_classes(classes)
        elif not streaming or multilabel:
            named = present
        elif known is not None:
            named = known.classes
        else:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        found = cls(named, multilabel)
        if known is not None:
            if not found._is_same(known):
                raise ValueError(f"A continued fit keeps its classes, {known}; got {found}.")
            return known
        if multilabel and named.tolist() != present.tolist():
            raise ValueError(
                f"classes of a multilabel target must be {_some(present)}, the numbers of its "
                f"columns; got {_some(named)}."
            )
        if len(named) < 2 and not multilabel:
            raise ValueError(f"At least two classes are needed; got 1 class: {_some(named)}.")
        return found

    def __str__(self):
        """Name the classes."""
        return f"{'multilabel ' if self.multilabel else ''}{_some(self.classes)}"

    def _is_same(self, other):
        same_kind = self.multilabel == other.multilabel and kind(self.classes) == kind(
            other.classes
        )
        return same_kind and self.classes.tolist() == other.classes.tolist()

    def encode(self, y):
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
                f"y holds {kind(y)}, {_some(np.unique(y))}, but the classes are "
                f"{kind(self.classes)}, {_some(self.classes)}."
            )
        code_of = {label: code for code, label in enumerate(self.classes.tolist())}
        values = np.unique(y)
        unseen = [label for label in values.tolist() if label not in code_of]
        if unseen:
            raise ValueError(
                f"y holds {_some(unseen)}, not among the classes {_some(self.classes)}."
            )
        codes = np.array([code_of[label] for label in values.tolist()], np.int32)
        return codes[np.searchsorted(values, y)]

    def n_outputs(self, cost, name):
        """Count output units: one for each class or label, one for two classes.

        Parameters
        ----------
        cost : object
            A cost in the sense of `sknielsen.costs`.
        name : object
            What the user gave for it.
        """
        exclusive = getattr(cost, "exclusive", False)
        if self.multilabel and exclusive:
            raise ValueError(
                f"cost={name!r} makes the outputs one distribution, but labels of a "
                "multilabel target do not exclude each other; use 'cross_entropy' or 'quadratic'."
            )
        n_classes = len(self.classes)
        return n_classes if self.multilabel or exclusive or n_classes > 2 else 1

    def class_weight(self, given, codes, sample_weight=None):
        """Return the factor of each class.

        Parameters
        ----------
        given : dict, "balanced" or None
            The classifier's `class_weight`.
        codes : ndarray of int of shape (n_samples,)
            Those of the training rows.
        sample_weight : ndarray of shape (n_samples,), default=None

        Returns
        -------
        ndarray of shape (n_classes,), or None
        """
        n_classes = len(self.classes)
        if given is None:
            return None
        if self.multilabel:
            raise ValueError(f"`class_weight` must be None for multilabel y; got {given!r}.")
        if isinstance(given, str) and given == "balanced":
            with np.errstate(under="ignore"):
                if sample_weight is not None:  # scaled, so that huge ones have a sum
                    exponent = np.frexp(sample_weight.max())[1]
                    sample_weight = np.ldexp(sample_weight, -exponent)
                totals = np.bincount(codes, weights=sample_weight, minlength=n_classes)
                share = totals.sum() / n_classes
                return np.divide(share, totals, out=np.zeros(n_classes), where=totals > 0)
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


def kind(labels):
    """Tell the kind of labels in an array: those of two kinds are never equal."""
    if labels.dtype.kind in "biuf":
        return "numbers"
    return "strings" if labels.dtype.kind in "UTO" else str(labels.dtype)


def exact(labels, name):
    """Return labels as NumPy can hold them without changing one; raise ValueError if it cannot.

    Of a list, NumPy makes strings of numbers beside strings, and rounds large integers beside
    floats, as scikit-learn rounds those of pandas' nullable types.
    """
    dtype = getattr(labels, "dtype", None)
    if hasattr(dtype, "numpy_dtype") and dtype.kind in "iu" and not labels.isna().any():
        return labels.to_numpy(dtype.numpy_dtype)
    of_numpy = isinstance(dtype, np.dtype) and dtype != np.dtype(object)
    if of_numpy or hasattr(labels, "columns") or not hasattr(labels, "__len__"):
        return labels
    listed = labels.to_list() if hasattr(labels, "to_list") else labels
    items = np.asarray(listed, dtype=object)
    converted = np.array(items.tolist()).ravel().tolist()
    # NaN alone is not equal to itself, and is refused elsewhere unless it becomes a string.
    changed = [
        item
        for item, found in zip(items.ravel().tolist(), converted)
        if item is not found and item != found and not (item != item and found != found)
    ]
    if changed:
        raise ValueError(
            f"{name} must hold labels of one kind; beside the others NumPy would change "
            f"{_some(changed)}."
        )
    return labels


def _check_classes(classes):
    """Return the classes that the user named, sorted, each of them once."""
    refuse_dask(classes)
    named = np.asarray(exact(classes, "classes"))
    if named.dtype == object:  # pandas gives such
        named = np.array(named.tolist())
    if named.ndim != 1:
        raise ValueError(f"classes must be one-dimensional; got shape {named.shape}.")
    if named.dtype == object or (named != named).any():
        raise ValueError(f"classes must be numbers or strings, without NaN; got {_some(named)}.")
    return np.unique(named)


def _some(labels):
    """List labels for a message, the first ones of many."""
    labels = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return f"{labels[:_SHOWN]}{more}"
