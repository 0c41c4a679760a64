"""Measurements of a fitted classifier: weighted inputs, hard examples, lengths of gradients.

To add one: a function of a fitted classifier and of rows, and its name in the package's
``__all__``.
"""

import math
from numbers import Integral, Real
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import type_of_target

from sknielsen._fitted import network_of
from sknielsen._inputs import check_rows, refuse_dask
from sknielsen._labels import Labels
from sknielsen._resolve import check_number
from sknielsen._sklearn import Bunch
from sknielsen.core.activations import SATURATED_SLOPE, sigmoid
from sknielsen.core.contracts import Array, FittedClassifier, MatrixLike
from sknielsen.core.data import Data
from sknielsen.core.network import Network
from sknielsen.costs import resolve_cost
from sknielsen.diagnostics._inside import network_inside

# sigma'(z) = 1 / (4 cosh(z/2)^2), so sigma'(z) < 0.01 where cosh(z/2) > 5, hence |z| > 4.585. A
# neuron there learns at less than 1/25 of its best pace.
SATURATED_Z: Final[float] = 2 * math.acosh(0.5 / math.sqrt(SATURATED_SLOPE))


class ProbabilisticClassifier(Protocol):
    """A fitted classifier that gives probabilities, a pipeline for instance."""

    @property
    def classes_(self) -> Any:
        """Class labels."""

    def predict_proba(self, X: Any, /) -> Any:
        """Compute the probability of each class."""


def weighted_inputs(clf: Any, X: MatrixLike) -> list[Array]:
    """Compute the weighted inputs z = a W + b of every layer.

    Parameters
    ----------
    clf : MLPSigmoidClassifier, Pipeline or search
        Fitted. Steps before the classifier transform `X`.
    X : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    list of ndarray of shape (n_samples, n_units)
        One array for each hidden layer, then that of the output layer.
    """
    clf, X = network_inside(clf, X)
    return layers_of(clf, check_rows(clf, X, dtype=clf.coefs_[0].dtype))


def layers_of(clf: FittedClassifier, a: Any) -> list[Array]:
    """Compute the weighted inputs of every layer for validated rows.

    `Network.forward` cannot: it overwrites those of the hidden layers with activations.
    """
    layers: list[Array] = []
    for w, b in zip(clf.coefs_, clf.intercepts_):
        layers.append(a @ w + b)
        a = sigmoid(layers[-1].copy())
    return layers


def hard_examples(
    clf: ProbabilisticClassifier,
    X: MatrixLike,
    y: ArrayLike,
    threshold: float = 0.7,
    limit: int | None = 200,
) -> Bunch:
    """Find the rows whose true class has too low a probability.

    Parameters
    ----------
    clf : classifier
        Fitted; anything with `predict_proba` and `classes_`, such as a pipeline or a search.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        True labels, each one of `clf.classes_`.
    threshold : float, default=0.7
        A row is hard if the probability of its true class is below the threshold.
    limit : int or None, default=200
        Largest number of rows that are returned; None returns all hard rows.

    Returns
    -------
    sklearn.utils.Bunch
        Arrays with one entry for each hard row, hardest first:

        - ``indices``: position of the row in `X`;
        - ``probability``: probability of its true class, as `predict_proba` gives it;
        - ``predicted``: label of its most probable class;
        - ``predicted_probability``: probability of its most probable class;
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
    probabilities: Array = clf.predict_proba(X)
    kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass") or not np.allclose(np.sum(probabilities, axis=1), 1):
        raise ValueError(
            "Hard examples need one class a row, with probabilities that sum to one; got "
            f"{kind} y and probabilities that sum to {np.mean(np.sum(probabilities, axis=1)):.3g} "
            "on average. Of multilabel targets, look at each label by itself."
        )
    labels: Array = column_or_1d(y)
    classes = np.asarray(clf.classes_)
    unseen = np.setdiff1d(labels, classes)
    if unseen.size:
        raise ValueError(f"y holds {unseen.tolist()}, not among the classes {classes.tolist()}.")
    n_rows = len(probabilities)
    if len(labels) != n_rows:
        raise ValueError(f"y must have {n_rows} labels, as X has rows; got {len(labels)}.")
    true = probabilities[np.arange(n_rows), np.searchsorted(classes, labels)]
    indices = np.argsort(true, kind="stable")
    indices = indices[true[indices] < threshold][:limit]
    return Bunch(
        indices=indices,
        probability=true[indices],
        predicted=classes[probabilities[indices].argmax(axis=1)],
        predicted_probability=probabilities[indices].max(axis=1),
        true=labels[indices],
    )


def gradient_norms(clf: Any, X: MatrixLike, y: ArrayLike) -> Array:
    """Measure how fast each layer learns, by the length of the gradient of its biases.

    This is ``|delta_l|`` with delta_l = dC/db_l, the error of layer l averaged over the rows.
    Chapter 5 of Nielsen's book compares it between layers: where gradients vanish, it is far
    smaller in the first hidden layers than in the last.

    Parameters
    ----------
    clf : MLPSigmoidClassifier, Pipeline or search
        Fitted. Steps before the classifier transform `X`. Its weights and `cost` are used, but
        not its penalty, since biases have none.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        True labels. Every row counts alike: class weights and sample weights are not used.

    Returns
    -------
    ndarray of shape (n_layers,)
        One length for each hidden layer, then that of the output layer.
    """
    network, data = _network_and_data(*network_inside(clf, X), y)
    total = [np.zeros_like(b) for b in network.biases]
    for start, stop in data.chunks(len(data), network.n_units):
        x, targets = data.gather(data.rows[start:stop])
        network.forward(x)
        network.backward(targets)
        for summed, gradient in zip(total, network.gradients()[1]):
            summed += gradient
    return np.array([np.linalg.norm(summed) / len(data) for summed in total])


def check_labelled_rows(clf: FittedClassifier, X: Any, y: Any) -> tuple[Any, Array]:
    """Validate rows and labels; return the rows and the codes of the labels."""
    X, y = check_rows(clf, X, y, dtype=clf.coefs_[0].dtype)
    return X, Labels.of(clf).encode(y)


def _network_and_data(clf: FittedClassifier, X: Any, y: Any) -> tuple[Network, Data]:
    """Make the fitted network, and validate the rows."""
    X, codes = check_labelled_rows(clf, X, y)
    network = network_of(clf, resolve_cost(clf.cost))
    return network, Data(X, codes, network.layer_sizes[-1])
