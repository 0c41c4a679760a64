"""The calls of Dask: futures of tasks, and the blocks of collections."""

import weakref
from collections.abc import Callable, Iterable, Sequence
from math import nan
from types import SimpleNamespace
from typing import Any

import numpy as np

from sknielsen._inputs import is_dask
from sknielsen.core.contracts import Array

FAN_IN = 8  # sums that a node of the reduction tree adds


def import_dask() -> Any:
    """Import Dask, or say which extra brings it."""
    try:
        import dask
        import dask.array
        import dask.distributed
    except ImportError as error:
        raise ImportError(
            "sknielsen.dask needs dask and distributed, which the extra `dask` brings: "
            'pip install "sknielsen[dask]", or ".[dask]" in a checkout.'
        ) from error
    return dask


class Cluster:
    """The calls of Dask. All work is in tasks: Dask repeats those that a dead worker had done.

    Parameters
    ----------
    client : dask.distributed.Client or None
        None takes the active one.

    Raises
    ------
    ValueError, TypeError
        If there is no active client, or it is not one to wait for.
    """

    def __init__(self, client: Any) -> None:
        self.dask = import_dask()
        if client is None:
            try:
                client = self.dask.distributed.default_client()
            except ValueError as error:
                raise ValueError(
                    "`client` must be a dask.distributed.Client, or one must be active; got None "
                    "and there is no active one."
                ) from error
        if not isinstance(client, self.dask.distributed.Client) or client.asynchronous:
            raise TypeError(
                "`client` must be a dask.distributed.Client that is not asynchronous; "
                f"got {client!r}."
            )
        self.client = client
        self._made: weakref.WeakSet[Any] = weakref.WeakSet()

    def close(self) -> None:
        """Release what was made here, so that the workers forget it.

        An error would keep the blocks on the workers: its future holds it, and with it the
        frames, which hold all futures.
        """
        for future in list(self._made):
            future.release()

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return the future of a call."""
        future = self.client.submit(function, *args, pure=False)
        self._made.add(future)
        return future

    def share(self, value: Any) -> Any:
        """Return the future of a value: it is sent once, and workers pass it on to each other.

        It is a task, since scattered data are lost with the worker that holds them.
        """
        with self.dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            return self.submit(_identity, SimpleNamespace(value=value))

    def compute(
        self, function: Callable[..., Any], blocks: Iterable[Sequence[Any]], *args: Any
    ) -> list[Any]:
        """Return the futures of calls on the blocks of lazy collections."""
        lazy = self.dask.delayed(function, pure=False)
        futures: list[Any] = self.client.compute([lazy(*args, *block) for block in blocks])
        self._made.update(futures)
        return futures

    def gather(self, futures: Sequence[Any]) -> list[Any]:
        """Return what futures come to."""
        results: list[Any] = self.client.gather(futures)
        return results

    def total(self, futures: list[Any]) -> list[Array]:
        """Add up lists of arrays, in a tree whose shape depends on their number alone."""
        while len(futures) > 1:
            futures = [
                self.submit(_add, *futures[i : i + FAN_IN]) for i in range(0, len(futures), FAN_IN)
            ]
        arrays: list[Array] = futures[0].result()
        return arrays


def _identity(shared: SimpleNamespace) -> Any:
    return shared.value


def _add(*lists: list[Array]) -> list[Array]:
    return [sum(arrays[1:], arrays[0]) for arrays in zip(*lists)]


def list_blocks(collection: Any, name: str) -> list[Any]:
    """List the lazy blocks of rows of a Dask array, series or dataframe."""
    if not (is_dask(collection) and hasattr(collection, "to_delayed")):
        advice = (
            "For rows in memory there is MLPSigmoidClassifier; in a pipeline, scikit-learn's "
            "transformers make rows in memory of Dask collections."
            if name == "X"
            else f"Make one with da.from_array({name}, chunks=X.chunks[0])."
        )
        raise TypeError(
            f"`{name}` must be a Dask array, series or dataframe; got "
            f"{type(collection).__name__}. {advice}"
        )
    if hasattr(collection, "rechunk"):
        if collection.ndim == 2 and collection.numblocks[1] > 1:
            collection = collection.rechunk({1: -1})
        blocks: list[Any] = collection.to_delayed().ravel().tolist()
        return blocks
    return list(collection.to_delayed())


def align_blocks(X: Any, y: Any, weight: Any) -> list[tuple[Any, ...]]:
    """List the lazy blocks of X, y and weights together."""
    aligned = [list_blocks(X, "X")]
    for name, other in (("y", y), ("sample_weight", weight)):
        if other is None and name == "sample_weight":
            aligned.append([None] * len(aligned[0]))
            continue
        known = [np.sum(getattr(c, "chunks", [[nan]])[0]) for c in (X, other)]
        if not np.isnan(known).any() and known[0] != known[1]:
            raise ValueError(f"`{name}` must have as many rows as X, {known[0]}; got {known[1]}.")
        if known[0] == known[1] and X.chunks[0] != other.chunks[0]:
            other = other.rechunk({0: X.chunks[0]})
        blocks = list_blocks(other, name)
        if len(blocks) != len(aligned[0]):
            raise ValueError(
                f"`{name}` must have as many blocks as X, {len(aligned[0])}; got {len(blocks)}. "
                "Dask may cut columns of one dataframe of files differently: read each file by "
                "itself, with dask.dataframe.from_map, or df.persist() before columns are chosen."
            )
        aligned.append(blocks)
    return list(zip(*aligned))
