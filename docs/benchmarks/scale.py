"""Time rounds of training on Dask, and project from them to larger clusters and data.

    python docs/benchmarks/scale.py

A round is one exact step over all rows under ``sync="gradient"``: the weights go to the workers,
each block sums its gradients, the sums are added in a tree, and the driver updates. On two worker
processes of one thread each, rounds are timed for 10^4 to 10^6 rows in 1 to 16 blocks, 64-100-10
in float32. The first round of each training is left out; medians of the others count.

A round has three parts, the first two by the workers' own clocks, each of the worker that spent
more time on it: *computing* in tasks; *traffic*, which is receiving weights and sums of gradients
from the other worker; and the rest, which is the scheduler's work, messages with no arrays in
them, waiting and the driver's update. Scheduler and driver share the cores with the workers, so
that the split is coarse. A straight line through the rests of the smallest rows gives what a
round costs, and what each block adds to it. One epoch of local SGD (``sync="average"``,
mini-batches of 10) gives its cost of a row.

The projection is arithmetic and no measurement. An epoch takes, with one block a worker,

    fixed + workers * per_block + rows / workers * per_row + traffic

where traffic is, for each level of the tree up and of the weights' way down, a transfer's latency
as measured here, and the bytes over links of 10 Gbit/s. It assumes workers like the measured ones
whose memory holds their rows. The second term grows with the workers, since all tasks pass through
one scheduler; therefore an epoch is fastest with sqrt(rows * per_row / per_block) workers, and
more of them slow it down.
"""

import argparse
import json
from collections import defaultdict
from math import ceil, log, sqrt
from pathlib import Path
from statistics import median

import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster, get_task_stream
from machine import describe

from sknielsen.dask import DaskMLPSigmoidClassifier
from sknielsen.dask._cluster import FAN_IN

N_FEATURES, HIDDEN, N_CLASSES = 64, 100, 10
ROWS = 10_000, 100_000, 1_000_000
BLOCKS = 1, 2, 4, 8, 16
N_WORKERS = 2
N_ROUNDS = 6
LINK = 10e9 / 8  # bytes a second


def rows_in(n_rows, n_blocks):
    """Make random rows and labels that the workers generate."""
    size = ceil(n_rows / n_blocks)
    rng = da.random.default_rng(0)
    X = rng.random((n_rows, N_FEATURES), dtype=np.float32, chunks=(size, N_FEATURES))
    return X, rng.integers(0, N_CLASSES, n_rows, chunks=size)


def time_rounds(client, n_rows, n_blocks, **parameters):
    """Return the seconds of a round, and of it those of the busier worker's two activities."""
    clf = DaskMLPSigmoidClassifier(
        HIDDEN, max_iter=N_ROUNDS, eta=0.1, monitor_samples=0, random_state=0, **parameters
    )
    with get_task_stream(client) as stream:
        clf.fit(*rows_in(n_rows, n_blocks))
    records = sorted(stream.data, key=lambda record: record["startstops"][0]["start"])
    rounds, transfers = [], []  # a round begins with the task that shares the weights
    for record in records:
        if str(record["key"]).startswith("_identity"):
            rounds.append({"compute": defaultdict(float), "transfer": defaultdict(float)})
        for span in record["startstops"] if rounds else ():
            if span["action"] in rounds[-1]:
                seconds = span["stop"] - span["start"]
                rounds[-1][span["action"]][record["worker"]] += seconds
                if span["action"] == "transfer":
                    transfers.append(seconds)
    computing, traffic = (
        median(max(part[action].values(), default=0.0) for part in rounds[1 - N_ROUNDS :])
        for action in ("compute", "transfer")
    )
    return {
        "rows": n_rows,
        "blocks": n_blocks,
        "round_s": median(clf.history_["duration"][1:]),
        "computing_s": computing,
        "traffic_s": traffic,
        "transfer_s": median(transfers) if transfers else None,
        "weight_bytes": sum(p.nbytes for p in clf.coefs_ + clf.intercepts_),
    }


def levels(n_workers):
    """Return the levels of the reduction tree."""
    return ceil(log(n_workers, FAN_IN))


def project(n_rows, n_workers, costs):
    """Add up an epoch on paper."""
    terms = {
        "fixed_s": costs["fixed_s"],
        "scheduler_s": n_workers * costs["per_block_s"],
        "computing_s": n_rows / n_workers * costs["per_row_s"],
        "traffic_s": levels(n_workers)
        * (2 * costs["transfer_s"] + (1 + FAN_IN) * costs["weight_bytes"] / LINK),
    }
    return {
        "rows": n_rows,
        "workers": n_workers,
        "memory_a_worker_GB": n_rows / n_workers * N_FEATURES * 4 / 1e9,
        "epoch_s": sum(terms.values()),
        **terms,
        "efficiency": terms["computing_s"] / sum(terms.values()),
    }


def main():
    """Measure, project, print and write scale.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    output = parser.parse_args().output
    machine = describe("numpy", "scikit-learn", "dask", "distributed")
    with (
        LocalCluster(
            n_workers=N_WORKERS,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            memory_limit="4GB",
        ) as cluster,
        Client(cluster) as client,
    ):
        time_rounds(client, 1_000, 2)  # imports
        rounds = [time_rounds(client, n, blocks) for n in ROWS for blocks in BLOCKS]
        local = time_rounds(client, 100_000, 2, sync="average", batch_size=10)

    rests = [
        r["round_s"] - r["computing_s"] - r["traffic_s"] for r in rounds if r["rows"] == ROWS[0]
    ]
    per_block, fixed = np.polyfit(BLOCKS, rests, 1)
    largest = [r for r in rounds if r["rows"] == ROWS[-1] and r["blocks"] >= N_WORKERS]
    gradient = {
        "fixed_s": float(fixed),
        "per_block_s": float(per_block),
        "per_row_s": N_WORKERS * median(r["computing_s"] for r in largest) / ROWS[-1],
        "transfer_s": median(r["transfer_s"] for r in rounds if r["transfer_s"] is not None),
        "weight_bytes": rounds[0]["weight_bytes"],
    }
    average = gradient | {"per_row_s": N_WORKERS * local["computing_s"] / local["rows"]}
    projections = {}
    for name, costs in (("gradient", gradient), ("average", average)):
        projections[name] = {
            "costs": costs,
            "fastest_with_workers": {
                f"{n:.0e}": round(sqrt(n * costs["per_row_s"] / costs["per_block_s"]))
                for n in (10**8, 10**10)
            },
            "epochs": [project(n, w, costs) for n in (10**8, 10**10) for w in (10, 100, 1000)],
        }
    last = projections["gradient"]["epochs"][-1]
    a_level = last["scheduler_s"] / levels(last["workers"]) - 2 * gradient["transfer_s"]
    limit = a_level * LINK / (1 + FAN_IN)
    stops = (
        f"All tasks pass through one scheduler, which takes {1e3 * per_block:.2g} ms for each "
        "block of a round. Beyond the number of workers that is fastest, its time grows faster "
        "than theirs falls. Traffic grows only with the logarithm of the workers, and with the "
        f"weights: at {last['workers']:,} workers it would overtake the scheduler for weights "
        f"of {limit / 1e6:.0f} MB (here {gradient['weight_bytes'] / 1e6:.2g})."
    )
    for r in rounds:
        names = "round", "computing", "traffic"
        parts = [f"{name} {1e3 * r[name + '_s']:.1f}" for name in names]
        print(f"{r['rows']:>9,} rows {r['blocks']:>3} blocks, ms: {', '.join(parts)}")
    for name, projection in projections.items():
        print(name, projection["costs"], "fastest with", projection["fastest_with_workers"])
        for p in projection["epochs"]:
            print(
                f"{p['rows']:.0e} rows {p['workers']:>5} workers  epoch {p['epoch_s']:9.2f} s, "
                f"computing {p['efficiency']:.0%}, {p['memory_a_worker_GB']:.1f} GB a worker"
            )
    print(stops)
    result = {
        "machine": machine,
        "network": [N_FEATURES, HIDDEN, N_CLASSES],
        "workers": N_WORKERS,
        "rounds": rounds,
        "local_epoch": local,
        "projections": projections,
        "where_it_stops": stops,
    }
    output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
