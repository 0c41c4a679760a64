"""Measure what sknielsen takes beyond the arithmetic of training and predicting.

    python docs/benchmarks/overheads.py

Each line of the table says what is wanted and what was seen:

- figures: a training with what is measured after each epoch over one without it, as it is, with
  validation rows besides, and while another process keeps one core busy.
- fit: the time of `fit` outside of its epochs.
- predictions: the time of a call over that of MLPClassifier, of the same architecture.
- partial_fit: the time of a call beyond forward, backward and descend, and whether it grows.
- import: the CPU time of ``import sknielsen`` beyond that of sklearn.base and scipy.linalg.
- step: the time of a training step beyond its calls of BLAS.

What is compared takes turns in one process, and medians are compared. `overheads.json` is such a
run. MNIST comes from `sknielsen.datasets.fetch_mnist`, whose docstring says where it looks.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from machine import describe
from sklearn.datasets import load_digits, load_iris
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from sknielsen import MLPSigmoidClassifier
from sknielsen.core.blas import blas_threads
from sknielsen.core.network import Network
from sknielsen.costs import COSTS
from sknielsen.datasets import fetch_mnist
from sknielsen.initializers import INITIALIZERS


def alternate(contestants, n_rounds, n_calls=1):
    """Return the median time of a call of each function; they take turns, one round warms up."""
    times = {name: [] for name in contestants}
    for n_round in range(n_rounds + 1):
        for name, function in contestants.items():
            start = time.perf_counter()
            for _ in range(n_calls):
                function()
            if n_round > 0:
                times[name].append((time.perf_counter() - start) / n_calls)
    return {name: median(values) for name, values in times.items()}


# --- figures of each epoch ----------------------------------------------------------------------


def spin():
    """Compute for ever."""
    while True:
        pass


@contextmanager
def busy_core():
    """Keep one core busy with another process."""
    process = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
    process.start()
    time.sleep(0.5)
    yield
    process.kill()
    process.join()


def training(X, y, n_epochs, validation=None, **parameters):
    """Make a function that trains; parameters are the default ones."""
    X_val, y_val = validation or (None, None)

    def fit():
        clf = MLPSigmoidClassifier(max_iter=n_epochs, random_state=0, **parameters)
        clf.fit(X, y, X_val=X_val, y_val=y_val)

    return fit


def figures(mnist):
    """Compare a training with its figures with one without them."""
    digits, iris = load_digits(), load_iris()
    tables = {
        "MNIST": (mnist.X_train, mnist.y_train, 1, 9, "<= 1.10"),
        "load_digits": (digits.data / 16, digits.target, 10, 21, "<= 1.25"),
        "iris": (StandardScaler().fit_transform(iris.data), iris.target, 60, 21, "<= 1.35"),
    }
    for name, (X, y, n_epochs, n_rounds, wanted) in tables.items():
        n_val = len(X) // 5
        contestants = {
            "without": training(X, y, n_epochs, monitor_samples=0),
            "monitored": training(X, y, n_epochs),
            "validated too": training(X, y, n_epochs, (X[:n_val], y[:n_val])),
        }
        times = alternate(contestants, n_rounds)
        yield f"{name}, monitored", times["monitored"] / times["without"], wanted
        yield f"{name}, validated too", times["validated too"] / times["without"], None
        del contestants["validated too"]
        with busy_core():
            times = alternate(contestants, n_rounds)
        yield f"{name}, monitored, a core busy", times["monitored"] / times["without"], wanted


# --- fit beyond its epochs -----------------------------------------------------------------------


def fit_beyond(mnist):
    """Time `fit` outside of its epochs, in milliseconds."""
    iris = load_iris()
    tables = {
        "50,000 x 784": (mnist.X_train, mnist.y_train, 9, "<= 12"),
        "150 x 4": (iris.data, iris.target, 101, "<= 0.8"),
    }
    for name, (X, y, n_rounds, wanted) in tables.items():
        beyond = []
        for _ in range(n_rounds + 1):
            clf = MLPSigmoidClassifier(max_iter=1, monitor_samples=0)
            start = time.perf_counter()
            clf.fit(X, y)
            beyond.append(time.perf_counter() - start - clf.history_["duration"][0])
        yield f"{name}, ms", 1e3 * median(beyond[1:]), wanted


# --- predictions ---------------------------------------------------------------------------------


def predictions(mnist):
    """Compare predictions with those of MLPClassifier."""
    for dtype in (np.float32, np.float64):
        X, y = mnist.X_train[:10_000].astype(dtype), mnist.y_train[:10_000]
        ours = MLPSigmoidClassifier(max_iter=1).fit(X, y)
        theirs = MLPClassifier(100, activation="logistic", solver="sgd", max_iter=1).fit(X, y)
        for n_rows, n_calls, wanted in (
            (1, 50, "<= 0.9"),
            (100, 10, "<= 0.9"),
            (10_000, 1, "<= 0.7"),
        ):
            rows = X[:n_rows]
            for method in ("predict_proba", "predict"):
                calls = {
                    "ours": partial(getattr(ours, method), rows),
                    "theirs": partial(getattr(theirs, method), rows),
                }
                times = alternate(calls, 25, n_calls)
                name = f"{method} of {n_rows} rows in {np.dtype(dtype).name} / MLPClassifier"
                yield name, times["ours"] / times["theirs"], wanted


# --- steps ---------------------------------------------------------------------------------------


def make_step(sizes, n_rows=10):
    """Make a function that takes a step, and one that makes its calls of BLAS alone."""
    rng, dtype = np.random.default_rng(0), np.dtype(np.float32)
    layers = [INITIALIZERS["scaled"](rng, *shape) for shape in pairwise(sizes)]
    weights = [np.asfortranarray(w, dtype) for w, _ in layers]
    network = Network(weights, [b.astype(dtype) for _, b in layers], COSTS["cross_entropy"])
    x = rng.random((n_rows, sizes[0]), dtype)
    y = rng.integers(0, 2, (n_rows, sizes[-1])).astype(dtype)

    def step():
        network.forward(x)
        network.backward(y)
        network.descend(1e-9)

    def blas():
        gemm, gemv, ones = network._gemm, network._gemv, network._ones
        layers, deltas, a = network._layers, network._deltas, x.T
        for layer, (w, z) in enumerate(zip(network.weights, layers)):
            gemm(1.0, a, w, 0.0, z, layer == 0, 0, 1)
            a = z
        for layer in range(len(deltas) - 1, 0, -1):
            gemm(1.0, deltas[layer], network.weights[layer], 0.0, deltas[layer - 1], 0, 1, 1)
        a = x.T
        for layer, (w, b, delta) in enumerate(zip(network.weights, network.biases, deltas)):
            gemm(-1e-9, a, delta, 1.0, w, layer > 0, 0, 1)
            gemv(-1e-9, delta, ones, 1.0, b, 0, 1, 0, 1, 1, 1)
            a = layers[layer]

    step()
    return step, blas


def steps(mnist):
    """Time what a step takes beyond its calls of BLAS, in microseconds."""
    for sizes, wanted in (
        ((64, 32, 10), "<= 6.5"),
        ((20, 100, 1), "<= 6.5"),
        ((784, 100, 10), None),
    ):
        step, blas = make_step(sizes)
        times = blas_threads(10, sizes)(alternate, {"step": step, "blas": blas}, 100, 100)
        yield f"{'-'.join(map(str, sizes))}, us", 1e6 * (times["step"] - times["blas"]), wanted


def short_calls(mnist):
    """Time what a `partial_fit` of few rows takes beyond its step, in milliseconds."""
    X, y = mnist.X_train, mnist.y_train
    for n_rows in (1, 10):
        clf = MLPSigmoidClassifier(random_state=0).partial_fit(X[:10], y[:10], range(10))
        step, _ = make_step((784, 100, 10), n_rows)
        calls = {
            "call": lambda clf=clf, n=n_rows: clf.partial_fit(X[:n], y[:n]),
            "step": lambda step=step, n=n_rows: blas_threads(n, (784, 100, 10))(step),
        }
        times = alternate(calls, 50, 10)
        yield f"{n_rows} rows, ms", 1e3 * (times["call"] - times["step"]), "<= 0.35"
    clf = MLPSigmoidClassifier(random_state=0).partial_fit(X[:10], y[:10], range(10))
    times = []
    for _ in range(20_000):
        start = time.perf_counter()
        clf.partial_fit(X[:1], y[:1])
        times.append(time.perf_counter() - start)
    yield (
        "calls 19,001 to 20,000 / calls 1,001 to 2,000",
        (median(times[-1000:]) / median(times[1000:2000])),
        "<= 1.1",
    )


# --- import --------------------------------------------------------------------------------------


def importing(mnist):
    """Time ``import sknielsen`` in new processes, in milliseconds of CPU time."""
    code = (
        "import sklearn.base, scipy.linalg, time; start = time.process_time(); import sknielsen; "
        "print(time.process_time() - start)"
    )
    seconds = [
        float(subprocess.check_output([sys.executable, "-c", code], text=True)) for _ in range(9)
    ]
    yield "beyond sklearn.base and scipy.linalg, ms", 1e3 * median(seconds), "<= 60"


PARTS = {
    "figures": figures,
    "fit": fit_beyond,
    "predictions": predictions,
    "partial_fit": short_calls,
    "import": importing,
    "step": steps,
}


def main():
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all without")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON to write"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # one epoch is too few to converge
    results = {"machine": describe("numpy", "scipy", "scikit-learn", "threadpoolctl"), "lines": {}}
    mnist = fetch_mnist()
    for part in arguments.parts or PARTS:
        for name, seen, wanted in PARTS[part](mnist):
            line = f"{part}: {name}"
            results["lines"][line] = {"seen": float(f"{seen:.3g}"), "wanted": wanted}
            kept = "" if wanted is None or seen <= float(wanted.split()[1]) else "  MISSED"
            print(f"{line:72}{seen:8.3g}   {wanted or '':8}{kept}", flush=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
