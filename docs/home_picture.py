"""Draw the picture of the home page: what its ten lines of code give, on MNIST.

    python docs/home_picture.py

It trains for 20 seconds and writes ``docs/_static/home.png``, and for phones one panel of it,
``home_narrow.png``. Seconds per epoch come from ``docs/benchmarks/train.json``. MNIST comes from
`sknielsen.datasets.fetch_mnist`.
"""

import json
from io import BytesIO
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
from PIL import Image

from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen.datasets import fetch_mnist
from sknielsen.plots import AugmentationDisplay, HardExamplesDisplay, HistoryDisplay

HERE = Path(__file__).parent
COLOURS = {"sknielsen": "#1f4e79", "MLPClassifier": "#9aa5b1", "PyTorch": "#9aa5b1"}


def train(mnist):
    """Train the network of the home page."""
    clf = MLPSigmoidClassifier(
        eta_schedule=[(10, 0.5), (10, 0.1), (10, 0.02)],
        lmbda=5.0,
        max_iter=30,
        augment=ImageAugmenter.gentle(),
        random_state=0,
    )
    return clf.fit(mnist.X_train, mnist.y_train, X_val=mnist.X_val, y_val=mnist.y_val)


def draw_speed(ax):
    """Draw the recorded seconds per epoch as bars."""
    record = json.loads((HERE / "benchmarks" / "train.json").read_text(encoding="utf-8"))
    recorded = record["setups"]["784-100-10, batch 10"]["seconds"]
    seconds = [
        min(found["median"] for name, found in recorded.items() if name.startswith(start))
        for start in ("sknielsen, fit", "MLPClassifier", "PyTorch, torch.optim")
    ]
    bars = ax.barh(list(COLOURS), seconds, color=list(COLOURS.values()))
    ax.bar_label(bars, [f"{s:.2f} s" for s in seconds], padding=4)
    ax.invert_yaxis()
    ax.set(title="An epoch of MNIST", xticks=[], xlim=(0, 1.25 * max(seconds)))
    ax.spines[["top", "right", "bottom"]].set_visible(False)


def draw_narrow(clf):
    """Draw the accuracy alone, for a window of 390 pixels."""
    fig, axes = plt.subplots(2, 1, figsize=(4, 8), layout="constrained")
    (marks,) = HistoryDisplay.from_estimator(clf, ax=axes).marks_.values()
    for mark in marks["least_cost"]:
        mark.remove()
    curves, names = axes[1].get_legend_handles_labels()
    axes[1].legend(curves, [name.split(":")[0] for name in names], loc="lower right")
    fig.draw_without_rendering()
    panel = axes[1].get_tightbbox().transformed(fig.dpi_scale_trans.inverted())
    save(fig, "home_narrow.png", dpi=180, bbox_inches=panel.padded(0.08))


def save(fig, name, **options):
    """Save a picture in 64 colours, which is a quarter of the size."""
    buffer = BytesIO()
    fig.savefig(buffer, **options)
    picture = Image.open(buffer).convert("RGB").quantize(64)
    picture.save(HERE / "_static" / name, optimize=True)


def main():
    """Train, draw, save."""
    mnist = fetch_mnist()
    clf = train(mnist)
    fig = plt.figure(figsize=(12, 6.4), layout="constrained")
    top, bottom = fig.subfigures(2, 1, height_ratios=[1.4, 1])
    cost, accuracy, speed = top.subplots(1, 3, width_ratios=[1, 1, 0.75])
    HistoryDisplay.from_estimator(clf, ax=[cost, accuracy])
    draw_speed(speed)
    left, right = bottom.subfigures(1, 2, width_ratios=[1, 1])
    first = [(mnist.y_train == digit).argmax() for digit in (2, 4, 7)]
    AugmentationDisplay.from_augmenter(
        clf.augment, mnist.X_train[first], n_copies=8, ax=left.subplots(3, 9)
    )
    left.suptitle("Distorted anew in every epoch")
    HardExamplesDisplay.from_estimator(
        clf, mnist.X_test, mnist.y_test, limit=14, ax=right.subplots(2, 7)
    )
    right.suptitle("The hardest test images: true → predicted (probability)")
    save(fig, "home.png", dpi=110)
    draw_narrow(clf)
    print(f"test accuracy {clf.score(mnist.X_test, mnist.y_test):.4f}")


if __name__ == "__main__":
    main()
