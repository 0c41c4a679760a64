"""A quick network, and the stages of its training at which a test can act through public objects.

The network is small, yet so wide that BLAS is held at one thread for its products, which is what
threads, forks and Ctrl-C may disturb. To add a stage: an object that calls the function there,
and a line in `disturbed`.
"""

import numpy as np
from helpers import book

from sknielsen.costs import CrossEntropy
from sknielsen.penalties import L2

STAGES = ["weight_init", "schedule", "cost", "penalty", "scorer", "distort"]
CALLBACK_STAGES = ["setup", "begin fit", "begin epoch", "end epoch", "end fit", "teardown"]


def network(**parameters):
    """Make a quick classifier whose products run on one BLAS thread."""
    defaults = dict(hidden_layer_sizes=(500,), max_iter=3, random_state=0)
    return book(**(defaults | parameters))


def disturbed(stage, function, **parameters):
    """Make such a classifier that calls a function at each call of a stage of training.

    The scorer is called where there are validation data.
    """
    if stage in CALLBACK_STAGES:
        return network(**parameters).set_callbacks(DisturbedCallback([stage], function))
    objects = Objects(function)
    changed = {
        "weight_init": {"weight_init": objects.weight_init},
        "schedule": {"eta_schedule": objects.schedule},
        "cost": {"cost": DisturbedCost(function)},
        "penalty": {"penalty": DisturbedPenalty(function), "lmbda": 0.1},
        "scorer": {"scoring": objects.score},
        "distort": {"augment": objects},
    }[stage]
    return network(**(parameters | changed))


class Objects:
    """What a user may pass as parameters; each calls a function first."""

    def __init__(self, function):
        self.function = function

    def weight_init(self, rng, n_in, n_out):
        self.function()
        return rng.normal(size=(n_in, n_out)) / np.sqrt(n_in), rng.normal(size=n_out)

    def schedule(self, epoch, history, eta, max_iter):
        self.function()
        return eta

    def score(self, estimator, X, y):
        self.function()
        return float(np.mean(estimator.predict(X) == y))

    def distort(self, X, rng):
        self.function()
        return X[:, ::-1]


class DisturbedCost(CrossEntropy):
    """Cross-entropy that calls a function in every mini-batch and in every measure."""

    def __init__(self, function):
        self.function = function

    def value(self, z, y):
        self.function()
        return super().value(z, y)

    def delta(self, a, y, out):
        self.function()
        super().delta(a, y, out)


class DisturbedPenalty(L2):
    """L2 that calls a function in every mini-batch and in every measure."""

    def __init__(self, function):
        self.function = function

    def value(self, weights):
        self.function()
        return super().value(weights)

    def shrink(self, w, rate):
        self.function()
        return super().shrink(w, rate)


class DisturbedCallback:
    """A callback that calls a function at some of its hooks."""

    def __init__(self, stages, function):
        self.stages, self.function = stages, function

    def _reach(self, stage):
        if stage in self.stages:
            self.function()

    def setup(self, estimator, context):
        self._reach("setup")

    def on_fit_task_begin(self, estimator, context):
        self._reach("begin epoch" if context.task_name == "epoch" else "begin fit")

    def on_fit_task_end(self, estimator, context):
        self._reach("end epoch" if context.task_name == "epoch" else "end fit")

    def teardown(self, estimator, context):
        self._reach("teardown")
