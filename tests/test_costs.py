import numpy as np
import pytest

from sknielsen import MLPSigmoidClassifier
from sknielsen.activations import sigmoid
from sknielsen.costs import COSTS, CrossEntropy, check_cost, is_exclusive, resolve_cost


def outputs_and_targets(seed=0, m=6, n_outputs=4):
    rng = np.random.default_rng(seed)
    return 3 * rng.standard_normal((m, n_outputs)), np.eye(n_outputs)[rng.integers(4, size=m)]


@pytest.mark.parametrize("name", sorted(COSTS))
def test_delta_is_the_derivative_of_value_by_z(name):
    cost = COSTS[name]
    z, y = outputs_and_targets()
    h = 1e-6
    expected = np.empty_like(z)
    for k in range(z.shape[1]):
        shift = h * np.eye(z.shape[1])[k]
        expected[:, k] = (cost.value(z + shift, y) - cost.value(z - shift, y)) / (2 * h)
    out = np.empty_like(z)
    cost.delta(cost.activation(z.copy()), y, out)
    np.testing.assert_allclose(out, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", sorted(COSTS))
def test_value_leaves_z_alone_and_gives_one_cost_a_sample(name):
    z, y = outputs_and_targets()
    before = z.copy()
    assert COSTS[name].value(z, y).shape == (6,)
    np.testing.assert_array_equal(z, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(COSTS))
def test_value_is_finite_where_outputs_saturate(name, dtype):
    z = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype)
    y = np.array([[0, 1], [0, 1]], dtype)
    assert np.isfinite(COSTS[name].value(z, y)).all()


def test_cross_entropy_equals_its_definition():
    z, y = outputs_and_targets()
    a = sigmoid(z.copy())
    expected = -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=1)
    np.testing.assert_allclose(COSTS["cross_entropy"].value(z, y), expected)


def test_log_likelihood_equals_its_definition():
    z, y = outputs_and_targets()
    a = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    expected = -np.log(a[y == 1])
    np.testing.assert_allclose(COSTS["log_likelihood"].value(z, y), expected)


def test_quadratic_equals_its_definition():
    z, y = outputs_and_targets()
    expected = ((sigmoid(z.copy()) - y) ** 2).sum(axis=1) / 2
    np.testing.assert_allclose(COSTS["quadratic"].value(z, y), expected)


class Plain:
    """A cost of one's own with the members that it needs, and none besides."""

    activation = staticmethod(sigmoid)

    def value(self, z, y):
        return np.abs(sigmoid(z.copy()) - y).sum(axis=1)

    def delta(self, a, y, out):
        out[...] = np.sign(a - y) * a * (1 - a)


@pytest.mark.parametrize("cost", [CrossEntropy(), Plain()])
def test_a_cost_is_resolved_by_its_members(cost):
    assert resolve_cost(cost) is cost
    assert not is_exclusive(cost)


def test_a_cost_that_lacks_a_member_is_refused():
    with pytest.raises(TypeError) as error:
        resolve_cost(3)
    assert str(error.value) == (
        "`cost` must be one of ['cross_entropy', 'log_likelihood', 'quadratic'] or an object "
        "with `activation`, `value` and `delta`; got 3."
    )
    with pytest.raises(TypeError, match=r"^`cost` must be"):
        resolve_cost(sigmoid)


def test_the_outputs_of_the_log_likelihood_are_exclusive():
    assert [name for name in COSTS if is_exclusive(resolve_cost(name))] == ["log_likelihood"]


class Mean(Plain):
    def value(self, z, y):
        return super().value(z, y).mean()


class SumOfColumns(Plain):
    def value(self, z, y):
        return np.abs(sigmoid(z.copy()) - y).sum(axis=0)


class Overwriting(Plain):
    def value(self, z, y):
        return np.abs(sigmoid(z) - y).sum(axis=1)


class Returning(Plain):
    def delta(self, a, y, out):
        return a - y


class NewArray(Plain):
    activation = staticmethod(lambda z: 1 / (1 + np.exp(-z)))


class Method(Plain):
    activation = sigmoid


class Faulty(Plain):
    def activation(self, z):
        raise TypeError("a fault of its own")


FAULTS = [
    (Mean, ValueError, r"`value` .* one number for each row, .*; got shape \(\)\."),
    (SumOfColumns, ValueError, r"`value` .* one number for each row, .*; got shape \(\d,\)\."),
    (Overwriting, ValueError, "`value` .* must leave z as it is; it overwrote z"),
    (Returning, ValueError, r"`delta\(a, y, out\)` .* into `out`, as out\[\.\.\.\] = a - y"),
    (NewArray, ValueError, "`activation` .* must overwrite z .* and returned the outputs"),
    (Method, TypeError, r"`activation` .* must take z alone; .* activation = staticmethod\("),
    (Faulty, TypeError, "^a fault of its own$"),
]


@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize(("kind", "error", "message"), FAULTS)
def test_a_cost_that_breaks_its_contract_is_refused_before_training(
    kind, error, message, n_classes
):
    if kind is SumOfColumns and n_classes == 2:
        message = r"got shape \(1,\)\."
    X, y = np.random.default_rng(0).random((20, 3)), np.arange(20) % n_classes
    clf = MLPSigmoidClassifier(4, max_iter=2, random_state=0).fit(X, y)
    before = vars(clf).copy()
    clf.cost = kind()
    for train in (clf.fit, clf.partial_fit):
        with pytest.raises(error, match=message):
            train(X, y)
    assert vars(clf).pop("cost") is not before.pop("cost")
    assert vars(clf) == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_outputs", [1, 2, 3, 40])
def test_a_cost_that_keeps_its_contract_passes(n_outputs, dtype):
    check_cost(Plain(), n_outputs, np.dtype(dtype))


def test_a_cost_may_leave_its_outputs_linear():
    class Linear(Plain):
        activation = staticmethod(lambda z: z)

    check_cost(Linear(), 3, np.dtype(float))


def test_a_class_in_the_place_of_a_cost_is_told_of_its_brackets():
    with pytest.raises(
        TypeError, match=r"`delta`; got <class .*Plain'>; did you forget `\(\)`\?$"
    ):
        resolve_cost(Plain)
