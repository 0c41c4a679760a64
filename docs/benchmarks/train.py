"""Time one epoch over the 50,000 training rows of MNIST in float32, on the CPU.

    python docs/benchmarks/train.py

Contestants, all of them plain mini-batch gradient descent on the same rows and layer sizes:

- sknielsen: the whole of `fit` without monitoring; beside it the training loop alone, and what
  default monitoring adds to `fit`.
- MLPClassifier of scikit-learn: the whole of `fit`, with BLAS threads as they come, and with one.
- PyTorch: the loop alone, with tensors, network and optimiser made beforehand. Rows are indexed
  by a random permutation. Both with `torch.optim.SGD` and with the update written by hand, each
  with one thread and with two.
- gemm: the five matrix products that sknielsen makes for each mini-batch, and nothing else. This
  is the floor.

They take turns in one process, and one round warms up. A ratio compares medians: MLPClassifier's
`fit` with ours, PyTorch's loop with ours. `train.json` is such a run; `train_haswell.json` is one
with OPENBLAS_CORETYPE=Haswell, as on a processor without AVX-512. PyTorch must be installed. MNIST
comes from `sknielsen.datasets.fetch_mnist`, whose docstring says where it looks.
"""

import argparse
import gc
import json
import time
import warnings
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from machine import describe
from scipy.linalg.blas import sgemm
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits
from torch import nn

from sknielsen import MLPSigmoidClassifier
from sknielsen.core.blas import blas_threads
from sknielsen.datasets import fetch_mnist

ETA = 0.5
N_CLASSES = 10

# Hidden units, rows of a mini-batch, and the bounds that the ratios of medians ought to keep.
SETUPS = {
    "batch10": {
        "hidden": 100,
        "batch_size": 10,
        "wanted": {
            "MLPClassifier / sknielsen": ">= 7",
            "PyTorch / sknielsen": ">= 7",
            "sknielsen / gemm": "<= 1.7",
        },
    },
    "batch100": {
        "hidden": 100,
        "batch_size": 100,
        "wanted": {"MLPClassifier / sknielsen": ">= 2.3", "PyTorch / sknielsen": ">= 2.3"},
    },
    "wide": {
        "hidden": 800,
        "batch_size": 100,
        "wanted": {"MLPClassifier / sknielsen": ">= 1.5", "PyTorch / sknielsen": ">= 1.5"},
    },
}


# --- contestants: (data, hidden, batch_size) -> times by name, validation accuracy -------------


def time_sknielsen(data, hidden, batch_size):
    """Time `fit`, its loop, and what default monitoring adds outside the loop."""

    def fit(**parameters):
        model = MLPSigmoidClassifier(
            hidden,
            cost="cross_entropy",
            eta=ETA,
            eta_schedule="constant",
            lmbda=0.0,
            batch_size=batch_size,
            max_iter=1,
            **parameters,
        )
        start = time.perf_counter()
        model.fit(data.X_train, data.y_train)
        return model, time.perf_counter() - start, model.history_["duration"][0]

    _, monitored, monitored_loop = fit()
    model, whole, loop = fit(monitor_samples=0)
    times = {
        "sknielsen": whole,
        "sknielsen, loop alone": loop,
        "sknielsen, default monitoring": (monitored - monitored_loop) - (whole - loop),
    }
    return times, model.score(data.X_val, data.y_val)


def time_mlp(data, hidden, batch_size, n_threads):
    """Time `fit` of MLPClassifier; None leaves the BLAS threads as they are."""
    model = MLPClassifier(
        hidden,
        activation="logistic",
        solver="sgd",
        alpha=0,
        momentum=0,
        nesterovs_momentum=False,
        learning_rate_init=ETA,
        batch_size=batch_size,
        max_iter=1,
    )
    with threadpool_limits(n_threads, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch is what is asked for
        start = time.perf_counter()
        model.fit(data.X_train, data.y_train)
        seconds = time.perf_counter() - start
    name = "MLPClassifier" + (f", {n_threads} thread" if n_threads else "")
    return {name: seconds}, model.score(data.X_val, data.y_val)


def time_torch(data, hidden, batch_size, n_threads, by_hand):
    """Time the loop that a skilled user of PyTorch writes."""
    X = torch.from_numpy(data.X_train)
    Y = nn.functional.one_hot(torch.from_numpy(data.y_train), N_CLASSES).float()
    network = nn.Sequential(
        nn.Linear(X.shape[1], hidden), nn.Sigmoid(), nn.Linear(hidden, N_CLASSES)
    )
    cost = nn.BCEWithLogitsLoss()
    step = ETA * N_CLASSES  # this cost is a mean over the outputs; the others' is a sum
    parameters = list(network.parameters())
    optimizer = torch.optim.SGD(parameters, step)
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        start = time.perf_counter()
        for rows in torch.randperm(len(X)).split(batch_size):
            cost(network(X.index_select(0, rows)), Y.index_select(0, rows)).backward()
            if by_hand:
                with torch.no_grad():
                    for p in parameters:
                        p.sub_(p.grad, alpha=step)
                        p.grad = None
            else:
                optimizer.step()
                optimizer.zero_grad()
        seconds = time.perf_counter() - start
    finally:
        torch.set_num_threads(before)
    with torch.no_grad():
        predicted = network(torch.from_numpy(data.X_val)).argmax(1).numpy()
    update = "by hand" if by_hand else "torch.optim"
    name = f"PyTorch, {update}, {n_threads} thread{'s' * (n_threads > 1)}"
    return {name: seconds}, float(np.mean(predicted == data.y_val))


def time_gemm(data, hidden, batch_size):
    """Time the calls of BLAS in `sknielsen.core.network.Network`, as they stand there."""
    sizes = [data.X_train.shape[1], hidden, N_CLASSES]
    starts = range(0, len(data.X_train), batch_size)
    batches = [data.X_train[i : i + batch_size].T for i in starts]
    rng = np.random.default_rng(0)

    def fortran(rows, columns):
        return np.asfortranarray(rng.normal(0, 0.1, (rows, columns)), np.float32)

    w1, w2 = fortran(sizes[0], hidden), fortran(hidden, N_CLASSES)
    z1, z2 = fortran(batch_size, hidden), fortran(batch_size, N_CLASSES)
    delta1, delta2 = fortran(batch_size, hidden), fortran(batch_size, N_CLASSES)
    delta2 *= 1e-12  # the steps leave the weights as they are: nothing overflows
    step = ETA / batch_size

    def multiply():
        start = time.perf_counter()
        for x in batches:
            sgemm(1.0, x, w1, 1.0, z1, 1, 0, 1)
            sgemm(1.0, z1, w2, 1.0, z2, 0, 0, 1)
            sgemm(1.0, delta2, w2, 0.0, delta1, 0, 1, 1)
            sgemm(-step, x, delta1, 1.0, w1, 0, 0, 1)
            sgemm(-step, z1, delta2, 1.0, w2, 1, 0, 1)
        return time.perf_counter() - start

    return {"gemm": blas_threads(batch_size, sizes)(multiply)}, None


CONTESTANTS = [
    time_sknielsen,
    partial(time_mlp, n_threads=None),
    partial(time_mlp, n_threads=1),
    *[
        partial(time_torch, n_threads=n_threads, by_hand=by_hand)
        for n_threads in (1, 2)
        for by_hand in (False, True)
    ],
    time_gemm,
]


# --- rounds, medians, ratios -------------------------------------------------------------------


def run(data, hidden, batch_size, repeats):
    """Let the contestants take turns; return all times, and the last accuracies, by name."""
    times, accuracies = defaultdict(list), {}
    for repeat in range(repeats + 1):
        for contestant in CONTESTANTS:
            gc.collect()
            time.sleep(0.1)  # until the idle threads of the last contestant stop spinning
            seconds_by_name, accuracy = contestant(data, hidden, batch_size)
            if accuracy is not None:
                accuracies[next(iter(seconds_by_name))] = round(accuracy, 4)
            if repeat > 0:  # the first round warms up
                for name, seconds in seconds_by_name.items():
                    times[name].append(round(seconds, 4))
    return times, accuracies


def compare(medians):
    """Compute the ratios of medians: `fit` against `fit`, a loop against a loop.

    MLPClassifier runs with the BLAS threads that a user gets. For PyTorch the better of one and
    two threads counts, with torch.optim.SGD; the update written by hand stands beside it.
    """

    def fastest(start):
        return min(t for name, t in medians.items() if name.startswith(start))

    fit, loop = medians["sknielsen"], medians["sknielsen, loop alone"]
    ratios = {
        "MLPClassifier / sknielsen": medians["MLPClassifier"] / fit,
        "PyTorch / sknielsen": fastest("PyTorch, torch.optim") / loop,
        "PyTorch by hand / sknielsen": fastest("PyTorch, by hand") / loop,
        "sknielsen / gemm": loop / medians["gemm"],
    }
    return {name: round(ratio, 2) for name, ratio in ratios.items()}


def report(title, times, accuracies, ratios, wanted):
    """Print a set-up's table."""
    print(f"\n{title}\n{'':32}{'median':>9}{'min':>9}{'max':>9}{'accuracy':>10}")
    for name, values in times.items():
        seconds = "".join(f"{f(values):9.3f}" for f in (median, min, max))
        print(f"{name:32}{seconds}{accuracies.get(name, ''):>10}")
    for name, ratio in ratios.items():
        print(f"{name:32}{ratio:9.2f}   wanted {wanted.get(name, '-')}")


def main():
    """Run the set-ups, print their tables, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--setups", nargs="+", choices=SETUPS, default=list(SETUPS))
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_name("train.json"), help="JSON file"
    )
    arguments = parser.parse_args()

    data = fetch_mnist()
    results = describe("numpy", "scipy", "scikit-learn", "torch") | {"setups": {}}
    for name in arguments.setups:
        setup = SETUPS[name]
        times, accuracies = run(data, setup["hidden"], setup["batch_size"], arguments.repeats)
        medians = {contestant: round(median(values), 4) for contestant, values in times.items()}
        ratios = compare(medians)
        title = f"784-{setup['hidden']}-10, batch {setup['batch_size']}"
        report(title, times, accuracies, ratios, setup["wanted"])
        results["setups"][title] = {
            "seconds": times,
            "medians": medians,
            "ratios": ratios,
            "wanted": setup["wanted"],
            "validation_accuracy": accuracies,
        }
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
