"""Distorted copies added to the rows of a fit: by a sampler, and by a classifier's wrapper."""

from collections.abc import Callable, Sequence
from inspect import signature
from numbers import Integral
from typing import Any, Protocol, Self, TypeVar, overload

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.utils import _safe_indexing, check_array, check_consistent_length, get_tags
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sknielsen._guards import look_at_images
from sknielsen._hooks import all_or_nothing
from sknielsen._resolve import check_number, end_of_error, random_state_of
from sknielsen._sklearn import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    available_if,
)
from sknielsen._version import VersionedMixin
from sknielsen._warn import warn
from sknielsen.augmentation._images import generator_from
from sknielsen.core.contracts import Array, Augmenter

_Labels = TypeVar("_Labels")


class Classifier(Protocol):
    """A classifier that follows scikit-learn's conventions, so that it can be cloned."""

    def get_params(self, deep: bool = True) -> Any:
        """Return the parameters by name."""

    @property
    def fit(self) -> Any:
        """Fit to rows and labels; in scikit-learn at times a descriptor, not a method."""


class ImageExpander(VersionedMixin, BaseEstimator):
    """Add distorted copies to the images of a fit, as a sampler for imbalanced-learn.

    Put it into ``imblearn.pipeline.Pipeline``, which calls `fit_resample` in ``fit`` only, so
    that validation and prediction never see a copy. But a classifier that itself splits off
    validation rows (``early_stopping``) may draw copies: give it ``X_val``, or use
    ``MLPSigmoidClassifier(augment=...)``. The pipeline of scikit-learn takes no samplers; use
    `AugmentedClassifier` there.

    Parameters
    ----------
    augmenter : ImageAugmenter or object with `distort`
        Makes the copies. It need not be fitted.
    n_copies : int, default=1
        Number of copies of each image.
    random_state : int, RandomState instance or None, default=None
        Seed or generator of the distortions. The augmenter's own `random_state` is not used.

    Attributes
    ----------
    sample_indices_ : ndarray of int of shape (n_samples * (1 + n_copies),)
        Index of each row's original. The originals come first, then the copies of the first row,
        those of the second, and so on.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen.augmentation import ImageAugmenter, ImageExpander
    >>> X, y = load_digits(return_X_y=True)
    >>> expander = ImageExpander(ImageAugmenter.shifts_of_one_pixel(), n_copies=4)
    >>> X_expanded, y_expanded = expander.fit_resample(X, y)
    >>> X_expanded.shape, y_expanded.shape
    ((8985, 64), (8985,))
    """

    sample_indices_: Array

    def __init__(
        self,
        augmenter: Augmenter,
        n_copies: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.augmenter = augmenter
        self.n_copies = n_copies
        self.random_state = random_state

    @overload
    def fit_resample(self, X: Array | Sequence[Any], y: _Labels) -> tuple[Array, _Labels]: ...
    @overload
    def fit_resample(self, X: Any, y: _Labels) -> tuple[Any, _Labels]: ...
    def fit_resample(self, X: Any, y: _Labels) -> tuple[Any, _Labels]:
        """Return the images and their copies, and a label for each.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            An image in each row.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of any kind.

        Returns
        -------
        X_resampled : ndarray or pandas DataFrame of shape (n_samples * (1 + n_copies), n_features)
            The images, then their copies. A DataFrame, in which a copy has the index of its
            original, if `X` is a pandas DataFrame; else an array.
        y_resampled : same type as `y`
            The label of each row's original.

        Raises
        ------
        TypeError, ValueError
            If `augmenter` has no `distort`, `n_copies` is no positive integer, or the augmenter
            does not accept `X`.
        """
        n_copies = int(check_number("n_copies", self.n_copies, Integral, "[1, inf)"))
        distort = getattr(self.augmenter, "distort", None)
        if isinstance(self.augmenter, type) or not callable(distort):
            raise TypeError(
                f"`augmenter` must be an object with `distort`; got {self.augmenter!r}"
                f"{end_of_error(self.augmenter, ('distort',))}"
            )
        images = check_array(X)
        check_consistent_length(images, y)
        for remark in look_at_images(self.augmenter, images):
            warn(remark)
        rows = np.arange(len(images))
        copied = np.repeat(rows, n_copies)
        copies = np.asarray(distort(images[copied], generator_from(self.random_state)))
        if copies.shape != (len(copied), images.shape[1]):
            raise ValueError(
                "`augmenter.distort` must return rows of the shape it is given, "
                f"{(len(copied), images.shape[1])}; got {copies.shape}."
            )
        indices = np.concatenate([rows, copied])
        expanded = np.concatenate([images, copies])
        if hasattr(X, "iloc"):
            expanded = type(X)(expanded, index=X.index.take(indices), columns=X.columns)
        labels: _Labels = _safe_indexing(y, indices)
        self.sample_indices_ = indices  # last, so that it is there only of what succeeded
        return expanded, labels


def _estimator_has(name: str) -> Callable[[Any], bool]:
    """Make the check, for `available_if`, that the wrapped classifier has a method."""

    def check(self: Any) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


def _tags_of(estimator: object) -> Any:
    """Return the tags of an estimator; None of what is no estimator."""
    try:
        return None if isinstance(estimator, type) else get_tags(estimator)
    except (AttributeError, TypeError, ValueError):
        return None


def _takes_weight(estimator: Any) -> bool:
    """Tell whether the classifier's fit takes `sample_weight`, as it does by ``**params``, too."""
    parameters = signature(estimator.fit).parameters.values()
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


def _set_random_states(estimator: Any, random_state: np.random.RandomState) -> None:
    """Draw every `random_state` of an estimator and of those within it, ordered by name."""
    names = sorted(estimator.get_params())
    names = [name for name in names if name.split("__")[-1] == "random_state"]
    seeds = {name: random_state.randint(np.iinfo(np.int32).max) for name in names}
    if seeds:
        estimator.set_params(**seeds)


def _validates_within_fit(name: str, value: Any) -> bool:
    """Tell whether this parameter of a classifier makes it validate on rows of its own fit."""
    if name == "early_stopping":
        return value == "auto" or (not isinstance(value, str) and bool(value))
    if name == "oob_score":
        return bool(value)
    if name == "cv":  # None stands for five folds
        return not (isinstance(value, str) and value == "prefit")
    return name == "eta_schedule" and isinstance(value, str) and value == "plateau"


class AugmentedClassifier(VersionedMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Fit a classifier on images and distorted copies of them; predict as that classifier does.

    In a cross-validation the copies are made of the rows of each fit alone, so that none leaks
    into validation. But validation rows that the classifier itself splits off
    (``early_stopping``, an inner ``cv``) would hold copies of training images; a warning says so.
    `MLPSigmoidClassifier` avoids this with its own ``augment``.

    Parameters
    ----------
    estimator : classifier
        The classifier. A clone of it is fitted.
    augmenter : ImageAugmenter or object with `distort`
        Makes the copies. It need not be fitted.
    n_copies : int, default=1
        Number of copies of each image, in addition to the image itself.
    random_state : int, RandomState instance or None, default=None
        Seed or generator of the distortions and, as in scikit-learn's ensembles, of the
        classifier: every `random_state` of the clone, that of a step of a pipeline for
        instance, is drawn from it. None leaves the classifier its own. The augmenter's own
        `random_state` is not used.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Class labels of the fitted classifier.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the features; only if the columns of `X` have names that are strings.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sknielsen.augmentation import AugmentedClassifier, ImageAugmenter
    >>> X, y = load_digits(return_X_y=True)
    >>> augmenter = ImageAugmenter(rotation=10, scale=0.1, keep_in_frame=False)
    >>> clf = AugmentedClassifier(KNeighborsClassifier(), augmenter, n_copies=5, random_state=0)
    >>> clf.fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.8
    True
    """

    estimator_: Any
    classes_: Any  # an array; a list of arrays where the classifier has several outputs
    n_features_in_: int
    feature_names_in_: Array

    def __init__(
        self,
        estimator: Classifier,
        augmenter: Augmenter,
        n_copies: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.augmenter = augmenter
        self.n_copies = n_copies
        self.random_state = random_state

    @all_or_nothing
    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> Self:
        """Fit a clone of the classifier on the images and their copies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            An image in each row.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels that the classifier accepts.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the images. Each copy has the weight of its original.

        Returns
        -------
        AugmentedClassifier
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            As for `ImageExpander.fit_resample`; if `sample_weight` is given to a classifier
            whose fit takes none; and what the classifier itself raises. The estimator is then
            as it was before.
        """
        tags = _tags_of(self.estimator)
        if tags is None or tags.estimator_type != "classifier":
            raise TypeError(f"`estimator` must be a classifier; got {self.estimator!r}.")
        if sample_weight is not None and not _takes_weight(self.estimator):
            raise TypeError(
                f"`sample_weight` must be None for {self.estimator!r}, whose fit takes no weights."
            )
        images, labels = validate_data(self, X, y, multi_output=True)
        for name, value in self.estimator.get_params().items():
            if _validates_within_fit(name.split("__")[-1], value):
                warn(
                    f"{name}={value!r} validates on rows of the expanded images: they hold "
                    "distorted copies of training images, and their score is too good. Put a "
                    "search outside, as in GridSearchCV(AugmentedClassifier(...))."
                )
        random_state = random_state_of(self.random_state)
        expander = ImageExpander(self.augmenter, self.n_copies, random_state)
        X_expanded, y_expanded = expander.fit_resample(images, labels)
        parameters = {}
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, images)
            parameters["sample_weight"] = weight[expander.sample_indices_]
        inner: Any = clone(self.estimator)
        if self.random_state is not None:
            _set_random_states(inner, random_state)
        self.estimator_ = inner.fit(X_expanded, y_expanded, **parameters)
        self.classes_ = self.estimator_.classes_
        return self

    def _delegate(self, method: str, X: npt.ArrayLike) -> Any:
        """Call a method of the fitted classifier on checked rows."""
        check_is_fitted(self)
        return getattr(self.estimator_, method)(validate_data(self, X, reset=False))

    def predict(self, X: npt.ArrayLike) -> Array:
        """Predict classes, as the classifier does."""
        labels: Array = self._delegate("predict", X)
        return labels

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: npt.ArrayLike) -> Any:
        """Compute the probability of each class, as the classifier does."""
        return self._delegate("predict_proba", X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: npt.ArrayLike) -> Any:
        """Compute the logarithm of each class's probability, as the classifier does."""
        return self._delegate("predict_log_proba", X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: npt.ArrayLike) -> Array:
        """Compute decision values, as the classifier does."""
        scores: Array = self._delegate("decision_function", X)
        return scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = _tags_of(self.estimator)
        if inner is not None and inner.classifier_tags is not None:
            tags.classifier_tags = inner.classifier_tags
            tags.target_tags = inner.target_tags
        return tags
