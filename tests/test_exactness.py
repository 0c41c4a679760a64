"""fit, partial_fit, warm starts and pickles are one training: equal bit for bit."""

import pickle

import numpy as np
import pytest
from helpers import assert_same_model, history_of, weights_of
from scipy.sparse import csr_matrix

from sknielsen.penalties import PENALTIES
from sknielsen.schedules import Plateau, Taper

CONFIGURATIONS = {
    "plain": {},
    "momentum": {"momentum": 0.8},
    "dropout": {"dropout": [0.1, 0.5]},
    "piecewise": {"eta_schedule": [(2, 0.5), (1, 0.1)]},
    "taper": {"eta_schedule": Taper("inverse", n_epochs=3)},
    "plateau": {"eta_schedule": Plateau(patience=1, min_factor=1 / 8)},
    "l1": {"penalty": "l1", "lmbda": 0.5},
    "everything": {
        "momentum": 0.5,
        "dropout": 0.2,
        "eta_schedule": Taper(n_epochs=4),
        "lmbda": 1.0,
        "cost": "quadratic",
        "monitor_samples": 40,
    },
    "full batch": {"batch_size": None, "momentum": 0.5, "lmbda": 1.0},
    "log-likelihood": {"cost": "log_likelihood", "lmbda": 0.1, "hidden_layer_sizes": (6, 5)},
}
N_EPOCHS = 5


@pytest.fixture(params=["float32", "float64"])
def rows(request, digits):
    X, y = digits
    X = X.astype(request.param)
    return (X[:120], y[:120]), {"X_val": X[120:180], "y_val": y[120:180]}


@pytest.fixture(params=sorted(CONFIGURATIONS))
def make(request, small):
    def make(**parameters):
        return small(**(CONFIGURATIONS[request.param] | parameters))

    return make


def test_fit_equals_calls_of_partial_fit(make, rows):
    train, validation = rows
    fitted = make(max_iter=N_EPOCHS).fit(*train, **validation)
    streamed = make()
    for _ in range(N_EPOCHS):
        streamed.partial_fit(*train, np.unique(train[1]), **validation)
    assert_same_model(fitted, streamed)
    assert fitted.best_epoch_ == streamed.best_epoch_


def test_a_warm_fit_continues_as_if_never_stopped(make, rows):
    train, validation = rows
    straight = make(max_iter=N_EPOCHS).fit(*train, **validation)
    stopped = make(max_iter=2, warm_start=True).fit(*train, **validation)
    stopped.set_params(max_iter=N_EPOCHS - 2).fit(*train, **validation)
    assert_same_model(straight, stopped)


def test_a_pickle_continues_as_the_original(make, rows):
    train, validation = rows
    original = make(max_iter=2, warm_start=True).fit(*train, **validation)
    copy = pickle.loads(pickle.dumps(original))
    assert_same_model(original.fit(*train, **validation), copy.fit(*train, **validation))


def test_a_pickle_continues_by_partial_fit_as_a_warm_fit(make, rows):
    train, validation = rows
    warm = make(max_iter=1, warm_start=True).fit(*train, **validation)
    copy = pickle.loads(pickle.dumps(warm))
    assert_same_model(warm.fit(*train, **validation), copy.partial_fit(*train, **validation))


def test_the_same_seed_gives_the_same_model_and_another_seed_another(make, rows):
    train, validation = rows
    first, second, third = (
        make(random_state=seed).fit(*train, **validation) for seed in (3, 3, 4)
    )
    assert_same_model(first, second)
    assert (weights_of(first) != weights_of(third)).any()


def test_sparse_rows_train_the_same_network_as_dense_ones(make, rows):
    train, validation = rows
    dense = make().fit(*train, **validation)
    sparse = make().fit(csr_matrix(train[0]), train[1], **validation)
    assert_same_model(dense, sparse)


def test_validation_data_without_early_stopping_only_monitor(small, rows):
    train, validation = rows
    alone, monitored = small().fit(*train), small().fit(*train, **validation)
    np.testing.assert_array_equal(weights_of(alone), weights_of(monitored))


def test_monitoring_does_not_disturb_training(small, rows):
    train, _ = rows
    few, none = small(monitor_samples=7).fit(*train), small(monitor_samples=0).fit(*train)
    np.testing.assert_array_equal(weights_of(few), weights_of(none))
    assert np.isnan(none.history_["train_cost"]).all()
    assert np.isnan(none.history_["saturation"]).all()


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("penalty", sorted(PENALTIES))
def test_a_mini_batch_too_large_to_hold_trains_as_one_step(
    penalty, momentum, monkeypatch, small, rows
):
    train, _ = rows
    parameters = dict(batch_size=50, lmbda=1.0, penalty=penalty, momentum=momentum, shuffle=False)
    whole = small(**parameters).fit(*train)
    monkeypatch.setattr("sknielsen.core.data._HELD_BYTES", 7 * train[0].itemsize * (64 + 3 * 18))
    parts = small(**parameters).fit(*train)
    tolerance = 1e-12 if train[0].dtype == np.float64 else 1e-4
    np.testing.assert_allclose(
        weights_of(whole), weights_of(parts), rtol=tolerance, atol=tolerance
    )
    np.testing.assert_allclose(history_of(whole), history_of(parts), rtol=1e-3)


def test_blocks_with_n_total_shrink_the_weights_as_an_epoch_over_the_whole(small, rows):
    (X, y), _ = rows
    parameters = dict(lmbda=2.0, shuffle=False, batch_size=10)
    whole = small(max_iter=1, **parameters).fit(X, y)
    blocks = small(n_total=len(X), **parameters)
    for start in range(0, len(X), 40):
        blocks.partial_fit(X[start : start + 40], y[start : start + 40], np.unique(y))
    np.testing.assert_array_equal(weights_of(whole), weights_of(blocks))
    assert whole.history_["penalty"][-1] == blocks.history_["penalty"][-1]
    assert blocks.n_iter_ == 3


def test_without_n_total_a_block_counts_as_the_whole(small, rows):
    (X, y), _ = rows
    one = small(lmbda=2.0).partial_fit(X[:40], y[:40], np.unique(y))
    other = small(lmbda=2.0, n_total=40).partial_fit(X[:40], y[:40], np.unique(y))
    assert_same_model(one, other)
