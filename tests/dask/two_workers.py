"""What the tests on a cluster of two worker processes share."""

import threading
from contextlib import contextmanager

import dask.array as da
import numpy as np
from distributed import SchedulerPlugin

PATIENCE = 300  # seconds after which a worker counts as lost: a safety net, no measure

MEMORY_LIMIT = 550 * 10**6  # of which a worker takes 230 MB before it holds any data
CHUNKS = (100, 7, 1, 120, 72)


def in_blocks(*arrays, chunks=CHUNKS):
    """Put arrays on the cluster, in blocks of unequal size."""
    return [
        da.from_array(array, chunks=(chunks, *array.shape[1:]), name=False) for array in arrays
    ]


def parameters_of(model):
    return model.coefs_ + model.intercepts_


def assert_same_weights(one, other, atol=1e-10):
    for a, b in zip(parameters_of(one), parameters_of(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


class Arrivals(SchedulerPlugin):
    """Tells when two workers are there, and not the same two as before."""

    def __init__(self, scheduler):
        self.scheduler, self.replaced = scheduler, threading.Event()
        self.before = self._workers()

    def _workers(self):
        return {worker.server_id for worker in list(self.scheduler.workers.values())}

    def _look(self):
        workers = self._workers()
        if len(workers) == len(self.before) and workers != self.before:
            self.replaced.set()

    def add_worker(self, scheduler, worker):
        self._look()

    def remove_worker(self, scheduler, worker, **others):  # it may go after the new one has come
        self._look()


@contextmanager
def one_is_killed(client):
    """Wait, at the end of the block in which a worker is killed, until another is there."""
    scheduler = client.cluster.scheduler
    arrivals = Arrivals(scheduler)
    scheduler.add_plugin(arrivals, name="arrivals")
    try:
        yield
        assert arrivals.replaced.wait(PATIENCE), "no worker took the place of the one killed"
    finally:
        scheduler.remove_plugin("arrivals")
