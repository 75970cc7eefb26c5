"""`Recovery`: the clients of one server that can recover, and what they are given."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Collection, Iterable
from contextlib import suppress
from typing import Any, Final, NamedTuple

from primus import PrimusError, Spark
from primus.callables import dispose, is_awaitable
from primus.clock import Alarm, Within
from primus.protocol import escape_separators, plugin_text
from primus.tasks import spawn
from primus_recovery.follower import ACK, AT, GAP, SESSION, WAIT, Follower
from primus_recovery.kept import Kept, Sessions
from primus_recovery.limits import DEFAULT_LIMITS
from primus_recovery.options import Chosen
from primus_recovery.positions import mark, positions
from primus_recovery.tail import Entry, Positions, Tail
from primus_recovery.tokens import Signer, Token

__all__ = ["FIELD", "Recovery"]

FIELD: Final = "_recovery"
"""The parameter of the query by which a client shows that it has the plugin."""
ROOMS: Final = "rooms"
CACHE: Final = "cache"
"""The mode of rooms whose last message is for members that join as well."""
LEFT: Final = "recovery-left"
ASK: Final = "recovery-ask"
GIVE: Final = "recovery-give"
PARKED: Final = "recovery:"
WINDOW: Final = 120.0
"""For how long a server without a bus keeps a session, in seconds."""
LOOK: Final = 0.25
"""Seconds after which a session is looked for where servers that end leave them, first."""
REFRESHES: Final = 4
"""How many tokens a client gets while one is good."""
OF_TRANSPORTS: Final = frozenset(
    (
        *("EIO", "transport", "sid", "t", "b64", "j", "c"),
        *("VER", "CVER", "RID", "SID", "OSID", "OAID", "AID", "CI", "TYPE", "MODE", "zx"),
    )
)
"""Parameters of a query that belong to the transport: Engine.IO's, and those of BrowserChannel."""


class Claim(NamedTuple):
    """What a client brings back, as far as it is signed."""

    token: Token
    known: Positions
    handled: int


class Recovery:
    """What a server does for clients that come back.

    Args:
        primus: the server.
        options: the options of the plugin.
    """

    def __init__(self, primus: Any, options: Chosen) -> None:
        self._primus = primus
        self._options = options
        self._limits = limits = DEFAULT_LIMITS
        self._clock = primus.options.clock
        self._backplane: Any = None
        self._has_begun = False
        self._has_told = False
        """Whether the log has told of a secret that differs."""
        self._window = WINDOW
        self._tail = Tail(1, WINDOW, limits)
        self._signer = Signer(options.secrets or [secrets.token_bytes(32)], WINDOW, limits)
        self._sessions = Sessions(WINDOW, limits)
        self._history: Any = None
        """Which rooms have history, as the plugin ``rooms`` has it; `None` for none."""
        self._rooms: Any = None
        self._epoch = ""
        """That of the bus; empty until it is known, and while positions are wrong."""
        self._followers: dict[Spark, Follower] = {}
        self._by_key: dict[str, Follower] = {}
        self._dirty: dict[Follower, None] = {}
        self._asked: dict[str, asyncio.Future[bytes]] = {}
        self._alarm = Alarm(self._clock, self._tick)
        self._parking: asyncio.Event | None = None
        """Made when the server ends; set once its sessions are on the bus."""

    # -- the beginning and the end

    def begin(self) -> None:
        """Listen to the bus, before it opens."""
        if self._has_begun:
            return
        self._has_begun = True
        primus, limits = self._primus, self._limits
        rooms, self._backplane = vars(primus).get("rooms"), vars(primus).get("backplane")
        history = None if rooms is None else rooms.settings.history
        self._history = history if history and self._backplane is not None else None
        if self._history is not None:
            self._rooms = rooms
            rooms.emptied = (*rooms.emptied, self.emptied)
        backplane = self._backplane
        if backplane is None:
            if history:
                primus.log.warning(
                    "recovery: rooms have history only with the plugin 'backplane', which is not "
                    "in use: Primus(…, plugin='rooms, backplane, recovery')"
                )
            return
        if history is not None and not history and not history.is_chosen:
            primus.log.warning(
                "recovery: no room has history, so that clients do not get what rooms were sent "
                "while they were away: give rooms={'history': True}, or False if that is meant"
            )
        settings = backplane.settings
        self._window = settings.window
        self._tail = Tail(settings.shards, settings.window, limits)
        self._sessions = Sessions(settings.window, limits)
        chosen = self._options.secrets
        if not chosen and not repr(backplane.bus).startswith("<MemoryBus"):
            primus.log.warning(
                "recovery: recovery_secret is not set, so that no other server knows the tokens of "
                "this one: clients recover only when they come back to it"
            )
        self._signer = Signer(chosen or [secrets.token_bytes(32)], settings.window, limits)
        backplane.order_rooms(self._mode)
        backplane.watch(self._arrived)
        backplane.carry(LEFT, self._left_elsewhere)
        backplane.carry(ASK, self._asked_for)
        backplane.carry(GIVE, self._given)
        backplane.on("gap", self._has_gap)
        backplane.on("unordered", self._leave_order)
        backplane.on("epoch", self._begin_epoch)
        if backplane.epoch:
            self._begin_epoch(backplane.epoch)

    async def close(self) -> None:
        """Leave the sessions where any server finds them."""
        backplane = self._backplane
        if backplane is None:
            return
        self._parking = asyncio.Event()
        try:
            await self._park(self._sessions.take_all())
        finally:
            self._parking.set()

    async def _park(self, kept: list[tuple[str, Kept]]) -> None:
        """Let the bus keep sessions; not too many at a time."""
        backplane = self._backplane
        for start in range(0, len(kept), 64):
            parking = [
                backplane.bus.park(PARKED + key, each.packed(), self._window)
                for key, each in kept[start : start + 64]
            ]
            for error in await asyncio.gather(*parking, return_exceptions=True):
                if isinstance(error, BaseException):
                    self._primus.log.warning("recovery: sessions could not be kept: %s", error)
                    return

    def stop(self) -> None:
        """Do nothing any more."""
        self._alarm.stop()
        if self._rooms is not None:
            others = (fn for fn in self._rooms.emptied if fn != self.emptied)
            self._rooms.emptied = tuple(others)
            self._rooms = self._history = None
        if self._has_begun and self._backplane is not None:
            self._backplane.unwatch(self._arrived)
            for kind in (LEFT, ASK, GIVE):
                self._backplane.drop(kind)
            self._backplane.off("gap", self._has_gap)
            self._backplane.off("unordered", self._leave_order)
            self._backplane.off("epoch", self._begin_epoch)
            self._has_begun = False

    # -- clients that come

    def connected(self, spark: Any) -> Awaitable[None] | None:
        """Look at what a client brings, before the ``connection`` listeners."""
        asked = spark.query.text(FIELD)
        if not asked:
            return None
        self.begin()
        user = self._user_of(spark)
        claim = self._claim(asked, user)
        if claim is not None:
            return self._resume(spark, claim, user)
        follower = self._follow(spark, secrets.token_urlsafe(12), secrets.token_urlsafe(12), user)
        self._settle(follower, None, 0)
        if asked != "1":
            spark.recovered = follower.verdict
            follower.tell_verdict()
        self._tell_token(follower)
        return None

    def _claim(self, asked: str, user: str) -> Claim | None:
        """What a stranger has sent, if this is a token of the same user."""
        text, _, rest = asked.partition("~")
        known, _, handled = rest.partition("~")
        found = positions(known, self._limits.positions)
        token = self._signer.read(text, time.time())
        if token is None:
            self._look_at_foreign(text)
        if token is None or found is None or not handled.isascii() or not handled.isdigit():
            return None
        if len(handled) > 15 or token.user != user:
            return None
        return Claim(token, found, int(handled))

    def _look_at_foreign(self, text: str) -> None:
        """Say once that a token is signed by a secret that this server does not have."""
        if self._options.secrets and not self._has_told and self._signer.is_foreign(text):
            self._has_told = True
            self._primus.log.warning(
                "recovery: a client has brought a token signed by a secret that this server does "
                "not have: such clients do not recover. Unless it is forged, give all servers "
                "the same recovery_secret"
            )

    def _user_of(self, spark: Any) -> str:
        """A digest of what a connection belongs to: no token is good for another one."""
        if self._options.user is not None:
            return self._signer.digest(repr(self._options.user(spark)))
        query = {
            name: value
            for name, value in spark.query.items()
            if not name.startswith("_") and name not in OF_TRANSPORTS
        }
        if self._primus.transformer_name == "browserchannel":
            query.pop("a", None)  # its clients tell their connections apart by that
        values = [
            spark.headers.get("authorization"),
            sorted((name, repr(value)) for name, value in query.items()),
            getattr(spark, "mirage", None),
        ]
        return self._signer.digest(json.dumps(values))

    def _follow(self, spark: Any, session: str, key: str, user: str) -> Follower:
        follower = Follower(spark, session, key, user, self._tail.newest, self._limits)
        self._followers[spark] = self._by_key[key] = follower
        mirage = getattr(spark, "mirage", None)
        spark.session = mirage if isinstance(mirage, str) and mirage else session
        if not self._alarm.is_set():
            self._tick()
        return follower

    async def _resume(self, spark: Any, claim: Claim, user: str) -> None:
        """Give a client what it has missed."""
        token = claim.token
        kept = self._taken(token.key)
        if kept is None and self._backplane is not None:
            spark.send_control(SESSION, WAIT)  # so that what it writes comes behind what it wrote
            kept = await self._fetched(token)
        if spark.ready_state != Spark.OPEN:
            if kept is not None and self._backplane is not None:
                await self._park([(token.key, kept)])  # the client may come back to any server
            elif kept is not None:
                self._sessions.keep(token.key, kept, self._clock.time())
            return
        goes_on = self._missing(kept, claim.handled) is not None
        # What some server may still have of a session that does not go on is not found again, nor
        # is what comes now, until the client has been told that something is missing.
        key, until = (token.key,) * 2 if goes_on else (secrets.token_urlsafe(12) for _ in range(2))
        follower = self._follow(spark, token.session, key, user)
        spark.recovered = follower.verdict
        renewed = token._replace(key=until, node=self._primus.node)
        follower.tell_token(self._signer.issue(renewed), claim.known, self._clock.time())
        self._settle(follower, kept, claim.handled)
        standing = follower.standing
        resumed = self._epoch == token.epoch != "" and standing.resume(
            token, claim.known, self._tail
        )
        if not resumed:
            follower.verdict["rooms"] = token.rooms == ()  # then there was nothing to miss
            follower.tell_verdict()
            self._tell_token(follower)
            return
        follower.before = token.rooms or ()
        if self._options.rooms is not False:
            await self._rejoin(spark, token.rooms or ())
        if standing.is_recovering:
            if standing.is_complete:
                self._finish(follower)
            else:
                follower.grace = self._clock.call_later(
                    self._options.grace, lambda: self._finish(follower)
                )

    async def _rejoin(self, spark: Any, rooms: Iterable[str]) -> None:
        """Join the rooms of a token again, those that the application still allows."""
        allows = self._options.rooms
        for room in rooms:
            allowed: Any = allows
            if callable(allows):
                allowed = allows(spark, room)
                if is_awaitable(allowed):
                    allowed = await allowed
            if allowed and spark.ready_state == Spark.OPEN:
                spark.join([room])

    # -- sessions

    def _settle(self, follower: Follower, kept: Kept | None, handled: int) -> None:
        """Say whether a session goes on, and send what the client has not got of it."""
        missing = self._missing(kept, handled)
        if kept is None or missing is None:
            follower.tell_session(goes_on=False)
        else:
            kept.ring.acknowledge(handled)
            follower.take_over(kept.ring, kept.handled)
            follower.verdict["session"] = True
            follower.verdict["missed"] += len(missing)
            follower.tell_session(goes_on=True)
            for frame in missing:
                follower.spark.send_again(frame)
        follower.follow()
        follower.is_settled = True

    def _missing(self, kept: Kept | None, handled: int) -> tuple[str | bytes, ...] | None:
        """What a client has not got of a session; `None` when that does not go on."""
        if kept is None or kept.parser != self._primus.parser_name:
            return None
        return kept.ring.since(handled)

    def departed(self, spark: Any) -> None:
        """Keep what may be asked for by a client that has gone."""
        follower = self._followers.pop(spark, None)
        if follower is None:
            return
        if follower.grace is not None:
            follower.grace.cancel()
        self._dirty.pop(follower, None)
        if self._by_key.get(follower.key) is follower:
            del self._by_key[follower.key]
            if (kept := self._kept(follower)) is not None:
                self._sessions.keep(follower.key, kept, self._clock.time())

    def _kept(self, follower: Follower) -> Kept | None:
        """What is kept of a session; `None` when what counts as sent or handled is lost."""
        spark = follower.spark
        if spark.has_unsent or spark.has_dropped or spark.withheld:
            return None
        return Kept(follower.ring, follower.handled, self._primus.parser_name)

    def _taken(self, key: str) -> Kept | None:
        """Take a session from where this server has it; a connection that still has it ends."""
        follower = self._by_key.pop(key, None)
        if follower is None:
            return self._sessions.take(key, self._clock.time())
        kept = self._kept(follower)
        follower.spark.abort()
        return kept

    async def _fetched(self, token: Token) -> Kept | None:
        """Take a session from the server that had it, or from where that has left it.

        A former process that had the name of this one has left it there as well.
        """
        backplane = self._backplane
        request = secrets.token_urlsafe(9)
        answer = self._asked[request] = asyncio.get_running_loop().create_future()
        data: bytes | None = None
        try:
            if token.node != self._primus.node:
                data = await self._handed_over(token, request, answer)
            if not data:
                data = await backplane.bus.unpark(PARKED + token.key)
        except PrimusError as error:
            self._primus.log.debug("recovery: a session did not come: %r", error)
        finally:
            del self._asked[request]
        return Kept.unpacked(data, self._limits) if data else None

    async def _handed_over(
        self, token: Token, request: str, answer: asyncio.Future[bytes]
    ) -> bytes | None:
        """A session that another server has, or has had.

        One that ends hears no questions any more while its lease goes on. So what it has left is
        looked for again and again meanwhile; out of the limit, since what is taken there is
        nowhere else.
        """
        backplane, takeover = self._backplane, self._options.takeover
        head = {"key": token.key, "to": self._primus.node, "request": request}
        end, pause, is_there = self._clock.time() + takeover, LOOK, False
        with suppress(TimeoutError):
            async with Within(takeover, self._clock):
                is_there = await backplane.tell(token.node, ASK, head)
        while is_there and (left := end - self._clock.time()) > 0:
            with suppress(TimeoutError):
                async with Within(min(pause, left), self._clock):
                    return await asyncio.shield(answer)
            if data := await backplane.bus.unpark(PARKED + token.key):
                return bytes(data)
            pause *= 2
        return None

    def _asked_for(self, message: Any) -> None:
        """Hand a session over to another server."""
        key, to, request = (str(message.head.get(each, "")) for each in ("key", "to", "request"))
        kept = self._taken(key)
        data = b"" if kept is None else kept.packed()
        spawn(self._give(to, request, data))

    async def _give(self, to: str, request: str, data: bytes) -> None:
        if self._parking is not None:
            await self._parking.wait()  # then it is where the other server looks next
        try:
            await self._backplane.tell(to, GIVE, {"request": request}, "-", data)
        except PrimusError as error:
            self._primus.log.debug("recovery: a session could not be handed over: %s", error)

    def _given(self, message: Any) -> None:
        answer = self._asked.get(str(message.head.get("request", "")))
        if answer is not None and not answer.done():
            frame = message.frame
            answer.set_result(frame.encode() if isinstance(frame, str) else frame)

    # -- rooms

    def joined(self, room: str, spark: Any) -> None:
        """A spark has joined a room."""
        mode = self._mode(room)
        if not mode:
            return
        follower = self._followers.get(spark)
        if follower is not None:
            standing = follower.standing
            if not standing.joined(room, self._tail.newest):
                return  # it was in the room
            if not standing.is_recovering:
                self._make_dirty(follower)
            elif standing.is_complete and follower.grace is not None:
                self._finish(follower)
                return
        if mode == CACHE and (follower is None or not follower.standing.is_recovering):
            last = self._tail.last(room)
            if last is not None and spark.id not in last.without:
                self._backplane.frames.deliver(last.parser, last.frame, [spark])

    def left(self, rooms: Collection[str], spark: Any) -> None:
        """A spark has left rooms, or all that a name of them fits."""
        follower = self._followers.get(spark)
        if follower is not None:
            self._look_at_rooms(follower, rooms)

    def emptied(self) -> None:
        """Rooms have been emptied, of which no event tells."""
        for follower in list(self._followers.values()):
            self._look_at_rooms(follower, ())

    def _look_at_rooms(self, follower: Follower, left: Collection[str]) -> None:
        """See which rooms a client has left; no earlier token is good for them any more."""
        spark = follower.spark
        if spark.ready_state != Spark.OPEN or not follower.standing.rooms:
            return
        adapter = self._primus.adapter.own or self._primus.adapter
        own = adapter.rooms(spark.id)
        if is_awaitable(own):
            dispose(own)
            own = [room for room in follower.standing.rooms if room not in left]
        for room in [room for room in follower.standing.rooms if room not in own]:
            follower.standing.left(room)
            self._backplane.post(LEFT, {"session": follower.session, "room": room}, key=room)
            self._make_dirty(follower)
        standing = follower.standing
        if standing.is_recovering and standing.is_complete and follower.grace is not None:
            self._finish(follower)

    def _left_elsewhere(self, message: Any) -> None:
        head = message.head
        session, room = str(head.get("session", "")), str(head.get("room", ""))
        self._tail.departed(session, room, message.shard, message.position, self._clock.time())

    def _finish(self, follower: Follower) -> None:
        """Give a client that is back what its rooms got, and what comes from now on."""
        if follower.grace is not None:
            follower.grace.cancel()
            follower.grace = None
        standing, spark = follower.standing, follower.spark
        if not standing.is_recovering or spark.ready_state != Spark.OPEN:
            return
        verdict = standing.finish(self._tail)
        entries, is_whole, has_gap = verdict.entries, verdict.is_whole, verdict.has_gap
        if sum(len(entry.frame) for entry in entries) > spark.limits.high_water:
            entries, is_whole, has_gap = [], False, True
        follower.verdict["rooms"] = is_whole
        follower.verdict["missed"] += len(entries)
        follower.tell_verdict()
        for entry in entries:
            self._send(spark, entry, {}, {})
        for room in standing.rooms:
            if not is_whole or room not in follower.before:
                last = self._tail.last(room)
                if last is not None and last not in entries and spark.id not in last.without:
                    self._backplane.frames.deliver(last.parser, last.frame, [spark])
        if has_gap:
            spark.send_control(GAP)
        self._tell_token(follower)

    # -- the bus

    def _begin_epoch(self, epoch: str) -> None:
        """Positions of before mean nothing any more."""
        if epoch == self._epoch:
            return
        is_first = not self._epoch
        self._epoch = epoch
        for follower in list(self._followers.values()):
            self._finish(follower)
        self._tail.begin(self._backplane.positions)
        for follower in list(self._followers.values()):
            follower.standing.restarted(self._tail.newest)
            if not is_first and follower.standing.rooms:
                follower.spark.send_control(GAP)
            if follower.is_settled:
                self._tell_token(follower)
        if self._history:
            spawn(self._read_back(epoch))

    def _leave_order(self) -> None:
        """Messages were delivered here without the bus, and it may bring them all the same. Until
        the next epoch no client knows up to where it has got its rooms, wherever it comes back.
        """
        if not self._epoch:
            return
        self._epoch = ""
        for follower in list(self._followers.values()):
            self._finish(follower)
            if follower.standing.rooms:
                follower.spark.send_control(GAP)
                self._tell_token(follower)

    async def _read_back(self, epoch: str) -> None:
        """Read what the bus still keeps from before this server has listened."""
        for shard in range(len(self._tail.newest)):
            try:
                low, messages = await self._backplane.kept(shard, self._limits.tail_read)
            except PrimusError as error:
                self._primus.log.debug("recovery: the history could not be read: %s", error)
                continue
            if epoch != self._epoch:
                return
            now = self._clock.time()
            entries = [entry for each in messages if (entry := self._usable(each, now)) is not None]
            end = self._tail.unknown[shard]
            self._tail.prepend(shard, low, entries, now=now, cached=self._is_cached)
            for each in messages:
                if each.kind == LEFT and each.position <= end:
                    self._left_elsewhere(each)

    def _has_gap(self, shard: int) -> None:
        """Messages of a shard are missing, and will not come."""
        self._tail.gap(shard)
        for follower in list(self._followers.values()):
            if follower.standing.is_recovering:
                self._finish(follower)
            if follower.standing.rooms:
                follower.spark.send_control(GAP)

    def _entry(self, message: Any, now: float) -> Entry | None:
        """What is kept of a message; `None` for one to other rooms."""
        if message.kind != ROOMS:
            return None
        names, without = message.head.get("rooms"), message.head.get("except")
        if not isinstance(names, list):
            return None
        if not isinstance(without, list):
            without = ()
        rooms = tuple(dict.fromkeys(r for r in names if isinstance(r, str) and self._mode(r)))
        if not rooms:
            return None
        return Entry(
            message.shard,
            message.position,
            rooms,
            frozenset(map(str, without)),
            message.frame,
            now,
            message.parser,
        )

    def _usable(self, message: Any, now: float) -> Entry | None:
        """The same, but `None` for a message that cannot be sent, which was logged when it came."""
        entry = self._entry(message, now)
        if entry is not None:
            try:
                self._backplane.frames.deliver(entry.parser, entry.frame, ())
            except Exception as error:
                self._primus.log.debug("recovery: a message cannot be kept: %r", error)
                return None
        return entry

    def _is_cached(self, room: str) -> bool:
        return self._mode(room) == CACHE

    def _mode(self, room: str) -> bool | str:
        """The mode of the history of a room; `False` for none."""
        history = self._history
        mode: bool | str = False if history is None else history.mode(room)
        return mode

    def _arrived(self, message: Any) -> bool:
        """Keep a message to rooms with history, and deliver it."""
        entry = self._entry(message, self._clock.time())
        if entry is None:
            self._tail.passed(message.shard, message.position)
            return False
        primus = self._primus
        adapter = primus.adapter.own or primus.adapter
        is_new = not message.is_own or self._backplane.awaits(message)
        members = adapter.members(message.head["rooms"]) if is_new else ()
        if is_awaitable(members):  # an adapter that knows its own members only when asked
            dispose(members)
            self._tail.gap(message.shard)
            return False
        plain: list[Any] = []
        following: list[Follower] = []
        for id in members:
            spark = primus.spark(id)
            if spark is None or id in entry.without:
                continue
            follower = self._followers.get(spark)
            if follower is None or not any(
                room in follower.standing.rooms for room in self._reach(entry, follower)
            ):
                plain.append(spark)
            else:
                following.append(follower)
        self._backplane.frames.deliver(entry.parser, entry.frame, plain)
        for follower in following:
            self._tell_gap(follower)
            if follower.dirty:  # so that it knows of a room before it gets a message of it
                self._tell_token(follower)
        self._tail.add(entry, cached=[room for room in entry.rooms if self._is_cached(room)])
        prepared: dict[Any, Any] = {}
        marked: dict[Any, Any] = {}
        for follower in following:
            if follower.standing.takes(entry) and not self._send(
                follower.spark, entry, prepared, marked
            ):
                follower.has_gap = True
        return True

    def _reach(self, entry: Entry, follower: Follower) -> Iterable[str]:
        """The rooms, and the patterns of rooms, by which a message may reach a client."""
        return (*entry.rooms, *(room for room in follower.standing.rooms if "*" in room))

    def _send(self, spark: Any, entry: Entry, prepared: Any, marked: Any) -> bool:
        """Send a message behind its position, or neither; False when it was dropped."""
        primus = self._primus
        frame = self._mark(mark(entry.shard, entry.position), marked)
        if entry.parser == primus.parser_name and not primus.pipeline.outgoing:
            return bool(spark.relay_marked(entry.frame, prepared, frame, marked))
        data = self._backplane.frames.decoded(entry.parser, entry.frame)
        return bool(spark.write_marked(data, frame)) or spark.ready_state != Spark.OPEN

    def _mark(self, value: str, made: dict[Any, Any]) -> str | bytes:
        """The frame of the control message before a message, made once for all."""
        frame: Any = made.get(AT)
        if frame is None:
            frame = self._primus.parser.encode(plugin_text(AT, value))
            if isinstance(frame, str):
                frame = escape_separators(frame)
            made[AT] = frame
        made_frame: str | bytes = frame
        return made_frame

    # -- what clients are told

    def take_control(self, spark: Any, name: str, value: str) -> bool:
        """Take what a client has handled."""
        if name != ACK:
            return False
        follower = self._followers.get(spark)
        if follower is not None:
            follower.acknowledged(value)
        return True

    def _make_dirty(self, follower: Follower) -> None:
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        follower.dirty = True
        self._dirty[follower] = None

    def _flush(self) -> None:
        """Tell clients whose rooms have changed."""
        dirty, self._dirty = self._dirty, {}
        for follower in dirty:
            if follower.dirty:
                self._tell_token(follower)

    def _tell_gap(self, follower: Follower) -> None:
        """Tell a client that a message was dropped, once it reads again: no position before that
        is behind the message."""
        if follower.has_gap and not follower.spark.is_congested:
            follower.has_gap = False
            follower.spark.send_control(GAP)
            self._tell_token(follower)

    def _tell_token(self, follower: Follower) -> None:
        """Give a client a token of its rooms, and of what it has got."""
        if follower.standing.is_recovering or follower.has_gap or self._tail.is_broken:
            return
        newest = self._tail.newest
        token = follower.token(self._primus.node, self._epoch, newest, time.time())
        known = follower.standing.known(newest)
        follower.tell_token(self._signer.issue(token), known, self._clock.time())

    def _tick(self) -> None:
        """Acknowledge, tell of gaps, and renew tokens, now and then."""
        now = self._clock.time()
        self._tail.trim(now)
        for follower in list(self._followers.values()):
            follower.acknowledge(now)
            if follower.has_gap:
                self._tell_gap(follower)
            elif follower.is_settled and now - follower.token_at >= self._window / REFRESHES:
                self._tell_token(follower)
        if self._followers:
            self._alarm.set(self._limits.ack_seconds)
