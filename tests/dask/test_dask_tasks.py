"""What a task does with its block, called here without a cluster."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from sknielsen import MLPSigmoidClassifier
from sknielsen.core.engine import Descent
from sknielsen.costs import COSTS
from sknielsen.dask._tasks import (
    Job,
    Rows,
    check_block,
    order,
    score_block,
    sum_gradients,
    summarise_block,
)
from sknielsen.penalties import PENALTIES

X = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
Y = np.array([3, 5, 3, 3])


def summary(X, y, weight=None):
    return summarise_block(check_block(MLPSigmoidClassifier(), False, X, y, weight))


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_a_summary_counts_what_all_blocks_are_judged_by(container):
    found = summary(container(X), Y, np.array([0.5, 2.0, 0.0, 0.25]))
    assert (found.n_rows, found.n_features, found.names) == (4, 2, None)
    assert found.dtype == np.float64
    assert found.sparse is (container is csr_array)
    assert found.squares == 16.0
    assert found.n_labels == 0
    np.testing.assert_array_equal(found.classes, [3, 5])
    np.testing.assert_array_equal(found.weights, [0.75, 2.0])
    np.testing.assert_array_equal(found.counts, [2, 1])  # a row without weight does not count


def test_a_summary_without_weights_counts_rows():
    found = summary(X, Y)
    np.testing.assert_array_equal(found.weights, [3.0, 1.0])
    np.testing.assert_array_equal(found.counts, [3, 1])


def test_a_summary_of_indicators_counts_labels_and_all_rows():
    found = summary(X, np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1]]))
    assert found.n_labels == 3
    assert len(found.classes) == 0
    np.testing.assert_array_equal(found.weights, [4.0])
    np.testing.assert_array_equal(found.counts, [4])


def test_a_summary_tells_names_and_kinds_apart():
    frame = pd.DataFrame(X.astype(np.float32), columns=["a", "b"])
    found, numbers = summary(frame, Y.astype(str)), summary(X, Y)
    assert found.names == ("a", "b")
    assert found.dtype == np.float32
    assert found.kind_of_labels != numbers.kind_of_labels


def test_a_block_without_rows_has_no_summary():
    assert check_block(MLPSigmoidClassifier(), False, X[:0], Y[:0], None) is None
    assert summarise_block(None) is None


def test_a_column_of_weights_is_raveled_and_a_bad_one_named():
    rows = check_block(MLPSigmoidClassifier(), False, X, Y, np.ones((4, 1)))
    assert rows.weight.shape == (4,)
    with pytest.raises(ValueError, match="sample_weight"):
        check_block(MLPSigmoidClassifier(), False, X, Y, -np.ones(4))


def test_a_check_leaves_the_model_as_it_was():
    clf = MLPSigmoidClassifier()
    before = dict(vars(clf))
    check_block(clf, False, pd.DataFrame(X, columns=["a", "b"]), Y, None)
    assert vars(clf) == before


def make_job(n_rows, **parameters):
    rng = np.random.default_rng(0)
    sizes = (2, 4, 2)
    descent = Descent(n_rows, 0, PENALTIES["l2"], 0.0, float(n_rows), 0.0, False, None)
    job = Job(
        dtype=np.dtype(float),
        n_outputs=2,
        class_weight=None,
        mean_weight=1.0,
        seed=0,
        descent=descent,
        weights=[np.asfortranarray(rng.normal(size=shape)) for shape in pairwise(sizes)],
        biases=[rng.normal(size=n) for n in sizes[1:]],
        cost=COSTS["log_likelihood"],
        keep=[1.0, 1.0],
    )
    return replace(job, **parameters)


def test_the_network_of_a_task_is_a_copy():
    velocity = [np.ones((2, 4), order="F"), np.ones((4, 2), order="F")], [np.ones(4), np.ones(2)]
    job = make_job(4, velocity=velocity)
    network = job.network()
    for ours, shared in (
        (network.weights, job.weights),
        (network.biases, job.biases),
        (network.velocity[0], velocity[0]),
        (network.velocity[1], velocity[1]),
    ):
        for array, other in zip(ours, shared, strict=True):
            np.testing.assert_array_equal(array, other)
            assert not np.shares_memory(array, other)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_of_the_parts_of_a_block_add_up_to_those_of_the_whole(weighted):
    weight = np.array([1.0, 0.0, 3.0, 0.5]) if weighted else None
    rows, codes = Rows(X, Y, weight, None), (Y == 5).astype(int)
    job = make_job(4, mean_weight=1.125 if weighted else 1.0)
    in_order = np.array([2, 0, 3, 1])
    whole = sum_gradients(job, 0, rows, codes, None, 0, 4)
    first = sum_gradients(job, 0, rows, codes, in_order, 0, 3)
    rest = sum_gradients(job, 0, rows, codes, in_order, 3, 4)
    for total, one, other in zip(whole, first, rest, strict=True):
        np.testing.assert_allclose(one + other, total, rtol=1e-12, atol=1e-14)
    assert any(one.any() for one in rest) is not weighted  # its row has no weight
    assert any(one.any() for one in first)


def test_an_order_is_that_of_its_seed_block_and_epoch():
    first = order(0, 0, 50, 0)
    assert sorted(first) == list(range(50))
    np.testing.assert_array_equal(first, order(0, 0, 50, 0))
    for other in (order(1, 0, 50, 0), order(0, 1, 50, 0), order(0, 0, 50, 1)):
        assert (first != other).any()


def test_a_score_is_the_weight_of_what_is_right_and_of_all():
    class Threes:
        def predict(self, X):
            return np.full(len(X), 3)

    assert score_block(Threes(), X, Y, None) == (3.0, 4.0)
    assert score_block(Threes(), X, Y[:, None], np.array([1.0, 2.0, 0.5, 0.0])) == (1.5, 3.5)
    assert score_block(Threes(), X, Y, np.zeros(4)) == (0.0, 0.0)
    assert score_block(Threes(), X[:0], Y[:0], None) == (0.0, 0.0)
