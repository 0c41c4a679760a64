"""The contracts between the parts of the package, as types.

Users may write a cost, penalty, schedule, initializer or augmenter of their own. It needs the
members that its class here lists, called with the arguments given here; it need not be derived
from that class, nor be annotated.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[Any]
Activation: TypeAlias = Callable[[Array], object]  # overwrites z with a; what it returns is unused
Record: TypeAlias = dict[str, float]  # the figures of one epoch, by column
History: TypeAlias = dict[str, list[float]]  # for each column its figures, epoch by epoch


class SparseMatrix(Protocol):
    """A sparse matrix or array of SciPy."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""

    def tocsr(self) -> Any:
        """Convert to compressed sparse rows."""

    def toarray(self) -> Array:
        """Convert to a dense array."""


MatrixLike: TypeAlias = ArrayLike | SparseMatrix  # rows as users give them; frames are array-like


@runtime_checkable
class Cost(Protocol):
    """A cost with the output activation that belongs to it; see `sknielsen.costs`.

    ``exclusive`` is optional: True where the outputs of a row are one distribution.
    """

    def activation(self, z: Array, /) -> object:
        """Overwrite the weighted inputs z with the outputs a."""

    def value(self, z: Array, y: Array, /) -> Array:
        """Compute the cost of each row from the weighted inputs."""

    def delta(self, a: Array, y: Array, out: Array, /) -> object:
        """Write the error dC/dz of each row and output (BP1) into `out`."""


@runtime_checkable
class Penalty(Protocol):
    """A penalty on the weights; see `sknielsen.penalties`."""

    def value(self, weights: list[Array], /) -> float:
        """Compute the penalty of all weight matrices, without its factor lmbda / n."""

    def shrink(self, w: Array, /, rate: float) -> float:
        """Take the penalty's step on one matrix; return the factor that w still lacks."""


class Schedule(Protocol):
    """A schedule of eta, an object or a plain function; see `sknielsen.schedules`.

    ``needs_validation`` is optional: True where the schedule reads the validation score.
    """

    def __call__(self, epoch: int, history: History, eta: float, max_iter: int, /) -> float | None:
        """Return eta for the next epoch, or None to end training."""


class Initializer(Protocol):
    """Initial weights and biases of a layer; see `sknielsen.initializers`."""

    def __call__(self, rng: np.random.Generator, n_in: int, n_out: int, /) -> tuple[Array, Array]:
        """Draw weights of shape (n_in, n_out) and biases of shape (n_out,)."""


@runtime_checkable
class Augmenter(Protocol):
    """Distorts training rows, as `sknielsen.augmentation.ImageAugmenter` does."""

    def distort(self, X: Array, rng: np.random.Generator, /) -> Array:
        """Return distorted rows in an array of the shape of X."""


class Engine(Protocol):
    """Trains the network and measures it, on this machine or on a cluster."""

    def run_epoch(self, epoch: int, eta: float) -> None:
        """Descend once through all training rows."""

    def measure(self) -> Record:
        """Measure the network on the rows that are monitored and on the validation rows."""

    def with_threads(self, function: Any, *args: Any) -> Any:
        """Return ``function(*args)``, called with the threads of BLAS that suit the engine."""


class FittedClassifier(Protocol):
    """The attributes of a fitted `MLPSigmoidClassifier` that labels and diagnostics read."""

    @property
    def classes_(self) -> Array:
        """Class labels, or the numbers of the labels."""

    @property
    def multilabel_(self) -> bool:
        """Whether each output is a label of its own."""

    @property
    def coefs_(self) -> Sequence[Array]:
        """Weight matrix of each layer."""

    @property
    def intercepts_(self) -> Sequence[Array]:
        """Biases of each layer."""

    @property
    def history_(self) -> Mapping[str, Sequence[float]]:
        """Figures of each epoch, by column."""

    @property
    def n_iter_(self) -> int:
        """Epochs trained."""

    @property
    def epoch_(self) -> int:
        """Epoch the weights are from."""

    @property
    def eta_(self) -> float:
        """Eta of the last epoch."""

    cost: Any
    penalty: Any
    weight_init: Any
    momentum: Any
    init_scale: Any
    lmbda: Any
    batch_size: Any
    max_iter: Any
    early_stopping: Any
    n_iter_no_change: Any
    class_weight: Any
