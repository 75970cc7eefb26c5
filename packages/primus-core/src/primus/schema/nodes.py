"""What a declared type consists of; each part takes a value of a peer, and gives one of the type.

The parts are plain data, so that other descriptions of the type can be read off them (pure).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final, Protocol
from uuid import UUID

from primus.errors import ValidationError
from primus.schema.bounds import Bounds

__all__ = [
    "MISSING",
    "SCALARS",
    "Anything",
    "Choice",
    "Items",
    "Keyed",
    "Node",
    "OneOf",
    "Record",
    "RecordField",
    "Scalar",
    "Together",
    "Within",
    "refused",
]

SHOWN: Final = 40
"""How many characters of a value an error shows."""

MISSING: Final = object()
"""Stands for the default of a field that has none."""


ALIKE: Final = 16
"""How many different values of a set may have one hash: a peer can choose numbers that all do."""

TAKEN: Final[ContextVar[dict[tuple[int, int], tuple[Any, Any]] | None]] = ContextVar(
    "TAKEN", default=None
)
"""What the unions of a conversion have made of each value, with the value that has that id."""


class Node(Protocol):
    """One part of a declared type."""

    @property
    def title(self) -> str:
        """What it is, as an error says it: ``a text``."""

    def take(self, value: Any) -> Any:
        """The value as one of the type.

        Raises:
            ValidationError: it is none.
        """


def refused(title: str, value: Any) -> ValidationError:
    """The error for a value that is not what its title says."""
    return ValidationError(f"must be {title}, not {_shown(value)}")


def _shown(value: Any) -> str:
    """A value of a peer in an error: short, and without what is inside."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str | bytes):
        return repr(value) if len(value) <= SHOWN else f"{value[:SHOWN]!r}…"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Anything:
    """Every value, as it is."""

    title: str = "any value"

    def take(self, value: Any) -> Any:
        """The value itself."""
        return value


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts."""

    kind: type
    title: str
    read: Callable[[Any], Any] = field(repr=False)
    """Makes it of what a peer sends; raises `ValueError` or `TypeError` when it cannot."""

    def take(self, value: Any) -> Any:
        """The value, converted."""
        try:
            return self.read(value)
        except (ValueError, TypeError, ArithmeticError):
            raise refused(self.title, value) from None


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is kind or (isinstance(value, kind) and not isinstance(value, bool)):
            return value
        raise TypeError

    return read


def _float(value: Any) -> float:
    number = float(_exactly(int)(value)) if type(value) is not float else value
    if not math.isfinite(number):
        raise ValueError
    return number


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise TypeError
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError from None
    if not number.is_finite():
        raise ValueError
    return number


def _parsed(kind: type, parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Reads an instance, or a text of a bounded length."""

    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        if isinstance(value, str) and len(value) <= 64:
            return parse(value)
        raise TypeError

    return read


SCALARS: Final = {
    each.kind: each
    for each in (
        Scalar(str, "a text", _exactly(str)),
        Scalar(bool, "true or false", _exactly(bool)),
        Scalar(int, "a whole number", _exactly(int)),
        Scalar(float, "a number", _float),
        Scalar(type(None), "null", _exactly(type(None))),
        Scalar(bytes, "bytes", _bytes),
        Scalar(datetime, "a date with its time", _parsed(datetime, datetime.fromisoformat)),
        Scalar(date, "a date", _parsed(date, date.fromisoformat)),
        Scalar(time, "a time of day", _parsed(time, time.fromisoformat)),
        Scalar(UUID, "a UUID", _parsed(UUID, UUID)),
        Scalar(Decimal, "a decimal number", _decimal),
    )
}
"""The types without parts that are known."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values: a ``Literal``, or an enumeration."""

    options: tuple[Any, ...]
    """What a peer may send."""
    results: tuple[Any, ...]
    """What each of them stands for."""

    @property
    def title(self) -> str:
        """The values."""
        *others, last = [repr(option) for option in self.options]
        return f"{', '.join(others)} or {last}" if others else last

    def take(self, value: Any) -> Any:
        """What the value stands for."""
        for option, result in zip(self.options, self.results, strict=True):
            if value is result or (type(value) is type(option) and value == option):
                return result
        raise refused(self.title, value)

    @classmethod
    def of(cls, kind: type[Enum]) -> Choice:
        """The members of an enumeration, by their values."""
        return cls(tuple(each.value for each in kind), tuple(kind))


@dataclass(frozen=True, slots=True)
class Items:
    """A list, of which a list, a set, a frozenset or a tuple is made."""

    item: Node
    make: Callable[[Iterable[Any]], Any] = list
    title: str = "a list"

    def take(self, value: Any) -> Any:
        """The collection, with each item converted."""
        if not isinstance(value, list | tuple | set | frozenset):
            raise refused(self.title, value)
        taken = []
        for index, each in enumerate(value):
            try:
                taken.append(self.item.take(each))
            except ValidationError as error:
                raise error.within(index) from None
        if self.make in (set, frozenset):
            _check_hashes(taken, self.title)
        return self.make(taken)


def _check_hashes(values: Iterable[Hashable], title: str) -> None:
    """Refuse values for a set that would be compared with one another, each with all."""
    alike: dict[int, list[Hashable]] = {}
    for each in values:
        others = alike.setdefault(hash(each), [])
        if each not in others:
            if len(others) >= ALIKE:
                raise refused(f"{title} of values that a set can tell apart", each)
            others.append(each)


@dataclass(frozen=True, slots=True)
class Together:
    """A tuple of a fixed length."""

    items: tuple[Node, ...]

    @property
    def title(self) -> str:
        """Its length."""
        return f"a list of {len(self.items)}"

    def take(self, value: Any) -> Any:
        """The tuple, with each item converted."""
        if not isinstance(value, list | tuple) or len(value) != len(self.items):
            raise refused(self.title, value)
        taken = []
        for index, (node, each) in enumerate(zip(self.items, value, strict=True)):
            try:
                taken.append(node.take(each))
            except ValidationError as error:
                raise error.within(index) from None
        return tuple(taken)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A mapping from texts to values of one type."""

    key: Node
    value: Node
    title: str = "an object"

    def take(self, value: Any) -> Any:
        """A dictionary, with each key and each value converted."""
        if not isinstance(value, Mapping):
            raise refused(self.title, value)
        taken = {}
        for name, each in value.items():
            try:
                taken[self.key.take(name)] = self.value.take(each)
            except ValidationError as error:
                raise error.within(str(name)) from None
        return taken


@dataclass(frozen=True, slots=True)
class RecordField:
    """One field of a record."""

    name: str
    node: Node
    default: Any = MISSING
    """What it is when a peer leaves it out; `MISSING` when there is no such value."""
    is_required: bool = True


@dataclass(slots=True, repr=False)
class Record:
    """An object with declared fields: a dataclass, or a TypedDict."""

    kind: type
    fields: tuple[RecordField, ...] = ()
    """Set once they have been read; a record may contain itself."""

    @property
    def title(self) -> str:
        """Its name."""
        return f"an object ({self.kind.__name__})"

    def take(self, value: Any) -> Any:
        """The record, with each field converted; fields that are not declared are left out."""
        if not isinstance(value, Mapping):
            if is_dataclass(self.kind) and isinstance(value, self.kind):
                return value
            raise refused(self.title, value)
        taken = {}
        for each in self.fields:
            if each.name in value:
                try:
                    taken[each.name] = each.node.take(value[each.name])
                except ValidationError as error:
                    raise error.within(each.name) from None
            elif each.is_required:
                raise ValidationError("is missing").within(each.name)
        if not is_dataclass(self.kind):
            return taken
        try:
            return self.kind(**taken)
        except (ValueError, TypeError) as error:  # what a __post_init__ says
            raise ValidationError(str(error)) from error

    def is_named_by(self, value: Mapping[Any, Any]) -> bool:
        """Whether the fields that tell this record from others have values of this one."""
        return all(
            any(value.get(each.name) == option for option in each.node.options)
            for each in self.fields
            if isinstance(each.node, Choice)
        )


@dataclass(frozen=True, slots=True)
class Within:
    """A value with bounds."""

    node: Node
    bounds: Bounds

    @property
    def title(self) -> str:
        """That of the value."""
        return self.node.title

    def take(self, value: Any) -> Any:
        """The value, converted and checked."""
        taken = self.node.take(value)
        self.bounds.check(taken)
        return taken


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several types."""

    nodes: tuple[Node, ...]

    @property
    def title(self) -> str:
        """The titles of all."""
        *others, last = [node.title for node in self.nodes]
        return f"{', '.join(others)} or {last}"

    def take(self, value: Any) -> Any:
        """The value as the first of the types that takes it.

        Where unions stand in one another, each looks at each value once: otherwise every level
        would double the work.
        """
        if not value or not isinstance(value, Mapping | list | tuple):
            return self._first(value)
        taken = TAKEN.get()
        if taken is not None:
            return self._once(value, taken)
        begun = TAKEN.set({})
        try:
            return self._first(value)
        finally:
            TAKEN.reset(begun)

    def _once(self, value: Any, taken: dict[tuple[int, int], tuple[Any, Any]]) -> Any:
        key = id(self), id(value)
        if key not in taken:
            try:
                taken[key] = value, self._first(value)
            except ValidationError as error:
                taken[key] = value, error
        made = taken[key][1]
        if isinstance(made, ValidationError):
            raise made
        return made

    def _first(self, value: Any) -> Any:
        for node in self.nodes:
            try:
                return node.take(value)
            except ValidationError:
                continue
        if isinstance(value, Mapping):
            records = [node for node in self.nodes if isinstance(node, Record)]
            meant = [record for record in records if record.is_named_by(value)]
            if len(meant) == 1:
                return meant[0].take(value)  # raises again, with the field
        raise refused(self.title, value)
