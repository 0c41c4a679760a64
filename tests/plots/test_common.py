import copy
import math
import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from scipy.sparse import coo_array
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknielsen import MLPSigmoidClassifier
from sknielsen.augmentation import ImageAugmenter
from sknielsen.diagnostics import hard_examples, weighted_inputs
from sknielsen.plots import (
    AugmentationDisplay,
    HardExamplesDisplay,
    HistoryDisplay,
    JitteredScatterDisplay,
    SaturationDisplay,
    WeightsDisplay,
)

mpl.use("agg")
import matplotlib.pyplot as plt
from matplotlib.colors import CenteredNorm, to_hex, to_rgba


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def trained(digits):
    """A classifier trained with validation data and two etas."""
    X, y = digits
    clf = MLPSigmoidClassifier(8, eta_schedule=[(3, 1.0), (3, 0.25)], max_iter=6, random_state=0)
    return clf.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])


def made_history(**columns):
    """A history of four epochs in which the cost turns before the accuracy does."""
    return {
        "epoch": [1, 2, 3, 4],
        "eta": [0.5, 0.5, 0.1, 0.1],
        "train_cost": [0.9, 0.5, 0.3, 0.2],
        "train_accuracy": [0.6, 0.8, 0.9, 0.95],
        "validation_cost": [1.0, 0.7, 0.8, 0.9],
        "validation_accuracy": [0.5, 0.7, 0.75, 0.74],
    } | columns


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def rendered(figure):
    """Draw the whole figure, so that what fails only then fails here."""
    figure.canvas.draw()
    return figure


# --- all displays ------------------------------------------------------------------------------

DISPLAYS = {
    "augmentation": lambda clf, X, y, **options: AugmentationDisplay.from_augmenter(
        ImageAugmenter(), X[:2], n_copies=3, **options
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


# --- augmentation ------------------------------------------------------------------------------


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


# --- history -----------------------------------------------------------------------------------


def test_history_draws_each_column_by_epoch(trained):
    display = HistoryDisplay.from_estimator(trained)
    cost, accuracy = display.axes_
    assert (cost.get_ylabel(), accuracy.get_ylabel()) == ("cost", "accuracy")
    assert {ax.get_xlabel() for ax in display.axes_} == {"epoch"}
    (lines,) = display.lines_.values()
    assert len(lines) == 4
    for column, line in lines.items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5, 6])
        np.testing.assert_array_equal(line.get_ydata(), trained.history_[column])
        assert line.axes is (cost if column.endswith("cost") else accuracy)
        assert line.get_linestyle() == ("-" if column.startswith("validation") else "--")
    rendered(display.figure_)
    ticks = [label.get_text() for label in accuracy.get_yticklabels()]
    assert all(tick.endswith(" %") for tick in ticks)


def test_history_marks_least_cost_and_best_accuracy_in_both_panels():
    display = HistoryDisplay.from_history(made_history())
    (marks,) = display.marks_.values()
    assert list(marks) == ["least_cost", "best_accuracy"]
    at = {name: [(*m.get_xdata(), *m.get_ydata()) for m in some] for name, some in marks.items()}
    assert at == {"least_cost": [(2, 0.7), (2, 0.7)], "best_accuracy": [(3, 0.8), (3, 0.75)]}
    assert [mark.axes for mark in marks["least_cost"]] == display.axes_.tolist()
    cost, accuracy = marks["least_cost"]
    assert cost.get_markerfacecolor() != "white" == accuracy.get_markerfacecolor()
    assert legend_texts(display.axes_[0]) == [
        "training",
        "validation",
        "least validation cost: 0.7, epoch 2",
        "best validation accuracy: epoch 3",
    ]
    assert legend_texts(display.axes_[1])[2:] == [
        "least validation cost: epoch 2",
        "best validation accuracy: 75 %, epoch 3",
    ]


def test_history_marks_where_eta_changes_and_writes_its_values(trained):
    display = HistoryDisplay.from_estimator(trained)
    assert [(line.axes, *line.get_xdata()) for line in display.eta_marks_] == [
        (ax, 3.5, 3.5) for ax in display.axes_
    ]
    for ax in display.axes_:
        (above,) = ax.child_axes
        assert above.get_xlabel() == "eta"
        np.testing.assert_array_equal(above.get_xticks(), [0.5, 3.5])
        assert [label.get_text() for label in above.get_xticklabels()] == ["1", "0.25"]


def test_history_marks_every_eta_of_many_but_writes_only_as_many_as_have_room():
    n = 50
    columns = {column: np.linspace(0.1, 0.9, n) for column in made_history()}
    columns |= {"epoch": np.arange(1, n + 1), "eta": np.geomspace(1, 0.01, n)}
    display = HistoryDisplay.from_history(columns)
    (above,) = display.axes_[0].child_axes
    assert len(above.get_xticks()) == n
    rendered(display.figure_)
    labels = [label for label in above.get_xticklabels() if label.get_text()]
    assert len(labels) == len(display.eta_marks_) / 2 + 1
    assert 5 < len(labels) < n / 4
    boxes = [label.get_window_extent() for label in labels]
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_history_marks_the_epoch_that_early_stopping_kept(digits, small):
    X, y = digits
    clf = small(early_stopping=True, max_iter=20, n_iter_no_change=2).fit(X, y)
    assert clf.best_epoch_ < clf.n_iter_
    display = HistoryDisplay.from_estimator(clf)
    (marks,) = display.marks_.values()
    assert [m.get_xdata()[0] for m in marks["best_epoch"]] == [clf.best_epoch_] * 2
    text = f"weights kept by early stopping: epoch {clf.best_epoch_}"
    assert text in legend_texts(display.axes_[0])
    assert text in legend_texts(display.axes_[1])


def test_history_marks_no_kept_epoch_without_early_stopping_or_after_more_training(
    digits, small, trained
):
    X, y = digits
    clf = small(early_stopping=True, max_iter=20, n_iter_no_change=2).fit(X, y)
    clf.partial_fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    clf.best_epoch_ = clf.n_iter_ - 1
    for estimator in (trained, clf):
        (marks,) = HistoryDisplay.from_estimator(estimator).marks_.values()
        assert list(marks) == ["least_cost", "best_accuracy"]


def test_history_leaves_out_what_is_nan(digits, small):
    X, y = digits
    display = HistoryDisplay.from_estimator(small().fit(X, y))
    (lines,), (marks,) = display.lines_.values(), display.marks_.values()
    assert list(lines) == ["train_cost", "train_accuracy"]
    assert marks == {}
    assert legend_texts(display.axes_[0]) == ["training"]
    unmonitored = small(monitor_samples=0).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    (lines,) = HistoryDisplay.from_estimator(unmonitored).lines_.values()
    assert list(lines) == ["validation_cost", "validation_accuracy"]


def test_history_with_nothing_to_draw_raises(digits, small):
    clf = small(monitor_samples=0).fit(*digits)
    with pytest.raises(
        ValueError, match=r"nothing to draw.*validation data, or .*monitor_samples"
    ):
        HistoryDisplay.from_estimator(clf)


def test_history_marks_ignore_epochs_without_validation_data():
    history = made_history(
        validation_cost=[None, 0.7, 0.8, None], validation_accuracy=[None, 0.7, 0.75, None]
    )
    (marks,) = HistoryDisplay.from_history(history).marks_.values()
    assert [marks[m][0].get_xdata()[0] for m in ("least_cost", "best_accuracy")] == [2, 3]


def test_a_single_epoch_is_seen():
    history = {column: values[:1] for column, values in made_history().items()}
    display = HistoryDisplay.from_history(history)
    (lines,) = display.lines_.values()
    assert {line.get_marker() for line in lines.values()} == {"."}
    rendered(display.figure_)
    assert all(tick == int(tick) for tick in display.axes_[0].get_xticks())


def test_several_histories_have_colours_of_their_own_and_names():
    late = made_history(eta=[0.5, 0.5, 0.1, 0.1], validation_cost=[1.1, 1.0, 0.9, 0.85])
    short = {column: values[:2] for column, values in made_history().items()}
    display = HistoryDisplay.from_history({"late": late, "short": short}, best_epoch={"late": 4})
    colors = [
        {to_hex(line.get_color()) for line in lines.values()} for lines in display.lines_.values()
    ]
    assert [len(some) for some in colors] == [1, 1]
    assert colors[0] != colors[1]
    assert legend_texts(display.axes_[0]) == [
        "late: least 0.85, epoch 4",
        "short: least 0.7, epoch 2",
    ]
    assert legend_texts(display.axes_[1])[0] == "late: best 75 %, epoch 3"
    assert list(display.marks_["late"]) == ["best_epoch", "least_cost", "best_accuracy"]
    assert list(display.marks_["short"]) == ["least_cost", "best_accuracy"]
    (styles,) = display.figure_.legends
    assert [text.get_text() for text in styles.get_texts()] == [
        "training",
        "validation",
        "least validation cost",
        "best validation accuracy",
        "weights kept by early stopping",
    ]
    (above,) = display.axes_[0].child_axes  # etas are the same as far as the shorter one goes
    assert [label.get_text() for label in above.get_xticklabels()] == ["0.5", "0.1"]


def test_etas_of_several_that_differ_are_marked_on_the_curves():
    display = HistoryDisplay.from_history(
        {"a": made_history(), "b": made_history(eta=[3.0, 1.0, 1.0, 0.5])}
    )
    assert not display.axes_[0].child_axes
    on_cost = [mark for mark in display.eta_marks_ if mark.axes is display.axes_[0]]
    assert [mark.get_xdata().tolist() for mark in on_cost] == [[3], [2, 4]]
    assert on_cost[1].get_ydata().tolist() == [0.7, 0.9]
    assert on_cost[1].get_color() == display.lines_["b"]["train_cost"].get_color()
    assert "eta changes" in [text.get_text() for text in display.figure_.legends[0].get_texts()]


def test_several_estimators_are_overlaid_by_name(trained, digits, small):
    other = make_pipeline(MinMaxScaler(), small()).fit(*digits)
    display = HistoryDisplay.from_estimator(
        {"one": trained, "two": other}, ax=plt.subplots(1, 2)[1]
    )
    assert (
        display.lines_["two"]["train_cost"].get_ydata().tolist()
        == (other[-1].history_["train_cost"])
    )
    texts = legend_texts(display.axes_[0])  # on the caller's axes everything is inside
    assert texts[0].startswith("one: least ")
    assert texts[1:4] == ["two", "training", "validation"]
    assert not display.figure_.legends


def test_legends_stand_below_the_panels_where_the_layout_makes_room():
    for layout, below in (("constrained", True), (None, False)):
        figure, axes = plt.subplots(1, 2, layout=layout)
        HistoryDisplay.from_history({"a": made_history(), "b": made_history()}, ax=axes)
        rendered(figure)
        for ax in axes:
            legend = ax.get_legend().get_window_extent()
            assert (legend.y1 < ax.get_window_extent().y0) == below
            assert legend.y0 >= 0


def test_more_estimators_than_the_palette_holds_still_differ_in_colour():
    display = HistoryDisplay.from_history({str(i): made_history() for i in range(9)})
    colors = {to_rgba(lines["train_cost"].get_color()) for lines in display.lines_.values()}
    assert len(colors) == 9


def test_properties_of_curves_may_be_given_by_their_short_names():
    (lines,) = HistoryDisplay.from_history(made_history(), lw=3, ls=":").lines_.values()
    assert {(line.get_linewidth(), line.get_linestyle()) for line in lines.values()} == {(3, ":")}


@pytest.mark.parametrize(
    ("history", "best_epoch", "error", "message"),
    [
        ({}, None, ValueError, "must have the columns .*lacks .'epoch'"),
        ({"a": {"epoch": [1]}}, None, ValueError, "'a' lacks .'eta', 'train_cost'"),
        (made_history(eta=[1.0]), None, ValueError, "must have one length; got .*'eta': 1"),
        ({"a": made_history()}, 3, TypeError, "must be a dict by name; got 3"),
        ({"a": made_history()}, {"b": 3}, ValueError, r"best epoch, but no history, of \['b'\]"),
    ],
)
def test_a_bad_history_raises(history, best_epoch, error, message):
    with pytest.raises(error, match=message):
        HistoryDisplay.from_history(history, best_epoch=best_epoch)
    assert not plt.get_fignums()


def test_no_estimator_raises():
    with pytest.raises(ValueError, match="A history must be given; got none"):
        HistoryDisplay.from_estimator({})


# --- weights -----------------------------------------------------------------------------------


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


def test_weights_of_a_pipeline_have_the_shape_of_what_its_last_step_is_given(digits, small):
    pipeline = make_pipeline(PCA(12), small()).fit(*digits)
    with pytest.raises(ValueError, match="12 values make no square"):
        WeightsDisplay.from_estimator(pipeline)


def test_a_vector_is_no_matrix_of_weights():
    with pytest.raises(ValueError, match=r"shape \(n_in, n_units\); got \(4,\)"):
        WeightsDisplay.from_weights(np.zeros(4))


# --- jittered scatter --------------------------------------------------------------------------

Y_TRUE = np.array(["ant", "ant", "bee", "bee", "cat", "cat", "cat", "cat"])
Y_PRED = np.array(["ant", "bee", "bee", "bee", "cat", "ant", "cat", "cat"])


def test_scatter_places_rows_near_true_and_predicted_class():
    display = JitteredScatterDisplay.from_predictions(Y_TRUE, Y_PRED)
    ax = display.ax_
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("true class", "predicted class")
    for axis in (ax.xaxis, ax.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == ["ant", "bee", "cat"]
    correct, wrong = (display.correct_.get_offsets(), display.wrong_.get_offsets())
    assert np.round(wrong).tolist() == [[0, 1], [2, 0]]
    assert np.round(correct).tolist() == [[0, 0], [1, 1], [1, 1], [2, 2], [2, 2], [2, 2]]
    moved = np.concatenate([correct, wrong])
    moved = np.abs(moved - np.round(moved))
    assert 0 < moved.min() <= moved.max() <= 0.35


def test_scatter_colours_and_counts_correct_and_wrong():
    display = JitteredScatterDisplay.from_predictions(Y_TRUE, Y_PRED)
    assert legend_texts(display.ax_) == ["correct: 6 of 8 (75.0 %)", "wrong: 2 of 8 (25.0 %)"]
    colors = [points.get_facecolor()[0, :3] for points in (display.correct_, display.wrong_)]
    assert np.abs(colors[0] - colors[1]).max() > 0.5


def test_jitter_is_reproducible_and_can_be_changed_or_left_out():
    def offsets(**options):
        display = JitteredScatterDisplay.from_predictions(Y_TRUE, Y_PRED, **options)
        return display.correct_.get_offsets()

    np.testing.assert_array_equal(offsets(), offsets())
    assert np.abs(offsets() - offsets(random_state=1)).max() > 0.01
    np.testing.assert_array_equal(offsets(jitter=0)[:2], [[0, 0], [1, 1]])


def test_scatter_of_an_estimator_shows_its_classes_also_those_that_do_not_occur(trained, digits):
    X, y = digits
    display = JitteredScatterDisplay.from_estimator(trained, X[y < 3], y[y < 3])
    assert display.labels.tolist() == list(range(10))
    right = trained.predict(X[y < 3]) == y[y < 3]
    assert len(display.correct_.get_offsets()) == right.sum()
    assert len(display.wrong_.get_offsets()) == (~right).sum()


def test_labels_set_the_order_of_the_classes():
    display = JitteredScatterDisplay.from_predictions(
        Y_TRUE, Y_PRED, labels=["dog", "cat", "bee", "ant"]
    )
    assert np.round(display.wrong_.get_offsets()).tolist() == [[3, 2], [1, 3]]
    texts = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert texts == ["dog", "cat", "bee", "ant"]


def test_predictions_that_are_all_right_leave_no_wrong_points():
    display = JitteredScatterDisplay.from_predictions(Y_TRUE, Y_TRUE)
    assert len(display.wrong_.get_offsets()) == 0
    assert legend_texts(display.ax_)[1] == "wrong: 0 of 8 (0.0 %)"
    rendered(display.figure_)


def test_long_labels_do_not_overlap():
    labels = [f"a rather long name {i}" for i in range(6)]
    figure = JitteredScatterDisplay.from_predictions(labels, labels).figure_
    ax = rendered(figure).axes[0]
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {45}
    assert ax.get_tightbbox().y0 >= 0


def test_properties_of_the_points_may_be_given():
    display = JitteredScatterDisplay.from_predictions(Y_TRUE, Y_PRED, s=7, marker="x")
    assert display.wrong_.get_sizes().tolist() == [7]


@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "message"),
    [
        (
            np.eye(3, dtype=int),
            np.eye(3, dtype=int),
            {},
            "`y_true` must hold one class a row; got a m",
        ),
        ([0, 1], [0.5, 1.5], {}, "`y_pred` must hold one class a row; got a continuous target"),
        ([0, 1, 1], [0, 1], {}, "inconsistent numbers of samples"),
        ([0, 1], ["a", "b"], {}, "Mix of label input types"),
        ([0, 1, 2], [0, 1, 3], {"labels": [0, 1]}, r"list every label; \[2, 3\] are not among"),
        ([0, 1], [0, 1], {"jitter": 0.5}, r"`jitter` must be a number in \[0, 0.5\); got 0.5"),
    ],
)
def test_bad_predictions_raise(y_true, y_pred, options, message):
    with pytest.raises(ValueError, match=message):
        JitteredScatterDisplay.from_predictions(y_true, y_pred, **options)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("name", "message"), [("scatter", "`y_true` must hold one class a row"), ("hard", "one class")]
)
def test_multilabel_targets_raise(name, message, multilabel, small):
    X, Y = multilabel
    with pytest.raises(ValueError, match=message):
        DISPLAYS[name](small().fit(X, Y), X, Y)


# --- hard examples -----------------------------------------------------------------------------


def test_hard_examples_are_drawn_hardest_first_with_captions(trained, digits):
    X, y = digits
    display = HardExamplesDisplay.from_estimator(trained, X, y, limit=7)
    hard = hard_examples(trained, X, y, limit=None)
    assert len(hard.indices) > 7
    axes = display.axes_.ravel()
    for k in range(7):
        np.testing.assert_array_equal(
            axes[k].images[0].get_array(), X[hard.indices[k]].reshape(8, 8)
        )
        assert axes[k].get_title() == (
            f"{hard.true[k]} → {hard.predicted[k]} ({hard.predicted_probability[k]:.2f})"
        )
    title = display.figure_.get_suptitle()
    assert title.startswith(
        f"{len(hard.indices)} of 300 images whose true class got less than 0.7"
    )
    assert "the 7 hardest\n" in title
    assert (hard.probability[:-1] <= hard.probability[1:]).all()


def test_captions_of_right_and_wrong_predictions_differ_in_colour():
    X = np.arange(12.0).reshape(3, 4)
    proba = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1]])
    display = HardExamplesDisplay.from_predictions(["a", "b", "a"], proba, X)
    wrong, right = display.axes_.ravel()
    assert (wrong.get_title(), right.get_title()) == ("b → a (0.60)", "a → a (0.60)")
    assert wrong.title.get_color() != right.title.get_color()
    np.testing.assert_array_equal(right.images[0].get_array(), [[0, 1], [2, 3]])
    assert {ax.images[0].get_clim() for ax in (wrong, right)} == {(0.0, 7.0)}


def test_from_predictions_draws_what_from_estimator_draws(trained, digits):
    X, y = digits
    proba, options = trained.predict_proba(X), {"threshold": 0.5, "limit": 5}
    one = HardExamplesDisplay.from_estimator(trained, X, y, **options)
    two = HardExamplesDisplay.from_predictions(y, proba, X, **options)
    images = [np.asarray(rendered(d.figure_).canvas.buffer_rgba()) for d in (one, two)]
    np.testing.assert_array_equal(*images)


def test_nothing_hard_is_said_in_words(digits):
    X, y = digits
    proba = np.eye(10)[y]
    figure, ax = plt.subplots()
    display = HardExamplesDisplay.from_predictions(y, proba, X, ax=ax)
    assert display.axes_.tolist() == [[ax]]
    (text,) = ax.texts
    assert text.get_text() == (
        "No hard examples: in each of 300 images\nthe true class got at least 0.7 of the "
        "probability."
    )
    assert not ax.axison
    assert HardExamplesDisplay.from_predictions(y, proba, X).figure_ is not figure


def test_limit_none_draws_all_hard_examples():
    proba = np.tile([0.6, 0.4], (82, 1))
    display = HardExamplesDisplay.from_predictions(
        [0, 1] * 41, proba, np.eye(82, 4), threshold=0.5, limit=None
    )
    assert len(display.images) == 41
    assert display.figure_.get_suptitle().startswith("41 of 82 images")
    assert "hardest" not in display.figure_.get_suptitle()


@pytest.mark.parametrize("shape", [(4, 4, 3), (6, 8), (6, 8, 1)])
def test_hard_examples_take_any_image_shape(shape):
    X = np.random.default_rng(0).random((2, 48))
    display = HardExamplesDisplay.from_predictions(
        [0, 1], [[0.5, 0.5], [0.5, 0.5]], X, image_shape=shape
    )
    drawn = display.axes_[0, 0].images[0].get_array()
    assert drawn.shape == (shape if shape[-1] == 3 else (6, 8))


@pytest.mark.parametrize("make", [coo_array, list, lambda X: __import__("pandas").DataFrame(X)])
def test_hard_examples_take_rows_of_many_kinds(make):
    X = np.arange(8.0).reshape(2, 4)
    display = HardExamplesDisplay.from_predictions([0, 1], [[0.9, 0.1], [0.6, 0.4]], make(X))
    np.testing.assert_array_equal(display.images, [[[4, 5], [6, 7]]])


def test_long_captions_do_not_overlap(digits):
    X = digits[0][:20]
    y = ["a long name", "another long name"] * 10
    display = HardExamplesDisplay.from_predictions(y, np.full((20, 2), 0.5), X)
    rendered(display.figure_)
    for row in display.axes_:
        boxes = [ax.title.get_window_extent() for ax in row]
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"image_shape": (8, 9)}, ValueError, r"fit the 64 values of an image; got \(8, 9\)"),
        (
            {"image_shape": (8, 4, 2)},
            ValueError,
            r"1 channel, or in colour, with 3; .*\(8, 4, 2\)",
        ),
        ({"threshold": 2}, ValueError, r"`threshold` must be a number in \(0, 1\]; got 2"),
        ({"limit": 0}, ValueError, r"`limit` must be an integer in \[1, inf\) or None; got 0"),
        ({"limit": 1.5}, TypeError, "`limit` must be an integer"),
    ],
)
def test_a_bad_choice_of_hard_examples_raises(options, error, message, trained, digits):
    with pytest.raises(error, match=message):
        HardExamplesDisplay.from_estimator(trained, *digits, **options)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("y_proba", "X", "options", "message"),
    [
        ([[0.5, 0.5]] * 2, np.zeros((2, 4)), {"classes": [1, 0]}, "ascending order; got .1, 0"),
        ([[0.5, 0.5]] * 2, np.zeros((2, 4)), {"classes": [0, 1, 2]}, r"classes \[0, 1, 2\]; got "),
        ([0.5, 0.5], np.zeros((2, 4)), {}, r"a column for each .*; got shape \(2,\)"),
        ([[0.5, 0.5]] * 2, np.zeros((3, 4)), {}, "inconsistent numbers of samples"),
        ([[0.5, 0.5]] * 2, np.zeros((2, 2, 2)), {}, r"\(n_samples, n_features\); got \(2, 2, 2\)"),
    ],
)
def test_bad_probabilities_or_rows_raise(y_proba, X, options, message):
    with pytest.raises(ValueError, match=message):
        HardExamplesDisplay.from_predictions([0, 1], y_proba, X, **options)


# --- saturation --------------------------------------------------------------------------------


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
    for z, ax, (polygon,) in zip(weighted_inputs(trained, X), display.axes_, display.histograms_):
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


# --- properties of what is drawn ---------------------------------------------------------------


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
