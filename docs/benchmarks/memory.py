"""Measure how much memory `fit` takes on top of the data, on the 50,000 training rows of MNIST.

    python docs/benchmarks/memory.py

Each set-up runs in a fresh process: it loads the data, in a dtype that is trained in and in C
order, fits a few hundred random rows so that imports and the buffers of BLAS are there, gives
freed memory back to the system, and then fits the data. Meanwhile its parent reads the anonymous
resident memory (RssAnon in /proc, hence Linux only) about once a millisecond. The highest reading
minus the one just before `fit` is what is used. Allowed are a twentieth of X, four times the
weights and 16 MiB. Sparse rows are CSR, of which the numbers that are not zero count, and their
columns; memory-mapped ones are read from a file, and count with their whole size.

MNIST comes from `sknielsen.datasets.fetch_mnist`, whose docstring says where it looks.
"""

import argparse
import ctypes
import gc
import select
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from compare import Report, arguments_of, rounded
from scipy import sparse

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist

MIB = 2**20

WIDE = {"hidden_layer_sizes": 800, "batch_size": 100}
MOMENTUM = {"momentum": 0.9, "eta": 0.05}
L1 = {"lmbda": 5.0, "penalty": "l1"}

# Parameters of the classifier where they differ from its defaults, but for "with", which lists
# a dtype other than float32, another kind of X, and what `fit` is given besides X and y.
SETUPS = {
    "defaults": {},
    "CSR": {"with": ["CSR"]},
    "CSR, 800 hidden": WIDE | {"with": ["CSR"]},
    "memory-mapped": {"with": ["memmap"]},
    "memory-mapped, 800 hidden": WIDE | {"with": ["memmap"]},
    "float64": {"with": ["float64"]},
    "800 hidden": WIDE,
    "batch_size=None": {"batch_size": None},
    "batch_size=None, 800 hidden": WIDE | {"batch_size": None},
    "X_val": {"with": ["X_val"]},
    "early stopping": {"early_stopping": True},
    "early stopping, X_val, 800 hidden": WIDE | {"early_stopping": True, "with": ["X_val"]},
    "early stopping, f1_macro": {"early_stopping": True, "scoring": "f1_macro"},
    "early stopping, f1_macro, X_val": {
        "early_stopping": True,
        "scoring": "f1_macro",
        "with": ["X_val"],
    },
    "sample_weight": {"with": ["sample_weight"]},
    "class_weight='balanced'": {"class_weight": "balanced"},
    "L2": {"lmbda": 5.0},
    "L1": L1,
    "L1, 800 hidden": WIDE | L1,
    "momentum": MOMENTUM,
    "momentum, 800 hidden": WIDE | MOMENTUM,
    "dropout": {"dropout": (0.2, 0.5)},
    "monitor_samples=None": {"monitor_samples": None},
    "log_likelihood": {"cost": "log_likelihood"},
    "quadratic": {"cost": "quadratic", "eta": 3.0},
    "much of it, float64, 800 hidden": WIDE
    | MOMENTUM
    | L1
    | {"early_stopping": True, "with": ["float64", "X_val", "sample_weight"]},
}


def child(name):
    """Load, warm up, tell the parent what is allowed, and fit when it gives the word."""
    warnings.simplefilter("ignore")  # of the rows of the warming up, which validate as well
    parameters = dict(SETUPS[name])
    wishes = parameters.pop("with", [])
    mnist = fetch_mnist(dtype="float64" if "float64" in wishes else "float32")
    X, y, X_val, y_val = mnist.X_train, mnist.y_train, mnist.X_val, mnist.y_val
    del mnist
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.5, 1.5, X.shape[0]).astype(X.dtype)

    def fit(X, y, X_val, y_val, weight):
        given = {"X_val": X_val, "y_val": y_val} if "X_val" in wishes else {}
        given |= {"sample_weight": weight} if "sample_weight" in wishes else {}
        model = MLPSigmoidClassifier(max_iter=2, random_state=0, **parameters)
        return model.fit(X, y, **given)

    if "CSR" in wishes:
        X = sparse.csr_array(X)
    if "memmap" in wishes:
        X = mapped(X)
    small, labels = rng.random((500, X.shape[1])).astype(X.dtype), np.arange(500) % 10
    small = sparse.csr_array(small) if "CSR" in wishes else small
    model = fit(small, labels, small, labels, weight[:500])
    n_parameters = sum(p.size for p in model.coefs_ + model.intercepts_)
    del model
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):  # else freed memory would be used again
        libc.malloc_trim(0)

    weights = n_parameters * X.dtype.itemsize
    print(f"{size_of(X) / MIB:.2f} {weights / MIB:.2f}", flush=True)
    sys.stdin.readline()
    fit(X, y, X_val, y_val, weight)
    print("done", flush=True)


def size_of(X):
    """Return the bytes of rows, sparse or not."""
    arrays = (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,)
    return sum(array.nbytes for array in arrays)


def mapped(X):
    """Write rows into a folder that lives as long as they do; return them mapped from there."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "rows.npy"
    np.save(path, X)
    rows = np.load(path, mmap_mode="r")
    rows.folder = folder
    return rows


def rss_anon(pid):
    """Read the anonymous resident memory of a process, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/<pid>/status has no RssAnon")


def measure(name):
    """Fit in a child process; return the MiB of X, of the weights, and those used at the peak."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--child", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        of_x, of_weights = map(float, process.stdout.readline().split())
        before = peak = rss_anon(process.pid)
        process.stdin.write("go\n")
        process.stdin.flush()
        while not select.select([process.stdout], [], [], 0.001)[0]:
            peak = max(peak, rss_anon(process.pid))
        if process.stdout.readline() != "done\n":
            raise RuntimeError(f"The set-up {name!r} failed.")
    return {"X": of_x, "weights": of_weights, "used": round(peak - before, 2)}


def main():
    """Measure every set-up, print the lines, write the JSON file."""
    parser = arguments_of(__doc__, __file__, 1)
    parser.add_argument("--setups", nargs="+", choices=SETUPS, default=list(SETUPS))
    parser.add_argument("--child", choices=SETUPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child)
        return

    report, found = Report("numpy", "scipy", "scikit-learn"), {}
    for name in given.setups:
        rounds = [measure(name) for _ in range(given.rounds)]
        row = found[name] = max(rounds, key=lambda r: r["used"])
        allowed = 0.05 * row["X"] + 4 * row["weights"] + 16
        row |= {"allowed": rounded(allowed), "used of each round": [r["used"] for r in rounds]}
        report.line(f"{name}: used / allowed", row["used"] / allowed, wanted="<= 1")
    report.write(given.output, mebibytes=found)


if __name__ == "__main__":
    main()
