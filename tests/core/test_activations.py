import numpy as np
import pytest
from scipy.special import expit

from sknielsen.activations import log_outputs, sigmoid, softmax


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_overwrites_z_and_does_not_overflow(dtype):
    z = np.array([-1e4, -3, 0, 3, 1e4], dtype)
    expected = expit(z)
    assert sigmoid(z) is z
    np.testing.assert_allclose(z, expected, atol=np.finfo(dtype).eps)


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
