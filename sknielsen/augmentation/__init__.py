"""Training images distorted at random: shifted, rotated, scaled, sheared, elastically deformed.

The affine and the elastic part of a distortion become one field of coordinates, at which `warp`
reads the image once. `ImageAugmenter` distorts; `ImageExpander` and `AugmentedClassifier` add
distorted copies to the rows of a fit, and to nothing else. They, and the network, take any
augmenter with ``distort(X, rng) -> X``, which returns as many rows as it was given.
"""

# `_geometry` holds the arithmetic of pixels, `_augmenter` the transformer, `_copies` what adds
# copies to the rows of a fit. To add a distortion: a parameter of ImageAugmenter, which `_check`
# checks, `_draw` draws and `_distort` applies. To add another augmenter: a file with its class,
# which has ``distort``, its name in ``__all__`` below, and a line in docs/api.rst.

from sknielsen.augmentation._augmenter import ImageAugmenter
from sknielsen.augmentation._copies import AugmentedClassifier, ImageExpander
from sknielsen.augmentation._geometry import warp

__all__ = ["AugmentedClassifier", "ImageAugmenter", "ImageExpander", "warp"]

# Saved files, trust lists and reprs show the path that users import a name from, not the file it
# is in.
for _name in __all__:
    globals()[_name].__module__ = __name__
