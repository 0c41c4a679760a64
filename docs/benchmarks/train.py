"""Time epochs of plain mini-batch gradient descent in float32, on the CPU, beside the peers.

    python docs/benchmarks/train.py                     # about ten minutes
    python docs/benchmarks/run.py train_haswell         # the same with OPENBLAS_CORETYPE=Haswell

Contestants, all of them on the same rows, layer sizes, mini-batches, eta and cost:

- sknielsen: the whole of `fit` with ``monitor_samples=0``, and of it the epoch alone.
- floor: the calls of BLAS of the same steps on the same rows, and nothing else (``floor.py``).
- MLPClassifier: the whole of `fit`, solver sgd without momentum, with one and two BLAS threads.
- PyTorch: the loop alone, with tensors, network and optimiser made beforehand, and rows indexed
  by a random permutation; with ``torch.optim.SGD``, foreach on and off, and with the update
  written by hand; each with one and two threads.
- skorch: the whole of `fit` around the same network of PyTorch, with one and two threads.

Of each peer the fastest variant counts, of PyTorch the fastest with ``torch.optim``; the update
by hand stands beside it. A `fit` is compared with our `fit`, PyTorch's loop with our epoch alone.
They take turns in one process, and a round warms up. A ratio compares medians; beside it stand
the quartiles of the ratios of single rounds. Set-ups with wide layers, and those that are no
images, take fewer rows, which `rows` tells: an epoch's time is proportional to them.

The last set-up is another: the whole of `fit` on the table load_digits, 50 epochs, ours with
everything default but the size, `MLPClassifier` with solver sgd and the same mini-batches and
epochs, and everything else default.

With OPENBLAS_CORETYPE=Haswell, NumPy and SciPy compute as on a processor without AVX-512 (PyTorch
chooses its kernels itself: it gets ATEN_CPU_CAPABILITY=avx2 and MKL_ENABLE_INSTRUCTIONS=AVX2 from
``run.py``). MNIST comes from `sknielsen.datasets.fetch_mnist`.
"""

import time
import warnings
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np
from compare import Report, alternate, arguments_of, fastest, ratio, spreads
from floor import blas_calls
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sknielsen import MLPSigmoidClassifier
from sknielsen.core.blas import blas_threads
from sknielsen.datasets import fetch_mnist

ETA = 0.1
THREADS = 1, 2
BETTER = "the better peer / sknielsen"


@dataclass(frozen=True)
class Setup:
    """A network, the rows it is trained on, and what is wanted of the ratios."""

    rows: str  # a key of ROWS
    hidden: tuple
    batch_size: int
    n_rows: int = 50_000
    wanted: dict = field(default_factory=dict)


FIRST = {
    "epoch / floor": "<= 1.35",
    "fit / floor": "<= 1.5",
    "MLPClassifier / sknielsen": ">= 6.5",
    "PyTorch / sknielsen": ">= 6.5",
}
SETUPS = {
    "784-100-10, batch 10": Setup("MNIST", (100,), 10, wanted=FIRST),
    "784-100-10, batch 100": Setup("MNIST", (100,), 100, wanted={BETTER: ">= 2"}),
    "784-30-10, batch 10": Setup("MNIST", (30,), 10, 20_000),
    "64-32-10, batch 10": Setup("digits", (32,), 10, 15_000),
    "20-100-1, batch 10": Setup("two classes", (100,), 10, 15_000),
    "784-800-10, batch 100": Setup("MNIST", (800,), 100, 10_000, {BETTER: ">= 1.6"}),
    "784-2000-2000-10, batch 256": Setup("MNIST", (2000, 2000), 256, 5_120, {BETTER: ">= 1.2"}),
}
DIGITS = "load_digits, 64-32-10, 50 epochs"


def digits():
    """Return load_digits, again and again, and 297 rows for testing."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    again = np.arange(15_000) % 1_500
    return X[again], y[again], X[1_500:], y[1_500:]


def two_classes():
    """Return a made table of 20 features and two classes."""
    X, y = make_classification(17_000, n_features=20, n_informative=10, random_state=0)
    X = X.astype(np.float32)
    return X[:15_000], y[:15_000], X[15_000:], y[15_000:]


def images():
    """Return MNIST, with its validation rows for testing."""
    mnist = fetch_mnist()
    return mnist.X_train, mnist.y_train, mnist.X_val, mnist.y_val


ROWS = {"MNIST": images, "digits": digits, "two classes": two_classes}


class Task:
    """What the contestants of a set-up share; it notes the accuracy that each reaches."""

    def __init__(self, setup, data, n_rows):
        X, y, self._X_test, self._y_test = data
        self.X, self.y = X[:n_rows], y[:n_rows]
        self.hidden, self.batch_size = setup.hidden, setup.batch_size
        self.n_outputs = 1 if y.max() == 1 else 10
        self.sizes = [X.shape[1], *self.hidden, self.n_outputs]
        self.accuracy = {}

    def targets(self):
        """Return zeros and ones for each output."""
        Y = self.y[:, None] == (np.arange(10) if self.n_outputs > 1 else 1)
        return Y.astype(np.float32)

    def test(self, name, predict):
        """Note the accuracy on the test rows: what is timed must have learnt."""
        right = predict(self._X_test) == self._y_test
        self.accuracy[name] = round(float(np.mean(right)), 4)


# --- contestants: functions of a task that return seconds by name -------------------------------


def time_sknielsen(task):
    """Time `fit`, and the epoch within it."""
    model = MLPSigmoidClassifier(
        task.hidden,
        cost="cross_entropy",
        eta=ETA,
        eta_schedule="constant",
        lmbda=0.0,
        batch_size=task.batch_size,
        max_iter=1,
        monitor_samples=0,
    )
    start = time.perf_counter()
    model.fit(task.X, task.y)
    seconds = time.perf_counter() - start
    task.test("sknielsen, fit", model.predict)
    return {"sknielsen, fit": seconds, "sknielsen, epoch": model.history_["duration"][0]}


def time_floor(task):
    """Time the calls of BLAS of an epoch, with the threads that sknielsen takes."""
    step = blas_calls(task.sizes, task.batch_size)
    starts = range(0, len(task.X) - task.batch_size + 1, task.batch_size)
    batches = [task.X[i : i + task.batch_size] for i in starts]

    def epoch():
        start = time.perf_counter()
        for x in batches:
            step(x)
        return time.perf_counter() - start

    return {"floor": blas_threads(task.batch_size, task.sizes)(epoch)}


def time_mlp(task, n_threads):
    """Time `fit` of MLPClassifier."""
    name = f"MLPClassifier, {threads(n_threads)}"
    model = MLPClassifier(
        task.hidden,
        activation="logistic",
        solver="sgd",
        alpha=0,
        momentum=0,
        nesterovs_momentum=False,
        learning_rate_init=ETA,
        batch_size=task.batch_size,
        max_iter=1,
    )
    with threadpool_limits(n_threads, "blas"):
        start = time.perf_counter()
        model.fit(task.X, task.y)
        seconds = time.perf_counter() - start
    task.test(name, model.predict)
    return {name: seconds}


def make_torch_network(sizes):
    """Make the layers; the last one's sigmoid is in the cost."""
    from torch import nn

    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.Sigmoid()]
    return nn.Sequential(*layers[:-1])


def predict_by(network):
    """Make a function that predicts classes by a network of PyTorch."""
    import torch

    def predict(X):
        with torch.no_grad():
            z = network(torch.from_numpy(X)).numpy()
        return z.argmax(axis=1) if z.shape[1] > 1 else (z[:, 0] > 0).astype(int)

    return predict


def time_torch(task, n_threads, update):
    """Time the loop that a skilled user of PyTorch writes.

    `update` is "by hand", or whether torch.optim.SGD is to go through all parameters at once.
    """
    import torch
    from torch import nn

    kind = "by hand" if update == "by hand" else f"torch.optim, foreach={update}"
    name = f"PyTorch, {kind}, {threads(n_threads)}"
    X, Y = torch.from_numpy(task.X), torch.from_numpy(task.targets())
    network, cost = make_torch_network(task.sizes), nn.BCEWithLogitsLoss()
    step = ETA * task.n_outputs  # this cost is a mean over the outputs; the others' is a sum
    parameters = list(network.parameters())
    foreach = update if isinstance(update, bool) else None
    optimizer = torch.optim.SGD(parameters, step, foreach=foreach)
    torch.set_num_threads(n_threads)
    start = time.perf_counter()
    for rows in torch.randperm(len(X)).split(task.batch_size):
        cost(network(X.index_select(0, rows)), Y.index_select(0, rows)).backward()
        if update == "by hand":
            with torch.no_grad():
                for p in parameters:
                    p.sub_(p.grad, alpha=step)
                    p.grad = None
        else:
            optimizer.step()
            optimizer.zero_grad()
    seconds = time.perf_counter() - start
    task.test(name, predict_by(network))
    return {name: seconds}


def time_skorch(task, n_threads):
    """Time `fit` of skorch, without validation rows and messages."""
    import torch
    from skorch import NeuralNet

    name = f"skorch, {threads(n_threads)}"
    Y = task.targets()
    net = NeuralNet(
        make_torch_network(task.sizes),
        torch.nn.BCEWithLogitsLoss,
        optimizer=torch.optim.SGD,
        lr=ETA * task.n_outputs,
        max_epochs=1,
        batch_size=task.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks__print_log=None,
        verbose=0,
    )
    torch.set_num_threads(n_threads)
    start = time.perf_counter()
    net.fit(task.X, Y)
    seconds = time.perf_counter() - start
    task.test(name, predict_by(net.module_))
    return {name: seconds}


def threads(n_threads):
    """Name a number of threads."""
    return f"{n_threads} thread{'s' * (n_threads > 1)}"


def contestants(report):
    """Return those that are installed, each a function of a task."""
    found = {
        "sknielsen": time_sknielsen,
        "floor": time_floor,
        "MLPClassifier": [partial(time_mlp, n_threads=n) for n in THREADS],
    }
    if not report.lacks("PyTorch", "torch"):
        found["PyTorch"] = [
            partial(time_torch, n_threads=n, update=update)
            for n in THREADS
            for update in (False, True, "by hand")
        ]
    if not report.lacks("skorch", "torch", "skorch"):
        found["skorch"] = [partial(time_skorch, n_threads=n) for n in THREADS]
    return {
        f"{name} {i}": function
        for name, functions in found.items()
        for i, function in enumerate(functions if isinstance(functions, list) else [functions])
    }


# --- ratios -------------------------------------------------------------------------------------


def compare(times):
    """Return the ratios of a set-up, each with its quartiles, by name."""
    ours = "sknielsen, fit"
    ratios = {
        "epoch / floor": ratio(times, "sknielsen, epoch", "floor"),
        "fit / floor": ratio(times, ours, "floor"),
        "MLPClassifier / sknielsen": ratio(times, fastest(times, "MLPClassifier"), ours),
    }
    if any(name.startswith("PyTorch") for name in times):
        for label, start in (
            ("PyTorch", "PyTorch, torch.optim"),
            ("PyTorch by hand", "PyTorch, by"),
        ):
            best = fastest(times, start)
            ratios[f"{label} / sknielsen"] = ratio(times, best, "sknielsen, epoch")
    if any(name.startswith("skorch") for name in times):
        ratios["skorch / sknielsen"] = ratio(times, fastest(times, "skorch"), ours)
    peers = [f"{peer} / sknielsen" for peer in ("MLPClassifier", "PyTorch", "skorch")]
    ratios[BETTER] = min((ratios[p] for p in peers if p in ratios), key=lambda found: found[0])
    return ratios


def time_digits(n_rounds):
    """Time the whole of `fit` with defaults on load_digits."""
    X, y = load_digits(return_X_y=True)
    X, n_epochs = X / 16, 50

    def ours():
        MLPSigmoidClassifier(32, max_iter=n_epochs).fit(X, y)

    def theirs(n_threads):
        model = MLPClassifier(
            32,
            solver="sgd",
            batch_size=10,
            max_iter=n_epochs,
            tol=0,
            n_iter_no_change=n_epochs,
        )
        with threadpool_limits(n_threads, "blas"):
            model.fit(X, y)

    runs = {"sknielsen": ours}
    runs |= {f"MLPClassifier, {threads(n)}": partial(theirs, n) for n in THREADS}
    return alternate(runs, n_rounds, pause=0.1)


def main():
    """Run the set-ups, print their lines, write the JSON file."""
    parser = arguments_of(__doc__, __file__, 7)
    names = [*SETUPS, DIGITS]
    parser.add_argument("--setups", nargs="+", choices=names, default=names)
    parser.add_argument("--rows", type=int, help="at most so many rows in each set-up, to try it")
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch is what is asked for
    report = Report("numpy", "scipy", "scikit-learn", "torch", "skorch")
    functions, found = contestants(report), {}
    for name in given.setups:
        if name == DIGITS:
            times = time_digits(given.rounds)
            ratios = {
                "MLPClassifier / sknielsen": ratio(
                    times, fastest(times, "MLPClassifier"), "sknielsen"
                )
            }
            found[name] = {"rows": 1797, "seconds": spreads(times)}
            wanted = {"MLPClassifier / sknielsen": ">= 8"}
        else:
            setup = SETUPS[name]
            task = Task(setup, ROWS[setup.rows](), min(setup.n_rows, given.rows or setup.n_rows))
            runs = {key: partial(function, task) for key, function in functions.items()}
            times = alternate(runs, given.rounds, pause=0.1)
            found[name] = {"rows": len(task.X), "seconds": spreads(times)}
            found[name]["accuracy"] = task.accuracy
            ratios, wanted = compare(times), setup.wanted
        found[name]["ratios"] = {key: round(value, 2) for key, (value, _) in ratios.items()}
        for key, (value, between) in ratios.items():
            report.line(f"{name}: {key}", value, between, wanted.get(key))
    report.write(given.output, setups=found)


if __name__ == "__main__":
    main()
