import re
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import pytest

from sknielsen._fitted import FITTED
from sknielsen.core.contracts import Record
from sknielsen.core.state import (
    HISTORY,
    LAYERS,
    NUMBER,
    Best,
    State,
    initial_weights,
    piece,
    pieces,
)
from sknielsen.initializers import scaled


def arrays_of(seed, sizes=(3, 4, 2)):
    rng = np.random.default_rng(seed)
    shapes = [*pairwise(sizes)]
    weights = [np.asfortranarray(rng.normal(size=shape)) for shape in shapes]
    return weights, [rng.normal(size=n_out) for _, n_out in shapes]


def make_state(cls=State, **pieces):
    """Make a state with something in every piece."""
    weights, biases = arrays_of(0)
    best_weights, best_biases = arrays_of(1)
    given = dict(
        seed=7,
        weights=weights,
        biases=biases,
        classes=np.array([3, 5, 8]),
        multilabel=False,
        n_features=3,
        feature_names=np.array(["a", "b", "c"], object),
        velocity=arrays_of(2),
        history={column: [0.25, 0.5] for column in HISTORY},
        epoch=2,
        first_epoch=1,
        best=Best(0.5, 1, 1, best_weights, best_biases),
        held_out=np.array([0, 4]),
    )
    return cls(**given | pieces)


def assert_same(one, other):
    """Assert that two pieces are equal, of the same types and dtypes."""
    if isinstance(one, Best):
        for field in fields(Best):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, (list, tuple)):
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        assert_same([*one.values()], [*other.values()])
    else:
        assert type(one) is type(other)
        assert one == other or (one != one and other != other)  # NaN


def assert_same_state(one, other):
    assert type(one) is type(other)
    for field in fields(one):
        assert_same(getattr(one, field.name), getattr(other, field.name))


def arrays_in(value):
    """List all arrays of a piece."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, Best):
        return arrays_in([value.weights, value.biases])
    inside = value if isinstance(value, (list, tuple)) else []
    return [array for item in inside for array in arrays_in(item)]


# --- copies -------------------------------------------------------------------------------------


def test_a_copy_is_the_same_state():
    assert_same_state(make_state().copy(), make_state())


def test_a_copy_shares_nothing_that_training_changes():
    state = make_state()
    copy = state.copy()
    for array in arrays_in([copy.weights, copy.biases, copy.velocity]):
        array += 1
    copy.weights.append(np.zeros((2, 2)))
    copy.biases.pop()
    copy.append(dict.fromkeys(HISTORY, 9.0))
    copy.history["extra"] = []
    copy.best = Best(1.0, 3)
    assert_same_state(state, make_state())


def test_a_copy_is_in_fortran_order_and_writeable_whatever_it_copies():
    weights = [np.ascontiguousarray(w) for w in arrays_of(0)[0]]
    for array in weights:
        array.flags.writeable = False
    copy = make_state(weights=weights).copy()
    assert all(w.flags.f_contiguous and w.flags.writeable for w in copy.weights)


def test_a_copy_without_velocity_has_none():
    assert make_state(velocity=None).copy().velocity is None


# --- files --------------------------------------------------------------------------------------

CASES = {
    "everything": {},
    "no velocity": {"velocity": None},
    "no names": {"feature_names": None},
    "no rows held out": {"held_out": None},
    "classes that are objects": {"classes": np.array(["ant", "bee", "cat"], object)},
    "classes that are strings": {"classes": np.array(["ant", "bee"])},
    "classes that are flags": {"classes": np.array([False, True])},
    "multilabel": {"multilabel": True, "classes": np.arange(2)},
    "nothing best": {"best": Best()},
    "best without weights": {"best": Best(-0.5, 2, 1)},
    "no epoch": {"history": {c: [] for c in HISTORY}, "epoch": 0, "first_epoch": 0},
    "figures that do not exist": {"history": {c: [np.nan, 1e300] for c in HISTORY}},
    "float32": {"weights": [np.ones((3, 2), np.float32, "F")], "biases": [np.ones(2, np.float32)]},
    "no hidden layer": {"weights": arrays_of(0, (3, 2))[0], "biases": arrays_of(0, (3, 2))[1]},
    "eleven layers": dict(zip(("weights", "biases"), arrays_of(3, (3,) * 12))),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_file_holds_reads_as_the_same_state(case):
    state = make_state(**CASES[case])
    numbers, arrays = state.arrays()
    again = State.read(numbers, arrays)
    assert_same_state(again, state)


@pytest.mark.parametrize("case", CASES)
def test_no_array_of_a_file_holds_objects_and_no_number_is_an_array(case):
    numbers, arrays = make_state(**CASES[case]).arrays()
    assert all(array.dtype != object for array in arrays.values())
    assert not any(isinstance(value, (np.ndarray, np.generic)) for value in numbers.values())


@pytest.mark.parametrize("case", CASES)
def test_a_kind_expects_the_names_and_the_numbers_that_it_saves(case):
    state = make_state(**CASES[case])
    for field, name, kind, _ in pieces():
        numbers, arrays = kind.save(name, getattr(state, field))
        assert set(numbers) <= {name}
        for array in arrays:
            assert array.startswith(name)
            assert re.fullmatch(kind.arrays, array.removeprefix(name)), array
        if kind.number is not None and numbers:
            assert kind.number(numbers[name]), name


@dataclass(eq=False)
class Larger(State):
    """A state with pieces that this package knows nothing of."""

    temperature: float = piece(NUMBER, default=1.0)
    means: list = piece(LAYERS, "averages", default_factory=list)


def test_a_piece_that_is_declared_is_copied_saved_and_read():
    means, _ = arrays_of(4)
    state = make_state(Larger, temperature=0.5, means=means)
    copy = state.copy()
    assert_same_state(copy, state)
    assert not np.shares_memory(copy.means[0], means[0])
    numbers, arrays = state.arrays()
    assert numbers["temperature"] == 0.5
    np.testing.assert_array_equal(arrays["averages_1"], means[1])
    again = Larger.read(numbers, arrays)
    assert again.temperature == 0.5
    assert_same(again.means, means)
    assert pieces(Larger)[: len(pieces())] == pieces()


def test_a_declaration_tells_the_kind_the_name_and_who_shows_it():
    """The name of the field and a fitted estimator, unless it says otherwise."""

    @dataclass
    class Declared:
        plain: int = piece(NUMBER)
        named: int = piece(NUMBER, "other", default=3)
        inner: list = piece(LAYERS, fitted=False, default_factory=list)

    assert list(pieces(Declared)) == [
        ("plain", "plain", NUMBER, True),
        ("named", "other", NUMBER, True),
        ("inner", "inner", LAYERS, False),
    ]
    assert (Declared(1).named, Declared(1).inner) == (3, [])


def test_what_is_not_finite_is_null_in_json():
    """A best that there is not yet has a score and a cost at the ends of the floats."""
    numbers, _ = make_state(best=Best()).arrays()
    assert numbers["best"] == {
        "score": None, "epoch": 0, "cost": None, "n_stalled": 0, "bar": None
    }  # fmt: skip


# --- names --------------------------------------------------------------------------------------


def test_pieces_are_the_attributes_of_a_fitted_estimator(small, digits):
    clf = small(momentum=0.5, early_stopping=True).fit(*digits)
    shown = {f"{name}_" for _, name, _, fitted in pieces() if fitted}
    assert shown < FITTED
    learned = {name for name in vars(clf) if name.endswith("_")}
    assert shown - learned <= {"feature_names_in_", "velocity_"}  # no frame, and best restored
    assert learned <= FITTED


def test_names_of_pieces_are_those_of_no_other():
    names = [name for _, name, _, _ in pieces()]
    assert len(set(names)) == len(names)


# --- epochs -------------------------------------------------------------------------------------


def test_epochs_are_appended_and_cut():
    state = make_state()
    record: Record = {column: float(i) for i, column in enumerate(HISTORY)}
    state.append(record)
    assert state.n_epochs == state.epoch == 3
    assert [state.history[column][-1] for column in HISTORY] == [*record.values()]
    state.cut(1)
    assert state.n_epochs == state.epoch == 1
    assert {tuple(values) for values in state.history.values()} == {(0.25,)}


def test_a_cut_repairs_columns_of_unequal_length():
    state = make_state()
    state.history["eta"].append(0.75)
    state.cut(state.n_epochs)
    assert {len(values) for values in state.history.values()} == {2}


def test_layer_sizes_are_counted_from_the_features_on():
    assert make_state().layer_sizes == [3, 4, 2]


# --- initial weights ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_initial_weights_follow_the_seed_and_the_scale(dtype):
    weights, biases = initial_weights(5, [4, 3, 2], np.dtype(dtype), scaled)
    halved, same_biases = initial_weights(5, [4, 3, 2], np.dtype(dtype), scaled, 0.5)
    assert [w.shape for w in weights] == [(4, 3), (3, 2)]
    assert all(w.flags.f_contiguous and w.dtype == dtype for w in weights)
    for w, half in zip(weights, halved, strict=True):
        np.testing.assert_allclose(half, w / 2, rtol=1e-6)
    assert_same(biases, same_biases)
    other, _ = initial_weights(6, [4, 3, 2], np.dtype(dtype), scaled)
    assert (other[0] != weights[0]).any()


def test_initial_weights_of_the_wrong_shape_are_an_error():
    with pytest.raises(ValueError, match=r"shapes \(4, 3\) and \(3,\); got \(3, 4\) and \(3,\)"):
        initial_weights(
            0, [4, 3], np.dtype(float), lambda rng, n_in, n_out: (np.ones((3, 4)), np.ones(3))
        )


@pytest.mark.parametrize("which", ["weights", "biases"])
def test_initial_weights_that_are_not_finite_in_the_dtype_are_an_error(which):
    """One number of either is enough, and NumPy does not warn of it as well."""

    def initializer(rng, n_in, n_out):
        w, b = np.ones((n_in, n_out)), np.ones(n_out)
        (w if which == "weights" else b)[-1] = 1e40  # more than float32 holds
        return w, b

    initial_weights(0, [4, 3], np.dtype(np.float64), initializer, 0.123456789)
    with pytest.raises(ValueError) as error:
        initial_weights(0, [4, 3], np.dtype(np.float32), initializer, 0.123456789)
    assert str(error.value) == (
        "Initial weights and biases must be finite in float32; those of `weight_init` and "
        "`init_scale`=0.123457 are not."
    )
