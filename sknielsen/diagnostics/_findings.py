"""The findings with their thresholds, and `diagnose`, which asks each of them.

To add one: a function that takes the `Evidence` of a training, called `t` here, and returns None
or (sentence, evidence, advice); and a line in ``FINDINGS``.
"""

from collections.abc import Callable
from math import isnan
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing
from sklearn.utils.sparsefuncs import min_max_axis
from sklearn.utils.validation import _num_samples

from sknielsen._plain import LARGE_RMS
from sknielsen.core.contracts import Array, MatrixLike
from sknielsen.diagnostics._chance import cause_of_chance
from sknielsen.diagnostics._evidence import (
    AT_CHANCE,
    COST_LEFT,
    SHARED_STEPS,
    TINY_NORM,
    Evidence,
)
from sknielsen.diagnostics._finding import Finding, Findings
from sknielsen.diagnostics._inside import names_inside, network_inside
from sknielsen.initializers import large, resolve_initializer

# Thresholds. "Of chance's cost": costs are compared with the cost of chance, which is that of the
# best outputs that ignore the inputs.
_UNLEARNT = 0.5  # of chance's cost: above it, less than half has been learnt
_FALLING = 0.05  # of the final cost: fall in the last quarter of the epochs
_STILL_FALLING = 0.15  # the same; above it, more epochs at a usual eta are worth their time
_SATURATION = 0.95  # of all hidden activations: sound trainings of MNIST end at up to 0.9
_LARGE_START = 0.7  # the same after epoch 1: scaled initial weights stay under 0.65
_WRONG_ROWS = 0.05  # rows with a saturated wrong output: 0.02 in the book's first network
_COST_RISE = 0.2  # of the least validation cost: smaller rises hardly change a probability
_COST_RISE_OF_CHANCE = 0.02  # of chance's cost: rises of costs near zero do not matter
_GAP = 0.1  # training minus validation accuracy: two standard errors on 40 rows
_IMPROVING = 0.005  # accuracy, from one quarter of the epochs to the next
_RARE = 0.5  # of the average share of a class
_MISSED = 0.5  # recall, and recall over that of all labels: more often missed than found
_PREFERRED = 0.9  # of the rows are given one class

_CENTRED = "inputs of mean 0, by StandardScaler(with_std=False)"

# A sentence, its evidence and advice; None if there is nothing to find.
Found: TypeAlias = tuple[str, dict[str, Any], str] | None


def diagnose(clf: Any, X: MatrixLike | None = None, y: ArrayLike | None = None) -> list[Finding]:
    """Say in words what went wrong in a training.

    Parameters
    ----------
    clf : MLPSigmoidClassifier, Pipeline or search
        Fitted. Its `history_`, weights and parameters are read. Of a pipeline, the steps before
        the classifier transform `X`; of a search, `best_estimator_` is diagnosed.
    X : array-like or sparse matrix of shape (n_samples, n_features), default=None
        The training rows, for findings on inputs, neurons and outputs. If there are more than
        10,000, a sample of them is used, the same one in every call.
    y : array-like of shape (n_samples,) or (n_samples, n_labels), default=None
        The labels of `X`, for findings on wrong outputs and on classes.

    Returns
    -------
    list of Finding
        Empty for a sound training and, with `X` and `y`, never empty where the outputs ended no
        better than outputs that ignore the inputs; without `y` classes count as equally frequent.
        It is shown as paragraphs in a terminal, and as a table in a notebook. A finding that needs
        what is not known is left out: a history without validation data, for instance, cannot
        show overfitting. A validation cost above the training cost is none by itself: it must have
        risen by a fifth of its least, or the accuracies must lie 0.1 apart.

    Raises
    ------
    TypeError
        If there is no MLPSigmoidClassifier in `clf`.
    ValueError
        If `y` comes without `X`, or holds other labels than the classes.
    sklearn.exceptions.NotFittedError
        If `clf` is not fitted.

    Notes
    -----
    Sample weights are not known here: the share of a class is the share of its rows. If you wrote
    the cost, the cost of chance is exact if the output activation is sigmoid, or softmax where the
    cost is `exclusive`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier, diagnose
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(eta=1e-4, max_iter=5, random_state=0).fit(X / 16, y)
    >>> [finding.code for finding in diagnose(clf, X / 16, y)]
    ['eta_too_low']
    """
    all_evidence = Evidence(*network_inside(clf, X), y, names=names_inside(clf))
    with np.errstate(all="ignore"):  # huge inputs are a finding, not an error
        found = {code: look(all_evidence) for code, look in FINDINGS.items()}
    findings = Findings(all_evidence.lacking)
    for code, finding in found.items():
        if finding is not None:
            sentence, evidence, advice = finding
            plain = {name: _plain(value) for name, value in evidence.items()}
            findings.append(Finding(code, sentence, plain, advice))
    return findings


def _unscaled_features(t: Evidence) -> Found:
    if t.X is None:
        return None
    rms = np.sqrt(t.moments[1])
    large = np.flatnonzero(rms > LARGE_RMS)
    length = t.row_length
    if not len(large) and length >= TINY_NORM:
        return None
    worst = int(rms.argmax())
    evidence = {"n_large": len(large), "worst": worst, "worst_rms": rms[worst], "length": length}
    evidence["features"] = large[:10].tolist()
    if len(large):
        sentence = (
            f"{len(large)} of {len(rms)} features are large, feature {t.name(worst)} with a root "
            f"mean square of {rms[worst]:.3g}: they saturate the neurons and drown the others."
        )
    else:
        sentence = (
            f"The inputs are tiny: a row has a length of {length:.2g} only, and neurons tell "
            "rows apart only after very many steps."
        )
    return sentence, evidence, "scale features to about [0, 1] or with StandardScaler."


def _constant_features(t: Evidence) -> Found:
    if t.X is None or _num_samples(t.all_rows) < 2:
        return None
    low, high = _extremes(t.X)
    constant = np.flatnonzero((low == high) & (low != 0))  # a constant 0 moves no weight
    if len(constant):  # in the sample, which may lack rare values
        constant = constant[[_is_constant(t.all_rows, int(feature)) for feature in constant]]
    if not len(constant):
        return None
    first = constant[0]
    return (
        f"{len(constant)} of {len(low)} features are constant and not zero, feature "
        f"{t.name(first)} at {low[first]:.3g}: they tell nothing, and move all rows' weighted "
        "inputs together.",
        {"n_constant": len(constant), "features": constant[:10].tolist()},
        "drop them (VarianceThreshold), or subtract the mean of each feature.",
    )


def _extremes(X: Any) -> tuple[Array, Array]:
    """Return the smallest and the largest value of each feature."""
    return min_max_axis(X, axis=0) if issparse(X) else (X.min(axis=0), X.max(axis=0))


def _is_constant(X: Any, feature: int) -> bool:
    """Tell whether a feature is the same in all rows. Only its column is copied."""
    column = _safe_indexing(X, [feature], axis=1)
    low, high = _extremes(column if issparse(column) else np.asarray(column))
    return bool(low[0] == high[0])


def _class_imbalance(t: Evidence) -> Found:
    true, predicted = t.codes, t.predicted
    if true is None or predicted is None:
        return None
    classes = range(len(t.clf.classes_))
    if not t.clf.multilabel_:
        true, predicted = (codes[:, None] == np.array(classes) for codes in (true, predicted))
    right = ((true != 0) & (predicted != 0)).sum(axis=0)
    counts = (true != 0).sum(axis=0)
    share, recall = counts / len(true), right / np.maximum(counts, 1)
    overall = right.sum() / max(counts.sum(), 1)
    rare = (counts > 0) & (share < _RARE * share.mean())
    missed = [k for k in classes if rare[k] and recall[k] < min(_MISSED, _MISSED * overall)]
    if not missed or _eta_too_low(t):  # then all classes need more steps
        return None
    names = {t.clf.classes_.tolist()[k]: (float(share[k]), float(recall[k])) for k in missed}
    listed = ", ".join(f"{n!r} ({s:.1%} of rows, {r:.0%} found)" for n, (s, r) in names.items())
    weights = "class_weight='balanced', or in partial_fit a dict of weights"
    weights = "sample_weight" if t.clf.multilabel_ else weights
    return (
        f"Rare classes are missed: {listed}; of all labels {overall:.0%} are found.",
        {"classes": names, "overall": float(overall)},
        f"{weights if not t.clf.class_weight else 'larger weights for them'}, more rows of them, "
        "and a score that sees them, such as scoring='balanced_accuracy'.",
    )


def _eta_too_high(t: Evidence) -> Found:
    if t.overruled:
        return None
    saturated = t.stuck or t.h["saturation"][-1] >= _SATURATION or (t.wrong_rows or 0) >= 0.5
    dead = t.frozen or (t.of_chance >= AT_CHANCE and saturated)
    if not (t.wanders or (dead and t.eta >= t.suited_eta)):
        return None
    n, cost = len(t.steps), t.costs[-1]
    evidence = {"eta": t.eta, "cost": cost, "chance_cost": t.chance, "epochs": n + 1}
    if t.wanders:
        evidence |= {"rises": t.rises, "falls": t.falls}
        sentence = (
            f"The training cost rises or oscillates: in the last {n + 1} epochs its rises sum to "
            f"{t.rises:.3g}, its falls to {t.falls:.3g}; it ends at {cost:.3g}."
        )
    else:
        sentence = (
            f"Learning is stuck: the cost ends at {cost:.3g}, where outputs that ignore the "
            f"inputs cost {t.chance:.3g}."
        )
    if t.predicted is not None and not t.clf.multilabel_:
        shares = np.bincount(t.predicted, minlength=len(t.clf.classes_)) / len(t.predicted)
        if shares.max() >= _PREFERRED:
            name, share = t.clf.classes_.tolist()[shares.argmax()], shares.max()
            evidence |= {"preferred": name, "preferred_share": share}
            sentence += f" One output is always preferred: {name!r}, on {share:.0%} of the rows."
    lower = f"{min(t.eta_for_rows, t.eta / 3):.2g} instead of {t.eta:.3g}"
    advice = f"a smaller eta: {lower}, or what sknielsen.find_eta suggests."
    if t.step_factor >= SHARED_STEPS and t.eta <= t.usual_eta:  # which suits inputs of mean 0
        advice = f"{_CENTRED}; or {advice}"
    return sentence, evidence, "features that are scaled first." if t.unscaled else advice


def _saturated_hidden(t: Evidence) -> Found:
    saturation = t.h["saturation"][-1]
    if not (t.stuck or saturation >= _SATURATION):
        return None
    evidence = {"eta": t.eta, "saturation": saturation, "stuck_units": t.stuck_units}
    if t.stuck:
        layer = int(np.argmax(t.stuck_units))
        sentence = (
            f"{t.stuck_units[layer]:.0%} of the neurons of hidden layer {layer + 1} are saturated "
            "on the same side for all rows: they tell nothing and hardly learn."
        )
    else:
        sentence = f"{saturation:.0%} of the hidden activations are saturated and hardly learn."
    evidence["eta_factor"] = factor = t.eta / t.eta_for_rows
    advice = []
    if t.step_factor >= SHARED_STEPS:  # even at a suited eta these inputs learn less
        advice.append(f"{_CENTRED}, or background 0 (1 - x, for inverted images)")
    if factor >= 1.5 and not t.unscaled:
        lower = f"{t.eta_for_rows:.2g} instead of {t.eta:.3g}"
        advice.append(f"an eta smaller by a factor of {factor:.3g}: {lower}")
    if t.X is not None:
        mean = t.moments[0].mean()
        evidence |= {"input_mean": mean, "step_factor": t.step_factor}
        sentence += (
            f" The inputs' mean is {mean:.2g}: a step moves the weighted inputs of all rows "
            f"{t.step_factor:.1f} times as far as if each feature had mean 0."
        )
    listed = "; or ".join(advice) or "smaller initial weights, or inputs that are scaled"
    return sentence, evidence, f"{listed}."


def _large_initial_weights(t: Evidence) -> Found:
    start, scale = t.h["saturation"][0], float(t.clf.init_scale)
    is_large = resolve_initializer(t.clf.weight_init) is large
    if not (start >= _LARGE_START and (is_large or scale > 1)):
        return None
    name = "large" if is_large else t.clf.weight_init
    return (
        f"After the first epoch {start:.0%} of the hidden activations were saturated already: "
        f"weights started large (weight_init={name!r}, init_scale={scale:g}).",
        {"saturation": float(start), "epoch": 1, "init_scale": scale},
        "weight_init='scaled' with init_scale=1.",
    )


def _saturated_outputs(t: Evidence) -> Found:
    if not t.quadratic or t.wrong_rows is None or t.wrong_rows < _WRONG_ROWS:
        return None
    return (
        f"On {t.wrong_rows:.1%} of the rows an output is badly wrong and saturated, where the "
        "quadratic cost has next to no gradient: its delta has the factor sigma'(z).",
        {"rows": t.wrong_rows},
        "cost='cross_entropy', whose delta lacks that factor, with an eta of about 0.5.",
    )


def _eta_too_low(t: Evidence) -> Found:
    falls, _ = t.quarters
    if isnan(falls) or t.overruled or t.levelled or not t.smooth or t.eta >= t.suited_eta:
        return None
    if t.validation_stalled:
        return None
    far = (
        t.of_chance >= COST_LEFT and falls >= _FALLING * t.costs[-1] and 10 * t.eta <= t.suited_eta
    )
    if not (t.of_chance >= _UNLEARNT or far):
        return None
    larger = t.suited_eta if t.X is not None else min(10 * t.eta, t.suited_eta)
    return (
        f"After {t.clf.n_iter_} epochs the cost is {t.costs[-1]:.3g} and still falling, steadily "
        f"and slowly; outputs that ignore the inputs cost {t.chance:.3g}.",
        {"eta": t.eta, "cost": t.costs[-1], "chance_cost": t.chance, "last_quarter": falls},
        f"a larger eta: {larger:.2g} instead of {t.eta:.3g}, and on by factors of 3 until the "
        "cost starts to oscillate; or what sknielsen.find_eta suggests.",
    )


def _too_few_epochs(t: Evidence) -> Found:
    falls, _ = t.quarters
    if (
        isnan(falls)
        or t.validation_stalled
        or not t.smooth
        or t.overruled
        or t.frozen
        or _eta_too_low(t)
        or _eta_too_high(t)
    ):
        return None
    not_begun = t.of_chance >= AT_CHANCE
    material = falls >= _STILL_FALLING * t.costs[-1] or not_begun
    if t.of_chance < COST_LEFT or not material:
        return None
    n = t.clf.n_iter_
    larger = f", or an eta nearer to {t.suited_eta:.2g}" if t.eta < t.suited_eta / 3 else ""
    more = f"max_iter={3 * n}"
    if t.clf.early_stopping and n < t.clf.max_iter:
        more = f"a larger n_iter_no_change than {t.clf.n_iter_no_change}"
    return (
        f"The cost is still falling: from {t.costs[-1] + falls:.3g} to {t.costs[-1]:.3g} in the "
        f"last {max(1, len(t.costs) // 4)} of {n} epochs.",
        {"epochs": n, "cost": t.costs[-1], "last_quarter": falls},
        f"more epochs: {more}{larger}.",
    )


def _nothing_learnt(t: Evidence) -> Found:
    others = (_eta_too_high, _eta_too_low, _too_few_epochs, _penalty_too_strong)
    if not t.of_chance >= AT_CHANCE or any(look(t) for look in others):
        return None
    cause, cure = cause_of_chance(t)
    how = "no better" if t.of_chance >= 1 else f"only {1 - t.of_chance:.1%} better"
    return (
        f"Next to nothing was learnt: the cost ends at {t.costs[-1]:.4g}, {how} than outputs "
        f"that ignore the inputs ({t.chance:.4g}). The likeliest cause: {cause}.",
        {"eta": t.eta, "cost": t.costs[-1], "chance_cost": t.chance, "epochs": t.clf.n_iter_},
        f"{cure}.",
    )


def _penalty_too_strong(t: Evidence) -> Found:
    if not t.overruled:
        return None
    layer = int(np.argmin(t.weight_lengths))
    evidence = {"lmbda": t.lmbda, "lengths": t.weight_lengths, "memory": t.memory}
    if t.vanished:
        sentence = (
            f"The penalty has made weights vanish: those of a neuron of layer {layer + 1} have a "
            f"length of {t.weight_lengths[layer]:.2g}, and outputs hardly depend on the inputs."
        )
    else:
        sentence = (
            "The penalty overrules the data: it alone would shrink weights to a third in "
            f"{t.memory:.2g} epochs, so they forget most rows before they see them again."
        )
    lower = f"a smaller lmbda: {t.lmbda / 100:.2g} instead of {t.lmbda:g}"
    return sentence, evidence, f"{lower}, and on by factors of 10 either way."


def _overfit_cost(t: Evidence) -> Found:
    best = _best_epochs(t)
    if best is None or t.wanders:
        return None
    least, validation, now = best["cost_epoch"] - 1, t.h["validation_cost"], t.clf.epoch_ - 1
    known = validation[: now + 1][~np.isnan(validation[: now + 1])]
    width = min(5, 1 + len(known) // 6)
    medians = [np.median(known[i : i + width]) for i in range(len(known) - width + 1)]
    rise = medians[-1] - min(medians)
    noise = np.median(np.abs(np.diff(known))) if len(known) > 1 else np.inf
    learnt_on = not t.h["train_cost"][now] >= t.h["train_cost"][least]  # or it is NaN
    matters = max(_COST_RISE * min(medians), _COST_RISE_OF_CHANCE * t.chance, 2 * noise)
    if rise < matters or not learnt_on:
        return None
    latest = float(medians[-1])
    return (
        f"Overfitting by cost: the validation cost was least, {validation[least]:.3g}, in epoch "
        f"{least + 1} and is {latest:.3g} now: the network has become too sure of its errors. "
        "This matters where probabilities are used; for class decisions it is epoch "
        f"{best['accuracy_epoch']} that counts, of the best validation accuracy.",
        best | {"least_cost": validation[least], "cost": latest, "epoch": now + 1},
        "for probabilities early_stopping=True with scoring='cost'; against its cause a larger "
        "lmbda, dropout, or more data, which an ImageAugmenter makes of images.",
    )


def _overfit_accuracy(t: Evidence) -> Found:
    best = _best_epochs(t)
    if best is None or isnan(t.h["train_accuracy"][t.clf.epoch_ - 1]):
        return None
    now, validation = t.clf.epoch_ - 1, t.h["validation_accuracy"]
    train, latest = t.h["train_accuracy"][now], float(np.nanmean(validation[: now + 1][-3:]))
    k, known = max(1, len(validation) // 4), validation[~np.isnan(validation)]
    improving = known[-k:].mean() - known[-2 * k : -k].mean() if len(known) >= 2 * k else np.inf
    gaps = (t.h["train_accuracy"] - validation)[: now + 1]
    grown = train - latest - np.nanmin(gaps) >= _GAP / 2  # else validation rows are just harder
    learnt = t.of_chance < _UNLEARNT
    stop = "; early_stopping=True saves the epochs that no longer help"
    if train - latest < _GAP or improving > _IMPROVING or not (grown and learnt):
        return None
    return (
        f"Overfitting by accuracy: {train:.4f} on training and {latest:.4f} on validation data. "
        f"The latter was best in epoch {best['accuracy_epoch']} and no longer improves. This "
        "matters where classes are decided; for probabilities it is epoch "
        f"{best['cost_epoch']} that counts, of the least validation cost.",
        best | {"train_accuracy": train, "validation_accuracy": latest, "epoch": now + 1},
        "more data, which an ImageAugmenter makes of images; a larger lmbda, dropout, fewer "
        f"hidden neurons{'' if t.clf.early_stopping else stop}.",
    )


def _best_epochs(t: Evidence) -> dict[str, int] | None:
    """Return the epochs with the least validation cost and the best accuracy, if there are any."""
    cost, accuracy = (t.h[f"validation_{name}"][: t.clf.epoch_] for name in ("cost", "accuracy"))
    if np.isnan(cost).all():
        return None
    return {
        "cost_epoch": int(np.nanargmin(cost)) + 1,
        "accuracy_epoch": int(np.nanargmax(accuracy)) + 1,
    }


FINDINGS: dict[str, Callable[[Evidence], Found]] = {
    "unscaled_features": _unscaled_features,
    "constant_features": _constant_features,
    "class_imbalance": _class_imbalance,
    "eta_too_high": _eta_too_high,
    "saturated_hidden": _saturated_hidden,
    "large_initial_weights": _large_initial_weights,
    "saturated_outputs": _saturated_outputs,
    "eta_too_low": _eta_too_low,
    "too_few_epochs": _too_few_epochs,
    "nothing_learnt": _nothing_learnt,
    "penalty_too_strong": _penalty_too_strong,
    "overfit_cost": _overfit_cost,
    "overfit_accuracy": _overfit_accuracy,
}


def _plain(value: Any) -> Any:
    """Turn a number of NumPy into a number of Python."""
    return value.item() if isinstance(value, np.generic) else value
