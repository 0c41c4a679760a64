"""What went wrong in a training, in words, and the measurements behind the words.

`diagnose` asks every function in ``FINDINGS``. To add one: a function that takes a `_Training`
and returns None or (sentence, evidence, advice), and a line in ``FINDINGS``.
"""

import textwrap
from functools import cached_property
from math import isnan
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import Bunch, _safe_indexing, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis
from sklearn.utils.validation import _num_samples, check_is_fitted

from sknielsen._data import Data, decide, refuse_dask
from sknielsen._inputs import check_rows
from sknielsen._labels import Labels
from sknielsen._network import Network
from sknielsen._resolve import check_number, resolve
from sknielsen.activations import sigmoid
from sknielsen.costs import COSTS, Quadratic

# Where sigma'(z) < 0.01, hence |z| > 4.585: a neuron there learns at less than 1/25 of its best.
SATURATED_Z = 4.585

_MAX_ROWS = 10_000  # enough for shares to a percent, and little memory for activations

# Thresholds. Costs are compared with that of chance: of outputs that ignore the inputs.
_AT_CHANCE = 0.9  # of chance's cost: next to nothing has been learnt
_WINDOW = 10  # epochs at the end: enough to tell noise from a trend
_RISES = 0.02  # of chance's cost, an epoch: sound trainings, also of few rows, show below 0.01
_UNDONE = 0.5  # rises over falls: half of the progress is undone
_FROZEN = 0.005  # of chance's cost, an epoch: nothing moves
_ABOVE_CHANCE = 1.05  # just above 1, where deep networks wait on a plateau before they learn
_SMOOTH = 0.1  # rises over falls: mini-batches hardly disturb, so a larger eta is possible
_LEVELLED = 0.5  # fall of the last quarter over the one before: 1/epoch gives 0.57
_UNLEARNT = 0.5  # of chance's cost: less than half of the way
_LEFT = 0.1  # of chance's cost: with less left, further falls hardly change decisions
_FALLING = 0.05  # fall in the last quarter of the epochs, of the cost at the end
_STILL_FALLING = 0.15  # the same, where eta is a usual one and more epochs are to pay
_STUCK_ROWS = 0.99  # a neuron saturated on so many rows, on one side, says the same of all
_STUCK_UNITS = 1 / 3  # of a layer: sound trainings show up to 0.05, and 0.2 with a bold eta
_SATURATION = 0.95  # of all hidden activations: sound trainings of MNIST end at up to 0.9
_LARGE_START = 0.7  # the same after epoch 1: under 0.65 with scaled initial weights
_WRONG_ROWS = 0.05  # rows with a saturated wrong output: 0.02 in the book's first network
_LARGE_RMS = 5.0  # inputs: beyond this one weight of order one saturates a neuron
_TINY_NORM = 0.1  # root mean square length of a row: below it inputs hardly reach the neurons
_VANISHED = 0.5  # length of a neuron's weights: scaled initial weights have 1
_MEMORY = 0.1  # epochs: weights forget nine rows in ten; the book's lmbda 5 at eta 0.5 gives 4
_COST_RISE = 0.2  # of the least validation cost: smaller rises hardly change a probability
_COST_RISE_OF_CHANCE = 0.02  # of chance's cost: rises of costs near zero do not matter
_GAP = 0.1  # training over validation accuracy: two standard errors on 40 rows
_IMPROVING = 0.005  # accuracy from one quarter of the epochs to the next
_RARE = 0.5  # of the average share of a class
_MISSED = 0.5  # recall, and recall over that of all: more often missed than found
_SHARED = 5.0  # step factor: common inputs in [0, 1], which the usual eta suits, have 1.5 to 4.5
_PREFERRED = 0.9  # of the rows are given one class


class Finding(NamedTuple):
    """One thing that went wrong; `str` gives a paragraph.

    Attributes
    ----------
    code : str
        Its name in ``FINDINGS``.
    sentence : str
        What was seen.
    evidence : dict
        The numbers and epochs behind it.
    advice : str
        What to try.
    """

    code: str
    sentence: str
    evidence: dict
    advice: str

    def __str__(self):
        wrap = textwrap.TextWrapper(width=95, subsequent_indent="    ", break_on_hyphens=False)
        wrap.break_long_words = False
        what = wrap.fill(f"{self.code}: {self.sentence}")
        wrap.initial_indent = "    "
        return f"{what}\n{wrap.fill(f'Try: {self.advice}')}"


def diagnose(clf, X=None, y=None):
    """Say in words what went wrong in a training.

    Parameters
    ----------
    clf : MLPSigmoidClassifier
        Fitted. `history_`, weights and parameters are read.
    X : array-like or sparse matrix of shape (n_samples, n_features), default=None
        The training rows, for findings on inputs, neurons and outputs. Of more than 10,000 rows
        a sample is used, the same one in every call.
    y : array-like of shape (n_samples,) or (n_samples, n_labels), default=None
        Their labels, for findings on wrong outputs and on classes.

    Returns
    -------
    list of Finding
        Empty for a sound training. What cannot be known is not looked for: a history without
        validation data, for instance, cannot show over-fitting.

    Raises
    ------
    TypeError
        If `clf` is not an MLPSigmoidClassifier: of a pipeline pass the last step, and X as the
        steps before transform it.
    ValueError
        If `y` comes without `X`, or holds other classes.
    sklearn.exceptions.NotFittedError
        If `clf` is not fitted.

    Notes
    -----
    Sample weights are not known here: shares of classes are those of rows. Under a cost of your
    own the cost of chance is exact if its output activation is sigmoid, or softmax where the cost
    is `exclusive`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier, diagnose
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(eta=1e-4, max_iter=5, random_state=0).fit(X / 16, y)
    >>> [finding.code for finding in diagnose(clf, X / 16, y)]
    ['eta_too_low']
    """
    training = _Training(clf, X, y)
    with np.errstate(all="ignore"):  # huge inputs are a finding, not an error
        found = [(code, look(training)) for code, look in FINDINGS.items()]
    found = [(code, finding) for code, finding in found if finding is not None]
    return [
        Finding(code, sentence, {name: _plain(value) for name, value in evidence.items()}, advice)
        for code, (sentence, evidence, advice) in found
    ]


class _Training:
    """What findings are made of: history, parameters, and measurements, each made when asked for.

    Where X or y was not given, what depends on it is None.
    """

    def __init__(self, clf, X, y):
        _check_classifier(clf)
        if X is None and y is not None:
            raise ValueError("`y` needs the rows it labels: pass `X` too.")
        self.clf, self.X, self.codes, self.all_rows = clf, None, None, None
        self.h = {name: np.array(column, float) for name, column in clf.history_.items()}
        self.cost = resolve("cost", clf.cost, COSTS, ("activation", "value", "delta"))
        self.quadratic = isinstance(self.cost, Quadratic)
        # As the classifier documents `eta`, for inputs in [0, 1]; a velocity adds up steps.
        self.usual_eta = (3.0 if self.quadratic else 0.5) * (1 - clf.momentum)
        self.eta = clf.eta_
        if X is None:
            return
        refuse_dask(X, y)
        check_consistent_length(X, y)
        if issparse(X):
            X = X.tocsr()  # rows of other kinds cannot be taken
        elif not hasattr(X, "shape"):
            X = np.asarray(X)
        self.all_rows, n_rows = X, _num_samples(X)
        if n_rows > _MAX_ROWS:  # taken before anything is converted, as all of X might be
            rows = np.random.default_rng(0).choice(n_rows, _MAX_ROWS, replace=False)
            X, y = _safe_indexing(X, rows), None if y is None else _safe_indexing(y, rows)
        dtype = clf.coefs_[0].dtype
        if y is None:
            self.X = check_rows(clf, X, dtype=dtype)
        else:
            self.X, y = check_rows(clf, X, y, dtype=dtype)
            self.codes = Labels.of(clf).encode(y)

    # --- history ------------------------------------------------------------------------------

    @property
    def train_cost_known(self):
        """Whether costs were taken on training rows."""
        return not np.isnan(self.h["train_cost"]).all()

    @cached_property
    def costs(self):
        """Training costs by epoch, validation costs if there are none; NaN left out."""
        costs = self.h["train_cost" if self.train_cost_known else "validation_cost"]
        return costs[~np.isnan(costs)]

    @cached_property
    def of_chance(self):
        """Cost at the end over that of chance; NaN if no cost was taken."""
        return self.costs[-1] / self.chance if len(self.costs) else np.nan

    @cached_property
    def chance(self):
        """Mean cost of the best outputs that ignore the inputs."""
        if self.codes is not None:
            n_outputs = len(self.clf.intercepts_[-1])
            labels, given = Labels.of(self.clf), self.clf.class_weight
            by_class = None if labels.multilabel else labels.class_weight(given, self.codes)
            data = Data(self.X[:, :0], self.codes, n_outputs, class_weight=by_class)
            (_, targets), weights = data.gather(data.rows), data.relative_weight(data.rows)
        else:  # classes of equal shares, labels of one half
            n, weights = len(self.clf.intercepts_[-1]), None
            separate = n == 1 or self.clf.multilabel_
            targets = np.array([[0.0] * n, [1.0] * n]) if separate else np.eye(n)
        p = np.clip(np.average(targets, axis=0, weights=weights), 1e-6, 1 - 1e-6)
        z = np.log(p) if getattr(self.cost, "exclusive", False) else np.log(p / (1 - p))
        costs = self.cost.value(np.tile(z, (len(targets), 1)), targets)
        return float(np.average(costs, weights=weights))

    @cached_property
    def steps(self):
        """Changes of cost and penalty in the last epochs, as far back as eta was similar."""
        cost = self.h["train_cost" if self.train_cost_known else "validation_cost"]
        total = cost + self.h["penalty"]
        larger = np.flatnonzero(self.h["eta"] > 2 * self.eta)
        total = total[larger[-1] + 1 if len(larger) else 0 :]
        return np.diff(total[~np.isnan(total)])[-_WINDOW:]

    @property
    def rises(self):
        """Sum of the rises among `steps`."""
        return float(self.steps.clip(0).sum())

    @property
    def falls(self):
        """Sum of the falls among `steps`."""
        return float(-self.steps.clip(None, 0).sum())

    @cached_property
    def smooth(self):
        """Whether the cost hardly ever rises."""
        return self.rises <= _SMOOTH * self.falls

    @property
    def wanders(self):
        """Whether the cost rises as it should not."""
        n = len(self.steps)
        rises = self.rises >= _UNDONE * self.falls and self.rises >= _RISES * self.chance * n
        return n >= 3 and rises and self.train_cost_known

    @property
    def frozen(self):
        """Whether the cost stays where it is, above that of chance."""
        n, moves = len(self.steps), self.rises + self.falls
        return n >= 2 and self.of_chance >= _ABOVE_CHANCE and moves < _FROZEN * self.chance * n

    @cached_property
    def quarters(self):
        """Fall of the cost in the last quarter of the epochs and in the one before, or NaN."""
        k, c = max(1, len(self.costs) // 4), self.costs
        ends = [c[-1 - i * k] if len(c) > i * k else np.nan for i in range(3)]
        return ends[1] - ends[0], ends[2] - ends[1]

    # --- measurements -------------------------------------------------------------------------

    @cached_property
    def layers(self):
        """Weighted inputs of each layer."""
        return None if self.X is None else _layers(self.clf, self.X)

    @cached_property
    def stuck_units(self):
        """Share of each hidden layer's neurons that are saturated on one side for all rows."""
        if self.layers is None:
            return []
        sides = [((z > SATURATED_Z), (z < -SATURATED_Z)) for z in self.layers[:-1]]
        return [
            float(np.mean([(side.mean(axis=0) >= _STUCK_ROWS) for side in two], axis=1).sum())
            for two in sides
        ]

    @cached_property
    def stuck(self):
        """Whether hidden neurons are stuck."""
        return max(self.stuck_units, default=0) >= _STUCK_UNITS

    @cached_property
    def wrong_rows(self):
        """Share of the rows with a saturated output on the wrong side; None without y."""
        if self.codes is None or getattr(self.cost, "exclusive", False):
            return None
        data = Data(self.X[:, :0], self.codes, len(self.clf.intercepts_[-1]))
        wrong = (self.layers[-1] > 0) != (data.gather(data.rows)[1] > 0)
        return float((wrong & (np.abs(self.layers[-1]) > SATURATED_Z)).any(axis=1).mean())

    @cached_property
    def predicted(self):
        """Code of each row's predicted class, or codes of its labels."""
        return None if self.X is None else decide(self.layers[-1], self.clf.multilabel_)

    @cached_property
    def moments(self):
        """Mean and mean square of each feature."""
        if issparse(self.X):
            mean, variance = mean_variance_axis(self.X.astype(float), axis=0)
            return mean, variance + mean**2
        squares = np.einsum("ij,ij->j", self.X, self.X, dtype=float)  # without an array of them
        return self.X.mean(axis=0, dtype=float), squares / len(self.X)

    @cached_property
    def step_factor(self):
        """How much the inputs' means lengthen steps: mean square over variance.

        1 without X, and where all rows are equal or their squares overflow.

        A step on the weights for a row x moves the z of a row x' by eta * delta * (x . x'). With
        features of mean 0 these products average to zero over the rows; otherwise they add up
        (LeCun et al. 1998, Efficient BackProp, sec. 4.3).
        """
        if self.X is None:
            return 1.0
        mean, square = self.moments
        spread = (square - mean**2).sum()
        return float(square.sum() / spread) if 0 < spread < np.inf else 1.0

    @property
    def suited_eta(self):
        """Usual eta, lowered where the inputs' means lengthen steps more than usually."""
        return self.usual_eta / (self.step_factor if self.step_factor >= _SHARED else 1.0)

    @cached_property
    def weight_lengths(self):
        """Root mean square length of the incoming weights of each layer's neurons."""
        return [float(np.linalg.norm(w) / np.sqrt(w.shape[1])) for w in self.clf.coefs_]

    @cached_property
    def vanished(self):
        """Whether a penalty has made the weights of a layer vanish."""
        if self.clf.lmbda == 0 or not self.of_chance >= _AT_CHANCE:  # the latter if NaN too
            return False
        small = min(self.weight_lengths) < _VANISHED
        if self.clf.penalty == "l1":  # around zero its steps, eta * lmbda / n, shake the weights
            sizes = [np.abs(w) for w in self.clf.coefs_]
            per_weight = self.h["penalty"][-1] / max(sum(a.sum() for a in sizes), 1e-300)
            small = small or min(a.mean() for a in sizes) < self.eta * per_weight
        return small

    @cached_property
    def memory(self):
        """Epochs in which an L2 penalty alone shrinks the weights to 1/e; inf if not known.

        A step shrinks them by eta * lmbda / n, and an epoch has n / m steps.
        """
        clf = self.clf
        rate = self.eta * clf.lmbda  # may be as small as to be 0
        known = clf.penalty == "l2" and rate > 0 and clf.batch_size is not None
        return clf.batch_size / rate if known else np.inf

    @cached_property
    def overruled(self):
        """Whether the penalty overrules the data."""
        return self.vanished or (self.memory <= _MEMORY and self.of_chance >= _LEFT)


# --- findings -----------------------------------------------------------------------------------


def _unscaled_features(t):
    if t.X is None:
        return None
    rms = np.sqrt(t.moments[1])
    large = np.flatnonzero(rms > _LARGE_RMS)
    length = float(np.sqrt(t.moments[1].sum()))
    if not len(large) and length >= _TINY_NORM:
        return None
    worst = int(rms.argmax())
    evidence = {"n_large": len(large), "worst": worst, "worst_rms": rms[worst], "length": length}
    evidence["features"] = large[:10].tolist()
    if len(large):
        sentence = (
            f"{len(large)} of {len(rms)} features are large, feature {worst} with a root mean "
            f"square of {rms[worst]:.3g}: they saturate the neurons and drown the others."
        )
    else:
        sentence = (
            f"The inputs are tiny: a row has a length of {length:.2g} only, and neurons tell "
            "rows apart only after very many steps."
        )
    return sentence, evidence, "scale features to about [0, 1] or with StandardScaler."


def _constant_features(t):
    if t.X is None or _num_samples(t.all_rows) < 2:
        return None
    low, high = _extremes(t.X)
    constant = np.flatnonzero((low == high) & (low != 0))  # a constant 0 moves no weight
    if len(constant):  # the sample may lack rare values
        constant = constant[[_is_constant(t.all_rows, feature) for feature in constant]]
    if not len(constant):
        return None
    first = constant[0]
    return (
        f"{len(constant)} of {len(low)} features are constant and not zero, feature {first} at "
        f"{low[first]:.3g}: they tell nothing, and move all rows' weighted inputs together.",
        {"n_constant": len(constant), "features": constant[:10].tolist()},
        "drop them (VarianceThreshold), or shift inputs so that their background is 0.",
    )


def _extremes(X):
    """Return the smallest and the largest value of each feature."""
    return min_max_axis(X, axis=0) if issparse(X) else (X.min(axis=0), X.max(axis=0))


def _is_constant(X, feature):
    """Tell whether a feature is the same in all rows; a feature at a time, to copy little."""
    column = _safe_indexing(X, [int(feature)], axis=1)
    low, high = _extremes(column if issparse(column) else np.asarray(column))
    return bool(low[0] == high[0])


def _class_imbalance(t):
    if t.codes is None:
        return None
    classes = range(len(t.clf.classes_))
    true, predicted = t.codes, t.predicted
    if not t.clf.multilabel_:
        true, predicted = (codes[:, None] == np.array(classes) for codes in (true, predicted))
    right = ((true != 0) & (predicted != 0)).sum(axis=0)
    counts = (true != 0).sum(axis=0)
    share, recall = counts / len(true), right / np.maximum(counts, 1)
    overall = right.sum() / max(counts.sum(), 1)
    rare = (counts > 0) & (share < _RARE * share.mean())
    missed = [k for k in classes if rare[k] and recall[k] < min(_MISSED, _MISSED * overall)]
    if not missed:
        return None
    names = {t.clf.classes_.tolist()[k]: (float(share[k]), float(recall[k])) for k in missed}
    listed = ", ".join(f"{n!r} ({s:.1%} of rows, {r:.0%} found)" for n, (s, r) in names.items())
    weights = "sample_weight" if t.clf.multilabel_ else "class_weight='balanced'"
    return (
        f"Rare classes are missed: {listed}; of all labels {overall:.0%} are found.",
        {"classes": names, "overall": float(overall)},
        f"{weights if not t.clf.class_weight else 'larger weights for them'}, more rows of them, "
        "and a score that sees them, such as scoring='balanced_accuracy'.",
    )


def _eta_too_high(t):
    if t.overruled:
        return None
    saturated = t.stuck or t.h["saturation"][-1] >= _SATURATION or (t.wrong_rows or 0) >= 0.5
    dead = t.frozen or (t.of_chance >= _AT_CHANCE and saturated)
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
    lower = min(t.suited_eta, t.eta / 3)
    return sentence, evidence, f"a smaller eta: {lower:.2g} instead of {t.eta:.3g}."


def _saturated_hidden(t):
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
    evidence["eta_factor"] = factor = t.eta / t.suited_eta
    advice = []
    if factor >= 1.5:
        lower = f"{t.suited_eta:.2g} instead of {t.eta:.3g}"
        advice.append(f"an eta smaller by a factor of {factor:.3g}: {lower}")
    if t.X is not None:
        mean = t.moments[0].mean()
        evidence |= {"input_mean": mean, "step_factor": t.step_factor}
        sentence += (
            f" The inputs' mean is {mean:.2g}: a step moves the weighted inputs of all rows "
            f"{t.step_factor:.1f} times as far as if each feature had mean 0."
        )
    if t.step_factor >= _SHARED:
        advice.append("inputs with background 0 (1 - x, for instance) or StandardScaler")
    advice = "; or ".join(advice) or "smaller initial weights, or inputs that are scaled"
    return sentence, evidence, f"{advice}."


def _large_initial_weights(t):
    start, clf = t.h["saturation"][0], t.clf
    if not (start >= _LARGE_START and (clf.weight_init == "large" or clf.init_scale > 1)):
        return None
    return (
        f"After the first epoch {start:.0%} of the hidden activations were saturated already: "
        f"weights started large (weight_init={clf.weight_init!r}, init_scale={clf.init_scale:g}).",
        {"saturation": float(start), "epoch": 1, "init_scale": clf.init_scale},
        "weight_init='scaled' with init_scale=1.",
    )


def _saturated_outputs(t):
    if not t.quadratic or t.wrong_rows is None or t.wrong_rows < _WRONG_ROWS:
        return None
    return (
        f"On {t.wrong_rows:.1%} of the rows an output is badly wrong and saturated, where the "
        "quadratic cost has next to no gradient: its delta has the factor sigma'(z).",
        {"rows": t.wrong_rows},
        "cost='cross_entropy', whose delta lacks that factor, with an eta of about 0.5.",
    )


def _eta_too_low(t):
    falls, before = t.quarters
    levelled = falls < _LEVELLED * before and t.of_chance < _AT_CHANCE
    if isnan(falls) or t.overruled or levelled or not t.smooth or t.eta >= t.suited_eta:
        return None
    far = t.of_chance >= _LEFT and falls >= _FALLING * t.costs[-1] and 10 * t.eta <= t.suited_eta
    if not (t.of_chance >= _UNLEARNT or far):
        return None
    return (
        f"After {t.clf.n_iter_} epochs the cost is {t.costs[-1]:.3g} and still falling, steadily "
        f"and slowly; outputs that ignore the inputs cost {t.chance:.3g}.",
        {"eta": t.eta, "cost": t.costs[-1], "chance_cost": t.chance, "last_quarter": falls},
        f"a larger eta: {min(10 * t.eta, t.suited_eta):.2g} instead of {t.eta:.3g}, and on by "
        "factors of 3 until the cost starts to oscillate.",
    )


def _too_few_epochs(t):
    falls, _ = t.quarters
    validation = t.h["validation_cost"]
    k = max(1, len(validation) // 4)
    stalled = len(validation) > k and validation[-1] > validation[-1 - k]
    if isnan(falls) or stalled or not t.smooth or t.overruled or t.frozen or _eta_too_low(t):
        return None
    material = falls >= _STILL_FALLING * t.costs[-1] or t.of_chance >= _AT_CHANCE  # not begun
    if t.of_chance < _LEFT or not material:
        return None
    n = t.clf.n_iter_
    larger = f", or an eta nearer to {t.suited_eta:.2g}" if t.eta < t.suited_eta / 3 else ""
    return (
        f"The cost is still falling: from {t.costs[-1] + falls:.3g} to {t.costs[-1]:.3g} in the "
        f"last {max(1, len(t.costs) // 4)} of {n} epochs.",
        {"epochs": n, "cost": t.costs[-1], "last_quarter": falls},
        f"more epochs: max_iter={3 * n}{larger}.",
    )


def _penalty_too_strong(t):
    if not t.overruled:
        return None
    layer = int(np.argmin(t.weight_lengths))
    evidence = {"lmbda": t.clf.lmbda, "lengths": t.weight_lengths, "memory": t.memory}
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
    lower = f"a smaller lmbda: {t.clf.lmbda / 100:.2g} instead of {t.clf.lmbda:g}"
    return sentence, evidence, f"{lower}, and on by factors of 10 either way."


def _overfit_cost(t):
    best = _best_epochs(t)
    if best is None or t.wanders:
        return None
    least, validation, now = best["cost_epoch"] - 1, t.h["validation_cost"], t.clf.epoch_ - 1
    known = validation[: now + 1][~np.isnan(validation[: now + 1])]
    width = min(5, 1 + len(known) // 6)
    medians = [np.median(known[i : i + width]) for i in range(len(known) - width + 1)]
    rise = medians[-1] - min(medians)
    noise = np.median(np.abs(np.diff(known))) if len(known) > 1 else np.inf
    learnt_on = not t.h["train_cost"][now] >= t.h["train_cost"][least]  # true of NaN too
    matters = max(_COST_RISE * min(medians), _COST_RISE_OF_CHANCE * t.chance, 2 * noise)
    if rise < matters or not learnt_on:
        return None
    latest = float(medians[-1])
    return (
        f"Over-fitting by cost: the validation cost was least, {validation[least]:.3g}, in epoch "
        f"{least + 1} and is {latest:.3g} now: the network has become too sure of its errors. "
        "This matters where probabilities are used; for class decisions it is epoch "
        f"{best['accuracy_epoch']} that counts, of the best validation accuracy.",
        best | {"least_cost": validation[least], "cost": latest, "epoch": now + 1},
        "for probabilities early_stopping=True with scoring='cost'; against its cause a larger "
        "lmbda, dropout, or more data, which an ImageAugmenter makes of images.",
    )


def _overfit_accuracy(t):
    best = _best_epochs(t)
    if best is None or isnan(t.h["train_accuracy"][t.clf.epoch_ - 1]):
        return None
    now, validation = t.clf.epoch_ - 1, t.h["validation_accuracy"]
    train, latest = t.h["train_accuracy"][now], float(np.nanmean(validation[: now + 1][-3:]))
    k, known = max(1, len(validation) // 4), validation[~np.isnan(validation)]
    improving = known[-k:].mean() - known[-2 * k : -k].mean() if len(known) >= 2 * k else np.inf
    gaps = (t.h["train_accuracy"] - validation)[: now + 1]
    grown = train - latest - np.nanmin(gaps) >= _GAP / 2  # or these validation rows are harder
    learnt = t.of_chance < _UNLEARNT
    if train - latest < _GAP or improving > _IMPROVING or not (grown and learnt):
        return None
    return (
        f"Over-fitting by accuracy: {train:.4f} on training and {latest:.4f} on validation data. "
        f"The latter was best in epoch {best['accuracy_epoch']} and no longer improves. This "
        "matters where classes are decided; for probabilities it is epoch "
        f"{best['cost_epoch']} that counts, of the least validation cost.",
        best | {"train_accuracy": train, "validation_accuracy": latest, "epoch": now + 1},
        "more data, which an ImageAugmenter makes of images; a larger lmbda, dropout, fewer "
        "hidden neurons; early_stopping=True saves the epochs that no longer help.",
    )


def _best_epochs(t):
    """Return the epochs of least validation cost and of best accuracy; None without such data."""
    cost, accuracy = (t.h[f"validation_{name}"][: t.clf.epoch_] for name in ("cost", "accuracy"))
    if np.isnan(cost).all():
        return None
    return {
        "cost_epoch": int(np.nanargmin(cost)) + 1,
        "accuracy_epoch": int(np.nanargmax(accuracy)) + 1,
    }


FINDINGS = {
    "unscaled_features": _unscaled_features,
    "constant_features": _constant_features,
    "class_imbalance": _class_imbalance,
    "eta_too_high": _eta_too_high,
    "saturated_hidden": _saturated_hidden,
    "large_initial_weights": _large_initial_weights,
    "saturated_outputs": _saturated_outputs,
    "eta_too_low": _eta_too_low,
    "too_few_epochs": _too_few_epochs,
    "penalty_too_strong": _penalty_too_strong,
    "overfit_cost": _overfit_cost,
    "overfit_accuracy": _overfit_accuracy,
}


def _plain(value):
    """Turn a number of NumPy into one of Python."""
    return value.item() if isinstance(value, np.generic) else value


# --- measurements -------------------------------------------------------------------------------


def weighted_inputs(clf, X):
    """Compute the weighted inputs z = a W + b of every layer.

    Parameters
    ----------
    clf : MLPSigmoidClassifier
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    list of ndarray of shape (n_samples, n_units)
        One array for each hidden layer, then that of the output layer.
    """
    _check_classifier(clf)
    dtype = clf.coefs_[0].dtype
    return _layers(clf, check_rows(clf, X, dtype=dtype))


def _layers(clf, a):
    """Compute the weighted inputs of every layer for rows that are validated."""
    layers = []
    for w, b in zip(clf.coefs_, clf.intercepts_):
        layers.append(a @ w + b)
        a = sigmoid(layers[-1].copy())
    return layers


def hard_examples(clf, X, y, threshold=0.7, limit=200):
    """Find the rows whose true class got too little of the probability.

    Parameters
    ----------
    clf : classifier
        Fitted; anything with `predict_proba` and `classes_`, a pipeline for instance.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        True labels, each one of `clf.classes_`.
    threshold : float, default=0.7
        Rows are hard whose true class has a probability below this.
    limit : int or None, default=200
        Rows that are returned at most; None returns all.

    Returns
    -------
    sklearn.utils.Bunch
        With one entry for each hard row, hardest first:

        - ``indices``: its position in `X`;
        - ``probability``: that of its true class, as `predict_proba` gives it;
        - ``predicted``: the label of the most probable class;
        - ``predicted_probability``: that of the most probable class;
        - ``true``: its true label.

    Raises
    ------
    ValueError
        For multilabel targets, labels that are not among the classes, and numbers out of range.
    TypeError
        If `threshold` or `limit` is not a number.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier, hard_examples
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(max_iter=5, random_state=0).fit(X[:1000] / 16, y[:1000])
    >>> hard = hard_examples(clf, X[1000:] / 16, y[1000:], limit=3)
    >>> bool((hard.probability < 0.7).all())
    True
    """
    check_number("threshold", threshold, Real, "(0, 1]")
    if limit is not None:
        check_number("limit", limit, Integral, "[1, inf)", also=" or None")
    refuse_dask(X, y)
    probabilities = clf.predict_proba(X)
    kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass") or not np.allclose(np.sum(probabilities, axis=1), 1):
        raise ValueError(
            "Hard examples need one class a row, with probabilities that sum to one; got "
            f"{kind} y and probabilities that sum to {np.mean(np.sum(probabilities, axis=1)):.3g} "
            "on average. Of multilabel targets, look at each label by itself."
        )
    y, classes = column_or_1d(y), np.asarray(clf.classes_)
    unseen = np.setdiff1d(y, classes)
    if unseen.size:
        raise ValueError(f"y holds {unseen.tolist()}, not among the classes {classes.tolist()}.")
    if len(y) != len(probabilities):
        raise ValueError(f"y must have {len(probabilities)} labels, as X has rows; got {len(y)}.")
    true = probabilities[np.arange(len(y)), np.searchsorted(classes, y)]
    indices = np.argsort(true, kind="stable")
    indices = indices[true[indices] < threshold][:limit]
    return Bunch(
        indices=indices,
        probability=true[indices],
        predicted=classes[probabilities[indices].argmax(axis=1)],
        predicted_probability=probabilities[indices].max(axis=1),
        true=y[indices],
    )


def gradient_norms(clf, X, y):
    """Measure how fast each layer learns: the length of the gradient of its biases.

    With delta_l = dC/db_l, the error of layer l averaged over the rows, it is ``|delta_l|``, which
    chapter 5 of Nielsen's book compares between layers: where gradients vanish, the first hidden
    layers have a far smaller one than the last.

    Parameters
    ----------
    clf : MLPSigmoidClassifier
        Fitted. Its weights and its `cost` are used, whichever the cost is; the penalty is not,
        since biases have none.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        Every row counts alike: class weights and sample weights are not used.

    Returns
    -------
    ndarray of shape (n_layers,)
        One length for each hidden layer, then that of the output layer.
    """
    network, data = _network_and_data(clf, X, y)
    for start, stop in data.chunks(len(data), network.n_units):
        x, targets = data.gather(data.rows[start:stop])
        network.forward(x)
        network.backward(targets)
        network.descend(1 / len(data), first=start == 0, last=False)  # no step: v gathers it
    return np.array([np.linalg.norm(v) for v in network.velocity[1]])


def _check_classifier(clf):
    """Raise if this is not a fitted network."""
    if not hasattr(type(clf), "_weighted_inputs"):
        raise TypeError(
            f"`clf` must be an MLPSigmoidClassifier; got {type(clf).__name__}. Of a pipeline, "
            "pass its last step, and X as the steps before transform it."
        )
    check_is_fitted(clf)


def _network_and_data(clf, X, y):
    """Make the fitted network, with a velocity to gather gradients in, and the validated rows."""
    _check_classifier(clf)
    dtype = clf.coefs_[0].dtype
    X, y = check_rows(clf, X, y, dtype=dtype)
    data = Data(X, Labels.of(clf).encode(y), len(clf.intercepts_[-1]))
    cost = resolve("cost", clf.cost, COSTS, ("activation", "value", "delta"))
    weights = [np.asfortranarray(w) for w in clf.coefs_]
    velocity = [[np.zeros_like(p) for p in some] for some in (weights, clf.intercepts_)]
    return Network(weights, clf.intercepts_, cost, velocity=velocity), data
