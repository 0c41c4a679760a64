"""Random distortions of training images: shift, rotation, scale, shear and elastic deformation.

`ImageAugmenter` distorts images; `ImageExpander` and `AugmentedClassifier` add distorted copies to
the rows of a fit, and only of a fit. These two, and the network, take any augmenter: an object
with ``distort(X, rng) -> X`` that returns as many rows as it is given. One that also has
``remarks(X) -> list of str`` is asked for them in each fit, which warns of them. The affine and
the elastic part of a distortion are combined into one field of coordinates, so that `warp`
interpolates each image only once.
"""

# `_geometry` holds the arithmetic of pixels, `_images` the checks of what an augmenter is given,
# `_augmenter` the transformer, and `_copies` what adds copies to the rows of a fit. To add a
# distortion, write a parameter of ImageAugmenter, which `_check` checks, `_draw` draws and
# `_distort` applies. To add an augmenter, write a file with its class, which has ``distort``, its
# name in ``__all__`` below, and a line in docs/api.rst.

from sknielsen.augmentation._augmenter import ImageAugmenter
from sknielsen.augmentation._copies import AugmentedClassifier, ImageExpander
from sknielsen.augmentation._geometry import warp

__all__ = ["AugmentedClassifier", "ImageAugmenter", "ImageExpander", "warp"]

# Saved files, trust lists and reprs then show the path that users import a name from, not the
# file that defines it.
for _name in __all__:
    globals()[_name].__module__ = __name__
