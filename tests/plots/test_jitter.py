import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawings import legend_texts, rendered

from sknielsen.augmentation import ImageAugmenter
from sknielsen.plots import (
    AugmentationDisplay,
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
    "history": lambda clf, X, y, **options: HistoryDisplay.from_estimator(clf, **options),
    "weights": lambda clf, X, y, **options: WeightsDisplay.from_estimator(clf, **options),
    "scatter": JitteredScatterDisplay.from_estimator,
    "hard": lambda clf, X, y, **options: HardExamplesDisplay.from_estimator(
        clf, X, y, limit=6, **options
    ),
    "saturation": lambda clf, X, y, **options: SaturationDisplay.from_estimator(clf, X, **options),
}


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
