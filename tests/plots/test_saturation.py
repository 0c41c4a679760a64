import copy
import math

import numpy as np
import pytest

from sknielsen.diagnostics import weighted_inputs
from sknielsen.plots import (
    SaturationDisplay,
)


def test_shaded_is_where_the_slope_of_the_sigmoid_is_below_a_hundredth():
    display = SaturationDisplay.from_weighted_inputs([np.linspace(-10, 10, 100).reshape(10, 10)])
    (regions,) = display.shaded_
    spans = [region.get_window_extent() for region in regions]
    to_data = display.axes_[0].transData.inverted()
    (_, below), (above, _) = [
        (to_data.transform((s.x0, 0))[0], to_data.transform((s.x1, 0))[0]) for s in spans
    ]
    a = 1 / (1 + math.exp(-above))
    assert a * (1 - a) == pytest.approx(0.01)
    assert below == pytest.approx(-above)


def test_the_share_of_saturated_inputs_is_said_in_words():
    z = np.array([[-5.0, -4.58], [4.59, 0.0], [100.0, 1.0], [2.0, 4.58]])
    display = SaturationDisplay.from_weighted_inputs([z, z[:, :1] / 100])
    assert display.saturation_ == [0.375, 0.0]
    assert [ax.get_title() for ax in display.axes_] == [
        "hidden layer 1 (2 neurons)\n37.5 % of z lie where $\\sigma'(z) < 0.01$",
        "output layer (1 neuron)\n0.0 % of z lie where $\\sigma'(z) < 0.01$",
    ]
    assert {ax.get_xlabel() for ax in display.axes_} == {"weighted input z"}


def test_saturation_agrees_with_the_history(trained, digits):
    display = SaturationDisplay.from_estimator(trained, digits[0][:200])
    assert display.saturation_[0] == pytest.approx(trained.history_["saturation"][-1])


def test_histograms_hold_every_weighted_input_of_their_layer(trained, digits):
    X, _ = digits
    display = SaturationDisplay.from_estimator(trained, X, bins=20, density=False)
    layers = weighted_inputs(trained, X)
    for z, ax, (polygon,) in zip(layers, display.axes_, display.histograms_, strict=True):
        low, high = ax.get_xlim()
        expected = np.histogram(z, 20, (low, high))[0]
        assert expected.sum() == z.size
        tops = polygon.get_xy()[1:40:2, 1]
        np.testing.assert_array_equal(tops, expected)


def test_layers_are_named_and_a_softmax_is_not_shaded(digits, small):
    X, y = digits
    clf = small(hidden_layer_sizes=(5, 4), cost="log_likelihood").fit(X, y)
    display = SaturationDisplay.from_estimator(clf, X)
    titles = [ax.get_title().split("\n") for ax in display.axes_]
    assert [title[0] for title in titles] == [
        "hidden layer 1 (5 neurons)",
        "hidden layer 2 (4 neurons)",
        "output layer (10 neurons)",
    ]
    assert titles[2][1] == "softmax, so not shaded"
    assert [len(regions) for regions in display.shaded_] == [2, 2, 0]
    assert math.isnan(display.saturation_[2])


def test_a_deep_network_takes_several_rows_of_panels():
    display = SaturationDisplay.from_weighted_inputs([np.zeros((3, 2))] * 4)
    assert len(display.axes_) == 4
    assert len(display.figure_.axes) == 6
    assert not any(ax.axison for ax in display.figure_.axes[4:])


def test_an_output_activation_of_ones_own_is_named_but_not_shaded(trained, digits):
    def step(z):
        return z

    clf = copy.copy(trained)
    clf.out_activation_ = step
    display = SaturationDisplay.from_estimator(clf, digits[0])
    assert display.axes_[1].get_title() == "output layer (10 neurons)\nstep, so not shaded"


@pytest.mark.parametrize("layers", [[], [np.zeros(3)], [np.zeros((0, 3))]])
def test_bad_weighted_inputs_raise(layers):
    with pytest.raises(ValueError, match=r"arrays of shape \(n_samples, n_units\); got shapes"):
        SaturationDisplay.from_weighted_inputs(layers)
