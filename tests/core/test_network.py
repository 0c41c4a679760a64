from itertools import pairwise

import backpropagation
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknielsen.activations import sigmoid
from sknielsen.core.network import Network, zeros_like
from sknielsen.costs import COSTS
from sknielsen.penalties import PENALTIES

SIZES = [(5, 3), (5, 4, 3), (5, 6, 4, 3), (5, 6, 5, 4, 3)]


def make_network(sizes, cost, dtype=np.float64, seed=0, **options):
    rng = np.random.default_rng(seed)
    weights = [
        np.asfortranarray(rng.standard_normal((n_in, n_out)) / n_in**0.5, dtype)
        for n_in, n_out in pairwise(sizes)
    ]
    biases = [rng.standard_normal(n_out).astype(dtype) for n_out in sizes[1:]]
    return Network(weights, biases, COSTS[cost], **options)


def make_batch(m, sizes, dtype=np.float64, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.random((m, sizes[0])).astype(dtype)
    y = np.eye(sizes[-1], dtype=dtype)[rng.integers(sizes[-1], size=m)]
    return x, y


def total_cost(network, x, y, penalty, strength):
    cost = network.cost.value(network.forward(x), y).sum()
    return cost + strength * penalty.value(network.weights)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("penalty", sorted(PENALTIES))
@pytest.mark.parametrize("cost", sorted(COSTS))
def test_a_step_follows_the_gradient_that_finite_differences_give(cost, penalty, sizes):
    strength, h = 0.3, 1e-6
    x, y = make_batch(4, sizes)
    network = make_network(sizes, cost)
    penalty = PENALTIES[penalty]
    expected = []
    for array in network.weights + network.biases:
        gradient = np.empty_like(array)
        for index in np.ndindex(array.shape):
            value = array[index]
            array[index] = value + h
            above = total_cost(network, x, y, penalty, strength)
            array[index] = value - h
            below = total_cost(network, x, y, penalty, strength)
            array[index] = value
            gradient[index] = (above - below) / (2 * h)
        expected.append(gradient)

    before = [array.copy() for array in network.weights + network.biases]
    eta = 1e-3
    network.forward(x)
    network.backward(y)
    network.descend(eta, lambda w: penalty.shrink(w, eta * strength))
    moved = [(b - a) / eta for a, b in zip(network.weights + network.biases, before)]
    error = np.linalg.norm(np.concatenate([(m - e).ravel() for m, e in zip(moved, expected)]))
    size = np.linalg.norm(np.concatenate([e.ravel() for e in expected]))
    assert error / size < 1e-7


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cost", sorted(COSTS))
@settings(max_examples=25, deadline=None)
@given(
    m=st.integers(1, 12),
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=5),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_a_step_equals_the_equations_sample_by_sample(cost, weighted, m, sizes, dtype):
    x, y = make_batch(m, sizes, dtype)
    sample_weight = np.linspace(0, 2, m).astype(dtype) if weighted else None
    network = make_network(sizes, cost, dtype)
    expected_w, expected_b = backpropagation.step(
        network.weights, network.biases, x, y, cost, 0.7, 0.9, sample_weight
    )
    network.forward(x)
    network.backward(y, sample_weight)
    network.descend(0.7 / m, lambda w: 0.9)
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    for array, expected in zip(
        network.weights + network.biases, expected_w + expected_b, strict=True
    ):
        np.testing.assert_allclose(array, expected, rtol=tolerance, atol=tolerance)


def test_a_mini_batch_in_parts_makes_the_same_step_as_whole():
    sizes = (5, 4, 3)
    x, y = make_batch(10, sizes)
    whole = make_network(sizes, "cross_entropy")
    whole.forward(x)
    whole.backward(y)
    whole.descend(0.1, lambda w: 0.9)

    parts = make_network(sizes, "cross_entropy")
    step = [[np.ones_like(p) for p in some] for some in (parts.weights, parts.biases)]
    for start, stop in ((0, 4), (4, 7), (7, 10)):
        parts.forward(x[start:stop])
        parts.backward(y[start:stop])
        parts.accumulate(step, 0.1, 0.0 if start == 0 else 1.0)
    parts.move(step, lambda w: 0.9)
    for one, other in zip(whole.weights + whole.biases, parts.weights + parts.biases, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_gradients_are_what_a_step_subtracts():
    sizes = (5, 4, 3)
    x, y = make_batch(10, sizes)
    network = make_network(sizes, "quadratic")
    before = [p.copy() for p in network.weights + network.biases]
    network.forward(x)
    network.backward(y)
    weights, biases = network.gradients()
    network.descend(0.1)
    for old, gradient, new in zip(
        before, weights + biases, network.weights + network.biases, strict=True
    ):
        np.testing.assert_allclose(old - 0.1 * gradient, new, rtol=1e-14)


@pytest.mark.parametrize("momentum", [None, 0.8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_against_given_gradients_is_that_against_its_own(dtype, momentum):
    sizes = (5, 4, 3)
    x, y = make_batch(6, sizes, dtype)
    own, other = make_network(sizes, "quadratic", dtype), make_network(sizes, "quadratic", dtype)
    for network in (own, other):
        if momentum:
            network.velocity = tuple(
                [np.full_like(p, 0.01, order="F") for p in some]
                for some in (network.weights, network.biases)
            )
    own.forward(x)
    own.backward(y)
    gradients = own.gradients()
    own.descend(0.1, lambda w: 0.9, momentum or 0.0)
    other.descend(0.1, lambda w: 0.9, momentum or 0.0, gradients)
    for one, two in zip(own.weights + own.biases, other.weights + other.biases, strict=True):
        assert two.dtype == dtype
        np.testing.assert_allclose(one, two, rtol=1e-5 if dtype == np.float32 else 1e-13)


def test_momentum_repeats_a_part_of_the_last_step_without_the_penalty():
    sizes = (5, 4, 3)
    x, y = make_batch(6, sizes)
    network = make_network(sizes, "quadratic")
    v = [np.full_like(w, 0.01) for w in network.weights]
    network.velocity = [v, [np.full_like(b, 0.01) for b in network.biases]]
    expected_w, expected_b = backpropagation.step(
        network.weights, network.biases, x, y, "quadratic", 0.5, decay=0.9
    )
    network.forward(x)
    network.backward(y)
    network.descend(0.5 / 6, lambda w: 0.9, momentum=0.8)
    for array, expected in zip(
        network.weights + network.biases, expected_w + expected_b, strict=True
    ):
        np.testing.assert_allclose(array, expected + 0.8 * 0.01, rtol=1e-13)


def test_all_errors_are_computed_before_any_weight_moves():
    sizes = (5, 4, 3)
    x, y = make_batch(6, sizes)
    network = make_network(sizes, "cross_entropy")
    before = [w.copy() for w in network.weights]
    network.forward(x)
    network.backward(y)
    for w, old in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(w, old)


def test_dropout_masks_are_scaled_so_that_activations_keep_their_mean():
    sizes = (1, 2000, 1)
    network = make_network(sizes, "cross_entropy", keep=[1.0, 0.25])
    rng = np.random.default_rng(0)
    network.forward(np.ones((50, 1)))
    plain = network.hidden[0].copy()
    network.forward(np.ones((50, 1)), rng)
    dropped = network.hidden[0]
    np.testing.assert_allclose(np.mean(dropped == 0), 0.75, atol=0.01)
    np.testing.assert_allclose(dropped[dropped > 0], 4 * plain[dropped > 0])
    np.testing.assert_allclose(dropped.mean(), plain.mean(), rtol=0.02)


def test_dropout_of_the_input_layer_drops_inputs():
    network = make_network((3000, 2), "cross_entropy", keep=[0.5])
    x = np.ones((1, 3000))
    network.forward(x, np.random.default_rng(0))
    assert set(np.unique(x)) == {0.0, 2.0}


def test_gradient_passes_the_same_dropout_mask_as_the_activations():
    class Masks:  # the same masks each time
        def random(self, size, dtype):
            return np.random.default_rng(5).random(size, dtype=dtype)

    sizes = (4, 6, 5, 2)
    x, y = make_batch(3, sizes)
    network = make_network(sizes, "cross_entropy", keep=[1.0, 0.5, 0.7])
    w, h = network.weights[0], 1e-6
    expected = np.empty_like(w)
    for index in np.ndindex(w.shape):
        value, costs = w[index], []
        for moved in (value + h, value - h):
            w[index] = moved
            costs.append(network.cost.value(network.forward(x.copy(), Masks()), y).sum())
        w[index] = value
        expected[index] = (costs[0] - costs[1]) / (2 * h)
    before = w.copy()
    network.forward(x.copy(), Masks())
    network.backward(y)
    network.descend(1e-3)
    np.testing.assert_allclose((before - w) / 1e-3, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("array", ["weights", "velocity"])
def test_arrays_that_blas_would_copy_are_refused(array):
    good = [np.zeros((3, 2), order="F")], [np.zeros(2)]
    bad = [np.zeros((3, 2), order="C")], [np.zeros(2)]
    with pytest.raises(ValueError, match="Fortran-contiguous float64"):
        if array == "weights":
            Network(*bad, COSTS["quadratic"])
        else:
            Network(*good, COSTS["quadratic"], velocity=bad)


def test_forward_is_sigmoid_layer_by_layer():
    network = make_network((3, 4, 2), "cross_entropy")
    x, _ = make_batch(5, (3, 4, 2))
    a = sigmoid(x @ network.weights[0] + network.biases[0])
    z = a @ network.weights[1] + network.biases[1]
    np.testing.assert_allclose(network.forward(x), z, rtol=1e-13)


def test_all_units_are_kept_where_no_probability_is_given():
    """One number for the input and each hidden layer."""
    assert make_network((3, 4, 2), "cross_entropy").keep == [1.0, 1.0]


def test_a_unit_is_kept_where_its_number_is_below_the_probability():
    """Float32 numbers, unit by unit, and none for layers that are kept whole."""
    network = make_network((3, 4, 5, 2), "cross_entropy", keep=[1.0, 0.25, 1.0])
    x, _ = make_batch(6, (3, 2))
    network.forward(x)
    plain = network.hidden[0].copy()
    rng = np.random.default_rng(0)
    network.forward(x, rng)
    again = np.random.default_rng(0)
    mask = again.random((4, 6), dtype=np.float32).T < 0.25
    np.testing.assert_allclose(network.hidden[0], np.where(mask, 4 * plain, 0.0))
    assert rng.random() == again.random()

    class Edge:  # the first unit's numbers are the probability itself, the others just below
        def random(self, size, dtype):
            return np.repeat([0.25, np.nextafter(0.25, 0)], [6, size - 6])

    network.forward(x, Edge())
    np.testing.assert_array_equal(network.hidden[0] > 0, 6 * [[False, True, True, True]])


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("layer", [1, 2])
def test_weighted_inputs_above_the_largest_are_an_error_that_names_the_layer(layer, sign):
    """Positive or negative, in any layer; one of just that size is accepted."""
    network = make_network((2, 2, 1), "cross_entropy")
    for b in network.biases:
        b[:] = 0.0
    network.weights[layer - 1][:] = sign * 2000.0
    x = np.array([[0.5, 0.5]])
    network.weights[1 - (layer - 1)][:] = 0.0  # the hidden activations are one half
    assert network.forward(x, largest=2000.0) == (0.0 if layer == 1 else sign * 2000.0)
    with pytest.raises(OverflowError) as error:
        network.forward(x, largest=1234.5678)
    assert str(error.value) == f"Weighted inputs of layer {layer} are above 1234.57."
    network.biases[layer - 1][:] = np.nan
    with pytest.raises(OverflowError):
        network.forward(x, largest=1e9)


def test_a_network_without_a_cost_goes_forward_only():
    """It says so where an error is asked for."""
    network = make_network((3, 2), "cross_entropy")
    network.cost = None
    x, y = make_batch(4, (3, 2))
    network.forward(x)
    with pytest.raises(AssertionError, match=r"^a network without a cost goes forward only"):
        network.backward(y)


def test_a_velocity_without_momentum_is_the_step():
    """Nothing of the last step is repeated unless momentum is given."""
    network = make_network((5, 4, 3), "quadratic")
    network.velocity = zeros_like((network.weights, network.biases))
    for v in [*network.velocity[0], *network.velocity[1]]:
        v[...] = 7.0
    x, y = make_batch(6, (5, 4, 3))
    network.forward(x)
    network.backward(y)
    weights, biases = network.gradients()
    network.descend(0.5)
    for v, gradient in zip(network.velocity[0] + network.velocity[1], weights + biases):
        np.testing.assert_allclose(v, -0.5 * gradient, rtol=1e-14)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_a_move_shrinks_the_weights_and_adds_the_step_to_them(beta):
    """Biases are moved alone."""
    network = make_network((3, 2), "quadratic")
    w, b = network.weights[0].copy(), network.biases[0].copy()
    network.move(([np.full((3, 2), 0.1)], [np.full(2, 0.2)]), lambda w: beta)
    np.testing.assert_allclose(network.weights[0], beta * w + 0.1, rtol=1e-15)
    np.testing.assert_allclose(network.biases[0], b + 0.2, rtol=1e-15)


def test_zeros_are_in_fortran_order_whatever_they_are_made_like():
    """So that BLAS can add to them in place."""
    (weight,), (bias,) = zeros_like(([np.ones((3, 2), np.float32)], [np.ones(2)]))
    np.testing.assert_array_equal(weight, np.zeros((3, 2)))
    np.testing.assert_array_equal(bias, np.zeros(2))
    assert weight.flags.f_contiguous
    assert (weight.dtype, bias.dtype) == (np.float32, np.float64)
