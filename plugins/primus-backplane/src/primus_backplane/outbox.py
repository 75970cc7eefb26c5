"""`Outbox`: envelopes that wait for a bus, in the order in which they were posted (pure).

Each shard and each server that is told something has a lane of its own: within a lane nothing
overtakes. What fails stays where it is, so a lane that fails holds back nothing but itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from primus_backplane.batches import packed
from primus_backplane.limits import BusLimits

__all__ = ["Batch", "Outbox"]

Name = TypeVar("Name", bound=Hashable)
Answer = Callable[[bool | None], object]
"""Called with whether a server was told; `None` when that is given up."""


class Batch:
    """Envelopes of one lane that go together."""

    __slots__ = ("answer", "at", "envelopes", "is_under_way", "size")

    def __init__(self, envelope: bytes, at: float, answer: Answer | None) -> None:
        self.envelopes = [envelope]
        self.size = len(envelope)
        self.at = at
        """When the first was posted, in seconds."""
        self.answer = answer
        self.is_under_way = False

    def packed(self) -> bytes:
        """The entry of the bus."""
        return packed(self.envelopes)


class Outbox(Generic[Name]):
    """What waits, by lane.

    Args:
        limits: how much goes together.
        most: how many bytes may wait; beyond them the oldest go.
        dropped: is told how many envelopes went that wanted no answer.
    """

    def __init__(self, limits: BusLimits, most: int, dropped: Callable[[int], object]) -> None:
        self._limits = limits
        self._most = most
        self._dropped = dropped
        self._lanes: dict[Name, deque[Batch]] = {}
        self._later: dict[Name, float] = {}
        """Lanes that wait until a time."""
        self.size = 0
        """How many bytes wait."""
        self.told = 0
        """How many batches wait that want an answer."""

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def add(self, lane: Name, envelope: bytes, now: float, answer: Answer | None = None) -> None:
        """Let an envelope wait.

        Args:
            lane: where.
            envelope: the envelope.
            now: the time in seconds.
            answer: is told how it went; such an envelope goes alone.
        """
        batches = self._lanes.setdefault(lane, deque())
        last = batches[-1] if batches else None
        if (
            answer is None
            and last is not None
            and not last.is_under_way
            and last.answer is None
            and last.size + len(envelope) <= self._limits.batch_bytes
            and len(last.envelopes) < self._limits.batch_envelopes
        ):
            last.envelopes.append(envelope)
            last.size += len(envelope)
        else:
            batches.append(Batch(envelope, now, answer))
            self.told += answer is not None
        self.size += len(envelope)
        while self.size > self._most and self._drop_oldest(batches[-1]):
            pass

    def take(self, now: float) -> dict[Name, list[Batch]]:
        """What can go now, the oldest of each lane; it is under way until `done` or `failed`.

        It may go behind what is under way; what wants an answer waits for that to arrive.
        """
        taken: dict[Name, list[Batch]] = {}
        for lane, batches in self._lanes.items():
            if self._later.get(lane, now) > now:
                continue
            chosen: list[Batch] = []
            size = 0
            for place, batch in enumerate(batches):
                is_behind = place > 0
                if is_behind and size + batch.size > self._limits.flush_bytes:
                    break
                size += batch.size
                if batch.is_under_way:
                    continue
                if is_behind and batch.answer is not None and not chosen:
                    break
                batch.is_under_way = True
                chosen.append(batch)
            if chosen:
                taken[lane] = chosen
        return taken

    def done(self, lane: Name, count: int, answer: bool | None = True) -> None:
        """So many batches of a lane have arrived, or are given up where `answer` is `None`."""
        for _ in range(count):
            self._remove(lane, answer)

    def failed(self, lane: Name, until: float | None = None) -> None:
        """What was under way in a lane has to go again; not before `until`, if that is given."""
        for batch in self._lanes.get(lane, ()):
            batch.is_under_way = False
        if until is not None:
            self._later[lane] = until

    def expire(self, before: float) -> None:
        """Drop what has been waiting since before that time, and is not under way."""
        for lane, batches in list(self._lanes.items()):
            while batches and batches[0].at < before and not batches[0].is_under_way:
                self._drop(lane)

    def clear(self) -> None:
        """Drop everything."""
        for lane, batches in list(self._lanes.items()):
            for _ in range(len(batches)):
                self._drop(lane)

    def _drop_oldest(self, newest: Batch) -> bool:
        """Drop the oldest batch that is not under way; whether there is one beside the newest."""
        found = min(self._droppable(newest), default=None)
        if found is None:
            return False
        _, _, lane, place = found
        self._drop(lane, place)
        return True

    def _droppable(self, newest: Batch) -> Iterator[tuple[float, int, Name, int]]:
        """The oldest of each lane: since when it waits, the lane, and its place there."""
        for order, (lane, batches) in enumerate(self._lanes.items()):
            for place, batch in enumerate(batches):
                if not batch.is_under_way:
                    if batch is not newest:
                        yield batch.at, order, lane, place
                    break

    def _drop(self, lane: Name, place: int = 0) -> None:
        batch = self._lanes[lane][place]
        self._remove(lane, None, place)
        if batch.answer is None:
            self._dropped(len(batch.envelopes))

    def _remove(self, lane: Name, answer: bool | None, place: int = 0) -> None:
        batches = self._lanes[lane]
        batch = batches[place]
        del batches[place]
        self.size -= batch.size
        if not batches:
            del self._lanes[lane]
            self._later.pop(lane, None)
        if batch.answer is not None:
            self.told -= 1
            batch.answer(answer)
