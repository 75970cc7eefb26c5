"""Which worker the session lives in that a request belongs to (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from primus.http import Request
from primus.ids import node_of

__all__ = ["Owner", "Place", "Whereabouts", "Worker"]


class Worker(NamedTuple):
    """A worker as the others know it."""

    node: str
    """Its name."""
    slot: int
    """Which of the workers it is. One that is replaced has the slot of its successor."""
    is_current: bool
    """Whether it takes new sessions."""


class Owner(NamedTuple):
    """The worker that a request is for."""

    node: str
    is_sure: bool
    """Whether it is the one in any case, or only if it has the session."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a worker is told about itself when it is started."""

    node: str
    slot: int
    slots: int
    """How many workers there are to be."""
    folder: str
    """Where the workers reach one another; of this user alone."""
    secret: str
    """Known to the workers only: clients cannot choose the worker of sessions that they name."""


class Sessions(Protocol):
    """The part of a transformer that knows the sessions of this worker."""

    names_by_client: bool

    def session_of(self, request: Request) -> str | None:
        """The session that a request names."""

    def has_session(self, id: str) -> bool:
        """Whether a session lives here."""

    def opens(self, request: Request) -> bool:
        """Whether a request asks for a new connection."""


class Whereabouts:
    """Finds the worker that a request is for.

    Args:
        place: of this worker.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._key = place.secret.encode()
        self._nodes: frozenset[str] = frozenset()
        self._current: dict[int, str] = {}
        self._former: dict[int, str] = {}

    def update(self, workers: Iterable[Any]) -> None:
        """Take note of all workers there are now."""
        known = [Worker(*worker) for worker in workers]
        self._nodes = frozenset(worker.node for worker in known)
        self._current = {worker.slot: worker.node for worker in known if worker.is_current}
        self._former = {worker.slot: worker.node for worker in known if not worker.is_current}

    @property
    def successor(self) -> Owner | None:
        """A worker for clients that have come to this one too late; `None` while it is current."""
        if self._former.get(self._place.slot) != self._place.node:
            return None
        node = self._current.get(self._place.slot) or next(iter(self._current.values()), None)
        return None if node is None else Owner(node, True)

    def find(self, sessions: Sessions, request: Request) -> Owner | None:
        """The other worker that a request is for; `None` when it is for this one.

        A request that names a worker which is not there is for this one, which refuses it as any
        unknown session.
        """
        session = sessions.session_of(request)
        if session is None:
            successor = self.successor
            return successor if successor is not None and sessions.opens(request) else None
        if sessions.has_session(session):
            return None
        if sessions.names_by_client:
            return self._by_slot(session)
        node = node_of(session)
        return Owner(node, True) if node != self._place.node and node in self._nodes else None

    def _by_slot(self, session: str) -> Owner | None:
        """Whose a session is that its client has named."""
        digest = blake2b(session.encode("utf-8", "replace"), key=self._key, digest_size=4).digest()
        slot = int.from_bytes(digest) % self._place.slots
        following = (
            self._current.get((slot + n) % self._place.slots) for n in range(self._place.slots)
        )
        node = next(filter(None, following), self._place.node)  # another one while its own is dead
        if node != self._place.node:
            return Owner(node, True)
        former = self._former.get(slot, node)
        return None if former == node else Owner(former, False)
