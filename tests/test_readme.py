"""What the README shows: its code, what the code prints, and its figures."""

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")
BENCHMARKS = TOP / "docs" / "benchmarks"


def fenced(language):
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def shown():
    """Run the README's Python; return its names and what it printed."""
    names, printed = {}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in fenced("python"):
            exec(block, names)
    return names, printed.getvalue()


def test_the_code_prints_what_stands_below_it(shown):
    (expected,) = fenced("text")
    number = re.compile(r"0\.\d+")
    assert number.sub("0", shown[1]) == number.sub("0", expected)
    figures = [[float(figure) for figure in number.findall(t)] for t in (shown[1], expected)]
    assert figures[0] == pytest.approx(figures[1], abs=0.02)  # another BLAS rounds otherwise


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("sign", ["-", "+"])
def test_the_code_before_and_after_runs(shown, sign):
    (diff,) = fenced("diff")
    lines = [line[1:] for line in diff.splitlines() if line[0] in (" ", sign)]
    names = dict(shown[0])
    np.random.seed(0)  # noqa: NPY002 - estimators without a random_state draw from it
    exec("\n".join(lines), names)
    assert names["clf"].score(names["X_test"], names["y_test"]) > 0.9


def read(name):
    return json.loads((BENCHMARKS / f"{name}.json").read_text(encoding="utf-8"))


def rows_of_tables():
    """Yield the rows that the figures of the benchmarks make."""
    tables, models = read("tables"), ("sknielsen", "MLPClassifier")
    shares = []
    for sets, words in (
        ("development", "it was developed on"),
        ("judge", "held back until the end"),
    ):
        summary = tables[sets]["summary"]
        cells = [f"{summary[m]['accuracy']:.3f}, {summary[m]['log_loss']:.3f}" for m in models]
        n_sets = len(tables[sets]["sets"]["sknielsen"])
        figures = "accuracy, log loss | " + " | ".join(cells)
        yield f"| {n_sets} tables {words}: {figures} | tables.json |"
        shares.append(summary["sknielsen"]["seconds"] / summary["MLPClassifier"]["seconds"])
    yield f"| time on these tables | {min(shares):.2f} to {max(shares):.2f} | 1 | tables.json |"
    mnist = read("mnist_defaults")
    accuracy, seconds = ([mnist[f][m]["median"] for m in models] for f in ("accuracy", "seconds"))
    cells = [f"{a:.3f}, {s:.0f} s" for a, s in zip(accuracy, seconds)]
    yield f"| MNIST: test accuracy, seconds | {' | '.join(cells)} | mnist_defaults.json |"
    counts = tables["judge"]["summary"]["MLPClassifier"]["sets that sknielsen won and lost"]
    counts = counts["accuracy"]
    yield f"won {counts['won']} and lost {counts['lost']} in accuracy"


def rows_of_times():
    """Yield, for each network on MNIST, the ratios of the peers on both machines."""
    machines = [read(name)["setups"] for name in ("train", "train_haswell")]
    for setup in machines[0]:
        if setup.startswith("784-"):
            ratios = [
                sorted(machine[setup]["ratios"][f"{peer} / sknielsen"] for machine in machines)
                for peer in ("MLPClassifier", "PyTorch")
            ]
            ends = [[f"{ratio:.1f}" for ratio in pair] for pair in ratios]
            ranges = [" to ".join(dict.fromkeys(pair)) for pair in ends]
            yield f"| {setup.replace('batch ', '')} | {' | '.join(ranges)} |"


@pytest.mark.parametrize("row", [*rows_of_tables(), *rows_of_times()])
def test_figures_are_those_of_the_benchmarks(row):
    assert row in " ".join(README.split())
