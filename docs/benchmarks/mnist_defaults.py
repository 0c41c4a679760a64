"""MNIST with everything default: ours and scikit-learn's classifier, on the test images.

    python docs/benchmarks/mnist_defaults.py            # needs MNIST; about three minutes

50,000 training images, pixels in [0, 1], no argument but `random_state`, of which three are run
in turns; figures are medians. The parameters were chosen elsewhere (``tables.py``): the test
images judge them.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
from machine import describe
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist

WANTED = "accuracy of at least 0.980 on the test images, median of three seeds"
MODELS = {"sknielsen": MLPSigmoidClassifier, "MLPClassifier": MLPClassifier}


def main():
    """Run both with three seeds and write what they reach."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of MLPClassifier, if its epochs are not enough for it
    mnist = fetch_mnist()
    runs = {name: {"accuracy": [], "seconds": []} for name in MODELS}
    with threadpool_limits(1):
        for seed in range(3):
            for name, Model in MODELS.items():
                start = time.perf_counter()
                model = Model(random_state=seed).fit(mnist.X_train, mnist.y_train)
                runs[name]["seconds"].append(time.perf_counter() - start)
                runs[name]["accuracy"].append(model.score(mnist.X_test, mnist.y_test))
                print(name, seed, {figure: v[-1] for figure, v in runs[name].items()}, flush=True)
    medians = {name: {f: float(np.median(v)) for f, v in r.items()} for name, r in runs.items()}
    ours, theirs = (medians[name]["seconds"] for name in MODELS)
    report = {
        "wanted": WANTED,
        "medians": medians,
        "seconds of MLPClassifier / ours": theirs / ours,
        "runs": runs,
        "machine": describe("numpy", "scikit-learn"),
    }
    given.output.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
