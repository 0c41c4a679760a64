"""Distorting training rows in a thread that runs ahead of training."""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from sknielsen.core.contracts import Augmenter
from sknielsen.core.data import Chunk
from sknielsen.core.randomness import AUGMENT, generator


def distorted_ahead(
    chunks: Iterator[Chunk], augment: Augmenter, seed: int | Sequence[int], epoch: int
) -> Generator[Chunk, None, None]:
    """Yield chunks with their rows distorted, while a thread distorts those of the next chunk.

    A chunk's random numbers depend on its number alone, so results do not depend on the thread.

    Raises
    ------
    ValueError
        If the rows distorted have another shape, or are not finite.
    """

    def distorted(number: int) -> Chunk | None:
        chunk = next(chunks, None)
        if chunk is None:
            return None
        start, x, y, weight = chunk
        images = augment.distort(x, generator(seed, AUGMENT, epoch, number))
        images = np.array(images, x.dtype, order="C")  # a copy: x is a buffer, and so is y
        if images.shape != x.shape:
            raise ValueError(
                f"`augment.distort` must return rows of the shape it is given, {x.shape}; "
                f"got {images.shape}."
            )
        if not np.isfinite(images.sum()):
            raise ValueError("`augment.distort` must return finite numbers; got NaN or infinity.")
        return start, images, y.copy(), weight

    worker = ThreadPoolExecutor(1)
    try:
        worker.submit(int).result()  # the thread has begun: from here on its end is waited for
        number, ahead = 0, worker.submit(distorted, 0)
        while (chunk := ahead.result()) is not None:
            number += 1
            ahead = worker.submit(distorted, number)
            yield chunk
    finally:
        try:
            worker.shutdown(cancel_futures=True)
        except BaseException:  # Ctrl-C while waiting for the last chunk, a matter of milliseconds
            worker.shutdown()
            raise
