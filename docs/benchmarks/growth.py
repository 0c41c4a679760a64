"""How the time of an epoch grows: with rows, neurons, mini-batches, classes, features, threads.

    python docs/benchmarks/growth.py                    # about five minutes, less than a gigabyte
    python docs/benchmarks/growth.py rows features      # some of the curves

Along each curve one quantity grows, from the smallest to the largest, with one BLAS thread and
with two. `fit` runs on random rows in float32 without monitoring, and its epoch is timed. The
exponent is that of the power law fitted to the upper half of the curve, by least squares on the
logarithms: 1 means that twice the quantity takes twice the time. Its range is that of the curves
of both quartiles. Beside each time stands its ratio
to the calls of BLAS of the same steps (``floor.py``), which tells arithmetic from the rest, and
between neighbouring points the exponent from one to the next, which tells where a curve bends.

`EXPECTED` says which exponent arithmetic alone would have, and why.
"""

from dataclasses import dataclass

import numpy as np
from compare import Report, alternate, arguments_of, rounded
from floor import blas_calls
from scipy import sparse
from threadpoolctl import threadpool_limits

from sknielsen import MLPSigmoidClassifier
from sknielsen.core.blas import blas_threads

THREADS = 1, 2


@dataclass(frozen=True)
class Shape:
    """The rows and the network of a point."""

    rows: int = 5_000
    features: int = 64
    hidden: int = 100
    classes: int = 10
    batch: int = 10
    nonzero: int | None = None  # numbers in a sparse row; None for dense rows


# The quantity that grows, its values, the shape otherwise, and the exponent of the arithmetic.
ROWS = 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000
FEATURES = 10, 100, 1_000, 3_000, 10_000, 30_000, 100_000
CURVES = {
    "rows": ("rows", ROWS, Shape(hidden=32)),
    "hidden": ("hidden", (10, 30, 100, 300, 1_000, 2_000, 4_000), Shape(2_000, 784, batch=100)),
    "batch": ("batch", (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000), Shape(10_000)),
    "classes": ("classes", (2, 5, 10, 30, 100, 300, 1_000), Shape(batch=100)),
    "features": ("features", FEATURES, Shape(1_000)),
    "features, batch 100": ("features", FEATURES, Shape(1_000, batch=100)),
    "features, sparse": ("features", FEATURES[1:], Shape(1_000, batch=100, nonzero=50)),
}
EXPECTED = {
    "rows": "1: the same steps, more of them",
    "hidden": "1: both products of a step grow with the hidden neurons",
    "batch": "0: an epoch has as many multiply-adds, in fewer and larger products",
    "classes": "1 where the output layer is the larger one, 0 before",
    "features": "1: the first product grows with them",
    "features, batch 100": "1: the first product grows with them",
    "features, sparse": "1: sparse rows are multiplied as dense ones, a chunk at a time",
}


def make_rows(shape):
    """Make random rows and labels; every class has a row."""
    rng = np.random.default_rng(0)
    y = np.arange(shape.rows) % shape.classes
    if shape.nonzero is None:
        X = np.empty((shape.rows, shape.features), np.float32)
        for part in np.array_split(X, 100):  # no float64 copy of all
            part[...] = rng.random(part.shape, dtype=np.float32)
        return X, y
    columns = rng.integers(0, shape.features, (shape.rows, shape.nonzero))
    pointers = np.arange(shape.rows + 1) * shape.nonzero
    values = rng.random(columns.size, dtype=np.float32)
    X = sparse.csr_array((values, columns.ravel(), pointers), (shape.rows, shape.features))
    X.sum_duplicates()
    return X, y


def measure(shape, n_rounds):
    """Return the seconds of an epoch and of its calls of BLAS, by number of threads."""
    X, y = make_rows(shape)
    n_outputs = 1 if shape.classes == 2 else shape.classes
    sizes = [shape.features, shape.hidden, n_outputs]
    batch = min(shape.batch, shape.rows)
    step, x = (
        blas_calls(sizes, batch),
        np.random.default_rng(0).random((batch, shape.features), dtype=np.float32),
    )

    def epoch():
        clf = MLPSigmoidClassifier(
            shape.hidden,
            eta=1e-3,
            eta_schedule="constant",
            lmbda=0.0,
            batch_size=batch,
            max_iter=1,
            monitor_samples=0,
            random_state=0,
        )
        return {"epoch": clf.fit(X, y).history_["duration"][0]}

    def steps():
        for _ in range(shape.rows // batch):
            step(x)

    found = {}
    for n_threads in THREADS:
        with threadpool_limits(n_threads, "blas"):
            run = blas_threads(batch, sizes)
            runs = {"epoch": epoch, "floor": lambda run=run: run(steps)}
            found[n_threads] = alternate(runs, n_rounds)
    return found


def exponent(values, seconds):
    """Fit a power law: the slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(values), np.log(seconds), 1)[0])


def follow(name, n_rounds, small):
    """Measure a curve; return its points, by number of threads."""
    quantity, values, shape = CURVES[name]
    values = values[:3] if small else values
    points = {n: {"epoch": [], "spread": [], "floor": []} for n in THREADS}
    for value in values:
        found = measure(Shape(**{**vars(shape), quantity: value}), n_rounds)
        for n_threads, times in found.items():
            low, middle, high = np.quantile(times["epoch"], (0.25, 0.5, 0.75))
            points[n_threads]["epoch"].append(rounded(float(middle)))
            points[n_threads]["spread"].append(rounded([float(low), float(high)]))
            points[n_threads]["floor"].append(rounded(float(np.median(times["floor"]))))
    curve = {"quantity": quantity, "values": list(values), "shape": vars(shape)}
    curve |= {"expected": EXPECTED[name], "threads": {}}
    upper = slice(len(values) // 2, None)
    for n_threads, found in points.items():
        seconds = found["epoch"]
        pairs = zip(values, values[1:], seconds, seconds[1:])
        curve["threads"][str(n_threads)] = {
            "seconds": seconds,
            "quartiles": found["spread"],
            "epoch / floor": [rounded(a / b) for a, b in zip(seconds, found["floor"])],
            "exponent": rounded(exponent(values[upper], seconds[upper])),
            "range": sorted(
                rounded(exponent(values[upper], end[upper])) for end in zip(*found["spread"])
            ),
            "exponents": [rounded(exponent(pair[:2], pair[2:])) for pair in pairs],
        }
    return curve


def main():
    """Follow the curves, print their exponents, write the JSON file."""
    parser = arguments_of(__doc__, __file__, 5)
    parser.add_argument("curves", nargs="*", help=f"some of {', '.join(CURVES)}; all without")
    parser.add_argument("--small", action="store_true", help="the first points only, to try it")
    given = parser.parse_args()
    report, curves = Report("numpy", "scipy", "scikit-learn"), {}
    for name in given.curves or CURVES:
        curve = curves[name] = follow(name, given.rounds, given.small)
        print(f"{name}, {curve['values']}; of the arithmetic {curve['expected']}")
        for n_threads, found in curve["threads"].items():
            threads = f"{n_threads} thread{'s' * (n_threads != '1')}"
            print(f"  {threads}: seconds {found['seconds']}")
            print(
                f"  over BLAS {found['epoch / floor']}, from one to the next {found['exponents']}"
            )
            report.line(f"{name}: exponent, {threads}", found["exponent"], found["range"])
    report.write(given.output, curves=curves)


if __name__ == "__main__":
    main()
