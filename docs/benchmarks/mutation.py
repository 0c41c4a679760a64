"""How many small changes of the numerical core the tests notice.

    python docs/benchmarks/mutation.py                       # all of it, about an hour
    python docs/benchmarks/mutation.py "sknielsen.costs*"    # one module

mutmut changes the files that ``[tool.mutmut]`` in pyproject.toml lists, one place at a time, and
runs the tests listed there that reach the place. A change that fails a test is killed. What
survives is either equivalent, which EQUIVALENT explains, or a test that is missing. Code outside
of functions (tables, lambdas in them, defaults of classes) is not changed, and decorated functions
are not.

Figures of the modules that were tested whole are written to ``mutation.json``; those of others
stay as they are there.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

from machine import describe

ROOT = Path(__file__).parent.parent.parent
OUTPUT = Path(__file__).with_suffix(".json")
MUTANTS = ROOT / "mutants"

# Exit codes that mutmut notes for the tests of a change; others count as killed, also a time-out.
SURVIVED, NO_TESTS, NOT_RUN = 0, (5, 33), (None, 2)

# By the changed line: why no test can notice it.
EQUIVALENT = {
    "regimes = None": "An empty list and None are both false, and only that is asked.",
    'best, stalled, left = -float("INF"), 0, 1.0': "Python's float reads INF as it reads inf.",
    "if keep <= 1.0:": "A product with 1.0 is the same number.",
    "if keep < 2.0:": "keep is at most 1.0, and a product with 1.0 is the same number.",
    "a = np.multiply(a, keep, None)": "A new array holds the same numbers; only memory is lost.",
    "a = np.multiply(a, keep, )": "A new array holds the same numbers; only memory is lost.",
}


def mutmut(*arguments, **options):
    """Run mutmut in the root of the project."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, text=True, **options)


def survivor(name):
    """Describe a change that no test noticed."""
    difference = mutmut("show", name, capture_output=True).stdout.splitlines()
    changes = [line for line in difference if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    lines = {sign: [c[1:].strip() for c in changes if c[0] == sign] for sign in "-+"}
    why = EQUIVALENT.get(" ".join(lines["+"]))
    return {"was": lines["-"], "became": lines["+"]} | ({"equivalent": why} if why else {})


def figures(file):
    """Return the figures of one file; None if some of its changes were not tested."""
    codes = json.loads((MUTANTS / f"{file}.meta").read_text(encoding="utf-8"))["exit_code_by_key"]
    if any(code in NOT_RUN for code in codes.values()):
        return None
    kinds = {SURVIVED: "survived"} | dict.fromkeys(NO_TESTS, "no tests")
    counts = Counter(kinds.get(code, "killed") for code in codes.values())
    survivors = [survivor(name) for name, code in codes.items() if code == SURVIVED]
    n_equivalent = sum("equivalent" in change for change in survivors)
    return {
        "changes": len(codes),
        "killed": counts["killed"],
        "equivalent": n_equivalent,
        "not reached": counts["no tests"],
        "score": round(counts["killed"] / max(1, len(codes) - n_equivalent), 4),
        "survivors": survivors,
    }


def main():
    """Run mutmut anew, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("changes", nargs="*", help="names of changes, with *; default: all")
    parser.add_argument("--report", action="store_true", help="of the last run; run nothing")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    if not arguments.report:
        shutil.rmtree(MUTANTS, ignore_errors=True)
        mutmut("run", "--max-children", str(arguments.processes), *arguments.changes)

    results = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    files = results.get("files", {})
    listed = [
        path.relative_to(ROOT).as_posix()
        for pattern in project["tool"]["mutmut"]["only_mutate"]
        for path in sorted(ROOT.glob(pattern))
    ]
    for file in listed:
        is_there = (MUTANTS / f"{file}.meta").exists()
        if is_there and (found := figures(file)) and found["changes"]:
            files[file] = found
            print(f"{file}: {found['killed']} of {found['changes']} killed, {found['score']:.1%}")
    results = describe("mutmut", "pytest", "numpy", "scikit-learn")
    results["files"] = {file: files[file] for file in listed if file in files}
    OUTPUT.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
