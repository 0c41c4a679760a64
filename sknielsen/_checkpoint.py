"""The file of a checkpoint: a saved state, and what its parameters and data are known by.

It is a .npz archive: arrays, and ``checkpoint.json`` with all that is not an array. Whoever hands
over a file may have put anything into it; `read_checkpoint` reads what a checkpoint can hold and
no more, and raises ValueError unless all of it fits together.
"""

import io
import json
import math
import os
import re
import threading
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields
from itertools import pairwise
from time import time
from typing import Any, NoReturn

import numpy as np

from sknielsen._files import require_regular
from sknielsen._identity import Identity
from sknielsen._version import __version__, newer_version_message
from sknielsen.core.contracts import Array
from sknielsen.core.state import BEST_NUMBERS, HISTORY, NUMBER, State, layers, pieces

_LEFT = 600  # age in seconds at which a temporary file is no longer being written
_JSON = "checkpoint.json"
_LAYERS = "coefs", "intercepts"
_DATA = "X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val"

Numbers = dict[str, Any]  # what checkpoint.json holds
Arrays = dict[str, Array]


# --- writing ----------------------------------------------------------------------------------


def clear_temporary(path: str) -> None:
    """Remove what trainings that were killed some time ago have left of `write_checkpoint`."""
    folder, name = os.path.split(path)
    for entry in os.listdir(folder):  # a list, which Ctrl-C cannot leave open
        left = os.path.join(folder, entry)
        if re.fullmatch(re.escape(name) + r"\.\d+-\d+\.tmp", entry) and os.path.isfile(left):
            with suppress(FileNotFoundError):  # renamed or removed in the meantime
                if time() - os.stat(left).st_mtime > _LEFT:
                    os.remove(left)


def write_checkpoint(path: str, state: State, identity: Identity) -> None:
    """Write a state and what it belongs to into a file that is either whole or not there."""
    require_writable(path)
    numbers, arrays = state.arrays()
    numbers |= {
        "sknielsen": __version__,
        "n_epochs": state.n_epochs,
        "parameters": identity.parameters,
        "data": identity.data,
    }
    content = _pack(numbers, arrays)
    # In the same folder, so that it can be renamed; of a name that no other writer has.
    temporary = f"{path}.{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too; it is raised again
        if os.path.exists(temporary):
            os.remove(temporary)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name, too, is to survive a power cut
        finally:
            os.close(folder)


def _pack(numbers: Numbers, arrays: Arrays) -> memoryview:
    """Return the archive, made in memory: closing it must not fail where a disk is full."""
    content = io.BytesIO()
    archive = zipfile.ZipFile(content, "w")
    try:
        for name, values in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)
            archive.writestr(f"{name}.npy", member.getbuffer())
        archive.writestr(_JSON, json.dumps(numbers, indent=1, allow_nan=False))
        archive.close()
    except BaseException:
        archive.fp = None  # else its end would raise another error in the place of a Ctrl-C
        raise
    return content.getbuffer()


def require_writable(path: str) -> None:
    """Raise OSError where a file cannot be put in the place of what is there."""
    if os.path.lexists(path):
        require_regular(path)
    elif not os.path.isdir(os.path.dirname(path)):
        raise FileNotFoundError(f"There is no folder for the checkpoint {path!r}.")


# --- reading ----------------------------------------------------------------------------------


def read_checkpoint(path: str | os.PathLike[str]) -> tuple[State, Identity]:
    """Read the state of a training, and what its parameters and data are known by.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    ValueError
        If the file is no checkpoint, damaged, or one of a newer sknielsen.
    OSError
        If there is no such file, or it cannot be read.
    """
    name = repr(os.fspath(path))
    size = require_regular(path)
    with open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{name} is not a checkpoint: it is no .npz file.")
        try:
            numbers, arrays = _read_archive(file, size, name)
        except _NoCheckpointError as error:
            raise ValueError(str(error)) from None
        except Exception as error:  # of many kinds, wherever a byte is wrong
            raise ValueError(f"{name} is damaged: {error}") from error
    return State.read(numbers, arrays), Identity(numbers["parameters"], numbers["data"], name)


class _NoCheckpointError(Exception):
    """What is wrong is not damage: the file is something else, or of a newer version."""


def _read_archive(file: Any, size: int, name: str) -> tuple[Numbers, Arrays]:
    with zipfile.ZipFile(file) as archive:
        members = {member.filename: member for member in archive.infolist()}
        _require(len(members) == len(archive.infolist()), "two members have the same name")
        if _JSON not in members:
            raise _NoCheckpointError(f"{name} is not a checkpoint: it has no {_JSON!r}.")
        # Nothing is compressed, so that no member is larger than the file.
        _require(
            all(m.compress_type == zipfile.ZIP_STORED for m in members.values())
            and sum(m.file_size for m in members.values()) <= size,
            "its members are larger than the file",
        )
        numbers = json.loads(archive.read(_JSON), parse_constant=_refuse_constant)
        _require(
            type(numbers) is dict and type(numbers.get("sknielsen")) is str, "it has no version"
        )
        if message := newer_version_message(name, numbers["sknielsen"]):
            raise _NoCheckpointError(message)
        if numbers["sknielsen"] != __version__:  # older: it lacks what came since
            numbers = {**_defaults(), **numbers}
        del members[_JSON]
        arrays = {}
        for member in members:
            part, dot, ending = member.rpartition(".")
            _require(dot + ending == ".npy" and _is_expected(part), f"it holds {member!r}")
            arrays[part] = _parse_npy(archive.read(member), member)
    _check(numbers, arrays)
    return numbers, arrays


def _defaults() -> Numbers:
    """Return the numbers that a state has if nothing is said of them."""
    known = {f.name for f in fields(State) if f.default is not MISSING}
    return {
        name: getattr(State, field)
        for field, name, kind, _ in pieces()
        if kind is NUMBER and field in known
    }


def _require(condition: Any, problem: str) -> None:
    if not condition:
        raise ValueError(f"{problem}.")


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{_JSON} holds {constant}.")


def _is_expected(part: str) -> bool:
    patterns = [name + kind.arrays for _, name, kind, _ in pieces() if kind.arrays is not None]
    return any(re.fullmatch(pattern, part) for pattern in patterns)


def _parse_npy(content: bytes, member: str) -> Array:
    """Make an array of the content of a .npy file, which must be as long as its header says."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    _require(version in ((1, 0), (2, 0)), f"{member!r} is of version {version}")
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, in_fortran_order, dtype = read_header(file)
    _require(dtype.kind in "biufUMm", f"{member!r} holds {dtype}")
    _require(
        min(shape, default=1) >= 0
        and math.prod(shape) * dtype.itemsize == len(content) - file.tell(),
        f"{member!r} has not the size of shape {shape} and {dtype}",
    )
    values = np.frombuffer(content, dtype, offset=file.tell())
    values = values.reshape(shape, order="F" if in_fortran_order else "C")
    return values.astype(dtype.newbyteorder("="), order="K")


def _is_count(value: Any, most: float = math.inf) -> bool:
    return type(value) is int and 0 <= value <= most


def _check(numbers: Numbers, arrays: Arrays) -> None:
    """Raise ValueError unless numbers and arrays are what a training can have come to."""
    n_epochs: Any = numbers.get("n_epochs")
    n_features = numbers.get("n_features_in")
    schema: dict[str, Callable[[Any], bool]] = {
        "sknielsen": lambda v: True,
        "n_epochs": _is_count,
        "first_epoch": lambda v: _is_count(v, n_epochs),
        "epoch": lambda v: (
            _is_count(v, n_epochs) and (v == n_epochs or n_epochs == numbers["first_epoch"])
        ),
        "lmbda": lambda v: _is_score(v) and v >= 0,
        "seed": lambda v: _is_count(v, 2**31 - 2),
        "multilabel": lambda v: type(v) is bool,
        "classes": lambda v: v is None or _are_strings(v),
        "n_features_in": lambda v: _is_count(v) and v > 0,
        "feature_names_in": lambda v: (
            v is None or (_are_strings(v) and len({*v}) == len(v) == n_features)
        ),
        "validation_indices": lambda v: v is None,  # an array, if anything
        "parameters": lambda v: type(v) is dict,
        "data": lambda v: (
            type(v) is dict
            and set(v) == set(_DATA)
            and all(part is None or type(part) is str for part in v.values())
        ),
    }
    # What a piece of state must be, if no more is said of it above.
    kinds = {name: kind.number for _, name, kind, _ in pieces() if kind.number is not None}
    schema = kinds | schema
    _require(set(numbers) == set(schema), f"{_JSON} has other keys, {sorted(numbers)}")
    _require("feature_names_in" not in arrays, "names of features are no array")
    for key, is_right in schema.items():
        _require(is_right(numbers[key]), f"{key!r} cannot be {numbers[key]!r:.80}")
    shapes = _check_layers(numbers, arrays)
    _check_history(numbers, arrays)
    _check_classes(numbers, arrays, n_outputs=shapes[-1][1])
    _check_best(numbers, arrays)
    indices = arrays.get("validation_indices", np.empty(0, int))
    _require(indices.dtype.kind == "i" and indices.ndim == 1, "validation rows are no row numbers")


def _is_score(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _are_strings(values: Any) -> bool:
    return type(values) is list and all(type(value) is str for value in values)


def _check_layers(numbers: Numbers, arrays: Arrays) -> list[tuple[int, ...]]:
    """Check weights, biases, velocity and best weights; return the shape of each layer."""
    weights, biases = (_whole_layers(name, arrays) for name in _LAYERS)
    _require(len(weights) == len(biases) > 0, "the number of layers is uncertain")
    dtype, shapes = weights[0].dtype, [w.shape for w in weights]
    _require(dtype in (np.float32, np.float64), f"weights cannot be {dtype}")
    _require(all(len(shape) == 2 for shape in shapes), "weights are no matrices")
    widths = [numbers["n_features_in"], *(shape[1] for shape in shapes)]
    _require(shapes == list(pairwise(widths)), f"layers of shapes {shapes} do not fit together")
    expected = {"coefs": shapes, "intercepts": [shape[1:] for shape in shapes]}
    for prefix in ("", "velocity_", "best_"):
        for name in _LAYERS:
            some = _whole_layers(prefix + name, arrays)
            needed = prefix == "" or f"{prefix}coefs_0" in arrays
            found = [a.shape for a in some if a.dtype == dtype and np.isfinite(a).all()]
            _require(
                found == expected[name] if needed else not some,
                f"{prefix}{name!r} are not finite {dtype} of shapes {expected[name]}",
            )
    n_arrays = sum(part.rpartition("_")[2].isdigit() for part in arrays)
    kinds = 1 + ("velocity_coefs_0" in arrays) + ("best_coefs_0" in arrays)
    _require(n_arrays == 2 * len(weights) * kinds, "a layer is missing")
    return shapes


def _check_history(numbers: Numbers, arrays: Arrays) -> None:
    n_epochs = numbers["n_epochs"]
    for column in HISTORY:
        _require(f"history_{column}" in arrays, f"the history has no {column!r}")
        values = arrays[f"history_{column}"]
        _require(
            values.shape == (n_epochs,)
            and values.dtype.kind in "if"
            and not np.isinf(values).any(),
            f"the history of {column!r} is not that of {n_epochs} epochs",
        )
    history = {column: arrays[f"history_{column}"] for column in HISTORY}
    _require(
        (history["epoch"] == np.arange(1, n_epochs + 1)).all()
        and (n_epochs == 0 or history["epoch"].dtype.kind == "i")
        and (history["eta"] > 0).all(),
        "the history holds impossible epochs or etas",
    )
    for column in ("train_accuracy", "validation_accuracy", "saturation"):
        values = history[column][~np.isnan(history[column])]
        _require(((values >= 0) & (values <= 1)).all(), f"{column!r} is no share")
    _require((history["duration"] >= 0).all(), "an epoch's duration is negative")
    _require(np.isfinite(history["penalty"]).all(), "a penalty is not finite")


def _check_classes(numbers: Numbers, arrays: Arrays, n_outputs: int) -> None:
    _require(("classes" in arrays) == (numbers["classes"] is None), "the classes are uncertain")
    listed: Any = numbers["classes"]
    classes = arrays["classes"] if listed is None else np.array(listed, object)
    possible = {len(classes)} | ({1} if len(classes) == 2 and not numbers["multilabel"] else set())
    _require(
        classes.ndim == 1
        and np.array_equal(np.unique(classes), classes)
        and n_outputs in possible
        and (len(classes) > 1 or numbers["multilabel"])
        and (not numbers["multilabel"] or np.array_equal(classes, np.arange(n_outputs))),
        f"its classes cannot be those of {n_outputs} outputs",
    )


def _check_best(numbers: Numbers, arrays: Arrays) -> None:
    best, first, n_epochs = numbers["best"], numbers["first_epoch"], numbers["n_epochs"]
    score, epoch, cost, n_stalled, bar = (best[key] for key in BEST_NUMBERS)
    _require(
        _is_count(epoch, n_epochs)
        and _is_count(n_stalled, n_epochs - first)
        and all(value is None or _is_score(value) for value in (score, cost, bar)),
        f"'best' cannot be {best}",
    )
    has_weights = "best_coefs_0" in arrays
    _require(has_weights or n_stalled == 0, "the best weights are uncertain")
    _require(score is not None or not has_weights, "the best score is uncertain")
    _require(bar is None or (score is not None and bar <= score), "the best score is uncertain")
    scores = arrays["history_validation_score"][first:]
    later = scores[~np.isnan(scores)]
    _require(
        len(later) == 0 if score is None else epoch > 0 and (later <= score).all(),
        f"{score!r} of epoch {epoch} cannot be the best score",
    )
    if epoch > first:
        _require(
            score is not None and scores[epoch - 1 - first] == score,
            f"epoch {epoch} cannot be the best one",
        )


def _whole_layers(name: str, arrays: Mapping[str, Array]) -> list[Array]:
    """Return the arrays of a name by layer; raise ValueError if one is missing."""
    try:
        return layers(name, arrays)
    except KeyError:
        raise ValueError("a layer is missing.") from None
