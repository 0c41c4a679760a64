"""MNIST with everything default: ours and scikit-learn's classifier, on the test images.

    python docs/benchmarks/mnist_defaults.py            # needs MNIST; about three minutes

50,000 training images, pixels in [0, 1], no argument but `random_state`, of which three are run
in turns on one BLAS thread; figures are medians. The parameters were chosen elsewhere
(``tables.py``): the test images judge them.
"""

import time
import warnings

from compare import Report, arguments_of, ratio, spreads
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist

WANTED = ">= 0.98"  # the accuracy on the test images, median of three seeds
MODELS = {"sknielsen": MLPSigmoidClassifier, "MLPClassifier": MLPClassifier}


def main():
    """Run both with three seeds and write what they reach."""
    given = arguments_of(__doc__, __file__, 3).parse_args()
    warnings.simplefilter("ignore")  # of MLPClassifier, if its epochs are not enough for it
    mnist, report = fetch_mnist(), Report("numpy", "scipy", "scikit-learn")
    seconds, accuracy = {name: [] for name in MODELS}, {name: [] for name in MODELS}
    with threadpool_limits(1):
        for seed in range(given.rounds):
            for name, Model in MODELS.items():
                start = time.perf_counter()
                model = Model(random_state=seed).fit(mnist.X_train, mnist.y_train)
                seconds[name].append(time.perf_counter() - start)
                accuracy[name].append(model.score(mnist.X_test, mnist.y_test))
                print(name, seed, accuracy[name][-1], flush=True)
    reached = spreads(accuracy)
    ours = reached["sknielsen"]
    report.line("test accuracy", ours["median"], ours["quartiles"], WANTED)
    report.line("seconds of MLPClassifier / ours", *ratio(seconds, "MLPClassifier", "sknielsen"))
    report.write(given.output, accuracy=reached, seconds=spreads(seconds))


if __name__ == "__main__":
    main()
