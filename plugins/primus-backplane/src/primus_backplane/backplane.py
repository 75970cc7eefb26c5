"""`Backplane`: by which the sparks of all servers are reached."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final
from uuid import uuid4

from primus import Primus, Spark
from primus.events import Emitter, ReservedEvents
from primus.ids import node_of
from primus.tasks import spawn
from primus_backplane.arrivals import Arrivals, Counts, Handler
from primus_backplane.bus import Bus, Entry, Node, Settings
from primus_backplane.engines import bus_of
from primus_backplane.envelope import EMPTY, NO_PARSER, Message, Writer, sealed
from primus_backplane.errors import BusError, TooLargeError
from primus_backplane.frames import Frames
from primus_backplane.limits import DEFAULT_BUS_LIMITS
from primus_backplane.numbers import Numbers
from primus_backplane.options import Chosen
from primus_backplane.ordered import Pending
from primus_backplane.outage import Outage
from primus_backplane.sending import Outgoing, RemoteSpark
from primus_backplane.shards import shard_of

__all__ = ["EVENTS", "Backplane"]

EVENTS: Final = frozenset({"away", "back", "epoch", "gap", "nodes", "unordered"})
ALL: Final = "all"
ROOMS: Final = "rooms"
SPARKS: Final = "sparks"
ECHO: Final = "echo"
MOST_RIVALS: Final = 64
"""How many servers that have the name of this one are told of."""


class Backplane(Emitter):
    """The servers that share a bus, as this one sees them.

    Events: ``gap(shard)`` when messages of other servers are missing and will not come;
    ``epoch(epoch)`` when positions of before mean nothing any more, and for the first;
    ``away(why)`` and ``back()`` when the bus does not answer, and does again; ``nodes(nodes)`` when
    servers have come or gone.

    What another plugin sends between servers is a kind of message of its own: `carry` names what
    handles it, `post` and `tell` send it.
    """

    events = ReservedEvents(EVENTS)

    def __init__(self, primus: Primus, options: Chosen) -> None:
        super().__init__()
        self.primus: Any = primus
        self.log = primus.log
        self._ordered = options.ordered
        self.writer = Writer(primus.node, uuid4().hex[:16])
        """This server, in this life of it."""
        self.bus: Bus = bus_of(options.bus)
        """The engine."""
        clock, limits = primus.options.clock, DEFAULT_BUS_LIMITS
        self.settings = Settings(
            namespace=options.namespace,
            shards=options.shards,
            window=options.window,
            queue=options.queue,
            lease=options.lease,
            limits=limits,
            clock=clock,
        )
        self._longest = primus.options.max_length + limits.head
        """How many bytes an envelope may have."""
        self.frames = Frames(primus)
        self._arrivals = Arrivals(self, self.writer, limits, self.log, clock)
        self._arrivals.carry(ALL, self._deliver_to_all, own=False)
        self._arrivals.carry(ROOMS, self._deliver_to_rooms, own=False)
        self._arrivals.carry(SPARKS, self._deliver_to_sparks, own=False)
        self._arrivals.carry(ECHO, self._echo, own=True)
        self._pending = Pending(limits, clock, self._arrivals.attempt, self._unordered)
        self._outage = Outage(f"backplane: {self.bus!r}", self.log, clock)
        self._posted = [0] * options.shards
        """The number of the last message on each shard."""
        self._told = 0
        """The number of the last message to one server."""
        self._node = Node(*self.writer, {"host": socket.gethostname(), "pid": os.getpid()})
        self._nodes: dict[str, Node] = {}
        self._echoed_at: float | None = None
        self.heard = asyncio.Event()
        """Set once what this server sends has come back, or the bus is known not to answer."""
        self._rivals: set[str] = set()
        self._opening: asyncio.Task[None] | None = None
        self._ordered_rooms: tuple[Callable[[str], object], ...] = ()
        """What says of a room whether messages to it are ordered."""
        self._is_open = False
        self._is_closed = False
        self._must_end_epoch = False
        """Whether positions are wrong, since ordered messages were delivered without the bus."""
        self._is_misused = False
        """Whether it was told that something else writes in the name of this server."""
        self._is_silent = False
        """Whether the outage began with ordered messages that did not come back: it ends with the
        next one of this server that does, unless the engine finds the bus away meanwhile.
        """
        self._early: deque[tuple[int, bytes]] = deque()
        """What was posted before the bus was opened."""
        self._early_bytes = 0

    def __repr__(self) -> str:
        return f"<Backplane {self.writer.node} on {self.bus!r}>"

    # -- what is known

    @property
    def ordered(self) -> bool:
        """Whether all servers deliver in one order, unless a write says otherwise."""
        return self._ordered

    @property
    def counts(self) -> Counts:
        """What has happened to messages, in numbers that only grow."""
        return self._arrivals.counts

    @property
    def dropped(self) -> int:
        """How many messages of this server were dropped, since the bus was away for too long."""
        return self.counts.dropped

    @property
    def nodes(self) -> list[Node]:
        """The servers there are, this one included, as of the last lease."""
        return list(self._nodes.values())

    def node(self, name: str) -> Node | None:
        """The server of that name, as of the last lease."""
        return self._nodes.get(name)

    @property
    def epoch(self) -> str:
        """Names one life of what the bus keeps; positions of another one mean nothing."""
        return self.bus.epoch

    @property
    def positions(self) -> Sequence[int]:
        """The newest position of each shard that this server has been given."""
        return self.bus.positions

    @property
    def healthy(self) -> bool:
        """Whether what this server sends over the bus has come back within the last two leases."""
        echoed_at = self._echoed_at
        if echoed_at is None or self._outage.is_on:
            return False
        return self.settings.clock.time() - echoed_at <= 2 * self.settings.lease

    def shard_of(self, key: str) -> int:
        """The shard of what belongs together, such as the messages to a room."""
        return shard_of(key, self.settings.shards)

    # -- writing

    def write(self, data: Any, ordered: bool | None = None) -> None:
        """Send a message to every spark of every server.

        Args:
            data: the message.
            ordered: whether all servers deliver it in one order with others, this one too; `None`
                for what the options say. Else the sparks of this server get it at once.

        Raises:
            ControlTextError: it is text that peers obey; no spark gets it.
            ParserError: the parser has no form for it; no spark gets it.
            TooLargeError: it is longer than ``max_length``; no spark gets it.
        """
        outgoing, primus = self.outgoing(ALL, EMPTY, data), self.primus
        outgoing.send(lambda: primus.write(outgoing.message), ordered)

    def outgoing(self, kind: str, head: Mapping[str, Any], data: Any, key: str = "") -> Outgoing:
        """A message for all servers, encoded once and not sent yet.

        Args:
            kind: what it is.
            head: the address, for JSON.
            data: the message.
            key: what is sent with the same one keeps its order, such as a room.

        Raises:
            ControlTextError: it is text that peers obey.
            ParserError: the parser has no form for it.
            TooLargeError: it is longer than ``max_length``.
        """
        message, parser, frame = self._made(data)
        return Outgoing(self, message, kind, head, parser, frame, self.shard_of(key))

    def send_ordered(self, shard: int, number: int, deliver: Callable[[], object]) -> None:
        """Deliver a message that was posted when it comes back, or after a second."""
        self._pending.add(shard, number, deliver)

    def spark(self, id: str) -> RemoteSpark:
        """A spark, wherever it is; nothing is looked up."""
        return RemoteSpark(self, id)

    async def write_to(self, ids: Iterable[str], data: Any) -> bool | None:
        """Send a message to sparks, wherever they are.

        Args:
            ids: their ids. Each names its server; one that does not is looked for by all of them.
            data: the message.

        Returns:
            Whether all that the ids name is there: the sparks of this server, and the other
            servers, whose sparks may have left; `None` when an id names no server.

        Raises:
            ControlTextError: it is text that peers obey; no spark gets it.
            ParserError: the parser has no form for it; no spark gets it.
            TooLargeError: it is longer than ``max_length``; no spark gets it.
            BusError: the bus did not answer in time.
        """
        primus = self.primus
        here: list[Spark] = []
        elsewhere: dict[str, list[str]] = {}
        for id in dict.fromkeys(ids):
            if (spark := primus.spark(id)) is not None:
                here.append(spark)
            else:
                elsewhere.setdefault(node_of(id), []).append(id)
        message, parser, frame = self._made(data)
        primus.write(message, to=here)
        gone = elsewhere.pop(self.writer.node, None)
        unnamed = elsewhere.pop("", None)
        if unnamed is not None:
            self.post(SPARKS, {"ids": unnamed}, parser, frame)
        telling = [
            self.tell(node, SPARKS, {"ids": own}, parser, frame) for node, own in elsewhere.items()
        ]
        found = all(await asyncio.gather(*telling)) and gone is None
        return None if found and unnamed is not None else found

    # -- for other plugins

    @property
    def addresses(self) -> set[str]:
        """Where the servers there are can be reached by HTTP, as far as the registry knows them."""
        found = (node.about.get("address") for node in self._nodes.values())
        return {address for address in found if isinstance(address, str)}

    def writer_of(self, posted: tuple[int, int]) -> tuple[str, int, int]:
        """What names a message of this server on the bus, for `takes_otherwise` elsewhere."""
        return str(self.writer), *posted

    def takes_otherwise(self, writer: str, shard: int, number: int) -> bool:
        """Take note that a message of another server has come in another way than by the bus.

        Returns:
            False when the bus has brought it; else it is dropped when the bus does.
        """
        return self._arrivals.takes_otherwise(writer, shard, number)

    def order_rooms(self, fn: Callable[[str], object]) -> None:
        """Let a function say of a room whether messages to it are ordered."""
        self._ordered_rooms = (*self._ordered_rooms, fn)

    def has_order(self, rooms: Iterable[str]) -> bool:
        """Whether messages to some of these rooms are ordered."""
        return self._ordered or any(fn(room) for room in rooms for fn in self._ordered_rooms)

    def carry(self, kind: str, handler: Handler) -> None:
        """Let a function handle the messages of a kind, this server's own included.

        What it raises is logged.

        Raises:
            BusError: the kind is taken.
        """
        self._arrivals.carry(kind, handler, own=True)

    def drop(self, kind: str) -> None:
        """Handle a kind of message no longer."""
        self._arrivals.drop(kind)

    def watch(self, fn: Handler) -> None:
        """Call a function with each message that has been posted, before it is delivered.

        This server's own are among them when they come back; its sparks have got them already,
        unless they are ordered. The function returns true when it has delivered the message to the
        sparks of this server; what it raises is logged.
        """
        self._arrivals.watch(fn)

    def awaits(self, message: Message) -> bool:
        """Whether a message of this server is yet to be delivered to its sparks; for watchers."""
        return self._pending.has(message.shard, message.number)

    def unwatch(self, fn: Handler) -> None:
        """Call it no longer."""
        self._arrivals.unwatch(fn)

    def post(
        self,
        kind: str,
        head: Mapping[str, Any] = EMPTY,
        parser: str = NO_PARSER,
        frame: str | bytes = b"",
        key: str = "",
    ) -> int:
        """Post a message to every server, this one included; it never waits.

        Args:
            kind: what it is.
            head: the address or the content, for JSON.
            parser: the name of the parser of the frame.
            frame: a frame, or anything.
            key: what is posted with the same one keeps its order.

        Returns:
            Its number on its shard.

        Raises:
            TooLargeError: it is too long.
        """
        return self.post_on(self.shard_of(key), kind, head, parser, frame)

    def post_on(
        self, shard: int, kind: str, head: Mapping[str, Any], parser: str, frame: str | bytes
    ) -> int:
        """Post a message on a shard; as `post`."""
        number = self._posted[shard] + 1
        envelope = self._sealed(number, kind, head, parser, frame)
        self._posted[shard] = number
        if self._is_open:
            self.bus.post(shard, envelope)
        elif not self._is_closed:
            self._keep_early(shard, envelope)
        return number

    async def tell(
        self,
        node: str,
        kind: str,
        head: Mapping[str, Any] = EMPTY,
        parser: str = NO_PARSER,
        frame: str | bytes = b"",
    ) -> bool:
        """Bring a message to one server.

        Returns:
            Whether there is a server of that name.

        Raises:
            TooLargeError: it is too long.
            BusError: the bus did not answer in time.
        """
        await self.ready()
        number = self._told + 1
        envelope = self._sealed(number, kind, head, parser, frame)
        self._told = number
        return await self.bus.tell(node, envelope)

    async def since(self, shard: int, position: int, limit: int) -> list[Message] | None:
        """The messages behind a position, in order; `None` when not all are kept any more.

        Args:
            shard: the shard.
            position: one of the current epoch.
            limit: how many there are at the most.

        Raises:
            BusError: the bus did not answer in time.
        """
        await self.ready()
        entries = await self.bus.since(shard, position, limit)
        return None if entries is None else self._read(shard, entries)

    async def kept(self, shard: int, limit: int) -> tuple[int, list[Message]]:
        """The newest messages that the bus keeps, and the position behind which none is missing.

        Args:
            shard: the shard.
            limit: how many there are at the most.

        Raises:
            BusError: the bus did not answer in time.
        """
        await self.ready()
        position, entries = await self.bus.kept(shard, limit)
        return position, self._read(shard, entries)

    def _read(self, shard: int, entries: Iterable[Entry]) -> list[Message]:
        """The messages of entries, each once."""
        found, numbers = [], Numbers(self.settings.limits.writers)
        for entry in entries:
            message = self._arrivals.opened(entry.envelope)
            if message is None or numbers.missing(message.writer, message.number) is None:
                continue
            message.shard, message.position = shard, entry.position
            found.append(message)
        return found

    # -- the beginning and the end

    def begin(self) -> None:
        """Open the bus, on the running loop; once."""
        if self._opening is None and not self._is_closed:
            self._opening = spawn(self._open())

    async def ready(self) -> None:
        """Wait until the bus has been opened, whether its broker answers or not.

        Raises:
            BusError: it was closed, or could not be opened.
        """
        if not self._is_open:
            self.begin()
            if self._opening is not None:
                await asyncio.wait([self._opening])
            if not self._is_open:
                raise BusError(f"{self!r} is not open")

    async def close(self) -> None:
        """Post what waits, if the bus is there, and leave."""
        if self._is_closed:
            return
        self._is_closed = True
        self._pending.close()
        if self._opening is not None:
            within = self.settings.limits.flush_timeout
            if not (await asyncio.wait([self._opening], timeout=within))[0]:
                self.log.warning("backplane: %r does not open: given up", self.bus)
                self._opening.cancel()
                self.heard.set()
            self._is_open = False
            await self.bus.close()

    async def _open(self) -> None:
        try:
            await self.bus.open(self._node, self._arrivals, self.settings)
        except Exception:
            self.log.exception("backplane: %r cannot be opened", self.bus)
            self.heard.set()
            return
        self._is_open = True
        while self._early:
            self.bus.post(*self._early.popleft())

    def _keep_early(self, shard: int, envelope: bytes) -> None:
        self._early.append((shard, envelope))
        self._early_bytes += len(envelope)
        while self._early_bytes > self.settings.queue:
            self._early_bytes -= len(self._early.popleft()[1])
            self._arrivals.dropped(1)

    # -- what arrives

    def _deliver_to_all(self, message: Message) -> None:
        self.frames.deliver(message.parser, message.frame, None)

    def _deliver_to_rooms(self, message: Message) -> None:
        """Deliver to rooms of the plugin ``rooms``; a server without it has none."""
        rooms = vars(self.primus).get("rooms")
        if rooms is not None:
            head = message.head
            without = _texts(head, "except") if "except" in head else None
            rooms.deliver_relayed(
                _texts(head, "rooms"), without or (), partial(self._send, message)
            )

    def _send(self, message: Message, sparks: Sequence[Spark]) -> None:
        self.frames.deliver(message.parser, message.frame, sparks)

    def _deliver_to_sparks(self, message: Message) -> None:
        spark_of = self.primus.spark
        ids = _texts(message.head, "ids") or ()
        sparks = [spark for id in ids if (spark := spark_of(id)) is not None]
        if sparks:
            self._send(message, sparks)

    def _echo(self, message: Message) -> None:
        if message.is_own:
            self._echoed_at = self.settings.clock.time()
            self.heard.set()
            if self._is_silent:
                self.ended()

    # -- what `Arrivals` tells

    def begun(self, why: str) -> None:
        """The bus does not answer."""
        self.heard.set()
        self._is_silent = False
        if self._outage.begin(why):
            self.dispatch("away", why)

    def ended(self) -> None:
        """The bus answers."""
        self._is_silent = False
        if self._outage.end():
            self.dispatch("back")
        self._end_wrong_epoch()

    def lost(self, count: int) -> None:
        """Messages of this server were dropped."""
        self._outage.dropped(count)

    def has_gap(self, shard: int) -> None:
        """Messages of other servers are missing."""
        self.dispatch("gap", shard)

    def returned(self, message: Message, delivered: bool) -> None:
        """A message of this server has come back; whether it was delivered here."""
        if message.number > self._posted[message.shard]:
            self._misused(message)
        if self._is_silent:
            self.ended()
        if self._pending:
            self._pending.arrived(message.shard, message.number, delivered)

    def begun_epoch(self, epoch: str) -> None:
        """Positions of before mean nothing any more; nor do those of an epoch that this server has
        to end: what was delivered here alone may come in it.
        """
        if not self._must_end_epoch:
            self.dispatch("epoch", epoch)

    def leased(self, nodes: Sequence[Node]) -> None:
        """The servers there are, with each lease; and a message to this one, to see it come."""
        known = {node.name: node for node in nodes}
        before = {name: node.incarnation for name, node in self._nodes.items()}
        self._nodes = known
        if before != {name: node.incarnation for name, node in known.items()}:
            self.dispatch("nodes", list(known.values()))
        metroplex = vars(self.primus).get("metroplex")
        if metroplex is not None and metroplex.address:
            self._node.about["address"] = metroplex.address
        if self._is_open:
            spawn(self._attempt(self.tell(self.writer.node, ECHO)))
        if not self._outage.is_on:
            self._end_wrong_epoch()  # it could not, when the bus was back

    def rivalled(self, node: Node) -> None:
        """Another server has the name of this one: an error, once."""
        if self._is_closed or node.incarnation in self._rivals:
            return
        if len(self._rivals) < MOST_RIVALS:
            self._rivals.add(node.incarnation)
            self.log.error(
                "backplane: another server is called node=%r as well: %s. What is for the sparks "
                "of one reaches the other: give each server a name of its own",
                node.name,
                node.about,
            )

    # -- inside

    def _made(self, data: Any) -> tuple[Any, str, str | bytes]:
        message, parser, frame = self.frames.made(data)
        size, most = len(frame), self.primus.options.max_length
        if size > most // 4 and isinstance(frame, str):  # characters are up to four bytes
            size = len(frame.encode("utf-8", "surrogatepass"))
        if size > most:
            raise TooLargeError(
                f"a message of {size} bytes is too long for the bus: max_length={most}"
            )
        return message, parser, frame

    def _sealed(
        self, number: int, kind: str, head: Mapping[str, Any], parser: str, frame: str | bytes
    ) -> bytes:
        envelope = sealed(self.writer, number, kind, head, parser, frame)
        if len(envelope) > self._longest:
            raise TooLargeError(
                f"a message of {len(envelope)} bytes with its address is too long for the bus, "
                f"which takes {self._longest}: send it to fewer rooms or sparks at a time"
            )
        self.bus.check(envelope)
        return envelope

    def _unordered(self, count: int) -> None:
        """Ordered messages were delivered without the bus: what positions say is wrong now."""
        self._must_end_epoch = True
        if not self._outage.is_on:
            self.begun("ordered messages did not come back in time")
            self._is_silent = True
        self._outage.delivered_alone(count)
        self.dispatch("unordered")

    def _misused(self, message: Message) -> None:
        """Something else has written in the name of this server: go on behind its number, since
        what has a lower one is dropped by the others.
        """
        self._posted[message.shard] = message.number
        if not self._is_misused:
            self._is_misused = True
            self.log.error("backplane: something else writes to the bus in the name of this server")

    def _end_wrong_epoch(self) -> None:
        if self._must_end_epoch:
            self._must_end_epoch = False
            spawn(self._end_epoch())

    async def _end_epoch(self) -> None:
        try:
            await self.bus.end_epoch()
        except BusError:
            self._must_end_epoch = True

    async def _attempt(self, telling: Awaitable[object]) -> None:
        try:
            await telling
        except BusError as error:
            self.log.debug("backplane: no echo: %s", error)


def _texts(head: Mapping[str, Any], name: str) -> list[str] | None:
    """A list of texts in a head; `None` for all.

    Raises:
        BusError: it is none.
    """
    value = head.get(name)
    if value is None:
        return None
    if isinstance(value, list) and {str}.issuperset(map(type, value)):
        return value
    raise BusError(f"{name} of a message must be a list of texts, not {str(value)[:80]!r}")
