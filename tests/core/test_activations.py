import numpy as np
import pytest
from scipy.special import expit
from scipy.special import log_softmax as scipy_log_softmax

from sknielsen.activations import log_outputs, sigmoid, softmax
from sknielsen.core import activations
from sknielsen.core.activations import SATURATED_SLOPE, count_saturated, log_softmax, softplus


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_overwrites_z_and_does_not_overflow(dtype):
    z = np.array([-1e4, -3, 0, 3, 1e4], dtype)
    expected = expit(z)
    assert sigmoid(z) is z
    np.testing.assert_allclose(z, expected, atol=np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neurons_are_saturated_where_the_slope_of_the_sigmoid_is_small(dtype):
    z = np.linspace(-9, 9, 1001).astype(dtype)
    slopes = expit(z.astype(float)) * expit(-z.astype(float))
    assert count_saturated(sigmoid(z.copy())) == np.sum(slopes < SATURATED_SLOPE)
    assert count_saturated(sigmoid(np.array([-4.586, -4.584, 4.584, 4.586], dtype))) == 2


def test_a_slope_at_the_limit_is_not_saturated():
    bounds = np.array([activations._LOW, activations._HIGH])
    np.testing.assert_allclose(bounds * (1 - bounds), SATURATED_SLOPE)
    assert count_saturated(bounds) == 0
    assert count_saturated(np.nextafter(bounds, [0, 1])) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softplus_is_finite_for_every_finite_z(dtype):
    largest = np.finfo(dtype).max
    z = np.array([-largest, -100, -1, 0, 1, 100, largest], dtype)
    expected = [0, np.exp(-100), np.log1p(np.exp(-1)), np.log(2), np.log1p(np.e), 100, largest]
    before = z.copy()
    np.testing.assert_allclose(softplus(z), expected, rtol=1e-6, atol=1e-40)
    np.testing.assert_array_equal(z, before)


def test_softmax_rows_sum_to_one_and_large_z_do_not_overflow():
    z = np.array([[1000.0, 999.0, 0.0], [-1e4, -1e4, -1e4]])
    assert softmax(z) is z
    np.testing.assert_allclose(z.sum(axis=1), 1)
    np.testing.assert_allclose(z[0, 0] / z[0, 1], np.e)


@pytest.mark.parametrize("complement", [False, True])
def test_logarithms_of_sigmoid_outputs_stay_finite_in_the_tails(complement):
    z = np.array([[-800.0, 0.0, 800.0]])
    log_a = log_outputs(sigmoid, z, complement)
    expected = [[-800, -np.log(2), 0]]
    np.testing.assert_allclose(log_a, np.flip(expected) if complement else expected, atol=1e-12)


def test_logarithms_of_softmax_outputs_stay_finite_in_the_tails():
    np.testing.assert_allclose(log_outputs(softmax, np.array([[-800.0, 800.0]])), [[-1600, 0]])


@pytest.mark.parametrize("complement", [False, True])
def test_logarithms_of_another_activation_come_from_its_outputs(complement):
    def step(z):
        z[...] = np.where(z > 0, 1.0, 0.25)  # overwrites z, which is all that it must do

    z = np.array([[-1.0, 1.0]])
    log_a = log_outputs(step, z, complement)
    np.testing.assert_array_equal(z, [[-1.0, 1.0]])
    tiny = np.finfo(float).tiny
    expected = [[0.75, tiny]] if complement else [[0.25, 1.0]]
    np.testing.assert_allclose(log_a, np.log(expected))


def test_logarithms_of_softmax_outputs_are_of_each_row_by_itself():
    z = np.array([[0.0, 1.0, 2.0], [5.0, 5.0, -5.0]])
    np.testing.assert_allclose(log_outputs(softmax, z), np.log(softmax(z.copy())))


def test_logarithms_are_of_the_outputs_unless_the_complement_is_asked_for():
    z = np.array([[-1.0, 2.0]])
    np.testing.assert_allclose(log_outputs(sigmoid, z), np.log(expit(z)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_logarithms_of_softmax_are_those_of_scipy(order):
    z = np.array(np.random.default_rng(0).normal(0, 300, (5, 3)), order=order)
    before = z.copy()
    np.testing.assert_allclose(log_softmax(z), scipy_log_softmax(z, axis=1), rtol=1e-14)
    np.testing.assert_array_equal(z, before)


def test_logarithms_of_softmax_are_finite_where_a_row_lies_far_below_another():
    """The largest of each row is subtracted, not the largest of all."""
    z = np.array([[1e4, 1e4], [-1e4, -1e4]])
    np.testing.assert_allclose(log_softmax(z), np.full((2, 2), -np.log(2)))
