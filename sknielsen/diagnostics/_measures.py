"""Measurements of a fitted classifier: weighted inputs, hard examples, lengths of gradients.

To add one: a function of a fitted classifier and of rows, named in the package's ``__all__``.
"""

import math
from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch, column_or_1d
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from sknielsen._data import Data, refuse_dask
from sknielsen._inputs import check_rows
from sknielsen._labels import Labels
from sknielsen._network import Network
from sknielsen._resolve import check_number, resolve
from sknielsen.activations import sigmoid
from sknielsen.costs import COSTS

# sigma'(z) = 1 / (4 cosh(z/2)^2), so sigma'(z) < 0.01 where cosh(z/2) > 5, hence |z| > 4.585: a
# neuron there learns at less than 1/25 of its best.
SATURATED_Z = 2 * math.acosh(5)


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
    check_classifier(clf)
    dtype = clf.coefs_[0].dtype
    return layers_of(clf, check_rows(clf, X, dtype=dtype))


def layers_of(clf, a):
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


def check_classifier(clf):
    """Raise if this is not a fitted network."""
    if not hasattr(type(clf), "_weighted_inputs"):
        raise TypeError(
            f"`clf` must be an MLPSigmoidClassifier; got {type(clf).__name__}. Of a pipeline, "
            "pass its last step, and X as the steps before transform it."
        )
    check_is_fitted(clf)


def _network_and_data(clf, X, y):
    """Make the fitted network, with a velocity to gather gradients in, and the validated rows."""
    check_classifier(clf)
    dtype = clf.coefs_[0].dtype
    X, y = check_rows(clf, X, y, dtype=dtype)
    data = Data(X, Labels.of(clf).encode(y), len(clf.intercepts_[-1]))
    cost = resolve("cost", clf.cost, COSTS, ("activation", "value", "delta"))
    weights = [np.asfortranarray(w) for w in clf.coefs_]
    velocity = [[np.zeros_like(p) for p in some] for some in (weights, clf.intercepts_)]
    return Network(weights, clf.intercepts_, cost, velocity=velocity), data
