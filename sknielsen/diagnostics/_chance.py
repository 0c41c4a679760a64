"""Trainings that ended no better than chance: the likeliest cause, and its cure.

`convergence_problem` looks for the problem at the end of a `fit`; `cause_of_chance` explains it
there and in `diagnose`.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from sknielsen._inputs import LARGE_RMS, check_weight, is_dask
from sknielsen._labels import Labels
from sknielsen.core.contracts import Array, MatrixLike
from sknielsen.core.data import Data
from sknielsen.costs import resolve_cost
from sknielsen.diagnostics._evidence import Evidence, cost_of_chance
from sknielsen.diagnostics._inside import network_inside

_FAR = 4.0  # an eta so many times larger or smaller than suits the rows is a likely cause
_FEW = 10  # epochs: fewer are a likely cause


def convergence_problem(
    estimator: Any, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> str | None:
    """Say in a sentence why a training ended no better than chance, and what to try.

    The training cost at the end is compared with the cost of chance, which is that of the best
    outputs that ignore the inputs; they only know how frequent the classes are. This is cheap:
    rows are looked at only if there is a problem.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier, Pipeline or search
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The training rows.
    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        Their labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Their weights in the training.

    Returns
    -------
    str or None
        None if the training cost is below that of chance; if nothing but a small number of
        epochs is wrong; and if the cost is not known: no training rows were monitored, or rows
        or labels are Dask collections.
    """
    clf, _ = network_inside(estimator)
    column = clf.history_["train_cost"][: clf.epoch_]
    cost = column[-1] if len(column) else math.nan
    if math.isnan(cost) or y is None or is_dask(X) or is_dask(y):
        return None
    chance = _chance(clf, X, y, sample_weight)
    if not cost >= chance:  # or chance is NaN
        return None
    clf, X = network_inside(estimator, X)
    t = Evidence(clf, X, y)
    with np.errstate(all="ignore"):
        cause, cure = cause_of_chance(t)
        if _is_short(t):
            return None
    return (
        f"Training ended with a cost of {cost:.4g}, no better than outputs that ignore the "
        f"inputs, which cost {chance:.4g}: {cause}. Try {cure}."
    )


def _chance(clf: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Return the cost of chance for all labels."""
    labels, n = Labels.of(clf), len(clf.intercepts_[-1])
    y = y.toarray() if issparse(y) else np.asarray(y)
    if not labels.multilabel:
        y = y.ravel()
    codes = labels.encode(y)
    weight = check_weight(sample_weight, X, "sample_weight")
    if labels.multilabel:
        data = Data(np.empty((len(codes), 0)), codes, n, weight)
        return cost_of_chance(
            resolve_cost(clf.cost), data.gather(data.rows)[1], data.relative_weight(data.rows)
        )
    by_class = labels.class_weight(clf.class_weight, codes, weight)
    totals = np.bincount(codes, weights=weight, minlength=len(labels.classes)).astype(float)
    # One row of each class, with the weight of all of its rows, costs the same and takes no time.
    each = np.arange(len(labels.classes), dtype=np.int32)
    weights = totals if by_class is None else totals * by_class
    targets: Array = Data(np.empty((len(each), 0)), each, n).gather(each)[1]
    return cost_of_chance(resolve_cost(clf.cost), targets, weights)


def _is_short(t: Evidence) -> bool:
    """Tell whether a training had few epochs, and nothing else is seen to be wrong with it."""
    suits = t.eta_for_rows / _FAR < t.eta < t.eta_for_rows * _FAR
    large = t.X is not None and bool(np.sqrt(t.moments[1].max()) > LARGE_RMS)
    return t.clf.n_iter_ < _FEW and suits and not (large or t.overruled)


def cause_of_chance(t: Evidence) -> tuple[str, str]:
    """Return the likeliest cause of a training that learnt next to nothing, and its cure."""
    eta, suited, n = t.eta, t.eta_for_rows, t.clf.n_iter_
    advised, epochs = f"eta={suited:.1g}", f"{n} epoch{'s' if n != 1 else ''}"
    if t.overruled:
        return (
            f"the penalty, lmbda={t.clf.lmbda_:g}, overrules the data",
            f"lmbda={t.clf.lmbda_ / 100:.2g}",
        )
    if t.X is not None and np.sqrt(t.moments[1].max()) > LARGE_RMS:
        return (
            f"features are as large as {np.sqrt(t.moments[1].max()):.3g} (root mean square) and "
            "saturate the neurons",
            "StandardScaler, or features scaled to about [0, 1]",
        )
    if t.X is None:
        return (
            f"eta={eta:.3g} does not suit the rows, or these hardly tell the classes apart",
            "the eta that sknielsen.find_eta suggests, and diagnose(clf, X, y) with the training "
            "rows, which tells more",
        )
    if eta >= _FAR * suited:
        return (
            f"eta={eta:.3g} is too large for these rows, whose features add up in a step",
            f"{advised}, inputs of mean 0 (StandardScaler), or sknielsen.find_eta",
        )
    if _FAR * eta <= suited and not t.wanders:
        return (
            f"eta={eta:.3g} is so small that {epochs} hardly moved the weights",
            f"{advised}, or sknielsen.find_eta",
        )
    if _is_short(t):
        return (
            f"{epochs} of training may be too short",
            f"max_iter={max(3 * n, 30)}, or sknielsen.find_eta",
        )
    return (
        "the features, as they are given, tell the network next to nothing about the classes",
        "features that tell more, the eta that sknielsen.find_eta suggests, and a check that the "
        "labels are in the order of the rows",
    )
