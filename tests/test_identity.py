"""Descriptions of parameters: what JSON gives back, the same for equals, other for others."""

import functools
import json
import types
from collections import OrderedDict

import numpy as np
import pytest

from sknielsen._identity import check_same_parameters, describe, parameters_of
from sknielsen.core.data import digest
from sknielsen.schedules import Plateau


class Plain:
    def __init__(self, **attributes):
        vars(self).update(attributes)

    def method(self):
        return None

    @classmethod
    def of_class(cls):
        return None


class Slotted:
    __slots__ = ()


NAME = f"{__name__}."
# Of each kind, some values and what they are described by.
DESCRIPTIONS = {
    bool: [(True, True)],
    int: [(3, 3), (10**30, 10**30)],
    str: [("scaled", "scaled")],
    types.NoneType: [(None, None)],
    float: [(0.5, 0.5), (np.inf, "inf"), (np.nan, "nan")],
    np.generic: [
        (np.float32(0.5), 0.5),
        (np.int8(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.float64(-np.inf), "-inf"),
        (np.longdouble(1) / 3, repr(np.longdouble(1) / 3)),
    ],
    type: [(Plain, NAME + "Plain"), (dict, "builtins.dict")],
    list: [([1, [None]], [1, [None]])],
    tuple: [((1, (2.0,)), [1, [2.0]])],
    np.ndarray: [
        (np.array([1.0, np.nan]), [1.0, "nan"]),
        (np.array([[1], [2]]), [[1], [2]]),
        (np.array(["a", None], object), ["a", None]),
        (np.arange(2000.0), ["ndarray", digest(np.arange(2000.0))]),
    ],
    set: [({2, 1}, [1, 2]), (set(), [])],
    frozenset: [(frozenset({2, 1}), [1, 2])],
    dict: [({"b": 1, "a": (2,)}, [["a", [2]], ["b", 1]]), ({3: 0.5}, [[3, 0.5]])],
    functools.partial: [
        (
            functools.partial(np.mean, 1, axis=0),
            ["functools.partial", "numpy.mean", [1], [["axis", 0]]],
        )
    ],
    types.MethodType: [
        (Plain(a=1).method, [NAME + "Plain.method", [NAME + "Plain", [["a", 1]]]]),
        (Plain.of_class, [NAME + "Plain.of_class", NAME + "Plain"]),
    ],
    object: [
        (digest, "sknielsen.core.data.digest"),
        (Plain(a=[1]), [NAME + "Plain", [["a", [1]]]]),
        (OrderedDict(a=1), [["a", 1]]),
        (Slotted(), f"<{NAME}Slotted object>"),
        (
            Plateau(patience=3),
            ["sknielsen.schedules.Plateau", describe(Plateau(patience=3).get_params())],
        ),
    ],
}
CASES = [pair for pairs in DESCRIPTIONS.values() for pair in pairs]


def test_every_kind_that_is_registered_is_described_here():
    assert set(describe.registry) == set(DESCRIPTIONS)


@pytest.mark.parametrize(
    ("value", "expected"), CASES, ids=[type(case[0]).__name__ for case in CASES]
)
def test_a_value_is_described_by_what_json_gives_back(value, expected):
    described = describe(value)
    assert described == expected
    assert json.loads(json.dumps(described, allow_nan=False)) == described


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2), ("1", 1), (None, "None"), ({1: 2}, {2: 1}), ([1, 2], [2, 1]),
        (np.arange(2000.0), np.arange(2000.0) + 1), (np.arange(2000), np.arange(2000.0)),
        (Plain(a=1), Plain(a=2)), (Plain(a=1), Plain(b=1)), (Plateau(patience=3), Plateau()),
        (functools.partial(max, 1), functools.partial(min, 1)),
        (Plain(a=1).method, Plain(a=2).method), (np.mean, np.median),
    ],
)  # fmt: skip
def test_what_differs_is_described_otherwise(one, other):
    assert describe(one) != describe(other)


def test_sets_of_any_order_are_the_same():
    words = [f"word {i}" for i in range(50)]
    assert describe(set(words)) == describe({*words[::-1]}) == sorted(words)


def test_an_object_that_holds_itself_is_known_by_its_class(small):
    schedule = Plain()
    schedule.myself = schedule
    assert parameters_of(small(eta_schedule=schedule))["eta_schedule"] == NAME + "Plain"


def test_parameters_that_change_no_epoch_are_left_out(small):
    described = parameters_of(small())
    left_out = {"max_iter", "on_interrupt", "verbose", "warm_start"}
    assert set(described) == set(small().get_params()) - left_out
    assert described["hidden_layer_sizes"] == [8]


def test_changes_are_named_and_what_is_lacking_had_its_default():
    check_same_parameters({"eta": 1.0}, {"eta": 1.0, "momentum": 0.0}, {"momentum": 0.0})
    with pytest.raises(
        ValueError,
        match=r"eta=1\.0 in the checkpoint, 2\.0 now; momentum=0\.0 in the checkpoint, 0\.5 now",
    ):
        check_same_parameters(
            {"eta": 1.0}, {"eta": 2.0, "momentum": 0.5}, {"eta": 3.0, "momentum": 0.0}
        )
