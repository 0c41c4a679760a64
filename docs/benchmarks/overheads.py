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

What is compared takes turns in one process, and medians are compared, with the quartiles of single
rounds beside them. A time stands beside its ratio to what it is added to. MNIST comes from
`sknielsen.datasets.fetch_mnist`, whose docstring says where it looks.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import numpy as np
from compare import Report, alternate, arguments_of, difference, ratio
from floor import blas_calls
from sklearn.datasets import load_digits, load_iris
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from sknielsen import MLPSigmoidClassifier
from sknielsen.core.blas import blas_threads
from sknielsen.core.network import Network
from sknielsen.costs import COSTS
from sknielsen.datasets import fetch_mnist
from sknielsen.initializers import INITIALIZERS

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


# --- parts: generators of name, seen, quartiles, and what is wanted -----------------------------


def figures(mnist, n_rounds):
    """Compare a training with its figures with one without them."""
    digits, iris = load_digits(), load_iris()
    tables = {
        "MNIST": (mnist.X_train, mnist.y_train, 1, "<= 1.10"),
        "load_digits": (digits.data / 16, digits.target, 10, "<= 1.25"),
        "iris": (StandardScaler().fit_transform(iris.data), iris.target, 60, "<= 1.35"),
    }
    for name, (X, y, n_epochs, wanted) in tables.items():
        n_val = len(X) // 5
        contestants = {
            "without": training(X, y, n_epochs, monitor_samples=0),
            "monitored": training(X, y, n_epochs),
            "validated too": training(X, y, n_epochs, (X[:n_val], y[:n_val])),
        }
        times = alternate(contestants, n_rounds)
        yield f"{name}, monitored", *ratio(times, "monitored", "without"), wanted
        yield f"{name}, validated too", *ratio(times, "validated too", "without"), None
        del contestants["validated too"]
        with busy_core():
            times = alternate(contestants, n_rounds)
        yield f"{name}, monitored, a core busy", *ratio(times, "monitored", "without"), wanted


# --- fit beyond its epochs ----------------------------------------------------------------------


def fit_beyond(mnist, n_rounds):
    """Time `fit` outside of its epochs, in milliseconds."""
    iris = load_iris()
    tables = {
        "50,000 x 784": (mnist.X_train, mnist.y_train, "<= 12"),
        "150 x 4": (iris.data, iris.target, "<= 0.8"),
    }
    for name, (X, y, wanted) in tables.items():

        def parts(X=X, y=y):
            clf = MLPSigmoidClassifier(max_iter=1, monitor_samples=0)
            start = time.perf_counter()
            clf.fit(X, y)
            seconds = time.perf_counter() - start
            return {"fit": seconds, "epoch": clf.history_["duration"][0]}

        times = alternate({"parts": parts}, n_rounds)
        yield f"{name}, ms", *difference(times, "fit", "epoch", 1e-3), wanted
        yield f"{name}, whole fit / its epoch", *ratio(times, "fit", "epoch"), None


# --- predictions --------------------------------------------------------------------------------


def predictions(mnist, n_rounds):
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
                times = alternate(calls, n_rounds, n_calls)
                name = f"{method} of {n_rows} rows in {np.dtype(dtype).name} / MLPClassifier"
                yield name, *ratio(times, "ours", "theirs"), wanted


# --- steps --------------------------------------------------------------------------------------


def make_step(sizes, n_rows=10):
    """Make a function that takes a step, and one that makes its calls of BLAS only."""
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

    step()
    return step, partial(blas_calls(sizes, n_rows), x)


def steps(mnist, n_rounds):
    """Time what a step takes beyond its calls of BLAS, in microseconds."""
    for sizes, wanted in (
        ((64, 32, 10), "<= 6.5"),
        ((20, 100, 1), "<= 6.5"),
        ((784, 30, 10), "<= 6.5"),
        ((784, 100, 10), None),
    ):
        step, blas = make_step(sizes)
        runs = {"step": step, "blas": blas}
        times = blas_threads(10, sizes)(alternate, runs, 5 * n_rounds, 100)
        name = "-".join(map(str, sizes))
        yield f"{name}, us", *difference(times, "step", "blas", 1e-6), wanted
        yield f"{name} / its calls of BLAS", *ratio(times, "step", "blas"), None


def short_calls(mnist, n_rounds):
    """Time what a `partial_fit` of few rows takes beyond its step, in milliseconds."""
    X, y = mnist.X_train, mnist.y_train
    for n_rows in (1, 10):
        clf = MLPSigmoidClassifier(random_state=0).partial_fit(X[:10], y[:10], range(10))
        step, _ = make_step((784, 100, 10), n_rows)
        calls = {
            "call": lambda clf=clf, n=n_rows: clf.partial_fit(X[:n], y[:n]),
            "step": lambda step=step, n=n_rows: blas_threads(n, (784, 100, 10))(step),
        }
        times = alternate(calls, 2 * n_rounds, 10)
        yield f"{n_rows} rows, ms", *difference(times, "call", "step", 1e-3), "<= 0.35"
        yield f"{n_rows} rows / the step", *ratio(times, "call", "step"), None
    clf = MLPSigmoidClassifier(random_state=0).partial_fit(X[:10], y[:10], range(10))
    times = []
    for _ in range(20_000):
        start = time.perf_counter()
        clf.partial_fit(X[:1], y[:1])
        times.append(time.perf_counter() - start)
    ends = {"last": times[-1000:], "first": times[1000:2000]}
    name = "calls 19,001 to 20,000 / calls 1,001 to 2,000"
    yield name, *ratio(ends, "last", "first"), "<= 1.1"


# --- import -------------------------------------------------------------------------------------


def importing(mnist, n_rounds):
    """Time ``import sknielsen`` in new processes, in milliseconds of CPU time.

    The round that warms up writes the bytecode, which an installation has.
    """
    code = (
        "import time; first = time.process_time(); import sklearn.base, scipy.linalg; "
        "start = time.process_time(); import sknielsen; end = time.process_time(); "
        "print(start - first, end - start)"
    )

    variables = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def run():
        command = [sys.executable, "-c", code]
        printed = subprocess.check_output(command, text=True, env=variables)
        return dict(zip(("others", "ours"), map(float, printed.split())))

    with tempfile.TemporaryDirectory() as folder:
        variables["PYTHONPYCACHEPREFIX"] = folder
        times = alternate({"run": run}, n_rounds)
    times["nothing"] = [0.0] * len(times["ours"])
    name = "beyond sklearn.base and scipy.linalg"
    yield f"{name}, ms", *difference(times, "ours", "nothing", 1e-3), "<= 60"
    yield f"{name} / these two", *ratio(times, "ours", "others"), None


PARTS = {
    "figures": figures,
    "fit": fit_beyond,
    "predictions": predictions,
    "partial_fit": short_calls,
    "import": importing,
    "step": steps,
}


def main():
    """Measure, print the lines, write the JSON."""
    parser = arguments_of(__doc__, __file__, 21)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all without")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # one epoch is too few to converge
    report = Report("numpy", "scipy", "scikit-learn", "threadpoolctl")
    mnist = fetch_mnist()
    for part in given.parts or PARTS:
        for name, seen, between, wanted in PARTS[part](mnist, given.rounds):
            report.line(f"{part}: {name}", seen, between, wanted)
    report.write(given.output)


if __name__ == "__main__":
    main()
