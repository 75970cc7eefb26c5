"""`Forward`: messages for sparks, wherever they are."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Coroutine, Generator, Iterable, Iterator, Sequence
from typing import Any, Final, NotRequired, TypedDict

from primus import Primus, PrimusError
from primus.callables import is_awaitable
from primus.tasks import spawn
from primus_omega_supreme.errors import ForwardError
from primus_omega_supreme.message import is_nothing
from primus_omega_supreme.sender import Delivery, Sender, sealed

__all__ = ["Forward", "Forwarding", "Reply"]

log = logging.getLogger("primus.server")

CHUNK: Final = 10_000
"""How many ids one request has at most, so that its body stays short."""


class Reply(TypedDict):
    """How it went: ``send`` is how many sparks were written to, on all servers together.

    ``local`` is there, and true, when no other server was needed.
    """

    ok: bool
    send: int
    local: NotRequired[bool]


class Forwarding(Awaitable[Reply]):
    """A message on its way. It goes on without being awaited; then a failure is logged."""

    def __init__(self, work: Coroutine[Any, Any, Reply]) -> None:
        self._awaited = False
        self._task = spawn(work)
        self._task.add_done_callback(self._done)

    def __await__(self) -> Generator[Any, None, Reply]:
        self._awaited = True
        return self._task.__await__()

    def _done(self, task: Any) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._awaited:
            log.warning("omega-supreme: %s", error)


class Forward:
    """``primus.forward``: called, it forwards to servers that are named.

    With the plugin metroplex it finds them by itself: `broadcast`, `sparks`, `spark`, `rooms`. The
    sparks of this server are always written to at once, whatever comes of the others.
    """

    def __init__(self, primus: Primus, sender: Sender) -> None:
        self._primus: Any = primus
        self._sender = sender

    def __call__(
        self,
        servers: str | None | Iterable[str | None],
        msg: Any,
        sparks: str | Sequence[str] | None = None,
    ) -> Forwarding:
        """Write to sparks of this server and of others.

        Args:
            servers: the addresses of the others; empty ones are passed over.
            msg: the message: anything but null, false, 0 and empty text.
            sparks: the ids of some, or the id of one, which is not looked for elsewhere if it is
                here; `None` for all.

        Raises:
            ForwardError: the message cannot be forwarded. The result raises it as well, when a
                server has not taken it, or when there is none to ask.
        """
        addresses = [servers] if servers is None or isinstance(servers, str) else servers
        others = list(dict.fromkeys(address for address in addresses if address))
        if isinstance(sparks, str) and sparks:
            return Forwarding(self._one(sparks, msg, others))
        if sparks is None or isinstance(sparks, str):
            body = _sealed(msg, sparks="")
            self._primus.write(msg)
            send = len(self._primus)
            return Forwarding(self._rest(send, [(other, body) for other in others]))
        send, absent = self._here(msg, sparks)
        deliveries = [delivery for other in others for delivery in _deliveries(other, msg, absent)]
        if absent and not others:
            return Forwarding(_no_spark(send))
        return Forwarding(self._rest(send, deliveries))

    def broadcast(self, msg: Any) -> Forwarding:
        """Write to every spark of every server.

        Raises:
            ForwardError: as `__call__`, and when the plugin metroplex is not in use.
        """
        metroplex, body = self._metroplex(), _sealed(msg, sparks="")
        self._primus.write(msg)
        return Forwarding(self._everywhere(metroplex, len(self._primus), body))

    def sparks(self, ids: Sequence[str], msg: Any) -> Forwarding:
        """Write to some sparks, wherever they are; unknown ids are passed over.

        Raises:
            ForwardError: as `broadcast`.
        """
        metroplex = self._metroplex()
        send, absent = self._here(msg, ids)
        return Forwarding(self._found(metroplex, send, absent, msg))

    def spark(self, id: str, msg: Any) -> Forwarding:
        """Write to a spark, wherever it is.

        Raises:
            ForwardError: as `broadcast`; the result raises it when no server has the spark.
        """
        metroplex = self._metroplex()
        send, absent = self._here(msg, [id])
        return Forwarding(self._found(metroplex, send, absent, msg, needed=True))

    def rooms(
        self, rooms: str | Sequence[str], msg: Any, except_: str | Sequence[str] = ()
    ) -> Forwarding:
        """Write to rooms of every server, with the plugin rooms; not to servers on Node.js.

        Args:
            rooms: names, as the plugin rooms takes them.
            msg: the message.
            except_: the ids of sparks that do not get it.

        Raises:
            ForwardError: as `broadcast`, and when the plugin rooms is not in use.
        """
        metroplex = self._metroplex()
        if not hasattr(self._primus, "room"):
            raise ForwardError("forward.rooms needs the plugin rooms")
        chosen = self._primus.room(rooms).except_(except_).local
        names, without = list(chosen.names), sorted(chosen.without)
        # A server on Node.js without rooms takes this for a message to none of its sparks.
        body = _sealed(msg, sparks=[], rooms=names, **{"except": without})
        return Forwarding(self._everywhere(metroplex, chosen.write(msg), body))

    async def close(self) -> None:
        """Close the connections to other servers."""
        await self._sender.close()

    # -- how it is done

    def _metroplex(self) -> Any:
        metroplex = getattr(self._primus, "metroplex", None)
        if metroplex is None:
            raise ForwardError("this needs the plugin metroplex, which knows the other servers")
        return metroplex

    def _here(self, msg: Any, ids: Iterable[str]) -> tuple[int, list[str]]:
        """Write to the sparks that are here; how many they were, and which were not."""
        _check(msg)
        sparks, absent = [], []
        for id in ids:
            spark = self._primus.spark(id)
            if spark is None:
                absent.append(id)
            else:
                sparks.append(spark)
        self._primus.write(msg, to=sparks)
        return len(sparks), absent

    def _one(self, id: str, msg: Any, others: list[str]) -> Coroutine[Any, Any, Reply]:
        send, absent = self._here(msg, [id])
        if absent and not others:
            return _no_spark(send)
        body = _sealed(msg, sparks=id)
        return self._rest(send, [(other, body) for other in others if absent])

    async def _rest(self, send: int, deliveries: list[Delivery]) -> Reply:
        """Bring a message to the other servers, after it was written here `send` times."""
        if not deliveries:
            return {"ok": True, "send": send, "local": True}
        try:
            return {"ok": True, "send": send + await self._sender.send(deliveries)}
        except ForwardError as error:
            error.send += send
            raise

    async def _everywhere(self, metroplex: Any, sending: Any, body: bytes) -> Reply:
        send = await sending if is_awaitable(sending) else sending
        servers = await _asked(metroplex.servers(), send)
        return await self._rest(send, [(server, body) for server in servers])

    async def _found(
        self, metroplex: Any, send: int, ids: list[str], msg: Any, *, needed: bool = False
    ) -> Reply:
        """Find the servers of sparks that are not here, and bring each what is for its own."""
        places = await _asked(metroplex.sparks(ids), send) if ids else []
        at: dict[str, list[str]] = defaultdict(list)
        for id, place in zip(ids, places, strict=True):
            if place and place != metroplex.address:  # one that was here has just gone
                at[place].append(id)
        if needed and ids and not at:
            return await _no_spark(send)
        deliveries = [
            delivery for place, own in at.items() for delivery in _deliveries(place, msg, own)
        ]
        return await self._rest(send, deliveries)


def _deliveries(server: str, msg: Any, ids: list[str]) -> Iterator[Delivery]:
    for start in range(0, len(ids), CHUNK):
        yield server, _sealed(msg, sparks=ids[start : start + CHUNK])


def _check(msg: Any) -> None:
    """Refuse early what every other server refuses, before the sparks here get it."""
    if is_nothing(msg):
        raise ForwardError(f"{msg!r} cannot be forwarded: servers take it for no message")


def _sealed(msg: Any, **to: Any) -> bytes:
    _check(msg)
    return sealed(msg, **to)


async def _no_spark(send: int) -> Reply:
    raise ForwardError("No servers provided", send=send)


async def _asked(question: Awaitable[Any], send: int) -> Any:
    """What the registry answers, after a message was written here `send` times."""
    try:
        return await question
    except PrimusError as error:
        raise ForwardError(f"the other servers were not reached: {error}", send=send) from error
