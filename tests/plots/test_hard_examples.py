from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawings import rendered
from scipy.sparse import coo_array

from sknielsen.diagnostics import hard_examples
from sknielsen.plots import (
    HardExamplesDisplay,
)


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


@pytest.mark.parametrize("limit", [1, 3])
def test_the_title_of_few_images_lies_within_the_figure(limit, trained, digits):
    figure = HardExamplesDisplay.from_estimator(trained, *digits, limit=limit).figure_
    rendered(figure)
    title = figure._suptitle.get_window_extent()
    assert 0 <= title.x0 < title.x1 <= figure.bbox.x1


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
        ({"image_shape": (1, 8, 8)}, ValueError, r"channels first.*\.transpose\(0, 2, 3, 1\)"),
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
