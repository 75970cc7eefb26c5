"""Which handler answers for which models, and how."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from primus import PrimusError
from primus.answers import Reply
from primus.callables import is_awaitable

__all__ = ["METHODS", "BackboneError", "Routes"]

METHODS: Final = ("create", "read", "update", "patch", "delete")


class BackboneError(PrimusError):
    """A handler cannot be used; or, raised by a handler, its text refuses what a client asked."""


class Call:
    """What one client may ask of one handler by one method."""

    __slots__ = ("_handler", "_method", "_name", "_spark")

    def __init__(self, name: str, handler: object, method: str, spark: Any) -> None:
        self._name = name
        self._handler = handler
        self._method = method
        self._spark = spark

    @property
    def event(self) -> str:
        """The event by which the client asks."""
        return f"{self._name}:{self._method}"

    def take(self, *given: Any) -> Awaitable[None] | None:
        """Call the method with what has arrived, and answer when the client asks for it."""
        reply = given[-1] if given and isinstance(given[-1], Reply) else None
        data, url, *_ = *(given if reply is None else given[:-1]), None, None
        method = getattr(self._handler, self._method, None)
        if method is None:
            self._refuse(reply, f"{self._name} has no {self._method}")
            return None
        try:
            result = method(self._spark, data, url)
        except Exception as error:
            self._failed(reply, error)
            return None
        if is_awaitable(result):
            return self._later(reply, result)
        self._answer(reply, result)
        return None

    async def _later(self, reply: Reply | None, result: Awaitable[Any]) -> None:
        try:
            value = await result
        except Exception as error:
            self._failed(reply, error)
        else:
            self._answer(reply, value)

    def _answer(self, reply: Reply | None, value: Any) -> None:
        if reply is None:
            return
        try:
            reply(None, value)
        except PrimusError as error:  # the parser has no form for it
            self._log(error)
            self._refuse(reply, f"{self.event} has no answer that can be sent")

    def _failed(self, reply: Reply | None, error: Exception) -> None:
        """Answer with the text of an error; one that is no refusal is logged as well."""
        if not isinstance(error, PrimusError):
            self._log(error)
        self._refuse(reply, str(error) or type(error).__name__)

    def _log(self, error: Exception) -> None:
        spark = self._spark
        text = f"{spark!r}: the handler of {self.event!r} failed"
        spark.failures.log(spark.log, text, error, spark.clock.time())

    def _refuse(self, reply: Reply | None, text: str) -> None:
        if reply is not None:
            reply(text)


class Routes:
    """The handlers of a server.

    Args:
        primus: the server.
    """

    def __init__(self, primus: Any) -> None:
        self._primus = primus
        self._handlers: dict[str, object] = {}

    def add(self, name: Any, handler: object) -> None:
        """Let a handler answer for a name, clients that are there included.

        Raises:
            BackboneError: it cannot.
        """
        if not isinstance(name, str) or not name or "/" in name or ":" in name:
            raise BackboneError(
                f"{name!r}: must be the first segment of the url of models, without '/' and ':'"
            )
        if name in self._handlers:
            raise BackboneError(f"{name!r}: there is a handler of that name already")
        if not any(callable(getattr(handler, method, None)) for method in METHODS):
            raise BackboneError(f"{handler!r} has none of the methods {', '.join(METHODS)}")
        if not self._primus.uses("emitter"):
            raise BackboneError(
                "the plugin 'backbone' needs 'emitter', which is not in use: "
                "Primus(…, plugin='emitter, backbone')"
            )
        self._handlers[name] = handler
        for spark in self._primus:
            self._bind(name, handler, spark)

    def connected(self, spark: Any) -> None:
        """Let a client ask every handler."""
        for name, handler in self._handlers.items():
            self._bind(name, handler, spark)

    def close(self) -> None:
        """Let no client ask anything."""
        for spark in self._primus:
            for name in self._handlers:
                for method in METHODS:
                    event = f"{name}:{method}"
                    for listener in spark.listeners(event):
                        if isinstance(getattr(listener, "__self__", None), Call):
                            spark.off(event, listener)
        self._handlers.clear()

    def _bind(self, name: str, handler: object, spark: Any) -> None:
        for method in METHODS:
            call = Call(name, handler, method, spark)
            spark.on(call.event, call.take)
