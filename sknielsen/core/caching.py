"""Properties that are computed once for each object."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class cached_property(Generic[T]):  # noqa: N801 - the name it has in functools
    """A property that is computed when first asked for, and kept in the object.

    As `functools.cached_property` of Python 3.12 and newer. That of Python 3.11 holds one lock
    for all objects of a class: trainings in threads would wait for each other, and a process
    forked meanwhile would wait for ever, since the thread that holds the lock is not in it.

    Parameters
    ----------
    function : callable
        Called with the object. Two threads that ask at once may both call it.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self._name = function.__name__
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> "cached_property[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        """Compute the value and keep it, where Python finds it the next time."""
        if instance is None:
            return self
        value = vars(instance)[self._name] = self._function(instance)
        return value
