"""Run the scripts of the example gallery in full and record their figures.

    python docs/experiments.py [STEM ...]

Without a STEM, such as ``plot_ten_images``, every script that `records` has a function for runs:
40 minutes on two cores. Each runs in a process of its own with ``SKNIELSEN_FULL=1``. At its end
the function of its name takes from it what was measured (name -> number) and the figures it is
compared with (name -> number or text). They are merged, with machine and versions, into
``docs/benchmarks/experiments.json``, which the documentation quotes. A script that fails leaves
its old entry as it was, and the exit status is 1.
"""

import argparse
import fcntl
import json
import math
import os
import runpy
import subprocess
import sys
import tempfile
import time
from numbers import Integral, Real
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
RECORD = HERE / "benchmarks" / "experiments.json"
sys.path[:0] = [str(HERE), str(HERE / "benchmarks")]
from records import RECORDS  # noqa: E402


def collect(script, out):
    """Run a script, here, and write its results, its notes and its machine to `out`."""
    from machine import describe

    start = time.perf_counter()
    names = runpy.run_path(str(script), run_name="__main__")
    seconds = time.perf_counter() - start
    results, notes = RECORDS[script.stem](SimpleNamespace(**names))
    entry = {
        "results": checked(results, f"results of {script.name}", Real),
        "notes": checked(notes, f"notes of {script.name}", (Real, str)),
        "seconds": round(seconds, 1),
        "machine": describe("numpy", "scipy", "scikit-learn"),
    }
    out.write_text(json.dumps(entry), encoding="utf-8")


def checked(figures, what, kinds):
    """Return figures as built-in types; raise unless they are finite numbers, or text if allowed.

    Raises
    ------
    TypeError, ValueError
        If a name is no string, or a figure is of another kind or not finite.
    """
    plain = {}
    for name, figure in figures.items():
        if not isinstance(name, str) or not isinstance(figure, kinds):
            raise TypeError(f"{what}: expected name -> number; got {name!r}: {figure!r}.")
        if isinstance(figure, Real):
            if not math.isfinite(figure):
                raise ValueError(f"{what}: expected finite numbers; got {name!r}: {figure!r}.")
            figure = int(figure) if isinstance(figure, Integral) else float(figure)
        plain[name] = figure
    return plain


def main():
    """Run the chosen scripts and merge their figures into the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stems", nargs="*", metavar="STEM", help="such as plot_ten_images")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)  # the child process
    arguments = parser.parse_args()
    scripts = sorted(EXAMPLES.rglob("plot_*.py"))
    known = {path.stem: path for path in scripts if path.stem in RECORDS}
    unknown = sorted(set(arguments.stems) - set(known))
    if unknown:
        parser.error(f"expected stems from {list(known)}; got {unknown}")
    if arguments.into:
        return collect(known[arguments.stems[0]], arguments.into)
    chosen = arguments.stems or list(known)
    failed = []
    environment = {**os.environ, "SKNIELSEN_FULL": "1", "MPLBACKEND": "agg"}
    with tempfile.TemporaryDirectory() as folder:
        for stem in chosen:
            print(f"=== {stem}", flush=True)
            out = Path(folder, f"{stem}.json")
            command = [sys.executable, __file__, stem, "--into", str(out)]
            if subprocess.run(command, env=environment, check=False).returncode:
                failed.append(stem)
            else:
                merge(stem, json.loads(out.read_text(encoding="utf-8")))
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


def merge(stem, entry):
    """Put one script's entry into the record, in place of an older one."""
    folder = os.open(RECORD.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # another run may be merging, too
        record = {"scripts": {}}
        if RECORD.exists():
            record = json.loads(RECORD.read_text(encoding="utf-8"))
        record["scripts"][stem] = entry
        record["scripts"] = dict(sorted(record["scripts"].items()))
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        temporary = RECORD.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(RECORD)
    finally:
        os.close(folder)


if __name__ == "__main__":
    main()
