"""The display of the search for an eta."""

import numpy as np
from drawings import legend_texts, rendered

from sknielsen import find_eta
from sknielsen.diagnostics import EtaSuggestion
from sknielsen.plots import EtaDisplay


def made_suggestion():
    return EtaSuggestion(
        eta=0.5,
        threshold=1.0,
        etas=np.array([0.1, 1.0, 10.0, 100.0]),
        costs=np.array([2.0, 1.0, 30.0, np.inf]),
        start_cost=8.0,
        chance_cost=3.25,
        n_rows=1000,
        n_steps=100,
    )


def test_costs_are_drawn_by_eta_and_those_beyond_the_scale_at_its_edge():
    display = EtaDisplay(made_suggestion()).plot(color="green")
    np.testing.assert_array_equal(display.line_.get_xdata(), [0.1, 1, 10, 100])
    np.testing.assert_array_equal(display.line_.get_ydata(), [2, 1, np.nan, np.nan])
    np.testing.assert_array_equal(display.beyond_.get_xdata(), [10, 100])
    assert display.line_.get_color() == "green"
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_ylim() == (0, 10)
    rendered(display.figure_)


def test_the_suggestion_the_threshold_and_the_costs_to_compare_with_are_marked():
    display = EtaDisplay(made_suggestion()).plot()
    assert display.marks_["eta"].get_xdata()[0] == 0.5
    assert display.marks_["threshold"].get_xdata()[0] == 1.0
    assert display.marks_["start"].get_ydata()[0] == 8.0
    assert display.marks_["chance"].get_ydata()[0] == 3.25
    assert legend_texts(display.ax_) == [
        "after 100 steps on 1,000 rows",
        "beyond this scale",
        "suggested eta: 0.5",
        "threshold: 1",
        "at the start: 8",
        "by chance: 3.25",
    ]


def test_the_search_for_an_eta_is_that_of_find_eta(digits, small):
    options = dict(etas=[0.1, 1.0], n_steps=10, n_samples=100, random_state=3)
    display = EtaDisplay.from_estimator(small(), *digits, **options)
    assert repr(display.suggestion) == repr(find_eta(small(), *digits, **options))
