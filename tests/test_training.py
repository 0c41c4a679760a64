import pickle
import warnings
from itertools import pairwise

import backpropagation
import numpy as np
import pandas as pd
import pytest
from helpers import weights_of
from sklearn.metrics import balanced_accuracy_score, get_scorer, log_loss, make_scorer
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import LabelBinarizer

from sknielsen import MLPSigmoidClassifier
from sknielsen.core.data import Data
from sknielsen.core.engine import Descent, LocalEngine
from sknielsen.core.loop import train
from sknielsen.core.network import Network, zeros_like
from sknielsen.core.state import HISTORY, initial_weights
from sknielsen.core.stopping import Patience
from sknielsen.costs import COSTS, CrossEntropy
from sknielsen.initializers import INITIALIZERS
from sknielsen.penalties import PENALTIES
from sknielsen.schedules import Plateau


class Interrupt(CrossEntropy):
    """Cross-entropy under which Ctrl-C comes at the given mini-batch."""

    def __init__(self, at):
        self.at = at
        self.n_calls = 0

    def delta(self, a, y, out):
        self.n_calls += 1
        if self.n_calls == self.at:
            raise KeyboardInterrupt
        super().delta(a, y, out)


class Recorder(CrossEntropy):
    """Cross-entropy that keeps the outputs and the targets of every mini-batch."""

    def __init__(self):
        self.outputs, self.targets = [], []

    def delta(self, a, y, out):
        self.outputs.append(a.copy())
        self.targets.append(y.copy())
        super().delta(a, y, out)


def given_weights(rng, n_in, n_out):
    """Initial weights that do not depend on random_state."""
    rng = np.random.default_rng((n_in, n_out))
    return rng.standard_normal((n_in, n_out)) / n_in**0.5, rng.standard_normal(n_out)


@pytest.fixture
def split(digits):
    X, y = digits
    return (X[:200], y[:200]), {"X_val": X[200:], "y_val": y[200:]}


@pytest.mark.parametrize("hidden", [(), (7,), (9, 6)])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_one_epoch_equals_that_of_mlp_classifier(kind, hidden, digits, multilabel, small):
    X, y = multilabel if kind == "multilabel" else digits
    y = y % 2 if kind == "binary" else y
    peer = MLPClassifier(
        hidden, activation="logistic", solver="sgd", momentum=0, alpha=0, batch_size=10,
        learning_rate_init=0.3, max_iter=1, shuffle=False, random_state=0, warm_start=True,
    )  # fmt: skip
    ours = small(
        hidden_layer_sizes=hidden, eta=0.3, batch_size=10, shuffle=False,
        cost="log_likelihood" if kind == "multiclass" else "cross_entropy",
        warm_start=True, max_iter=1,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="Maximum iterations"):
        peer.fit(X, y)
    ours.fit(X, y)
    ours.coefs_ = [w.copy(order="F") for w in peer.coefs_]
    ours.intercepts_ = [b.copy() for b in peer.intercepts_]
    with pytest.warns(UserWarning, match="Maximum iterations"):
        peer.fit(X, y)
    ours.fit(X, y)
    for mine, theirs in zip(ours.coefs_ + ours.intercepts_, peer.coefs_ + peer.intercepts_):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), peer.predict(X))


def epoch_by_equations(
    weights, biases, X, Y, cost, row_weight, *, eta, lmbda, penalty, momentum, batch_size, n
):
    """One epoch in the order of the rows, from the gradients of one sample at a time."""
    weights, biases = list(weights), list(biases)
    v_weights, v_biases = [0 * w for w in weights], [0 * b for b in biases]
    rate = eta * lmbda / n
    for start in range(0, len(X), batch_size):
        rows = range(start, min(start + batch_size, len(X)))
        steps_w, steps_b = [0 * w for w in weights], [0 * b for b in biases]
        for i in rows:
            by_weights, by_biases = backpropagation.gradients(weights, biases, X[i], Y[i], cost)
            factor = -eta * row_weight[i] / (len(rows) * row_weight.mean())
            for layer in range(len(weights)):
                steps_w[layer] = steps_w[layer] + factor * by_weights[layer]
                steps_b[layer] = steps_b[layer] + factor * by_biases[layer]
        for layer, w in enumerate(weights):
            v_weights[layer] = momentum * v_weights[layer] + steps_w[layer]
            v_biases[layer] = momentum * v_biases[layer] + steps_b[layer]
            shrunk = (1 - rate) * w if penalty == "l2" else w - rate * np.sign(w)
            weights[layer] = shrunk + v_weights[layer]
            biases[layer] = biases[layer] + v_biases[layer]
    return weights + biases


@pytest.mark.parametrize(("momentum", "n_total"), [(0.0, None), (0.7, None), (0.7, 777.0)])
@pytest.mark.parametrize("weighted", ["", "sample", "class", "sample and class"])
@pytest.mark.parametrize("penalty", ["l1", "l2"])
@pytest.mark.parametrize("hidden", [(), (7,), (7, 6)])
@pytest.mark.parametrize("cost", sorted(COSTS))
def test_one_epoch_equals_the_equations_sample_by_sample(
    cost, hidden, penalty, weighted, momentum, n_total, small, digits
):
    X, y = digits
    sizes = [64, *hidden, 10]
    start = [given_weights(None, *pair) for pair in pairwise(sizes)]
    sample_weight, class_weight, row_weight = None, None, np.ones(len(X))
    if "sample" in weighted:
        sample_weight = 3 * np.random.default_rng(0).random(len(X))
        sample_weight[:20] = 0.0
        row_weight *= sample_weight
    if "class" in weighted:
        class_weight = {3: 4.0, 5: 0.2}
        row_weight[y == 3] *= 4.0
        row_weight[y == 5] *= 0.2
    step = dict(eta=0.5, lmbda=2.0, penalty=penalty, momentum=momentum, batch_size=7)
    clf = small(
        hidden_layer_sizes=hidden, cost=cost, weight_init=given_weights, shuffle=False,
        class_weight=class_weight, n_total=n_total, max_iter=1, **step,
    )  # fmt: skip
    clf.fit(X, y, sample_weight)
    n = row_weight.sum() if n_total is None else n_total
    weights, biases = zip(*start)
    expected = epoch_by_equations(weights, biases, X, np.eye(10)[y], cost, row_weight, n=n, **step)
    for ours, theirs in zip(clf.coefs_ + clf.intercepts_, expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)


def test_every_epoch_visits_the_rows_in_a_new_order(small, split):
    cost = Recorder()
    small(cost=cost, batch_size=None).fit(*split[0])
    first, second, third = cost.targets
    assert (first != second).any()
    assert (second != third).any()
    np.testing.assert_array_equal(first.sum(axis=0), second.sum(axis=0))


def test_every_epoch_draws_new_dropout_masks(small, split):
    cost = Recorder()
    small(cost=cost, batch_size=None, shuffle=False, dropout=0.5, eta=1e-300).fit(*split[0])
    first, second, third = cost.outputs
    assert (first != second).any()
    assert (second != third).any()


@pytest.mark.parametrize("parameters", [{"shuffle": True}, {"shuffle": False, "dropout": 0.5}])
def test_random_state_decides_on_more_than_the_initial_weights(parameters, small, split):
    one, other = (
        small(weight_init=given_weights, random_state=seed, **parameters).fit(*split[0])
        for seed in (0, 1)
    )
    assert (weights_of(one) != weights_of(other)).any()


def test_history_has_one_entry_an_epoch_in_every_column(small, split):
    train, validation = split
    clf = small(max_iter=4).fit(*train, **validation)
    assert list(clf.history_) == list(HISTORY)
    assert {len(column) for column in clf.history_.values()} == {4}
    assert clf.history_["epoch"] == [1, 2, 3, 4]
    assert clf.n_iter_ == 4
    assert all(seconds > 0 for seconds in clf.history_["duration"])


def test_figures_that_do_not_exist_are_nan(small, split):
    train, _ = split
    clf = small(hidden_layer_sizes=()).fit(*train)
    for column in ("validation_cost", "validation_accuracy", "validation_score", "saturation"):
        assert np.isnan(clf.history_[column]).all()
    assert not hasattr(clf, "best_epoch_")


@pytest.mark.parametrize("cost", sorted(COSTS))
def test_last_figures_are_those_of_the_final_weights(cost, small, split):
    (X, y), validation = split
    clf = small(cost=cost, lmbda=3.0, monitor_samples=None).fit(X, y, **validation)
    last = {name: column[-1] for name, column in clf.history_.items()}
    assert last["train_accuracy"] == clf.score(X, y)
    assert last["validation_accuracy"] == clf.score(validation["X_val"], validation["y_val"])
    targets = LabelBinarizer().fit_transform(y)
    z = clf.decision_function(X)
    np.testing.assert_allclose(last["train_cost"], COSTS[cost].value(z, targets).mean())
    squares = sum((w**2).sum() for w in clf.coefs_)
    np.testing.assert_allclose(last["penalty"], 3.0 / (2 * len(X)) * squares)


def test_validation_cost_under_log_likelihood_is_the_log_loss(small, split):
    train, validation = split
    clf = small(cost="log_likelihood").fit(*train, **validation)
    expected = log_loss(validation["y_val"], clf.predict_proba(validation["X_val"]))
    np.testing.assert_allclose(clf.history_["validation_cost"][-1], expected)


def test_saturation_is_the_share_of_flat_hidden_activations(small, split):
    (X, y), _ = split
    clf = small(weight_init="large", init_scale=3.0, max_iter=1).fit(X, y)
    a = 1 / (1 + np.exp(-(X @ clf.coefs_[0] + clf.intercepts_[0])))
    assert clf.history_["saturation"] == [np.mean(a * (1 - a) < 0.01)]


def test_training_figures_are_weighted_by_sample_and_costs_by_class_too(small, split):
    (X, y), _ = split
    weight = np.linspace(0, 2, len(X))
    clf = small(class_weight={0: 5.0}).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(
        clf.history_["train_accuracy"][-1], clf.score(X, y, sample_weight=weight)
    )
    costs = COSTS["cross_entropy"].value(
        clf.decision_function(X), LabelBinarizer().fit_transform(y)
    )
    expected = np.average(costs, weights=weight * np.where(y == 0, 5.0, 1.0))
    np.testing.assert_allclose(clf.history_["train_cost"][-1], expected)


def test_rows_of_weight_zero_are_not_monitored(small, split):
    (X, y), _ = split
    weight = (np.arange(len(X)) < 100).astype(float)
    with_zeros = small(batch_size=None, shuffle=False).fit(X, y, sample_weight=weight)
    without = small(batch_size=None, shuffle=False).fit(X[:100], y[:100])
    np.testing.assert_allclose(
        with_zeros.history_["train_cost"], without.history_["train_cost"], rtol=1e-10
    )


@pytest.mark.parametrize("zero_by", ["sample", "class"])
def test_rows_of_weight_zero_do_not_take_the_place_of_monitored_ones(zero_by, small, split):
    (X, y), _ = split
    weighs = (y == 4) if zero_by == "class" else np.arange(len(X)) % 9 == 8
    n = int(weighs.sum())
    clf = small(max_iter=1, monitor_samples=n)
    if zero_by == "class":
        clf.set_params(class_weight={c: float(c == 4) for c in range(10)}).fit(X, y)
    else:
        clf.fit(X, y, sample_weight=weighs.astype(float))
    assert n < len(X)
    z, targets = clf.decision_function(X[weighs]), np.eye(10)[y[weighs]]
    expected = COSTS["cross_entropy"].value(z, targets).mean()
    np.testing.assert_allclose(clf.history_["train_cost"], [expected])


def test_monitored_rows_are_drawn_at_random_once(small, split):
    parameters = dict(weight_init=given_weights, eta=1e-300, monitor_samples=40)
    one, other = (
        small(random_state=seed, **parameters).fit(*split[0]).history_["train_cost"]
        for seed in (0, 1)
    )
    assert one[0] != other[0]
    assert one == 3 * one[:1]


# --- early stopping -----------------------------------------------------------------------------


def test_early_stopping_ends_after_n_iter_no_change_epochs_and_restores_the_best(small, split):
    train, validation = split
    clf = small(early_stopping=True, max_iter=200, n_iter_no_change=4, eta=1.0)
    clf.fit(*train, **validation)
    scores = clf.history_["validation_score"]
    assert clf.n_iter_ < 200
    assert clf.best_epoch_ == int(np.argmax(scores)) + 1
    assert clf.epoch_ == clf.best_epoch_
    assert clf.best_score_ == max(scores)
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_
    unstopped = small(max_iter=clf.best_epoch_, eta=1.0).fit(*train, **validation)
    np.testing.assert_array_equal(weights_of(clf), weights_of(unstopped))


def test_the_best_weights_are_restored_at_the_limit_of_epochs_too(small, split):
    train, validation = split
    parameters = dict(max_iter=12, eta=8.0, n_iter_no_change=100)
    clf = small(early_stopping=True, **parameters).fit(*train, **validation)
    assert clf.n_iter_ == 12
    assert clf.best_epoch_ < 12
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_


@pytest.mark.parametrize("tol", [0.0, 0.5])
def test_tol_is_what_a_score_must_exceed_the_best_by(tol, small, split):
    train, validation = split
    clf = small(early_stopping=True, max_iter=40, n_iter_no_change=3, tol=tol)
    scores = clf.fit(*train, **validation).history_["validation_score"]
    best, stalled = -np.inf, []
    for score in scores:
        stalled.append(0 if score > best + tol else stalled[-1] + 1)
        best = max(best, score)
    assert stalled[-1] == 3
    assert max(stalled[:-1]) < 3


def test_a_warm_start_after_early_stopping_goes_on_from_the_restored_weights(small, split):
    train, validation = split
    clf = small(early_stopping=True, max_iter=30, n_iter_no_change=3, momentum=0.5)
    clf.set_params(warm_start=True, eta=1.0).fit(*train, **validation)
    best, n_first = clf.best_score_, clf.n_iter_
    assert not hasattr(clf, "velocity_")
    clf.set_params(eta=1e-9, max_iter=2).fit(*train, **validation)
    assert clf.n_iter_ == n_first + 2
    assert clf.best_score_ == best
    assert clf.history_["validation_score"][n_first] == best


def test_a_warm_start_that_finds_nothing_better_keeps_the_weights_it_had(small, split):
    train, validation = split
    clf = small(early_stopping=True, max_iter=60, warm_start=True).fit(*train, **validation)
    before, best_epoch = weights_of(clf), clf.best_epoch_
    clf.set_params(eta=300.0, max_iter=2).fit(*train, **validation)
    np.testing.assert_array_equal(weights_of(clf), before)
    assert clf.epoch_ == clf.best_epoch_ == best_epoch


def test_a_score_that_only_equals_the_best_is_no_improvement(small, split):
    train, validation = split
    parameters = dict(early_stopping=True, n_iter_no_change=3, tol=0.0, max_iter=20)
    clf = small(scoring=lambda clf, X, y: 0.5, **parameters).fit(*train, **validation)
    assert clf.n_iter_ == 4
    assert clf.best_epoch_ == 1


def test_a_score_that_exceeds_the_best_by_tol_exactly_is_no_improvement(small, split):
    train, validation = split
    scores = iter([0.5, 0.75, 1.0, 1.25, 1.5])
    parameters = dict(early_stopping=True, n_iter_no_change=2, tol=0.25, max_iter=5)
    clf = small(scoring=lambda clf, X, y: next(scores), **parameters).fit(*train, **validation)
    assert clf.n_iter_ == 3
    assert clf.best_epoch_ == 3


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


def test_a_scorer_that_gives_no_number_is_an_error(small, split):
    train, validation = split
    with pytest.raises(ValueError, match="must give a finite number; got nan"):
        small(scoring=lambda e, X, y: float("nan")).fit(*train, **validation)


def test_a_scorer_that_gives_text_is_an_error(small, split):
    train, validation = split
    with pytest.raises((TypeError, ValueError), match=r"`scoring` must give.*got 'a'"):
        small(scoring=lambda clf, X, y: "a").fit(*train, **validation)


def test_several_scorers_are_refused_before_training(small, split):
    train, validation = split
    cost = Recorder()
    with pytest.raises(TypeError, match=r"`scoring` must be.*got \['accuracy'\]"):
        small(scoring=["accuracy"], cost=cost).fit(*train, **validation)
    assert cost.targets == []


def test_a_scorer_that_takes_no_weights_is_refused_before_training(small, split):
    train, validation = split
    weight = np.linspace(1, 2, 100)
    clf = small(scoring=lambda clf, X, y: 0.5, cost=Recorder())
    with pytest.raises(ValueError, match=r"`scoring`=.*takes no `sample_weight`"):
        clf.fit(*train, **validation, sample_weight_val=weight)
    assert clf.cost.targets == []


# --- splitting ----------------------------------------------------------------------------------


def test_split_off_rows_are_stratified_and_not_trained_on(small, digits):
    X, y = digits
    clf = small(early_stopping=True, validation_fraction=0.2, max_iter=2).fit(X, y)
    rows = clf.validation_indices_
    assert len(rows) == 60
    assert np.abs(np.bincount(y[rows]) - np.bincount(y) * 0.2).max() <= 1
    changed = X.copy()
    changed[rows] = 1 - changed[rows]
    again = small(early_stopping=True, validation_fraction=0.2, max_iter=2, scoring=lambda *a: 0.5)
    once = again.fit(X, y).coefs_
    np.testing.assert_array_equal(again.fit(changed, y).coefs_[0], once[0])


def test_x_val_is_used_instead_of_a_split(small, split):
    train, validation = split
    clf = small(early_stopping=True).fit(*train, **validation)
    assert not hasattr(clf, "validation_indices_")


def test_a_warm_fit_with_x_val_forgets_the_rows_of_an_earlier_split(small, split):
    train, validation = split
    clf = small(early_stopping=True, warm_start=True, max_iter=1).fit(*train)
    assert len(clf.validation_indices_) == 20
    clf.fit(*train, **validation)
    assert not hasattr(clf, "validation_indices_")


def test_a_schedule_that_needs_validation_data_splits_some_off(small, digits):
    clf = small(eta_schedule="plateau").fit(*digits)
    assert len(clf.validation_indices_) == 30
    assert not np.isnan(clf.history_["validation_score"]).any()


def test_multilabel_rows_are_split_without_strata(small, multilabel):
    clf = small(early_stopping=True, max_iter=2).fit(*multilabel)
    assert len(clf.validation_indices_) == 12


def test_a_class_of_one_row_is_named_when_a_split_is_asked_for(small, digits):
    X, y = digits
    keep = (y != 7) | (np.cumsum(y == 7) == 1)
    with pytest.raises(ValueError, match="two rows of every class; got 1 of class 7"):
        small(early_stopping=True).fit(X[keep], y[keep])


# --- schedules ----------------------------------------------------------------------------------


def test_a_plateau_schedule_ends_training(small, split):
    train, validation = split
    schedule = Plateau(patience=1, min_factor=1 / 4)
    clf = small(eta_schedule=schedule, max_iter=300).fit(*train, **validation)
    assert clf.n_iter_ < 300
    assert clf.eta_ == 0.5 / 4
    assert clf.epoch_ == clf.n_iter_


def test_partial_fit_goes_on_at_the_last_eta_where_fit_would_end(small, split):
    (X, y), validation = split
    schedule = Plateau(patience=1, min_factor=1 / 4)
    clf = small(eta_schedule=schedule, max_iter=300).fit(X, y, **validation)
    n_epochs = clf.n_iter_
    for _ in range(3):
        clf.partial_fit(X, y, **validation)
    assert clf.n_iter_ == n_epochs + 3
    assert clf.history_["eta"][-3:] == 3 * [0.5 / 4]


def test_history_records_the_eta_of_each_regime(small, split):
    clf = small(eta_schedule=[(2, 0.5), (1, 0.1)], max_iter=5).fit(*split[0])
    assert clf.history_["eta"] == [0.5, 0.5, 0.1, 0.1, 0.1]
    assert clf.eta_ == 0.1


@pytest.mark.parametrize("eta", [0.0, -1.0, float("nan"), None])
def test_a_schedule_that_gives_no_positive_eta_is_an_error(eta, small, split):
    with pytest.raises((ValueError, TypeError), match="eta from `eta_schedule` must be a number"):
        small(eta_schedule=lambda epoch, history, first: eta).fit(*split[0])


# --- Ctrl-C and divergence ----------------------------------------------------------------------


def test_ctrl_c_before_the_first_full_epoch_propagates_and_leaves_no_model(small, split):
    clf = small(on_interrupt="keep", cost=Interrupt(at=20), batch_size=10)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*split[0])
    assert not hasattr(clf, "coefs_")


def test_ctrl_c_propagates_and_leaves_the_model_as_it_was(small, split):
    train, validation = split
    clf = small(warm_start=True, batch_size=10).fit(*train)
    before = pickle.dumps(clf)
    clf.set_params(cost=Interrupt(at=50), early_stopping=True)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*train, **validation)
    clf.set_params(cost="cross_entropy", early_stopping=False)
    assert pickle.dumps(clf) == before


def test_ctrl_c_under_keep_ends_training_with_a_warning_and_a_fitted_model(small, split):
    (X, y), _ = split
    clf = small(on_interrupt="keep", cost=Interrupt(at=50), batch_size=10, max_iter=9)
    with pytest.warns(UserWarning, match="interrupted after epoch 2"):
        clf.fit(X, y)
    assert clf.n_iter_ == 2
    assert {len(column) for column in clf.history_.values()} == {2}
    after_two = small(batch_size=10, max_iter=2).fit(X, y)
    assert (weights_of(clf) != weights_of(after_two)).any()  # the unfinished epoch stays
    assert clf.predict(X).shape == y.shape


def test_ctrl_c_restores_the_best_weights_under_early_stopping(small, split):
    train, validation = split
    clf = small(
        on_interrupt="keep", cost=Interrupt(at=70), batch_size=10, max_iter=9, early_stopping=True
    )
    with pytest.warns(UserWarning, match="interrupted after epoch 3"):
        clf.fit(*train, **validation)
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_


class Torn(list):
    """A column of the history in which Ctrl-C comes before the third entry."""

    def append(self, value):
        if len(self) == 2:
            raise KeyboardInterrupt
        super().append(value)


def test_ctrl_c_while_an_epoch_is_recorded_keeps_the_best_of_the_history(
    monkeypatch, small, split
):
    rows, validation = split

    def train_with_torn_column(engine, state, *others):
        state.history["eta"] = Torn()
        train(engine, state, *others)

    monkeypatch.setattr("sknielsen._classifier.train", train_with_torn_column)
    clf = small(on_interrupt="keep", max_iter=9, early_stopping=True)
    with pytest.warns(UserWarning, match="interrupted after epoch 2"):
        clf.fit(*rows, **validation)
    scores = clf.history_["validation_score"]
    assert clf.best_score_ == max(scores)
    assert clf.best_epoch_ == scores.index(max(scores)) + 1
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_


def test_ctrl_c_between_recording_and_judging_an_epoch_keeps_the_best_of_the_history(
    monkeypatch, small, split
):
    rows, validation = split
    judge = Patience.judge

    def interrupted(self, state, score):
        if state.n_epochs == 3:
            raise KeyboardInterrupt
        judge(self, state, score)

    monkeypatch.setattr(Patience, "judge", interrupted)
    clf = small(on_interrupt="keep", max_iter=9, early_stopping=True)
    with pytest.warns(UserWarning, match="interrupted after epoch 3"):
        clf.fit(*rows, **validation)
    assert clf.best_score_ == max(clf.history_["validation_score"])
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_


@pytest.mark.parametrize("column", [HISTORY[1], HISTORY[5], HISTORY[-1]])
def test_ctrl_c_while_an_epoch_is_recorded_leaves_columns_of_one_length(
    column, monkeypatch, small, split
):
    def train_with_torn_column(engine, state, *others):
        state.history[column] = Torn()
        train(engine, state, *others)

    monkeypatch.setattr("sknielsen._classifier.train", train_with_torn_column)
    clf = small(on_interrupt="keep", max_iter=9)
    with pytest.warns(UserWarning, match="interrupted after epoch 2"):
        clf.fit(*split[0])
    assert {len(values) for values in clf.history_.values()} == {2}
    assert clf.n_iter_ == 2


@pytest.mark.parametrize("at", [1, 2, 6])
def test_ctrl_c_while_an_epoch_is_printed_keeps_the_best_weights(at, monkeypatch, small, split):
    train, validation = split
    lines = []

    def interrupted_print(line):
        lines.append(line)
        if len(lines) == at:
            raise KeyboardInterrupt

    monkeypatch.setattr("builtins.print", interrupted_print)
    clf = small(on_interrupt="keep", early_stopping=True, verbose=1, eta=8.0, max_iter=9)
    with pytest.warns(UserWarning, match=f"interrupted after epoch {at}"):
        clf.fit(*train, **validation)
    scores = clf.history_["validation_score"]
    assert len(scores) == at
    assert clf.best_score_ == max(scores)
    assert clf.best_epoch_ == clf.epoch_ == scores.index(max(scores)) + 1
    unstopped = small(eta=8.0, max_iter=clf.best_epoch_).fit(*train)
    np.testing.assert_array_equal(weights_of(clf), weights_of(unstopped))


def test_ctrl_c_in_partial_fit_propagates_and_leaves_the_model_as_it_was(small, split):
    (X, y), _ = split
    clf = small(batch_size=10, on_interrupt="keep").partial_fit(X, y, np.unique(y))
    before = weights_of(clf)
    clf.set_params(cost=Interrupt(at=5))
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, y)
    np.testing.assert_array_equal(weights_of(clf), before)
    assert clf.n_iter_ == 1


def test_ctrl_c_after_the_epoch_of_a_partial_fit_is_not_lost(small, split, monkeypatch):
    (X, y), _ = split

    def interrupted_print(line):
        raise KeyboardInterrupt

    clf = small(on_interrupt="keep", verbose=1)
    monkeypatch.setattr("builtins.print", interrupted_print)
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, y, np.unique(y))
    assert not hasattr(clf, "n_iter_")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cost", sorted(COSTS))
def test_a_training_that_diverges_is_an_error_that_names_eta_and_the_epoch(cost, dtype, split):
    (X, y), _ = split
    eta = 1e38 if dtype == np.float32 else 1e307
    clf = MLPSigmoidClassifier((5,), cost=cost, eta=eta, init_scale=0.1, random_state=0)
    with pytest.raises(ValueError, match=r"diverged in epoch \d+ at eta=1e\+3"):
        clf.fit(X.astype(dtype), y)
    assert not hasattr(clf, "coefs_")


class Silent:
    """A penalty without a figure that could betray divergence."""

    def value(self, weights):
        return 0.0

    def shrink(self, w, rate):
        return 1.0


def test_divergence_is_found_in_the_weights_where_nothing_is_measured(small, split):
    clf = small(eta=1e308, penalty=Silent(), monitor_samples=0)
    with pytest.raises(ValueError, match="diverged in epoch"):
        clf.fit(*split[0])


class Infinite(CrossEntropy):
    """A cost of which only the figure is not finite."""

    def value(self, z, y):
        return np.full(len(z), np.inf)


@pytest.mark.parametrize("measured", ["training rows", "validation rows"])
def test_a_cost_that_is_not_finite_is_divergence(measured, small, split):
    train, validation = split
    clf = small(cost=Infinite(), monitor_samples=0 if measured == "validation rows" else None)
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        clf.fit(*train, **(validation if measured == "validation rows" else {}))


def test_a_warm_fit_that_diverges_leaves_the_model_as_it_was(small, split):
    clf = small(momentum=0.5, warm_start=True).fit(*split[0])
    before = pickle.dumps(vars(clf) | {"eta": None})
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(eta=1e307).fit(*split[0])
    assert pickle.dumps(vars(clf) | {"eta": None}) == before


def test_a_penalty_step_too_large_is_an_error(small, split):
    with pytest.raises(ValueError, match=r"eta \* lmbda / n must be below 1.*got 2.5"):
        small(lmbda=1000.0).fit(*split[0])


def test_verbose_prints_a_line_an_epoch(small, split, capsys):
    small(verbose=1, max_iter=2).fit(*split[0])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch ")]
    assert [line.split("  ")[0] for line in lines] == ["epoch 1", "epoch 2"]
    assert "train_accuracy" in lines[0]
    assert "validation" not in lines[0]


def test_a_fit_that_trains_no_epoch_leaves_the_epoch_of_the_weights(small, split):
    train, validation = split
    schedule = Plateau(patience=1, min_factor=0.25)
    clf = small(eta_schedule=schedule, early_stopping=True, warm_start=True, max_iter=40, eta=8.0)
    clf.fit(*train, **validation)
    assert clf.epoch_ == clf.best_epoch_ < clf.n_iter_ < 40
    before = weights_of(clf), clf.epoch_
    clf.set_params(early_stopping=False).fit(*train, **validation)
    np.testing.assert_array_equal(weights_of(clf), before[0])
    assert clf.epoch_ == before[1]


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


def test_a_smaller_mini_batch_behind_those_in_parts_is_stepped_as_they_are(monkeypatch):
    rng = np.random.default_rng(0)
    X, codes = rng.random((500, 64)), np.arange(500, dtype=np.int32) % 2
    monkeypatch.setattr("sknielsen.core.data._HELD_BYTES", 100 * 8 * (64 + 3 * 301))  # 100 rows
    data = Data(X, codes, 1)

    def network():
        weights, biases = initial_weights(0, [64, 300, 1], np.dtype(float), INITIALIZERS["scaled"])
        return Network(weights, biases, COSTS["cross_entropy"])

    descent = Descent(200, 0, PENALTIES["l2"], 0.0, 500.0, 0.0, False, None)
    engine, expected = LocalEngine(network(), data, descent), network()
    engine.run_epoch(0, 0.3)
    for begin, end in ((0, 200), (200, 400), (400, 500)):
        step = zeros_like((expected.weights, expected.biases))
        for start in range(begin, end, 100):
            expected.forward(X[start : start + 100].copy())
            expected.backward(codes[start : start + 100, None].astype(float))
            expected.accumulate(step, 0.3 / (end - begin), 1.0)
        expected.move(step)
    for found, wanted in zip(engine.network.weights, expected.weights):
        np.testing.assert_array_equal(found, wanted)
