"""`Arrivals`: what the engine tells of, judged and handed on."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from primus.clock import Clock
from primus.failures import Failures, Quota
from primus_backplane.bus import Node
from primus_backplane.envelope import Message, Writer, opened
from primus_backplane.errors import BusError, InvalidEnvelope
from primus_backplane.limits import BusLimits
from primus_backplane.numbers import Numbers

__all__ = ["Arrivals", "Counts", "Handler", "Owner"]

TOLD: Final = -1
"""Stands for the shard of what was told to this server alone."""
OTHERWISE: Final = 4096
"""How many messages are remembered that came in another way than by the bus."""
LINES: Final = 1
"""How many lines a second tell of what cannot be used."""
FAILURES: Final = 60.0
"""Seconds within which a failure of one place is logged once."""

Handler = Callable[[Message], object]
"""Handles a message. Of one that `Arrivals.watch` calls, true says that it has delivered it."""


@dataclass(slots=True)
class Counts:
    """What has happened to messages, in numbers that only grow."""

    dropped: int = 0
    """Messages of this server that waited for the bus for too long."""
    missing: int = 0
    """Messages of other servers that are known to be missing."""
    repeated: int = 0
    """Messages that arrived again, and were dropped."""
    unusable: int = 0
    """Messages that are none: of another version, broken, for what is not in use here."""


class Owner(Protocol):
    """What `Arrivals` tells: a `Backplane`."""

    def begun(self, why: str) -> None:
        """The bus does not answer."""

    def ended(self) -> None:
        """The bus answers."""

    def lost(self, count: int) -> None:
        """Messages of this server were dropped."""

    def has_gap(self, shard: int) -> None:
        """Messages of other servers are missing."""

    def leased(self, nodes: Sequence[Node]) -> None:
        """The servers there are."""

    def rivalled(self, node: Node) -> None:
        """Another server has the name of this one."""

    def returned(self, message: Message, delivered: bool) -> None:
        """A message of this server has come back; whether it was delivered here."""

    def begun_epoch(self, epoch: str) -> None:
        """Positions of before mean nothing any more."""


class Arrivals:
    """Takes what arrives: a `primus_backplane.bus.Listener`.

    Whatever arrives, nothing else is lost by it: what cannot be used is counted, and a line tells.

    Args:
        owner: is told of what concerns all of the backplane.
        writer: this server.
        limits: how many writers are remembered.
        log: where lines go.
        clock: what tells the time.
    """

    def __init__(
        self, owner: Owner, writer: Writer, limits: BusLimits, log: logging.Logger, clock: Clock
    ) -> None:
        self.counts = Counts()
        self._owner = owner
        self._writer = writer
        self._log = log
        self._clock = clock
        self._numbers = Numbers(limits.writers)
        self._lines = Quota(LINES)
        self._failures = Failures(FAILURES)
        self._kinds: dict[str, tuple[Handler, bool]] = {}
        self._watching: tuple[Handler, ...] = ()
        self._otherwise: OrderedDict[tuple[Writer, int, int], None] = OrderedDict()
        """Messages that have come in another way, and are expected from the bus."""

    # -- what is done with messages

    def carry(self, kind: str, handler: Handler, own: bool) -> None:
        """Let a function handle a kind of message; `own` is whether this server's are among them.

        Raises:
            BusError: the kind is taken.
        """
        if kind in self._kinds:
            raise BusError(f"messages of the kind {kind!r} are handled already")
        self._kinds[kind] = handler, own

    def drop(self, kind: str) -> None:
        """Handle a kind of message no longer."""
        self._kinds.pop(kind, None)

    def watch(self, fn: Handler) -> None:
        """Call a function with each message that was posted, before it is delivered.

        When it returns true it has delivered the message itself.
        """
        self._watching = (*self._watching, fn)

    def unwatch(self, fn: Handler) -> None:
        """Call it no longer."""
        self._watching = tuple(each for each in self._watching if each != fn)

    def takes_otherwise(self, writer: str, shard: int, number: int) -> bool:
        """Take note that a message of another server has come in another way than by the bus.

        Returns:
            False when the bus has brought it; else it is dropped when the bus does.
        """
        node, _, incarnation = writer.partition(".")
        name = Writer(node, incarnation)
        if self._numbers.has_passed((name, shard), number):
            return False
        self._otherwise[name, shard, number] = None
        if len(self._otherwise) > OTHERWISE:
            self._otherwise.popitem(last=False)
        return True

    def attempt(self, fn: Callable[..., object], *args: Any) -> object:
        """What a function returns; `None`, and a report, when it raises."""
        try:
            return fn(*args)
        except Exception as error:
            text = f"backplane: a message could not be delivered: {error!r}"
            self._failures.log(self._log, text, error, self._clock.time())
            return None

    # -- `primus_backplane.bus.Listener`

    def take(self, shard: int, position: int, envelope: bytes) -> None:
        """Take an envelope that was posted, by any server."""
        message = self._new(shard, envelope)
        if message is None:
            return
        message.shard = shard
        message.position = position
        delivered = False
        for fn in self._watching:
            delivered = self.attempt(fn, message) is True or delivered
        if message.is_own:
            self._owner.returned(message, delivered)
        if not delivered:
            self._handle(message)

    def told(self, envelope: bytes) -> None:
        """Take an envelope that was told to this server alone."""
        message = self._new(TOLD, envelope)
        if message is not None:
            self._handle(message)

    def away(self, why: str) -> None:
        """The broker does not answer."""
        self._owner.begun(why)

    def back(self) -> None:
        """The broker answers."""
        self._owner.ended()

    def dropped(self, count: int) -> None:
        """Envelopes were dropped that waited for the bus."""
        self.counts.dropped += count
        self._owner.lost(count)

    def gap(self, shard: int) -> None:
        """Envelopes of a shard are missing, and will not come."""
        self._owner.has_gap(shard)

    def epoch(self, epoch: str) -> None:
        """Positions of before mean nothing any more."""
        self._owner.begun_epoch(epoch)

    def nodes(self, nodes: Sequence[Node]) -> None:
        """The servers there are."""
        self._owner.leased(nodes)

    def rival(self, node: Node) -> None:
        """Another server has the name of this one."""
        self._owner.rivalled(node)

    # -- inside

    def opened(self, envelope: bytes) -> Message | None:
        """The message in an envelope; `None`, and a line, when there is none."""
        try:
            message = opened(envelope)
        except InvalidEnvelope as error:
            self._refuse(f"no envelope of this version: {error}")
            return None
        message.is_own = message.writer == self._writer
        return message

    def _new(self, shard: int, envelope: bytes) -> Message | None:
        """The message in an envelope that has not arrived before."""
        try:
            message = opened(envelope)
        except InvalidEnvelope as error:
            self._refuse(f"no envelope of this version: {error}")
            return None
        message.is_own = message.writer == self._writer
        missing = self._numbers.missing((message.writer, shard), message.number)
        if missing is None:
            self.counts.repeated += 1
            return None
        if self._otherwise and (message.writer, shard, message.number) in self._otherwise:
            del self._otherwise[message.writer, shard, message.number]
            self.counts.repeated += 1
            return None
        if missing and shard != TOLD:  # what is told to others is numbered along
            self.counts.missing += missing
            self._owner.has_gap(shard)
        return message

    def _handle(self, message: Message) -> None:
        handler, own = self._kinds.get(message.kind, (None, True))
        if message.is_own and not own:
            return
        if handler is None:
            self._refuse(f"nothing handles the kind {message.kind[:80]!r} of {message.writer}")
            return
        self.attempt(handler, message)

    def _refuse(self, why: str) -> None:
        self.counts.unusable += 1
        held = self._lines.admit(self._clock.time())
        if held is not None:
            more = f" ({held} more since the last line)" if held else ""
            self._log.warning("backplane: a message cannot be used: %.300s%s", why, more)
