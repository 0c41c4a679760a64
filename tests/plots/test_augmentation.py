import matplotlib.pyplot as plt
import numpy as np
import pytest

from sknielsen.augmentation import ImageAugmenter
from sknielsen.plots import (
    AugmentationDisplay,
)


@pytest.mark.parametrize(("shape", "n_features"), [(None, 64), ((4, 6), 24), ((4, 4, 3), 48)])
def test_a_row_holds_an_original_and_its_distortions(shape, n_features):
    X = np.random.default_rng(0).random((3, n_features))
    augmenter = ImageAugmenter(image_shape=shape, elastic=1.0, elastic_sigma=2)
    display = AugmentationDisplay.from_augmenter(augmenter, X, n_copies=5)
    assert display.axes_.shape == (3, 6)
    size = shape or (8, 8)
    drawn = np.array([[ax.images[0].get_array() for ax in row] for row in display.axes_])
    low, high = display.images.min(), display.images.max()
    expected = X.reshape(3, *size)
    expected = (expected - low) / (high - low) if len(size) == 3 else expected
    np.testing.assert_allclose(drawn[:, 0], expected)
    assert (np.abs(drawn[:, 1:] - drawn[:, :1]).max(axis=tuple(range(2, drawn.ndim))) > 0).all()
    assert display.axes_[0, 0].get_title() == "original"


def test_all_images_share_one_scale_of_grey():
    X = np.linspace(0, 1, 2 * 64).reshape(2, 64)
    display = AugmentationDisplay.from_augmenter(ImageAugmenter(), X, n_copies=1, cmap="magma")
    assert {ax.images[0].get_clim() for ax in display.axes_.ravel()} == {(0.0, 1.0)}
    assert {ax.images[0].get_cmap().name for ax in display.axes_.ravel()} == {"magma"}


def test_axes_of_the_caller_are_drawn_on_and_the_augmenter_is_not_fitted():
    figure, axes = plt.subplots(2, 3)
    augmenter = ImageAugmenter()
    display = AugmentationDisplay.from_augmenter(
        augmenter, np.random.default_rng(0).random((2, 64)), n_copies=2, ax=axes
    )
    assert display.figure_ is figure
    assert display.axes_[1, 2] is axes[1, 2]
    assert not hasattr(augmenter, "image_shape_")
