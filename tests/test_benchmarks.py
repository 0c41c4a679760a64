"""What the scripts of docs/benchmarks share, their entry point, and the tables of their JSON."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).parent.parent / "docs"
BENCHMARKS = DOCS / "benchmarks"
SHARED = {"compare", "floor", "machine", "run"}
OTHER_WAY = {"mutation"}  # a session of nox runs it


@pytest.fixture
def module(monkeypatch):
    """Import a module of docs/benchmarks, or of docs, and forget it afterwards."""
    before = set(sys.modules)

    def load(name, folder=BENCHMARKS):
        monkeypatch.syspath_prepend(str(folder))
        return import_module(name)

    yield load
    for name in set(sys.modules) - before:
        path = getattr(sys.modules[name], "__file__", None)
        if path and Path(path).is_relative_to(DOCS):
            del sys.modules[name]


def test_contestants_take_turns_and_a_round_warms_up(module):
    calls = []
    runs = {name: lambda name=name: calls.append(name) for name in ("a", "b")}
    times = module("compare").alternate(runs, n_rounds=2)
    assert calls == ["a", "b"] * 3
    assert {name: len(values) for name, values in times.items()} == {"a": 2, "b": 2}


def test_what_a_contestant_returns_takes_the_place_of_its_time(module):
    figures = module("compare").alternate({"a": lambda: {"x": 1.0, "y": 2.0}}, n_rounds=3)
    assert figures == {"x": [1.0] * 3, "y": [2.0] * 3}


def test_a_ratio_is_of_medians_with_the_quartiles_of_rounds(module):
    times = {"a": [2.0, 4.0, 60.0], "b": [1.0, 2.0, 10.0]}
    assert module("compare").ratio(times, "a", "b") == (2.0, [2.0, 4.0])


def test_a_difference_has_a_unit(module):
    times = {"a": [3.0, 3.0], "b": [1.0, 2.0]}
    assert module("compare").difference(times, "a", "b", 0.5) == (3.0, [2.5, 3.5])


def test_the_fastest_of_a_peer_counts(module):
    times = {"peer, 1 thread": [3.0, 1.0, 3.0], "peer, 2 threads": [2.0] * 3, "other": [1.0]}
    assert module("compare").fastest(times, "peer") == "peer, 2 threads"


@pytest.mark.parametrize(
    ("seen", "wanted", "expected"),
    [
        (1.1, "<= 1.1", True),
        (1.2, "<= 1.1", False),
        (6.4, ">= 6.5", False),
        (6.5, ">= 6.5", True),
        (None, ">= 6.5", False),
        (None, None, True),
    ],
)
def test_a_figure_is_as_wanted_or_not(module, seen, wanted, expected):
    assert module("compare").kept(seen, wanted) is expected


def test_a_missing_peer_is_named(module, capsys):
    report = module("compare").Report()
    assert report.lacks("Peer", "no_such_package")
    assert not report.lacks("NumPy", "numpy")
    assert report.skipped == {"Peer": "no_such_package is not installed"}
    assert "skipped: Peer: no_such_package is not installed" in capsys.readouterr().out


def test_a_report_has_machine_lines_and_figures(module, tmp_path):
    report = module("compare").Report("numpy", "no-such-package")
    report.line("ours / theirs", 0.123456, [0.1, 0.2], "<= 0.5")
    report.write(tmp_path / "a.json", seconds={"a": 1.0})
    found = json.loads((tmp_path / "a.json").read_text())
    assert {"python", "sknielsen", "numpy"} == set(found["machine"]["versions"])
    assert {"cpu", "cores", "load_average", "openblas", "variables"} < set(found["machine"])
    line = {"seen": 0.1235, "wanted": "<= 0.5", "quartiles": [0.1, 0.2]}
    assert found["lines"] == {"ours / theirs": line}
    assert found["seconds"] == {"a": 1.0}


def test_the_exponent_of_a_power_law_is_found(module):
    values = [1.0, 10.0, 100.0]
    found = module("growth").exponent(values, [3 * v**1.5 for v in values])
    assert found == pytest.approx(1.5)


def test_the_floor_of_a_step_leaves_its_rows_as_they_are(module):
    step = module("floor").blas_calls((4, 3, 2), 5)
    x = np.ones((5, 4), np.float32)
    step(x)
    assert (x == 1).all()


def test_every_script_has_an_entry(module):
    entries = module("run").BENCHMARKS
    scripts = {path.stem for path in BENCHMARKS.glob("*.py")} - SHARED - OTHER_WAY
    assert {benchmark.script or name for name, benchmark in entries.items()} == scripts


def test_what_lacks_its_package_is_skipped_by_name(module):
    run = module("run")
    lacking = run.Benchmark(1, "no_such_package")
    assert run.reason_to_skip(lacking, quick=False) == "no_such_package is not installed"
    assert run.reason_to_skip(run.Benchmark(1, "numpy"), quick=False) is None
    assert run.reason_to_skip(run.Benchmark(1, "numpy"), quick=True) == "it has no quick way"


@pytest.mark.parametrize("option", ["--list", "--summary"])
def test_the_entry_point_tells_without_running(option):
    command = [sys.executable, str(BENCHMARKS / "run.py"), option]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "train_haswell" in printed


def test_tables_and_charts_are_made_of_the_committed_json(module, tmp_path):
    module("tables", DOCS).write(tmp_path)
    shown = (tmp_path / "train.inc").read_text()
    assert ".. image:: /generated/train.svg" in shown
    assert (tmp_path / "train.svg").exists()
    for path in tmp_path.glob("*.inc"):
        assert "wanted" not in path.read_text()


def test_a_benchmark_that_was_never_run_says_so(module, tmp_path):
    tables = module("tables", DOCS)
    assert tables.growth({}, tmp_path) == tables.NOTHING
