"""Properties that are computed once: for each object, and without waiting for another one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from processes import PATIENCE

from sknielsen.core.caching import cached_property


class Slow:
    """Its value waits for an event."""

    def __init__(self, event=None):
        self.event, self.started, self.n_calls = event, threading.Event(), 0

    @cached_property
    def value(self):
        """Wait, and return a new object."""
        self.n_calls += 1
        self.started.set()
        if self.event is not None:
            assert self.event.wait(PATIENCE)
        return object()


def test_each_object_computes_its_value_once():
    one, other = Slow(), Slow()
    assert one.value is one.value
    assert one.value is not other.value
    assert one.n_calls == other.n_calls == 1


def test_a_value_that_fails_is_computed_again():
    class Fails:
        n_calls = 0

        @cached_property
        def value(self):
            self.n_calls += 1
            if self.n_calls == 1:
                raise ValueError("the first time")
            return self.n_calls

    fails = Fails()
    with pytest.raises(ValueError, match="the first time"):
        _ = fails.value
    assert fails.value == fails.value == 2


def test_it_has_the_docstring_of_its_function():
    assert Slow.value.__doc__ == "Wait, and return a new object."


def test_no_object_waits_for_the_value_of_another():
    # A forked child would wait for ever for a thread of its parent.
    event = threading.Event()
    slow = Slow(event)
    with ThreadPoolExecutor(2) as pool:
        try:
            first = pool.submit(lambda: slow.value)
            assert slow.started.wait(PATIENCE)
            assert pool.submit(lambda: Slow().value).result(PATIENCE) is not None
            assert not first.done()
        finally:
            event.set()
