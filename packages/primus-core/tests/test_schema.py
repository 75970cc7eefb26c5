"""Values of peers as values of declared types."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    NewType,
    NotRequired,
    TypedDict,
    TypeVar,
)
from uuid import UUID

import msgspec
import pydantic
import pytest

from primus import PrimusError, ValidationError
from primus.schema import Arguments, Bounds, Type, convert

T = TypeVar("T")
UserId = NewType("UserId", str)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Vote:
    choice: Literal["tea", "coffee"]
    weight: Annotated[int, Bounds(ge=1, le=3)] = 1
    tags: list[str] = field(default_factory=list)
    counted: bool = field(default=False, init=False)


@dataclass
class Basket:
    votes: list[Vote]
    by_name: dict[str, Vote] = field(default_factory=dict)


@dataclass
class Tree:
    name: str
    children: list[Tree] = field(default_factory=list)


@dataclass
class Positive:
    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("the number must not be negative")


@dataclass
class Said:
    type: Literal["said"]
    text: str


@dataclass
class Moved:
    type: Literal["moved"]
    x: float


@dataclass
class Box(Generic[T]):
    content: T


class Profile(TypedDict):
    name: str
    age: NotRequired[int]


class Loose(TypedDict, total=False):
    note: str


class Struct(msgspec.Struct):
    choice: str
    weight: Annotated[int, msgspec.Meta(ge=1)] = 1


class Nested(msgspec.Struct):
    items: list[Struct]


class Model(pydantic.BaseModel):
    choice: str
    weights: list[int] = []


@pydantic.dataclasses.dataclass
class Validated:
    choice: str


@dataclass
class Mixed:
    struct: Struct
    model: Model


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (str, "a", "a"),
        (int, 5, 5),
        (float, 5, 5.0),
        (float, 0.5, 0.5),
        (bool, True, True),
        (None, None, None),
        (bytes, bytearray(b"a"), b"a"),
        (Any, {"a": [1]}, {"a": [1]}),
        (object, 1, 1),
        (datetime, "2026-11-29T04:00:00Z", datetime.fromisoformat("2026-11-29T04:00:00Z")),
        (date, "2026-11-29", date(2026, 11, 29)),
        (time, "04:00", time(4)),
        (date, date(2026, 11, 29), date(2026, 11, 29)),
        (UUID, "12345678123456781234567812345678", UUID("12345678123456781234567812345678")),
        (Decimal, "1.10", Decimal("1.10")),
        (Decimal, 2, Decimal(2)),
        (Colour, "red", Colour.RED),
        (Colour, Colour.BLUE, Colour.BLUE),
        (Level, 2, Level.HIGH),
        (Literal["a", 1], 1, 1),
        (int | None, None, None),
        (int | str, "a", "a"),
        (UserId, "ada", "ada"),
        (list[int], [1, 2], [1, 2]),
        (list, [1, "a"], [1, "a"]),
        (set[str], ["a", "a"], {"a"}),
        (frozenset[str], ["a"], frozenset({"a"})),
        (Sequence[int], [1], [1]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple, [1], (1,)),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (Mapping[Colour, int], {"red": 1}, {Colour.RED: 1}),
        (dict, {"a": None}, {"a": None}),
        (Vote, {"choice": "tea", "unknown": 1}, Vote("tea")),
        (Vote, Vote("tea"), Vote("tea")),
        (Basket, {"votes": [{"choice": "tea", "weight": 3}]}, Basket([Vote("tea", 3)])),
        (Tree, {"name": "a", "children": [{"name": "b"}]}, Tree("a", [Tree("b")])),
        (Said | Moved, {"type": "moved", "x": 1}, Moved("moved", 1.0)),
        (Box[int], {"content": "anything"}, Box("anything")),
        (Profile, {"name": "Ada", "unknown": 1}, {"name": "Ada"}),
        (Profile, {"name": "Ada", "age": 36}, {"name": "Ada", "age": 36}),
        (Loose, {}, {}),
        (Struct, {"choice": "tea"}, Struct("tea")),
        (Model, {"choice": "tea"}, Model(choice="tea")),
        (Validated, {"choice": "tea"}, Validated("tea")),
        (Annotated[str, "a note"], "a", "a"),
        (Annotated[str, Bounds(pattern="^a+$", min_length=1, max_length=3)], "aa", "aa"),
    ],
    ids=str,
)
def test_a_value_becomes_one_of_the_type(kind: Any, value: Any, result: Any) -> None:
    converted = convert(value, kind)

    assert converted == result
    assert type(converted) is type(result)


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (str, 5, "must be a text, not 5"),
        (int, True, "must be a whole number, not true"),
        (int, 5.0, "must be a whole number, not 5.0"),
        (int, "5", "must be a whole number, not '5'"),
        (float, "1", "must be a number, not '1'"),
        (float, float("nan"), "must be a number, not nan"),
        (float, 10**400, "must be a number, not 1000000000000000000000000000000000000000…"),
        (bool, 1, "must be true or false, not 1"),
        (None, False, "must be null, not false"),
        (bytes, "a", "must be bytes, not 'a'"),
        (datetime, "yesterday", "must be a date with its time, not 'yesterday'"),
        (datetime, 5, "must be a date with its time, not 5"),
        (UUID, "x" * 100, f"must be a UUID, not '{'x' * 40}'…"),
        (UUID, "{" * 64 + "1" * 32, f"must be a UUID, not '{'{' * 40}'…"),
        (Decimal, "NaN", "must be a decimal number, not 'NaN'"),
        (Decimal, "one", "must be a decimal number, not 'one'"),
        (Decimal, True, "must be a decimal number, not true"),
        (Colour, "green", "must be 'red' or 'blue', not 'green'"),
        (Level, True, "must be 1 or 2, not true"),
        (Literal["a"], [], "must be 'a', not a list"),
        (int | None, {}, "must be a whole number or null, not an object"),
        (list[int], {"a": 1}, "must be a list, not an object"),
        (list[int], [1, "a"], "[1]: must be a whole number, not 'a'"),
        (tuple[int, str], [1], "must be a list of 2, not a list"),
        (tuple[int, str], [1, 2], "[1]: must be a text, not 2"),
        (dict[str, int], [], "must be an object, not a list"),
        (dict[str, int], {"a": None}, "a: must be a whole number, not null"),
        (Vote, "tea", "must be an object (Vote), not 'tea'"),
        (Vote, {}, "choice: is missing"),
        (Vote, {"choice": "milk"}, "choice: must be 'tea' or 'coffee', not 'milk'"),
        (Vote, {"choice": "tea", "weight": 0}, "weight: must be at least 1"),
        (Vote, {"choice": "tea", "weight": 4}, "weight: must be at most 3"),
        (Basket, {"votes": [{"choice": 1}]}, "votes[0].choice: must be 'tea' or 'coffee', not 1"),
        (Basket, {"votes": [], "by_name": {"a": 1}}, "by_name.a: must be an object (Vote), not 1"),
        (Positive, {"number": -1}, "the number must not be negative"),
        (Said | Moved, {"type": "said"}, "text: is missing"),
        (
            Said | Moved,
            {"type": "left"},
            "must be an object (Said) or an object (Moved), not an object",
        ),
        (Profile, {"name": "Ada", "age": "36"}, "age: must be a whole number, not '36'"),
        (Profile, {}, "name: is missing"),
        (Profile, None, "must be an object (Profile), not null"),
        (Struct, {"choice": 5}, "choice: expected `str`, got `int`"),
        (
            Nested,
            {"items": [{"choice": "a"}, {}]},
            "items[1]: object missing required field `choice`",
        ),
        (Model, {"weights": ["x"], "choice": "a"}, "weights[0]: input should be a valid integer"),
        (Mixed, {"struct": {}}, "struct: object missing required field `choice`"),
        (Annotated[int, Bounds(gt=1)], 1, "must be more than 1"),
        (Annotated[int, Bounds(lt=1)], 1, "must be less than 1"),
        (Annotated[list[int], Bounds(min_length=1)], [], "must be at least 1 long"),
        (Annotated[str, Bounds(max_length=2)], "abc", "must be at most 2 long"),
        (Annotated[str, Bounds(pattern="^a$")], "b", "must be a text that fits '^a$'"),
        (Annotated[int, msgspec.Meta(ge=3)], 2, "must be at least 3"),
        (Struct, "\ud800", "a text with a lone surrogate"),
        (Struct, {"\ud800": 1}, "a text with a lone surrogate"),
    ],
    ids=ascii,
)
def test_a_value_of_another_type_is_refused_with_its_field(
    kind: Any, value: Any, error: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        convert(value, kind)

    assert str(refused.value).startswith(error)
    assert isinstance(refused.value, PrimusError)


def test_the_error_has_the_path_and_the_reason() -> None:
    with pytest.raises(ValidationError) as refused:
        convert({"votes": [{"choice": "tea", "tags": [5]}]}, Basket)

    assert refused.value.path == ("votes", 0, "tags", 0)
    assert refused.value.field == "votes[0].tags[0]"
    assert refused.value.reason == "must be a text, not 5"


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: dict[str, Any] = {"name": "leaf"}
    for _ in range(100_000):
        value = {"name": "branch", "children": [value]}

    with pytest.raises(ValidationError, match="is nested too deeply"):
        convert(value, Tree)
    while value.get("children"):
        value = value["children"].pop()  # else Python recurses to free it


@dataclass
class Leaf:
    tries: ClassVar[int] = 0

    def __post_init__(self) -> None:
        Leaf.tries += 1


@dataclass
class Left:
    child: Left | Right | Leaf
    side: Literal["left"]


@dataclass
class Right:
    child: Left | Right | Leaf
    side: Literal["right"]


def test_unions_in_one_another_look_at_each_value_once() -> None:
    value: dict[str, Any] = {"child": {}, "side": "right"}
    for _ in range(12):
        value = {"child": value, "side": "right"}
    Leaf.tries = 0

    made = Type(Right).convert(value)

    assert made.side == "right"
    assert Leaf.tries <= 4  # 2 ** 13 when every level doubles the work


def test_unions_give_equal_values_objects_of_their_own() -> None:
    kind = Type[Any](list[list[int] | str])

    first, second = kind.convert([(), ()])
    assert first is not second


@pytest.mark.parametrize("kind", [set[int], frozenset[int]])
def test_values_that_a_peer_has_chosen_to_have_one_hash_are_refused(kind: Any) -> None:
    alike = [(2**61 - 1) * number for number in range(1, 40)]

    with pytest.raises(ValidationError, match="that a set can tell apart"):
        convert(alike, kind)

    assert convert(alike[:16] * 3 + [-1, -2], kind) == {*alike[:16], -1, -2}


@pytest.mark.parametrize(
    "kind", [Callable[[], int], type[int], dataclasses.Field, pytest, print, Literal], ids=str
)
def test_a_type_that_cannot_be_checked_is_refused_when_it_is_read(kind: Any) -> None:
    with pytest.raises(TypeError, match="cannot be checked against this type"):
        Type(kind)


def test_a_type_that_names_an_unknown_one_is_refused_when_it_is_read() -> None:
    @dataclass
    class Lost:
        where: Nowhere  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(TypeError, match="'Nowhere' is not defined; declare its types"):
        Type(Lost)


def test_a_type_is_read_once_for_many_values() -> None:
    vote = Type(Vote)

    assert vote.convert({"choice": "tea"}) == Vote("tea")
    assert vote.convert({"choice": "coffee"}) == Vote("coffee")
    assert repr(vote).startswith("Type(")


def walk(spark: object, steps: int, name: str = "", *more: Colour, ack: Any = None) -> None: ...


class Walks:
    def __call__(self, spark: object, steps: int) -> None: ...

    def plain(self, steps, name="x"): ...  # type: ignore[no-untyped-def]


def test_arguments_are_converted_by_the_annotations_of_their_parameters() -> None:
    arguments = Arguments(walk, skip=1, without=["ack"])

    assert arguments.names == ("steps", "name")
    assert arguments.convert([1]) == [1]
    assert arguments.convert([1, "far", "red", "blue"]) == [1, "far", Colour.RED, Colour.BLUE]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ([], "steps: is missing"),
        (["a"], "steps: must be a whole number, not 'a'"),
        ([1, 2], "name: must be a text, not 2"),
        ([1, "far", "green"], r"\[2\]: must be 'red' or 'blue', not 'green'"),
    ],
)
def test_an_argument_of_another_type_is_refused_with_its_name(
    values: list[Any], error: str
) -> None:
    with pytest.raises(ValidationError, match=error):
        Arguments(walk, skip=1, without=["ack"]).convert(values)


def test_parameters_without_types_take_every_value_and_no_more_than_there_are() -> None:
    assert Arguments(Walks().plain).convert(["a", 2, "too many"]) == ["a", 2]


def test_an_object_that_is_called_has_arguments_too() -> None:
    arguments = Arguments(Walks(), skip=1)

    with pytest.raises(ValidationError, match="steps: must be a whole number"):
        arguments.convert([None])


def test_a_function_that_shows_no_signature_takes_everything() -> None:
    assert Arguments(dict.update).convert([1, "a"]) == [1, "a"]


def test_a_parameter_of_an_unknown_type_is_refused_when_it_is_read() -> None:
    def fn(where: Nowhere) -> None: ...  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(TypeError, match="'Nowhere' is not defined"):
        Arguments(fn)


@pytest.mark.parametrize(
    ("bounds", "within", "beyond", "reason"),
    [
        (Bounds(ge=2), [2, 3], [1, 1.9], "at least 2"),
        (Bounds(gt=2), [2.1, 3], [2, 1], "more than 2"),
        (Bounds(le=2), [2, 1], [3, 2.1], "at most 2"),
        (Bounds(lt=2), [1, 1.9], [2, 3], "less than 2"),
        (Bounds(min_length=2), ["ab", [1, 2, 3]], ["a", "", []], "at least 2 long"),
        (Bounds(max_length=2), ["ab", "", [1]], ["abc", [1, 2, 3]], "at most 2 long"),
        (Bounds(min_length=0, max_length=0), ["", {}], ["a"], "at most 0 long"),
        (Bounds(ge=0, lt=1), [0, 0.5], [1], "less than 1"),
        (Bounds(pattern="^a+$"), ["a", "aa"], ["", "b", "ab"], "a text that fits"),
    ],
)
def test_bounds_hold_up_to_their_value(
    bounds: Bounds, within: list[Any], beyond: list[Any], reason: str
) -> None:
    for value in within:
        bounds.check(value)
    for value in beyond:
        with pytest.raises(ValidationError, match=f"must be {reason}"):
            bounds.check(value)


def test_no_metadata_that_names_a_bound_is_no_bound() -> None:
    assert Bounds.of([]) is None
    assert Bounds.of(["text", 5, len]) is None
    assert Bounds.of([Bounds(ge=1), Bounds(lt=5)]) == Bounds(ge=1, lt=5)
