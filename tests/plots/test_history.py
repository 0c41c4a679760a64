from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawings import legend_texts, made_history, rendered
from matplotlib.colors import to_hex, to_rgba
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknielsen.plots import (
    HistoryDisplay,
)


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


def test_history_draws_no_axis_of_an_eta_that_stays():
    display = HistoryDisplay.from_history(made_history(eta=[0.5] * 4))
    assert not any(ax.child_axes for ax in display.axes_)


def test_history_writes_the_eta_that_lasts_where_two_have_no_room():
    columns = {column: np.linspace(0.1, 0.9, 100) for column in made_history()}
    columns |= {"epoch": np.arange(1, 101), "eta": [0.5] * 5 + [0.1] * 95}
    display = HistoryDisplay.from_history(columns)
    (above,) = display.axes_[0].child_axes
    np.testing.assert_array_equal(above.get_xticks(), [0.5, 5.5])
    assert [label.get_text() for label in above.get_xticklabels()] == ["", "0.1"]
    assert len(display.eta_marks_) == 2


def test_history_writes_as_many_of_many_etas_as_have_room_and_marks_none():
    n = 50
    columns = {column: np.linspace(0.1, 0.9, n) for column in made_history()}
    columns |= {"epoch": np.arange(1, n + 1), "eta": np.geomspace(1, 0.01, n)}
    display = HistoryDisplay.from_history(columns)
    (above,) = display.axes_[0].child_axes
    rendered(display.figure_)
    labels = above.get_xticklabels()
    assert all(label.get_text() for label in labels)
    assert display.eta_marks_ == []
    assert 5 < len(labels) < n / 4
    boxes = [label.get_window_extent() for label in labels]
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_history_marks_the_epoch_that_early_stopping_kept(digits, small):
    X, y = digits
    clf = small(early_stopping=True, eta=2.0, max_iter=40, n_iter_no_change=2).fit(X, y)
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
    clf = small(early_stopping=True, eta=2.0, max_iter=40, n_iter_no_change=2).fit(X, y)
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


def test_validation_values_between_nan_are_joined():
    history = made_history(validation_cost=[0.9, None, 0.7, None])
    (lines,) = HistoryDisplay.from_history(history).lines_.values()
    assert lines["validation_cost"].get_xydata().tolist() == [[1, 0.9], [3, 0.7]]


def test_a_single_validation_value_is_seen():
    history = made_history(validation_cost=[None, None, 0.7, None])
    (lines,) = HistoryDisplay.from_history(history).lines_.values()
    assert lines["validation_cost"].get_marker() == "."
    assert lines["train_cost"].get_marker() == "None"


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
