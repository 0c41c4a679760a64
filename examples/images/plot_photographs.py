"""
Photographs, in colour
======================

The augmenter distorts images of any shape and with any channels: here two
photographs.

scikit-learn ships a temple and a flower, so nothing is downloaded. Look at the
distortions, then train a network to tell of which of the two it is shown a
tile. It takes a few seconds. From a folder of photographs of your own to such
rows: see :doc:`/guide/images`.
"""

# %%
# Rows of pixels
# --------------
# An image is a row of X: height times width times channels. For images that
# are not square, or not grey, ``image_shape`` says how a row is to be read.
# Pixels are taken in [0, 1]; every fourth one is enough here.

import numpy as np
from sklearn.datasets import load_sample_images

from sknielsen import ImageAugmenter, MLPSigmoidClassifier
from sknielsen.plots import AugmentationDisplay

photographs = [
    (image[::4, ::4] / 255).astype(np.float32)
    for image in load_sample_images().images
]
shape = photographs[0].shape
X = np.stack([image.ravel() for image in photographs])
print(f"{X.shape[0]} rows of {X.shape[1]} features, each an image of {shape}")

# %%
# Look first
# ----------
# Unlike ink on white paper, a photograph fills its frame. By default,
# ``keep_in_frame`` would hold one of these two still. What comes in at an edge
# is filled with one colour, the median of the image's border pixels in each
# channel, so keep the shifts small.

photo = ImageAugmenter(
    image_shape=shape,
    shift=6,
    rotation=10,
    scale=0.1,
    elastic=3.0,
    elastic_sigma=8,
    keep_in_frame=False,
)
# sphinx_gallery_thumbnail_number = 1
display = AugmentationDisplay.from_augmenter(photo, X, n_copies=3)
display.figure_.set_size_inches(9, 3.6)

# %%
# Tiles to classify
# -----------------
# 12 by 12 pixels in three colours, 20 of each photograph to train on: the left
# half of the photograph trains, the right half tests, so that no test tile
# overlaps a training tile.

SIDE = 12


def tiles(image, columns, n, rng):
    """Cut n tiles at random places whose left ends are in these columns."""
    rows = rng.integers(0, image.shape[0] - SIDE, n)
    lefts = rng.integers(columns.start, columns.stop - SIDE, n)
    return [
        image[r : r + SIDE, c : c + SIDE].ravel() for r, c in zip(rows, lefts)
    ]


rng = np.random.default_rng(0)
half = shape[1] // 2
X_train, X_test = (
    np.stack([tile for im in photographs for tile in tiles(im, part, n, rng)])
    for part, n in ((range(half), 20), (range(half, shape[1]), 500))
)
y_train = np.repeat(["temple", "flower"], 20)
y_test = np.repeat(["temple", "flower"], 500)

# %%
# A tile has no up and no down, so it may be turned by any angle. A network
# with and without distortions, five seeds each:

augmenter = ImageAugmenter(
    image_shape=(SIDE, SIDE, 3), shift=2, rotation=180, keep_in_frame=False
)
for name, augment in {"as they are": None, "distorted": augmenter}.items():
    scores = [
        MLPSigmoidClassifier(
            30, augment=augment, max_iter=200, random_state=seed
        )
        .fit(X_train, y_train)
        .score(X_test, y_test)
        for seed in range(5)
    ]
    print(f"{name:12} test accuracy {np.mean(scores):.3f}")
