import numpy as np
import pytest
from sklearn.base import clone

from sknielsen.schedules import (
    SCHEDULES,
    Constant,
    Piecewise,
    Plateau,
    Taper,
    needs_validation,
    resolve_schedule,
)

MAX_ITER = 30


def history(scores):
    """Make what a schedule sees; a score that is NaN stands for no validation data."""
    return {"validation_score": list(scores), "validation_cost": list(scores)}


def etas(schedule, n_epochs, eta=0.8, scores=()):
    return [schedule(e, history(scores[:e]), eta, MAX_ITER) for e in range(n_epochs)]


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_schedule_starts_at_eta_and_is_pure(name):
    schedule = SCHEDULES[name]
    once, again = etas(schedule, 8, 0.8), etas(schedule, 8, 0.8)
    assert once[0] == 0.8
    assert once == again


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_schedule_can_be_cloned(name):
    schedule = SCHEDULES[name]
    assert clone(schedule).get_params() == schedule.get_params()


def test_constant_keeps_eta():
    assert etas(Constant(), 3) == [0.8, 0.8, 0.8]


def test_piecewise_etas_are_absolute_and_the_last_holds():
    schedule = Piecewise([(2, 0.5), (1, 0.1), (2, 0.02)])
    assert etas(schedule, 7) == [0.5, 0.5, 0.1, 0.02, 0.02, 0.02, 0.02]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("linear", [0.8, 0.6, 0.4, 0.2, 0.2, 0.2]),
        ("exponential", [0.8 * np.exp(-e / 4) for e in range(6)]),
        ("inverse", [0.8, 0.64, 0.8 / 1.5, 0.8 / 1.75, 0.4, 0.8 / 2.25]),
    ],
)
def test_taper_follows_its_formula(form, expected):
    np.testing.assert_allclose(etas(Taper(form, n_epochs=4), 6), expected)


def test_plateau_halves_eta_after_patience_epochs_without_a_better_score():
    scores = [0.5, 0.6, 0.6, 0.55, 0.7, 0.7, 0.7, 0.7, 0.7]
    schedule = Plateau(patience=2, min_factor=0.25)
    expected = [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2, None]
    assert etas(schedule, 10, scores=scores) == expected


def test_plateau_trains_at_its_least_factor_and_ends_below_it():
    schedule = Plateau(factor=0.5, patience=1, min_factor=0.5)
    assert etas(schedule, 4, scores=[0.9, 0.9, 0.9, 0.9]) == [0.8, 0.8, 0.4, None]


def test_plateau_ignores_epochs_without_validation_data():
    schedule = Plateau(patience=2)
    assert schedule(4, history([0.9, float("nan"), float("nan"), 0.8]), 0.8, MAX_ITER) == 0.8


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        (Piecewise([]), ValueError, r"must hold \(n_epochs, eta\) pairs.*got \[\]"),
        (Piecewise([0.5, 0.1]), ValueError, r"pairs.*got \[0.5, 0.1\]"),
        (Piecewise(7), ValueError, "pairs.*got 7"),
        (Piecewise([(0, 0.5)]), ValueError, r"n_epochs.*integer in \[1, inf\); got 0"),
        (Piecewise([(1.5, 0.5)]), TypeError, r"n_epochs.*integer in \[1, inf\); got 1.5"),
        (Piecewise([(1, -0.5)]), ValueError, r"eta.*number in \(0, inf\); got -0.5"),
        (Taper("cubic"), ValueError, "form.*one of.*'linear'.*got 'cubic'"),
        (Taper(n_epochs=0), ValueError, r"n_epochs of Taper.*got 0"),
        (Plateau(factor=1.0), ValueError, r"factor of Plateau.*\(0, 1\); got 1.0"),
        (Plateau(patience=0), ValueError, "patience of Plateau.*got 0"),
        (Plateau(min_factor=2), ValueError, r"min_factor of Plateau.*\(0, 1\]; got 2"),
    ],
)
def test_parameters_out_of_range_are_named(schedule, error, message):
    with pytest.raises(error, match=message):
        schedule(0, history([]), 0.5, MAX_ITER)


def test_a_list_of_pairs_is_piecewise():
    schedule = resolve_schedule([(1, 0.5), (1, 0.1)])
    assert etas(schedule, 3) == [0.5, 0.1, 0.1]


def test_a_plain_function_is_a_schedule():
    def halve(epoch, history, eta, max_iter):
        return eta / 2**epoch

    assert resolve_schedule(halve) is halve
    assert not needs_validation(halve)


def test_what_is_no_schedule_is_refused():
    with pytest.raises(TypeError) as error:
        resolve_schedule(3)
    assert str(error.value) == (
        "`eta_schedule` must be one of ['constant', 'plateau', 'taper'], a list of "
        "(n_epochs, eta) pairs or a callable object; got 3."
    )


def test_plateau_alone_needs_validation_data():
    assert [name for name, schedule in SCHEDULES.items() if needs_validation(schedule)] == [
        "plateau"
    ]


def test_defaults_are_those_of_the_docstrings():
    assert Taper().get_params() == {"form": "linear", "n_epochs": None}
    assert Plateau().get_params() == {"factor": 0.5, "patience": 5, "min_factor": 1 / 128}


def test_plateau_goes_on_counting_after_epochs_without_validation_data():
    scores = [0.9, float("nan"), 0.8, float("nan"), 0.8]
    assert Plateau(patience=2)(5, history(scores), 0.8, MAX_ITER) == 0.4


def test_plateau_counts_a_score_of_minus_infinity_as_stalled():
    scores = [-float("inf")]
    assert Plateau(patience=2)(1, history(scores), 0.8, MAX_ITER) == 0.8
    assert Plateau(patience=2)(2, history(2 * scores), 0.8, MAX_ITER) == 0.4


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (
            Piecewise([]),
            "`eta_schedule` as a list must hold (n_epochs, eta) pairs, such as "
            "[(10, 0.5), (10, 0.1)]; got [].",
        ),
        (
            Piecewise([(0, 0.5)]),
            "n_epochs of an eta regime must be an integer in [1, inf); got 0.",
        ),
        (Piecewise([(1, 0.0)]), "eta of an eta regime must be a number in (0, inf); got 0.0."),
        (
            Taper("cubic"),
            "`form` of Taper must be one of ['exponential', 'inverse', 'linear']; got 'cubic'.",
        ),
        (Taper(n_epochs=0), "n_epochs of Taper must be an integer in [1, inf) or None; got 0."),
        (Plateau(factor=1.0), "factor of Plateau must be a number in (0, 1); got 1.0."),
        (Plateau(patience=0), "patience of Plateau must be an integer in [1, inf); got 0."),
        (Plateau(min_factor=2), "min_factor of Plateau must be a number in (0, 1]; got 2."),
    ],
)
def test_the_whole_message_is_a_sentence(schedule, message):
    with pytest.raises(ValueError) as error:
        schedule(0, history([]), 0.5, MAX_ITER)
    assert str(error.value) == message


@pytest.mark.parametrize("form", ["linear", "exponential", "inverse"])
def test_taper_without_a_number_begins_anew_after_max_iter_epochs(form):
    """Epochs 0 to 3 of four, again and again, are those of a taper of four epochs."""
    found = [Taper(form)(epoch, history([]), 0.8, 4) for epoch in range(10)]
    once = etas(Taper(form, n_epochs=4), 4)
    assert found == [*once, *once, *once[:2]]
    assert once == sorted(once, reverse=True)


def test_plateau_counts_an_epoch_of_which_only_the_score_or_only_the_cost_is_known():
    """A score that is NaN beside a cost has not improved; a score without a cost counts."""
    nan = float("nan")
    unknown_score = {"validation_score": [0.9, nan, nan], "validation_cost": [0.3, 0.3, 0.3]}
    assert Plateau(patience=2)(3, unknown_score, 0.8, MAX_ITER) == 0.4
    unknown_cost = {"validation_score": [0.9, 0.8, 0.8], "validation_cost": [nan, nan, nan]}
    assert Plateau(patience=2)(3, unknown_cost, 0.8, MAX_ITER) == 0.4
