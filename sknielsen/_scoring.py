"""The validation score of an epoch."""

import inspect
from collections.abc import Callable
from math import isfinite, nan
from numbers import Real
from typing import Any

import numpy as np
from sklearn import config_context

from sknielsen._fitted import attributes, unfitted_copy
from sknielsen._hooks import forbid_training
from sknielsen._inputs import Inputs
from sknielsen._parameters import Parameters
from sknielsen._warn import warn
from sknielsen.core.contracts import Record
from sknielsen.core.state import State

Score = Callable[[Record], float]


def score_function(
    estimator: Any, state: State, inputs: Inputs, parameters: Parameters
) -> Score | None:
    """Make the function from an epoch's record to its validation score.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier
        Scorers are given a copy of it that shares the weights in training.
    state : State
    inputs : Inputs
    parameters : Parameters

    Returns
    -------
    callable, or None
        None if there are no validation data.

    Warns
    -----
    UserWarning
        If the validation rows have weights that the scorer does not take; once, if a score is
        NaN, which counts as no improvement.
    """
    if inputs.validation is None:
        return None
    if parameters.scoring == "accuracy":
        return lambda record: record["validation_accuracy"]
    if parameters.scoring == "cost":
        return lambda record: -record["validation_cost"]
    return _ScorerOfRows(estimator, state, inputs, parameters)


class _ScorerOfRows:
    """Call a scorer of scikit-learn, or the user's own, on the validation rows."""

    def __init__(
        self, estimator: Any, state: State, inputs: Inputs, parameters: Parameters
    ) -> None:
        self.name = estimator.scoring
        self.state = state
        self.parameters = parameters
        self.labels = inputs.labels
        self.fitted = unfitted_copy(estimator)  # nothing of an earlier fit
        forbid_training(self.fitted)
        X, self.y, weight = _rows(inputs)
        self.X = X
        self.options: dict[str, Any] = {}
        if weight is not None and self._takes("sample_weight"):
            self.options["sample_weight"] = weight
        elif weight is not None:
            warn(
                f"`scoring`={self.name!r} takes no `sample_weight`: validation scores are taken "
                "without the weights of the rows."
            )
        if self._takes_labels():
            self.options["labels"] = self.labels.classes
        self._has_warned = False

    def __call__(self, record: Record) -> float:
        """Return the score, NaN if the scorer gave none."""
        epoch = self.state.n_epochs + 1
        learned = attributes(self.state)
        learned["out_activation_"] = self.parameters.out_activation
        learned.pop("feature_names_in_", None)  # the rows at hand are arrays
        vars(self.fitted).update(learned)
        try:
            score = self._call()
        except Exception as error:
            raise ValueError(
                f"`scoring`={self.name!r} failed in epoch {epoch}: {error}{self._missing()}"
            ) from error
        if isinstance(score, np.ndarray) and score.ndim == 0:
            score = score.item()
        if not isinstance(score, (Real, np.number)):
            raise TypeError(f"`scoring` must give a number; got {score!r} in epoch {epoch}.")
        if isfinite(score):
            return float(score)
        if not self._has_warned:
            self._has_warned = True
            warn(
                f"`scoring`={self.name!r} gave {float(score)} in epoch {epoch}, which counts as "
                f"no improvement.{self._missing()}"
            )
        return nan

    def _call(self) -> Any:
        scorer: Any = self.parameters.scoring
        if "labels" not in self.options:
            return scorer(self.fitted, self.X, self.y, **self.options)
        with config_context(enable_metadata_routing=True):  # else it takes no options
            return scorer(self.fitted, self.X, self.y, **self.options)

    def _takes(self, option: str) -> bool:
        """Tell whether the scorer takes an option, by name or with others."""
        scorer: Any = self.parameters.scoring
        taken = inspect.signature(scorer).parameters
        return option in taken or any(p.kind is p.VAR_KEYWORD for p in taken.values())

    def _takes_labels(self) -> bool:
        """Tell whether this is a scorer of scikit-learn whose metric asks for all classes."""
        metric = getattr(self.parameters.scoring, "_score_func", None)
        given = getattr(self.parameters.scoring, "_kwargs", {})
        if metric is None or self.labels.multilabel or "labels" in given:
            return False
        return "labels" in inspect.signature(metric).parameters and "average" not in given

    def _missing(self) -> str:
        """Say which classes the validation rows lack."""
        if self.labels.multilabel:
            return ""
        present = set(np.unique(self.y).tolist())
        missing = [label for label in self.labels.classes.tolist() if label not in present]
        return f" The validation rows have none of the classes {missing}." if missing else ""


def _rows(inputs: Inputs) -> tuple[Any, Any, Any]:
    """Return rows, labels and weights of the validation data."""
    validation, labels = inputs.validation, inputs.labels
    assert validation is not None
    X, rows = validation.X, validation.rows
    codes = validation.codes[rows]
    y = codes if labels.multilabel else labels.classes[codes]
    return X[rows] if len(rows) < X.shape[0] else X, y, validation.weight(rows)
