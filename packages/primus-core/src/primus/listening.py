"""What listeners take, for type checkers: an event gives as many arguments as a listener accepts.

`primus.emitting` declares by these what ``on`` and ``once`` take for the events that there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultTypeVar

    MessageT_co = DefaultTypeVar("MessageT_co", default=Any, covariant=True)
else:  # TypeVar knows no default before Python 3.13
    MessageT_co = TypeVar("MessageT_co", covariant=True)

__all__ = [
    "Fits0",
    "Fits1",
    "Fits2",
    "Fits3",
    "ForSpark0",
    "ForSpark1",
    "ForSpark2",
    "MessageT_co",
    "Takes0",
    "Takes1",
    "Takes2",
    "Takes3",
]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
R = TypeVar("R")

Fits0: TypeAlias = Callable[[], object]
Fits1: TypeAlias = Callable[[A], object] | Callable[[], object]
Fits2: TypeAlias = Callable[[A, B], object] | Callable[[A], object] | Callable[[], object]
Fits3: TypeAlias = (
    Callable[[A, B, C], object]
    | Callable[[A, B], object]
    | Callable[[A], object]
    | Callable[[], object]
)


class Takes0(Protocol):
    """Adds a listener of an event without arguments."""

    def __call__(self, fn: Callable[[], R], /) -> Callable[[], R]:
        """Add it."""


class Takes1(Protocol[A]):
    """Adds a listener of an event with one argument."""

    @overload
    def __call__(self, fn: Callable[[A], R], /) -> Callable[[A], R]: ...
    @overload
    def __call__(self, fn: Callable[[], R], /) -> Callable[[], R]: ...


class Takes2(Protocol[A, B]):
    """Adds a listener of an event with two arguments."""

    @overload
    def __call__(self, fn: Callable[[A, B], R], /) -> Callable[[A, B], R]: ...
    @overload
    def __call__(self, fn: Callable[[A], R], /) -> Callable[[A], R]: ...
    @overload
    def __call__(self, fn: Callable[[], R], /) -> Callable[[], R]: ...


class Takes3(Protocol[A, B, C]):
    """Adds a listener of an event with three arguments."""

    @overload
    def __call__(self, fn: Callable[[A, B, C], R], /) -> Callable[[A, B, C], R]: ...
    @overload
    def __call__(self, fn: Callable[[A, B], R], /) -> Callable[[A, B], R]: ...
    @overload
    def __call__(self, fn: Callable[[A], R], /) -> Callable[[A], R]: ...
    @overload
    def __call__(self, fn: Callable[[], R], /) -> Callable[[], R]: ...


class ForSpark0(Protocol[A]):
    """Adds a handler for every spark, of an event without arguments."""

    def __call__(self, fn: Callable[[A], R], /) -> Callable[[A], R]:
        """Add it."""


class ForSpark1(Protocol[A, B]):
    """Adds a handler for every spark, of an event with one argument."""

    @overload
    def __call__(self, fn: Callable[[A, B], R], /) -> Callable[[A, B], R]: ...
    @overload
    def __call__(self, fn: Callable[[A], R], /) -> Callable[[A], R]: ...


class ForSpark2(Protocol[A, B, C]):
    """Adds a handler for every spark, of an event with two arguments."""

    @overload
    def __call__(self, fn: Callable[[A, B, C], R], /) -> Callable[[A, B, C], R]: ...
    @overload
    def __call__(self, fn: Callable[[A, B], R], /) -> Callable[[A, B], R]: ...
    @overload
    def __call__(self, fn: Callable[[A], R], /) -> Callable[[A], R]: ...
