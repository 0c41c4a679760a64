"""The evidence of a training: its history and parameters, and measurements of the network.

To add a piece: a property of `Evidence`, cached if it takes time, and here the thresholds that it
needs.
"""

from functools import cached_property

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.sparsefuncs import mean_variance_axis
from sklearn.utils.validation import _num_samples

from sknielsen._data import Data, decide, refuse_dask
from sknielsen._inputs import check_rows
from sknielsen._labels import Labels
from sknielsen._resolve import resolve
from sknielsen.costs import COSTS, Quadratic
from sknielsen.diagnostics._measures import SATURATED_Z, check_classifier, layers_of

_MAX_ROWS = 10_000  # enough for shares to a percent, and little memory for activations

# Thresholds. Costs are compared with that of chance: of outputs that ignore the inputs.
AT_CHANCE = 0.9  # of chance's cost: next to nothing has been learnt
_WINDOW = 10  # epochs at the end: enough to tell noise from a trend
_RISES = 0.02  # of chance's cost, an epoch: sound trainings, also of few rows, show below 0.01
_UNDONE = 0.5  # rises over falls: half of the progress is undone
_FROZEN = 0.005  # of chance's cost, an epoch: nothing moves
_ABOVE_CHANCE = 1.05  # just above 1, where deep networks wait on a plateau before they learn
_SMOOTH = 0.1  # rises over falls: mini-batches hardly disturb, so a larger eta is possible
COST_LEFT = 0.1  # of chance's cost: with less left, further falls hardly change decisions
_STUCK_ROWS = 0.99  # a neuron saturated on so many rows, on one side, says the same of all
_STUCK_UNITS = 1 / 3  # of a layer: sound trainings show up to 0.05, and 0.2 with a bold eta
_VANISHED = 0.5  # length of a neuron's weights: scaled initial weights have 1
_MEMORY = 0.1  # epochs: weights forget nine rows in ten; the book's lmbda 5 at eta 0.5 gives 4
SHARED_STEPS = 5.0  # step factor: common inputs in [0, 1], as the usual eta wants, have 1.5 to 4.5


class Evidence:
    """What findings are made of: history, parameters, and measurements, each made when asked for.

    What depends on an X or y that was not given is None, empty or neutral, and gives no finding.
    """

    def __init__(self, clf, X, y):
        check_classifier(clf)
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
        return None if self.X is None else layers_of(self.clf, self.X)

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
        return self.usual_eta / (self.step_factor if self.step_factor >= SHARED_STEPS else 1.0)

    @cached_property
    def weight_lengths(self):
        """Root mean square length of the incoming weights of each layer's neurons."""
        return [float(np.linalg.norm(w) / np.sqrt(w.shape[1])) for w in self.clf.coefs_]

    @cached_property
    def vanished(self):
        """Whether a penalty has made the weights of a layer vanish."""
        if self.clf.lmbda == 0 or not self.of_chance >= AT_CHANCE:  # the latter if NaN too
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
        return self.vanished or (self.memory <= _MEMORY and self.of_chance >= COST_LEFT)
