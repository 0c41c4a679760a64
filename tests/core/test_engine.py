"""An epoch and its figures, against the network itself, the equations and MLPClassifier."""

from itertools import pairwise

import backpropagation
import numpy as np
import pytest
from helpers import RecordingCost, weights_of
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import LabelBinarizer

from sknielsen._parameters import Parameters
from sknielsen.augmentation import ImageAugmenter
from sknielsen.core import data as core_data
from sknielsen.core import engine as engine_module
from sknielsen.core.data import Data, spread
from sknielsen.core.engine import Descent, LocalEngine, evaluate
from sknielsen.core.network import Network, zeros_like
from sknielsen.core.randomness import DROPOUT, generator
from sknielsen.core.state import State, initial_weights
from sknielsen.costs import COSTS, CrossEntropy
from sknielsen.initializers import INITIALIZERS
from sknielsen.penalties import PENALTIES

N_ROWS, SIZES = 23, (5, 4, 3)


def make_network(keep=None):
    rng = np.random.default_rng(0)
    weights = [np.asfortranarray(rng.normal(size=shape)) for shape in pairwise(SIZES)]
    biases = [rng.normal(size=n) for n in SIZES[1:]]
    return Network(weights, biases, COSTS["cross_entropy"], keep or [1.0, 1.0])


def make_data(weighted=False, sparse=False, rows=None):
    rng = np.random.default_rng(1)
    X, codes = rng.random((N_ROWS, 5)), rng.integers(3, size=N_ROWS)
    weight = rng.integers(0, 4, N_ROWS).astype(float) if weighted else None
    by_class = np.array([1.0, 3.0, 0.5]) if weighted else None
    return Data(csr_array(X) if sparse else X, codes, 3, weight, by_class, rows)


def make_descent(**parameters):
    defaults = dict(
        batch_size=N_ROWS, seed=0, penalty=PENALTIES["l2"], lmbda=0.0, n=float(N_ROWS),
        momentum=0.0, shuffle=False, augment=None,
    )  # fmt: skip
    return Descent(**defaults | parameters)


def parameters_of(network):
    return [*network.weights, *network.biases]


def gradients_over_all_rows(data):
    """What one pass of the network over all rows gives."""
    network = make_network()
    x, y = data.gather(data.rows)
    network.forward(x)
    network.backward(y, data.relative_weight(data.rows))
    weights, biases = network.gradients()
    return [*weights, *biases]


@pytest.fixture(params=["at once", "in parts"])
def held(request, monkeypatch):
    """Let a pass hold all rows, or five of them."""
    if request.param == "in parts":
        row = 8 * (SIZES[0] + 3 * sum(SIZES[1:]))
        monkeypatch.setattr(core_data, "_HELD_BYTES", 5 * row)
        monkeypatch.setattr(core_data, "_MEASURED_BYTES", 0)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_are_those_of_the_network_over_all_rows(weighted, shuffle, sparse, held):
    network = make_network()
    before = [p.copy() for p in parameters_of(network)]
    engine = LocalEngine(network, make_data(weighted, sparse), make_descent(shuffle=shuffle))
    weights, biases = engine.gradients(0, 2.0)
    assert all((p == b).all() for p, b in zip(parameters_of(network), before))
    expected = gradients_over_all_rows(make_data(weighted))
    for ours, theirs in zip([*weights, *biases], expected, strict=True):
        np.testing.assert_allclose(ours, 2.0 * theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("batch_size", [1, 4, 22])
def test_gradients_of_all_rows_do_not_depend_on_the_batch_size(batch_size):
    engine = LocalEngine(make_network(), make_data(), make_descent(batch_size=batch_size))
    weights, biases = engine.gradients(0, 1.0)
    for ours, theirs in zip([*weights, *biases], gradients_over_all_rows(make_data())):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


def test_gradients_of_a_selection_are_those_of_its_rows():
    rows = np.array([20, 3, 7])
    engine = LocalEngine(make_network(), make_data(rows=rows), make_descent(batch_size=3))
    weights, biases = engine.gradients(0, 1.0)
    for ours, theirs in zip([*weights, *biases], gradients_over_all_rows(make_data(rows=rows))):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


def test_gradients_under_dropout_depend_on_the_seed_and_the_epoch():
    def gradients(epoch, seed):
        network = make_network(keep=[0.8, 0.5])
        return LocalEngine(network, make_data(), make_descent(seed=seed)).gradients(epoch, 1.0)[0]

    first, again, next_epoch, other_seed = (
        gradients(*case)[0] for case in ((0, 0), (0, 0), (1, 0), (0, 1))
    )
    np.testing.assert_array_equal(first, again)
    assert (first != next_epoch).any()
    assert (first != other_seed).any()


def test_masks_of_an_epoch_come_from_a_stream_of_their_own():
    """The seed's stream of dropout, by the number of the epoch; none without dropout."""
    engine = LocalEngine(make_network(keep=[1.0, 0.5]), make_data(), make_descent(seed=7))
    assert engine._masks(3).random() == generator(7, DROPOUT, 3).random()
    assert LocalEngine(make_network(), make_data(), make_descent(seed=7))._masks(3) is None


def test_gradients_of_distorted_rows_depend_on_the_epoch():
    """The same distortions for the same epoch, and others for the next."""

    class Noise:
        def distort(self, X, rng):
            return X + rng.random(X.shape)

    engine = LocalEngine(make_network(), make_data(), make_descent(augment=Noise()))
    first, again, next_epoch = (engine.gradients(epoch, 1.0)[0][0] for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != next_epoch).any()


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_epoch_of_one_batch_is_one_step_against_these_gradients(weighted, momentum, held):
    network = make_network()
    weights, biases = network.weights, network.biases
    before = [p.copy() for p in parameters_of(network)]
    if momentum:
        network.velocity = (
            [np.full_like(w, 0.01, order="F") for w in weights],
            [np.full_like(b, 0.01) for b in biases],
        )
    descent = make_descent(momentum=momentum, lmbda=2.0)
    LocalEngine(network, make_data(weighted), descent).run_epoch(0, 0.5)
    rate = 0.5 * 2.0 / N_ROWS
    gradients = gradients_over_all_rows(make_data(weighted))
    for p, old, gradient in zip(parameters_of(network), before, gradients, strict=True):
        shrunk = (1 - rate) * old if p.ndim == 2 else old
        expected = shrunk - 0.5 / N_ROWS * gradient + momentum * 0.01
        np.testing.assert_allclose(p, expected, rtol=1e-12, atol=1e-14)


def test_a_descent_takes_what_it_needs_of_the_parameters(small):
    parameters = Parameters.of(small(momentum=0.5, shuffle=False))
    learned = {"classes": np.arange(2), "multilabel": False, "n_features": 1, "lmbda": 3.0}
    state = State(8, [], [], **learned)
    descent = Descent.of(parameters, state, batch_size=4, total_weight=30.0)
    assert (descent.n, descent.batch_size, descent.seed) == (30.0, 4, 8)
    assert (descent.lmbda, descent.momentum, descent.shuffle) == (3.0, 0.5, False)
    assert descent.penalty is PENALTIES["l2"]
    assert (descent.augment, descent.absolute) == (None, False)
    augment = ImageAugmenter()
    streamed = Parameters.of(small(augment=augment), streaming=True)
    descent = Descent.of(streamed, state, batch_size=4, total_weight=30.0)
    assert descent.augment is augment
    assert descent.absolute is True
    whole = Parameters.of(small(n_total=500))
    assert Descent.of(whole, state, batch_size=4, total_weight=30.0).n == 500.0


@pytest.mark.parametrize("penalty", sorted(PENALTIES))
def test_the_penalty_steps_at_eta_lmbda_over_n_and_not_at_all_without_lmbda(penalty):
    descent = make_descent(penalty=PENALTIES[penalty], lmbda=2.0)
    w, expected = np.array([[1.0, -2.0]]), np.array([[1.0, -2.0]])
    factor = PENALTIES[penalty].shrink(expected, rate=0.5 * 2.0 / N_ROWS)
    assert descent.shrink(0.5)(w) == factor
    np.testing.assert_array_equal(w, expected)
    assert make_descent(penalty=PENALTIES[penalty]).shrink(0.5) is None


# --- measuring ----------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_figures_are_weighted_means_over_the_rows(weighted, held):
    network, data = make_network(), make_data(weighted)
    cost, accuracy, saturation = evaluate(network, data)
    x, y = make_data().gather(data.rows)
    hidden = expit(x @ network.weights[0] + network.biases[0])
    z = hidden @ network.weights[1] + network.biases[1]
    by_sample = data.sample_weight if weighted else np.ones(N_ROWS)
    by_class = data.class_weight[data.codes] if weighted else 1.0
    expected = np.average(network.cost.value(z, y), weights=by_sample * by_class)
    assert cost == pytest.approx(expected, rel=1e-12)
    right = z.argmax(axis=1) == data.codes
    assert 0 < accuracy == pytest.approx(np.average(right, weights=by_sample), rel=1e-12)
    assert saturation == np.mean(hidden * (1 - hidden) < 0.01)


def test_saturated_activations_are_counted_in_all_rows(held):
    """However many rows are measured at once."""
    network, data = make_network(), make_data()
    network.weights[0][:] *= 8.0
    hidden = expit(data.X @ network.weights[0] + network.biases[0])
    saturation = evaluate(network, data)[2]
    assert 0.0 < saturation == np.mean(hidden * (1 - hidden) < 0.01)


def test_a_record_holds_the_figures_of_the_rows_that_are_there():
    network, data = make_network(), make_data()
    names = {"penalty"}
    assert set(LocalEngine(network, data, make_descent()).measure()) == names
    names |= {"train_cost", "train_accuracy", "saturation"}
    assert set(LocalEngine(network, data, make_descent(), monitor=data).measure()) == names
    record = LocalEngine(network, data, make_descent(lmbda=2.0), data, data).measure()
    assert set(record) == names | {"validation_cost", "validation_accuracy"}
    assert record["validation_cost"] == record["train_cost"]
    squares = sum((w**2).sum() for w in network.weights)
    assert record["penalty"] == pytest.approx(2.0 / (2 * N_ROWS) * squares)


def test_a_measurement_chooses_its_threads_by_the_rows_that_it_takes_at_once(monkeypatch):
    asked, choose = [], engine_module.blas_threads

    def recording(*sizes, **how):
        asked.append((sizes, how))
        return choose(*sizes, **how)

    monkeypatch.setattr(engine_module, "blas_threads", recording)
    evaluate(make_network(), make_data())
    monkeypatch.setattr(core_data, "_MEASURED_BYTES", 0)
    monkeypatch.setattr(core_data, "_WORTH_A_PRODUCT", 4)
    evaluate(make_network(), make_data())
    assert asked == [((n, list(SIZES)), {"few": True}) for n in (N_ROWS, 4)]


def given_weights(rng, n_in, n_out):
    """Initial weights that do not depend on random_state."""
    rng = np.random.default_rng((n_in, n_out))
    return rng.standard_normal((n_in, n_out)) / n_in**0.5, rng.standard_normal(n_out)


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
    for mine, theirs in zip(
        ours.coefs_ + ours.intercepts_, peer.coefs_ + peer.intercepts_, strict=True
    ):
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
    for ours, theirs in zip(clf.coefs_ + clf.intercepts_, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)


def test_every_epoch_visits_the_rows_in_a_new_order(small, split):
    cost = RecordingCost()
    small(cost=cost, batch_size=None).fit(*split[0])
    _, first, second, third = cost.targets  # after those that check_cost tried
    assert (first != second).any()
    assert (second != third).any()
    np.testing.assert_array_equal(first.sum(axis=0), second.sum(axis=0))


def test_two_rows_are_enough_for_a_new_order():
    """They change places in some epochs, and in others they do not."""
    data = make_data(rows=np.array([4, 7]))
    engine = LocalEngine(make_network(), data, make_descent(shuffle=True))
    assert {tuple(engine._order(epoch)) for epoch in range(20)} == {(4, 7), (7, 4)}


def test_every_epoch_draws_new_dropout_masks(small, split):
    cost = RecordingCost()
    small(cost=cost, batch_size=None, shuffle=False, dropout=0.5, eta=1e-300).fit(*split[0])
    _, first, second, third = cost.outputs  # after those that check_cost tried
    assert (first != second).any()
    assert (second != third).any()


@pytest.mark.parametrize("parameters", [{"shuffle": True}, {"shuffle": False, "dropout": 0.5}])
def test_random_state_decides_on_more_than_the_initial_weights(parameters, small, split):
    one, other = (
        small(weight_init=given_weights, random_state=seed, **parameters).fit(*split[0])
        for seed in (0, 1)
    )
    assert (weights_of(one) != weights_of(other)).any()


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


@pytest.mark.parametrize("batch_size, lengths", [(20, [20, 20, 10]), (21, [20, 1, 20, 1, 8])])
def test_a_mini_batch_is_whole_where_its_rows_take_no_more_than_the_weights(
    batch_size, lengths, monkeypatch
):
    monkeypatch.setattr("sknielsen.core.data._HELD_BYTES", 1)
    monkeypatch.setattr("sknielsen.core.engine.CACHED_BYTES", 1)
    data = Data(np.zeros((50, 64)), np.arange(50, dtype=np.int32) % 2, 1)
    weights, biases = initial_weights(0, [64, 300, 1], np.dtype(float), INITIALIZERS["scaled"])
    network = Network(weights, biases, COSTS["cross_entropy"])
    assert 20 <= network.n_weights / (64 + 3 * 301) < 21
    descent = Descent(batch_size, 0, PENALTIES["l2"], 0.0, 50.0, 0.0, False, None)
    engine = LocalEngine(network, data, descent)
    assert [len(x) for _, x, _, _ in engine._chunks(0, data.rows)] == lengths


# --- odd rows, weights and costs -----------------------------------------------------------------


@pytest.mark.parametrize("absolute", [False, True])
def test_a_heavy_row_is_stepped_on_in_its_visits(absolute):
    """An epoch over rows of uneven weight equals one over rows repeated with equal parts."""
    X, codes = make_data().X, make_data().codes
    weight = np.where(np.arange(N_ROWS) == 4, 40.0, 2.0)
    descent = make_descent(batch_size=3, absolute=absolute)
    engine = LocalEngine(make_network(), Data(X, codes, 3, weight), descent)
    engine.run_epoch(0, 0.1)
    mean = weight.mean()  # 3.65, so that the heavy row may weigh 10.96, and is visited four times
    visits = np.where(weight > 3 * mean, 4, 1)
    order = spread(np.arange(N_ROWS), visits)
    assert len(order) == N_ROWS + 3
    expected = make_network()
    for start in range(0, len(order), 3):
        rows = order[start : start + 3]
        expected.forward(X[rows])
        parts = (weight / visits / (1.0 if absolute else mean))[rows]
        expected.backward(np.eye(3)[codes[rows]], parts)
        expected.descend(0.1 / len(rows))
    for found, wanted in zip(parameters_of(engine.network), parameters_of(expected)):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


class Overflows:
    """A cost whose every method gives NumPy something to warn of."""

    def activation(self, z):
        np.exp(z * 1e6, z)

    def value(self, z, y):
        return np.exp(np.full(len(z), 1e6))

    def delta(self, a, y, out):
        np.multiply(np.float64(1e-300), np.full_like(a, 1e-300), out)


@pytest.mark.parametrize("method", ["run_epoch", "gradients", "measure"])
def test_numpy_warns_of_nothing_whatever_it_is_told(method):
    """Divergence is looked for after an epoch, by the figures."""
    network, data = make_network(), make_data()
    network.cost = Overflows()
    network.weights[1][:] = 1e308
    descent = make_descent(penalty=PENALTIES["l1"], lmbda=1e-3)
    engine = LocalEngine(network, data, descent, data, data)
    with np.errstate(all="raise"):
        if method == "measure":
            record = engine.measure()
            assert record["penalty"] == record["train_cost"] == np.inf
        else:
            before = [b.copy() for b in network.biases]
            getattr(engine, method)(0, 0.5)
            for b, old in zip(network.biases, before):  # too small an error is none
                np.testing.assert_array_equal(b, old)


def test_a_row_with_several_labels_is_right_if_all_of_them_are():
    """And each label is an output of its own."""
    data = Data(np.zeros((4, 5)), np.array([[1, 0, 1], [1, 0, 0], [0, 0, 1], [1, 0, 1]]), 3)
    network = make_network()
    network.weights[1][:] = 0.0
    network.biases[1][:] = 3.0, -2.0, 1.0
    cost, accuracy, _ = evaluate(network, data)
    assert accuracy == 0.5
    z = np.tile([3.0, -2.0, 1.0], (4, 1))
    assert cost == pytest.approx(COSTS["cross_entropy"].value(z, data.codes).mean())


def test_rows_are_judged_by_the_activation_of_the_cost():
    """One output above one half is the second class, and z alone does not tell."""

    class Squares(CrossEntropy):
        def activation(self, z):
            np.square(z, z)

    network = Network([np.zeros((5, 1), order="F")], [np.array([-0.9])], Squares())
    _, accuracy, saturation = evaluate(network, Data(np.zeros((2, 5)), np.array([1, 1]), 1))
    assert (accuracy, saturation) == (1.0, None)


@pytest.mark.parametrize("augmented", [False, True])
def test_rows_are_gathered_by_the_cache_and_four_times_as_many_are_distorted(
    augmented, monkeypatch
):
    """The two threads take turns less often."""
    monkeypatch.setattr("sknielsen.core.engine.CACHED_BYTES", 2 * 5 * 8)

    class Same:
        def distort(self, X, rng):
            return X

    descent = make_descent(batch_size=1, augment=Same() if augmented else None)
    engine = LocalEngine(make_network(), make_data(), descent)
    lengths = [len(x) for _, x, _, _ in engine._chunks(0, np.arange(N_ROWS))]
    assert lengths == ([8, 8, 7] if augmented else [2] * 11 + [1])
