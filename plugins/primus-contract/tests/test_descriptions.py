"""What the document and the declarations say of each type."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pydantic
import pytest

from primus.schema import Bounds
from primus_contract import Contract, Received, Sent, asyncapi, typescript


class Loose(TypedDict):
    name: str
    age: NotRequired[int]


@dataclass
class Tree:
    """A tree, which contains itself."""

    name: str
    children: list[Tree] = field(default_factory=list)


class Struct(msgspec.Struct):
    text: str
    kind: Literal["a", "b"] = "a"


class Model(pydantic.BaseModel):
    text: str | None = None


@pytest.mark.parametrize(
    ("kind", "schema", "declared"),
    [
        (Any, {}, "any"),
        (str, {"type": "string"}, "string"),
        (bool, {"type": "boolean"}, "boolean"),
        (float, {"type": "number"}, "number"),
        (bytes, {"type": "string", "contentEncoding": "base64"}, "string"),
        (datetime, {"type": "string", "format": "date-time"}, "string"),
        (Decimal, {"type": ["string", "number"]}, "string | number"),
        (Literal["a", 1], {"enum": ["a", 1]}, '"a" | 1'),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "number | null"),
        (list[int], {"type": "array", "items": {"type": "integer"}}, "number[]"),
        (
            set[str],
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            "string[]",
        ),
        (
            tuple[int, str],
            {
                "type": "array",
                "items": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
                "additionalItems": False,
            },
            "[number, string]",
        ),
        (
            dict[str, bool],
            {"type": "object", "additionalProperties": {"type": "boolean"}},
            "{ [key: string]: boolean }",
        ),
        (
            Annotated[int, Bounds(ge=0, lt=5)],
            {"type": "integer", "minimum": 0, "exclusiveMaximum": 5},
            "number",
        ),
        (
            Annotated[str, Bounds(min_length=1, max_length=9, pattern="^a")],
            {
                "type": "string",
                "minLength": 1,
                "minItems": 1,
                "maxLength": 9,
                "maxItems": 9,
                "pattern": "^a",
            },
            "string",
        ),
        (Loose, {"$ref": "#/components/schemas/Loose"}, "Primus.Contract.Loose"),
    ],
    ids=str,
)
def test_each_type_has_a_schema_and_a_declaration(kind: Any, schema: Any, declared: str) -> None:
    contract = Contract(receives=[Received("it", kind)])

    assert asyncapi(contract, "/primus")["components"]["messages"]["it"]["payload"] == schema
    assert f'send(event: "it", payload: {declared}): this;' in typescript(contract)


@pytest.mark.parametrize(
    ("kind", "required", "declared"),
    [
        (Loose, ["name"], 'export type Loose = { "name": string; "age"?: number };'),
        (
            Tree,
            ["name"],
            'export type Tree = { "name": string; "children"?: Primus.Contract.Tree[] };',
        ),
        (Struct, ["text"], 'export type Struct = { "text": string; "kind"?: "a" | "b" };'),
        (Model, None, 'export type Model = { "text"?: string | null };'),
    ],
)
def test_each_named_type_stands_apart(kind: Any, required: Any, declared: str) -> None:
    contract = Contract(receives=[Received("it", kind), Received("again", kind)])

    schemas = asyncapi(contract, "/primus")["components"]["schemas"]
    assert list(schemas) == [kind.__name__]
    assert schemas[kind.__name__].get("required") == required
    assert declared in typescript(contract)


def test_types_of_one_name_are_told_apart() -> None:
    kinds = []
    for _ in range(3):

        @dataclass
        class Item:
            """Something."""

            text: str

        kinds.append(Item)
    received = [Received(f"event{number}", kind) for number, kind in enumerate(kinds)]

    schemas = asyncapi(Contract(receives=received), "/primus")["components"]["schemas"]
    assert list(schemas) == ["Item", "Item2", "Item3"]


def test_what_is_described_is_told_and_an_event_of_both_directions_stands_twice() -> None:
    contract = Contract(
        receives=[Received("news", str, answer=int, description="To the server.")],
        sends=[Sent("news", str, description="From it."), Sent("more", str)],
        description="All of it.",
    )

    document = asyncapi(contract, "/primus")
    messages, operations = document["components"]["messages"], document["operations"]

    assert document["info"]["description"] == "All of it."
    assert "description" not in asyncapi(Contract(), "/primus")["info"]
    told = {key: (message["name"], message.get("description")) for key, message in messages.items()}
    assert told == {
        "news": ("news", "To the server."),
        "news answer": ("news answer", None),
        "news sent": ("news", "From it."),
        "more": ("more", None),
    }
    channel = "#/channels/primus/messages/"
    assert operations["send news"]["messages"] == [{"$ref": f"{channel}news sent"}]
    assert operations["receive news"]["reply"]["messages"] == [{"$ref": f"{channel}news answer"}]
