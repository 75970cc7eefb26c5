"""`Contract`: the events of an application, declared once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from primus import OptionError, ValidationError
from primus_contract.events import Received, Sent

__all__ = ["Contract"]


class Contract:
    """The events of an application: what clients send, and what the server sends.

    Args:
        title: what the application is called, for the document.
        version: of the contract, for the document.
        receives: what clients send.
        sends: what the server sends.
        description: more about it, for the document.

    Raises:
        OptionError: two events of one direction have the same name.
    """

    def __init__(
        self,
        title: str = "Primus",
        version: str = "1.0.0",
        *,
        receives: Iterable[Received[Any, Any]] = (),
        sends: Iterable[Sent[Any]] = (),
        description: str = "",
    ) -> None:
        self.title = title
        self.version = version
        self.description = description
        self.receives: Mapping[str, Received[Any, Any]] = _by_name(receives)
        self.sends: Mapping[str, Sent[Any]] = _by_name(sends)

    def __repr__(self) -> str:
        return f"Contract({self.title!r}, {self.version!r})"

    def taken(self, event: str, args: Sequence[Any]) -> Sequence[Any]:
        """The arguments of an event from a client, converted; those of others as they are.

        Raises:
            ValidationError: the payload is missing, or not of its type.
        """
        declared = self.receives.get(event)
        if declared is None:
            return args
        if not args:
            raise ValidationError("the payload is missing")
        return (declared.payload.convert(args[0]),)


def _by_name(events: Iterable[Any]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for event in events:
        if event.name in found:
            raise OptionError(f"contract: {event!r} is declared twice")
        found[event.name] = event
    return MappingProxyType(found)
