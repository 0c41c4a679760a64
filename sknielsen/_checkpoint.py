"""The file of a checkpoint: what it holds, how it is written, and what is believed of it.

It is a .npz archive: arrays, and ``checkpoint.json`` with all that is not an array. Whoever hands
over a file may have put anything into it; `read_checkpoint` reads what a checkpoint can hold and
no more, and raises ValueError unless all of it fits together.
"""

import functools
import inspect
import io
import json
import math
import os
import re
import threading
import types
import zipfile
from contextlib import suppress
from itertools import pairwise
from time import time

import numpy as np

from sknielsen._classifier import MLPSigmoidClassifier
from sknielsen._data import digest
from sknielsen._files import require_regular
from sknielsen._tasks import highest_score
from sknielsen._training import HISTORY
from sknielsen._version import __version__, newer_version_message

_LEFT = 600  # age in seconds at which a temporary file is no longer being written
_JSON = "checkpoint.json"
_LAYERS = "coefs", "intercepts"
_DATA = "X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val"

# Parameters that do not change what an epoch does.
_FREE = {"client", "max_iter", "on_interrupt", "verbose", "warm_start"}


# --- writing ----------------------------------------------------------------------------------


def contents(training):
    """Return what is not an array, as JSON knows it, and the arrays by name."""
    estimator, network, best = training.estimator, training.network, training.best
    names = getattr(estimator, "feature_names_in_", None)
    classes = estimator.classes_
    state = {
        "sknielsen": __version__,
        "n_epochs": training.n_epochs,
        "first_epoch": training.first_epoch,
        "seed": estimator.seed_,
        "multilabel": estimator.multilabel_,
        "classes": classes.tolist() if classes.dtype == object else None,
        "n_features_in": estimator.n_features_in_,
        "feature_names_in": None if names is None else names.tolist(),
        "best": None,
        "best_before": _finite_score(training.best_before),
    } | known_by(training)
    by_layer = {"coefs": network.weights, "intercepts": network.biases}
    if training.settings.momentum > 0:
        by_layer["velocity_coefs"], by_layer["velocity_intercepts"] = network.velocity
    if best is not None:
        score = best.score if best.kept[2] else None  # none before the first epoch
        state["best"] = {"score": score, "epoch": best.epoch, "n_stalled": best.n_stalled}
        n_layers, kept = len(network.weights), best.kept[2]
        by_layer["best_coefs"], by_layer["best_intercepts"] = kept[:n_layers], kept[n_layers:]
    arrays = {f"{name}_{i}": a for name, some in by_layer.items() for i, a in enumerate(some)}
    arrays |= {f"history_{column}": values for column, values in training.history.items()}
    if hasattr(estimator, "validation_indices_"):
        arrays["validation_indices"] = estimator.validation_indices_
    if classes.dtype != object:
        arrays["classes"] = classes
    return state, arrays


def _finite_score(best_before):
    """Return a score and its epoch as JSON knows them: no score where there was none."""
    score, epoch = best_before
    return [score if epoch else None, epoch]


def clear_temporary(path):
    """Remove what trainings that were killed some time ago have left of `write_checkpoint`."""
    folder, name = os.path.split(path)
    for entry in os.scandir(folder):
        if re.fullmatch(re.escape(name) + r"\.\d+-\d+\.tmp", entry.name) and entry.is_file():
            with suppress(FileNotFoundError):  # renamed or removed in the meantime
                if time() - entry.stat().st_mtime > _LEFT:
                    os.remove(entry)


def write_checkpoint(path, state, arrays):
    """Write a file that is either whole or not there."""
    require_writable(path)
    content = _pack(state, arrays)
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


def _pack(state, arrays):
    """Return the archive, made in memory: closing it must not fail where a disk is full."""
    content = io.BytesIO()
    archive = zipfile.ZipFile(content, "w")
    try:
        for name, values in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)
            archive.writestr(f"{name}.npy", member.getbuffer())
        archive.writestr(_JSON, json.dumps(state, indent=1, allow_nan=False))
        archive.close()
    except BaseException:
        archive.fp = None  # else its end would raise another error in the place of a Ctrl-C
        raise
    return content.getbuffer()


def require_writable(path):
    """Raise OSError where a file cannot be put in the place of what is there."""
    if os.path.lexists(path):
        require_regular(path)
    elif not os.path.isdir(os.path.dirname(path)):
        raise FileNotFoundError(f"There is no folder for the checkpoint {path!r}.")


# --- reading ----------------------------------------------------------------------------------


def read_checkpoint(path):
    """Read a checkpoint.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    state : dict
        What is not an array.
    arrays : dict of ndarray

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
            state, arrays = _read_archive(file, size, name)
        except _NoCheckpointError as error:
            raise ValueError(str(error)) from None
        except Exception as error:  # of many kinds, wherever a byte is wrong
            raise ValueError(f"{name} is damaged: {error}") from error
    return state, arrays


class _NoCheckpointError(Exception):
    """What is wrong is not damage: the file is something else, or of a newer version."""


def _read_archive(file, size, name):
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
        state = json.loads(archive.read(_JSON), parse_constant=_refuse_constant)
        _require(type(state) is dict and type(state.get("sknielsen")) is str, "it has no version")
        if message := newer_version_message(name, state["sknielsen"]):
            raise _NoCheckpointError(message)
        del members[_JSON]
        arrays = {}
        for member in members:
            part, dot, ending = member.rpartition(".")
            _require(dot + ending == ".npy" and _is_expected(part), f"it holds {member!r}")
            arrays[part] = _parse_npy(archive.read(member), member)
    _check(state, arrays)
    return state, arrays


def _require(condition, problem):
    if not condition:
        raise ValueError(f"{problem}.")


def _refuse_constant(constant):
    raise ValueError(f"{_JSON} holds {constant}.")


def _is_expected(part):
    layer = r"(best_|velocity_)?(coefs|intercepts)_(0|[1-9]\d{0,3})"
    known = {"classes", "validation_indices", *(f"history_{column}" for column in HISTORY)}
    return part in known or re.fullmatch(layer, part) is not None


def _parse_npy(content, member):
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


def _is_count(value, most=math.inf):
    return type(value) is int and 0 <= value <= most


def _check(state, arrays):
    """Raise ValueError unless state and arrays are what a training can have come to."""
    n_epochs = state.get("n_epochs")
    schema = {
        "sknielsen": lambda v: True,
        "n_epochs": _is_count,
        "first_epoch": lambda v: _is_count(v, n_epochs),
        "seed": lambda v: _is_count(v, 2**31 - 2),
        "multilabel": lambda v: type(v) is bool,
        "classes": lambda v: v is None or _are_strings(v),
        "n_features_in": lambda v: _is_count(v) and v > 0,
        "feature_names_in": lambda v: (
            v is None or (_are_strings(v) and len({*v}) == len(v) == state["n_features_in"])
        ),
        "best": lambda v: v is None or (type(v) is dict and set(v) == set(_BEST)),
        "best_before": lambda v: (
            type(v) is list
            and len(v) == 2
            and _is_count(v[1], state["first_epoch"])
            and ((v[0] is None) if v[1] == 0 else _is_score(v[0]))
        ),
        "parameters": lambda v: type(v) is dict,
        "data": lambda v: (
            type(v) is dict
            and set(v) == set(_DATA)
            and all(part is None or type(part) is str for part in v.values())
        ),
    }
    _require(set(state) == set(schema), f"{_JSON} has other keys, {sorted(state)}")
    for key, is_right in schema.items():
        _require(is_right(state[key]), f"{key!r} cannot be {state[key]!r:.80}")
    shapes = _check_layers(state, arrays)
    _check_history(state, arrays)
    _check_classes(state, arrays, n_outputs=shapes[-1][1])
    if state["best"] is not None:
        _check_best(state, arrays)
    indices = arrays.get("validation_indices", np.empty(0, int))
    _require(indices.dtype.kind == "i" and indices.ndim == 1, "validation rows are no row numbers")


_BEST = "score", "epoch", "n_stalled"


def _is_score(value):
    return type(value) in (int, float) and math.isfinite(value)


def _are_strings(values):
    return type(values) is list and all(type(value) is str for value in values)


def _check_layers(state, arrays):
    """Check weights, biases, velocity and best weights; return the shape of each layer."""
    weights, biases = (layers(arrays, name) for name in _LAYERS)
    _require(len(weights) == len(biases) > 0, "the number of layers is uncertain")
    dtype, shapes = weights[0].dtype, [w.shape for w in weights]
    _require(dtype in (np.float32, np.float64), f"weights cannot be {dtype}")
    _require(all(len(shape) == 2 for shape in shapes), "weights are no matrices")
    widths = [state["n_features_in"], *(shape[1] for shape in shapes)]
    _require(shapes == list(pairwise(widths)), f"layers of shapes {shapes} do not fit together")
    expected = {"coefs": shapes, "intercepts": [shape[1:] for shape in shapes]}
    for prefix in ("", "velocity_", "best_"):
        for name in _LAYERS:
            some = layers(arrays, prefix + name)
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


def _check_history(state, arrays):
    n_epochs = state["n_epochs"]
    for column in HISTORY:
        values = arrays.get(f"history_{column}")
        _require(values is not None, f"the history has no {column!r}")
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


def _check_classes(state, arrays, n_outputs):
    _require(("classes" in arrays) == (state["classes"] is None), "the classes are uncertain")
    classes = arrays["classes"] if "classes" in arrays else np.array(state["classes"], object)
    possible = {len(classes)} | ({1} if len(classes) == 2 and not state["multilabel"] else set())
    _require(
        classes.ndim == 1
        and np.array_equal(np.unique(classes), classes)
        and n_outputs in possible
        and (len(classes) > 1 or state["multilabel"])
        and (not state["multilabel"] or np.array_equal(classes, np.arange(n_outputs))),
        f"its classes cannot be those of {n_outputs} outputs",
    )


def _check_best(state, arrays):
    best, first, n_epochs = state["best"], state["first_epoch"], state["n_epochs"]
    score, epoch = best["score"], best["epoch"]
    _require(
        _is_count(epoch, n_epochs) and _is_count(best["n_stalled"], n_epochs - first),
        f"'best' cannot be {best}",
    )
    _require((score is None) == ("best_coefs_0" not in arrays), "the best weights are uncertain")
    scores = arrays["history_validation_score"][first:].tolist()
    is_best = score is not None and _is_score(score) and max(scores, default=score) <= score
    _require(
        (n_epochs == first) if score is None else (is_best and epoch > 0),
        f"{score!r} of epoch {epoch} cannot be the best score",
    )
    if epoch > first:
        _require(
            (score, epoch) == highest_score(scores, first), f"epoch {epoch} cannot be the best one"
        )


def layers(arrays, name):
    """Return the arrays of a name, layer by layer."""
    n_layers = sum(key.rpartition("_")[0] == name for key in arrays)
    _require(all(f"{name}_{layer}" in arrays for layer in range(n_layers)), "a layer is missing")
    return [arrays[f"{name}_{layer}"] for layer in range(n_layers)]


# --- what must not have changed ---------------------------------------------------------------


def parameters_of(estimator):
    """Describe the parameters that training depends on, as JSON gives them back."""
    names = [*MLPSigmoidClassifier._get_param_names(), *estimator.get_params(deep=False)]
    described = {}
    for name in dict.fromkeys(name for name in names if name not in _FREE):
        value = getattr(estimator, name)
        try:
            described[name] = _describe(value)
        except RecursionError:  # an object that holds itself
            described[name] = _describe(type(value))
    return described


def _describe(value):
    """Describe a value by what JSON knows; objects by their class and parameters."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else repr(value)
    if isinstance(value, (set, frozenset)):
        return sorted(map(_describe, value), key=repr)
    if isinstance(value, np.ndarray) and value.size > 1000 and value.dtype != object:
        return ["ndarray", digest(value)]
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_describe(item) for item in value]
    if isinstance(value, dict):
        return sorted(([_describe(key), _describe(item)] for key, item in value.items()), key=repr)
    if hasattr(value, "get_params") and not isinstance(value, type):
        return [_describe(type(value)), _describe(value.get_params(deep=False))]
    if isinstance(value, functools.partial):
        return ["functools.partial", *map(_describe, (value.func, value.args, value.keywords))]
    if isinstance(value, types.MethodType):
        return [_describe(value.__func__), _describe(value.__self__)]
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "__dict__"):
        return [_describe(type(value)), _describe(vars(value))]
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(value))


def check_same_parameters(saved, given):
    """Raise ValueError if a parameter is not as it was."""
    # A parameter that came with a newer version was then what its default is.
    signature = inspect.signature(MLPSigmoidClassifier).parameters
    defaults = {name: _describe(signature[name].default) for name in given if name in signature}
    saved = {**defaults, **saved}
    names = [name for name in {**saved, **given} if saved.get(name) != given.get(name)]
    if names:
        changes = "; ".join(
            f"{name}={saved.get(name)!r} in the checkpoint, {given.get(name)!r} now"
            for name in names
        )
        raise ValueError(f"The checkpoint was written with other parameters: {changes}.")


def check_same_data(saved, given):
    """Raise ValueError if rows, labels or weights are not as they were."""
    names = [name for name in given if saved[name] != given[name]]
    if names:
        raise ValueError(
            "The checkpoint was written with other data: "
            + ", ".join(f"`{name}`" for name in names)
            + " must be what that fit was given, rows in the same order (of Dask, in the same "
            "blocks)."
        )


def known_by(training):
    """Return what parameters and data are known by, as they were when training began."""
    if training.known_by is None:
        parts = training.data.digests()
        given = training.given_validation[0] is not None
        of_validation = training.validation.digests() if given else dict.fromkeys(parts)
        parts |= {f"{name}_val": value for name, value in of_validation.items()}
        training.known_by = {"parameters": parameters_of(training.estimator), "data": parts}
    return training.known_by
