"""The validation score: names, scorers and what they are given."""

import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import RecordingCost
from sklearn.metrics import balanced_accuracy_score, get_scorer, make_scorer


@pytest.mark.parametrize(
    ("scoring", "column", "sign"),
    [("accuracy", "validation_accuracy", 1), ("cost", "validation_cost", -1)],
)
def test_named_scores_are_columns_of_the_history(scoring, column, sign, small, split):
    train, validation = split
    clf = small(scoring=scoring).fit(*train, **validation)
    assert clf.history_["validation_score"] == [sign * v for v in clf.history_[column]]


@pytest.mark.parametrize(
    "scoring",
    ["balanced_accuracy", make_scorer(balanced_accuracy_score), lambda e, X, y: 0.25],
)
def test_any_scorer_gives_the_validation_score(scoring, small, split):
    train, validation = split
    clf = small(scoring=scoring).fit(*train, **validation)
    expected = 0.25
    if not callable(scoring) or hasattr(scoring, "_score_func"):
        predicted = clf.predict(validation["X_val"])
        expected = balanced_accuracy_score(validation["y_val"], predicted)
    assert clf.history_["validation_score"][-1] == pytest.approx(expected)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc_ovr"])
def test_a_scorer_of_probabilities_gives_the_validation_score(scoring, small, split):
    train, validation = split
    clf = small(scoring=scoring, warm_start=True).fit(*train, **validation)
    clf.set_params(cost="log_likelihood").fit(*train, **validation)  # another output activation
    expected = get_scorer(scoring)(clf, validation["X_val"], validation["y_val"])
    assert clf.history_["validation_score"][-1] == pytest.approx(expected)


def test_a_scorer_sees_split_off_rows_with_their_labels_and_weights(small, digits):
    X, y = digits
    names, seen = np.array(list("abcdefghij")), []

    def scorer(estimator, X, y, sample_weight=None):
        seen.append((X, y, sample_weight))
        return estimator.score(X, y)

    weight = np.linspace(1, 2, len(X))
    clf = small(early_stopping=True, scoring=scorer, max_iter=1).fit(X, names[y], weight)
    rows = clf.validation_indices_
    np.testing.assert_array_equal(seen[0][0], X[rows])
    np.testing.assert_array_equal(seen[0][1], names[y[rows]])
    np.testing.assert_array_equal(seen[0][2], weight[rows])


def test_a_scorer_that_gives_text_is_an_error(small, split):
    train, validation = split
    with pytest.raises((TypeError, ValueError), match=r"`scoring` must give.*got 'a'"):
        small(scoring=lambda clf, X, y: "a").fit(*train, **validation)


def test_several_scorers_are_refused_before_training(small, split):
    train, validation = split
    cost = RecordingCost()
    with pytest.raises(TypeError, match=r"`scoring` must be.*got \['accuracy'\]"):
        small(scoring=["accuracy"], cost=cost).fit(*train, **validation)
    assert cost.targets == []


def test_a_scorer_sees_nothing_of_an_earlier_fit(small, digits):
    X, y = digits
    seen = []

    def scorer(estimator, X, y):
        seen.append({name for name in vars(estimator) if name.endswith("_")})
        return 0.5

    frame = pd.DataFrame(X).add_prefix("pixel_")
    clf = small(momentum=0.5, early_stopping=True, scoring=scorer, max_iter=2).fit(frame, y)
    clf.set_params(momentum=0.0, early_stopping=False)
    with warnings.catch_warnings(action="error"):
        clf.fit(frame, y, X_val=frame[:50] + 0.1, y_val=y[:50])
    first = seen[2]
    assert not first & {
        "best_score_",
        "eta_",
        "feature_names_in_",
        "validation_indices_",
        "velocity_",
    }
