"""The events of a contract as TypeScript, for ``primus.d.ts`` (pure)."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from primus_contract.contract import Contract
from primus_contract.schemas import PREFIX, Schemas

__all__ = ["typescript"]

NAMES: Final = {
    "string": "string",
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "null": "null",
    "object": "{ [key: string]: any }",
    "array": "any[]",
}


def typescript(contract: Contract) -> str:
    """Interfaces of the types, the events that arrive, and overloads of what sends them.

    The types are ``Primus.Contract.Vote``; the members merge with those of the client.
    """
    schemas = Schemas()
    sends = [
        (name, _type(schemas.of(received.payload.node)), _answer(schemas, received.answer))
        for name, received in contract.receives.items()
    ]
    events = [
        (name, _type(schemas.sent(sent.payload.node))) for name, sent in contract.sends.items()
    ]
    lines = ["declare namespace Primus.Contract {"]
    for name, schema in schemas.named.items():
        lines += [f"  export type {_identifier(name)} = {_type(schema)};"]
    lines += ["}", "", "declare namespace Primus {", "  export interface Events {"]
    lines += [f"    {_literal(name)}: (payload: {kind}) => void;" for name, kind in events]
    lines += ["  }", "}", "", "interface Primus {"]
    for name, kind, answer in sends:
        event = _literal(name)
        lines += [f"  send(event: {event}, payload: {kind}): this;"]
        lines += [f"  ask(event: {event}, payload: {kind}): Promise<{answer}>;"]
    return "\n".join([*lines, "}", ""])


def _answer(schemas: Schemas, answer: Any) -> str:
    return "void" if answer is None else _type(schemas.sent(answer.node))


def _type(schema: dict[str, Any]) -> str:
    """A schema as a type; bounds and formats are for the server to check.

    Neither `Array` nor `Record` is named: a type of the contract may be called so.
    """
    if "$ref" in schema:
        return f"Primus.Contract.{_identifier(schema['$ref'].removeprefix(PREFIX))}"
    if "const" in schema:
        return _literal(schema["const"])
    if "enum" in schema:
        return " | ".join(_literal(each) for each in schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(_type(each) for each in schema[union])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(NAMES[each] for each in kind)
    if kind == "array":
        return _array(schema)
    if kind == "object":
        return _object(schema)
    return NAMES.get(str(kind), "any")


def _array(schema: dict[str, Any]) -> str:
    items = schema.get("items", {})
    if isinstance(items, list):
        return f"[{', '.join(_type(each) for each in items)}]"
    each = _type(items)
    return f"({each})[]" if " | " in each else f"{each}[]"


def _object(schema: dict[str, Any]) -> str:
    if "properties" not in schema:
        values = schema.get("additionalProperties")
        return f"{{ [key: string]: {_type(values) if isinstance(values, dict) else 'any'} }}"
    required = schema.get("required", ())
    fields = [
        f"{_literal(name)}{'' if name in required else '?'}: {_type(each)}"
        for name, each in schema["properties"].items()
    ]
    return f"{{ {'; '.join(fields)} }}"


def _literal(value: Any) -> str:
    return json.dumps(value)


def _identifier(name: str) -> str:
    """A name of a type as one of TypeScript."""
    return re.sub(r"\W", "_", name)
