"""What an error says about a value that cannot be encoded: where it is, and the cure."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from primus import JSON, ParserError
from primus.encoding import encoding_failure, late_failure


@dataclasses.dataclass
class Order:
    price: Any


class Colour(Enum):
    RED = 1j


class Model:
    """What a pydantic model looks like."""

    def model_dump(self) -> Any:
        """Nothing that is asked for here."""


class Struct:
    """What a msgspec struct looks like."""

    __struct_fields__ = ()


def failure(value: Any, parser: Any = None) -> ParserError:
    parser = parser or JSON()
    with pytest.raises(ParserError) as raised:
        parser.encode(value)
    return encoding_failure(raised.value, parser, value)


@pytest.mark.parametrize(
    ("value", "path", "kind"),
    [
        (Decimal(1), "data", "Decimal"),
        ({"price": Decimal(1)}, 'data["price"]', "Decimal"),
        ({"items": [1, {"a": {1, 2}}]}, 'data["items"][1]["a"]', "set"),
        ((1, (2, object())), "data[1][1]", "object"),
        ({"order": Order(1j)}, 'data["order"].price', "complex"),
        ([Colour.RED], "data[0].value", "complex"),
        ({7: 1j}, "data[7]", "complex"),
        ({"a": {(1, 2): 3}}, 'data["a"]', "dict"),
        ({"x" * 1000: 1j}, f'data["{"x" * 60}"]', "complex"),
    ],
)
def test_the_error_names_the_place_and_the_type(value: Any, path: str, kind: str) -> None:
    error = failure(value)

    assert error.path == path
    assert str(error).startswith(f"cannot encode {path}: {kind}")
    assert error.frame is None


def test_what_is_inside_of_itself_is_named_where_it_begins_again() -> None:
    value: dict[str, Any] = {"list": []}
    value["list"].append(value)

    error = failure(value)

    assert error.path == 'data["list"][0]'
    assert "it is inside of itself" in str(error)


def test_a_path_goes_only_so_deep() -> None:
    value: Any = object()
    for _ in range(100):
        value = [value]

    assert failure(value).path == "data" + "[0]" * 16 + "…"


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        (Decimal(1), "str(value) or float(value)"),
        ({1}, "list(value)"),
        (b"bytes", "base64"),
        (Model(), 'value.model_dump(mode="json")'),
        (Struct(), "msgspec.to_builtins(value)"),
        (object(), "text, numbers, lists and dicts"),
    ],
)
def test_the_error_says_what_to_write_instead(value: Any, cure: str) -> None:
    text = str(failure(value))

    assert cure in text
    assert "parser=JSON(default=…)" in text


def test_only_of_a_parser_that_takes_a_function_is_that_said() -> None:
    class Other:
        def encode(self, value: Any) -> str:
            raise ParserError("no")

        def decode(self, frame: Any) -> Any:
            return frame

    assert "default" not in str(failure({1}, Other()))


def test_what_a_parser_raises_is_shown() -> None:
    class Fails(JSON):
        def encode(self, value: Any) -> str:
            raise LookupError("no such thing")

    error = encoding_failure(LookupError("no such thing"), Fails(), "text")

    assert re.fullmatch(r"cannot encode data: str: LookupError\('no such thing'\)", str(error))


def test_of_an_async_parser_what_it_raised_is_shown_as_it_is() -> None:
    cause, own = LookupError("no such thing"), ParserError("its own")

    error = late_failure(cause)

    assert str(error) == "failed to encode outgoing data: LookupError('no such thing')"
    assert error.__cause__ is cause
    assert late_failure(own) is own
