import numpy as np
import pytest

from sknielsen.initializers import INITIALIZERS, large, resolve_initializer, scaled


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_shapes_are_those_of_a_layer(name):
    weights, biases = INITIALIZERS[name](np.random.default_rng(0), 5, 3)
    assert weights.shape == (5, 3)
    assert biases.shape == (3,)


@pytest.mark.parametrize(("draw", "spread"), [(large, 1.0), (scaled, 0.05)])
def test_spread_of_the_weights(draw, spread):
    weights, biases = draw(np.random.default_rng(0), 400, 300)
    np.testing.assert_allclose(weights.std(), spread, rtol=0.02)
    np.testing.assert_allclose(biases.std(), 1.0, rtol=0.1)


def test_an_initializer_is_resolved_by_its_name_or_as_a_function():
    """What is neither is refused, with the names that there are."""
    assert resolve_initializer("large") is large
    assert resolve_initializer(large) is large
    with pytest.raises(ValueError) as error:
        resolve_initializer("small")
    assert str(error.value) == (
        "`weight_init` must be one of ['large', 'scaled'] or a callable object; got 'small'."
    )
