import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawings import rendered
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sknielsen.plots import (
    WeightsDisplay,
)


def test_weights_into_each_unit_are_drawn_on_one_symmetric_scale(trained):
    display = WeightsDisplay.from_estimator(trained)
    weights = trained.coefs_[0]
    assert display.images.shape == (8, 8, 8)
    assert display.axes_.shape == (3, 3)
    for k, image in enumerate(display.images_):
        np.testing.assert_array_equal(image.get_array(), weights[:, k].reshape(8, 8))
        assert image.axes.get_title() == f"unit {k}"
    ((low, high),) = {image.get_clim() for image in display.images_}
    assert -low == high == pytest.approx(np.percentile(np.abs(weights), 99.5))
    assert not display.axes_[2, 2].axison
    assert display.colorbar_.ax.get_ylabel() == "weight"


def test_weights_of_chosen_units_and_of_another_layer(trained):
    display = WeightsDisplay.from_estimator(
        trained, layer=1, units=[7, 2], image_shape=(2, 4), colorbar=False, vmin=-1, vmax=1
    )
    assert [ax.get_title() for ax in display.axes_.ravel()] == ["unit 7", "unit 2"]
    drawn = display.images_[1].get_array()
    np.testing.assert_array_equal(drawn, trained.coefs_[1][:, 2].reshape(2, 4))
    assert display.images_[0].get_clim() == (-1, 1)
    assert display.colorbar_ is None


@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_channels_of_weights_stand_side_by_side(n_channels):
    weights = np.random.default_rng(0).normal(size=(12 * n_channels, 2))
    display = WeightsDisplay.from_weights(weights, image_shape=(3, 4, n_channels))
    drawn = np.ma.filled(display.images_[1].get_array(), np.nan)
    assert drawn.shape == (3, 5 * n_channels - 1)
    image = weights[:, 1].reshape(3, 4, n_channels)
    for c in range(n_channels):
        np.testing.assert_array_equal(drawn[:, 5 * c : 5 * c + 4], image[:, :, c])
    assert np.isnan(drawn[:, 4::5]).all()
    rendered(display.figure_)


def test_no_more_than_a_hundred_units_are_drawn_unless_they_are_named():
    weights = np.zeros((4, 120))
    assert WeightsDisplay.from_weights(weights).units == list(range(100))
    assert WeightsDisplay.from_weights(weights, units=[119]).images_[0].get_clim() == (-1, 1)


def test_weights_of_mlpclassifier_can_be_drawn(digits):
    other = MLPClassifier((5,), max_iter=500, tol=0.1, random_state=0).fit(*digits)
    assert WeightsDisplay.from_estimator(other).images.shape == (5, 8, 8)


def test_a_larger_array_of_axes_will_do_for_weights(trained):
    _, axes = plt.subplots(2, 5)
    display = WeightsDisplay.from_estimator(trained, ax=axes)
    assert display.axes_ is not None
    assert [ax.has_data() for ax in axes.ravel()] == [True] * 8 + [False] * 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"image_shape": (8, 9)}, ValueError, r"fit the 64 values.*got \(8, 9\), which has 72"),
        ({"image_shape": 8}, ValueError, r"must be None, \(height, width\) or .*; got 8"),
        ({"image_shape": (8,)}, ValueError, r"must be None, \(height, width\) or"),
        ({"image_shape": (8.0, 8)}, TypeError, "each length in `image_shape` must be an integer"),
        ({"layer": 1}, ValueError, "8 values make no square. Set `image_shape`"),
        ({"layer": 2}, ValueError, r"`layer` must be an integer in \[0, 1\]; got 2"),
        ({"units": [8]}, ValueError, r"`units` must be an integer in \[0, 7\]; got 8"),
        ({"units": [0.5]}, TypeError, "each number in `units` must be an integer"),
        ({"units": []}, ValueError, "at least one unit; got none"),
    ],
)
def test_a_bad_choice_of_weights_raises(options, error, message, trained):
    with pytest.raises(error, match=message):
        WeightsDisplay.from_estimator(trained, **options)
    assert not plt.get_fignums()


def test_weights_of_channels_first_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"channels first\..* `image_shape` to \(8, 6, 3\)"):
        WeightsDisplay.from_weights(np.ones((144, 2)), image_shape=(3, 8, 6))
    assert not plt.get_fignums()


def test_weights_of_a_pipeline_have_the_shape_of_what_its_last_step_is_given(digits, small):
    pipeline = make_pipeline(PCA(12), small()).fit(*digits)
    with pytest.raises(ValueError, match="12 values make no square"):
        WeightsDisplay.from_estimator(pipeline)


def test_a_vector_is_no_matrix_of_weights():
    with pytest.raises(ValueError, match=r"shape \(n_in, n_units\); got \(4,\)"):
        WeightsDisplay.from_weights(np.zeros(4))
