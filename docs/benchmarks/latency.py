"""Time one call of `predict_proba` by what it is given and by what serves it.

    python docs/benchmarks/latency.py            # needs MNIST; about a minute

A network of 784-100-10 that was trained in float32, with 1 row a call and with 100: alone, for
rows of other kinds and with scikit-learn's checks for NaN off; behind a scaler in a pipeline; and
both converted to ONNX, where onnxruntime has one thread. `MLPClassifier` stands beside it. All
take turns in one process, but for those with the checks off, which take turns after the others.
"""

import importlib
import warnings
from functools import partial

import numpy as np
import pandas as pd
from compare import Report, alternate, arguments_of, spreads
from sklearn import config_context
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist

ROWS = 1, 100
UNCHECKED = "the network", "a pipeline with MinMaxScaler"
N_CALLS = 20  # that are timed together


def onnx_session(model, rows):
    """Convert a model; return a function that answers with its probabilities."""
    import onnxruntime
    from skl2onnx import to_onnx

    importlib.import_module("sknielsen.onnx")  # registers the converters
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = to_onnx(model, rows[:1], options={"zipmap": False}).SerializeToString()
    session = onnxruntime.InferenceSession(graph, options)
    return lambda rows: session.run(None, {"X": rows})[1]


def main():
    """Train, let all take turns for each number of rows, write the JSON file."""
    given = arguments_of(__doc__, __file__, 31).parse_args()
    warnings.simplefilter("ignore")  # one epoch is too few to converge
    report = Report("numpy", "scipy", "scikit-learn", "pandas", "skl2onnx", "onnxruntime")
    mnist = fetch_mnist()
    X, y = mnist.X_train[:10_000], mnist.y_train[:10_000]
    ours = MLPSigmoidClassifier(max_iter=1, random_state=0).fit(X, y)
    pipeline = make_pipeline(MinMaxScaler(), MLPSigmoidClassifier(max_iter=1, random_state=0))
    pipeline.fit(X, y)
    theirs = MLPClassifier(100, activation="logistic", max_iter=1, random_state=0).fit(X, y)
    converted = {}
    if not report.lacks("ONNX", "skl2onnx", "onnxruntime"):
        converted["the network in ONNX"] = onnx_session(ours, X)
        converted["the pipeline in ONNX"] = onnx_session(pipeline, X)

    microseconds = {}
    for n_rows in ROWS:
        rows = X[:n_rows]
        frame = pd.DataFrame(rows)
        calls = {
            "the network": partial(ours.predict_proba, rows),
            "rows in float64": partial(ours.predict_proba, rows.astype(np.float64)),
            "rows in a list": partial(ours.predict_proba, rows.tolist()),
            "rows in a data frame": partial(ours.predict_proba, frame),
            "a pipeline with MinMaxScaler": partial(pipeline.predict_proba, rows),
            **{name: partial(session, rows) for name, session in converted.items()},
            "MLPClassifier": partial(theirs.predict_proba, rows),
        }
        times = alternate(calls, given.rounds, N_CALLS)
        with config_context(assume_finite=True):
            calls = {f"{name}, assume_finite=True": calls[name] for name in UNCHECKED}
            times |= alternate(calls, given.rounds, N_CALLS)
        times = {name: [1e6 * s for s in seconds] for name, seconds in times.items()}
        microseconds[n_rows] = spreads(times)
        for name, found in microseconds[n_rows].items():
            print(f"{n_rows:>4} rows, {name:34} {found['median']:9.1f} us", flush=True)
    report.write(given.output, microseconds=microseconds)


if __name__ == "__main__":
    main()
