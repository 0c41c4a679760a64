"""A training that ends no better than chance says so, with its cause; others keep silent."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknielsen import MLPSigmoidClassifier, diagnose, find_eta
from sknielsen.activations import sigmoid
from sknielsen.costs import CrossEntropy, LogLikelihood
from sknielsen.diagnostics._evidence import cost_of_chance


def sentences(train, *args, **options):
    """What a training says of having ended no better than chance; other warnings are dropped."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(*args, **options)
    return [str(one.message) for one in caught if one.category is ConvergenceWarning]


def classifier(hidden=30, **parameters):
    """A classifier of which a test names all that it depends on."""
    defaults = dict(eta=0.5, eta_schedule="constant", lmbda=0.0, max_iter=30, random_state=0)
    return MLPSigmoidClassifier(hidden, **(defaults | parameters))


# --- the sentence --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"eta": 30.0}, "eta=30 is too large"),
        ({"eta": 30.0, "early_stopping": True, "n_iter_no_change": 20}, "eta=30 is too large"),
        ({"eta": 500.0, "max_iter": 1}, "eta=500 is too large"),
        ({"eta": 1e-4}, "eta=0.0001 is so small that 10 epochs hardly"),
        ({"lmbda": 100.0}, "the penalty, lmbda=100, overrules"),
        ({"cost": "quadratic", "eta": 100.0}, "eta=100 is too large"),
        ({"hidden_layer_sizes": (20, 20, 20)}, "3 hidden layers of sigmoid neurons learn very"),
    ],
    ids=str,
)
def test_a_training_that_ended_at_chance_says_so_with_a_cause_and_a_cure(parameters, cause, fit):
    (sentence,) = sentences(fit, **parameters)
    assert sentence.startswith("Training ended with a cost of")
    assert cause in sentence
    assert ". Try " in sentence


def test_large_and_tiny_features_are_causes(fit, digits):
    wine = load_wine(return_X_y=True)
    (sentence,) = sentences(fit, *wine)
    assert "features are as large as" in sentence
    assert "eta=" not in sentence
    (sentence,) = sentences(fit, *wine, eta=30.0)
    assert "saturate the neurons, and eta=30 is too large" in sentence
    (sentence,) = sentences(fit, digits[0] / 1000)
    assert "the inputs are tiny" in sentence


def test_few_steps_are_a_cause(fit):
    (sentence,) = sentences(fit, eta=0.15, batch_size=None)
    assert "10 epochs are only 10 steps of training. Try max_iter=3000" in sentence


def test_labels_that_nothing_predicts_are_a_cause():
    rng = np.random.default_rng(0)
    X, y = np.ones((2000, 5)), rng.integers(0, 2, 2000)
    (sentence,) = sentences(classifier(8).fit, X, y)
    assert "the features, as they are given, tell the network next to nothing" in sentence


class Huber(CrossEntropy):
    """Grows with the error only: the best constant outputs are the commonest, not the mean."""

    def value(self, z, y):
        error = np.abs(sigmoid(z.copy()) - y)
        return np.where(error < 0.05, error**2 / 2, 0.05 * (error - 0.025)).sum(axis=1)

    def delta(self, a, y, out):
        out[...] = np.clip(a - y, -0.05, 0.05) * a * (1 - a)


class WrongSign(CrossEntropy):
    """Climbs where it should descend."""

    def delta(self, a, y, out):
        out[...] = y - a


def test_chance_is_that_of_the_commonest_outputs_where_these_cost_less(digits):
    X, y = digits
    (sentence,) = sentences(classifier(cost=Huber(), eta=3.0, lmbda=3.0).fit, X, y)
    commonest = 0.05 * (1 - 0.025)  # all outputs 0
    assert f"which cost {commonest:.4g}" in sentence


def test_chance_of_outputs_that_exclude_each_other_is_that_of_the_commonest_class():
    class Distance(LogLikelihood):
        def value(self, z, y):
            p = np.exp(z)
            return np.abs(p / p.sum(axis=1, keepdims=True) - y).sum(axis=1)

    for counts in ([40, 35, 25], [40, 40, 20]):
        targets = np.eye(3)[np.repeat([0, 1, 2], counts)]
        assert cost_of_chance(Distance(), targets, None) == pytest.approx(1.2, abs=1e-4)


def test_a_cost_of_ones_own_is_a_cause(digits):
    (sentence,) = sentences(classifier(cost=WrongSign(), eta=0.01).fit, *digits)
    assert "see that delta is the derivative of value" in sentence


def test_the_figures_are_those_of_the_weights_that_are_kept(fit, digits):
    clf = classifier(eta=30.0, max_iter=20)
    (sentence,) = sentences(clf.fit, *digits)
    shares = np.unique(digits[1], return_counts=True)[1] / 300
    chance = -np.sum(shares * np.log(shares) + (1 - shares) * np.log(1 - shares))
    assert f"cost of {clf.history_['train_cost'][-1]:.4g}, no better" in sentence
    assert f"which cost {chance:.4g}: " in sentence


def test_sample_weights_count_in_the_figures_of_chance(digits):
    X, y = digits
    X, y = np.ones_like(X), y == 3  # there is nothing to learn
    weight = np.where(y, 9.0, 1.0)
    clf = classifier(4, eta=0.01)
    (sentence,) = sentences(clf.fit, X, y, sample_weight=weight)
    assert clf.history_["train_cost"][-1] > 0.69
    assert "which cost 0.69" in sentence


@pytest.mark.parametrize("container", [csr_matrix, pd.DataFrame, np.ndarray.tolist])
def test_rows_of_any_container_are_judged(container, fit, digits):
    (sentence,) = sentences(fit, container(digits[0]), eta=30.0)
    assert "eta=30 is too large" in sentence


def test_a_multilabel_training_is_judged(multilabel):
    X, Y = multilabel
    assert sentences(classifier(8).fit, X, Y) == []
    (sentence,) = sentences(classifier(8, eta=500.0).fit, X, Y)
    assert "eta=500 is too large" in sentence


def test_a_training_without_training_figures_is_not_judged(fit):
    assert sentences(fit, eta=30.0, monitor_samples=0) == []


# --- etas that cannot learn ----------------------------------------------------------------------


def data_sets():
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    large = np.kron(X.reshape(600, 8, 8) / 16, np.ones((1, 3, 3))).reshape(600, -1)
    cancer, wine = load_breast_cancer(return_X_y=True), load_wine(return_X_y=True)
    return {
        "digits": (X / 16, y),
        "digits in float32": ((X / 16).astype(np.float32), y),
        "pixels up to 255": (np.rint(X / 16 * 255), y),
        "inverted digits": (1 - X / 16, y),
        "even and odd digits": (X / 16, y % 2),
        "breast cancer": (MinMaxScaler().fit_transform(cancer[0]), cancer[1]),
        "wine": (MinMaxScaler().fit_transform(wine[0]), wine[1]),
        "images of 576 pixels": (large, y),
    }


DATA = data_sets()


@pytest.mark.parametrize("lmbda", [0.0, "auto"])
@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic", "log_likelihood"])
@pytest.mark.parametrize("name", DATA)
def test_an_eta_of_500_is_named_as_the_cause(name, cost, lmbda):
    clf = classifier(cost=cost, eta=500.0, lmbda=lmbda, max_iter=10)
    if lmbda == "auto" and len(DATA[name][1]) <= 500:  # eta * lmbda / n is not below 1
        with pytest.raises(ValueError, match="Lower `eta`"):
            clf.fit(*DATA[name])
        return
    (sentence,) = sentences(clf.fit, *DATA[name])
    assert "eta=500 is too large" in sentence


@pytest.mark.parametrize("eta", [50.0, 100.0, 500.0])
def test_the_penalty_by_default_is_not_blamed_for_an_eta_far_too_large(eta):
    X, y = load_digits(return_X_y=True)
    clf = MLPSigmoidClassifier(30, eta=eta, random_state=0)
    (sentence,) = sentences(clf.fit, X / 16, y)
    assert f"eta={eta:g} is too large" in sentence
    codes = [finding.code for finding in diagnose(clf, X / 16, y)]
    assert "eta_too_high" in codes
    assert "penalty_too_strong" not in codes


def test_a_penalty_that_overrules_at_any_eta_is_blamed_beside_a_large_one():
    X, y = load_digits(return_X_y=True)
    clf = classifier(eta=10.0, lmbda=150.0, max_iter=10)
    (sentence,) = sentences(clf.fit, X / 16, y)
    assert "the penalty, lmbda=150, overrules" in sentence


@pytest.mark.parametrize("hidden", [(), 30], ids=str)
@pytest.mark.parametrize("name", DATA)
def test_no_eta_that_learns_is_warned_of(name, hidden):
    X, y = DATA[name]
    accuracy, warned = {}, {}
    for eta in (1e-4, 1e-3, 0.01, 0.1, 0.5, 2.0, 5.0, 20.0, 100.0, 1000.0):
        clf = classifier(hidden, eta=eta, max_iter=15)
        warned[eta] = sentences(clf.fit, X, y)
        accuracy[eta] = clf.history_["train_accuracy"][-1]
    learnt = [eta for eta in accuracy if accuracy[eta] > 0.9 * max(accuracy.values())]
    assert {eta: warned[eta] for eta in learnt} == {eta: [] for eta in learnt}


# --- no false alarms -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_iter": 1},
        {"max_iter": 1, "eta": 1e-3},
        {"max_iter": 1, "eta": 3.0},
        {"max_iter": 1, "cost": "quadratic", "eta": 3.0},
        {"max_iter": 1, "cost": "log_likelihood"},
        {"max_iter": 1, "class_weight": "balanced"},
        {"max_iter": 5, "hidden_layer_sizes": (20, 20, 20)},
        {"max_iter": 2, "early_stopping": True},
        {"max_iter": 30, "early_stopping": True, "n_iter_no_change": 1},
    ],
    ids=str,
)
def test_a_short_training_is_no_problem(parameters, fit):
    assert sentences(fit, **parameters) == []


def test_neither_noise_nor_rare_classes_nor_few_rows_are_a_problem(fit, digits, rare, noise):
    for max_iter in (2, 10, 30):
        assert sentences(fit, *rare, max_iter=max_iter) == []
    X, y, _ = noise
    assert sentences(fit, X, y) == []
    X, y = digits
    noisy = np.where(np.random.default_rng(0).random(len(y)) < 0.5, np.roll(y, 1), y)
    assert sentences(fit, X, noisy) == []
    assert sentences(fit, X[:20], y[:20], max_iter=30) == []
    assert sentences(fit, X, y, class_weight={0: 1000.0} | dict.fromkeys(range(1, 10), 0)) == []
    one_in_200 = make_classification(2000, 20, weights=[0.995], flip_y=0, random_state=0)
    assert sentences(fit, *one_in_200) == []


def test_an_early_epoch_kept_by_early_stopping_is_no_problem_if_later_ones_learnt(fit, digits):
    X, y = digits
    others = {"X_val": X[:100], "y_val": np.roll(y[:100], 1)}  # which learning makes worse
    clf = classifier(eta=0.05, early_stopping=True, max_iter=40, scoring="cost")
    X, y = X[100:], y[100:]
    assert sentences(clf.fit, X, y, **others) == []
    assert clf.history_["train_accuracy"][-1] > clf.history_["train_accuracy"][clf.epoch_ - 1]


def test_overconfidence_is_not_chance(fit, digits):
    X, y = digits
    clf = classifier((), eta=1000.0, max_iter=10)
    noisy = np.where(np.arange(300) % 10 == 0, np.roll(y, 1), y)
    assert sentences(clf.fit, X, noisy) == []
    assert clf.history_["train_cost"][-1] > 3.25  # that of chance
    assert clf.history_["train_accuracy"][-1] > 0.5


# --- who is told ---------------------------------------------------------------------------------


def test_the_warning_names_the_line_of_the_user_through_a_pipeline(digits):
    pipeline = make_pipeline(MinMaxScaler(), classifier(eta=500.0))
    with pytest.warns(ConvergenceWarning) as warned:
        pipeline.fit(*digits)
    assert [one.filename for one in warned] == [__file__]


def test_a_search_tells_of_each_fit(digits):
    search = GridSearchCV(classifier(max_iter=10), {"eta": [0.5, 500.0]}, cv=2)
    assert len(sentences(search.fit, *digits)) == 2
    assert search.best_params_ == {"eta": 0.5}


def test_a_warm_fit_is_judged_by_all_of_its_epochs(digits):
    clf = classifier(eta=1e-4, max_iter=6, warm_start=True)
    assert sentences(clf.fit, *digits) == []
    (sentence,) = sentences(clf.fit, *digits)
    assert "12 epochs hardly moved the weights" in sentence
    assert sentences(clf.set_params(eta=0.5, max_iter=10).fit, *digits) == []


def test_a_stream_is_not_judged(digits):
    clf = classifier(eta=500.0)
    for _ in range(12):
        assert sentences(clf.partial_fit, *digits, classes=np.arange(10)) == []
    assert diagnose(clf, *digits) != []


def test_find_eta_is_silent_about_etas_that_do_not_learn(digits):
    assert sentences(find_eta, classifier(), *digits, etas=[1e-6, 0.5, 500.0]) == []


def stops(epoch, history, eta, max_iter):
    if epoch == 12:
        raise KeyboardInterrupt
    return eta


def test_a_training_that_its_user_ended_is_not_judged(digits):
    clf = classifier(eta=500.0, eta_schedule=stops, on_interrupt="keep")
    with pytest.warns(UserWarning, match="interrupted after epoch 12"):
        clf.fit(*digits)
    callbacks = pytest.importorskip("sknielsen.callbacks", reason="scikit-learn before 1.9")
    clf = classifier(eta=500.0).set_callbacks(callbacks.EarlyStopping(time_limit=1e-9))
    clf.fit(*digits)
    assert clf.n_iter_ == 1


def test_an_error_made_of_the_warning_leaves_the_classifier_as_it_was(digits):
    clf = classifier(eta=500.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            clf.fit(*digits)
    assert not hasattr(clf, "coefs_")


def test_no_row_is_looked_at_after_a_training_that_learnt(digits, monkeypatch):
    def refuse(*args):
        raise AssertionError("rows were looked at")

    monkeypatch.setattr("sknielsen.diagnostics._chance.Evidence", refuse)
    classifier().fit(*digits)


def test_an_eta_that_shakes_the_weights_is_not_blamed_on_the_penalty(digits):
    clf = classifier(eta=500.0, eta_schedule="taper", lmbda=0.5, max_iter=4)
    (sentence,) = sentences(clf.fit, *digits)
    assert "eta=500 is too large" in sentence
    assert "penalty" not in str(diagnose(clf, *digits))


@pytest.mark.parametrize("eta", [30.0, 500.0])
def test_a_taper_is_judged_by_the_eta_that_it_begins_with(eta, digits):
    clf = classifier(eta=eta, eta_schedule="taper")
    (sentence,) = sentences(clf.fit, *digits)
    assert f"eta={eta:g} is too large" in sentence
    assert f"instead of {eta:g}" in str(diagnose(clf, *digits))


def test_the_steps_of_a_batch_size_that_depends_on_a_cluster_are_not_counted():
    X = np.random.default_rng(0).normal(size=(500, 2))
    y = np.random.default_rng(1).integers(0, 2, 500)
    clf = classifier(5, max_iter=11)
    assert len(sentences(clf.fit, X, y)) == 1
    clf.set_params(batch_size="auto")  # as on Dask
    (finding,) = (one for one in diagnose(clf, X, y) if one.code == "nothing_learnt")
    assert "the features, as they are given, tell the network next to nothing" in finding.sentence
