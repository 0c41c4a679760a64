"""Training on a real cluster equals that of one machine, or is an average of blocks."""

import dask.array as da
import numpy as np
import pytest
from helpers import BOOK
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from two_workers import assert_same_weights, in_blocks

from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen.dask import DaskMLPSigmoidClassifier


@pytest.mark.parametrize(
    "parameters",
    [
        dict(momentum=0.9, lmbda=3.0),
        dict(cost="log_likelihood", penalty="l1", lmbda=1.0, eta_schedule=[(2, 1.0), (2, 0.1)]),
        dict(cost="quadratic", class_weight="balanced", hidden_layer_sizes=()),
    ],
)
def test_full_batch_training_equals_that_of_one_machine(
    client, digits, distributed_and_plain, parameters
):
    X, y = digits
    clf, plain = distributed_and_plain(**parameters)
    clf.fit(*in_blocks(X, y))
    plain.fit(X, y)
    assert_same_weights(clf, plain)
    for column in ("eta", "train_cost", "train_accuracy", "penalty"):
        np.testing.assert_allclose(clf.history_[column], plain.history_[column], rtol=1e-10)


def test_float32_rows_train_a_float32_network(client, digits, distributed_and_plain):
    X, y = digits[0].astype(np.float32), digits[1]
    clf, plain = distributed_and_plain()
    assert_same_weights(clf.fit(*in_blocks(X, y)), plain.fit(X, y), atol=1e-5)
    assert clf.coefs_[0].dtype == np.float32


def test_sample_weights_count_as_on_one_machine(client, digits, distributed_and_plain):
    X, y = digits
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    weight[100:107] = 0  # a block without weight
    clf, plain = distributed_and_plain(max_iter=3)
    clf.fit(*in_blocks(X, y, weight))
    assert_same_weights(clf, plain.fit(X, y, weight))
    np.testing.assert_allclose(clf.history_["train_cost"], plain.history_["train_cost"])
    assert clf.score(*in_blocks(X, y, weight)) == pytest.approx(plain.score(X, y, weight))


def test_string_labels_and_two_classes(client, binary, distributed_and_plain):
    X, y = binary[0], np.array(["no", "yes"])[binary[1]]
    clf, plain = distributed_and_plain(max_iter=3)
    dX, dy = in_blocks(X, y, chunks=(20, len(y) - 20))
    assert_same_weights(clf.fit(dX, dy), plain.fit(X, y))
    assert clf.predict(dX).compute().tolist() == plain.predict(X).tolist()
    assert clf.predict(dX).dtype == plain.predict(X).dtype


def test_multilabel_targets(client, multilabel, distributed_and_plain):
    X, Y = multilabel
    clf, plain = distributed_and_plain(max_iter=3)
    dX, dY = in_blocks(X, Y, chunks=(50, 70))
    assert_same_weights(clf.fit(dX, dY.rechunk({1: 2})), plain.fit(X, Y))
    np.testing.assert_array_equal(clf.predict(dX).compute(), plain.predict(X))
    assert clf.score(dX, dY) == plain.score(X, Y)


def test_sparse_blocks(client, digits, distributed_and_plain):
    X, y = digits
    clf, plain = distributed_and_plain(max_iter=2)
    dX, dy = in_blocks(X, y)
    sparse = dX.map_blocks(csr_array)
    assert_same_weights(clf.fit(sparse, dy), plain.fit(X, y))
    np.testing.assert_array_equal(clf.predict(sparse).compute(), plain.predict(X))


def test_blocks_of_a_stream_share_n_total(client, digits, distributed_and_plain):
    X, y = digits
    clf, plain = distributed_and_plain(n_total=300, lmbda=5.0)
    for rows in (slice(0, 200), slice(200, 300)):
        chunks = (90, 110) if rows.start == 0 else (100,)
        clf.partial_fit(*in_blocks(X[rows], y[rows], chunks=chunks), classes=range(10))
        plain.set_params(batch_size=None).partial_fit(X[rows], y[rows], classes=range(10))
    assert_same_weights(clf, plain)


@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_a_block_of_a_stream_without_weight_only_shrinks_the_weights(client, digits, sync):
    X, y = digits
    settings = dict(BOOK, hidden_layer_sizes=(8,), n_total=300, lmbda=60.0, random_state=0)
    clf = DaskMLPSigmoidClassifier(sync=sync, batch_size=None, **settings)
    plain = MLPSigmoidClassifier(batch_size=None, **settings).partial_fit(X, y, range(10))
    clf.partial_fit(*in_blocks(X, y, chunks=(300,)), classes=range(10))
    before = plain.coefs_[0].copy()
    plain.partial_fit(X, y, sample_weight=np.zeros(len(y)))
    clf.partial_fit(*in_blocks(X, y, chunks=(300,)), None, da.zeros(len(y), chunks=300))
    np.testing.assert_allclose(plain.coefs_[0], 0.9 * before)
    assert_same_weights(clf, plain)
    with pytest.raises(ValueError, match=r"weights of all training rows are zero\.$"):
        plain.fit(X, y, np.zeros(len(y)))


def test_mini_batches_over_all_blocks_use_each_row_once(client, digits):
    """With eta so small that weights hardly move, the steps of an epoch add up to one."""
    X, y = digits
    settings = dict(hidden_layer_sizes=(), max_iter=1, random_state=0)
    for shuffle in (False, True):
        clf = DaskMLPSigmoidClassifier(eta=1e-6, batch_size=75, shuffle=shuffle, **settings)
        clf.fit(*in_blocks(X, y))
        plain = MLPSigmoidClassifier(eta=4e-6, batch_size=None, **settings).fit(X, y)
        assert_same_weights(clf, plain, atol=1e-10)


def test_mini_batches_in_the_given_order_equal_those_of_one_machine(
    client, digits, distributed_and_plain
):
    clf, plain = distributed_and_plain(batch_size=110, shuffle=False, max_iter=2)
    assert_same_weights(clf.fit(*in_blocks(*digits)), plain.fit(*digits))


def test_partial_fit_and_warm_starts_continue_fit(client, digits, distributed_and_plain):
    X, y = digits
    dX, dy = in_blocks(X, y)
    whole, _ = distributed_and_plain(max_iter=2, dropout=0.3, momentum=0.5)
    whole.fit(dX, dy)
    pieces = clone(whole)
    pieces.partial_fit(dX, dy, classes=range(10)).partial_fit(dX, dy)
    warm = clone(whole).set_params(max_iter=1, warm_start=True).fit(dX, dy).fit(dX, dy)
    assert_same_weights(pieces, whole, atol=0)
    assert_same_weights(warm, whole, atol=0)
    local = whole.to_local().set_params(batch_size=None, dropout=0.0)
    distributed = whole.set_params(dropout=0.0).partial_fit(dX, dy)
    assert_same_weights(local.partial_fit(X, y), distributed)


def test_averaging_reaches_97_percent_on_digits(client, all_digits):
    X, X_test, y, y_test = train_test_split(*all_digits, test_size=397, random_state=0)
    dX, dy = in_blocks(X, y, chunks=(500, 450, 450))
    clf = DaskMLPSigmoidClassifier(sync="average", max_iter=30, eta=2.0, lmbda=0.0, random_state=0)
    clf.fit(dX, dy)
    assert clf.score(*in_blocks(X_test, y_test, chunks=(200, 197))) >= 0.97


def test_average_of_one_block_is_plain_training(client, digits):
    X, y = digits
    settings = dict(hidden_layer_sizes=(8,), max_iter=2, random_state=0, shuffle=False)
    settings |= dict(momentum=0.5, lmbda=2.0)
    clf = DaskMLPSigmoidClassifier(sync="average", **settings).fit(*in_blocks(X, y, chunks=(300,)))
    assert_same_weights(clf, MLPSigmoidClassifier(batch_size=10, **settings).fit(X, y))


@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_the_penalty_is_chosen_as_by_the_plain_classifier(client, digits, sync):
    X, y = digits
    clf = DaskMLPSigmoidClassifier((8,), sync=sync, max_iter=1, random_state=0)
    assert clf.fit(*in_blocks(X, y)).lmbda_ == 1
    assert clf.fit(*in_blocks(X, y, np.full(len(y), 1 / 300))).lmbda_ == pytest.approx(1 / 300)
    assert clf.partial_fit(*in_blocks(X, y)).lmbda_ == 0


def test_average_is_weighted_by_the_blocks_rows(client, digits):
    X, y = digits
    settings = dict(BOOK, hidden_layer_sizes=(), max_iter=1, random_state=0, shuffle=False)
    clf = DaskMLPSigmoidClassifier(sync="average", **settings)
    clf.fit(*in_blocks(X, y, chunks=(200, 100)))
    first, second = (
        MLPSigmoidClassifier(batch_size=10, **settings).partial_fit(X[s], y[s], range(10))
        for s in (slice(0, 200), slice(200, 300))
    )
    expected = (2 * first.coefs_[0] + second.coefs_[0]) / 3
    np.testing.assert_allclose(clf.coefs_[0], expected, atol=1e-12)


@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_augmentation_on_the_workers_depends_on_the_seed_alone(client, digits, sync):
    dX, dy = in_blocks(*digits)
    augment = ImageAugmenter(image_shape=(8, 8), elastic=1.0)
    clf = DaskMLPSigmoidClassifier((8,), sync=sync, max_iter=2, augment=augment, random_state=0)
    once, twice = clone(clf).fit(dX, dy), clone(clf).fit(dX, dy)
    assert_same_weights(once, twice, atol=0)
    without = clone(clf).set_params(augment=None).fit(dX, dy)
    assert not np.allclose(without.coefs_[0], once.coefs_[0])


def test_scaling_on_the_workers(client, digits):
    X, y = digits
    X = X[:, X.std(axis=0) > 0] + 3.0
    dX, dy = in_blocks(X, y)
    settings = dict(hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    scaler = StandardScaler().fit(X)
    plain = MLPSigmoidClassifier(batch_size=None, **settings).fit(scaler.transform(X), y)

    mean, std = dX.mean(axis=0), dX.std(axis=0)
    by_statistics = (dX - mean) / std
    by_scaler = dX.map_blocks(scaler.transform, dtype=dX.dtype)
    for scaled in (by_statistics, by_scaler):
        clf = DaskMLPSigmoidClassifier(**settings).fit(scaled, dy)
        assert_same_weights(clf, plain, atol=1e-8)


def test_early_stopping_on_validation_rows_in_memory(client, all_digits, distributed_and_plain):
    X, y = all_digits
    clf, plain = distributed_and_plain(
        early_stopping=True, n_iter_no_change=2, max_iter=15, scoring="f1_macro", eta=0.3
    )
    validation = dict(X_val=X[300:500], y_val=y[300:500])
    clf.fit(*in_blocks(X[:300], y[:300]), **validation)
    plain.fit(X[:300], y[:300], **validation)
    assert clf.n_iter_ == plain.n_iter_
    assert clf.best_epoch_ == plain.best_epoch_
    assert_same_weights(clf, plain)
    np.testing.assert_allclose(
        clf.history_["validation_score"], plain.history_["validation_score"]
    )


@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic"])
def test_monitored_figures_are_those_of_one_machine(client, digits, distributed_and_plain, cost):
    X, y = digits
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    clf, plain = distributed_and_plain(class_weight="balanced", weight_init="large", cost=cost)
    clf.fit(*in_blocks(X, y, weight))
    plain.fit(X, y, weight)
    assert plain.history_["saturation"][0] > 0
    for column in ("train_cost", "train_accuracy", "saturation"):
        np.testing.assert_allclose(clf.history_[column], plain.history_[column], rtol=1e-10)


def test_small_mini_batches_over_all_blocks_warn(client):
    X = da.zeros((1001, 2), chunks=(1001, 2))
    y = da.arange(1001, chunks=1001) % 2
    clf = DaskMLPSigmoidClassifier((), batch_size=1, max_iter=1, random_state=0)

    class Ends:
        def __call__(self, epoch, history, eta, max_iter):
            raise RuntimeError("far enough")

    clf.set_params(eta_schedule=Ends())
    with (
        pytest.warns(UserWarning, match=r"1001 rounds between the workers"),
        pytest.raises(RuntimeError, match="far enough"),
    ):
        clf.fit(X, y)
