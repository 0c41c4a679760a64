"""What ``verbose=1`` prints: a table within 80 characters, and why training ended."""

import re

import numpy as np
import pytest

TITLES = "epoch       eta      cost  accuracy      cost  accuracy  saturated  seconds"


@pytest.fixture
def printed(small, split, capsys):
    def printed(*, validated=True, **parameters):
        (X, y), validation = split
        clf = small(verbose=1, **parameters).fit(X, y, **(validation if validated else {}))
        lines = capsys.readouterr().out.splitlines()
        ends = next(i for i, line in enumerate(lines) if line.startswith("Ended"))
        return clf, lines[: ends + 1]

    return printed


def test_columns_are_aligned_below_their_titles(printed):
    clf, (over, titles, *rows, _) = printed(max_iter=3)
    assert titles == TITLES
    assert over.split() == ["training", "validation"]
    assert over.index("validation") + len("validation") <= titles.rindex("accuracy") + 8
    assert all(len(line) <= 80 for line in (over, titles, *rows))
    for epoch, row in enumerate(rows):
        assert len(row.removesuffix(" *")) == len(titles)
        cells = row.split()
        assert int(cells[0]) == epoch + 1
        assert float(cells[2]) == pytest.approx(clf.history_["train_cost"][epoch], abs=1e-4)
        assert float(cells[5]) == pytest.approx(
            clf.history_["validation_accuracy"][epoch], abs=1e-4
        )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_large_figures_keep_the_columns(printed):
    _, (_, titles, *rows, _) = printed(
        max_iter=3, eta=1e5, early_stopping=True, scoring=lambda *_: -123456.789
    )
    assert [len(row.removesuffix(" *")) for row in rows] == 3 * [len(titles)]
    assert {row.split()[5] for row in rows} == {"-1.2e+05"}


def test_epochs_that_are_the_best_so_far_have_a_star(printed):
    clf, (_, _, *rows, _) = printed(max_iter=6, eta=3.0)
    scores = clf.history_["validation_score"]
    bests = [i for i in range(6) if scores[i] > max([-np.inf, *scores[:i]])]
    assert set(bests) <= {i for i, row in enumerate(rows) if row.endswith("*")}
    assert clf.best_epoch_ - 1 == max(i for i, row in enumerate(rows) if row.endswith("*"))


def test_columns_that_say_nothing_are_left_out(printed):
    _, (*head, row, _) = printed(
        max_iter=1, validated=False, monitor_samples=0, hidden_layer_sizes=()
    )
    assert [line.split() for line in head] == [["epoch", "eta", "seconds"]]
    assert len(row.split()) == 3


def test_another_score_stands_in_the_place_of_the_accuracy(printed):
    clf, (_, titles, row, _) = printed(max_iter=1, scoring="balanced_accuracy")
    assert titles == TITLES.replace("cost  accuracy  saturated", "cost     score  saturated")
    assert float(row.split()[5]) == pytest.approx(clf.best_score_, abs=1e-4)


def test_a_stream_has_one_head(small, digits, capsys):
    clf = small(verbose=1)
    for _ in range(3):
        clf.partial_fit(*digits, classes=range(10))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["training", "epoch", "1", "2", "3"]


def test_a_warm_fit_has_a_head_of_its_own(small, digits, capsys):
    clf = small(verbose=1, warm_start=True, max_iter=1).fit(*digits).fit(*digits)
    printed = capsys.readouterr().out
    assert len(re.findall("^epoch", printed, re.M)) == clf.n_iter_ == 2


def end_after_two(epoch, history, eta, max_iter):
    return None if epoch == 2 else eta


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"max_iter": 2}, "Ended after epoch 2: all 2 epochs are trained."),
        (
            {"max_iter": 9, "eta_schedule": end_after_two},
            "Ended after epoch 2: the schedule of eta has come to its end.",
        ),
        (
            {"early_stopping": True, "n_iter_no_change": 2, "tol": 10.0, "max_iter": 9},
            r"Ended after epoch 3: no progress for 2 .*; weights of epoch \d \(accuracy 0.\d+\)\.",
        ),
        (
            {"early_stopping": True, "scoring": "cost", "max_iter": 1},
            r"Ended after epoch 1: all 1 epochs .*; weights of epoch 1 \(cost \d\.\d+\)\.",
        ),
    ],
    ids=["epochs", "schedule", "patience", "cost"],
)
def test_the_last_line_says_why_training_ended_and_which_weights_were_kept(
    parameters, said, printed
):
    _, (*_, last) = printed(**parameters)
    assert re.fullmatch(said, last)
