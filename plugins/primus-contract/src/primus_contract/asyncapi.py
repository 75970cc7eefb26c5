"""The AsyncAPI 3 document of a contract (pure)."""

from __future__ import annotations

from typing import Any, Final

from primus_contract.contract import Contract
from primus_contract.schemas import Schemas

__all__ = ["asyncapi"]

CHANNEL: Final = "#/channels/primus"


def asyncapi(contract: Contract, pathname: str) -> dict[str, Any]:
    """The document.

    Args:
        contract: the events.
        pathname: where Primus lives on the server.
    """
    schemas = Schemas()
    messages: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for name, received in contract.receives.items():
        messages[name] = _message(name, schemas.of(received.payload.node), received.description)
        operations[f"receive {name}"] = operation = _operation("receive", name)
        if received.answer is not None:
            answer = f"{name} answer"
            messages[answer] = _message(answer, schemas.sent(received.answer.node), "")
            operation["reply"] = {"channel": {"$ref": CHANNEL}, "messages": [_in_channel(answer)]}
    for name, sent in contract.sends.items():
        key = name if name not in messages else f"{name} sent"
        messages[key] = _message(name, schemas.sent(sent.payload.node), sent.description)
        operations[f"send {name}"] = _operation("send", key)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": contract.title, "version": contract.version, **_text(contract)},
        "defaultContentType": "application/json",
        "channels": {
            "primus": {
                "address": pathname,
                "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
            }
        },
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas.named},
    }


def _message(name: str, payload: dict[str, Any], description: str) -> dict[str, Any]:
    told = {"description": description} if description else {}
    return {"name": name, "title": name, "payload": payload, **told}


def _operation(action: str, key: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": CHANNEL}, "messages": [_in_channel(key)]}


def _in_channel(key: str) -> dict[str, str]:
    return {"$ref": f"{CHANNEL}/messages/{key}"}


def _text(contract: Contract) -> dict[str, str]:
    return {"description": contract.description} if contract.description else {}
