"""`Fortress`: judges every message before anything else sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from primus import OptionError, Packet, Primus
from primus.arriving import Arriving
from primus.callables import is_awaitable
from primus.failures import Quota
from primus.pipeline import Transform, for_streams
from primus.streams import Stream
from primus.tasks import spawn
from primus_fortress_maximus.errors import Invalid
from primus_fortress_maximus.limits import Bucket, Limit
from primus_fortress_maximus.validators import Validator

__all__ = ["Fortress", "transform"]

RESERVED: Final = "fortress:maximus::"
"""What the names begin with that Node keeps its validators by, which stay reserved."""


class Fortress:
    """The validators of one server.

    Args:
        primus: the server.
        extra: its options, as far as plugins have declared them.

    Raises:
        OptionError: one cannot work.
    """

    def __init__(self, primus: Primus, extra: Mapping[str, Any]) -> None:
        mode = extra["fortress"]
        if mode not in ("spark", "primus"):
            raise OptionError(f'fortress={mode!r}: must be "spark" or "primus"')
        self._primus = primus
        self._is_on_primus = mode == "primus"
        self._limit = Limit.of("fortress_limit", extra["fortress_limit"])
        self._validators: dict[str, Validator] = {}
        self._lines = Quota(primus.limits.warnings_per_second)
        self._buckets: WeakKeyDictionary[Any, dict[str | None, Bucket]] = WeakKeyDictionary()
        """What each spark may still send: of each event, and by `None` of all messages."""

    def add(self, event: str, fn: Any, limit: Any) -> None:
        """Let `fn` judge an event.

        Raises:
            TypeError: it is neither a function nor a type.
            OptionError: the event has a validator already or is reserved, or the limit cannot
                work.
        """
        if event in self._validators:
            raise OptionError(f"the event {event!r} has a validator already")
        emitter = self._primus if self._is_on_primus else self._primus.Spark
        if event != "data" and event in emitter.events:
            raise OptionError(f"{event!r} is a reserved event: no message is let through as one")
        rate = Limit.of("limit", limit)
        self._validators[event] = Validator(event, fn, rate, takes_spark=self._is_on_primus)
        self._primus.events.names.add(RESERVED + event)

    def forget(self) -> None:
        """Give back the names that are reserved."""
        self._primus.events.names -= {RESERVED + event for event in self._validators}
        self._validators.clear()

    def judge(self, packet: Packet, connection: Any) -> Literal[False] | Awaitable[Any] | None:
        """Judge a message of a spark, or of a stream above it.

        Returns:
            What a transform returns: `False` when the message is refused.
        """
        meanings = self._meanings(packet.data, connection)
        is_answer = connection.overtakes(packet.data)
        if is_answer and not meanings:
            return None  # an answer to what this server has asked
        if len(meanings) + is_answer > 1:
            # What is judged would be one of them, and what is heard may be another.
            error = Invalid(meanings[0].event, "Ambiguous message")
            return self._refuse(connection, error, [packet.data])
        is_data = not meanings
        (arriving,) = meanings or [Arriving("data", [packet.data], lambda args: args[0])]
        event, args, _ = arriving
        args = list(args)
        text = self._forbids(event, packet.data, connection, is_data=is_data)
        validator = self._validators.get(event)
        if text or validator is None:
            text = text or f"Missing validator for {event}"
        elif not validator.takes(args):
            text = f"Missing arguments for {event}"
        elif not self._admits(connection, event, validator.limit):
            text = f"Rate limit exceeded for {event}"
        if text or validator is None:
            return self._refuse(connection, Invalid(event, text), args)
        return self._validate(validator, packet, connection, arriving._replace(args=args))

    def _meanings(self, data: Any, connection: Any) -> list[Arriving]:
        """The events that a message is to plugins in use; a sound message is one at most."""
        meanings: list[Arriving] = connection.arriving(data)
        emitted = None if isinstance(connection, Stream) else _emitted(data)
        if emitted is not None and self._primus.uses("emit", "emit-broadcast"):
            meanings.append(emitted)
        return meanings

    def _forbids(self, event: str, data: Any, connection: Any, *, is_data: bool) -> str:
        """Why a message is refused before any validator is looked for; empty when it is not."""
        is_stream = isinstance(connection, Stream)
        if not is_stream and not self._admits(connection, None, self._limit):
            return "Rate limit exceeded"
        is_broadcast = is_data or (not is_stream and _emitted(data) is not None)
        emitter = connection
        if self._is_on_primus and is_broadcast and not is_stream:
            emitter = self._primus
        if not is_data and emitter.reserved(event):
            return f"{event} is a reserved event"
        if not emitter.listeners(event):
            return f"Missing listener for {event}"
        return ""

    def _admits(self, connection: Any, event: str | None, limit: Limit | None) -> bool:
        """Whether one more message of a spark is within a limit."""
        if limit is None:
            return True
        spark = connection.connection if isinstance(connection, Stream) else connection
        now = spark.clock.time()
        buckets = self._buckets.setdefault(spark, {})
        bucket = buckets.get(event)
        if bucket is None:
            bucket = buckets[event] = Bucket(limit, now)
        return bucket.take(now)

    def _validate(
        self, validator: Validator, packet: Packet, connection: Any, arriving: Arriving
    ) -> Literal[False] | Awaitable[Any] | None:
        valid = list(arriving.args)
        try:
            verdict = validator.judge(valid, connection)
        except Exception as error:
            verdict = error
        if is_awaitable(verdict):
            return self._validate_late(validator, verdict, connection, arriving)
        refusal = validator.refusal(verdict)
        if refusal is not None:
            return self._refuse(connection, refusal, arriving.args)
        if validator.converts:
            packet.data = arriving.packed(valid)
        return None

    async def _validate_late(
        self,
        validator: Validator,
        pending: Awaitable[Any],
        connection: Any,
        arriving: Arriving,
    ) -> Literal[False] | None:
        try:
            verdict = await pending
        except Exception as error:
            verdict = error
        refusal = validator.refusal(verdict)
        return None if refusal is None else self._refuse(connection, refusal, arriving.args)

    def _refuse(self, connection: Any, error: Invalid, args: list[Any]) -> Literal[False]:
        """Drop a message, and tell the application.

        What is behind it waits for async listeners, and the end of the connection does not.
        """
        if not self._primus.listeners("invalid"):
            self._log(connection, error)
        delivered = self._primus.deliver("invalid", error, args)
        if delivered is not False:
            spark = connection.connection if isinstance(connection, Stream) else connection
            spark.hold(asyncio.shield(spawn(_done(delivered))))
        return False

    def _log(self, connection: Any, error: Invalid) -> None:
        """Log a refusal; peers can cause any number of them."""
        held = self._lines.admit(connection.clock.time())
        if held is None and not connection.log.isEnabledFor(logging.DEBUG):
            return
        shown = repr(str(error))[1:-1]  # peers choose the names of events, also line ends
        more = f" ({held} more were not logged)" if held else ""
        connection.log.log(
            logging.DEBUG if held is None else logging.INFO,
            "%r: a message was refused (%.50r): %.200s%s",
            connection,
            error.event,
            shown,
            more,
        )


async def _done(delivering: Awaitable[Any]) -> None:
    await delivering


def transform(fortress: Fortress) -> Transform:
    """The incoming transform; messages of channels pass it as well."""

    def incoming(packet: Packet, connection: Any) -> Any:
        return fortress.judge(packet, connection)

    return for_streams(incoming)


def _emitted(data: Any) -> Arriving | None:
    """An event of primus-emit; its name is what JavaScript makes of the first element."""
    event = data.get("emit") if isinstance(data, dict) else None
    if not isinstance(event, list):
        return None
    try:
        name = _text(event[0]) if event else "undefined"
    except RecursionError:
        name = ""
    return Arriving(name, event[1:], lambda args: {**data, "emit": [*event[:1], *args]})


def _text(value: Any) -> str:
    """A value as a text, as JavaScript has it."""
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case list():
            return ",".join("" if each is None else _text(each) for each in value)
        case dict():
            return "[object Object]"
    return str(value)
