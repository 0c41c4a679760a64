"""Train on the same rows from memory, from a mapped file, in blocks, and on Dask.

    python docs/benchmarks/out_of_core.py        # needs MNIST and Dask; three minutes

50,000 training images of MNIST in float32, 784-100-10, mini-batches of ten and ten passes; the
accuracy is that on the 10,000 validation images. The images lie in one ``.npy`` file, or, for the
blocks, in ten. Dask has two worker processes of one thread each on this machine, and blocks of
12,500 rows of the mapped file.

Each way runs in a fresh process that imports all it needs, starts its cluster, and tells its
parent. From then on the parent reads the anonymous resident memory of the process and its children
(RssAnon in /proc, hence Linux only) about a hundred times a second. The highest sum minus that
before training is the memory used: rows that are held in memory count, pages of a mapped file do
not. The seconds include reading the files.
"""

import argparse
import select
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np
from compare import Report, arguments_of, rounded
from memory import rss_anon

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist

N_PASSES, N_BLOCKS, N_WORKERS = 10, 10, 2
SETTINGS = {"max_iter": N_PASSES, "random_state": 0}


def in_memory(folder, stack):
    """Train on an array."""
    y = np.load(folder / "y.npy")
    return lambda: MLPSigmoidClassifier(**SETTINGS).fit(np.load(folder / "X.npy"), y)


def mapped(folder, stack):
    """Train on a memory-mapped file."""
    y = np.load(folder / "y.npy")
    X = np.load(folder / "X.npy", mmap_mode="r")
    return lambda: MLPSigmoidClassifier(**SETTINGS).fit(X, y)


def in_blocks(folder, stack):
    """Train on a file after the other by `partial_fit`."""

    def train():
        blocks = np.array_split(np.load(folder / "y.npy"), N_BLOCKS)
        clf = MLPSigmoidClassifier(
            **SETTINGS | {"max_iter": N_PASSES * N_BLOCKS}, n_total=sum(map(len, blocks))
        )
        for _ in range(N_PASSES):
            for i, y in enumerate(blocks):
                clf.partial_fit(np.load(folder / f"X{i}.npy"), y, classes=np.arange(10))
        return clf

    return train


def read(path, start, end):
    """Read some rows of a file."""
    return np.array(np.load(path, mmap_mode="r")[start:end])


def on_dask(folder, stack):
    """Train on a Dask array; each block trains by itself, and weights are averaged."""
    import dask
    import dask.array as da
    from dask.distributed import Client, LocalCluster

    from sknielsen.dask import DaskMLPSigmoidClassifier

    cluster = LocalCluster(
        n_workers=N_WORKERS, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    )
    client = stack.enter_context(Client(stack.enter_context(cluster)))
    client.run(lambda: __import__("sknielsen.dask"))
    y = np.load(folder / "y.npy")
    n_columns = np.load(folder / "X.npy", mmap_mode="r").shape[1]
    labels = np.array_split(y, 2 * N_WORKERS)
    ends = np.cumsum([len(part) for part in labels]).tolist()
    blocks = [
        da.from_delayed(
            dask.delayed(read)(folder / "X.npy", end - len(part), end),
            shape=(len(part), n_columns),
            dtype=np.float32,
        )
        for part, end in zip(labels, ends)
    ]
    X, y = da.concatenate(blocks), da.from_array(y, chunks=(tuple(map(len, labels)),))
    return lambda: DaskMLPSigmoidClassifier(**SETTINGS, sync="average").fit(X, y).to_local()


WAYS = {
    "an array in memory": in_memory,
    "a memory-mapped file": mapped,
    f"{N_BLOCKS} files, by ``partial_fit``": in_blocks,
    'Dask with two workers, ``sync="average"``': on_dask,
}


def child(name, folder):
    """Make ready, train when the parent gives the word, and tell the seconds and the accuracy."""
    with ExitStack() as stack:
        train = WAYS[name](folder, stack)
        print("ready", flush=True)
        sys.stdin.readline()
        start = time.perf_counter()
        clf = train()
        print(time.perf_counter() - start, flush=True)
        X_val, y_val = np.load(folder / "X_val.npy"), np.load(folder / "y_val.npy")
        print(clf.score(X_val, y_val), flush=True)


def family(pid):
    """List a process and all that came of it."""
    threads = Path(f"/proc/{pid}/task").iterdir()  # each of which may have children
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    return [pid, *(member for child in children for member in family(int(child)))]


def measure(name, folder):
    """Train in a child process; return its seconds, mebibytes and accuracy."""
    command = [sys.executable, __file__, "--child", name, "--folder", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"The way {name!r} failed before it began to train.")
        members = family(process.pid)
        before = peak = sum(map(rss_anon, members))
        process.stdin.write("go\n")
        process.stdin.flush()
        while not select.select([process.stdout], [], [], 0.01)[0]:
            peak = max(peak, sum(map(rss_anon, members)))
        seconds, accuracy = (float(process.stdout.readline()) for _ in range(2))
    return {"seconds": seconds, "MiB": peak - before, "accuracy": accuracy}


def main():
    """Measure every way in turns, print and write the medians."""
    parser = arguments_of(__doc__, __file__, 3)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.folder)
        return

    report = Report("numpy", "scipy", "scikit-learn", "dask", "distributed")
    mnist = fetch_mnist()
    X = mnist.X_train[: given.rows]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {f"X{i}": block for i, block in enumerate(np.array_split(X, N_BLOCKS))}
        parts |= {"X": X, "y": mnist.y_train[: given.rows]}
        parts |= {"X_val": mnist.X_val, "y_val": mnist.y_val}
        for part, array in parts.items():
            np.save(folder / f"{part}.npy", array)
        rounds = [{way: measure(way, folder) for way in WAYS} for _ in range(given.rounds)]
    found = {}
    for way in WAYS:
        columns = {key: [turn[way][key] for turn in rounds] for key in rounds[0][way]}
        found[way] = {key: rounded(median(values)) for key, values in columns.items()}
        print(way, found[way], flush=True)
    report.write(given.output, MiB_of_X=rounded(X.nbytes / 2**20), rows=len(X), ways=found)


if __name__ == "__main__":
    main()
