"""What the starting points of the guide reach: images, tiny data, imbalanced data, a stream.

    python docs/benchmarks/starting_points.py                       # all parts, 25 minutes
    python docs/benchmarks/starting_points.py --parts tiny large

- images: 1,000, 10,000 and 50,000 images of MNIST, tested on its 10,000 test images, three seeds.
- tiny: 60 rows of each of three tables that scikit-learn ships, tested on the others, 20 draws.
- imbalanced: a made table with 5 % cases, half of it for testing, five draws.
- large: 50,000 images of MNIST, all at once and in blocks of 1,000, ten times each, three seeds.

Nothing is chosen by these figures. MNIST comes from `sknielsen.datasets.fetch_mnist`. Each part
yields a data set, a set-up, and what makes the model and its test rows; to add one: a generator
and a line in ``PARTS``.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from machine import describe
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist


def images():
    """Yield the fits on images."""
    mnist = fetch_mnist()
    for n in (1_000, 10_000, 50_000):
        for seed in range(3):
            rows = mnist.X_train[:n], mnist.y_train[:n], mnist.X_test, mnist.y_test
            weak, gentle = {"lmbda": n / 10_000}, {"augment": ImageAugmenter.gentle()}
            for name, parameters in {
                "defaults": {},
                "lmbda = n / 10,000": weak,
                "the same, gentle distortions": weak | gentle,
                "the same, 300 hidden neurons": weak | gentle | {"hidden_layer_sizes": 300},
            }.items():
                clf = MLPSigmoidClassifier(random_state=seed, monitor_samples=0, **parameters)
                yield f"{n:,} images", name, clf.fit, rows


def tiny():
    """Yield the fits on a few rows."""
    tables = {"breast cancer": load_breast_cancer, "wine": load_wine, "digits": load_digits}
    for name, load in tables.items():
        X, y = load(return_X_y=True)
        for seed in range(20):
            X_train, X_test, y_train, y_test = train_test_split(
                X, y, train_size=60, stratify=y, random_state=seed
            )
            five = [(str(i), MLPSigmoidClassifier(random_state=i)) for i in range(5)]
            for setup, classifier in {
                "defaults": MLPSigmoidClassifier(random_state=seed),
                "early stopping, a quarter validates": MLPSigmoidClassifier(
                    early_stopping=True, validation_fraction=0.25, random_state=seed
                ),
                "max_iter=100, lmbda=0.1": MLPSigmoidClassifier(
                    max_iter=100, lmbda=0.1, random_state=seed
                ),
                "no hidden layer": MLPSigmoidClassifier((), random_state=seed),
                "five networks, averaged": VotingClassifier(five, voting="soft"),
                "LogisticRegression": LogisticRegression(max_iter=1000),
            }.items():
                model = make_pipeline(StandardScaler(), classifier)
                yield name, setup, model.fit, (X_train, y_train, X_test, y_test)


def imbalanced():
    """Yield the fits on a table with few cases."""
    for seed in range(5):
        X, y = make_classification(
            4000,
            n_features=20,
            n_informative=8,
            n_clusters_per_class=3,
            weights=[0.95],
            flip_y=0.01,
            class_sep=0.8,
            random_state=seed,
        )
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, train_size=0.5, stratify=y, random_state=seed
        )
        balanced = {"class_weight": "balanced", "random_state": seed}
        stopped = balanced | {"max_iter": 40, "early_stopping": True}
        for setup, classifier in {
            "defaults": MLPSigmoidClassifier(random_state=seed),
            "balanced": MLPSigmoidClassifier(**balanced),
            "balanced, early stopping": MLPSigmoidClassifier(**stopped),
            "balanced, early stopping, n_iter_no_change=40": MLPSigmoidClassifier(
                n_iter_no_change=40, **stopped
            ),
            "LogisticRegression, balanced": LogisticRegression(class_weight="balanced"),
        }.items():
            model = make_pipeline(StandardScaler(), classifier)
            yield "5 % cases", setup, model.fit, (X_train, y_train, X_test, y_test)


def large():
    """Yield the fits on all of MNIST, at once and as a stream."""
    mnist = fetch_mnist()
    rows = mnist.X_train, mnist.y_train, mnist.X_test, mnist.y_test
    n_passes, blocks = 10, np.array_split(np.arange(len(mnist.X_train)), 50)

    def stream(**parameters):
        clf = MLPSigmoidClassifier(monitor_samples=0, **parameters)

        def train(X, y):
            for _ in range(n_passes):
                for block in blocks:
                    clf.partial_fit(X[block], y[block], classes=range(10))
            return clf

        return train

    for seed in range(3):
        common = {"lmbda": 5.0, "random_state": seed}
        whole = MLPSigmoidClassifier(max_iter=n_passes, monitor_samples=0, **common)
        planned = {"max_iter": n_passes * len(blocks), "n_total": len(mnist.X_train)}
        for setup, train in {
            "fit": whole.fit,
            "blocks, max_iter and n_total set": stream(**planned, **common),
            "blocks, all else default": stream(random_state=seed),
        }.items():
            yield "50,000 images", setup, train, rows


PARTS = {"images": images, "tiny": tiny, "imbalanced": imbalanced, "large": large}


def measure(train, X, y, X_test, y_test):
    """Train, and measure on the test rows."""
    start = time.perf_counter()
    model = train(X, y)
    seconds = time.perf_counter() - start
    probabilities = model.predict_proba(X_test)
    predicted = model.predict(X_test)
    figures = {
        "accuracy": float(np.mean(predicted == y_test)),
        "balanced_accuracy": float(balanced_accuracy_score(y_test, predicted)),
        "log_loss": float(log_loss(y_test, probabilities, labels=model.classes_)),
        "seconds": seconds,
    }
    if len(model.classes_) == 2:
        precision = average_precision_score(y_test, probabilities[:, 1])
        figures["average_precision"] = float(precision)
    return figures


def main():
    """Run the parts, print the means, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    results = {"machine": describe("numpy", "scipy", "scikit-learn"), "parts": {}}
    if arguments.output.exists():  # parts that are not run now stay as they were
        results["parts"] = json.loads(arguments.output.read_text())["parts"]
    for part in arguments.parts:
        found = {}
        for data, setup, train, rows in PARTS[part]():
            found.setdefault((data, setup), []).append(measure(train, *rows))
        results["parts"][part] = [
            {"data": data, "setup": setup, "runs": len(runs)}
            | {key: round(float(np.mean([r[key] for r in runs])), 4) for key in runs[0]}
            | {"spread": round(float(np.std([r["accuracy"] for r in runs])), 4)}
            for (data, setup), runs in found.items()
        ]
        for row in results["parts"][part]:
            print(row, flush=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
