"""The validation score of an epoch."""

import inspect
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from sknielsen._fitted import attributes, unfitted_copy
from sknielsen._hooks import forbid_training
from sknielsen._inputs import Inputs
from sknielsen._parameters import Parameters
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

    Raises
    ------
    ValueError
        If the validation rows have weights that the scorer does not take.
    """
    scorer, validation = parameters.scoring, inputs.validation
    if validation is None:
        return None
    if scorer == "accuracy":
        return lambda record: record["validation_accuracy"]
    if scorer == "cost":
        return lambda record: -record["validation_cost"]
    X, rows = validation.X, validation.rows
    codes, labels = validation.codes[rows], inputs.labels
    y = codes if labels.multilabel else labels.classes[codes]
    weight = validation.weight(rows)
    X = X[rows] if len(rows) < X.shape[0] else X
    options = {} if weight is None else {"sample_weight": weight}
    if options and "sample_weight" not in inspect.signature(scorer).parameters:
        raise ValueError(
            f"`scoring`={estimator.scoring!r} takes no `sample_weight`, but the validation rows "
            "have weights."
        )
    fitted = unfitted_copy(estimator)  # nothing of an earlier fit
    forbid_training(fitted)

    def score(record: Record) -> float:
        learned = attributes(state) | {"out_activation_": parameters.out_activation}
        learned.pop("feature_names_in_", None)  # the rows at hand are arrays
        vars(fitted).update(learned)
        value = scorer(fitted, X, y, **options)
        if not isinstance(value, Real) or not np.isfinite(value):
            raise ValueError(f"`scoring` must give a finite number; got {value!r}.")
        return float(value)

    return score
