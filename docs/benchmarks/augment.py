"""Time distorting MNIST images, and training on images distorted on the fly.

    python docs/benchmarks/augment.py

Per image of 28 x 28 float32 pixels, affine and elastic, on one core:

- sknielsen: `ImageAugmenter.gentle()`, as it is, and with `keep_in_frame=False`, since the others
  do not keep digits in the frame either;
- scipy: the textbook loop, gaussian_filter for each direction and map_coordinates;
- albumentations: Affine and ElasticTransform.

And one epoch of 784-100-10 at mini-batches of 10 over 50,000 rows, with and without `augment`,
beside the time of the distortions alone. Contestants take turns; medians. albumentations must be
installed. MNIST comes from `sknielsen.datasets.fetch_mnist`.
"""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import albumentations
import cv2
import numpy as np
from machine import describe
from scipy.ndimage import gaussian_filter, map_coordinates
from threadpoolctl import threadpool_limits

from sknielsen import MLPSigmoidClassifier
from sknielsen.augmentation import ImageAugmenter
from sknielsen.datasets import fetch_mnist

N_IMAGES, N_SLOW = 10_000, 1_000
WANTED = {
    "scipy / sknielsen": ">= 10",
    "albumentations / sknielsen": ">= 20",
    "epoch with augment / max(1.6 epochs without, distortions alone)": "<= 1",
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
    """Distort image by image with albumentations."""
    transform = albumentations.Compose(
        [
            albumentations.Affine(translate_px=(-1, 1), rotate=(-8, 8), scale=(0.9, 1.1), p=1.0),
            albumentations.ElasticTransform(alpha=12, sigma=4, p=1.0),
        ]
    )
    for image in X.reshape(-1, 28, 28):
        transform(image=image)


def main():
    """Let all take turns, print the table, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file"
    )
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    X, y = fetch_mnist(return_X_y=True)

    def epoch(augment):
        clf = MLPSigmoidClassifier(augment=augment, batch_size=10, max_iter=1, monitor_samples=0)
        return clf.fit(X, y).history_["duration"][0]

    def per_image(distort, n, **parameters):
        with threadpool_limits(1, "blas"):
            start = time.perf_counter()
            distort(X[:n], **parameters)
            return (time.perf_counter() - start) / n * 1e6

    contestants = {
        "sknielsen, us/image": lambda: per_image(by_sknielsen, N_IMAGES),
        "sknielsen, keep_in_frame=False, us/image": lambda: per_image(
            by_sknielsen, N_IMAGES, keep_in_frame=False
        ),
        "scipy, us/image": lambda: per_image(by_scipy, N_SLOW),
        "albumentations, us/image": lambda: per_image(by_albumentations, N_SLOW),
        "distortions of an epoch alone, s": lambda: (
            len(X) * 1e-6 * per_image(by_sknielsen, len(X))
        ),
        "epoch without augment, s": lambda: epoch(None),
        "epoch with augment, s": lambda: epoch(ImageAugmenter.gentle()),
    }
    times = defaultdict(list)
    for repeat in range(arguments.repeats + 1):
        for name, measure in contestants.items():
            value = measure()
            if repeat > 0:  # the first round warms up
                times[name].append(round(value, 4))
    medians = {name: median(values) for name, values in times.items()}
    bound = max(
        1.6 * medians["epoch without augment, s"], medians["distortions of an epoch alone, s"]
    )
    ratios = dict(
        zip(
            WANTED,
            (
                medians["scipy, us/image"] / medians["sknielsen, us/image"],
                medians["albumentations, us/image"] / medians["sknielsen, us/image"],
                medians["epoch with augment, s"] / bound,
            ),
        )
    )
    ratios = {name: round(ratio, 2) for name, ratio in ratios.items()}
    for name, value in medians.items():
        print(f"{name:68}{value:9.3f}   min {min(times[name]):.3f}  max {max(times[name]):.3f}")
    for name, ratio in ratios.items():
        print(f"{name:68}{ratio:9.2f}   wanted {WANTED[name]}")
    results = describe("numpy", "scipy", "scikit-learn", "albumentations")
    results |= {"times": times, "medians": medians, "ratios": ratios, "wanted": WANTED}
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
