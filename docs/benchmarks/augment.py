"""Time distorting MNIST images, and training on images distorted on the fly.

    python docs/benchmarks/augment.py

Per image of 28 x 28 float32 pixels, affine and elastic, on one core:

- sknielsen: `ImageAugmenter.gentle()`, as it is, and with `keep_in_frame=False`, since the others
  do not keep digits in the frame either;
- scipy: the textbook loop, gaussian_filter for each direction and map_coordinates;
- albumentations: Affine and ElasticTransform.

And epochs at mini-batches of 10 with `augment`, over the sum of the same epoch without it and of
its distortions alone, on one small and on one large network. Distortions are made in a thread
beside training, so that on two cores an epoch may take less than the sum. Contestants take turns;
medians. albumentations is left out where it is not installed.
MNIST comes from `sknielsen.datasets.fetch_mnist`.
"""

import time

import numpy as np
from compare import Report, alternate, arguments_of, ratio, spreads
from scipy.ndimage import gaussian_filter, map_coordinates
from threadpoolctl import threadpool_limits

from sknielsen import MLPSigmoidClassifier
from sknielsen.augmentation import ImageAugmenter
from sknielsen.datasets import fetch_mnist

N_IMAGES, N_SLOW = 10_000, 1_000
PEERS = {"scipy": ">= 10", "albumentations": ">= 20"}  # what their time over ours is to be
# Hidden units, rows of an epoch, and what is wanted of its time over the sum.
EPOCHS = {
    "784-100-10": (100, 50_000, "<= 1.1"),
    "784-800-10": (800, 10_000, "<= 0.75"),
}


def by_sknielsen(X, **parameters):
    """Distort chunks as large as the classifier's."""
    augmenter, rng = ImageAugmenter.gentle(**parameters), np.random.default_rng(0)
    for start in range(0, len(X), 320):
        augmenter.distort(X[start : start + 320], rng)


def by_scipy(X):
    """Distort image by image with `scipy.ndimage`, as textbooks do."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:28, :28] - 13.5
    for image in X.reshape(-1, 28, 28):
        angle, scale = np.radians(rng.uniform(-8, 8)), rng.uniform(0.9, 1.1)
        shift = rng.uniform(-1, 1, 2)
        noise = rng.uniform(-1, 1, (2, 28, 28))
        elastic = [12 * gaussian_filter(field, 4, mode="constant") for field in noise]
        c, s = scale * np.cos(angle), scale * np.sin(angle)
        where = (
            c * rows - s * columns + 13.5 + shift[0] + elastic[0],
            s * rows + c * columns + 13.5 + shift[1] + elastic[1],
        )
        map_coordinates(image, where, order=1)


def by_albumentations(X):
    """Distort image by image with albumentations, on one thread."""
    import albumentations
    import cv2

    cv2.setNumThreads(1)
    transform = albumentations.Compose(
        [
            albumentations.Affine(translate_px=(-1, 1), rotate=(-8, 8), scale=(0.9, 1.1), p=1.0),
            albumentations.ElasticTransform(alpha=12, sigma=4, p=1.0),
        ]
    )
    for image in X.reshape(-1, 28, 28):
        transform(image=image)


def per_image(distort, X, **parameters):
    """Return the microseconds that an image takes."""
    with threadpool_limits(1, "blas"):
        start = time.perf_counter()
        distort(X, **parameters)
        return (time.perf_counter() - start) / len(X) * 1e6


def images(report, X, n_rounds):
    """Compare the distortions with those of the peers; return the microseconds an image takes."""
    fast, slow = X[:N_IMAGES], X[:N_SLOW]
    runs = {
        "sknielsen": lambda: {"sknielsen": per_image(by_sknielsen, fast)},
        "sknielsen, keep_in_frame=False": lambda: {
            "sknielsen, keep_in_frame=False": per_image(by_sknielsen, fast, keep_in_frame=False)
        },
        "scipy": lambda: {"scipy": per_image(by_scipy, slow)},
    }
    if not report.lacks("albumentations", "albumentations"):
        runs["albumentations"] = lambda: {"albumentations": per_image(by_albumentations, slow)}
    times = alternate(runs, n_rounds)
    for peer, wanted in PEERS.items():
        if peer in times:
            report.line(f"{peer} / sknielsen", *ratio(times, peer, "sknielsen"), wanted)
    return spreads(times)


def epochs(report, mnist, n_rounds, most_rows):
    """Compare epochs with and without distortions; return seconds by network."""
    found = {}
    for name, (hidden, n_rows, wanted) in EPOCHS.items():
        n_rows = min(n_rows, most_rows)
        X, y = mnist.X_train[:n_rows], mnist.y_train[:n_rows]

        def epoch(augment, hidden=hidden, X=X, y=y):
            parameters = {"batch_size": 10, "max_iter": 1, "monitor_samples": 0}
            clf = MLPSigmoidClassifier(hidden, augment=augment, **parameters)
            return clf.fit(X, y).history_["duration"][0]

        def turn(epoch=epoch, X=X):
            distortions = 1e-6 * len(X) * per_image(by_sknielsen, X)
            alone = epoch(None)
            together = epoch(ImageAugmenter.gentle())
            return {
                "distortions alone": distortions,
                "epoch alone": alone,
                "sum of the two": distortions + alone,
                "epoch with augment": together,
            }

        times = alternate({"turn": turn}, n_rounds)
        seen = ratio(times, "epoch with augment", "sum of the two")
        report.line(f"{name}: epoch with augment / sum of the two", *seen, wanted)
        found[name] = {"rows": n_rows, "seconds": spreads(times)}
    return found


def main():
    """Let all take turns, print the lines, write the JSON file."""
    parser = arguments_of(__doc__, __file__, 7)
    parser.add_argument("--rows", type=int, default=50_000, help="at most so many in an epoch")
    given = parser.parse_args()
    mnist = fetch_mnist()
    report = Report("numpy", "scipy", "scikit-learn", "albumentations")
    microseconds = images(report, mnist.X_train, given.rounds)
    seconds = epochs(report, mnist, given.rounds, given.rows)
    report.write(given.output, microseconds=microseconds, epochs=seconds)


if __name__ == "__main__":
    main()
