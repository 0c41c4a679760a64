"""Random numbers: a generator of its own for each stream and epoch.

So the seed and the number of epochs are all the state there is: whoever continues a training
draws what an uninterrupted one would have drawn.
"""

from collections.abc import Sequence

import numpy as np

INITIALISATION, SPLIT, MONITOR, SHUFFLE, DROPOUT, AUGMENT = range(6)


def generator(seed: int | Sequence[int], stream: int, *key: int) -> np.random.Generator:
    """Make the generator of a stream.

    Parameters
    ----------
    seed : int or sequence of int
    stream : int
        One of the streams of this module.
    *key : int
        A part of the stream: an epoch, and a chunk within it.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *key)))
