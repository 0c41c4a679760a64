"""The search for a learning rate on a sample of rows, in seconds: `find_eta`."""

import math
import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import _num_samples

from sknielsen._inputs import refuse_dask
from sknielsen._resolve import check_number
from sknielsen.core.blas import blas_threads
from sknielsen.core.contracts import Array, MatrixLike
from sknielsen.diagnostics._evidence import Evidence
from sknielsen.diagnostics._inside import require_network

# The numbers behind the recipe. `find_eta` says in its notes how they were chosen.
_TOLERANCE = 0.01  # of chance's cost
_SHARE = 0.5  # of the threshold
_N_STARTS = 3  # initial weights
_HOPELESS = 0.1  # of chance's cost above the least: no threshold, whatever the initial weights
_FIRST_ETAS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
_LEAST_ETA, _GREATEST_ETA = 1e-9, 1e6  # where the search for the threshold gives up
_MARGIN = 2  # grid points that are drawn on either side of the threshold
_NO_STEP = 1e-30  # an eta that leaves the weights as they start
_N_STEPS, _MORE_STEPS = 100, 10  # and the factor if no eta learns in so few
_MOST_WORK = 2e9  # multiply-adds of a trial with more steps: seconds
_MOST_EPOCHS = 1000


@dataclass(frozen=True, eq=False, repr=False)
class EtaSuggestion:
    """The eta that `find_eta` suggests, and the costs behind it.

    Attributes
    ----------
    eta : float
        The suggestion: half of the threshold.
    threshold : float
        The largest eta whose training cost fell as far as that of the best eta, or nearly.
    etas : ndarray of shape (n_etas,)
        The grid, ascending.
    costs : ndarray of shape (n_etas,)
        Training cost after `n_steps` steps at each eta, without the penalty; inf where training
        diverged. Costs near the least one are means over three initial weights.
    start_cost : float
        Training cost of the initial weights.
    chance_cost : float
        Cost of the best outputs that ignore the inputs.
    n_rows, n_steps : int
        Size of the sample, and number of steps at each eta.
    learns : bool
        Whether the cost fell below that of chance at any eta. If not, the suggestion is only the
        largest eta that does no harm in so few steps.
    """

    eta: float
    threshold: float
    etas: Array
    costs: Array
    start_cost: float
    chance_cost: float
    n_rows: int
    n_steps: int

    @property
    def learns(self) -> bool:
        """Whether the cost fell below that of chance at any eta."""
        return bool(self.costs.min() < (1 - _TOLERANCE) * self.chance_cost)

    def __repr__(self) -> str:
        lines = [
            f"eta = {self.eta:.3g}, half of the threshold {self.threshold:.3g}",
            f"Training cost after {self.n_steps} steps on {self.n_rows:,} rows "
            f"({self.start_cost:.4g} at the start, {self.chance_cost:.4g} by chance):",
            "",
            *(
                f"{eta:>10.3g}  {_shown(cost):>9}{'  threshold' if eta == self.threshold else ''}"
                for eta, cost in zip(self.etas, self.costs)
            ),
        ]
        if not self.learns:
            lines += [
                "",
                "No eta got clearly below the cost of chance in so few steps. The suggestion",
                "is the largest that does no harm; try a larger `n_steps`.",
            ]
        return "\n".join(lines)


def find_eta(
    estimator: Any,
    X: MatrixLike,
    y: ArrayLike,
    *,
    etas: ArrayLike | None = None,
    n_steps: int | None = None,
    n_samples: int = 1000,
    random_state: int = 0,
) -> EtaSuggestion:
    """Suggest a learning rate by the recipe of Nielsen's book, in seconds.

    Clones of the estimator are trained for a few steps on a sample of the rows, each with another
    constant eta and all from the same initial weights. The threshold is the largest eta at which
    the training cost falls from the start about as far as at any; half of it is suggested.

    Parameters
    ----------
    estimator : MLPSigmoidClassifier, Pipeline or search
        Fitted or not; it is left as it is. Its parameters are used, except those that decide when
        training ends and how eta changes. Of a pipeline, clones of the steps before the classifier
        are fitted to the sample and transform it, once. Of a fitted search its `best_estimator_`
        is taken, else its `estimator`.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Training rows, as for the estimator's `fit`.
    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        Their labels.
    etas : array-like of float, default=None
        The etas to try. None takes 1, 2 and 5 times powers of ten, from 0.01 to 10, and on in
        either direction until the threshold lies well within.
    n_steps : int, default=None
        Steps (mini-batches) at each eta, rounded up to whole epochs. None takes 100, and 1,000 if
        no eta learns in 100 and the network is small enough for this to take seconds.
    n_samples : int, default=1000
        Size of the sample, which holds each class at least once. At least a mini-batch is drawn.
    random_state : int, default=0
        Seed of the sample, the initial weights and the order of rows.

    Returns
    -------
    EtaSuggestion
        With the suggestion `eta`, the `threshold`, the grid `etas` and the curve `costs`.
        `sknielsen.plots.EtaDisplay` draws it.

    Raises
    ------
    TypeError
        If there is no MLPSigmoidClassifier inside the estimator, or a number is none.
    ValueError
        If rows, labels or parameters are not what `fit` accepts, or a number is out of range.

    Notes
    -----
    Nielsen (ch. 3, "How to choose a neural network's hyper-parameters?") takes the largest eta at
    which "the cost decreases during the first few epochs", and then about half of it. Here
    biases start at random, so any eta makes the cost fall at first: even at an eta far too large,
    outputs learn how frequent the classes are. What tells etas apart is how far the cost falls.

    The constants were measured on digits, MNIST, inverted MNIST, 64 x 64 colour pictures of three
    shapes, and standardised tables (breast cancer, wine), each against the costs and accuracies
    after 30 epochs.

    - *100 steps*: after 50 the best eta varied by a factor of ten between samples of inverted
      MNIST, after 100 or 200 by a factor of two at most.
    - *A tolerance of 1 % of the cost of chance*: costs vary by as much from one start to another.
      Without it, the threshold of the pictures of shapes, all of whose costs are near chance,
      varied by a factor of ten, and was a tenth of what learns best in 30 epochs. With 2 %, it
      was an eta that saturates their neurons.
    - *Three starts*: costs near the least one are means over three initial weights. With one, the
      suggestion for wine varied by a factor of ten between seeds, with three by 2.5.
    - *Half*: with it, suggestions were 1 for digits, 0.5 for MNIST, 0.05 to 0.1 for inverted
      MNIST, 0.01 to 0.05 for the pictures, 0.25 to 0.5 for breast cancer and 1 to 2.5 for wine.
      The best validation accuracies after 30 epochs were those of 1 to 2, 0.5 to 1, 0.1, 0.05,
      0.05 to 0.1 and up to 2. A larger eta gains little and risks much.

    Since etas are 1, 2 and 5 times powers of ten, expect a factor of two between suggestions for
    different seeds. An eta belongs to the batch size, momentum and cost of the estimator: search
    again when you change them.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknielsen import MLPSigmoidClassifier, find_eta
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPSigmoidClassifier(30, random_state=0)
    >>> found = find_eta(clf, X / 16, y)
    >>> 0.2 <= found.eta <= 2.5
    True
    >>> found = find_eta(clf, X / 2, y)  # pixels up to 8 need a smaller one
    >>> found.eta <= 0.25
    True
    """
    if n_steps is not None:
        check_number("n_steps", n_steps, Integral, "[1, inf)", also=" or None")
    check_number("n_samples", n_samples, Integral, "[2, inf)")
    check_number("random_state", random_state, Integral, "[0, inf)")
    grid = None if etas is None else _checked_etas(etas)
    refuse_dask(X, y)
    check_consistent_length(X, y)
    clf, steps = _unfitted(estimator)
    batch_size = clf.batch_size if isinstance(clf.batch_size, Integral) else n_samples
    rows = _sample(y, _num_samples(X), max(n_samples, int(batch_size)), random_state)
    X_sample, y_sample = _taken(X, rows), _safe_indexing(y, rows)
    for step in steps:
        X_sample = clone(step).fit_transform(X_sample, y_sample)
    trials = _Trials(clf, X_sample, y_sample, _num_samples(X), random_state)
    found = trials.suggestion(n_steps or _N_STEPS, grid)
    if n_steps is None and not found.learns and _MORE_STEPS * trials.work <= _MOST_WORK:
        found = trials.suggestion(_MORE_STEPS * _N_STEPS, grid)
    return found


class _Trials:
    """Trainings of clones on one sample, all from the same initial weights.

    The first clone makes no step. It shows what is wrong with parameters or rows, if anything is.
    """

    def __init__(self, clf: Any, X: Any, y: Any, n_total: int, random_state: int) -> None:
        self.clf = clone(clf).set_params(
            eta_schedule="constant",
            early_stopping=False,
            warm_start=False,
            monitor_samples=None,
            verbose=0,
            on_interrupt="raise",
            random_state=int(random_state),
        )
        if clf.lmbda and clf.n_total is None:  # lmbda / n is then that of all rows
            self.clf.set_params(n_total=n_total)
        if hasattr(self.clf, "set_callbacks"):
            self.clf.set_callbacks()
        self.X, self.y = X, y
        with warnings.catch_warnings():  # it learns nothing, and is not meant to
            warnings.simplefilter("ignore", ConvergenceWarning)
            first = clone(self.clf).set_params(eta=_NO_STEP, max_iter=1).fit(X, y)
        self.n_rows = _num_samples(X)
        m = min(first.batch_size or self.n_rows, self.n_rows)
        self.n_per_epoch, self.n_epochs = math.ceil(self.n_rows / m), 1
        self.work = _N_STEPS * m * sum(w.size for w in first.coefs_)
        self.start: float = first.history_["train_cost"][0]
        self.chance: float = Evidence(first, X, y).chance
        # A trial is short, and threads that wait for a core of a busy machine make it long.
        sizes = [len(first.coefs_[0]), *(len(b) for b in first.intercepts_)]
        self.run = blas_threads(m, sizes, few=True)

    def suggestion(self, n_steps: int, grid: Array | None) -> EtaSuggestion:
        """Measure the costs after so many steps, and suggest an eta."""
        self.n_epochs = min(math.ceil(n_steps / self.n_per_epoch), _MOST_EPOCHS)
        costs = _measured(self, grid)
        etas, finals = np.array(sorted(costs)), np.array([costs[eta] for eta in sorted(costs)])
        threshold = float(etas[_threshold(finals, self.chance)])
        return EtaSuggestion(
            eta=_SHARE * threshold,
            threshold=threshold,
            etas=etas,
            costs=finals,
            start_cost=self.start,
            chance_cost=self.chance,
            n_rows=self.n_rows,
            n_steps=self.n_epochs * self.n_per_epoch,
        )

    def cost(self, eta: float, start: int = 0) -> float:
        """Return the training cost at the end of a training; inf if it diverged."""
        clf = clone(self.clf).set_params(eta=eta, max_iter=self.n_epochs)
        clf.set_params(random_state=clf.random_state + start)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.run(clf.fit, self.X, self.y)
            except ValueError:  # it diverged, or eta * lmbda / n is too large
                return math.inf
        final: float = clf.history_["train_cost"][-1]
        return final if math.isfinite(final) else math.inf


def _measured(trials: _Trials, grid: Array | None) -> dict[float, float]:
    """Measure the costs of a grid; extend the default one until the threshold is well within."""
    costs = {eta: trials.cost(eta) for eta in (_FIRST_ETAS if grid is None else grid.tolist())}
    while grid is None:
        etas = sorted(costs)
        finals = np.array([costs[eta] for eta in etas])
        at = _threshold(finals, trials.chance)
        # All may be too large. Then neurons are saturated, and costs may hardly differ.
        too_large = finals.min() > (1 + _TOLERANCE) * trials.chance
        moves = finals[0] < trials.start * (1 - _TOLERANCE) or finals[0] > trials.start
        if (at < _MARGIN or (too_large and moves)) and etas[0] > _LEAST_ETA:
            more = [etas[0] / f for f in (2, 5, 10)]
        elif len(etas) - 1 - at < _MARGIN and etas[-1] < _GREATEST_ETA:
            more = [etas[-1] * f for f in (2, 5, 10)]
        else:
            break
        costs |= {eta: trials.cost(eta) for eta in (float(f"{one:.1g}") for one in more)}
    highest = min(costs.values()) + _HOPELESS * trials.chance
    for eta, cost in costs.items():
        if cost <= highest:
            further = [trials.cost(eta, start) for start in range(1, _N_STARTS)]
            costs[eta] = float(np.mean([cost, *further]))
    return costs


def _threshold(costs: Array, chance: float) -> int:
    """Return the position of the largest eta up to which costs stay within the tolerance."""
    at = int(costs.argmin())
    good = costs <= costs[at] + _TOLERANCE * chance
    while at + 1 < len(costs) and good[at + 1]:
        at += 1
    return at


def _unfitted(estimator: Any) -> tuple[Any, list[Any]]:
    """Return the classifier to clone, and the steps that transform its rows."""
    from sklearn.pipeline import Pipeline  # which takes long to import

    steps: list[Any] = []
    inside = estimator
    while not isinstance(inside, type):
        if isinstance(inside, Pipeline):
            steps += [one for _, one in inside.steps[:-1] if one not in (None, "passthrough")]
            inside = inside.steps[-1][1]
        elif hasattr(inside, "best_estimator_"):
            inside = inside.best_estimator_
        elif hasattr(inside, "estimator") and not hasattr(inside, "eta_schedule"):
            inside = inside.estimator
        else:
            break
    require_network(estimator, inside)
    return inside, steps


def _sample(y: Any, n_rows: int, n_wanted: int, seed: int) -> Array:
    """Choose rows at random, among them one of each class."""
    order = np.random.default_rng(seed).permutation(n_rows)
    if n_wanted >= n_rows:
        return order
    labels = np.asarray(y)[order]
    first: Any = np.unique(labels, return_index=True)[1] if labels.squeeze().ndim == 1 else []
    chosen = np.zeros(n_rows, bool)
    chosen[first] = True
    rest = np.flatnonzero(~chosen)
    chosen[rest[: max(n_wanted - int(chosen.sum()), 0)]] = True
    return order[chosen]


def _taken(X: Any, rows: Array) -> Any:
    """Take rows of any container."""
    if issparse(X):
        X = X.tocsr()  # the only sparse format whose rows can be taken
    return _safe_indexing(X, rows)


def _checked_etas(etas: ArrayLike) -> Array:
    """Return etas in ascending order, each once."""
    given = np.atleast_1d(np.asarray(etas, dtype=float))
    if given.ndim != 1 or not given.size:
        raise ValueError(f"`etas` must be a list of etas; got {etas!r}.")
    for eta in given.tolist():
        check_number("each of `etas`", eta, Real, "(0, inf)")
    return np.unique(given)


def _shown(cost: float) -> str:
    return "diverged" if math.isinf(cost) else f"{cost:.4g}"
