"""Declared types, read into what they consist of."""

from __future__ import annotations

import types
from collections.abc import (
    Collection,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
)
from collections.abc import (
    Set as AbstractSet,
)
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

from primus.errors import ValidationError
from primus.schema.bounds import Bounds
from primus.schema.foreign import Foreign
from primus.schema.nodes import (
    MISSING,
    SCALARS,
    Anything,
    Choice,
    Items,
    Keyed,
    Node,
    OneOf,
    Record,
    RecordField,
    Together,
    Within,
)

__all__ = ["Type", "convert", "read"]

T = TypeVar("T")

COLLECTIONS: Final[Mapping[Any, Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    Sequence: list,
    MutableSequence: list,
    Collection: list,
    Iterable: list,
    AbstractSet: frozenset,
}
MAPPINGS: Final = (dict, Mapping, MutableMapping)


class Type(Generic[T]):
    """A declared type, read once.

    Args:
        kind: the type.

    Raises:
        TypeError: values of peers cannot be checked against it.
    """

    @overload
    def __init__(self, kind: type[T]) -> None: ...
    @overload
    def __init__(self: Type[Any], kind: object) -> None: ...
    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.node = read(kind)

    def __repr__(self) -> str:
        return f"Type({self.kind!r})"

    def convert(self, value: Any) -> T:
        """The value of a peer as one of the type.

        Raises:
            ValidationError: it is none; the error names the field.
        """
        taken: T = within_stack(self.node, value)
        return taken


def within_stack(node: Node, value: Any) -> Any:
    """Take a value; one that is nested more deeply than Python can follow is refused."""
    try:
        return node.take(value)
    except RecursionError:
        raise ValidationError("is nested too deeply") from None


def convert(value: Any, kind: type[T]) -> T:
    """The value of a peer as one of a declared type; `Type` reads the type once for many.

    Raises:
        ValidationError: it is none; the error names the field.
        TypeError: values of peers cannot be checked against the type.
    """
    return Type(kind).convert(value)


def read(kind: Any, records: dict[Any, Record] | None = None) -> Node:
    """What a type consists of.

    Args:
        kind: the type, as an annotation has it.
        records: those that are being read, for types that contain themselves.

    Raises:
        TypeError: values of peers cannot be checked against it.
    """
    records = {} if records is None else records
    kind = type(None) if kind is None else kind
    node = _plain(kind) or _record(kind, records) or _composed(kind, records)
    if node is None:
        raise TypeError(f"{kind!r}: values of a peer cannot be checked against this type")
    return node


def _plain(kind: Any) -> Node | None:
    """A type without parts."""
    if kind in (Any, object) or isinstance(kind, TypeVar):
        return Anything()
    if isinstance(kind, type) and issubclass(kind, Enum):
        return Choice.of(kind)
    return SCALARS.get(kind) if isinstance(kind, type) else None


def _record(kind: Any, records: dict[Any, Record]) -> Node | None:
    """A type with fields."""
    foreign = Foreign.of(kind) if isinstance(kind, type) else None
    if foreign is not None:
        return foreign
    is_typeddict = hasattr(kind, "__required_keys__")  # that of typing_extensions too
    if not (is_typeddict or (isinstance(kind, type) and is_dataclass(kind))):
        return None
    if kind not in records:
        record = records[kind] = Record(kind)
        hints = _hints(kind)
        if is_typeddict:
            record.fields = tuple(_key(kind, name, hints[name], records) for name in hints)
        else:
            wanted = [each for each in fields(kind) if each.init]
            record.fields = tuple(_field(each, hints[each.name], records) for each in wanted)
    return records[kind]


def _hints(kind: Any) -> dict[str, Any]:
    try:
        return get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise TypeError(f"{kind!r}: {error}; declare its types at the top of a module") from error


def _field(declared: Field[Any], kind: Any, records: dict[Any, Record]) -> RecordField:
    """A field of a dataclass."""
    default = declared.default if declared.default is not NO_DEFAULT else MISSING
    has_default = default is not MISSING or declared.default_factory is not NO_DEFAULT
    return RecordField(declared.name, read(kind, records), default, not has_default)


def _key(kind: Any, name: str, hint: Any, records: dict[Any, Record]) -> RecordField:
    """A key of a TypedDict."""
    is_required = name in kind.__required_keys__
    if get_origin(hint) in (Required, NotRequired):  # in a text, Python does not look for them
        is_required = get_origin(hint) is Required
        (hint,) = get_args(hint)
    return RecordField(name, read(hint, records), is_required=is_required)


def _composed(kind: Any, records: dict[Any, Record]) -> Node | None:
    """A type made of others."""
    origin, parts = get_origin(kind) or kind, get_args(kind)
    if origin is Annotated:
        return _bounded(read(parts[0], records), parts[1:])
    if origin is Literal and parts:
        return Choice(parts, parts)
    if origin in (Union, types.UnionType):
        return OneOf(tuple(read(part, records) for part in parts))
    if origin is tuple:
        return _tuple(parts, records)
    if origin in COLLECTIONS:
        return Items(read(parts[0] if parts else Any, records), COLLECTIONS[origin])
    if origin in MAPPINGS:
        key, value = parts or (Any, Any)
        return Keyed(read(key, records), read(value, records))
    return _aliased(kind, origin, records)


def _aliased(kind: Any, origin: Any, records: dict[Any, Record]) -> Node | None:
    """Another name of a type: a ``NewType``, a ``type`` statement, a class with arguments."""
    if hasattr(kind, "__supertype__"):
        return read(kind.__supertype__, records)
    if hasattr(kind, "__value__"):
        return read(kind.__value__, records)
    return read(origin, records) if origin is not kind and isinstance(origin, type) else None


def _bounded(node: Node, metadata: Iterable[Any]) -> Node:
    bounds = Bounds.of(metadata)
    return node if bounds is None else Within(node, bounds)


def _tuple(parts: tuple[Any, ...], records: dict[Any, Record]) -> Node:
    if not parts:
        return Items(Anything(), tuple)
    if len(parts) == 2 and parts[1] is Ellipsis:
        return Items(read(parts[0], records), tuple)
    return Together(tuple(read(part, records) for part in parts))
