"""Distorted copies added to the rows of a fit: for imbalanced-learn, and around a classifier."""

from numbers import Integral

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    clone,
    is_classifier,
)
from sklearn.utils import _safe_indexing, check_array, check_consistent_length, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sknielsen._resolve import check_number
from sknielsen._version import VersionedMixin
from sknielsen._warn import warn
from sknielsen.augmentation._augmenter import generator_from


class ImageExpander(VersionedMixin, BaseEstimator):
    """Add distorted copies to the images of a fit, as a sampler of imbalanced-learn.

    Put it into ``imblearn.pipeline.Pipeline``, which calls `fit_resample` in ``fit`` only:
    validation and prediction never see a copy. But a classifier that itself splits off validation
    rows (``early_stopping``) draws them from the copies too: give it ``X_val``, or use
    ``MLPSigmoidClassifier(augment=...)``. scikit-learn's own pipeline takes no samplers; there use
    `AugmentedClassifier`.

    Parameters
    ----------
    augmenter : ImageAugmenter or object with `distort`
        Makes the copies. It need not be fitted.
    n_copies : int, default=1
        Copies of each image.
    random_state : int, RandomState instance or None, default=None
        Determines the distortions; the `random_state` of the augmenter plays no part.

    Attributes
    ----------
    sample_indices_ : ndarray of int of shape (n_samples * (1 + n_copies),)
        The original of each row: first every row itself, then all copies of the first row, of
        the second, and so on.

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

    def __init__(self, augmenter, n_copies=1, random_state=None):
        self.augmenter = augmenter
        self.n_copies = n_copies
        self.random_state = random_state

    def fit_resample(self, X, y):
        """Return the images with their copies, and a label for each.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            An image in each row.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of any kind.

        Returns
        -------
        X_resampled : ndarray or pandas DataFrame of shape (n_samples * (1 + n_copies), n_features)
            A DataFrame, with the index of the originals, if `X` is one of pandas; else an
            array.
        y_resampled : of the kind of `y`
            The label of each row's original.

        Raises
        ------
        TypeError, ValueError
            If `augmenter` has no `distort`, `n_copies` is no positive integer, or `X` is not
            what the augmenter takes.
        """
        n_copies = check_number("n_copies", self.n_copies, Integral, "[1, inf)")
        distort = getattr(self.augmenter, "distort", None)
        if isinstance(self.augmenter, type) or not callable(distort):
            raise TypeError(
                f"`augmenter` must be an object with `distort`; got {self.augmenter!r}."
            )
        images = check_array(X)
        check_consistent_length(images, y)
        rows = np.arange(len(images))
        copied = np.repeat(rows, n_copies)
        copies = np.asarray(distort(images[copied], generator_from(self.random_state)))
        if copies.shape != (len(copied), images.shape[1]):
            raise ValueError(
                "`augmenter.distort` must return rows of the shape it is given, "
                f"{(len(copied), images.shape[1])}; got {copies.shape}."
            )
        self.sample_indices_ = np.concatenate([rows, copied])
        expanded = np.concatenate([images, copies])
        if hasattr(X, "iloc"):
            index = X.index.take(self.sample_indices_)
            expanded = type(X)(expanded, index=index, columns=X.columns)
        return expanded, _safe_indexing(y, self.sample_indices_)


def _estimator_has(name):
    """Make the test of `available_if` for a method of the wrapped classifier."""

    def check(self):
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


def _validates_within_fit(name, value):
    """Whether a classifier's parameter makes it validate on rows of its own fit."""
    if name == "early_stopping":
        return value == "auto" or (not isinstance(value, str) and bool(value))
    return (
        (name == "oob_score" and bool(value))
        or (name == "cv" and value not in (None, "prefit"))
        or (name == "eta_schedule" and isinstance(value, str) and value == "plateau")
    )


class AugmentedClassifier(VersionedMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Fit a classifier on images and distorted copies of them; predict as it does.

    In a cross-validation the copies come from the rows of each fit alone, so that none leaks
    into validation. A validation set that the classifier itself splits off (``early_stopping``,
    an inner ``cv``) would hold copies of training images; a warning says so.
    `MLPSigmoidClassifier` avoids this with its own ``augment``.

    Parameters
    ----------
    estimator : classifier
        It is cloned.
    augmenter : ImageAugmenter or object with `distort`
        Makes the copies. It need not be fitted.
    n_copies : int, default=1
        Copies of each image, beside the image itself.
    random_state : int, RandomState instance or None, default=None
        Determines the distortions; the `random_state` of the augmenter plays no part.

    Attributes
    ----------
    estimator_ : classifier
        The fitted one.
    classes_ : ndarray of shape (n_classes,)
        Its class labels.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of features, when `X` has such.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sknielsen.augmentation import AugmentedClassifier, ImageAugmenter
    >>> X, y = load_digits(return_X_y=True)
    >>> augmenter = ImageAugmenter(rotation=10, scale=0.1)
    >>> clf = AugmentedClassifier(KNeighborsClassifier(), augmenter, n_copies=5, random_state=0)
    >>> clf.fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.8
    True
    """

    def __init__(self, estimator, augmenter, n_copies=1, random_state=None):
        self.estimator = estimator
        self.augmenter = augmenter
        self.n_copies = n_copies
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit a clone of the classifier on the images and their copies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            An image in each row.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            What the classifier takes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of images; each copy has the weight of its original.

        Returns
        -------
        AugmentedClassifier
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            As for `ImageExpander.fit_resample`, and from the classifier.
        """
        X, y = validate_data(self, X, y, multi_output=True)
        if isinstance(self.estimator, type) or not is_classifier(self.estimator):
            raise TypeError(f"`estimator` must be a classifier; got {self.estimator!r}.")
        for name, value in self.estimator.get_params().items():
            if _validates_within_fit(name.split("__")[-1], value):
                warn(
                    f"{name}={value!r} validates on rows of the expanded images: they hold "
                    "distorted copies of training images, and their score is too good. Put a "
                    "search outside, as in GridSearchCV(AugmentedClassifier(...))."
                )
        expander = ImageExpander(self.augmenter, self.n_copies, self.random_state)
        X_expanded, y_expanded = expander.fit_resample(X, y)
        parameters = {}
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            parameters["sample_weight"] = sample_weight[expander.sample_indices_]
        self.estimator_ = clone(self.estimator).fit(X_expanded, y_expanded, **parameters)
        self.classes_ = self.estimator_.classes_
        return self

    def _delegate(self, method, X):
        check_is_fitted(self)
        return getattr(self.estimator_, method)(validate_data(self, X, reset=False))

    def predict(self, X):
        """Predict classes, as the classifier does."""
        return self._delegate("predict", X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Return probabilities of classes, as the classifier does."""
        return self._delegate("predict_proba", X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Return logarithms of probabilities of classes, as the classifier does."""
        return self._delegate("predict_log_proba", X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X):
        """Return decision values, as the classifier does."""
        return self._delegate("decision_function", X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.classifier_tags = inner.classifier_tags
        tags.target_tags = inner.target_tags
        return tags
