"""What holds for every display."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawings import rendered
from matplotlib.colors import CenteredNorm, to_hex
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknielsen.augmentation import ImageAugmenter
from sknielsen.diagnostics import weighted_inputs
from sknielsen.plots import (
    AugmentationDisplay,
    EtaDisplay,
    HardExamplesDisplay,
    HistoryDisplay,
    JitteredScatterDisplay,
    SaturationDisplay,
    WeightsDisplay,
)

DISPLAYS = {
    "augmentation": lambda clf, X, y, **options: AugmentationDisplay.from_augmenter(
        ImageAugmenter(), X[:2], n_copies=3, **options
    ),
    "eta": lambda clf, X, y, **options: EtaDisplay.from_estimator(
        clf, X, y, etas=[0.01, 0.1, 1.0, 10.0], n_steps=10, **options
    ),
    "history": lambda clf, X, y, **options: HistoryDisplay.from_estimator(clf, **options),
    "weights": lambda clf, X, y, **options: WeightsDisplay.from_estimator(clf, **options),
    "scatter": JitteredScatterDisplay.from_estimator,
    "hard": lambda clf, X, y, **options: HardExamplesDisplay.from_estimator(
        clf, X, y, limit=6, **options
    ),
    "saturation": lambda clf, X, y, **options: SaturationDisplay.from_estimator(clf, X, **options),
}


@pytest.mark.parametrize("draw", DISPLAYS.values(), ids=DISPLAYS)
def test_a_display_makes_one_figure_and_plot_draws_it_again(draw, trained, digits):
    display = draw(trained, *digits)
    assert plt.get_fignums() == [display.figure_.number]
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first
    images = [np.asarray(rendered(f).canvas.buffer_rgba()) for f in (first, display.figure_)]
    np.testing.assert_array_equal(*images)


@pytest.mark.parametrize("draw", DISPLAYS.values(), ids=DISPLAYS)
def test_a_display_fits_into_one_axes_of_the_caller(draw, trained, digits):
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6))
    display = draw(trained, *digits, ax=left)
    assert plt.get_fignums() == [figure.number]
    assert display.figure_ is figure
    axes = [display.ax_] if hasattr(display, "ax_") else display.axes_.ravel()
    for ax in axes:
        assert ax.get_position().x1 <= left.get_subplotspec().get_position(figure).x1 + 1e-9
    assert not right.has_data()
    rendered(figure)


@pytest.mark.parametrize("draw", DISPLAYS.values(), ids=DISPLAYS)
def test_without_matplotlib_the_error_names_the_extra(draw, trained, digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'the extra `plots`.*pip install "sknielsen\[plots\]"'):
        draw(trained, *digits)


@pytest.mark.parametrize("draw", DISPLAYS.values(), ids=DISPLAYS)
def test_what_is_no_axes_raises_and_leaves_no_figure(draw, trained, digits):
    with pytest.raises(TypeError, match="`ax` must be matplotlib Axes; got str"):
        draw(trained, *digits, ax="left")
    assert not plt.get_fignums()


@pytest.mark.parametrize("name", ["history", "weights", "scatter", "hard", "saturation"])
def test_an_unfitted_estimator_raises(name, digits, small):
    for estimator in (small(), make_pipeline(StandardScaler(), small())):
        with pytest.raises(NotFittedError):
            DISPLAYS[name](estimator, *digits)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("name", "attribute"),
    [("history", "history_"), ("weights", "coefs_"), ("saturation", "out_activation_")],
)
def test_another_classifier_raises_and_names_what_is_missing(name, attribute, digits):
    other = LogisticRegression().fit(*digits)
    with pytest.raises(TypeError, match=rf"`{attribute}` of a fitted .*; LogisticRegression has"):
        DISPLAYS[name](other, *digits)


@pytest.mark.parametrize("name", ["history", "weights", "scatter", "hard", "saturation"])
def test_a_fitted_search_draws_what_its_best_estimator_draws(name, digits, small):
    X, y = digits
    pipeline = make_pipeline(MinMaxScaler(), small())
    search = GridSearchCV(pipeline, {"mlpsigmoidclassifier__eta": [0.1, 0.5]}, cv=2).fit(X, y)
    of_search = vars(DISPLAYS[name](search, X, y))
    of_best = vars(DISPLAYS[name](search.best_estimator_, X, y))
    for parameter in ("histories", "best_epochs", "weighted_inputs", "y_pred", "images"):
        assert str(of_search.get(parameter)) == str(of_best.get(parameter))
    if name == "hard":
        np.testing.assert_array_equal(of_search["hard"].indices, of_best["hard"].indices)


@pytest.mark.parametrize("name", ["history", "weights", "scatter", "hard", "saturation"])
def test_a_pipeline_draws_what_its_last_step_draws_of_transformed_rows(name, trained, digits):
    X, y = digits
    scaler = MinMaxScaler().fit([[0.0] * 64, [0.5] * 64])  # doubles
    pipeline = Pipeline([("inner", Pipeline([("scale", scaler), ("clf", trained)]))])
    of_pipeline = vars(DISPLAYS[name](pipeline, X / 2, y))
    alone = vars(DISPLAYS[name](trained, X, y))
    for parameter in ("histories", "best_epochs", "weighted_inputs", "y_pred"):
        assert str(of_pipeline.get(parameter)) == str(alone.get(parameter))
    if name == "hard":
        np.testing.assert_array_equal(of_pipeline["hard"].indices, alone["hard"].indices)
        np.testing.assert_array_equal(of_pipeline["images"], alone["images"] / 2)


def test_a_pipeline_of_one_step_transforms_nothing(trained, digits):
    display = SaturationDisplay.from_estimator(make_pipeline(trained), digits[0])
    np.testing.assert_array_equal(
        display.weighted_inputs[0], weighted_inputs(trained, digits[0])[0]
    )


@pytest.mark.parametrize(
    ("name", "wanted"), [("history", "2"), ("scatter", "1"), ("hard", r"\d+ or more")]
)
def test_a_wrong_number_of_axes_raises(name, wanted, trained, digits):
    _, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match=f"one Axes, or an array of {wanted}; got 3"):
        DISPLAYS[name](trained, *digits, ax=axes)


def test_an_axes_placed_by_hand_cannot_be_divided(trained):
    ax = plt.figure().add_axes((0.1, 0.1, 0.5, 0.5))
    with pytest.raises(ValueError, match=r"placed by hand\. Give 2 Axes, or None"):
        HistoryDisplay.from_estimator(trained, ax=ax)


def test_a_norm_takes_the_place_of_the_ends_of_the_scale():
    norm = CenteredNorm(halfrange=2)
    weights = WeightsDisplay.from_weights(np.eye(4), norm=norm)
    assert weights.images_[0].get_clim() == (-2, 2)
    images = AugmentationDisplay(np.ones((1, 2, 4, 4))).plot(norm=norm)
    assert images.axes_[0, 0].images[0].norm is norm


@pytest.mark.parametrize("property", [{"c": "k"}, {"color": "k"}])
def test_points_take_a_colour_by_either_name(property):
    display = JitteredScatterDisplay.from_predictions([0, 1], [0, 1], **property)
    assert to_hex(display.correct_.get_facecolor()[0]) == "#000000"


@pytest.mark.parametrize("property", ["linewidth", "linewidths", "lw"])
def test_points_take_edges_by_any_name(property):
    display = JitteredScatterDisplay.from_predictions([0, 1], [0, 1], **{property: 2})
    assert display.correct_.get_linewidth() == [2]


@pytest.mark.parametrize("dtype", [bool, np.int8])
def test_colours_of_any_dtype_lie_between_zero_and_one(dtype):
    images = np.array([-128, 127, 0] * 4).reshape(1, 1, 2, 2, 3).astype(dtype)
    drawn = AugmentationDisplay(images).plot().axes_[0, 0].images[0].get_array()
    assert drawn.min() == 0 and drawn.max() == 1


def test_dollar_signs_in_labels_are_no_mathematics():
    y_true, y_pred = ["$_$", ">$50"], [">$50", ">$50"]
    scatter = JitteredScatterDisplay.from_predictions(y_true, y_pred)
    rendered(scatter.figure_)
    probabilities = [[0.6, 0.4], [0.6, 0.4]]
    hard = HardExamplesDisplay.from_predictions(y_true, probabilities, np.eye(2, 4))
    assert not any(ax.title.get_parse_math() for ax in hard.axes_.flat)
    rendered(hard.figure_)


def test_no_rows_are_an_error_that_says_so():
    with pytest.raises(ValueError, match="`y_true` must hold at least one label; got none"):
        JitteredScatterDisplay.from_predictions([], [], labels=[0, 1])
