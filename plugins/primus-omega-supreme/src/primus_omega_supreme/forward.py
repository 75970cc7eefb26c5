"""`Forward`: messages for sparks, wherever they are."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from typing import Any, Final, NotRequired, TypeAlias, TypedDict

from primus import ControlTextError, ParserError, Primus, PrimusError
from primus.callables import is_awaitable
from primus.ids import node_of
from primus.tasks import spawn
from primus_omega_supreme.errors import Dropped, ForwardError, Refused
from primus_omega_supreme.message import PARSER, Sealed, is_nothing, seal
from primus_omega_supreme.options import Settings
from primus_omega_supreme.router import Question, Router
from primus_omega_supreme.sender import Delivery, Sender

__all__ = ["Forward", "Forwarding", "Reply"]

log = logging.getLogger("primus.server")

CHUNK: Final = 10_000
"""How many ids one request has at most, so that its body stays short."""


REGISTRY: Final = "the registry"
"""What is away when the servers of a message are not known."""

Put: TypeAlias = asyncio.Future[list[asyncio.Future[int]]]
"""What the servers answer to a message, once it has been queued for them."""


class Reply(TypedDict):
    """How it went: ``send`` is how many sparks were written to, on all servers together.

    ``local`` is there, and true, when no other server was needed.
    """

    ok: bool
    send: int
    local: NotRequired[bool]


class Forwarding(Awaitable[Reply]):
    """A message on its way. It goes on without being awaited; then a failure is logged.

    Args:
        work: gives the reply.
        failed: is told of a failure that is not awaited.
    """

    def __init__(
        self, work: Coroutine[Any, Any, Reply], failed: Callable[[ForwardError], None]
    ) -> None:
        self._awaited = False
        self._failed = failed
        self._task = spawn(work)
        self._task.add_done_callback(self._done)

    def __await__(self) -> Generator[Any, None, Reply]:
        self._awaited = True
        return self._task.__await__()

    def _done(self, task: Any) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ForwardError) and not self._awaited:
            self._failed(error)


class Forward:
    """``primus.forward``: called, it forwards to servers that are named.

    With the plugin metroplex it finds them by itself: `broadcast`, `sparks`, `spark`, `rooms`. The
    sparks of this server are always written to at once, whatever comes of the others. With the
    plugin backplane these go by the bus to the servers that are on it, whose sparks are not counted
    in the reply, and by HTTP to the others.
    """

    def __init__(self, primus: Primus, settings: Settings) -> None:
        self._primus: Any = primus
        self._sender = Sender(primus, settings, self._server_failed)
        self._router = Router(self._metroplex, settings.forward_queue)

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
        if sparks is None or sparks == "":
            message = seal(_text(msg), sparks="")
            self._primus.write(msg)
            everywhere = [(other, message) for other in others]
            return self._routed(len(self._primus), [], len(message), lambda _: everywhere)
        send, absent, text = self._here(msg, [sparks] if isinstance(sparks, str) else sparks)
        as_it_is = sparks if isinstance(sparks, str) else None

        def deliveries(_: object) -> list[Delivery]:
            if absent and not others:
                raise ForwardError("No servers provided")
            if as_it_is is not None and absent:
                return [(other, seal(text, sparks=as_it_is)) for other in others]
            return [each for other in others for each in _deliveries(other, text, absent)]

        return self._routed(send, [], len(text), deliveries)

    def broadcast(self, msg: Any) -> Forwarding:
        """Write to every spark of every server.

        Raises:
            ForwardError: as `__call__`, and when the plugin metroplex is not in use.
        """
        text, bus = _text(msg), self._bus
        if bus is None:
            self._metroplex()
            message = seal(text, sparks="")
            self._primus.write(msg)
            return self._everywhere(len(self._primus), message)
        encoded, posted = _posted(bus, "all", {}, msg)
        self._primus.write(encoded)
        return self._beyond(bus, len(self._primus), seal(text, sparks="", posted=posted))

    def sparks(self, ids: Sequence[str], msg: Any) -> Forwarding:
        """Write to some sparks, wherever they are; unknown ids are passed over.

        Raises:
            ForwardError: as `broadcast`.
        """
        return self._found_anywhere(msg, ids)

    def spark(self, id: str, msg: Any) -> Forwarding:
        """Write to a spark, wherever it is.

        Raises:
            ForwardError: as `broadcast`; the result raises it when no server has the spark.
        """
        return self._found_anywhere(msg, [id], needed=True)

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
        bus = self._bus
        if bus is None:
            self._metroplex()
        if not hasattr(self._primus, "room"):
            raise ForwardError("forward.rooms needs the plugin rooms")
        chosen = self._primus.room(rooms).except_(except_).local
        if bus is None:
            message = _for_rooms(chosen.names, msg, chosen.without)
            return self._everywhere(chosen.write(msg), message)
        names, without = list(chosen.names), sorted(chosen.without)
        head = {"rooms": names, "except": without}
        encoded, posted = _posted(bus, "rooms", head, msg, names[0] if names else "")
        message = _for_rooms(names, msg, without, posted=posted)
        return self._beyond(bus, chosen.write(encoded), message)

    def elsewhere(self, rooms: Sequence[str], msg: Any, except_: Iterable[str] = ()) -> Forwarding:
        """Write to rooms of the other servers, as `rooms` does, and not to those of this one.

        Raises:
            ForwardError: as `broadcast`.
        """
        self._metroplex()
        return self._everywhere(0, _for_rooms(rooms, msg, except_))

    @property
    def dropped(self) -> int:
        """How many messages found no room in the queue of a server, or while the registry was away.

        The result of each of them raises a `ForwardError`.
        """
        return self._sender.dropped + self._router.dropped

    async def close(self) -> None:
        """Send what waits, and close the connections to other servers."""
        await self._sender.close()

    # -- how it is done

    @property
    def _bus(self) -> Any:
        """``primus.backplane``, if the plugin is in use."""
        return vars(self._primus).get("backplane")

    def _beyond(self, bus: Any, send: Any, message: Sealed) -> Forwarding:
        """Bring a message to the servers of the registry that are not on the bus.

        One that joins the bus just now may get it in both ways; it then drops the second.
        """
        metroplex = getattr(self._primus, "metroplex", None)
        if metroplex is None or not metroplex.address:
            return Forwarding(_local(send), self._log)

        def deliveries(servers: Sequence[str | None]) -> list[Delivery]:
            on_bus = bus.addresses
            return [(each, message) for each in servers if each and each not in on_bus]

        return self._routed(send, None, len(message), deliveries)

    def _found_anywhere(self, msg: Any, ids: Sequence[str], *, needed: bool = False) -> Forwarding:
        """Write to sparks wherever they are, by the bus where their servers are on it."""
        bus = self._bus
        if bus is None:
            self._metroplex()
            return self._found(*self._here(msg, ids), needed=needed)
        send, absent, text = self._here(msg, ids)
        by_bus = [id for id in absent if bus.node(node_of(id)) is not None]
        others = [id for id in absent if bus.node(node_of(id)) is None]
        has_registry = getattr(self._primus, "metroplex", None) is not None
        if by_bus:
            telling = spawn(self._told(bus, by_bus, msg))
            if not (others and has_registry):
                return Forwarding(_told(send, telling, needed=needed), self._log)
            telling.add_done_callback(lambda told: told.cancelled() or told.exception())
            return self._found(send, others, text)
        if not has_registry:
            if needed and others:
                return Forwarding(_refused(send), self._log)
            return Forwarding(_local(send), self._log)
        return self._found(send, others, text, needed=needed)

    async def _told(self, bus: Any, ids: list[str], msg: Any) -> bool:
        """Write to sparks by the bus; whether their servers are there.

        Raises:
            ForwardError: the bus did not answer in time, or does not take the message.
        """
        try:
            chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
            return all([await bus.write_to(chunk, msg) for chunk in chunks])
        except PrimusError as error:
            raise ForwardError(f"the bus has not taken the message: {error}") from error

    def _log(self, error: ForwardError) -> None:
        """Log a failure that nothing awaits; of what is away, the first one."""
        for each in error.errors:
            if isinstance(each, Refused):
                self._log_refused(each)
                continue
            is_known = each.outage and not self._sender.outages.begins(each.outage)
            if not is_known and not isinstance(each, Dropped):
                log.warning("omega-supreme: %s", each)

    def _log_refused(self, error: Refused) -> None:
        """Log a message that was answered and not taken, of which clients may send any number."""
        omitted = self._primus.failures.note(error, self._primus.options.clock.time())
        if omitted is None:
            log.debug("omega-supreme: %.500s (again)", error)
        else:
            more = f" ({omitted} more since the last line)" if omitted else ""
            log.warning("omega-supreme: %.500s%s", error, more)

    def _metroplex(self) -> Any:
        metroplex = getattr(self._primus, "metroplex", None)
        if metroplex is None:
            raise ForwardError("this needs the plugin metroplex, which knows the other servers")
        return metroplex

    def _server_failed(self) -> None:
        """Let the registry be asked which servers there are."""
        if (metroplex := getattr(self._primus, "metroplex", None)) is not None:
            metroplex.ask_again()

    def _here(self, msg: Any, ids: Iterable[str]) -> tuple[int, list[str], bytes]:
        """Write to the sparks that are here.

        Returns:
            How many they were, which were not here, and the message for those.
        """
        _check(msg)
        sparks, absent = [], []
        for id in ids:
            spark = self._primus.spark(id)
            if spark is None:
                absent.append(id)
            else:
                sparks.append(spark)
        text = _text(msg) if absent else b""
        self._primus.write(msg, to=sparks)
        return len(sparks), absent, text

    def _everywhere(self, send: Any, message: Sealed) -> Forwarding:
        """Bring a message to all other servers, after it was written here `send` times."""

        def deliveries(servers: Sequence[str | None]) -> list[Delivery]:
            return [(server, message) for server in servers if server]

        return self._routed(send, None, len(message), deliveries)

    def _found(self, send: int, ids: list[str], text: bytes, *, needed: bool = False) -> Forwarding:
        """Find the servers of sparks that are not here, and bring each what is for its own."""

        def deliveries(places: Sequence[str | None]) -> list[Delivery]:
            own = self._metroplex().address
            at: dict[str, list[str]] = defaultdict(list)
            for id, place in zip(ids, places, strict=True):
                if place and place != own:  # one that was here has just gone
                    at[place].append(id)
            if needed and ids and not at:
                raise ForwardError("No servers provided")
            return [each for place, its in at.items() for each in _deliveries(place, text, its)]

        return self._routed(send, ids, len(text), deliveries)

    def _routed(
        self,
        send: Any,
        ids: list[str] | None,
        size: int,
        deliveries: Callable[[Sequence[str | None]], list[Delivery]],
    ) -> Forwarding:
        """Queue a message for its servers once they are known, in the order of the calls."""
        put: Put = asyncio.get_running_loop().create_future()

        def answer(found: Sequence[str | None]) -> None:
            self._sender.outages.ends(REGISTRY)
            try:
                put.set_result([self._sender.put(*each) for each in deliveries(found)])
            except ForwardError as error:
                put.set_exception(error)

        def fail(error: Exception) -> None:
            reason = f"the other servers were not reached: {error}"
            failure = ForwardError(reason, outage=REGISTRY)
            failure.__cause__ = error
            put.set_exception(failure)

        if (ids is None or ids) and not self._metroplex().address:
            fail(ForwardError("this server has no address, and so no place among them"))
        else:
            self._router.ask(Question(ids, size, answer, fail))
        return self._forwarding(send, put)

    def _forwarding(self, send: Any, put: Put) -> Forwarding:
        put.add_done_callback(lambda put: put.cancelled() or put.exception())
        return Forwarding(_reply(send, put), self._log)


def _posted(bus: Any, kind: str, head: dict[str, Any], msg: Any, key: str = "") -> tuple[Any, Any]:
    """Post a message on the bus.

    Returns:
        The message, encoded, and what names it on the bus.

    Raises:
        ControlTextError: it is text that peers obey.
        ForwardError: the bus does not take it.
    """
    try:
        outgoing = bus.outgoing(kind, head, msg, key)
        return outgoing.message, bus.writer_of(outgoing.post())
    except (ControlTextError, ParserError):
        raise
    except PrimusError as error:
        raise ForwardError(f"the bus does not take the message: {error}") from error


async def _local(sending: Any) -> Reply:
    """The reply to a message that needs no server besides those on the bus."""
    return {"ok": True, "send": await sending if is_awaitable(sending) else sending}


async def _refused(send: int) -> Reply:
    raise ForwardError("No servers provided", send=send)


async def _told(send: int, telling: asyncio.Task[bool], *, needed: bool) -> Reply:
    """The reply to a message for sparks whose servers are on the bus.

    Raises:
        ForwardError: it is needed, and no server has taken it.
    """
    if not await telling and needed:
        raise ForwardError("No servers provided", send=send)
    return {"ok": True, "send": send}


async def _reply(sending: Any, put: Put) -> Reply:
    """The reply to a message that was written here `sending` times, and queued for others.

    Raises:
        ForwardError: not all servers have taken theirs; the others have.
    """
    send = await sending if is_awaitable(sending) else sending
    try:
        queued = await put
    except ForwardError as error:
        error.send = send
        raise
    if not queued:
        return {"ok": True, "send": send, "local": True}
    results = await asyncio.gather(*queued, return_exceptions=True)
    failures = [each for each in results if isinstance(each, ForwardError)]
    send += sum(each for each in results if isinstance(each, int))
    if not failures:
        return {"ok": True, "send": send}
    first = failures[0]  # which may be that of several messages
    failure = ForwardError(
        str(first), url=first.url, status=first.status, body=first.body, send=send
    )
    failure.errors = failures
    raise failure from first.__cause__


def _for_rooms(names: Iterable[str], msg: Any, without: Iterable[str], **more: Any) -> Sealed:
    # A server on Node.js without rooms takes this for a message to none of its sparks.
    return seal(_text(msg), sparks=[], rooms=list(names), **{"except": sorted(without)}, **more)


def _deliveries(server: str, text: bytes, ids: list[str]) -> Iterator[Delivery]:
    for start in range(0, len(ids), CHUNK):
        yield server, seal(text, sparks=ids[start : start + CHUNK])


def _check(msg: Any) -> None:
    """Refuse early what every other server refuses, before the sparks here get it."""
    if is_nothing(msg):
        raise ForwardError(f"{msg!r} cannot be forwarded: servers take it for no message")


def _text(msg: Any) -> bytes:
    """A message in JSON.

    Raises:
        ForwardError: it is none, or has no JSON form.
    """
    _check(msg)
    try:
        return PARSER.encode(msg).encode()
    except ParserError as error:
        raise ForwardError(f"the message cannot be forwarded: {error}") from error
