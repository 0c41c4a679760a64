"""Trainings that ended no better than chance: the likeliest cause, and its cure.

`convergence_problem` looks for the problem at the end of a `fit`; `cause_of_chance` explains it
there and in `diagnose`.
"""

from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from sknielsen._inputs import Inputs, is_dask
from sknielsen._plain import LARGE_RMS
from sknielsen.core.data import Data
from sknielsen.costs import is_own, resolve_cost
from sknielsen.diagnostics._evidence import FAR, TINY_NORM, Evidence, cost_of_chance

_GAIN = 0.1  # of the accuracy left to gain over the commonest class: more is better than chance
_NOTHING = 0.01  # cost of chance: if it is less, nearly all labels are one, which is no problem
_HOPELESS = 100.0  # so many times larger than suits the rows, more epochs would not help either
_FEW_EPOCHS = 10  # fewer are a short training, which may be meant
_FEW_STEPS = 300  # fewer are a likely cause
_ENOUGH_STEPS = 3000  # what is advised instead
_MOST_ROWS = 2000  # looked at: enough to tell the cause, and little beside the data
_DEEP = 3  # hidden layers: so many of sigmoid neurons wait long before they learn


def convergence_problem(clf: Any, inputs: Inputs) -> str | None:
    """Say in a sentence why a training ended no better than chance, and what to try.

    Cost and accuracy of the last epoch are compared with those of the best outputs that ignore
    the inputs, which only know how frequent the labels are. Rows are looked at only if neither is
    better. A training of few epochs has a problem only at an eta at which more would not help.

    Parameters
    ----------
    clf : MLPSigmoidClassifier
        At the end of its training.
    inputs : Inputs
        Of this training.

    Returns
    -------
    str or None
        None if there is no problem, or none that is seen: because no training rows were
        monitored, or because the rows are a Dask collection.
    """
    if is_dask(inputs.given.X) or not len(inputs.monitor):
        return None
    # Early stopping may keep an epoch from before training got better than chance.
    kept = slice(clf.epoch_ - 1, None)
    costs, accuracies = clf.history_["train_cost"][kept], clf.history_["train_accuracy"][kept]
    usual = _accuracy_of_chance(inputs.monitor)
    if max(accuracies) > usual + _GAIN * (1 - usual):
        return None
    chance = _cost_of_chance(clf, inputs.monitor)
    if not min(costs) >= chance >= _NOTHING:  # or one is NaN
        return None
    t = Evidence(clf, inputs.given.X, inputs.given.y, _MOST_ROWS)
    with np.errstate(all="ignore"):
        if clf.n_iter_ < _FEW_EPOCHS and t.eta < _HOPELESS * t.eta_for_rows:
            return None
        cause, cure = cause_of_chance(t)
    return (
        f"Training ended with a cost of {costs[0]:.4g}, no better than outputs that ignore the "
        f"inputs, which cost {chance:.4g}: {cause}. Try {cure}."
    )


def _accuracy_of_chance(data: Data) -> float:
    """Return the share of rows that have the commonest label, or all of the usual labels."""
    codes, weight = data.codes[data.rows], data.weight(data.rows)
    if data.multilabel:
        usual = np.average(codes, axis=0, weights=weight) > 0.5
        return float(np.average((codes == usual).all(axis=1), weights=weight))
    counts = np.bincount(codes, weight)
    return float(counts.max() / counts.sum())


def _cost_of_chance(clf: Any, data: Data) -> float:
    """Return the mean cost of the best outputs that ignore the inputs."""
    codes, weight = data.codes[data.rows], data.relative_weight(data.rows)
    if data.multilabel:
        targets = codes.astype(float)
    else:  # a row of each class, with the weight of all of its rows, costs the same
        weight = np.bincount(codes, weight)
        targets = np.eye(len(clf.classes_))[: len(weight), -data.n_outputs :]
    return cost_of_chance(resolve_cost(clf.cost), targets, weight)


def cause_of_chance(t: Evidence) -> tuple[str, str]:
    """Return the likeliest cause of a training that learnt next to nothing, and its cure."""
    eta, suited, n = t.eta, t.eta_for_rows, t.clf.n_iter_
    epochs = f"{n} epoch{'s' if n != 1 else ''}"
    if t.overruled:
        return (
            f"the penalty, lmbda={t.lmbda:g}, overrules the data",
            f"lmbda={t.lmbda / 100:.2g}",
        )
    if t.X is None:
        return (
            f"eta={eta:.3g} does not suit the rows, or these hardly tell the classes apart",
            "the eta that sknielsen.find_eta suggests, and diagnose(clf, X, y) with the training "
            "rows, which tells more",
        )
    rms = np.sqrt(t.moments[1].max())
    if rms > LARGE_RMS:
        bold = eta >= FAR * t.usual_eta
        return (
            f"features are as large as {rms:.3g} (root mean square) and saturate the neurons"
            + (f", and eta={eta:.3g} is too large" if bold else ""),
            "StandardScaler, or features scaled to about [0, 1]"
            + (f", and eta={t.usual_eta:.1g}" if bold else ""),
        )
    if t.row_length < TINY_NORM:
        return (
            f"the inputs are tiny, rows of a length of {t.row_length:.2g}",
            "StandardScaler, or features scaled to about [0, 1]",
        )
    if eta >= FAR * suited:
        return (
            f"eta={eta:.3g} is too large for these rows, whose features add up in a step",
            f"eta={suited:.1g}, inputs of mean 0 (StandardScaler), or sknielsen.find_eta",
        )
    if FAR * eta <= suited and not t.wanders:
        return (
            f"eta={eta:.3g} is so small that {epochs} hardly moved the weights",
            f"eta={suited:.1g}, or sknielsen.find_eta",
        )
    n_rows, batch_size = _num_samples(t.all_rows), t.clf.batch_size
    known = not isinstance(batch_size, str)  # as on Dask, where it depends on the cluster
    n_steps = n * -(-n_rows // (batch_size or n_rows)) if known else _ENOUGH_STEPS
    if n < _FEW_EPOCHS or n_steps < _FEW_STEPS:
        more = n * max(3, -(-_ENOUGH_STEPS // n_steps))
        return (
            f"{epochs} are only {n_steps} steps of training",
            f"max_iter={more}, a smaller batch_size, or sknielsen.find_eta",
        )
    if len(t.clf.coefs_) > _DEEP:
        return (
            f"{len(t.clf.coefs_) - 1} hidden layers of sigmoid neurons learn very slowly at first",
            "one or two hidden layers, or more epochs",
        )
    if not is_own(t.cost):
        return "its cost is your own", "to see that delta is the derivative of value, and lmbda=0"
    return (
        "the features, as they are given, tell the network next to nothing about the classes",
        "features that tell more, the eta that sknielsen.find_eta suggests, and a check that the "
        "labels are in the order of the rows",
    )
