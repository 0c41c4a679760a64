"""Each finding is provoked by a real training, and a like training that is sound gives none."""

import pickle
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from helpers import ShiftedCost, book
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sknielsen import MLPSigmoidClassifier, diagnose, summary
from sknielsen.activations import sigmoid
from sknielsen.datasets import fetch_mnist
from sknielsen.diagnostics import (
    FINDINGS,
    gradient_norms,
    hard_examples,
    network_inside,
    weighted_inputs,
)
from sknielsen.diagnostics._evidence import Evidence
from sknielsen.diagnostics._inside import names_inside
from sknielsen.initializers import large
from sknielsen.penalties import L1, L2


def codes(clf, X=None, y=None):
    return [finding.code for finding in diagnose(clf, X, y)]


def the(code, findings):
    """The finding of this code, which must be there once."""
    (finding,) = [finding for finding in findings if finding.code == code]
    return finding


def forget_validation(clf):
    """Make the history that of the same training without validation data."""
    for name in ("cost", "accuracy", "score"):
        clf.history_[f"validation_{name}"] = [np.nan] * clf.n_iter_


def digits_data():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def cancer_data(scaler):
    X, y = load_breast_cancer(return_X_y=True)
    return scaler.fit_transform(X), y


# --- sound trainings are met with silence --------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"lmbda": 0.1},
        {"hidden_layer_sizes": ()},
        {"cost": "quadratic", "eta": 3.0},
        {"cost": "log_likelihood", "eta": 0.2},
        {"dropout": 0.2},
        {"momentum": 0.5, "eta": 0.25},
        {"early_stopping": True},
        {"eta_schedule": [(15, 0.5), (15, 0.1)]},
    ],
    ids=str,
)
def test_nothing_is_found_in_sound_trainings_on_digits(parameters):
    X, X_val, y, y_val = train_test_split(*digits_data(), random_state=0)
    clf = book(**({"hidden_layer_sizes": 30, "random_state": 0} | parameters))
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert diagnose(clf) == []
    assert diagnose(clf, X, y) == []
    forget_validation(clf)
    assert diagnose(clf) == []
    assert diagnose(clf, X, y) == []


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_found_in_sound_trainings_on_binary_data(scaler, seed):
    X, X_val, y, y_val = train_test_split(*cancer_data(scaler), random_state=seed)
    clf = book(30, lmbda=1.0, random_state=seed)  # without it one overfits
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert diagnose(clf, X, y) == []
    forget_validation(clf)
    assert diagnose(clf, X, y) == []


def test_nothing_is_found_in_a_sound_multilabel_training(multilabel):
    X, Y = multilabel
    clf = book(30, random_state=0).fit(X, Y)
    assert diagnose(clf, X, Y) == []


# --- each finding --------------------------------------------------------------------------------


def test_large_features_are_named(fit, digits):
    X = digits[0] * np.where(np.arange(64) == 20, 50, 1)
    finding = the("unscaled_features", diagnose(fit(X), X))
    assert finding.evidence["features"] == [20]
    assert finding.evidence["worst_rms"] == pytest.approx(np.sqrt(np.mean(X[:, 20] ** 2)))
    assert "StandardScaler" in finding.advice


def test_tiny_inputs_are_found(fit_in_vain, digits):
    X = digits[0] * 1e-3
    finding = the("unscaled_features", diagnose(fit_in_vain(X), X))
    expected = np.sqrt(np.mean(np.sum(X**2, axis=1)))
    assert finding.evidence["length"] == pytest.approx(expected)


def test_constant_features_are_found_unless_they_are_zero(fit, digits):
    X = digits[0]
    zeros = np.flatnonzero(np.ptp(X, axis=0) == 0)
    assert len(zeros) > 0
    assert "constant_features" not in codes(fit(), X)
    X = np.hstack([X, np.full((len(X), 2), 0.1)])
    for X_given in (X, csr_matrix(X)):
        finding = the("constant_features", diagnose(fit(X), X_given))
        assert finding.evidence == {"n_constant": 2, "features": [64, 65]}


def test_a_feature_that_varies_in_one_of_many_rows_is_not_constant(fit, digits):
    X = np.tile(np.hstack([digits[0], np.ones((300, 1))]), (40, 1))
    clf = fit(X[:300])
    assert "constant_features" in codes(clf, X)
    X[7, 64] = 0.0
    assert "constant_features" not in codes(clf, X)


def test_a_rare_class_that_is_missed_is_found_and_with_class_weight_it_is_not(fit, rare):
    X, y = rare
    finding = the("class_imbalance", diagnose(fit(X, y, max_iter=3), X, y))
    share, recall = finding.evidence["classes"]["eight"]
    assert (share, recall) == (8 / len(y), 0.0)
    assert "class_weight='balanced', or in partial_fit a dict of weights" in finding.advice
    assert "class_imbalance" not in codes(fit(X, y, max_iter=3), X)  # not known without y
    weighted = fit(X, y, max_iter=10, class_weight="balanced")
    assert "class_imbalance" not in codes(weighted, X, y)


def test_a_rare_label_that_is_missed_is_found(digits):
    X, y = digits
    rows = np.r_[np.flatnonzero(y != 8), np.flatnonzero(y == 8)[:8]]
    Y = np.column_stack([y % 2, y == 8, y > 4]).astype(int)[rows]
    clf = book(30, max_iter=3, random_state=0).fit(X[rows], Y)
    finding = the("class_imbalance", diagnose(clf, X[rows], Y))
    assert list(finding.evidence["classes"]) == [1]
    assert "sample_weight" in finding.advice


def test_an_eta_too_high_makes_the_cost_oscillate_and_an_output_preferred(
    fit, fit_in_vain, digits
):
    clf = fit_in_vain(eta=30.0)
    steps = np.diff(clf.history_["train_cost"])
    finding = the("eta_too_high", diagnose(clf, *digits))
    assert finding.evidence["rises"] == pytest.approx(steps.clip(0).sum())
    assert finding.evidence["falls"] == pytest.approx(-steps.clip(None, 0).sum())
    shares = np.bincount(clf.predict(digits[0])) / len(digits[0])
    assert finding.evidence["preferred"] == shares.argmax()
    assert finding.evidence["preferred_share"] == shares.max() > 0.9
    assert "0.5 instead of 30" in finding.advice
    assert "eta_too_high" in codes(clf)
    assert "eta_too_high" not in codes(fit(), *digits)


def test_an_eta_too_high_freezes_the_quadratic_cost(fit, fit_in_vain, digits):
    clf = fit_in_vain(cost="quadratic", eta=100.0)
    finding = the("eta_too_high", diagnose(clf))
    assert finding.evidence["cost"] > finding.evidence["chance_cost"] == pytest.approx(0.45)
    assert "stuck" in finding.sentence
    assert "3 instead of 100" in finding.advice
    assert "eta_too_high" not in codes(fit(cost="quadratic", eta=3.0), *digits)


def test_oscillation_before_eta_was_lowered_is_forgiven(fit, digits):
    schedule = [(10, 10.0), (10, 0.5)]
    clf = fit(cost="quadratic", hidden_layer_sizes=(), eta_schedule=schedule, max_iter=20)
    assert "eta_too_high" not in codes(clf, *digits)


@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic", "log_likelihood"])
def test_an_eta_too_low_is_told_from_a_usual_one(cost, fit, fit_in_vain, digits):
    finding = the("eta_too_low", diagnose(fit_in_vain(eta=1e-3, cost=cost), *digits))
    assert finding.evidence["eta"] == 1e-3
    usual = 3.0 if cost == "quadratic" else 0.5
    assert f"{usual:g} instead of 0.001" in finding.advice
    assert "eta_too_low" not in codes(fit(eta=usual, cost=cost), *digits)


@pytest.mark.parametrize("weight", [None, "balanced"])
def test_an_eta_too_low_under_a_taper_comes_before_rare_classes(weight):
    """A taper ends with small steps: that its cost has levelled off does not mean it has learnt.

    0.001 is the usual learning rate of Adam, carried over.
    """
    X, y = make_classification(
        1500, 20, n_informative=8, n_classes=4, weights=[0.7, 0.18, 0.08], random_state=0
    )
    X = StandardScaler().fit_transform(X)
    low, usual = (
        MLPSigmoidClassifier(eta=eta, class_weight=weight, random_state=0).fit(X, y)
        for eta in (0.001, 0.5)
    )
    assert low.score(X, y) < 0.75 and usual.score(X, y) > 0.9
    assert [finding.code for finding in diagnose(low, X, y)] == ["eta_too_low"]
    assert "0.5 instead of 0.001" in the("eta_too_low", diagnose(low, X, y)).advice
    assert "eta_too_low" in codes(low)
    assert "eta_too_low" not in codes(usual, X, y)


def test_unscaled_features_are_advised_no_other_eta():
    X, y = make_classification(500, 20, n_informative=8, n_classes=4, random_state=0)
    frame = pd.DataFrame(100 * X, columns=[f"column {i}" for i in range(20)])
    with pytest.warns(UserWarning, match="saturate"):
        clf = MLPSigmoidClassifier(max_iter=10, random_state=0).fit(frame, y)
    found = diagnose(clf, frame, y)
    worst = frame.columns[np.square(frame).mean().argmax()]
    assert repr(worst) in the("unscaled_features", found).sentence
    assert "saturated_hidden" in [finding.code for finding in found]
    assert not any("eta" in finding.advice for finding in found)


def test_momentum_counts_as_a_larger_eta(fit, digits):
    assert "eta_too_low" in codes(fit(eta=0.01, max_iter=3), *digits)
    assert "eta_too_low" not in codes(fit(eta=0.01, momentum=0.99, max_iter=3), *digits)


def test_inverted_pixels_stick_hidden_neurons_and_eta_should_fall(fit, digits):
    X, y = digits
    clf = fit(1 - X, eta=3.0, max_iter=15)
    finding = the("saturated_hidden", diagnose(clf, 1 - X, y))
    z = weighted_inputs(clf, 1 - X)[0]
    stuck = ((z > 4.585).mean(axis=0) >= 0.99) | ((z < -4.585).mean(axis=0) >= 0.99)
    assert finding.evidence["stuck_units"] == [stuck.mean()]
    assert finding.evidence["input_mean"] == pytest.approx(np.mean(1 - X))
    factor = np.sum((1 - X) ** 2) / np.sum((X - X.mean(axis=0)) ** 2)
    assert finding.evidence["step_factor"] == pytest.approx(factor)
    assert finding.evidence["eta_factor"] == pytest.approx(3.0 / 0.5 * factor)
    assert finding.advice.startswith("inputs of mean 0, by StandardScaler(with_std=False)")
    assert "background 0" in finding.advice
    assert "saturated_hidden" in codes(clf)
    assert "saturated_hidden" not in codes(fit(X, eta=3.0, max_iter=15), X, y)
    lower = fit(1 - X, eta=3.0 / finding.evidence["eta_factor"], max_iter=15)
    assert lower.score(1 - X, y) > 3 * clf.score(1 - X, y)
    assert "saturated_hidden" not in codes(lower, 1 - X, y)


def test_at_a_usual_eta_inputs_far_from_0_are_centred_before_eta_is_lowered(fit, digits):
    X, y = digits[0] + 2, digits[1]
    clf = fit(X)
    finding = the("eta_too_high", diagnose(clf, X, y))
    assert finding.advice.startswith("inputs of mean 0, by StandardScaler(with_std=False)")
    centred = X - X.mean(axis=0)
    assert fit(centred).score(centred, y) > 3 * clf.score(X, y)


def test_where_eta_is_too_high_for_any_inputs_a_lower_one_is_advised(fit_in_vain, digits):
    X, y = 1 - digits[0], digits[1]
    finding = the("eta_too_high", diagnose(fit_in_vain(X, eta=30.0), X, y))
    assert finding.advice.startswith("a smaller eta")


def test_large_initial_weights_are_found_by_the_saturation_they_leave(fit):
    finding = the("large_initial_weights", diagnose(fit(init_scale=Fraction(20))))
    assert finding.evidence["saturation"] > 0.7
    assert "init_scale=20)" in finding.sentence
    assert "large_initial_weights" not in codes(fit(weight_init="large"))  # 64 pixels only


@pytest.mark.parametrize("weight_init", ["large", large])
def test_large_initial_weights_are_found_by_name_and_as_a_function(weight_init, fit):
    X = 4 * np.random.default_rng(0).standard_normal((300, 64))
    finding = the("large_initial_weights", diagnose(fit(X, weight_init=weight_init)))
    assert "weight_init='large'" in finding.sentence


def test_saturated_wrong_outputs_are_found_under_the_quadratic_cost_only(fit, digits):
    start = dict(hidden_layer_sizes=(), init_scale=20.0)
    clf = fit(cost="quadratic", eta=3.0, **start)
    finding = the("saturated_outputs", diagnose(clf, *digits))
    z, Y = clf.decision_function(digits[0]), np.eye(10)[digits[1]]
    wrong = ((z > 4.585) & (Y == 0)) | ((z < -4.585) & (Y == 1))
    assert finding.evidence["rows"] == pytest.approx(wrong.any(axis=1).mean(), abs=1e-3)
    assert "cross_entropy" in finding.advice
    assert "saturated_outputs" not in codes(fit(**start), *digits)
    assert "saturated_outputs" not in codes(fit(cost="quadratic", eta=3.0), *digits)


def test_too_few_epochs_are_found_and_thirty_are_enough(fit, digits):
    finding = the("too_few_epochs", diagnose(fit(max_iter=10), *digits))
    assert "max_iter=30" in finding.advice
    assert diagnose(fit(max_iter=30), *digits) == []


def test_where_early_stopping_ended_training_more_patience_makes_more_epochs():
    X, y = load_digits(return_X_y=True)
    stops = dict(early_stopping=True, scoring="accuracy", n_iter_no_change=2, tol=1.0)
    clf = MLPSigmoidClassifier(30, **stops, random_state=0).fit(X[:1347] / 16, y[:1347])
    assert clf.n_iter_ < clf.max_iter
    finding = the("too_few_epochs", diagnose(clf, X[:1347] / 16, y[:1347]))
    assert "Try: more epochs: a larger n_iter_no_change than 2" in " ".join(str(finding).split())
    assert "max_iter" not in finding.advice


def test_more_epochs_are_no_advice_where_eta_is_too_high():
    X, y = load_digits(return_X_y=True)
    clf = MLPSigmoidClassifier(30, eta=50.0, max_iter=20, random_state=0)
    with pytest.warns(ConvergenceWarning, match="eta=50 is too large"):
        clf.fit(X[:600] / 16, y[:600])
    found = codes(clf, X[:600] / 16, y[:600])
    assert "eta_too_high" in found
    assert "too_few_epochs" not in found


@pytest.mark.parametrize(
    ("penalty", "length"), [("l2", 0.1), (L2(), 0.1), ("l1", 2.0), (L1(), 2.0)], ids=str
)
def test_a_penalty_that_makes_weights_vanish_is_the_one_finding(
    penalty, length, fit, fit_in_vain, digits
):
    clf = fit_in_vain(lmbda=100.0, penalty=penalty)
    (finding,) = diagnose(clf, *digits)
    assert finding.code == "penalty_too_strong"
    norms = [np.sqrt(np.mean(np.sum(w**2, axis=0))) for w in clf.coefs_]
    assert finding.evidence["lengths"] == pytest.approx(norms)
    assert norms[0] < length
    assert "1 instead of 100" in finding.advice
    assert "penalty_too_strong" not in codes(fit(lmbda=0.1, penalty=penalty), *digits)


@pytest.mark.parametrize("penalty", ["l2", L2()], ids=str)
def test_a_penalty_that_forgets_within_an_epoch_is_too_strong(penalty, fit_in_vain):
    clf = fit_in_vain(lmbda=30.0, eta=5.0, penalty=penalty)
    finding = the("penalty_too_strong", diagnose(clf))
    assert finding.evidence["memory"] == pytest.approx(10 / (5.0 * 30.0))


def test_over_fitting_is_found_by_cost_and_by_accuracy_with_an_epoch_for_each(noise):
    X, y, validation = noise
    clf = book(30, eta=1.0, random_state=0).fit(X, y, **validation)
    by_cost, by_accuracy = diagnose(clf, X, y)
    cost, accuracy = (clf.history_[f"validation_{name}"] for name in ("cost", "accuracy"))
    epochs = {
        "cost_epoch": int(np.argmin(cost)) + 1,
        "accuracy_epoch": int(np.argmax(accuracy)) + 1,
    }
    assert (by_cost.code, by_accuracy.code) == ("overfit_cost", "overfit_accuracy")
    assert epochs.items() <= by_cost.evidence.items()
    assert epochs.items() <= by_accuracy.evidence.items()
    assert by_cost.evidence["least_cost"] == min(cost)
    assert "probabilities" in by_cost.sentence
    assert "classes are decided" in by_accuracy.sentence
    assert not {"overfit_cost", "overfit_accuracy"} & {*codes(clf.fit(X, y))}  # nothing to see


def test_early_stopping_is_no_advice_where_it_was_used(noise):
    X, y, validation = noise
    over = book(30, eta=1.0, random_state=0).fit(X, y, **validation)
    assert "early_stopping" in the("overfit_accuracy", diagnose(over)).advice
    over.set_params(early_stopping=True)
    assert "early_stopping" not in the("overfit_accuracy", diagnose(over)).advice


def test_early_stopping_by_cost_leaves_no_over_fitting_by_cost(noise):
    X, y, validation = noise
    clf = book(30, eta=1.0, random_state=0, early_stopping=True, scoring="cost")
    clf.fit(X, y, **validation)
    assert clf.n_iter_ > clf.epoch_
    assert "overfit_cost" not in codes(clf, X, y)


# --- no better than chance ----------------------------------------------------------------------


@pytest.mark.parametrize("eta", [0.5, 0.1, 0.003])
def test_a_training_no_better_than_chance_is_never_met_with_silence(eta, shapes):
    X, y = shapes
    clf = book(eta=eta, max_iter=15, random_state=0)
    clf.fit(X[:450], y[:450], X_val=X[450:], y_val=y[450:])
    for findings in (diagnose(clf, X[:450], y[:450]), diagnose(clf)):
        assert findings
        assert any("find_eta" in finding.advice for finding in findings)
        if np.argmin(clf.history_["validation_cost"]) < 12:
            assert not any("still falling" in finding.sentence for finding in findings)


def test_pure_noise_is_said_to_tell_nothing(digits):
    X, y = digits
    y = np.random.default_rng(0).permutation(y)
    clf = book(8, eta=0.15, lmbda=2.0, max_iter=20, random_state=0).fit(X, y)
    finding = the("nothing_learnt", diagnose(clf, X, y))
    assert "tell the network next to nothing" in finding.sentence


def test_training_is_not_said_to_go_on_falling_where_validation_has_stalled(noise):
    X, y, validation = noise
    clf = book(30, eta=0.02, max_iter=40, random_state=0).fit(X, y, **validation)
    h, falling = clf.history_, {"too_few_epochs", "eta_too_low"}
    h["train_cost"] = list(np.linspace(0.69, 0.3, 40))
    h["validation_cost"] = list(np.linspace(0.69, 0.4, 40))
    h["validation_score"] = list(np.linspace(0.5, 0.8, 40))
    assert falling & {*codes(clf)}
    h["validation_score"] = [*np.linspace(0.5, 0.8, 20), *[0.8] * 20]
    assert not falling & {*codes(clf)}
    h["validation_score"] = list(np.linspace(0.5, 0.8, 40))
    h["validation_cost"] = [*np.linspace(0.69, 0.5, 20), *[0.5] * 20]
    assert not falling & {*codes(clf)}


# --- pipelines and searches ---------------------------------------------------------------------


def wrapped(kind, X, y):
    """An estimator, fitted to rows up to 50, the network inside, and the rows that this sees."""
    clf = book(8, eta=1e-3, max_iter=5, random_state=0)
    pipeline = make_pipeline(MinMaxScaler((0, 0.5)), clf)
    rows = MinMaxScaler((0, 0.5)).fit_transform(X)
    if kind == "search":
        search = GridSearchCV(clf, {}, cv=2).fit(X, y)
        return search, search.best_estimator_, X
    if kind == "search of pipelines":
        search = GridSearchCV(pipeline, {}, cv=2).fit(X, y)
        return search, search.best_estimator_[-1], rows
    pipeline.fit(X, y)
    if kind == "frozen":
        frozen = pytest.importorskip("sklearn.frozen")
        return frozen.FrozenEstimator(pipeline), pipeline[-1], rows
    return pipeline, pipeline[-1], rows


@pytest.mark.parametrize("kind", ["pipeline", "search", "search of pipelines", "frozen"])
def test_what_is_inside_a_pipeline_or_a_search_is_found_with_transformed_rows(kind, digits):
    X, y = digits
    estimator, inside, rows = wrapped(kind, X, y)
    assert network_inside(estimator)[0] is inside
    assert repr(diagnose(estimator, X, y)) == repr(diagnose(inside, rows, y))
    for of_all, of_inside in zip(weighted_inputs(estimator, X), weighted_inputs(inside, rows)):
        np.testing.assert_array_equal(of_all, of_inside)
    norms = gradient_norms(estimator, X, y), gradient_norms(inside, rows, y)
    np.testing.assert_array_equal(*norms)
    hard = [hard_examples(estimator, X, y).indices, hard_examples(inside, rows, y).indices]
    np.testing.assert_array_equal(*hard)


def test_findings_are_a_list_that_reads_well(fit_in_vain, digits):
    findings = diagnose(fit_in_vain(eta=30.0), *digits)
    assert isinstance(findings, list)
    assert repr(findings) == str(findings) == "\n".join(map(str, findings))
    assert max(map(len, repr(findings).splitlines())) < 80
    html = findings._repr_html_()
    assert html.count("<tr>") == len(findings) + 1
    assert all(finding.code in html for finding in findings)
    copied = pickle.loads(pickle.dumps(findings))
    assert copied == findings
    assert type(copied) is type(findings)


def test_no_finding_is_an_empty_list_that_says_so():
    X, X_val, y, y_val = train_test_split(*digits_data(), random_state=0)
    clf = book(30, random_state=0).fit(X, y, X_val=X_val, y_val=y_val)
    for expected in (
        "Nothing was found.",
        "Nothing was found. Not given: validation rows.",
    ):
        nothing = diagnose(clf, X, y)
        assert nothing == []
        assert repr(nothing) == expected
        assert f">{expected}<" in nothing._repr_html_()
        forget_validation(clf)
    assert repr(diagnose(clf)) == "Nothing was found. Not given: X, y, validation rows."


def test_features_behind_the_steps_of_a_pipeline_are_named(digits):
    X, y = digits
    frame = pd.DataFrame(100 * X, columns=[f"pixel {i}" for i in range(64)])
    columns = ColumnTransformer([("kept", "passthrough", list(frame.columns[20:40]))])
    clf = make_pipeline(columns, MLPSigmoidClassifier(8, max_iter=2, random_state=0))
    with pytest.warns(UserWarning, match="saturate"):
        clf.fit(frame, y)
    worst = 20 + np.square(X[:, 20:40]).mean(axis=0).argmax()
    sentence = the("unscaled_features", diagnose(clf, frame, y)).sentence
    assert f"feature 'kept__pixel {worst}' with" in sentence


@pytest.mark.parametrize(
    "steps",
    [
        [FunctionTransformer()],
        [StandardScaler(), make_pipeline(FunctionTransformer(np.fliplr))],
        [FunctionTransformer(np.fliplr), StandardScaler()],
        [FunctionTransformer(lambda X: np.array(X)[:, 1:], feature_names_out="one-to-one")],
        [
            ColumnTransformer(
                [(name, StandardScaler(), ["pixel 20"]) for name in ("a", "b")],
                verbose_feature_names_out=False,
            )
        ],
    ],
    ids=range(5),
)
def test_features_that_steps_do_not_name_are_numbered(steps, digits):
    frame = pd.DataFrame(digits[0], columns=[f"pixel {i}" for i in range(64)])
    clf = MLPSigmoidClassifier(8, max_iter=2, random_state=0)
    *outer, last = steps
    pipeline = (
        make_pipeline(*outer, make_pipeline(last, clf)) if outer else make_pipeline(last, clf)
    )
    assert names_inside(pipeline.fit(frame, digits[1])) is None


class PlainQuadratic(BaseEstimator):
    activation = staticmethod(sigmoid)

    def value(self, z, y):
        return 0.5 * np.square(sigmoid(z.copy()) - y).sum(axis=1)

    def delta(self, a, y, out):
        out[...] = (a - y) * a * (1 - a)


# --- whatever the model --------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["digits", "binary", "multilabel"])
@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (8, 8)},
        {"cost": "quadratic"},
        {"cost": PlainQuadratic()},
        {"monitor_samples": 0},
        {"max_iter": 1},
        {"max_iter": 2},
        {"batch_size": None, "lmbda": 0.1},
        {"penalty": "l1", "lmbda": 0.1},
    ],
    ids=str,
)
def test_every_kind_of_model_can_be_diagnosed(target, parameters, request, small):
    X, y = request.getfixturevalue(target)
    clf = small(**parameters).fit(X, y)
    for findings in (diagnose(clf), diagnose(clf, X), diagnose(clf, csr_matrix(X), y)):
        for finding in findings:
            assert finding.code in FINDINGS
            assert str(finding).startswith(f"{finding.code}: ")
            assert "\n    Try: " in str(finding)
    assert codes(clf, csr_matrix(X), y) == codes(clf, X, y)


def test_a_model_saved_before_there_was_a_lmbda_can_be_diagnosed_and_summed_up(digits, small):
    X, y = digits
    clf = small(lmbda=0.1).fit(X, y)
    before = diagnose(clf, X, y), str(summary(clf))
    del clf.lmbda_
    assert (diagnose(clf, X, y), str(summary(clf))) == before
    assert clf.partial_fit(X, y).lmbda_ == 0.1


@pytest.mark.parametrize("weight", [1e-3, 1e3, 1e6])
def test_the_size_of_the_weights_of_rows_makes_no_finding(weight, digits):
    X, y = digits
    clf = MLPSigmoidClassifier(30, random_state=0).fit(X, y)
    assert codes(clf, X, y) == codes(clf.fit(X, y, sample_weight=weight), X, y)


@pytest.mark.parametrize("target", ["digits", "binary"])
def test_softmax_is_diagnosed_with_its_own_cost_of_chance(target, request, small):
    X, y = request.getfixturevalue(target)
    clf = small(cost="log_likelihood", eta=1e-4, max_iter=3).fit(X, y)
    finding = the("eta_too_low", diagnose(clf, X, y))
    shares = np.unique(y, return_counts=True)[1] / len(y)
    assert finding.evidence["chance_cost"] == pytest.approx(-np.sum(shares * np.log(shares)))
    without_y = the("eta_too_low", diagnose(clf))
    assert without_y.evidence["chance_cost"] == pytest.approx(np.log(len(shares)))


def test_class_weights_change_the_cost_of_chance(rare, fit_in_vain):
    X, y = rare
    clf = fit_in_vain(X, y, eta=1e-4, class_weight="balanced")
    finding = the("eta_too_low", diagnose(clf, X, y))
    assert finding.evidence["chance_cost"] == pytest.approx(np.log(2), rel=1e-5)


def test_rows_without_weight_are_compared_with_their_own_cost_of_chance(fit_in_vain, digits):
    X, y = digits
    clf = fit_in_vain(eta=1e-4, class_weight={0: 0.0, 1: 0.0})
    rows = y < 2
    finding = the("eta_too_low", diagnose(clf, X[rows], y[rows]))
    share = np.mean(y[rows])
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert finding.evidence["chance_cost"] == pytest.approx(2 * entropy, rel=1e-3)


def test_validation_costs_stand_in_where_training_rows_are_not_monitored(digits, fit):
    X, y = digits
    clf = book(30, eta=1e-3, max_iter=5, monitor_samples=0, random_state=0)
    assert codes(clf.fit(X, y)) == []
    assert codes(clf.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])) == ["eta_too_low"]


def test_a_history_with_gaps_from_partial_fit_can_be_diagnosed(digits):
    X, y = digits
    clf = book(30, eta=1e-3, random_state=0)
    for epoch in range(8):
        validation = {"X_val": X[200:], "y_val": y[200:]} if epoch % 3 else {}
        clf.set_params(monitor_samples=0 if epoch == 4 else None)
        clf.partial_fit(X[:200], y[:200], classes=np.unique(y), **validation)
    assert np.isnan(clf.history_["train_cost"][4])
    assert np.isnan(clf.history_["validation_cost"][3])
    assert codes(clf) == codes(clf, X[:200], y[:200]) == ["eta_too_low"]


def test_a_model_trained_with_sample_weights_can_be_diagnosed(digits):
    X, y = digits
    weight = np.where(y == 3, 0.0, 1.0)
    clf = book(30, random_state=0).fit(X, y, sample_weight=weight)
    assert diagnose(clf) == []


def test_of_many_rows_a_sample_is_used(fit_in_vain, digits):
    clf = fit_in_vain(eta=1e-3)
    X, y = np.tile(digits[0], (40, 1)), np.tile(digits[1], 40)
    assert codes(clf, X, y) == codes(clf, *digits)


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_evidence_is_decided_as_predictions_are(kind, small, request):
    X, y = request.getfixturevalue(kind)
    clf = small(hidden_layer_sizes=(), cost=ShiftedCost(6), max_iter=1).fit(X, y)
    clf.coefs_ = [np.zeros_like(clf.coefs_[0])]
    clf.intercepts_ = [np.full_like(clf.intercepts_[0], 5.5)]  # saturated, but a < 1/2
    evidence = Evidence(clf, X, y)
    np.testing.assert_array_equal(evidence.predicted, clf.predict(X))
    assert evidence.wrong_rows == pytest.approx((y.reshape(len(y), -1) == 1).any(axis=1).mean())


def test_the_penalty_that_is_chosen_is_not_blamed_for_noise():
    """Where nothing can be learnt, any penalty makes weights vanish in the end."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 2)), rng.integers(0, 2, 3000)
    clf = MLPSigmoidClassifier(10, max_iter=60, eta_schedule="constant", random_state=0)
    with pytest.warns(ConvergenceWarning, match="tell the network next to nothing"):
        clf.fit(X, y)
    assert "penalty_too_strong" not in codes(clf, X, y)


def test_evidence_holds_plain_numbers(fit_in_vain, digits):
    findings = diagnose(fit_in_vain(eta=30.0), *digits)
    assert any(finding.evidence for finding in findings)
    for finding in findings:
        assert not any(isinstance(value, np.generic) for value in finding.evidence.values())


def test_diagnosing_changes_nothing(fit_in_vain, digits):
    clf = fit_in_vain(eta=30.0)
    before = [w.copy() for w in clf.coefs_], {k: list(v) for k, v in clf.history_.items()}
    diagnose(clf, *digits)
    for w, kept in zip(clf.coefs_, before[0]):
        np.testing.assert_array_equal(w, kept)
    assert clf.history_ == before[1]


def test_what_cannot_be_diagnosed_is_an_error(fit, digits):
    X, y = digits
    clf = fit()
    with pytest.raises(NotFittedError):
        diagnose(book())
    with pytest.raises(TypeError, match=r"MLPSigmoidClassifier is needed.*; got LogisticRegress"):
        diagnose(LogisticRegression().fit(X, y), X, y)
    with pytest.raises(TypeError, match=r"got Pipeline with LogisticRegression inside"):
        diagnose(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), X, y)
    with pytest.raises(TypeError, match=r"got GridSearchCV, which is not fitted or kept no best"):
        diagnose(GridSearchCV(book(), {"eta": [1.0]}), X, y)
    with pytest.raises(TypeError, match="got MLPSigmoidClassifier"):
        diagnose(type(clf), X, y)
    with pytest.raises(ValueError, match="`y` needs the rows"):
        diagnose(clf, y=y)
    with pytest.raises(ValueError, match=r"y holds \[11\]"):
        diagnose(clf, X, np.full(len(y), 11))
    with pytest.raises(ValueError, match="expecting 64 features"):
        diagnose(clf, X[:, :5])


# --- verbose -------------------------------------------------------------------------------------


def test_verbose_training_ends_with_the_findings(fit_in_vain, digits, capsys):
    X = pd.DataFrame(digits[0], columns=[f"pixel {i}" for i in range(64)])
    clf = fit_in_vain(X, eta=1e-3, verbose=1)
    printed = capsys.readouterr().out
    (finding,) = diagnose(clf, X, digits[1])
    assert finding.code == "eta_too_low"
    assert printed.endswith(f"{finding}\n")
    assert len(re.findall(r"^ +\d+ ", printed, re.M)) == clf.n_iter_


def test_a_sound_verbose_training_prints_its_epochs_only(fit, capsys):
    fit(max_iter=30, verbose=1)
    *lines, last = capsys.readouterr().out.splitlines()[2:]
    assert [int(line.split()[0]) for line in lines] == [*range(1, 31)]
    assert last == "Ended after epoch 30: all 30 epochs are trained."


def test_partial_fit_prints_no_findings(digits, capsys):
    book(8, eta=1e-3, verbose=1).partial_fit(*digits, classes=range(10))
    *_, head, line = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "epoch"
    assert line.split()[:2] == ["1", "0.001"]


@pytest.fixture(scope="module")
def mnist():
    return fetch_mnist(download_if_missing=False)


# --- the real MNIST ------------------------------------------------------------------------------


@pytest.mark.mnist
@pytest.mark.parametrize(
    "parameters", [{}, {"lmbda": 5.0, "eta_schedule": [(10, 0.5), (10, 0.1), (10, 0.02)]}], ids=str
)
def test_nothing_is_found_in_thirty_epochs_of_mnist(mnist, parameters):
    clf = book(100, random_state=0, **parameters)
    clf.fit(mnist.X_train, mnist.y_train, X_val=mnist.X_val, y_val=mnist.y_val)
    assert diagnose(clf, mnist.X_train, mnist.y_train) == []


@pytest.mark.mnist
@pytest.mark.filterwarnings("ignore:Training ended with a cost")  # at eta 3, as is meant
@pytest.mark.parametrize("hidden", [30, 100])
def test_inverted_mnist_sticks_at_eta_3_and_learns_at_the_eta_that_is_advised(mnist, hidden):
    X, y = 1 - mnist.X_train, mnist.y_train
    clf = book(hidden, cost="quadratic", eta=3.0, max_iter=10, random_state=0)
    findings = diagnose(clf.fit(X, y), X, y)
    assert the("eta_too_high", findings).evidence["preferred_share"] > 0.9
    finding = the("saturated_hidden", findings)
    assert 10 < finding.evidence["eta_factor"] < 15
    clf.set_params(eta=3.0 / finding.evidence["eta_factor"]).fit(X, y)
    assert clf.history_["train_accuracy"][-1] > 0.9
    assert not {"eta_too_high", "saturated_hidden"} & {*codes(clf, X, y)}


@pytest.mark.mnist
def test_a_thousand_images_over_fit_by_cost_and_by_accuracy(mnist):
    X, y = mnist.X_train[:1000], mnist.y_train[:1000]
    clf = book(30, max_iter=100, random_state=0)
    clf.fit(X, y, X_val=mnist.X_val, y_val=mnist.y_val)
    assert codes(clf, X, y) == ["overfit_cost", "overfit_accuracy"]


def test_rows_that_are_all_equal_are_diagnosed(small):
    X, y = np.full((40, 3), 60.0), np.arange(40) % 2
    clf = small(weight_init="large")
    with (
        pytest.warns(UserWarning, match="root mean square of X is 60"),
        pytest.warns(ConvergenceWarning, match="features are as large as 60"),
    ):
        clf.fit(X, y)
    assert "saturated_hidden" in [finding.code for finding in diagnose(clf, X, y)]
