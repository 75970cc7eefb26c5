"""Mandatory validation: the plugin ``fortress-maximus``, as fortress-maximus for Node has it.

    primus = Primus(app, plugin="fortress-maximus, emit", fortress_limit=(100, 1.0))

    primus.validate("vote", Vote)                      # a dataclass: listeners get a Vote

    @primus.validate("data", limit=(5, 1.0))
    def validate(message):
        return isinstance(message, str)                # False refuses it

    @primus.on("invalid")
    def invalid(error, args):
        print(error.event, error, args)

No message reaches a listener unless its event has a listener and a validator, and the validator
takes exactly as many arguments as have arrived. What is refused is dropped, and ``invalid`` is
emitted on the Primus; the client is not told. Events of the plugins ``emit``, ``emitter`` and
``responder`` are judged by their names, everything else as ``data``.

A validator is a function, plain or async, which refuses by returning `False`, a text or an
exception, or by raising; or a type (dataclass, TypedDict, msgspec Struct, pydantic model, …), which
validates and converts the one argument. Messages of a connection wait for their validators, so they
keep their order. ``limit`` and the option ``fortress_limit`` bound how often a spark may send: so
many messages in so many seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack

from primus import Order, Primus, ServerOptions, SparkT_co, hookimpl
from primus_fortress_maximus.errors import Invalid
from primus_fortress_maximus.fortress import Fortress, transform
from primus_fortress_maximus.limits import Limit
from primus_fortress_maximus.validators import Function

__all__ = [
    "FortressOptions",
    "FortressPrimus",
    "Invalid",
    "Limit",
    "primus_extend_primus",
    "primus_options",
    "primus_order",
    "primus_setup",
    "primus_teardown",
]


@hookimpl
def primus_order() -> Order:
    """Before the plugins that make events of messages, or take them away."""
    return Order(
        after="mirage, spark-latency",
        before="emit, emit-broadcast, emitter, rooms, substream, multiplex, responder, resource, "
        "contract",
    )


@hookimpl
def primus_options() -> Mapping[str, object]:
    """Where events are emitted, and how often a spark may send."""
    return {"fortress": "spark", "fortress_limit": None}


class FortressOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``fortress-maximus``."""

    fortress: Literal["spark", "primus"]
    fortress_limit: Limit | tuple[float, float] | float | None


class FortressPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``fortress-maximus``."""

    _fortress: Fortress
    """Its validators."""

    def validate(
        self,
        event: str,
        fn: Function | object = None,
        *,
        limit: Limit | tuple[float, float] | float | None = None,
    ) -> Any:
        """Let `fn` judge each message of an event. Without `fn`, works as a decorator.

        Args:
            event: the name of the event; ``data`` for messages that are no event.
            fn: a function of the arguments of the event, plain or async; with the option
                ``fortress="primus"`` the spark comes first. Or a type, for one argument.
            limit: how often a spark may send the event: so many messages in so many seconds, or
                so many a second. Up to that many may come at once.

        Returns:
            `fn` itself.

        Raises:
            TypeError: `fn` is neither a function nor a type that values can be checked against.
            OptionError: the event has a validator already or is reserved, or the limit cannot
                work.
        """
        if fn is None:
            return lambda function: self.validate(event, function, limit=limit)
        self._fortress.add(event, fn, limit)
        return fn

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[FortressOptions]) -> None: ...


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.validate``."""
    return FortressPrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """Judge all messages from now on.

    Raises:
        OptionError: an option cannot work.
    """
    primus._fortress = fortress = Fortress(primus, primus.options.extra)
    primus.events.names.add("invalid")
    primus.transform("incoming", transform(fortress))


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Give back the names that validators have reserved."""
    primus._fortress.forget()
