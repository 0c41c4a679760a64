"""Time a search in two processes against the same search in one.

    python docs/benchmarks/search.py

A GridSearchCV of 12 candidates, in 3 folds, on the first 10,000 training images of MNIST, and the
refit of the best: serially, and by joblib's loky with ``n_jobs=2``. The worker processes are
started and have imported everything before anything is timed. Runs alternate; the medians count.
A ratio far above one half would mean that the processes hinder each other, for instance with more
BLAS threads than there are cores: the BLAS threads that a worker process has are therefore noted.

MNIST comes from `sknielsen.datasets.fetch_mnist`, whose docstring says where it looks.
"""

from functools import partial

from compare import Report, alternate, arguments_of, ratio, spreads
from joblib import Parallel, delayed
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist

GRID = {
    "eta": [0.1, 0.25, 0.5],
    "lmbda": [0.0, 5.0],
    "cost": ["cross_entropy", "log_likelihood"],
}
WANTED = "<= 0.55"


def search(n_jobs, X, y, found):
    """Search in n_jobs processes, and add the best parameters to those found."""
    model = MLPSigmoidClassifier(100, max_iter=5, random_state=0)
    grid = GridSearchCV(model, GRID, cv=3, n_jobs=n_jobs, error_score="raise")
    found.append(grid.fit(X, y).best_params_)


def blas_threads():
    """Return the number of threads of each BLAS library in this process."""
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def main():
    """Time both ways in turn, print their ratio, write the JSON file."""
    parser = arguments_of(__doc__, __file__, 3)
    parser.add_argument("--rows", type=int, default=10_000)
    given = parser.parse_args()
    mnist, found = fetch_mnist(), []
    X, y = mnist.X_train[: given.rows], mnist.y_train[: given.rows]
    report = Report("numpy", "scipy", "scikit-learn", "joblib")
    search(2, X[:500], y[:500], [])
    worker_threads = Parallel(2)(delayed(blas_threads)() for _ in range(2))[0]
    runs = {
        "1 process": partial(search, 1, X, y, found),
        "2 processes": partial(search, 2, X, y, found),
    }
    times = alternate(runs, given.rounds)
    if any(best != found[0] for best in found):
        raise RuntimeError(f"The searches found different parameters: {found}.")
    report.line("2 processes / 1 process", *ratio(times, "2 processes", "1 process"), WANTED)
    report.write(given.output, seconds=spreads(times), worker_blas_threads=worker_threads)


if __name__ == "__main__":
    main()
