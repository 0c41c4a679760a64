"""A slow network, a sample at a time, that predicts what each epoch of a classifier does.

It restates the documented contracts and shares no code with the package: equations from
`backpropagation`, one generator for each stream and epoch, schedules, penalties and weights.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, exp, inf, isnan, nan

import numpy as np
from backpropagation import gradients, sigma, sigma_prime, softmax

from sknielsen.schedules import Plateau, Taper

INITIALISATION, MONITOR, SHUFFLE, DROPOUT = 0, 2, 3, 4


def generator(seed, stream, *epoch):
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *epoch)))


@dataclass
class Rows:
    """Labelled rows: inputs, targets of each output unit, and two weights of each row."""

    X: np.ndarray
    Y: np.ndarray
    sample_weight: np.ndarray
    cost_weight: np.ndarray  # by sample and by class

    def select(self, rows):
        return Rows(self.X[rows], self.Y[rows], self.sample_weight[rows], self.cost_weight[rows])


def mini_batches(order, weight, batch_size, in_a_stream):
    """Yield the rows of each mini-batch and the factors of their gradients.

    The data term of a step is eta / (m u) * sum_i weight_i gradient_i over the m rows of a
    mini-batch. In a stream u is 1, else the mean weight of all training rows of the call, or 1 if
    all weights are zero. A row heavier than a mini-batch of mean rows (in a stream of the larger
    of mean and 1) is visited several times at even distances, with equal parts of its weight.
    """
    mean_weight = weight.mean() or 1.0
    limit = batch_size * (max(1.0, mean_weight) if in_a_stream else mean_weight)
    visits = [max(1, ceil(w / limit * (1 - 1e-9))) for w in weight]
    at = [
        ((index / len(order) + k / visits[row]) % 1.0, index, row)
        for index, row in enumerate(order)
        for k in range(visits[row])
    ]
    order = np.array([row for _, _, row in sorted(at, key=lambda one: one[0])])
    part = weight / visits / (1.0 if in_a_stream else mean_weight)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        yield rows, part[rows] / len(rows)


def eta_of_epoch(schedule, epoch, scores, eta, max_iter):
    """Eta after `epoch` epochs with these validation scores; None where training ends."""
    if schedule == "constant":
        return eta
    if isinstance(schedule, list):
        etas = [regime_eta for n_epochs, regime_eta in schedule for _ in range(n_epochs)]
        return etas[min(epoch, len(etas) - 1)]
    if isinstance(schedule, Taper):
        n = schedule.n_epochs or max_iter
        epoch = epoch if schedule.n_epochs else epoch % max_iter
        factors = {"linear": 1 - min(epoch, n - 1) / n, "exponential": exp(-epoch / n)}
        return eta * (factors | {"inverse": 1 / (1 + epoch / n)})[schedule.form]
    assert isinstance(schedule, Plateau)
    best, stalled, factor = -inf, 0, 1.0
    for score in scores:
        if isnan(score):
            continue
        stalled = 0 if score > best else stalled + 1
        best = max(score, best)
        if stalled == schedule.patience:
            stalled, factor = 0, factor * schedule.factor
    return None if factor < schedule.min_factor else factor * eta


def shrunk(w, penalty, rate):
    """A matrix after the penalty's own step, rate = eta lmbda / n."""
    return w - rate * np.sign(w) if penalty == "l1" else w - rate * w


def penalty_of(weights, penalty):
    if penalty == "l1":
        return sum(np.abs(w).sum() for w in weights)
    return sum(np.square(w).sum() for w in weights) / 2


def costs_of(z, Y, cost):
    """The cost of each row."""
    if cost == "quadratic":
        return np.square(sigma(z) - Y).sum(axis=1) / 2
    if cost == "cross_entropy":
        return (np.logaddexp(0, z) - Y * z).sum(axis=1)
    return -(Y * np.log([softmax(row) for row in z])).sum(axis=1)


def margins(z, Y, exclusive):
    """How far each row is from being decided otherwise than Y says; negative if it is already.

    Classes that exclude each other compete, each of the other outputs has a threshold at 0.
    """
    if not exclusive:
        return np.where(Y > 0, z, -z).min(axis=1)
    return np.where(Y > 0, z, -inf).max(axis=1) - np.where(Y > 0, -inf, z).max(axis=1)


def dropout_scales(rng, m, sizes, keep):
    """What dropout multiplies the inputs and the hidden activations of m rows by.

    The input layer's uniform numbers come row by row, those of a hidden layer unit by unit.
    """
    scales = []
    for layer, (n_units, p) in enumerate(zip(sizes, keep)):
        if p == 1.0:
            scales.append(np.ones((m, n_units)))
            continue
        uniform = rng.random(m * n_units, dtype=np.float32)
        kept = uniform.reshape((m, n_units), order="F" if layer else "C") < p
        scales.append(kept / p)
    return scales


class Reference:
    """A network in float64, trained a sample at a time.

    Parameters
    ----------
    seed : int
        The classifier's `seed_`.
    weights, biases : list of ndarray
    velocity : list of two lists of ndarray, default=None
        The last step of weights and biases; None if there was none.
    """

    def __init__(self, seed, weights, biases, velocity=None):
        self.seed = seed
        self.weights = [np.array(w, float) for w in weights]
        self.biases = [np.array(b, float) for b in biases]
        velocity = velocity or [map(np.zeros_like, weights), map(np.zeros_like, biases)]
        self.velocity = [[np.array(v, float) for v in some] for some in velocity]

    @classmethod
    def new(cls, seed, sizes, init_scale):
        rng = generator(seed, INITIALISATION)
        weights, biases = [], []
        for n_in, n_out in pairwise(sizes):
            weights.append(init_scale * rng.standard_normal((n_in, n_out)) / np.sqrt(n_in))
            biases.append(rng.standard_normal(n_out))
        return cls(seed, weights, biases)

    def copy(self):
        return Reference(self.seed, self.weights, self.biases, self.velocity)

    def forward(self, X):
        """The weighted inputs z of each layer, a row at a time."""
        zs = [[] for _ in self.weights]
        for a in X:
            for w, b, of_layer in zip(self.weights, self.biases, zs):
                of_layer.append(w.T @ a + b)
                a = sigma(of_layer[-1])
        return [np.array(of_layer) for of_layer in zs]

    def train_epoch(self, epoch, eta, rows, parameters, in_a_stream):
        """One epoch of mini-batch descent, `epoch` epochs having been trained before."""
        order = np.arange(len(rows.X), dtype=np.int32)
        if parameters["shuffle"]:
            order = generator(self.seed, SHUFFLE, epoch).permutation(order)
        masks = generator(self.seed, DROPOUT, epoch)
        n = parameters["n_total"] or rows.cost_weight.sum()
        rate = eta * parameters["lmbda"] / n
        batch_size = min(parameters["batch_size"] or len(order), len(order))
        sizes, keep = list(map(len, self.weights)), self.keep(parameters["dropout"])
        for batch, factors in mini_batches(order, rows.cost_weight, batch_size, in_a_stream):
            scales = dropout_scales(masks, len(batch), sizes, keep)
            gradient = self.gradient(rows, batch, factors, scales, parameters["cost"])
            self.velocity = [
                [parameters["momentum"] * v - eta * g for v, g in zip(*some)]
                for some in zip(self.velocity, gradient)
            ]
            self.weights = [
                shrunk(w, parameters["penalty"], rate) + v
                for w, v in zip(self.weights, self.velocity[0])
            ]
            self.biases = [b + v for b, v in zip(self.biases, self.velocity[1])]

    def gradient(self, rows, batch, factors, scales, cost):
        """Sum the rows' gradients, each times its factor.

        Dropping an activation equals dropping the weights that lead away from it.
        """
        total_w, total_b = map(np.zeros_like, self.weights), map(np.zeros_like, self.biases)
        for i, (row, factor) in enumerate(zip(batch, factors)):
            kept = [scale[i][:, None] for scale in scales]
            weights = [k * w for k, w in zip(kept, self.weights)]
            by_w, by_b = gradients(weights, self.biases, rows.X[row], rows.Y[row], cost)
            total_w = [t + factor * k * g for t, k, g in zip(total_w, kept, by_w)]
            total_b = [t + factor * g for t, g in zip(total_b, by_b)]
        return total_w, total_b

    def keep(self, dropout):
        n_hidden = len(self.weights) - 1
        by_layer = dropout if isinstance(dropout, list) else [0.0] + [dropout] * n_hidden
        return [1.0 - p for p in by_layer]

    def monitored(self, rows, n_samples):
        """The training rows that are measured: rows with weight, at most `n_samples`."""
        chosen = np.flatnonzero(rows.cost_weight > 0)
        if n_samples is not None and n_samples < len(chosen):
            rng = generator(self.seed, MONITOR)
            chosen = chosen[np.sort(rng.choice(len(chosen), n_samples, replace=False))]
        return rows.select(chosen)

    def measure(self, rows, cost, exclusive, slack):
        """Cost, accuracy and saturation, each as its lowest and highest value.

        The two differ where rounding may decide: a margin or sigma' within `slack` of its limit.
        """
        if rows is None or len(rows.X) == 0:
            return {"cost": (nan, nan), "accuracy": (nan, nan), "saturation": (nan, nan)}
        *hidden, z = self.forward(rows.X)
        mean_cost = np.average(costs_of(z, rows.Y, cost), weights=rows.cost_weight)
        margin = margins(z, rows.Y, exclusive)
        slopes = np.hstack([sigma_prime(some).ravel() for some in hidden]) if hidden else None
        return {
            "cost": (mean_cost, mean_cost),
            "accuracy": tuple(
                np.average(margin > limit, weights=rows.sample_weight) for limit in (slack, -slack)
            ),
            "saturation": tuple(
                nan if slopes is None else np.mean(slopes < 0.01 + x) for x in (-slack, slack)
            ),
        }
