"""The measurements: weighted inputs, gradient norms and hard examples."""

import backpropagation
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknielsen import hard_examples
from sknielsen.diagnostics import gradient_norms, weighted_inputs


def the(code, findings):
    """The finding of this code, which must be there once."""
    (finding,) = [finding for finding in findings if finding.code == code]
    return finding


# --- measurements --------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(), (8,), (9, 8)])
def test_weighted_inputs_of_every_layer(sizes, small, digits):
    X, y = digits
    clf = small(hidden_layer_sizes=sizes).fit(X, y)
    layers = weighted_inputs(clf, X)
    assert [z.shape for z in layers] == [(300, n) for n in (*sizes, 10)]
    a = X
    for z, w, b in zip(layers, clf.coefs_, clf.intercepts_):
        np.testing.assert_allclose(z, a @ w + b)
        a = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(layers[-1], clf.decision_function(X))
    for z, sparse in zip(layers, weighted_inputs(clf, csr_matrix(X))):
        np.testing.assert_allclose(z, sparse)


@pytest.mark.parametrize("cost", ["quadratic", "cross_entropy", "log_likelihood"])
@pytest.mark.parametrize("sizes", [(), (8,), (9, 8)])
def test_gradient_norms_are_those_of_the_mean_bias_gradients(cost, sizes, small, digits):
    X, y = digits
    clf = small(hidden_layer_sizes=sizes, cost=cost, max_iter=1).fit(X, y)
    total = [np.zeros_like(b) for b in clf.intercepts_]
    for x, target in zip(X, np.eye(10)[y]):
        _, by_biases = backpropagation.gradients(clf.coefs_, clf.intercepts_, x, target, cost)
        total = [t + g for t, g in zip(total, by_biases)]
    expected = [np.linalg.norm(t / len(X)) for t in total]
    np.testing.assert_allclose(gradient_norms(clf, X, y), expected)


def test_gradients_vanish_towards_the_first_of_three_hidden_layers(small, digits):
    clf = small(hidden_layer_sizes=(30, 30, 30), eta=1e-6, max_iter=1).fit(*digits)
    norms = gradient_norms(clf, *digits)
    assert norms[0] < norms[1] < norms[2] < norms[3]


def test_gradient_norms_of_many_rows_leave_the_weights_alone(small, digits):
    X, y = np.tile(digits[0], (4, 1)), np.tile(digits[1], 4)  # more than one chunk
    clf = small(hidden_layer_sizes=(200,)).fit(*digits)
    before = [w.copy() for w in clf.coefs_]
    np.testing.assert_allclose(gradient_norms(clf, X, y), gradient_norms(clf, *digits))
    for w, kept in zip(clf.coefs_, before):
        np.testing.assert_array_equal(w, kept)


def test_gradient_norms_of_labels(small, multilabel):
    clf = small().fit(*multilabel)
    assert gradient_norms(clf, *multilabel).shape == (2,)


# --- hard examples -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["digits", "binary"])
@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
def test_hard_examples_are_the_rows_below_the_threshold_hardest_first(
    target, cost, request, small
):
    X, y = request.getfixturevalue(target)
    names = np.array([f"digit {k}" for k in range(10)])
    clf = small(cost=cost, max_iter=20).fit(X, names[y])
    threshold = np.median(clf.predict_proba(X).max(axis=1))
    hard = hard_examples(clf, X, names[y], threshold=threshold, limit=None)
    p = clf.predict_proba(X)
    true = p[np.arange(len(y)), y]
    assert set(hard.indices) == set(np.flatnonzero(true < threshold))
    assert 0 < len(hard.indices) < len(y)
    assert (np.diff(hard.probability) >= 0).all()
    np.testing.assert_array_equal(hard.probability, true[hard.indices])
    np.testing.assert_array_equal(hard.true, names[y][hard.indices])
    np.testing.assert_array_equal(hard.predicted, clf.predict(X)[hard.indices])
    np.testing.assert_array_equal(hard.predicted_probability, p.max(axis=1)[hard.indices])


def test_hard_examples_are_limited_to_the_hardest(small, digits):
    clf = small().fit(*digits)
    every = hard_examples(clf, *digits, limit=None)
    np.testing.assert_array_equal(hard_examples(clf, *digits, limit=5).indices, every.indices[:5])
    assert len(every.indices) > 200 == len(hard_examples(clf, *digits).indices)


def test_no_row_is_hard_for_a_sure_and_right_classifier(small, binary):
    clf = small(max_iter=20).fit(*binary)
    assert hard_examples(clf, *binary).indices.shape == (0,)


def test_hard_examples_of_a_pipeline_and_of_another_classifier(small, digits):
    X, y = digits
    for last in (small(), LogisticRegression()):
        pipeline = make_pipeline(StandardScaler(), last).fit(X, y)
        hard = hard_examples(pipeline, X, y, threshold=0.9)
        assert (hard.probability < 0.9).all()


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"threshold": 0.0}, ValueError, r"`threshold` must be a number in \(0, 1\]; got 0.0"),
        ({"threshold": "0.7"}, TypeError, "`threshold` must be a number"),
        ({"limit": 0}, ValueError, r"`limit` must be an integer in \[1, inf\) or None; got 0"),
        ({"y": np.full(300, 11)}, ValueError, r"y holds \[11\], not among the classes"),
        ({"y": np.zeros(3, int)}, ValueError, "y must have 300 labels, as X has rows; got 3"),
        ({"y": np.eye(10, dtype=int)[np.arange(300) % 10]}, ValueError, "one class a row.*multil"),
    ],
)
def test_hard_examples_of_wrong_arguments_are_errors(options, error, match, small, digits):
    X, y = digits
    arguments = {"X": X, "y": y} | options
    with pytest.raises(error, match=match):
        hard_examples(small().fit(X, y), **arguments)


def test_hard_examples_of_a_multilabel_classifier_are_an_error(small, multilabel):
    X, Y = multilabel
    with pytest.raises(ValueError, match="one class a row"):
        hard_examples(small().fit(X, Y), X, Y.argmax(axis=1))
