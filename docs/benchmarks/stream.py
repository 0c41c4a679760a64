"""Time learning from a stream, one row at a time, beside the peers that learn so.

    python docs/benchmarks/stream.py

Each row of load_digits is first predicted, then learnt (a call each), as a stream is judged.
Without a hidden layer, the same model three times: multinomial logistic regression by stochastic
gradient descent, ours under ``cost="log_likelihood"``, river's `SoftmaxRegression`, scikit-learn's
`SGDClassifier` (one class against the others). With 32 hidden neurons, ours and `MLPClassifier`.
The accuracy is that of the predictions along the way, at one eta for all. River takes rows as
dictionaries, which are made beforehand. BLAS has one thread.
"""

import numpy as np
from compare import Report, alternate, arguments_of, ratio, spreads
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sknielsen import MLPSigmoidClassifier

ETA = 0.1
CLASSES = np.arange(10)


def ours(hidden, cost):
    """Make our classifier for a stream."""
    return MLPSigmoidClassifier(
        hidden, cost=cost, eta=ETA, eta_schedule="constant", lmbda=0.0, monitor_samples=0
    )


def sgd():
    """Make scikit-learn's linear classifier."""
    return SGDClassifier("log_loss", alpha=1e-9, learning_rate="constant", eta0=ETA)


def mlp():
    """Make scikit-learn's network."""
    return MLPClassifier(
        32, activation="logistic", solver="sgd", alpha=0, momentum=0, learning_rate_init=ETA
    )


MODELS = {
    "sknielsen": lambda: ours((), "log_likelihood"),
    "SGDClassifier": sgd,
    "sknielsen, 32 hidden": lambda: ours(32, "cross_entropy"),
    "MLPClassifier, 32 hidden": mlp,
}


def learn(make, X, y):
    """Predict and learn row by row; return the share of right predictions."""
    model = make().partial_fit(X[:1], y[:1], classes=CLASSES)
    right = 0
    for i in range(1, len(X)):
        row = X[i : i + 1]
        right += model.predict(row)[0] == y[i]
        model.partial_fit(row, y[i : i + 1])
    return right / (len(X) - 1)


def learn_river(rows, y):
    """Do the same with river."""
    from river import linear_model, optim

    model = linear_model.SoftmaxRegression(optim.SGD(ETA), l2=0)
    model.learn_one(rows[0], y[0])
    right = 0
    for row, label in zip(rows[1:], y[1:]):
        right += model.predict_one(row) == label
        model.learn_one(row, label)
    return right / (len(rows) - 1)


def main():
    """Let all take turns, print the lines, write the JSON file."""
    parser = arguments_of(__doc__, __file__, 5)
    parser.add_argument("--rows", type=int, default=1_797)
    given = parser.parse_args()
    X, y = load_digits(return_X_y=True)
    X, y = X[: given.rows] / 16, y[: given.rows]
    report, accuracy = Report("numpy", "scikit-learn", "river"), {}

    def contestant(name, function, *arguments):
        def run():
            accuracy[name] = round(float(function(*arguments)), 4)

        return run

    runs = {name: contestant(name, learn, make, X, y) for name, make in MODELS.items()}
    if not report.lacks("river", "river"):
        rows, labels = [dict(enumerate(row)) for row in X.tolist()], y.tolist()
        runs["river"] = contestant("river", learn_river, rows, labels)
    with threadpool_limits(1, "blas"):
        times = alternate(runs, given.rounds)
    for peer in ("SGDClassifier", "river"):
        if peer in times:
            report.line(f"{peer} / sknielsen, no hidden layer", *ratio(times, peer, "sknielsen"))
    seen = ratio(times, "MLPClassifier, 32 hidden", "sknielsen, 32 hidden")
    report.line("MLPClassifier / sknielsen, 32 hidden", *seen)
    report.write(given.output, rows=len(X), seconds=spreads(times), accuracy=accuracy)
    print(accuracy)


if __name__ == "__main__":
    main()
