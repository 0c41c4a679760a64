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

# Exit codes that mutmut notes for the tests of a change; others count as killed, also a time-out,
# and 2, which is a KeyboardInterrupt that a change lets through to pytest.
SURVIVED, NO_TESTS, NOT_RUN = 0, (5, 33), None

FALSE = "None is as false as False, and only that is asked."
LETTER = "NumPy reads the name in letters of either case."
DEFAULT = "SciPy takes None for its default, which is the number that was there."
WHOLE = (
    "Places count modulo 1, and the visits of a row are alike: they have the same places but for "
    "rounding, which alone orders the visits of several rows at one place."
)
CLIP = "No row number is out of range; only the time of a copy is lost."
UNITS = "A code equals 1.0 as it equals 1."
NAMES = "The words are for the reader only."
TRUTHS = "Ones and zeros have the mean that truths have."
NO_PASS = "No pass has such a number of rows, so that the first one differs from it."
ONES = "SciPy converts the ones at each call; only time is lost."

# By the changed line: why no test can notice it.
EQUIVALENT = {
    "pairs = None": "An empty list and None are both false, and only that is asked.",
    'best, stalled, left = -float("INF"), 0, 1.0': "Python's float reads INF as it reads inf.",
    'return bool(getattr(schedule, "needs_validation", None))': FALSE,
    'return bool(getattr(cost, "exclusive", None))': FALSE,
    # activations
    "if keep <= 1.0:": "A product with 1.0 is the same number.",
    "if keep < 2.0:": "keep is at most 1.0, and a product with 1.0 is the same number.",
    "a = np.multiply(a, keep, None)": "A new array holds the same numbers; only memory is lost.",
    "a = np.multiply(a, keep, )": "A new array holds the same numbers; only memory is lost.",
    # blas
    "self._is_set = None": FALSE,
    # data
    "nth = np.arange(n_visits) + np.repeat(np.cumsum(counts) - counts, counts)": WHOLE,
    "nth = np.arange(n_visits) - np.repeat(np.cumsum(counts) + counts, counts)": WHOLE,
    "at = (which / len(rows) - nth / counts[which]) % 1.0": WHOLE,
    'by_remainder = np.argsort(sizes - shares, kind="STABLE")': LETTER,
    'return rows[which[np.argsort(at, kind="STABLE")]]': LETTER,
    "is_held_out[rng.choice(np.flatnonzero(codes == code), size, replace=None)] = True": FALSE,
    "self._mean, self.total_weight = 2.0, float(len(self))": "Then there is nothing to divide.",
    "self._mean = total / len(self) or 2.0  # 1 where no row has weight": "Zeros are divided.",
    "self._y = np.empty((1, n_outputs), X.dtype)": "The first targets overwrite or replace it.",
    "self._units = np.ones(1, None) if n_outputs == 1 else np.arange(n_outputs)": UNITS,
    "self._units = np.ones(1, ) if n_outputs == 1 else np.arange(n_outputs)": UNITS,
    'np.take(self.X, rows, 0, x, None)  # "clip" lets it write into x directly': CLIP,
    'np.take(self.X, rows, 0, x, )  # "clip" lets it write into x directly': CLIP,
    # distortion
    'images = np.array(images, x.dtype, order="c")  # a copy: x is a buffer, and so is y': LETTER,
    "worker = ThreadPoolExecutor(None)": "There is never more than one call at a time.",
    "worker = ThreadPoolExecutor(2)": "There is never more than one call at a time.",
    "worker.shutdown(cancel_futures=None)": "What waits is run in vain, at most one chunk.",
    "worker.shutdown(cancel_futures=False)": "What waits is run in vain, at most one chunk.",
    # engine
    "if self.descent.shuffle and len(rows) >= 1:": "One row has one order only.",
    "costs, right, n_saturated = np.empty(len(data)), np.empty(len(data), None), 0": TRUTHS,
    "costs, right, n_saturated = np.empty(len(data)), np.empty(len(data), ), 0": TRUTHS,
    "return float(values.mean() if (weights is None) and False "
    "else np.average(values, weights=weights))": "Without weights the average is the mean.",
    # loop
    "record: Record = None": "It is read only after an epoch has been recorded.",
    "remember(state, record, keep_weights=None)": FALSE,
    "if largest * len(array) <= float(np.finfo(array.dtype).max):  # False of NaN": (
        "At the limit itself the sum is taken, which is that number and finite."
    ),
    # network
    "self._gemm(1.0, a, w, 1.0, z, layer == 0, None, IN_PLACE)": DEFAULT,
    "self._gemm(1.0, delta, w, None, error, NOT_TRANSPOSED, TRANSPOSED, IN_PLACE)": DEFAULT,
    "self._gemm(1.0, delta, w, 0.0, error, None, TRANSPOSED, IN_PLACE)": DEFAULT,
    "gemm(-step, a, delta, betas[layer], w, layer > 0, None, IN_PLACE)  # BP4": DEFAULT,
    "None, STRIDE, OFFSET, STRIDE, TRANSPOSED, IN_PLACE,": DEFAULT,
    "OFFSET, None, OFFSET, STRIDE, TRANSPOSED, IN_PLACE,": DEFAULT,
    "OFFSET, STRIDE, None, STRIDE, TRANSPOSED, IN_PLACE,": DEFAULT,
    "OFFSET, STRIDE, OFFSET, None, TRANSPOSED, IN_PLACE,": DEFAULT,
    "self._n_rows = None  # of the last pass, whose buffers are at hand": NO_PASS,
    "self._n_rows = -2  # of the last pass, whose buffers are at hand": NO_PASS,
    "self._n_rows = None": "The same buffers are looked up again; only time is lost.",
    "self.accumulate(gradients, -1.0, None)": DEFAULT,
    "self.accumulate(gradients, -1.0, 1.0)": "They are zeros, whatever they are multiplied by.",
    '[np.empty((m, n), self.dtype, order="f") for n in self.layer_sizes[1:]]': LETTER,
    'for _ in ("XXlayersXX", "deltas", "scratch")': NAMES,
    'for _ in ("LAYERS", "deltas", "scratch")': NAMES,
    'for _ in ("layers", "XXdeltasXX", "scratch")': NAMES,
    'for _ in ("layers", "DELTAS", "scratch")': NAMES,
    'for _ in ("layers", "deltas", "XXscratchXX")': NAMES,
    'for _ in ("layers", "deltas", "SCRATCH")': NAMES,
    "self._buffers[m] = layers, deltas, scratch, np.ones(m, None)": ONES,
    "self._buffers[m] = layers, deltas, scratch, np.ones(m, )": ONES,
    'weights, biases = ([np.zeros_like(a, order="f") for a in some] for some in parts)': LETTER,
    'np.multiply(a, mask.reshape(a.shape, order="f"), a)': LETTER,
    # state
    'return [np.array(array, order="f") for array in arrays]  # of memory maps, too': LETTER,
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
    if NOT_RUN in codes.values():
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
