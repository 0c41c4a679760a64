import numpy as np
import pytest

from sknielsen.penalties import L1, L2, PENALTIES, resolve_penalty


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_shrinking_is_a_gradient_step_on_the_value(name):
    penalty = PENALTIES[name]
    w = np.random.default_rng(0).standard_normal((4, 3))
    rate, h = 0.01, 1e-6
    expected = np.empty_like(w)
    for index in np.ndindex(w.shape):
        above, below = w.copy(), w.copy()
        above[index] += h
        below[index] -= h
        slope = (penalty.value([above]) - penalty.value([below])) / (2 * h)
        expected[index] = w[index] - rate * slope
    beta = penalty.shrink(w, rate)
    np.testing.assert_allclose(beta * w, expected, rtol=1e-8)


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_value_sums_over_layers(name):
    penalty = PENALTIES[name]
    one, other = np.full((2, 2), -2.0), np.full((2, 1), 3.0)
    assert penalty.value([one, other]) == penalty.value([one]) + penalty.value([other])


def test_l2_value_is_half_the_sum_of_squares():
    assert L2().value([np.array([[3.0, -4.0]])]) == 12.5


def test_l1_keeps_zero_weights_at_zero_and_the_dtype():
    w = np.array([[0.0, -1.0, 2.0]], np.float32)
    assert L1().shrink(w, 0.25) == 1.0
    np.testing.assert_array_equal(w, np.array([[0.0, -0.75, 1.75]], np.float32))


def test_l2_refuses_a_step_that_turns_the_weights_signs():
    with pytest.raises(ValueError, match=r"eta \* lmbda / n must be below 1 .* got 1.5.*`lmbda`"):
        L2().shrink(np.ones((1, 1)), 1.5)


def test_l2_refuses_a_step_that_leaves_nothing_of_the_weights():
    with pytest.raises(ValueError) as error:
        L2().shrink(np.ones((1, 1)), 1)
    assert str(error.value) == (
        "eta * lmbda / n must be below 1 for the L2 penalty; got 1, with n the number of training "
        "rows (or `n_total`). Lower `eta` or `lmbda`."
    )


def test_a_penalty_is_resolved_by_its_name_or_its_members():
    """What is neither is refused, with the names that there are."""
    own = L1()
    assert resolve_penalty("l2") is PENALTIES["l2"]
    assert resolve_penalty(own) is own
    with pytest.raises(TypeError) as error:
        resolve_penalty(0.5)
    assert str(error.value) == (
        "`penalty` must be one of ['l1', 'l2'] or an object with `value` and `shrink`; got 0.5."
    )
