"""The course of a training: history, schedules, Ctrl-C and divergence."""

import pickle
from dataclasses import dataclass
from itertools import count

import numpy as np
import pytest
from helpers import book, weights_of

from sknielsen.core import loop
from sknielsen.core.loop import _is_bounded, train
from sknielsen.core.state import HISTORY, Best, State
from sknielsen.core.stopping import Patience
from sknielsen.costs import COSTS, CrossEntropy
from sknielsen.schedules import Plateau


class Interrupt(CrossEntropy):
    """Cross-entropy under which Ctrl-C comes at the given mini-batch."""

    def __init__(self, at):
        self.at = at
        self.n_calls = 0

    def delta(self, a, y, out):
        self.n_calls += 1
        if self.n_calls == self.at:
            raise KeyboardInterrupt
        super().delta(a, y, out)


def test_history_has_one_entry_an_epoch_in_every_column(small, split):
    train, validation = split
    clf = small(max_iter=4).fit(*train, **validation)
    assert list(clf.history_) == list(HISTORY)
    assert {len(column) for column in clf.history_.values()} == {4}
    assert clf.history_["epoch"] == [1, 2, 3, 4]
    assert clf.n_iter_ == 4
    assert all(seconds > 0 for seconds in clf.history_["duration"])


def test_figures_that_do_not_exist_are_nan(small, split):
    train, _ = split
    clf = small(hidden_layer_sizes=()).fit(*train)
    for column in ("validation_cost", "validation_accuracy", "validation_score", "saturation"):
        assert np.isnan(clf.history_[column]).all()
    assert not hasattr(clf, "best_epoch_")


# --- schedules -----------------------------------------------------------------------------------


def test_a_plateau_schedule_ends_training(small, split):
    train, validation = split
    schedule = Plateau(patience=1, min_factor=1 / 4)
    clf = small(eta_schedule=schedule, max_iter=300).fit(*train, **validation)
    assert clf.n_iter_ < 300
    assert clf.eta_ == 0.5 / 4
    assert clf.epoch_ == clf.n_iter_


def test_partial_fit_goes_on_at_the_last_eta_where_fit_would_end(small, split):
    (X, y), validation = split
    schedule = Plateau(patience=1, min_factor=1 / 4)
    clf = small(eta_schedule=schedule, max_iter=300).fit(X, y, **validation)
    n_epochs = clf.n_iter_
    for _ in range(3):
        clf.partial_fit(X, y, **validation)
    assert clf.n_iter_ == n_epochs + 3
    assert clf.history_["eta"][-3:] == 3 * [0.5 / 4]


def test_history_records_the_eta_of_each_regime(small, split):
    clf = small(eta_schedule=[(2, 0.5), (1, 0.1)], max_iter=5).fit(*split[0])
    assert clf.history_["eta"] == [0.5, 0.5, 0.1, 0.1, 0.1]
    assert clf.eta_ == 0.1


@pytest.mark.parametrize("eta", [0.0, -1.0, float("nan"), None])
def test_a_schedule_that_gives_no_positive_eta_is_an_error(eta, small, split):
    with pytest.raises((ValueError, TypeError), match="eta from `eta_schedule` must be a number"):
        small(eta_schedule=lambda *given: eta).fit(*split[0])


# --- Ctrl-C and divergence -----------------------------------------------------------------------


def test_ctrl_c_before_the_first_full_epoch_propagates_and_leaves_no_model(small, split):
    clf = small(on_interrupt="keep", cost=Interrupt(at=20), batch_size=10)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*split[0])
    assert not hasattr(clf, "coefs_")


def test_ctrl_c_propagates_and_leaves_the_model_as_it_was(small, split):
    train, validation = split
    clf = small(warm_start=True, batch_size=10).fit(*train)
    before = pickle.dumps(clf)
    clf.set_params(cost=Interrupt(at=50), early_stopping=True)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*train, **validation)
    clf.set_params(cost="cross_entropy", early_stopping=False)
    assert pickle.dumps(clf) == before


def test_ctrl_c_under_keep_ends_training_with_a_warning_and_a_fitted_model(small, split):
    (X, y), _ = split
    clf = small(on_interrupt="keep", cost=Interrupt(at=50), batch_size=10, max_iter=9)
    with pytest.warns(UserWarning, match="interrupted after epoch 2"):
        clf.fit(X, y)
    assert clf.n_iter_ == 2
    assert {len(column) for column in clf.history_.values()} == {2}
    after_two = small(batch_size=10, max_iter=2).fit(X, y)
    assert (weights_of(clf) != weights_of(after_two)).any()  # the unfinished epoch stays
    assert clf.predict(X).shape == y.shape


def test_ctrl_c_restores_the_best_weights_under_early_stopping(small, split):
    train, validation = split
    clf = small(
        on_interrupt="keep", cost=Interrupt(at=70), batch_size=10, max_iter=9, early_stopping=True
    )
    with pytest.warns(UserWarning, match="interrupted after epoch 3"):
        clf.fit(*train, **validation)
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_


class Torn(list):
    """A column of the history in which Ctrl-C comes before the third entry."""

    def append(self, value):
        if len(self) == 2:
            raise KeyboardInterrupt
        super().append(value)


def test_ctrl_c_while_an_epoch_is_recorded_keeps_the_best_of_the_history(
    monkeypatch, small, split
):
    rows, validation = split

    def train_with_torn_column(engine, state, *others):
        state.history["eta"] = Torn()
        train(engine, state, *others)

    monkeypatch.setattr("sknielsen._classifier.train", train_with_torn_column)
    clf = small(on_interrupt="keep", max_iter=9, early_stopping=True)
    with pytest.warns(UserWarning, match="interrupted after epoch 2"):
        clf.fit(*rows, **validation)
    scores = clf.history_["validation_score"]
    assert clf.best_score_ == max(scores)
    assert clf.best_epoch_ == scores.index(max(scores)) + 1
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_


def test_ctrl_c_between_recording_and_judging_an_epoch_keeps_the_best_of_the_history(
    monkeypatch, small, split
):
    rows, validation = split
    judge = Patience.judge

    def interrupted(self, state, score):
        if state.n_epochs == 3:
            raise KeyboardInterrupt
        judge(self, state, score)

    monkeypatch.setattr(Patience, "judge", interrupted)
    clf = small(on_interrupt="keep", max_iter=9, early_stopping=True)
    with pytest.warns(UserWarning, match="interrupted after epoch 3"):
        clf.fit(*rows, **validation)
    assert clf.best_score_ == max(clf.history_["validation_score"])
    assert clf.score(validation["X_val"], validation["y_val"]) == clf.best_score_


@pytest.mark.parametrize("column", [HISTORY[1], HISTORY[5], HISTORY[-1]])
def test_ctrl_c_while_an_epoch_is_recorded_leaves_columns_of_one_length(
    column, monkeypatch, small, split
):
    def train_with_torn_column(engine, state, *others):
        state.history[column] = Torn()
        train(engine, state, *others)

    monkeypatch.setattr("sknielsen._classifier.train", train_with_torn_column)
    clf = small(on_interrupt="keep", max_iter=9)
    with pytest.warns(UserWarning, match="interrupted after epoch 2"):
        clf.fit(*split[0])
    assert {len(values) for values in clf.history_.values()} == {2}
    assert clf.n_iter_ == 2


@pytest.mark.parametrize("at", [1, 2, 6])
def test_ctrl_c_while_an_epoch_is_printed_keeps_the_best_weights(at, monkeypatch, small, split):
    train, validation = split
    lines = []

    def interrupted_print(line):
        lines.append(line)
        if len(lines) == at + 1:  # after the head
            raise KeyboardInterrupt

    monkeypatch.setattr("builtins.print", interrupted_print)
    clf = small(on_interrupt="keep", early_stopping=True, verbose=1, eta=8.0, max_iter=9)
    with pytest.warns(UserWarning, match=f"interrupted after epoch {at}"):
        clf.fit(*train, **validation)
    scores = clf.history_["validation_score"]
    assert len(scores) == at
    assert clf.best_score_ == max(scores)
    assert clf.best_epoch_ == clf.epoch_ == scores.index(max(scores)) + 1
    unstopped = small(eta=8.0, max_iter=clf.best_epoch_).fit(*train)
    np.testing.assert_array_equal(weights_of(clf), weights_of(unstopped))


def test_ctrl_c_in_partial_fit_propagates_and_leaves_the_model_as_it_was(small, split):
    (X, y), _ = split
    clf = small(batch_size=10, on_interrupt="keep").partial_fit(X, y, np.unique(y))
    before = weights_of(clf)
    clf.set_params(cost=Interrupt(at=5))
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, y)
    np.testing.assert_array_equal(weights_of(clf), before)
    assert clf.n_iter_ == 1


def test_ctrl_c_after_the_epoch_of_a_partial_fit_is_not_lost(small, split, monkeypatch):
    (X, y), _ = split

    def interrupted_print(line):
        raise KeyboardInterrupt

    clf = small(on_interrupt="keep", verbose=1)
    monkeypatch.setattr("builtins.print", interrupted_print)
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, y, np.unique(y))
    assert not hasattr(clf, "n_iter_")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cost", sorted(COSTS))
def test_a_training_that_diverges_is_an_error_that_names_eta_and_the_epoch(cost, dtype, split):
    (X, y), _ = split
    eta = 1e38 if dtype == np.float32 else 1e307
    clf = book((5,), cost=cost, eta=eta, init_scale=0.1, random_state=0)
    with pytest.raises(ValueError, match=r"diverged in epoch \d+ at eta=1e\+3"):
        clf.fit(X.astype(dtype), y)
    assert not hasattr(clf, "coefs_")


class Silent:
    """A penalty without a figure that could betray divergence."""

    def value(self, weights):
        return 0.0

    def shrink(self, w, rate):
        return 1.0


def test_divergence_is_found_in_the_weights_where_nothing_is_measured(small, split):
    clf = small(eta=1e308, penalty=Silent(), monitor_samples=0)
    with pytest.raises(ValueError, match="diverged in epoch"):
        clf.fit(*split[0])


class Infinite(CrossEntropy):
    """A cost of which only the figure is not finite."""

    def value(self, z, y):
        return np.full(len(z), np.inf)


@pytest.mark.parametrize("measured", ["training rows", "validation rows"])
def test_a_cost_that_is_not_finite_is_divergence(measured, small, split):
    train, validation = split
    clf = small(cost=Infinite(), monitor_samples=0 if measured == "validation rows" else None)
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        clf.fit(*train, **(validation if measured == "validation rows" else {}))


def test_a_warm_fit_that_diverges_leaves_the_model_as_it_was(small, split):
    clf = small(momentum=0.5, warm_start=True).fit(*split[0])
    before = pickle.dumps(vars(clf) | {"eta": None})
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(eta=1e307).fit(*split[0])
    assert pickle.dumps(vars(clf) | {"eta": None}) == before


def test_a_penalty_step_too_large_is_an_error(small, split):
    with pytest.raises(ValueError, match=r"eta \* lmbda / n must be below 1.*got 2.5"):
        small(lmbda=1000.0).fit(*split[0])


def test_verbose_prints_a_line_an_epoch(small, split, capsys):
    small(verbose=1, max_iter=2).fit(*split[0])
    head = capsys.readouterr().out.splitlines()[:4]
    assert [line.split()[0] for line in head] == ["training", "epoch", "1", "2"]
    assert "validation" not in head[0]


def test_a_fit_that_trains_no_epoch_leaves_the_epoch_of_the_weights(small, split):
    train, validation = split
    schedule = Plateau(patience=1, min_factor=0.25)
    clf = small(eta_schedule=schedule, early_stopping=True, warm_start=True, max_iter=40, eta=8.0)
    clf.fit(*train, **validation)
    assert clf.epoch_ == clf.best_epoch_ < clf.n_iter_ < 40
    before = weights_of(clf), clf.epoch_
    clf.set_params(early_stopping=False).fit(*train, **validation)
    np.testing.assert_array_equal(weights_of(clf), before[0])
    assert clf.epoch_ == before[1]


# --- the loop alone ------------------------------------------------------------------------------


def make_state(cls=State, n_epochs=0, **pieces):
    """A state of one weight, which is the number of epochs trained."""
    weights = [np.full((1, 1), float(n_epochs), order="F")]
    state = cls(0, weights, [np.zeros(1)], np.arange(2), False, 1, **pieces)
    for _ in range(n_epochs):
        state.append(dict.fromkeys(HISTORY, 0.0))
    state.first_epoch = n_epochs
    return state


class Engine:
    """Adds one to the weight in an epoch; its validation cost is the weight."""

    def __init__(self, state, interrupt_in=None):
        self.state, self.interrupt_in = state, interrupt_in
        self.asked, self.n_measured = [], 0

    def with_threads(self, function, *args):
        return function(*args)

    def run_epoch(self, epoch, eta):
        self.asked.append((epoch, eta))
        self.state.weights[0] += 1
        if epoch + 1 == self.interrupt_in:
            raise KeyboardInterrupt

    def measure(self):
        self.n_measured += 1
        return {"penalty": 0.25, "validation_cost": float(self.state.weights[0][0, 0])}


@dataclass
class Course:
    etas: tuple = (0.5, 0.4, 0.3)
    n_epochs: int = 3
    patience: Patience | None = None
    keeps_interrupted: bool = True

    def next_eta(self, history):
        """By the epochs in the history."""
        return self.etas[len(history["eta"])]


class Hooks:
    """Note what they are told, and end training after an epoch."""

    def __init__(self, end_after=None):
        self.told, self.end_after = [], end_after

    def begin_epoch(self):
        self.told.append("begin")

    def end_epoch(self):
        self.told.append("end")
        return self.told.count("end") == self.end_after

    def interrupted(self):
        self.told.append("interrupted")


def scores(*values):
    """A scorer by the validation cost, which is the number of epochs of the weights."""
    return lambda record: float(values[int(record["validation_cost"])])


@pytest.mark.parametrize("patience", [None, Patience(2, 0.0)])
@pytest.mark.parametrize(
    ("course", "end_after", "interrupt_in", "ending", "n_epochs"),
    [
        ({}, None, None, "epochs", 3),
        ({"etas": (0.5, 0.4, None)}, None, None, "schedule", 2),
        ({}, 2, None, "hook", 2),
        ({}, None, 3, "interrupt", 2),
    ],
)
def test_training_says_what_has_ended_it(
    course, end_after, interrupt_in, ending, n_epochs, patience
):
    """With early stopping, the best weights come back whatever has ended training."""
    state, hooks = make_state(), Hooks(end_after)
    engine = Engine(state, interrupt_in)
    course = Course(patience=patience, **course)
    found = train(engine, state, course, scores(0, 2, 1, 1), hooks)
    assert found == ending
    assert engine.asked[:n_epochs] == [(0, 0.5), (1, 0.4), (2, 0.3)][:n_epochs]
    assert state.n_epochs == engine.n_measured == n_epochs
    assert hooks.told[: 2 * n_epochs] == n_epochs * ["begin", "end"]
    assert ("interrupted" in hooks.told) is (ending == "interrupt")
    assert state.best.epoch == 1
    assert state.best.score == 2.0
    assert state.epoch == (1 if patience else n_epochs)
    assert state.weights[0] == (1 if patience else len(engine.asked))
    if not patience:
        assert state.best.weights == state.best.biases == ()


def test_early_stopping_says_that_it_has_ended_training():
    """After two epochs without a better score, and before the schedule is asked again."""
    state = make_state()
    course = Course((0.5, 0.5, 0.5, None), 9, Patience(2, 0.0))
    assert train(Engine(state), state, course, scores(0, 2, 1, 1), Hooks()) == "patience"
    assert (state.n_epochs, state.epoch) == (3, 1)


def test_epochs_are_counted_on_from_an_earlier_training():
    """At most so many more, by the numbers that follow."""
    state = make_state(n_epochs=2)
    engine = Engine(state)
    assert train(engine, state, Course(range(2, 9)), None, Hooks()) == "epochs"
    assert engine.asked == [(2, 4), (3, 5), (4, 6)]
    assert state.history["epoch"] == [0.0, 0.0, 3, 4, 5]
    assert state.history["eta"] == [0.0, 0.0, 4, 5, 6]
    assert state.history["penalty"] == [0.0, 0.0, 0.25, 0.25, 0.25]
    assert np.isnan(state.history["validation_score"][2:]).all()
    assert np.isnan(state.history["train_cost"][2:]).all()


@pytest.mark.parametrize("n_epochs", [1, 2])
def test_the_weights_that_a_warm_start_begins_with_compete(n_epochs):
    """They are measured and scored as an epoch is, and restored if they are the best."""
    state, records = make_state(n_epochs=n_epochs), []

    def score(record):
        records.append(record.copy())
        return 1.0 if len(records) == 1 else 0.5

    engine = Engine(state)
    train(engine, state, Course(3 * n_epochs * (0.5,), 2, Patience(9, 0.0)), score, Hooks())
    assert state.weights[0] == state.epoch == state.best.epoch == n_epochs
    assert engine.n_measured == 3
    assert list(records[0]) == list(HISTORY)
    assert records[0]["validation_cost"] == n_epochs
    assert np.isnan(records[0]["train_cost"])


@pytest.mark.parametrize("case", ["fresh", "no patience", "no score", "judged"])
def test_only_unknown_weights_of_a_warm_start_are_scored_first(case):
    """Not new ones, not without early stopping or a score, and not where a best is known."""
    state = make_state(n_epochs=0 if case == "fresh" else 2)
    if case == "judged":
        state.best = Best(5.0, 1, weights=[np.ones((1, 1))], biases=[np.zeros(1)])
    engine = Engine(state)
    patience = None if case == "no patience" else Patience(9, 0.0)
    score = None if case == "no score" else scores(*range(9))
    train(engine, state, Course(9 * (0.5,), 2, patience), score, Hooks())
    assert engine.n_measured == 2


def test_the_duration_of_an_epoch_is_what_the_clock_says(monkeypatch):
    """It is read just before the epoch and just after it."""
    clock = count(10.0, 2.5)
    monkeypatch.setattr(loop, "perf_counter", lambda: next(clock))
    state = make_state()
    train(Engine(state), state, Course(), None, Hooks())
    assert state.history["duration"] == [2.5, 2.5, 2.5]


class CutShort(State):
    """A state that Ctrl-C reaches when its third epoch has just been recorded."""

    def append(self, record):
        super().append(record)
        if self.n_epochs == 3:
            raise KeyboardInterrupt


@pytest.mark.parametrize("patience", [None, Patience(2, 0.0)])
def test_an_epoch_recorded_but_not_judged_can_be_the_best(patience):
    """Its weights are kept under early stopping, and only there."""
    state = make_state(CutShort)
    course = Course(patience=patience, n_epochs=9)
    assert train(Engine(state), state, course, scores(0, 1, 2, 3), Hooks()) == "interrupt"
    assert (state.n_epochs, state.best.epoch, state.best.score) == (3, 3, 3.0)
    assert state.weights[0] == 3
    assert len(state.best.weights) == (1 if patience else 0)


def test_ctrl_c_that_nothing_is_kept_at_is_raised_again():
    """Before the first epoch of this training is finished, or where `course` says so."""
    for course, n_epochs, interrupt_in in ((Course(), 0, 1), (Course(5 * (1,)), 2, 3)):
        state, hooks = make_state(n_epochs=n_epochs), Hooks()
        with pytest.raises(KeyboardInterrupt):
            train(Engine(state, interrupt_in), state, course, None, hooks)
        assert hooks.told == ["begin"]
    state, hooks = make_state(), Hooks()
    with pytest.raises(KeyboardInterrupt):
        train(Engine(state, 2), state, Course(keeps_interrupted=False), None, hooks)
    assert hooks.told == ["begin", "end", "begin"]


@pytest.mark.parametrize("array", ["weights", "biases", "velocity 0", "velocity 1", "figure"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_whatever_is_not_finite_is_divergence(array, value):
    """In the third epoch of a state that has two."""
    velocity = [np.zeros((1, 1))], [np.zeros(1)]
    state, figures = make_state(n_epochs=2, velocity=velocity), {"train_cost": 0.5}
    if array == "figure":
        figures["train_cost"] = value
    else:
        name, *part = array.split()
        arrays = getattr(state, name)
        (arrays[int(part[0])] if part else arrays)[0][...] = value
    with pytest.raises(ValueError) as error:
        loop._require_finite(state, figures, 0.123456789)
    assert str(error.value) == (
        "Training diverged in epoch 3 at eta=0.123457: weights or costs are no longer finite. "
        "Lower `eta`, or scale the inputs to about one."
    )


def test_weights_whose_squares_have_no_finite_sum_are_divergence():
    """So the penalty is finite, whether it is computed or not."""
    state = make_state()
    state.weights = [np.full((1, 2), 9e153)]
    loop._require_finite(state, {}, 0.5)
    state.weights = [np.full((2, 2), 9e153)]
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        loop._require_finite(state, {}, 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "column, bounded",
    [([1, -1], True), ([0.9, 0], True), ([0.6, 0.6], True), ([0.8, 0.8], False),
     ([-0.8, 0.8], False)],
)  # fmt: skip
def test_weights_are_bounded_where_their_squares_have_a_finite_sum(column, bounded, dtype):
    largest = np.sqrt(np.finfo(dtype).max) if 0 < abs(column[0]) < 1 else dtype(1)
    column = np.array(column, dtype) * largest
    assert _is_bounded(column) is bounded
    assert _is_bounded(np.array([[1, 1], column], dtype).T) is bounded
    for value in (np.nan, np.inf, -np.inf):
        assert not _is_bounded(np.array([0, value, 1], dtype))
