"""`Mirage`: makes the session ids of a server, and validates those that clients bring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from secrets import token_hex
from typing import Any, Final, Self, TypeVar

from primus import EndCode, OptionError, Spark
from primus.callables import is_awaitable
from primus.clock import Within
from primus.closed import Ending
from primus.option_checks import duration
from primus_mirage.errors import InvalidId, MirageTimeout
from primus_mirage.signing import Signature

__all__ = ["EVENT", "FIELD", "Mirage"]

EVENT: Final = "mirage"
FIELD: Final = "_mirage"
SIZE: Final = 16
"""Bytes of a generated id."""

Given = TypeVar("Given", bound="str | Awaitable[str]")
Judged = TypeVar("Judged", bound="str | None | Awaitable[str | None]")


def _generate(spark: Any) -> str:
    return token_hex(SIZE)


def _accept(spark: Any) -> None:
    """Any id is as good as another."""


class Mirage:
    """The ids of one server.

    Args:
        timeout: seconds that a generator or validator may take; `None` for any.
        signature: signs them, if any.
    """

    def __init__(self, timeout: float | None, signature: Signature | None) -> None:
        self.timeout = timeout
        """Seconds that a generator or validator may take; `None` for any."""
        self._signature = signature
        self._generator: Callable[..., Any] = _generate
        self._validator: Callable[..., Any] = _accept

    @classmethod
    def of(cls, extra: Mapping[str, Any]) -> Self:
        """The ids as the options of a server have it.

        Raises:
            OptionError: one cannot work.
        """
        if extra["mirage"]:
            raise OptionError("mirage: an option of clients; a server gives the ids")
        secret = extra["mirage_secret"]
        timeout = duration("mirage_timeout", extra["mirage_timeout"])
        return cls(timeout, None if secret is None else Signature(secret))

    def generator(self, fn: Callable[[Any], Given]) -> Callable[[Any], Given]:
        """Let ``fn(spark)``, plain or async, give the ids; works as a decorator.

        It is called for clients that bring none. What it raises ends the connection.

        Raises:
            TypeError: `fn` is not callable.
        """
        self._generator = _callable("generator", fn)
        return fn

    def validator(self, fn: Callable[[Any], Judged]) -> Callable[[Any], Judged]:
        """Let ``fn(spark)``, plain or async, judge the id in ``spark.mirage``; a decorator too.

        `None` accepts it, a text is the new id of the client, and what it raises ends the
        connection. With ``mirage_secret`` it gets only ids that this server has signed.

        Raises:
            TypeError: `fn` is not callable.
        """
        self._validator = _callable("validator", fn)
        return fn

    def identify(self, spark: Any) -> Awaitable[None] | None:
        """Give a spark its id: the one that its client brings, once it is validated, or a new one.

        The client is told of a new one. Without a valid id the spark ends, with an ``error``.
        """
        brought = spark.query.text(FIELD)
        try:
            if not brought:
                id = self._generator(spark)
            else:
                spark.mirage = brought if self._signature is None else self._signature.read(brought)
                id = self._validator(spark)
        except Exception as error:
            _refuse(spark, error)
            return None
        if is_awaitable(id):
            return self._identify_late(spark, id, "validate" if brought else "generate")
        self._settle(spark, id, is_new=not brought)
        return None

    async def _identify_late(self, spark: Any, pending: Awaitable[Any], doing: str) -> None:
        limit = Within(self.timeout, spark.clock)
        try:
            async with limit:
                id = await pending
        except Exception as error:
            if limit.expired and isinstance(error, TimeoutError):
                error = MirageTimeout(f"Failed to {doing} id in a timely manner")
            _refuse(spark, error)
            return
        self._settle(spark, id, is_new=doing == "generate")

    def _settle(self, spark: Any, id: Any, *, is_new: bool) -> None:
        """Take what the generator or the validator has returned."""
        if id is None and not is_new:
            return
        if not isinstance(id, str) or not id:
            _refuse(spark, InvalidId(f"a session id must be a non-empty text, not {id!r}"))
        else:
            spark.mirage = id
            announce(spark, id if self._signature is None else self._signature.sign(id))


def announce(spark: Any, id: str) -> None:
    """Tell the client its id, through `send` of the plugin ``emitter`` or an `emit` that sends."""
    kind = type(spark)
    if hasattr(kind, "send"):
        spark.send(EVENT, id)
    elif kind.emit is not Spark.emit:
        spark.emit(EVENT, id)


def _refuse(spark: Any, error: Exception) -> None:
    """End a spark that has no valid id."""
    if spark.ready_state == Spark.OPEN:
        spark.note(Ending(EndCode.REFUSED, reason=str(error)))
        spark.reject(error)


def _callable(name: str, fn: Any) -> Any:
    if not callable(fn):
        raise TypeError(f"{name}: must be a function that takes the spark, not {fn!r}")
    return fn
