from fractions import Fraction
from numbers import Integral, Real

import numpy as np
import pytest

from sknielsen._resolve import check_number, resolve

TABLE = {"second": len, "first": abs}


class Penalty:
    def value(self, weights):
        return 0.0

    def shrink(self, w, rate):
        return 1.0


def test_a_name_becomes_the_object_of_that_name():
    assert resolve("cost", "first", TABLE) is abs


def test_an_object_that_keeps_the_contract_stays_itself():
    penalty = Penalty()
    assert resolve("penalty", penalty, TABLE, ("value", "shrink")) is penalty


def test_an_unknown_name_is_answered_with_the_choices():
    message = r"`cost` must be one of \['first', 'second'\] or an object with `value` and "
    with pytest.raises(ValueError, match=message + "`delta`; got 'hinge'"):
        resolve("cost", "hinge", TABLE, ("value", "delta"))


@pytest.mark.parametrize("value", [3, None, Penalty])
def test_an_object_that_lacks_a_member_is_a_type_error(value):
    with pytest.raises(TypeError, match=r"an object with `value` and `shrink`; got "):
        resolve("penalty", value, TABLE, ("value", "shrink"))


def test_a_class_without_the_members_is_not_asked_for_brackets():
    with pytest.raises(TypeError, match=r"got <class 'object'>\.$"):
        resolve("penalty", object, TABLE, ("value", "shrink"))


def test_a_function_is_asked_for_where_one_is_needed():
    with pytest.raises(TypeError, match="or a callable object; got 3"):
        resolve("eta_schedule", 3, TABLE)


@pytest.mark.parametrize("value", [1, 2.5, np.float32(3), np.int64(4), Fraction(1, 2)])
def test_numbers_inside_the_interval_are_returned_as_floats(value):
    number = check_number("eta", value, Real, "(0, 4]")
    assert type(number) is float
    assert number == value


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint16(3)])
def test_integers_are_returned_as_ints(value):
    number = check_number("max_iter", value, Integral, "[1, inf)")
    assert type(number) is int
    assert number == value


@pytest.mark.parametrize("value", [10**400, 10**5000], ids=["400 digits", "5000 digits"])
def test_an_integer_that_no_float_can_hold_is_a_value_error(value):
    with pytest.raises(
        ValueError, match=r"`eta` must be a number in \(0, inf\); got an integer of"
    ):
        check_number("eta", value, Real, "(0, inf)")


@pytest.mark.parametrize("value", [0, 4.001, float("nan"), float("inf"), -1])
def test_numbers_outside_the_interval_are_value_errors(value):
    with pytest.raises(ValueError, match=r"`eta` must be a number in \(0, 4\]; got "):
        check_number("eta", value, Real, "(0, 4]")


@pytest.mark.parametrize("value", [True, "1", None, [1], 1.0])
def test_other_kinds_are_type_errors(value):
    with pytest.raises(TypeError, match=r"`max_iter` must be an integer in \[1, inf\); got "):
        check_number("max_iter", value, Integral, "[1, inf)")
