"""Classes of scikit-learn, declared for type checkers, since scikit-learn has no types itself.

To add one: the members that this package and its users call, and an import for the run time.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar

# Address of the documentation, such as "https://sknielsen.org/stable", without a slash at its end.
# From it scikit-learn's HTML representation links each estimator to its page; None makes no link.
DOCUMENTATION: str | None = None

_Method = TypeVar("_Method", bound=Callable[..., Any])

if TYPE_CHECKING:

    class BaseEstimator:
        """Base of everything that has parameters."""

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """Return the parameters by name."""

        def set_params(self, **params: Any) -> Self:
            """Set parameters."""

        def __getstate__(self) -> dict[str, Any]: ...

        def __setstate__(self, state: dict[str, Any]) -> None: ...

        def __sklearn_tags__(self) -> Any: ...

        def __sklearn_clone__(self) -> Self: ...

    class ClassifierMixin:
        """Base of classifiers."""

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            """Return the accuracy on these rows."""

    class MetaEstimatorMixin:
        """Base of estimators around another one."""

    class TransformerMixin:
        """Base of transformers."""

        def fit_transform(self, X: Any, y: Any = None) -> Any:
            """Fit to rows and transform them."""

        def set_output(self, *, transform: Any = None) -> Self:
            """Set the container of what `transform` returns."""

    class OneToOneFeatureMixin:
        """Base of transformers whose features keep their names."""

        def get_feature_names_out(self, input_features: Any = None) -> Any:
            """Return the names of the features."""

    def available_if(check: Callable[[Any], bool]) -> Callable[[_Method], _Method]:
        """Make a method exist only where a check is true."""

    class CallbackSupportMixin:
        """Base of estimators with callbacks, since scikit-learn 1.9."""

        def set_callbacks(self, *callbacks: Any) -> Self:
            """Set the callbacks of `fit`."""

    class ScoringMonitor:
        """The callback that scores each epoch, since scikit-learn 1.9."""

        def __init__(self, *, scoring: Any) -> None: ...

        def setup(self, estimator: Any, context: Any) -> None:
            """Make the scorer."""

        on_fit_task_end: Any  # which takes what it asks scikit-learn for

        def get_logs(self) -> Any:
            """Return the scores."""

    class Bunch(dict[str, Any]):
        """A dict whose keys are attributes too."""

        def __getattr__(self, key: str) -> Any: ...

else:
    from sklearn.base import BaseEstimator as _BaseEstimator
    from sklearn.base import (
        ClassifierMixin,
        MetaEstimatorMixin,
        OneToOneFeatureMixin,
        TransformerMixin,
    )
    from sklearn.utils import Bunch
    from sklearn.utils.metaestimators import available_if

    class BaseEstimator(_BaseEstimator):
        """scikit-learn's, but that the HTML representation links to the documentation above."""

        # Of all other modules, "" among them, scikit-learn shows no link.
        _doc_link_module = "sknielsen" if DOCUMENTATION else ""
        _doc_link_template = (
            f"{DOCUMENTATION}/generated/api/{{estimator_module}}.{{estimator_name}}.html"
        )

    try:
        from sklearn.callback import CallbackSupportMixin
    except ImportError:  # scikit-learn before 1.9

        class CallbackSupportMixin:
            """Stands in for scikit-learn's mixin; an estimator has no `set_callbacks` then."""


__all__ = [
    "BaseEstimator",
    "Bunch",
    "CallbackSupportMixin",
    "ClassifierMixin",
    "MetaEstimatorMixin",
    "OneToOneFeatureMixin",
    "TransformerMixin",
    "available_if",
]
