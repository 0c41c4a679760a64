"""A real cluster of two worker processes, a new one for each module."""

import pytest
from helpers import BOOK
from sklearn.datasets import load_digits
from two_workers import MEMORY_LIMIT

from sknielsen import MLPSigmoidClassifier
from sknielsen.dask import DaskMLPSigmoidClassifier


@pytest.fixture(scope="module")
def client():
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            memory_limit=MEMORY_LIMIT,
            host="127.0.0.1",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def all_digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture(scope="module")
def distributed_and_plain():
    """Make two classifiers that ought to learn the same."""

    def make(**parameters):
        defaults = dict(BOOK, hidden_layer_sizes=(8, 6), max_iter=4, random_state=0, eta=2.0)
        parameters = defaults | parameters
        return DaskMLPSigmoidClassifier(**parameters), MLPSigmoidClassifier(
            **{"batch_size": None} | parameters
        )

    return make
