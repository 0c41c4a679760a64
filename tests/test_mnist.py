"""What the classifier reaches on the real MNIST, as the median of three seeds."""

import numpy as np
import pytest

from sknielsen import MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist

pytestmark = pytest.mark.mnist


@pytest.fixture(scope="module")
def mnist():
    return fetch_mnist(download_if_missing=False)


def median_test_accuracy(mnist, rows, **parameters):
    X, y = mnist.X_train[rows], mnist.y_train[rows]
    return np.median(
        [
            MLPSigmoidClassifier(100, random_state=seed, **parameters)
            .fit(X, y)
            .score(mnist.X_test, mnist.y_test)
            for seed in range(3)
        ]
    )


def test_the_98_percent_set_up_reaches_97_9_percent(mnist):
    regimes = [(10, 0.5), (10, 0.1), (10, 0.02)]
    accuracy = median_test_accuracy(mnist, slice(None), lmbda=5.0, eta_schedule=regimes)
    assert accuracy >= 0.979


def test_100_images_give_68_to_70_percent(mnist):
    assert 0.68 <= median_test_accuracy(mnist, slice(100)) <= 0.70


def test_one_image_of_each_digit_gives_49_to_53_percent(mnist):
    first = [int(np.argmax(mnist.y_train == digit)) for digit in range(10)]
    assert 0.49 <= median_test_accuracy(mnist, first, max_iter=67) <= 0.53


def test_training_figures_are_taken_on_monitor_samples_fixed_rows(mnist):
    clf = MLPSigmoidClassifier(10, max_iter=2, random_state=0).fit(mnist.X_train, mnist.y_train)
    again = MLPSigmoidClassifier(10, max_iter=2, random_state=0, monitor_samples=None)
    again.fit(mnist.X_train, mnist.y_train)
    accuracy, whole = (c.history_["train_accuracy"][-1] for c in (clf, again))
    assert (accuracy * 10_000) == pytest.approx(round(accuracy * 10_000))
    assert whole == again.score(mnist.X_train, mnist.y_train)
    assert abs(accuracy - whole) < 0.01
