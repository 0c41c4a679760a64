import doctest
import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sknielsen import MLPSigmoidClassifier
from sknielsen._translate import NO_COUNTERPART, SAME
from sknielsen.schedules import Plateau, Taper

SGD = {"solver": "sgd", "activation": "logistic", "nesterovs_momentum": False}


def translate(n_samples=None, **parameters):
    """Translate parameters of which each has a counterpart: a warning would be an error."""
    given = MLPClassifier(**SGD | parameters).get_params()
    return MLPSigmoidClassifier.from_mlp_parameters(given, n_samples=n_samples)


def message(**parameters):
    """Return the one warning of a translation."""
    with pytest.warns(UserWarning, match="without a counterpart") as caught:
        MLPSigmoidClassifier.from_mlp_parameters(MLPClassifier(**parameters).get_params())
    assert len(caught) == 1
    assert caught[0].filename == __file__
    return str(caught[0].message)


def named(**parameters):
    """List the parameters that the warning names."""
    return re.findall(r"^  (\w+)=\S+: ", message(**parameters), re.MULTILINE)


# --- what has a counterpart ----------------------------------------------------------------------


@pytest.mark.parametrize("n_labels", [2, 10])
def test_epochs_with_a_penalty_are_those_of_mlp_classifier(n_labels):
    X, y = load_digits(return_X_y=True)
    X, y = X[y < n_labels][:300] / 16, y[y < n_labels][:300]
    theirs = MLPClassifier(
        **SGD,
        alpha=0.5,
        batch_size=20,
        learning_rate_init=0.3,
        momentum=0,
        shuffle=False,
        max_iter=2,
        warm_start=True,
        hidden_layer_sizes=(12, 8),
    )
    assert_equal_training(theirs, X, y)


def test_momentum_is_that_of_mlp_classifier():
    X, y = load_digits(return_X_y=True)
    theirs = MLPClassifier(
        **SGD,
        alpha=0,
        learning_rate_init=0.1,
        momentum=0.8,
        shuffle=False,
        max_iter=3,
        warm_start=True,
        hidden_layer_sizes=12,
    )
    assert_equal_training(theirs, X[:1000] / 16, y[:1000], fresh_velocity=True)


def assert_equal_training(theirs, X, y, fresh_velocity=False):
    """Train both from the same weights, and compare what becomes of them."""
    ours = MLPSigmoidClassifier.from_mlp_parameters(theirs.get_params(), n_samples=len(X))
    if len(np.unique(y)) > 2:
        ours.set_params(cost="log_likelihood")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X, y), ours.fit(X, y)
        before = ours.coefs_ = [w.copy(order="F") for w in theirs.coefs_]
        ours.intercepts_ = [b.copy() for b in theirs.intercepts_]
        if fresh_velocity:  # a warm fit of theirs begins with an optimiser of its own
            ours.velocity_ = [[np.zeros_like(a) for a in part] for part in ours.velocity_]
        theirs.fit(X, y), ours.fit(X, y)
    for w, v, old in zip(ours.coefs_, theirs.coefs_, before):
        np.testing.assert_allclose(w, v, rtol=1e-8, atol=1e-10)
        assert np.abs(w - old).max() > 0.01
    for b, c in zip(ours.intercepts_, theirs.intercepts_):
        np.testing.assert_allclose(b, c, rtol=1e-8, atol=1e-10)


def test_steps_are_translated():
    clf = translate(learning_rate_init=0.2, momentum=0.5, batch_size=32, max_iter=7)
    assert (clf.eta, clf.eta_schedule) == (0.2, "constant")
    assert (clf.momentum, clf.batch_size, clf.max_iter) == (0.5, 32, 7)


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_handed_on(name):
    value = {"hidden_layer_sizes": (5, 4), "random_state": 3}.get(name)
    value = not getattr(MLPClassifier(), name) if value is None else value
    assert getattr(translate(**{name: value}), name) == value


def test_a_batch_size_of_auto_is_200():
    assert translate().batch_size == 200


def test_verbose_is_a_number_here():
    assert translate(verbose=True).verbose == 1


def test_early_stopping_looks_at_the_accuracy():
    clf = translate(early_stopping=True, validation_fraction=0.2, n_iter_no_change=4, tol=0.01)
    assert clf.early_stopping
    assert clf.scoring == "accuracy"
    assert (clf.validation_fraction, clf.n_iter_no_change, clf.tol) == (0.2, 4, 0.01)


def test_endless_patience_is_that_of_all_epochs():
    clf = translate(early_stopping=True, n_iter_no_change=np.inf, max_iter=30)
    assert clf.n_iter_no_change == 30


@pytest.mark.parametrize(
    "parameters, n_samples, lmbda",
    [
        ({}, 1000, 1e-4 * 1000 / 200),
        ({}, 50, 1e-4),
        ({"alpha": 0.1, "batch_size": 50}, 400, 0.8),
        ({"alpha": 0.1, "batch_size": 50, "early_stopping": True}, 401, 0.1 * 360 / 50),
        ({"alpha": 0}, None, 0),
        ({}, None, "auto"),
    ],
)
def test_the_penalty_is_translated(parameters, n_samples, lmbda):
    assert translate(n_samples, **parameters).lmbda == pytest.approx(lmbda)


def test_the_penalty_of_lbfgs_is_divided_by_all_rows():
    with pytest.warns(UserWarning, match="solver='lbfgs'"):
        clf = MLPSigmoidClassifier.from_mlp_parameters({"solver": "lbfgs", "alpha": 0.3})
    assert clf.lmbda == 0.3


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}])
def test_the_result_can_be_trained_and_cloned(parameters):
    X, y = load_digits(return_X_y=True)
    given = SGD | {"learning_rate_init": 0.5, "max_iter": 5, "random_state": 0} | parameters
    clf = clone(MLPSigmoidClassifier.from_mlp_parameters(given, n_samples=len(X)))
    assert clf.fit(X / 16, y).score(X / 16, y) > 0.5


def test_the_example_is_true():
    (example,) = doctest.DocTestFinder().find(
        MLPSigmoidClassifier.from_mlp_parameters,
        globs={"MLPSigmoidClassifier": MLPSigmoidClassifier},
    )
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(example) == (0, 2)


# --- what has none -------------------------------------------------------------------------------


def test_the_defaults_there_are_named_since_they_are_another_method():
    assert named() == ["activation", "solver"]


def test_under_adam_the_steps_keep_the_defaults_here():
    with pytest.warns(UserWarning, match="solver='adam'"):
        clf = MLPSigmoidClassifier.from_mlp_parameters(MLPClassifier().get_params())
    assert clf.get_params() == MLPSigmoidClassifier().get_params()


def test_under_adam_sizes_that_were_chosen_are_kept():
    with pytest.warns(UserWarning, match="solver='adam'"):
        clf = MLPSigmoidClassifier.from_mlp_parameters({"batch_size": 32, "max_iter": 50})
    assert (clf.batch_size, clf.max_iter) == (32, 50)


@pytest.mark.parametrize(
    "parameters, names",
    [
        ({"solver": "adam", "beta_1": 0.8}, ["solver", "beta_1"]),
        ({"solver": "adam", "beta_2": 0.8, "epsilon": 1e-5}, ["solver", "beta_2", "epsilon"]),
        ({"solver": "adam", "learning_rate_init": 0.01}, ["solver", "learning_rate_init"]),
        ({"solver": "adam", "early_stopping": True}, ["solver", "early_stopping"]),
        ({"solver": "lbfgs", "max_iter": 50, "max_fun": 9}, ["solver", "max_iter", "max_fun"]),
        ({"solver": "sgd", "momentum": 0.9}, ["nesterovs_momentum"]),
        ({"solver": "sgd", "momentum": 0, "alpha": 0.1}, ["alpha"]),
        ({"solver": "sgd", "momentum": 0, "tol": 0.1}, ["tol"]),
        ({"solver": "sgd", "momentum": 0, "n_iter_no_change": 5}, ["n_iter_no_change"]),
        (
            {"solver": "sgd", "momentum": 0, "learning_rate": "invscaling", "power_t": 0.3},
            ["learning_rate", "power_t"],
        ),
        ({"solver": "sgd", "momentum": 0, "learning_rate": "adaptive"}, ["learning_rate"]),
    ],
)
def test_what_has_no_counterpart_is_named(parameters, names):
    assert named(activation="logistic", **parameters) == names


def test_what_has_no_effect_there_is_not_named():
    clf = translate(beta_1=0.5, max_fun=3, power_t=0.1)
    assert clf.get_params() == translate().get_params()


def test_schedules_that_are_alike_stand_in():
    with pytest.warns(UserWarning, match="Taper"):
        inverse = MLPSigmoidClassifier.from_mlp_parameters(SGD | {"learning_rate": "invscaling"})
    assert isinstance(inverse.eta_schedule, Taper)
    with pytest.warns(UserWarning, match="Plateau"):
        adaptive = MLPSigmoidClassifier.from_mlp_parameters(
            SGD | {"learning_rate": "adaptive", "early_stopping": True, "n_iter_no_change": 3}
        )
    schedule = adaptive.eta_schedule
    assert isinstance(schedule, Plateau)
    assert (schedule.factor, schedule.patience) == (0.2, 3)
    assert adaptive.n_iter_no_change == adaptive.max_iter  # eta falls, where it would stop


def test_each_is_named_on_a_short_line_of_its_own():
    shown = [f"  {name}=12345: {advice}" for name, _, advice in NO_COUNTERPART]
    assert max(map(len, shown)) < 80
    assert not [line for line in shown if line.endswith(".") or "\n" in line]


@pytest.mark.parametrize(
    "name, value",
    [
        ("learning_rate_init", -1),
        ("learning_rate", "falling"),
        ("batch_size", None),
        ("batch_size", 0),
        ("alpha", "x"),
        ("verbose", "yes"),
    ],
)
def test_a_value_that_mlp_classifier_does_not_accept_raises(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of MLPClassifier"):
        MLPSigmoidClassifier.from_mlp_parameters(SGD | {name: value}, n_samples=100)


@pytest.mark.parametrize(
    "given, came",
    [
        ({"eta": 0.5}, "'eta', which it does not have"),
        (make_pipeline(MLPClassifier()).get_params(), "'memory', which it does not have"),
        (MLPClassifier(), "MLPClassifier"),
    ],
)
def test_what_are_no_parameters_of_an_mlp_classifier_raises(given, came):
    with pytest.raises(TypeError, match=rf"get_params\(\) .* its step; got {came}\."):
        MLPSigmoidClassifier.from_mlp_parameters(given)
