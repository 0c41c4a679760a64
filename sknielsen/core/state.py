"""The state of a training: all that it needs to go on, as a value.

A training continues, bit for bit, whoever hands it its state: a fitted estimator, a pickle, or
the file of a checkpoint. To add a piece of state: a line in `State` that gives its kind. Its
copies, its place in files and its attribute on the fitted estimator follow from that line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from math import inf, isfinite
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np

from sknielsen.core.contracts import Array, History, Initializer, Record
from sknielsen.core.network import Parts
from sknielsen.core.randomness import INITIALISATION, generator

HISTORY = (
    "epoch",
    "eta",
    "train_cost",
    "train_accuracy",
    "penalty",
    "validation_cost",
    "validation_accuracy",
    "validation_score",
    "saturation",
    "duration",
)


@dataclass(frozen=True, eq=False)
class Best:
    """The highest validation score so far, and what early stopping keeps with it.

    Parameters
    ----------
    score : float
        -inf before the first one.
    epoch : int
        The epoch that had it, or whose weights are the first to be judged; 0 if there is none.
    n_stalled : int
        Epochs since the score has last risen by more than the tolerance of early stopping.
    weights, biases : sequence of ndarray
        Copies, by layer, for early stopping; else none.
    cost : float
        Validation cost of that epoch, which decides between equal scores.
    bar : float
        The score to which it had risen when `n_stalled` was last 0.
    """

    score: float = -inf
    epoch: int = 0
    n_stalled: int = 0
    weights: Sequence[Array] = ()
    biases: Sequence[Array] = ()
    cost: float = inf
    bar: float = -inf


BEST_NUMBERS = "score", "epoch", "cost", "n_stalled", "bar"  # those that files hold


class Kind(NamedTuple):
    """How a piece of state is copied, and how it becomes what a file holds.

    `save` takes the piece's name and value; it returns what JSON knows, and arrays, by name.
    `read` takes the name and all that the file holds of both, and returns the value. `arrays` is
    a pattern for the names of its arrays behind its own; `number` checks what JSON holds.
    """

    copy: Callable[[Any], Any]
    save: Callable[[str, Any], tuple[dict[str, Any], dict[str, Array]]]
    read: Callable[[str, Mapping[str, Any], Mapping[str, Array]], Any]
    arrays: str | None = None
    number: Callable[[Any], bool] | None = None


def layers(name: str, arrays: Mapping[str, Array]) -> list[Array]:
    """Return the arrays of a name by layer: ``name_0``, ``name_1`` and so on."""
    n_layers = sum(key.rpartition("_")[0] == name for key in arrays)
    return [arrays[f"{name}_{layer}"] for layer in range(n_layers)]


def _by_layer(name: str, values: Sequence[Array]) -> dict[str, Array]:
    return {f"{name}_{layer}": array for layer, array in enumerate(values)}


def copies(arrays: Sequence[Array]) -> list[Array]:
    """Copy arrays, in Fortran order."""
    return [np.array(array, order="F") for array in arrays]  # of memory maps, too


def _save_velocity(name: str, velocity: Parts | None) -> tuple[dict[str, Any], dict[str, Array]]:
    weights, biases = velocity or ((), ())
    return {}, _by_layer(f"{name}_coefs", weights) | _by_layer(f"{name}_intercepts", biases)


def _read_velocity(name: str, _: object, arrays: Mapping[str, Array]) -> Parts | None:
    weights, biases = (layers(f"{name}_{part}", arrays) for part in ("coefs", "intercepts"))
    return (weights, biases) if weights else None


def _save_best(name: str, best: Best) -> tuple[dict[str, Any], dict[str, Array]]:
    numbers = {number: getattr(best, number) for number in BEST_NUMBERS}
    numbers = {number: v if isfinite(v) else None for number, v in numbers.items()}  # as JSON can
    arrays = _by_layer(f"{name}_coefs", best.weights) | _by_layer(
        f"{name}_intercepts", best.biases
    )
    return {name: numbers}, arrays


def _read_best(name: str, numbers: Mapping[str, Any], arrays: Mapping[str, Array]) -> Best:
    weights, biases = (layers(f"{name}_{part}", arrays) for part in ("coefs", "intercepts"))
    given = {n: getattr(Best, n) if v is None else v for n, v in numbers[name].items()}
    return Best(**given, weights=weights, biases=biases)


def _save_array(name: str, values: Array | None) -> tuple[dict[str, Any], dict[str, Array]]:
    """Save an array; one of objects, which are strings, as a list."""
    if values is None:
        return {name: None}, {}
    if values.dtype == np.dtype(object):
        return {name: values.tolist()}, {}
    return {name: None}, {name: values}


def _read_array(name: str, listed: Mapping[str, Any], arrays: Mapping[str, Array]) -> Array | None:
    if name in arrays:
        return arrays[name]
    return None if listed[name] is None else np.array(listed[name], object)


_LAYER = r"_(0|[1-9]\d{0,3})"
_PARTS = r"_(coefs|intercepts)" + _LAYER

NUMBER = Kind(
    lambda v: v,
    lambda name, v: ({name: v}, {}),
    lambda name, given, _: given[name],
    number=lambda v: type(v) in (bool, int, float) and isfinite(v),
)
ARRAY = Kind(  # never written to; None if there is none
    lambda v: v,
    _save_array,
    _read_array,
    arrays="",
    number=lambda v: v is None or (type(v) is list and all(type(x) is str for x in v)),
)
LAYERS = Kind(
    copies,
    lambda name, values: ({}, _by_layer(name, values)),
    lambda name, _, arrays: layers(name, arrays),
    arrays=_LAYER,
)
COLUMNS = Kind(
    lambda history: {column: list(values) for column, values in history.items()},
    lambda name, history: ({}, {f"{name}_{c}": np.asarray(v) for c, v in history.items()}),
    lambda name, _, arrays: {c: arrays[f"{name}_{c}"].tolist() for c in HISTORY},
    arrays=rf"_({'|'.join(HISTORY)})",
)
VELOCITY = Kind(
    lambda velocity: velocity and tuple(map(copies, velocity)),
    _save_velocity,
    _read_velocity,
    arrays=_PARTS,
)
BEST = Kind(
    lambda best: best,
    _save_best,
    _read_best,
    arrays=_PARTS,
    number=lambda v: type(v) is dict and set(v) == set(BEST_NUMBERS),
)


def piece(kind: Kind, name: str = "", *, fitted: bool = True, **options: Any) -> Any:
    """Declare a piece of state.

    Parameters
    ----------
    kind : Kind
    name : str, default=""
        Its name in files; with an underscore behind, the attribute of the fitted estimator. The
        name of the field if left out.
    fitted : bool, default=True
        Whether a fitted estimator shows it.
    **options
        For `dataclasses.field`, a default for instance.
    """
    return field(metadata={"kind": kind, "name": name, "fitted": fitted}, **options)


@dataclass(eq=False)
class State:
    """The state of a training.

    Attributes
    ----------
    seed : int
        Seed of all random numbers.
    weights, biases : list of ndarray
        By layer, in Fortran order; training writes into them.
    classes, multilabel, n_features, feature_names
        What the training rows had: classes of the labels, whether there is one of several, number
        and names of the features.
    velocity : tuple of two lists of ndarray, or None
        With momentum, that of the weights and that of the biases.
    history : dict of lists
        The columns of `HISTORY`, an entry for each epoch.
    lmbda : float
        Strength of the penalty in the last training.
    epoch : int
        The epoch that the weights are from.
    first_epoch : int
        Epochs in the history that are older than this training.
    best : Best
    held_out : ndarray of int or None
        Rows that were split off for validation.
    """

    seed: int = piece(NUMBER)
    weights: list[Array] = piece(LAYERS, "coefs")
    biases: list[Array] = piece(LAYERS, "intercepts")
    classes: Array = piece(ARRAY)
    multilabel: bool = piece(NUMBER)
    n_features: int = piece(NUMBER, "n_features_in")
    feature_names: Array | None = piece(ARRAY, "feature_names_in", default=None)
    velocity: Parts | None = piece(VELOCITY, default=None)
    history: History = piece(COLUMNS, default_factory=lambda: {c: [] for c in HISTORY})
    lmbda: float = piece(NUMBER, default=0.0)
    epoch: int = piece(NUMBER, default=0)
    first_epoch: int = piece(NUMBER, fitted=False, default=0)
    best: Best = piece(BEST, fitted=False, default=Best())
    held_out: Array | None = piece(ARRAY, "validation_indices", default=None)

    @property
    def n_epochs(self) -> int:
        """Epochs trained, those of earlier trainings included."""
        return len(self.history[HISTORY[-1]])

    @property
    def layer_sizes(self) -> list[int]:
        """Units of every layer, the input layer included."""
        return [self.n_features, *map(len, self.biases)]

    def copy(self) -> Self:
        """Copy all that training changes."""
        return type(self)(**{n: kind.copy(value) for n, _, kind, value in self._pieces()})

    def arrays(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return what JSON knows, and the arrays by name: what a file of the state holds."""
        numbers: dict[str, Any] = {}
        arrays: dict[str, Array] = {}
        for _, name, kind, value in self._pieces():
            of_json, of_arrays = kind.save(name, value)
            numbers |= of_json
            arrays |= of_arrays
        return numbers, arrays

    @classmethod
    def read(cls, numbers: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """Make the state of what `arrays` returned."""
        return cls(**{n: kind.read(name, numbers, arrays) for n, name, kind, _ in pieces(cls)})

    def append(self, record: Record) -> None:
        """Record an epoch, whose weights these are."""
        for column in HISTORY:
            self.history[column].append(record[column])
        self.epoch = self.n_epochs

    def cut(self, n_epochs: int) -> None:
        """Remove what the history holds of epochs after the first `n_epochs`."""
        for column in self.history.values():
            del column[n_epochs:]
        self.epoch = n_epochs

    def _pieces(self) -> list[tuple[str, str, Kind, Any]]:
        return [(n, name, kind, getattr(self, n)) for n, name, kind, _ in pieces(type(self))]


Pieces: TypeAlias = tuple[tuple[str, str, Kind, bool], ...]
_PIECES: dict[type, Pieces] = {}  # of each class, once: a short `partial_fit` asks for them often


def pieces(cls: type[State] = State) -> Pieces:
    """List the pieces of a state: field, name, kind, and whether fitted estimators show it."""
    if cls not in _PIECES:
        _PIECES[cls] = tuple(
            (f.name, f.metadata["name"] or f.name, f.metadata["kind"], f.metadata["fitted"])
            for f in fields(cls)
        )
    return _PIECES[cls]


def initial_weights(
    seed: int,
    layer_sizes: Sequence[int],
    dtype: np.dtype[Any],
    initializer: Initializer,
    scale: float = 1.0,
) -> tuple[list[Array], list[Array]]:
    """Draw the weights and biases of a new network.

    Parameters
    ----------
    seed : int
    layer_sizes : sequence of int
        Units of every layer, the input layer included.
    dtype : dtype
    initializer : Initializer
    scale : float, default=1.0
        Factor of the weights.

    Raises
    ------
    ValueError
        If the initializer returns wrong shapes, or numbers that are not finite.
    """
    weights, biases = [], []
    rng = generator(seed, INITIALISATION)
    for n_in, n_out in pairwise(layer_sizes):
        w, b = initializer(rng, n_in, n_out)
        if np.shape(w) != (n_in, n_out) or np.shape(b) != (n_out,):
            raise ValueError(
                f"`weight_init` must return shapes {(n_in, n_out)} and {(n_out,)}; "
                f"got {np.shape(w)} and {np.shape(b)}."
            )
        with np.errstate(all="ignore"):
            w, b = np.asfortranarray(scale * w, dtype), np.array(b, dtype)
        if not (np.isfinite(w).all() and np.isfinite(b).all()):
            raise ValueError(
                f"Initial weights and biases must be finite in {dtype}; those of "
                f"`weight_init` and `init_scale`={scale:.6g} are not."
            )
        weights.append(w)
        biases.append(b)
    return weights, biases
