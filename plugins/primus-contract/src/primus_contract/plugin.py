"""The hooks: events are validated, and described by a document and by declarations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack, overload

from primus import (
    MessageT_co,
    OptionError,
    Primus,
    Request,
    Response,
    ServerOptions,
    Spark,
    SparkT_co,
    ValidationError,
    hookimpl,
)
from primus.browser import Browser
from primus.connection import Connection
from primus.events import Delivered, Replying
from primus.server.layers import Layer
from primus_contract.asyncapi import asyncapi
from primus_contract.contract import Contract
from primus_contract.events import Received, answering
from primus_contract.typescript import typescript

__all__ = [
    "ContractOptions",
    "ContractPrimus",
    "ContractSpark",
    "primus_browser",
    "primus_extend_primus",
    "primus_extend_spark",
    "primus_middleware",
    "primus_options",
    "primus_setup",
]

Answer = TypeVar("Answer")
Payload = TypeVar("Payload")


class ContractOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``contract``."""

    contract: Contract


def contract_of(primus: Any) -> Contract:
    """The contract of a server.

    Raises:
        OptionError: the option is something else.
    """
    contract = primus.options.extra["contract"]
    if contract is None:
        return Contract()
    if not isinstance(contract, Contract):
        raise OptionError(f"contract={contract!r}: must be a primus_contract.Contract")
    return contract


class ContractSpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``contract``."""

    def deliver(self, event: str, /, *args: Any, to: Any = None) -> Delivered:
        """Bring an event that has arrived to its listeners, with its payload converted."""
        leading = args[:1] if to is not None else ()  # as emit-broadcast puts the spark first
        try:
            taken = contract_of(self.primus).taken(event, args[len(leading) :])
        except ValidationError as error:
            return Connection.deliver(self, "invalid", error, event)
        return Connection.deliver(self, event, *leading, *taken, to=to)

    def take_request(self, event: str, args: Sequence[Any], reply: Replying) -> Delivered:
        """The same for an event that wants an answer: an invalid one is refused, with the field."""
        try:
            taken = contract_of(self.primus).taken(event, args)
        except ValidationError as error:
            reply.fail(error)
            return Connection.deliver(self, "invalid", error, event)
        return Connection.take_request(self, event, taken, reply)


class Handles(Protocol[SparkT_co, Payload, Answer]):  # type: ignore[misc]
    """Adds a handler of a declared event."""

    @overload
    def __call__(
        self, fn: Callable[[SparkT_co, Payload], Awaitable[Answer]], /
    ) -> Callable[[SparkT_co, Payload], Awaitable[Answer]]: ...
    @overload
    def __call__(
        self, fn: Callable[[SparkT_co, Payload], Answer], /
    ) -> Callable[[SparkT_co, Payload], Answer]: ...


class ContractPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``contract``."""

    contract: Contract
    """The events of the application."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[ContractOptions]) -> None: ...

    def on_event(self, event: Received[Payload, Answer]) -> Handles[SparkT_co, Payload, Answer]:
        """Handle an event of every spark: ``fn(spark, payload)``, plain or async; a decorator.

        What it returns acknowledges the event, when the client has asked for that.

        Raises:
            OptionError: the contract does not declare the event.
        """
        if self.contract.receives.get(event.name) is not event:
            contract = self.options.extra["contract"]
            hint = ": give the server the option contract=Contract(…)" if contract is None else ""
            raise OptionError(f"{event!r} is not among what {self.contract!r} receives{hint}")

        def add(fn: Any) -> Any:
            self.on_spark(event.name, answering(fn))
            return fn

        return add


@hookimpl
def primus_options() -> Mapping[str, object]:
    """``contract``: a `Contract`."""
    return {"contract": None}


@hookimpl
def primus_extend_spark() -> type[ContractSpark]:
    """Validation, where events arrive."""
    return ContractSpark


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.on_event`` and ``primus.contract``."""
    return ContractPrimus


@hookimpl
def primus_middleware(primus: Primus) -> Iterable[Layer]:
    """The layer ``asyncapi.json``, before authorization, as the browser client is."""

    @cache
    def described() -> bytes:
        # Made once: any stranger may ask for it, and it takes milliseconds.
        return Response.json(asyncapi(contract_of(primus), primus.pathname)).body

    def document(request: Request) -> Response | None:
        if request.path != f"{primus.pathname}/asyncapi.json":
            return None
        return Response(200, described(), content_type="application/json")

    return [Layer("asyncapi.json", document, upgrade=False, before="authorization")]


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.contract``, and the reserved event ``invalid``.

    Raises:
        OptionError: the option is no contract.
    """
    primus.contract = contract_of(primus)
    primus.Spark.events.names.add("invalid")
    if not primus.uses("emit", "emit-broadcast", "emitter"):
        primus.log.warning(
            "the plugin 'contract' sends and receives through an event plugin, and none is in use: "
            "no declared event will come. Use plugin='emitter, contract'."
        )


@hookimpl
def primus_browser(primus: Primus) -> Browser:
    """No code, but the types of the events in ``primus.d.ts``."""
    contract = contract_of(primus)
    is_empty = not contract.receives and not contract.sends
    return Browser(declarations="" if is_empty else typescript(contract))
