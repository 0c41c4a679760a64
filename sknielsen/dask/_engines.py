"""Engines for rows on the workers: the gradient of every step, or the average of every epoch.

Both hold a plain network on the client, whose weights are sent with each round of tasks.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from sknielsen.core.blas import blas_threads
from sknielsen.core.contracts import Record
from sknielsen.core.engine import Descent, train_figures, validation_figures
from sknielsen.core.network import Network
from sknielsen.dask._inputs import DaskInputs
from sknielsen.dask._tasks import Job, figures, local_epoch, sum_gradients


class ClusterEngine:
    """What both engines share: the job that goes to the workers, and measuring.

    Parameters
    ----------
    network : Network
        Trained in place.
    inputs : DaskInputs
    descent : Descent
        Its batch size is that over all blocks.
    batch_size : int or None
        Rows of a block's own mini-batches.
    """

    def __init__(
        self, network: Network, inputs: DaskInputs, descent: Descent, batch_size: int | None
    ) -> None:
        self.network = network
        self.inputs = inputs
        self.descent = descent
        self.rows = inputs.train
        self.cluster = self.rows.cluster
        self._job = replace(
            self.rows.job,
            descent=descent,
            batch_size=batch_size,
            cost=network.cost,
            keep=network.keep,
        )
        self._run = blas_threads(descent.batch_size, network.layer_sizes)

    def with_threads(self, function: Any, *args: Any) -> Any:
        """Return ``function(*args)``, called with the threads of BLAS that suit the network."""
        return self._run(function, *args)

    def _share(self, epoch: int = 0, with_velocity: bool = False) -> Any:
        """Send the network to the workers; return the future of the job."""
        network = self.network
        job: Job = replace(
            self._job,
            weights=network.weights,
            biases=network.biases,
            velocity=network.velocity if with_velocity else None,
            epoch=epoch,
        )
        return self.cluster.share(job)

    def measure(self) -> Record:
        """Measure the penalty, and the network on monitored rows and on validation rows."""
        record = {"penalty": self.descent.penalty_value(self.network)}
        if self.inputs.monitor:
            job = self._share()
            tasks = [
                self.cluster.submit(figures, job, *block.task, count)
                for block, count in self.inputs.monitor
            ]
            measured, weights = zip(*self.cluster.gather(tasks))
            cost, accuracy, saturation = np.average(measured, axis=0, weights=weights).tolist()
            record |= train_figures(cost, accuracy, saturation if self.network.n_hidden else None)
        if self.inputs.validation:
            record |= validation_figures(self.network, self.inputs.validation)
        return record


class GradientEngine(ClusterEngine):
    """At every step each block sums the gradients of its rows, and the sums are added up."""

    def run_epoch(self, epoch: int, eta: float) -> None:
        """Descend once through all rows, a mini-batch over all blocks at a time."""
        descent, n_layers = self.descent, len(self.network.weights)
        shrink = descent.shrink(eta)
        for m, parts in self.rows.batches(epoch, descent.batch_size, descent.shuffle):
            job = self._share(epoch)
            gradients = self.cluster.total(
                [self.cluster.submit(sum_gradients, job, *part) for part in parts]
            )
            with np.errstate(all="ignore"):  # divergence is looked for after the epoch
                both = gradients[:n_layers], gradients[n_layers:]
                self.network.descend(eta / m, shrink, descent.momentum, both)


class AverageEngine(ClusterEngine):
    """Each block trains for an epoch by itself, and the weights are averaged (local SGD)."""

    def run_epoch(self, epoch: int, eta: float) -> None:
        """Have each block train for an epoch; take the average of what comes of it.

        The penalty and the momentum act on the workers.
        """
        network, rows = self.network, self.rows
        job = self._share(epoch, with_velocity=True)
        shares = np.array([block.total_weight for block in rows.blocks])
        if not shares.any():
            shares = rows.sizes.astype(float)
        averages = self.cluster.total(
            [
                self.cluster.submit(local_epoch, job, *block.task, eta, share)
                for block, share in zip(rows.blocks, (shares / shares.sum()).tolist())
                if share
            ]
        )
        arrays = network.weights + network.biases
        for some in network.velocity or ():
            arrays = arrays + some
        for array, average in zip(arrays, averages):
            array[...] = average
