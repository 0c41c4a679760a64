"""The evidence of a training: its history and parameters, and measurements of the network.

To add a piece: a property of `Evidence`, cached if it takes time, and the thresholds that it
needs.
"""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.sparsefuncs import mean_variance_axis
from sklearn.utils.validation import _num_samples

from sknielsen._fitted import strength_of
from sknielsen._inputs import check_rows, refuse_dask
from sknielsen._labels import Labels
from sknielsen._plain import LARGE_RMS
from sknielsen._prediction import out_activation
from sknielsen.core.caching import cached_property
from sknielsen.core.contracts import Array, Cost, FittedClassifier, MatrixLike, Penalty
from sknielsen.core.data import Data, decide
from sknielsen.costs import Quadratic, is_exclusive, resolve_cost
from sknielsen.diagnostics._measures import (
    SATURATED_Z,
    check_labelled_rows,
    layers_of,
)
from sknielsen.penalties import L1, L2, resolve_penalty

_MAX_ROWS = 10_000  # enough for shares to a percent, and little memory for activations

# Thresholds. "Of chance's cost": costs are compared with the cost of chance, which is that of the
# best outputs that ignore the inputs.
AT_CHANCE = 0.9  # of chance's cost: above it, next to nothing has been learnt
_WINDOW = 10  # epochs at the end of training: enough to tell noise from a trend
_RISES = 0.02  # of chance's cost, per epoch: sound trainings, even on few rows, stay < 0.01
_UNDONE = 0.5  # rises over falls: half of the progress is undone
_FROZEN = 0.005  # of chance's cost, per epoch: below it, the cost does not move
_ABOVE_CHANCE = 1.05  # of chance's cost; deep networks wait just above 1 before they learn
_LEVELLED = 0.5  # fall of the last quarter over the one before: a cost of 1/epoch gives 0.57
_SMOOTH = 0.1  # rises over falls: below it there is little noise, so eta may be larger
COST_LEFT = 0.1  # of chance's cost: below it, further falls hardly change decisions
_STUCK_ROWS = 0.99  # of the rows: a neuron saturated on one side for so many tells nothing
_STUCK_UNITS = 1 / 3  # of a layer: sound trainings show up to 0.05, and 0.2 at a bold eta
_VANISHED = 0.5  # length of a neuron's weights; scaled initial weights have length 1
FAR = 4.0  # an eta so many times larger or smaller than suits the rows is a likely cause
_MEMORY = 0.1  # epochs: weights forget 9 of 10 rows; the book's lmbda 5 at eta 0.5 gives 4
# A step on a row x moves the row's own weighted inputs by eta |x|^2 delta. The thresholds that
# `find_eta` measures, times the mean |x|^2, are 30 on digits and breast cancer, 70 on wine, 100 on
# MNIST, 130 on inverted MNIST and 200 on colour pictures of shapes. This is twice what suits.
_OWN_STEP = 100.0
TINY_NORM = 0.1  # root mean square length of a row: below it, inputs hardly reach the neurons
SHARED_STEPS = 5.0  # step factor: inputs in [0, 1], which the usual eta fits, have 1.5 to 4.5


class Evidence:
    """The figures that findings read: history, parameters and measurements.

    Each measurement is made at its first use. A piece that needs an X or y that was not given is
    None, empty or neutral, and leads to no finding.

    Parameters
    ----------
    clf : MLPSigmoidClassifier
        Fitted, as `network_inside` returns it.
    X : array-like or sparse matrix of shape (n_samples, n_features), or None
    y : array-like of shape (n_samples,) or (n_samples, n_labels), or None
    most_rows : int
        Of more rows a sample is taken, which has so many.
    names : ndarray of str of shape (n_features,), default=None
        Of the features, where the steps of a pipeline know them.

    Attributes
    ----------
    h : dict of ndarray
        The history, a column each.
    X : ndarray or CSR matrix of shape (n_rows, n_features), or None
        A sample of the rows if there are many, validated.
    codes : ndarray of int, or None
        Codes of the labels of `X`.
    all_rows : array-like, sparse matrix or None
        All rows, as they were given.
    lmbda : float
        Strength of the penalty.
    usual_eta : float
        The eta that the classifier's documentation advises for inputs in [0, 1].
    """

    def __init__(
        self,
        clf: FittedClassifier,
        X: MatrixLike | None,
        y: ArrayLike | None,
        most_rows: int = _MAX_ROWS,
        names: Array | None = None,
    ) -> None:
        if X is None and y is not None:
            raise ValueError("`y` needs the rows it labels: pass `X` too.")
        self.clf: FittedClassifier = clf
        self.names: Array | None = getattr(clf, "feature_names_in_", names)
        self.X: Any = None
        self.codes: Array | None = None
        self.all_rows: Any = None
        self.lmbda: float = strength_of(clf)
        self.h: dict[str, Array] = {n: np.array(c, float) for n, c in clf.history_.items()}
        self.cost: Cost = resolve_cost(clf.cost)
        self.penalty: Penalty = resolve_penalty(clf.penalty)
        self.quadratic: bool = isinstance(self.cost, Quadratic)
        # With momentum, steps add up to 1 / (1 - momentum) times one step.
        self.usual_eta: float = (3.0 if self.quadratic else 0.5) * (1 - clf.momentum)
        self.eta: float = self.h["eta"][-clf.max_iter :].max()  # a taper began with it
        if X is not None:
            self._take_rows(X, y, most_rows)

    def _take_rows(self, X: Any, y: Any, most_rows: int) -> None:
        """Validate the rows, or a sample of them, and their labels."""
        refuse_dask(X, y)
        check_consistent_length(X, y)
        if issparse(X):
            X = X.tocsr()  # the only sparse format whose rows can be taken
        elif not hasattr(X, "shape"):
            X = np.asarray(X)
        self.all_rows, n_rows = X, _num_samples(X)
        if n_rows > most_rows:  # sampled first, since validation may convert all rows
            rows = np.random.default_rng(0).choice(n_rows, most_rows, replace=False)
            X, y = _safe_indexing(X, rows), None if y is None else _safe_indexing(y, rows)
        if y is None:
            self.X = check_rows(self.clf, X, dtype=self.clf.coefs_[0].dtype)
        else:
            self.X, self.codes = check_labelled_rows(self.clf, X, y)

    @property
    def lacking(self) -> list[str]:
        """What was not given."""
        validated = np.isfinite(self.h["validation_cost"]).any()
        given = {
            "X": self.X is not None,
            "y": self.codes is not None,
            "validation rows": validated,
        }
        return [name for name, there in given.items() if not there]

    # --- history ------------------------------------------------------------------------------

    @property
    def train_cost_known(self) -> bool:
        """Whether costs were taken on training rows."""
        return not bool(np.isnan(self.h["train_cost"]).all())

    @property
    def _cost_column(self) -> Array:
        """Training cost of each epoch; the validation cost if no training cost is known."""
        return self.h["train_cost" if self.train_cost_known else "validation_cost"]

    @cached_property
    def costs(self) -> Array:
        """Costs by epoch, without those that are NaN."""
        return self._cost_column[~np.isnan(self._cost_column)]

    @cached_property
    def of_chance(self) -> float:
        """Cost at the end over the cost of chance; NaN if no cost was taken."""
        return float(self.costs[-1] / self.chance) if len(self.costs) else np.nan

    @cached_property
    def chance(self) -> float:
        """Cost of chance: mean cost of the best outputs that ignore the inputs."""
        return cost_of_chance(self.cost, *self._targets_and_weights)

    @cached_property
    def _targets_and_weights(self) -> tuple[Array, Array | None]:
        """Targets of the rows, and weights by class.

        Without y, as if all classes were equally frequent, and each label on half of the rows.
        """
        n = len(self.clf.intercepts_[-1])
        if self.codes is None:
            separate = n == 1 or self.clf.multilabel_
            return np.array([[0.0] * n, [1.0] * n]) if separate else np.eye(n), None
        labels, given = Labels.of(self.clf), self.clf.class_weight
        by_class = None if labels.multilabel else labels.class_weight(given, self.codes)
        data = Data(self.X[:, :0], self.codes, n, class_weight=by_class)
        weights = data.relative_weight(data.rows)
        if weights is not None and not weights.any():  # rows of classes without weight alone
            weights = None
        return data.gather(data.rows)[1], weights

    @cached_property
    def steps(self) -> Array:
        """Changes of cost plus penalty in the last epochs, from where eta last fell steeply."""
        total = self._cost_column + self.h["penalty"]
        steep = np.flatnonzero(self.h["eta"][:-1] > 2 * self.h["eta"][1:])
        total = total[steep[-1] + 1 if len(steep) else 0 :]
        steps: Array = np.diff(total[~np.isnan(total)])
        return steps[-_WINDOW:]

    @property
    def rises(self) -> float:
        """Sum of the rises among `steps`."""
        return float(self.steps.clip(0).sum())

    @property
    def falls(self) -> float:
        """Sum of the falls among `steps`."""
        return float(abs(self.steps.clip(None, 0).sum()))

    @cached_property
    def smooth(self) -> bool:
        """Whether the cost hardly ever rises."""
        return self.rises <= _SMOOTH * self.falls

    @property
    def wanders(self) -> bool:
        """Whether the training cost rises often enough to undo much of its progress."""
        n = len(self.steps)
        rises = self.rises >= _UNDONE * self.falls and self.rises >= _RISES * self.chance * n
        return n >= 3 and rises and self.train_cost_known

    @property
    def frozen(self) -> bool:
        """Whether the cost hardly changes and is above the cost of chance."""
        n, moves = len(self.steps), self.rises + self.falls
        return n >= 2 and self.of_chance >= _ABOVE_CHANCE and moves < _FROZEN * self.chance * n

    @cached_property
    def validation_stalled(self) -> bool:
        """Whether validation no longer gains in the last quarter of the epochs.

        Then its cost has no new minimum there. Nor has its score a new maximum; but near chance
        only the cost tells, and only where it was lower before.
        """
        cost, score = self.h["validation_cost"], self.h["validation_score"]
        k, n = max(1, len(cost) // 4), len(cost)
        if n <= k or np.isnan(cost[:-k]).all() or np.isnan(cost[-k:]).all():
            return False
        if np.nanmin(cost[-k:]) >= np.nanmin(cost[:-k]):
            return True
        known = not (np.isnan(score[:-k]).all() or np.isnan(score[-k:]).all())
        learnt = self.of_chance < AT_CHANCE
        return bool(n >= _WINDOW and learnt and known) and bool(
            np.nanmax(score[-k:]) <= np.nanmax(score[:-k])
        )

    @cached_property
    def quarters(self) -> tuple[float, float]:
        """Fall of the cost in the last quarter of the epochs and in the quarter before, or NaN."""
        k, c = max(1, len(self.costs) // 4), self.costs
        ends = [float(c[-1 - i * k]) if len(c) > i * k else np.nan for i in range(3)]
        return ends[1] - ends[0], ends[2] - ends[1]

    @property
    def levelled(self) -> bool:
        """Whether the cost, above chance no longer, falls much slower in the last quarter.

        Falls are compared by the sum of the etas that made them: a taper ends with small ones.
        """
        k, eta = max(1, len(self.costs) // 4), self.h["eta"]
        last, before = (
            fall / eta[len(eta) - i * k : len(eta) - (i - 1) * k].sum()
            for i, fall in enumerate(self.quarters, 1)
        )
        return bool(last < _LEVELLED * before and self.of_chance < AT_CHANCE)

    # --- measurements -------------------------------------------------------------------------

    @cached_property
    def layers(self) -> list[Array] | None:
        """Weighted inputs of each layer; None without X."""
        return None if self.X is None else layers_of(self.clf, self.X)

    @cached_property
    def stuck_units(self) -> list[float]:
        """For each hidden layer, the share of neurons saturated on one side for all rows."""
        if self.layers is None:
            return []
        sides = [(z > SATURATED_Z, z < -SATURATED_Z) for z in self.layers[:-1]]
        return [
            float(np.mean([side.mean(axis=0) >= _STUCK_ROWS for side in two], axis=1).sum())
            for two in sides
        ]

    @cached_property
    def stuck(self) -> bool:
        """Whether many neurons of a hidden layer are saturated on one side for all rows."""
        return max(self.stuck_units, default=0) >= _STUCK_UNITS

    @cached_property
    def wrong_rows(self) -> float | None:
        """Share of rows with a saturated output on the wrong side.

        None without y, and under a cost with exclusive outputs.
        """
        if self.layers is None or self.codes is None or is_exclusive(self.cost):
            return None
        z, targets = self.layers[-1], self._targets_and_weights[0]
        wrong = decide(z, True, out_activation(self.clf)) != (targets > 0)
        return float((wrong & (np.abs(z) > SATURATED_Z)).any(axis=1).mean())

    @cached_property
    def predicted(self) -> Array | None:
        """Codes of the rows' predicted classes, or indicators of their labels; None without X."""
        if self.layers is None:
            return None
        return decide(self.layers[-1], self.clf.multilabel_, out_activation(self.clf))

    @cached_property
    def moments(self) -> tuple[Array, Array]:
        """Mean and mean square of each feature, for an X that is given."""
        if issparse(self.X):
            mean, variance = mean_variance_axis(self.X.astype(float), axis=0)
            return mean, variance + mean**2
        # A sum of products, which makes no array of squares.
        squares: Array = np.einsum("ij,ij->j", self.X, self.X, dtype=np.float64)
        return self.X.mean(axis=0, dtype=float), squares / len(self.X)

    @property
    def unscaled(self) -> bool:
        """Whether features are so large that they saturate the neurons; False without X."""
        return self.X is not None and bool(self.moments[1].max() > LARGE_RMS**2)

    def name(self, feature: int) -> str:
        """Name a feature as the training rows did, else by its number."""
        return str(feature) if self.names is None else repr(str(self.names[feature]))

    @property
    def row_length(self) -> float:
        """Root mean square length of the rows, for an X that is given."""
        return float(np.sqrt(self.moments[1].sum()))

    @cached_property
    def step_factor(self) -> float:
        """Factor by which the inputs' means lengthen steps: mean square over variance.

        It is 1 without X, and if all rows are equal or their squares overflow.

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
    def suited_eta(self) -> float:
        """Usual eta, divided by the step factor if that is larger than usual."""
        return self.usual_eta / (self.step_factor if self.step_factor >= SHARED_STEPS else 1.0)

    @property
    def eta_for_rows(self) -> float:
        """Suited eta, or what suits the length of the rows if that is smaller."""
        square = float(self.moments[1].sum()) if self.X is not None else 0.0
        if not 0 < square < np.inf:
            return self.suited_eta
        return min(self.suited_eta, self.usual_eta * _OWN_STEP / square)

    @cached_property
    def weight_lengths(self) -> list[float]:
        """For each layer, the length of a neuron's incoming weights, as a root mean square."""
        return [float(np.linalg.norm(w) / np.sqrt(w.shape[1])) for w in self.clf.coefs_]

    @cached_property
    def vanished(self) -> bool:
        """Whether a penalty has made the weights of a layer vanish."""
        if self.lmbda == 0 or not self.of_chance >= AT_CHANCE:  # or the cost is NaN
            return False
        if min(self.weight_lengths) < _VANISHED:
            return True
        if not isinstance(self.penalty, L1):
            return False
        # Steps of eta * lmbda / n shake the weights around zero; the penalty tells lmbda / n.
        sizes = [np.abs(w) for w in self.clf.coefs_]
        per_weight = float(self.h["penalty"][-1]) / max(sum(float(a.sum()) for a in sizes), 1e-300)
        return min(float(a.mean()) for a in sizes) < self.eta * per_weight

    @cached_property
    def memory(self) -> float:
        """Epochs in which an L2 penalty alone shrinks the weights to 1/e; inf if not known.

        Each step shrinks them by eta * lmbda / n, and an epoch has n / m steps.
        """
        batch_size, rate = self.clf.batch_size, self.eta * self.lmbda
        known = isinstance(self.penalty, L2) and rate > 0 and isinstance(batch_size, Integral)
        return float(batch_size / rate) if known else np.inf  # rate may underflow to 0

    @cached_property
    def overruled(self) -> bool:
        """Whether the penalty overrules the data, which "auto" is too weak for.

        At an eta far too large neurons saturate, and their weights then vanish under any penalty:
        that is no fault of one that would leave them for more than an epoch at the usual eta.
        """
        if isinstance(self.clf.lmbda, str):
            return False
        found = self.vanished or (self.memory <= _MEMORY and self.of_chance >= COST_LEFT)
        far = self.eta >= FAR * self.eta_for_rows
        return found and not (far and self.memory * self.eta > self.usual_eta)


def cost_of_chance(cost: Cost, targets: Array, weights: Array | None) -> float:
    """Return the mean cost of the best outputs that ignore the inputs.

    These are the mean targets or, of costs that grow more slowly than the square, the commonest.

    Parameters
    ----------
    cost : Cost
    targets : ndarray of shape (n_rows, n_outputs)
    weights : ndarray of shape (n_rows,) or None
    """
    if weights is not None and not weights.any():
        return np.nan
    exclusive, mean = is_exclusive(cost), np.average(targets, axis=0, weights=weights)
    commonest = np.arange(len(mean)) == mean.argmax() if exclusive else mean.round()
    found = []
    for p in (np.clip(outputs, 1e-6, 1 - 1e-6) for outputs in (mean, commonest)):
        z = np.log(p) if exclusive else np.log(p / (1 - p))
        costs = cost.value(np.tile(z, (len(targets), 1)), targets)
        found.append(np.average(costs, weights=weights))
    return float(np.fmin(*found))
