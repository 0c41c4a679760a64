"""The network inside of an estimator: of a pipeline, a fitted search, or a wrapper.

To add a kind of wrapper: the attribute in which it keeps what it fitted, in ``_FITTED_INSIDE``.
"""

from typing import Any

from sklearn.utils.validation import check_is_fitted

from sknielsen.core.contracts import Array, MatrixLike

# Where wrappers keep what they fitted: searches, and wrappers such as `AugmentedClassifier`.
_FITTED_INSIDE = ("best_estimator_", "estimator_")
# What tells an `MLPSigmoidClassifier` from other classifiers, fitted or not.
_OWN_PARAMETERS = ("eta", "eta_schedule", "lmbda", "cost", "weight_init", "monitor_samples")


def network_inside(
    estimator: Any, X: MatrixLike | None = None, *, needs: str | None = None
) -> tuple[Any, Any]:
    """Find the fitted network inside an estimator, and the rows that it is given.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier, Pipeline, search or wrapper
        Fitted. Of a pipeline its last step is taken, of a search its `best_estimator_`, and so on.
    X : array-like or sparse matrix of shape (n_samples, n_features), default=None
        Rows as `estimator` takes them.
    needs : str, default=None
        The attribute that the network must have; None if it must be an `MLPSigmoidClassifier`.

    Returns
    -------
    network : MLPSigmoidClassifier
        The fitted classifier inside.
    X : array-like, sparse matrix or None
        The rows as the steps before it transform them.

    Raises
    ------
    TypeError
        If there is no network inside.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    inside = estimator
    while (found := _opened(inside)) is not None:
        before, inside = found
        if before is not None and X is not None:
            X = before.transform(X)
    if needs is not None:
        check_is_fitted(inside)
        if not hasattr(inside, needs):
            raise TypeError(
                f"This needs `{needs}` of a fitted MLPSigmoidClassifier, or of a pipeline or "
                f"search with one inside; {_named(estimator, inside)} has no `{needs}`."
            )
        return inside, X
    require_network(estimator, inside)
    check_is_fitted(inside)
    return inside, X


def names_inside(estimator: Any) -> Array | None:
    """Return the names that a network's features have behind the steps of a pipeline.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier, Pipeline, search or wrapper
        Fitted.

    Returns
    -------
    ndarray of str of shape (n_features,) or None
        None if the steps were not fitted to named columns, or do not tell what became of them.
    """
    names: Array | None = None
    while (found := _opened(estimator)) is not None:
        before, estimator = found
        if before is not None:
            names = _names_out(before) if hasattr(before, "feature_names_in_") else None
    return names if names is not None and len(names) == estimator.n_features_in_ else None


def _names_out(steps: Any) -> Array | None:
    """Return the names that steps give their columns; None if one of them gives none.

    Features are numbered then. A step may lack the method, or leave it to a subclass, and a
    ColumnTransformer refuses names that repeat; the steps themselves have worked.
    """
    try:
        names: Array = steps.get_feature_names_out()
    except (AttributeError, NotImplementedError, ValueError):
        return None
    return names


def require_network(given: object, inside: object) -> None:
    """Raise TypeError unless `inside`, found in what was given, is an `MLPSigmoidClassifier`."""
    if isinstance(inside, type) or not all(hasattr(inside, name) for name in _OWN_PARAMETERS):
        raise TypeError(
            "An MLPSigmoidClassifier is needed, or a pipeline or search with one inside; got "
            f"{_named(given, inside)}."
        )


def _opened(estimator: Any) -> tuple[Any, Any] | None:
    """Return the steps before the next estimator inside, and that one; None if it is innermost."""
    if isinstance(estimator, type):
        return None
    from sklearn.pipeline import Pipeline  # which takes long to import

    if isinstance(estimator, Pipeline):
        before = estimator[:-1] if len(estimator.steps) > 1 else None
        return before, estimator.steps[-1][1]
    for attribute in _FITTED_INSIDE:
        if hasattr(estimator, attribute):
            return None, getattr(estimator, attribute)
    if type(estimator).__name__ == "FrozenEstimator":  # of scikit-learn, which hides its fit
        return None, estimator.estimator
    return None


def _named(given: object, inside: object) -> str:
    """Name what was given, and what is inside of it."""
    names = [
        one.__name__ if isinstance(one, type) else type(one).__name__ for one in (given, inside)
    ]
    if given is inside:
        unfitted = hasattr(given, "estimator") and hasattr(given, "fit")
        return (
            f"{names[0]}, which is not fitted or kept no best estimator" if unfitted else names[0]
        )
    return f"{names[0]} with {names[1]} inside"
