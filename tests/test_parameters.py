"""The parameters: the table of their checks, what follows from them, and what they do."""

import inspect
import pickle
from dataclasses import FrozenInstanceError, fields
from itertools import pairwise

import numpy as np
import pytest
from helpers import assert_same_model
from scipy.special import expit

from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen._parameters import CHECKS, Parameters
from sknielsen.core.stopping import Patience
from sknielsen.costs import COSTS, CrossEntropy
from sknielsen.initializers import INITIALIZERS, scaled
from sknielsen.penalties import L2, PENALTIES
from sknielsen.schedules import SCHEDULES, Constant, Piecewise, Taper

# --- the table of checks ------------------------------------------------------------------------


def test_the_table_the_constructor_and_the_fields_have_the_same_names():
    names = list(inspect.signature(MLPSigmoidClassifier).parameters)
    assert sorted(CHECKS) == sorted(names)
    assert [field.name for field in fields(Parameters)] == [*CHECKS, "streaming"]


def test_the_defaults_pass_their_checks():
    parameters = Parameters.of(MLPSigmoidClassifier())
    defaults = MLPSigmoidClassifier().get_params()
    same = {
        name: getattr(parameters, name) == default
        for name, default in defaults.items()
        if not isinstance(default, (str, tuple))
    }
    assert all(same.values()), same


# For each parameter a value of a wrong kind and one that is out of range, where there is one.
WRONG = {
    "hidden_layer_sizes": (2.5, (5, 0)),
    "cost": (3, "hinge"),
    "eta": ("0.5", 0.0),
    "eta_schedule": (0.5, "cosine"),
    "lmbda": (None, -1),
    "penalty": (3, "l3"),
    "dropout": ("half", 1.0),
    "momentum": ("0.5", 1),
    "weight_init": (3, "tiny"),
    "init_scale": (None, -1),
    "augment": ("gentle", ImageAugmenter),
    "batch_size": ("auto", 0),
    "max_iter": (2.0, 0),
    "early_stopping": ("yes", 1),
    "validation_fraction": (None, 1.0),
    "n_iter_no_change": (1.5, 0),
    "tol": ("1e-4", -1e-4),
    "scoring": (3, "acuracy"),
    "class_weight": ([1.0], "even"),
    "n_total": ("300", 0),
    "monitor_samples": (0.5, -1),
    "shuffle": (None, 1),
    "warm_start": ("no", 0),
    "verbose": ("much", -1),
    "on_interrupt": (3, "stop"),
}
ELSEWHERE = {"random_state"}  # checked by scikit-learn, where the seed is drawn


def test_wrong_values_are_known_of_every_parameter():
    assert set(WRONG) | ELSEWHERE == set(CHECKS)


@pytest.mark.parametrize("which", ["kind", "value"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_kind_and_a_wrong_value_are_errors_that_name_the_parameter(name, which):
    value = WRONG[name][which == "value"]
    with pytest.raises((TypeError, ValueError), match=f"^`{name}`") as error:
        Parameters.of(MLPSigmoidClassifier(**{name: value}))
    shown = value[-1] if isinstance(value, tuple) else value
    assert f"got {shown!r}" in str(error.value)


@pytest.mark.parametrize("name", [field.name for field in fields(Parameters)])
def test_parameters_cannot_be_changed(name):
    parameters = Parameters.of(MLPSigmoidClassifier())
    with pytest.raises(FrozenInstanceError):
        setattr(parameters, name, None)


def test_names_become_what_they_stand_for_and_numbers_built_in_ones():
    clf = MLPSigmoidClassifier(
        np.array([5, 4]), cost="quadratic", penalty="l1", eta_schedule=[(2, 0.5), (1, 0.1)],
        weight_init="large", scoring="f1_macro", eta=np.float32(0.5), max_iter=np.int8(3),
        dropout=[0, 0.5, 0.25], shuffle=np.bool_(True), verbose=True,
    )  # fmt: skip
    parameters = Parameters.of(clf)
    assert parameters.cost is COSTS["quadratic"]
    assert parameters.penalty is PENALTIES["l1"]
    assert parameters.weight_init is INITIALIZERS["large"]
    assert parameters.eta_schedule(2, {"eta": [0.5, 0.5]}, 9.0, 3) == 0.1
    assert callable(parameters.scoring)
    assert parameters.hidden_layer_sizes == (5, 4)
    assert parameters.dropout == (0.0, 0.5, 0.25)
    for value, kind in (
        (parameters.eta, float), (parameters.max_iter, int), (parameters.shuffle, bool),
        (parameters.verbose, int), (parameters.hidden_layer_sizes[0], int),
    ):  # fmt: skip
        assert type(value) is kind
    assert vars(clf)["cost"] == "quadratic"  # the estimator's own stay as they were given


def test_what_is_given_instead_takes_the_place_of_the_estimators_own():
    clf = MLPSigmoidClassifier(batch_size="of another kind", max_iter=7)
    parameters = Parameters.of(clf, batch_size=5)
    assert (parameters.batch_size, parameters.max_iter) == (5, 7)


# --- what follows from them ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dropout", "keep"),
    [(0.25, [1.0, 0.75, 0.75]), ((0.5, 0.0, 0.25), [0.5, 1.0, 0.75]), (0, [1.0, 1.0, 1.0])],
)
def test_units_are_kept_where_dropout_does_not_drop_them(dropout, keep):
    assert Parameters.of(MLPSigmoidClassifier((5, 4), dropout=dropout)).keep == keep


@pytest.mark.parametrize("streaming", [False, True])
def test_a_stream_trains_one_epoch_and_neither_stops_nor_keeps(streaming):
    clf = MLPSigmoidClassifier(
        early_stopping=True, n_iter_no_change=4, tol=0.5, max_iter=9, on_interrupt="keep"
    )
    parameters = Parameters.of(clf, streaming=streaming)
    assert parameters.n_epochs == (1 if streaming else 9)
    assert parameters.patience == (None if streaming else Patience(4, 0.5))
    assert parameters.keeps_interrupted is not streaming
    assert parameters.needs_validation


def test_validation_is_needed_for_early_stopping_and_for_schedules_that_ask_for_it():
    assert not Parameters.of(MLPSigmoidClassifier()).needs_validation
    assert Parameters.of(MLPSigmoidClassifier(eta_schedule="plateau")).needs_validation


def test_a_schedule_that_ends_training_leaves_a_stream_at_its_last_eta():
    clf = MLPSigmoidClassifier(eta_schedule=lambda epoch, history, eta, max_iter: None)
    history = {"epoch": [1], "eta": [0.25]}
    assert Parameters.of(clf).next_eta(history) is None
    assert Parameters.of(clf, streaming=True).next_eta(history) == 0.25
    for streaming in (False, True):
        with pytest.raises(TypeError, match="eta from `eta_schedule` must be a number"):
            Parameters.of(clf, streaming=streaming).next_eta({"epoch": [], "eta": []})


def test_the_output_activation_has_a_name_unless_it_is_the_users_own(small):
    assert Parameters.of(small(cost="log_likelihood")).out_activation == "softmax"
    assert Parameters.of(small(cost="quadratic")).out_activation == "sigmoid"


# --- in a training ------------------------------------------------------------------------------


def fitted_bytes(classifier):
    """All that a fit has left in a classifier, as bytes."""
    fitted = {name: value for name, value in vars(classifier).items() if name.endswith("_")}
    return pickle.dumps(fitted)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"hidden_layer_sizes": 0}, ValueError, r"`hidden_layer_sizes`.*\[1, inf\).*; got 0"),
        ({"hidden_layer_sizes": (5, -1)}, ValueError, "`hidden_layer_sizes`.*got -1"),
        ({"hidden_layer_sizes": 2.5}, TypeError, "`hidden_layer_sizes`.*integer.*got 2.5"),
        ({"hidden_layer_sizes": "big"}, TypeError, "`hidden_layer_sizes`.*got 'big'"),
        ({"cost": "hinge"}, ValueError, "`cost` must be one of .*quadratic.*got 'hinge'"),
        ({"cost": CrossEntropy}, TypeError, "`cost`.*`activation`, `value` and `delta`"),
        ({"eta": 0}, ValueError, r"`eta` must be a number in \(0, inf\); got 0"),
        ({"eta": float("nan")}, ValueError, "`eta`.*got nan"),
        ({"eta": float("inf")}, ValueError, "`eta`.*got inf"),
        ({"eta": "0.5"}, TypeError, "`eta`.*got '0.5'"),
        (
            {"eta": [(2, 0.5)]},
            TypeError,
            r"`eta` must be a number .*got \[\(2, 0.5\)\].*`eta_schedule`",
        ),
        ({"eta": np.array([0.5, 0.1])}, TypeError, "`eta` must be a number .*`eta_schedule`"),
        ({"eta": lambda *_: 0.5}, TypeError, "`eta` must be a number .*`eta_schedule`"),
        ({"eta_schedule": "cosine"}, ValueError, "`eta_schedule`.*'plateau'.*got 'cosine'"),
        ({"eta_schedule": []}, ValueError, r"`eta_schedule` as a list.*got \[\]"),
        (
            {"eta_schedule": 0.5},
            TypeError,
            r"`eta_schedule`.*a list of \(n_epochs, eta\).*got 0.5",
        ),
        ({"lmbda": -1}, ValueError, r"`lmbda`.*\[0, inf\) or 'auto'; got -1"),
        ({"lmbda": "some"}, TypeError, r"`lmbda`.*\[0, inf\) or 'auto'; got 'some'"),
        ({"penalty": "l3"}, ValueError, r"`penalty`.*\['l1', 'l2'\].*got 'l3'"),
        ({"dropout": 1.0}, ValueError, r"`dropout`.*\[0, 1\).*; got 1.0"),
        ({"dropout": [0.1]}, ValueError, "`dropout`.*each of the 1 hidden layers; got 1"),
        ({"dropout": [0.1, 1.5]}, ValueError, "`dropout`.*got 1.5"),
        ({"momentum": 1}, ValueError, r"`momentum`.*\[0, 1\); got 1"),
        ({"weight_init": "tiny"}, ValueError, "`weight_init`.*'scaled'.*got 'tiny'"),
        ({"init_scale": -1}, ValueError, "`init_scale`.*got -1"),
        ({"batch_size": 0}, ValueError, "`batch_size`.*got 0"),
        ({"batch_size": "auto"}, TypeError, "`batch_size`.*integer.*got 'auto'"),
        ({"max_iter": 0}, ValueError, r"`max_iter`.*\[1, inf\); got 0"),
        ({"early_stopping": 1}, TypeError, "`early_stopping` must be True or False; got 1"),
        ({"shuffle": "yes"}, TypeError, "`shuffle` must be True or False; got 'yes'"),
        ({"warm_start": None}, TypeError, "`warm_start` must be True or False; got None"),
        ({"validation_fraction": 1.0}, ValueError, r"`validation_fraction`.*\(0, 1\); got 1.0"),
        ({"n_iter_no_change": 0}, ValueError, "`n_iter_no_change`.*got 0"),
        ({"tol": -1e-3}, ValueError, "`tol`.*got -0.001"),
        ({"scoring": "acuracy"}, ValueError, "`scoring` must be.*'cost'.*; got 'acuracy'"),
        ({"class_weight": "even"}, TypeError, "`class_weight`.*'balanced' or None; got 'even'"),
        ({"class_weight": {42: 1.0}}, ValueError, r"`class_weight` names \[42\], not among"),
        ({"class_weight": {0: -1.0}}, ValueError, "`class_weight`.*got -1.0"),
        ({"n_total": 0}, ValueError, "`n_total`.*got 0"),
        ({"monitor_samples": -1}, ValueError, "`monitor_samples`.*got -1"),
        ({"random_state": "seed"}, TypeError, "`random_state` must be None, .* got 'seed'"),
        ({"random_state": -1}, ValueError, "`random_state` must be None, .* got -1"),
        ({"verbose": -1}, ValueError, "`verbose`.*got -1"),
        (
            {"weight_init": lambda rng, n_in, n_out: (np.zeros((n_out, n_in)), np.zeros(n_out))},
            ValueError,
            r"`weight_init` must return shapes \(64, 8\) and \(8,\); got \(8, 64\)",
        ),
    ],
)
def test_a_parameter_out_of_range_is_named_and_changes_nothing(
    parameters, error, message, small, digits
):
    clf = small().fit(*digits)
    before = fitted_bytes(clf)
    with pytest.raises(error, match=message):
        clf.set_params(**parameters).fit(*digits)
    assert fitted_bytes(clf) == before


def test_every_parameter_but_the_first_is_keyword_only():
    with pytest.raises(TypeError, match="positional"):
        MLPSigmoidClassifier((10,), "quadratic")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("cost", name) for name in COSTS],
        *[("penalty", name) for name in PENALTIES],
        *[("weight_init", name) for name in INITIALIZERS],
        *[("eta_schedule", name) for name in SCHEDULES],
    ],
)
def test_every_named_choice_trains(name, value, small, digits):
    clf = small(lmbda=0.1, max_iter=20, eta=1.0, **{name: value}).fit(*digits)
    assert clf.score(*digits) > 0.5


@pytest.mark.parametrize(
    ("named", "object_"),
    [
        ({"cost": "cross_entropy"}, {"cost": CrossEntropy()}),
        ({"penalty": "l2"}, {"penalty": L2()}),
        ({"weight_init": "scaled"}, {"weight_init": scaled}),
        ({"eta_schedule": "constant"}, {"eta_schedule": Constant()}),
        (
            {"eta_schedule": [(1, 0.3), (2, 0.1)]},
            {"eta_schedule": Piecewise([(1, 0.3), (2, 0.1)])},
        ),
        ({"eta_schedule": "taper"}, {"eta_schedule": Taper()}),
        ({"hidden_layer_sizes": (8,)}, {"hidden_layer_sizes": 8}),
        ({"dropout": 0.3}, {"dropout": (0.0, 0.3)}),
    ],
)
def test_a_name_and_its_object_train_alike(named, object_, small, digits):
    assert_same_model(
        small(lmbda=1.0, **named).fit(*digits), small(lmbda=1.0, **object_).fit(*digits)
    )


@pytest.mark.parametrize("cost", sorted(COSTS))
@pytest.mark.parametrize("hidden", [(), 5, (6, 5), [7, 6, 5]])
def test_any_depth(hidden, cost, small, digits):
    X, y = digits
    clf = small(hidden_layer_sizes=hidden, cost=cost).fit(X, y)
    sizes = [64, *np.atleast_1d(np.array(hidden, int)), 10]
    assert [w.shape for w in clf.coefs_] == list(pairwise(sizes))
    assert [b.shape for b in clf.intercepts_] == [(n,) for n in sizes[1:]]


def test_lmbda_means_the_same_for_every_batch_size(small, digits):
    """In one epoch weights with no gradient shrink by nearly the same factor."""
    X, y = digits
    X = np.c_[X, np.zeros(len(X))]  # the last input is always zero
    shrunk = []
    for batch_size in (1, 10, 100):
        start = small(max_iter=1, batch_size=batch_size, eta=1e-9).fit(X, y)
        # eta grows with the batch, so that eta * number of steps is the same
        clf = small(max_iter=1, batch_size=batch_size, eta=0.001 * batch_size, lmbda=3.0)
        shrunk.append((clf.fit(X, y).coefs_[0][-1] / start.coefs_[0][-1]).mean())
    np.testing.assert_allclose(shrunk, np.exp(-0.001 * 3.0), rtol=1e-5)


def test_weight_init_and_init_scale_draw_the_first_weights(small, digits):
    one = small(eta=1e-12, max_iter=1).fit(*digits)
    other = small(eta=1e-12, max_iter=1, init_scale=3.0).fit(*digits)
    np.testing.assert_allclose(other.coefs_[0], 3 * one.coefs_[0], rtol=1e-6)
    np.testing.assert_allclose(other.intercepts_[0], one.intercepts_[0], rtol=1e-6)


def test_a_custom_cost_with_its_own_activation_predicts_by_it(small, binary):
    class Cubed(CrossEntropy):
        @staticmethod
        def activation(z):
            z[...] = expit(z) ** 3
            return z

        def value(self, z, y):
            return ((expit(z) ** 3 - y) ** 2).sum(axis=1) / 2

        def delta(self, a, y, out):
            out[...] = (a - y) * 3 * a * (1 - np.cbrt(a))

    X, y = binary
    clf = small(cost=Cubed(), max_iter=50, eta=3.0).fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], expit(clf.decision_function(X)) ** 3)
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("seed", [0, 2**32 - 1, None, np.int64(3), np.random.RandomState(0)])
def test_seeds_are_taken_as_they_are(seed):
    assert CHECKS["random_state"]("random_state", seed) is seed


@pytest.mark.parametrize("seed", [-1, 2**32, True + 2**40, "a", 0.5])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(
        (TypeError, ValueError), match="`random_state` must be None, an integer in"
    ):
        CHECKS["random_state"]("random_state", seed)
