"""The suggested eta, on rows and estimators of every kind."""

import copy
import pickle
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknielsen import MLPSigmoidClassifier, find_eta
from sknielsen.costs import CrossEntropy
from sknielsen.datasets import fetch_mnist
from sknielsen.penalties import L2


@pytest.fixture(scope="module")
def all_digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def quick(estimator, X, y, **given):
    return find_eta(estimator, X, y, **({"n_steps": 50, "n_samples": 300} | given))


# --- what it suggests ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_it_suggests_about_the_usual_eta_for_digits(seed, all_digits):
    found = find_eta(MLPSigmoidClassifier(30), *all_digits, random_state=seed)
    assert 0.25 <= found.eta <= 2.5
    assert found.eta == found.threshold / 2
    assert found.learns
    assert found.n_steps == 100
    assert found.n_rows == 1000


@pytest.mark.parametrize(
    ("load", "low", "high"), [(load_breast_cancer, 0.1, 1), (load_wine, 0.5, 5)]
)
def test_it_suggests_an_eta_for_tables(load, low, high):
    X, y = load(return_X_y=True)
    found = find_eta(make_pipeline(StandardScaler(), MLPSigmoidClassifier(lmbda=0.0)), X, y)
    assert low <= found.eta <= high


def test_inverted_pixels_need_a_far_smaller_eta(all_digits):
    X, y = all_digits
    rng = np.random.default_rng(0)
    margin = np.zeros((len(X), 400))  # of white, as digits of 28 by 28 pixels have
    wide = np.hstack([X, margin]) + 0.01 * rng.random((len(X), 464))
    found, inverted = (find_eta(MLPSigmoidClassifier(30), rows, y) for rows in (wide, 1 - wide))
    assert 3 <= found.eta / inverted.eta <= 50


@pytest.mark.mnist
def test_inverted_mnist_needs_about_a_tenth_of_the_eta_of_mnist():
    X, y = fetch_mnist(return_X_y=True)
    found, inverted = (find_eta(MLPSigmoidClassifier(), rows, y) for rows in (X, 1 - X))
    assert 0.2 <= found.eta <= 1
    assert 4 <= found.eta / inverted.eta <= 25


def test_momentum_needs_a_smaller_eta_and_the_quadratic_cost_a_larger_one(all_digits):
    usual, momentum, quadratic = (
        find_eta(MLPSigmoidClassifier(30, **given), *all_digits).eta
        for given in ({}, {"momentum": 0.9}, {"cost": "quadratic"})
    )
    assert momentum < usual < quadratic


def test_unscaled_inputs_need_a_smaller_eta_and_extend_the_grid_downwards(all_digits):
    X, y = all_digits
    scaled = quick(MLPSigmoidClassifier(()), X, y)
    unscaled = quick(MLPSigmoidClassifier((), momentum=0.9), X * 8, y)
    assert unscaled.eta < scaled.eta / 10
    assert unscaled.etas[0] < 0.01 <= scaled.etas[0]


def test_where_nothing_is_learnt_in_few_steps_more_are_made_if_the_network_is_small(digits):
    X, y = digits
    y = np.random.default_rng(0).permutation(y)
    found = find_eta(MLPSigmoidClassifier((8, 8, 8)), X, y, etas=[0.1, 1.0])
    assert found.n_steps >= 1000
    few = find_eta(MLPSigmoidClassifier((8, 8, 8)), X, y, etas=[0.1, 1.0], n_steps=30)
    assert few.n_steps == 30
    assert not few.learns
    assert "No eta got clearly below the cost of chance" in repr(few)


# --- whatever the estimator ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {"cost": "log_likelihood"},
        {"cost": CrossEntropy()},
        {"batch_size": None},
        {"batch_size": 128},
        {"penalty": L2(), "lmbda": 1.0},
        {"penalty": "l1", "lmbda": 1.0},
        {"dropout": 0.3},
        {"hidden_layer_sizes": ()},
        {"class_weight": "balanced"},
        {"early_stopping": True, "scoring": "cost"},
        {"eta_schedule": "taper"},
        {"eta_schedule": [(3, 0.1)]},
        {"warm_start": True, "verbose": 1, "monitor_samples": 0, "max_iter": 1},
    ],
    ids=str,
)
def test_every_kind_of_estimator_gets_a_suggestion_quietly(parameters, digits, capsys):
    clf = MLPSigmoidClassifier(**({"hidden_layer_sizes": 8} | parameters))
    found = quick(clf, *digits)
    assert found.eta > 0
    assert np.isfinite(found.costs.min())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("container", [csr_matrix, pd.DataFrame, np.ndarray.tolist])
def test_rows_may_come_in_any_container(container, digits, small):
    X, y = digits
    found = quick(small(), container(X), y, n_samples=100)
    assert found.eta == quick(small(), X, y, n_samples=100).eta


def test_targets_may_be_multilabel_or_two_classes(multilabel, binary, small):
    for X, y in (multilabel, binary):
        assert quick(small(), X, y, n_samples=100).eta > 0


def test_every_class_is_in_the_sample(digits, small):
    X, y = digits
    y = np.where(np.arange(len(y)) == 17, "one of its kind", "another")
    assert quick(small(), X, y, n_samples=20, etas=[0.1]).n_rows == 20


def test_a_pipeline_transforms_the_sample_once(digits, small):
    X, y = digits
    calls = []

    class Counting(MinMaxScaler):
        def fit_transform(self, X, y=None):
            calls.append(len(X))
            return super().fit_transform(X, y)

    pipeline = make_pipeline(Counting(), small())
    found = quick(pipeline, X * 50, y, n_samples=200)
    assert calls == [200]
    rows = MinMaxScaler().fit_transform(X)
    assert found.eta == pytest.approx(quick(small(), rows, y, n_samples=200).eta, rel=1.5)
    assert not hasattr(pipeline[0], "scale_")


def test_of_a_search_the_best_estimator_is_taken_else_the_inner_one(digits, small):
    X, y = digits
    search = GridSearchCV(small(), {"cost": ["quadratic"]}, cv=2)
    assert quick(search, X, y).eta == quick(small(), X, y).eta
    assert quick(search.fit(X, y), X, y).eta == quick(small(cost="quadratic"), X, y).eta


# --- what it leaves alone -----------------------------------------------------------------------


def test_the_estimator_stays_as_it_is(digits, small):
    clf = small().fit(*digits)
    before = copy.deepcopy(vars(clf))
    quick(clf, *digits)
    assert pickle.dumps(vars(clf)["history_"]) == pickle.dumps(before["history_"])
    assert vars(clf).keys() == before.keys()
    assert clf.get_params() == {n: before[n] for n in clf.get_params()}
    for w, kept in zip(clf.coefs_, before["coefs_"]):
        np.testing.assert_array_equal(w, kept)


def test_it_is_deterministic_and_ignores_the_generator_of_the_estimator(digits):
    generator = np.random.RandomState(0)
    clf = MLPSigmoidClassifier(8, random_state=generator)
    first, second = quick(clf, *digits), quick(clf, *digits)
    np.testing.assert_array_equal(first.costs, second.costs)
    assert generator.randint(1000) == np.random.RandomState(0).randint(1000)
    assert not np.array_equal(first.costs, quick(clf, *digits, random_state=1).costs)


def test_it_warns_of_nothing_that_its_trials_do(digits, small):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(small(lmbda=200.0), *digits)


@pytest.mark.skipif(not find_spec("sklearn.callback"), reason="callbacks need scikit-learn 1.9")
def test_callbacks_are_not_called(digits, small):
    clf = small()
    from sknielsen.callbacks import EarlyStopping

    clf.set_callbacks(EarlyStopping(time_limit=1e-9))
    assert quick(clf, *digits).n_steps == 60
    assert len(clf._skl_callbacks) == 1


# --- grid, words and errors ---------------------------------------------------------------------


def test_etas_that_are_given_are_the_grid(digits, small):
    found = quick(small(), *digits, etas=[1.0, 0.1, 0.1, 1e5])
    np.testing.assert_array_equal(found.etas, [0.1, 1.0, 1e5])
    assert found.costs.shape == (3,)
    assert found.threshold in (0.1, 1.0)


def test_an_eta_that_cannot_be_used_counts_as_divergence(digits, small):
    found = quick(small(lmbda=1.0), *digits, etas=[0.1, 1e4])
    assert found.costs[1] == np.inf
    assert "diverged" in repr(found)


def test_the_penalty_is_that_of_all_rows(all_digits):
    clf = MLPSigmoidClassifier(8, lmbda=500.0)
    found = quick(clf, *all_digits, n_samples=100, etas=[0.5, 3.0])
    assert np.isfinite(found.costs).all()  # eta * lmbda / n is below 1 for 1,797 rows


def test_a_suggestion_reads_well_in_a_terminal(digits, small):
    text = repr(quick(small(), *digits))
    assert text.startswith("eta = ")
    assert text.count("threshold") == 2
    assert max(map(len, text.splitlines())) < 80


def test_what_is_wrong_is_an_error(digits, small):
    X, y = digits
    with pytest.raises(TypeError, match=r"MLPSigmoidClassifier is needed.*got LogisticRegression"):
        find_eta(LogisticRegression(), X, y)
    with pytest.raises(TypeError, match="got Pipeline with LogisticRegression inside"):
        find_eta(make_pipeline(StandardScaler(), LogisticRegression()), X, y)
    with pytest.raises(TypeError, match="got MLPSigmoidClassifier"):
        find_eta(MLPSigmoidClassifier, X, y)
    with pytest.raises(ValueError, match="`lmbda`"):
        find_eta(small(lmbda=-1), X, y)
    with pytest.raises(ValueError, match="each of `etas`"):
        find_eta(small(), X, y, etas=[0.1, -1])
    with pytest.raises(ValueError, match="list of etas"):
        find_eta(small(), X, y, etas=[])
    with pytest.raises(ValueError, match="`n_steps`"):
        find_eta(small(), X, y, n_steps=0)
    with pytest.raises(TypeError, match="`random_state`"):
        find_eta(small(), X, y, random_state=None)
    with pytest.raises(ValueError, match="inconsistent"):
        find_eta(small(), X, y[:-1])
    with pytest.raises(ValueError, match="NaN"):
        find_eta(small(), np.where(X > 0.9, np.nan, X), y)
