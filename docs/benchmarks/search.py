"""Time a search in two processes against the same search in one.

    python docs/benchmarks/search.py

A GridSearchCV of 12 candidates, in 3 folds, on the first 10,000 training images of MNIST, and the
refit of the best: serially, and by joblib's loky with ``n_jobs=2``. The worker processes are
started and have imported everything before anything is timed. Runs alternate; the medians count.
Two processes are allowed 0.62 of the serial time. More would mean that the processes hinder each
other, for instance with more BLAS threads than there are cores: the BLAS threads that a worker
process has are therefore noted.

MNIST comes from `sknielsen.datasets.fetch_mnist`, whose docstring says where it looks.
"""

import argparse
import json
from pathlib import Path
from statistics import median
from time import perf_counter

from joblib import Parallel, delayed
from machine import describe
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist

GRID = {
    "eta": [0.1, 0.25, 0.5],
    "lmbda": [0.0, 5.0],
    "cost": ["cross_entropy", "log_likelihood"],
}
ALLOWED = 0.62


def search(n_jobs, X, y):
    """Search in n_jobs processes; return the seconds it took and the best parameters."""
    model = MLPSigmoidClassifier(100, max_iter=5, random_state=0)
    grid = GridSearchCV(model, GRID, cv=3, n_jobs=n_jobs, error_score="raise")
    start = perf_counter()
    grid.fit(X, y)
    return perf_counter() - start, grid.best_params_


def blas_threads():
    """Return the number of threads of each BLAS library in this process."""
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def main():
    """Time both ways in turn, print and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="runs of each kind")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_name("search.json"), help="JSON file"
    )
    arguments = parser.parse_args()
    mnist = fetch_mnist()
    X, y = mnist.X_train[:10_000], mnist.y_train[:10_000]

    results = describe("numpy", "scipy", "scikit-learn", "joblib")
    search(2, X[:500], y[:500])
    results["worker_blas_threads"] = Parallel(2)(delayed(blas_threads)() for _ in range(2))[0]
    seconds, found = {"1": [], "2": []}, []
    for _ in range(arguments.repeats):
        for n_jobs in (1, 2):
            taken, best = search(n_jobs, X, y)
            seconds[str(n_jobs)].append(round(taken, 2))
            found.append(best)
            print(f"{n_jobs} process(es): {taken:.2f} s", flush=True)
    if any(best != found[0] for best in found):
        raise RuntimeError(f"The searches found different parameters: {found}.")
    ratio = median(seconds["2"]) / median(seconds["1"])
    results |= {"seconds": seconds, "ratio_of_medians": round(ratio, 3), "allowed": ALLOWED}
    print(f"ratio of medians: {ratio:.3f}, allowed {ALLOWED}")
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
