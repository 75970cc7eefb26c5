"""`Router`: finds the servers of messages in the registry, and keeps their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from primus import PrimusError
from primus.tasks import spawn
from primus_omega_supreme.errors import ForwardError

__all__ = ["Question", "Router"]

TOGETHER: Final = 1000
"""How many messages one question to the registry is for at most."""

OVERHEAD: Final = 512
"""What a message that waits counts beside its bytes: what its objects need."""


@dataclass(slots=True, eq=False)
class Question:
    """Where a message goes.

    Args:
        ids: the sparks whose servers it is for; `None` for all other servers.
        size: of the message, in bytes.
        answer: called with the addresses: of all other servers, or of those of the sparks in
            their order, `None` for one unknown.
        fail: called with what keeps the registry from telling.
    """

    ids: Sequence[str] | None
    size: int
    answer: Callable[[Sequence[str | None]], None]
    fail: Callable[[Exception], None]


class Router:
    """Asks the registry for many messages at once, and for none whose servers are known.

    A message whose servers are known waits for those before it, so that none overtakes another.

    Args:
        metroplex: gives ``primus.metroplex``.
        room: bytes that may wait for the registry.
    """

    def __init__(self, metroplex: Callable[[], Any], room: int) -> None:
        self._metroplex = metroplex
        self._room = room
        self._waiting: deque[Question] = deque()
        self._size = 0
        self._is_busy = False
        self.dropped = 0
        """How many messages found no room."""

    def ask(self, question: Question) -> None:
        """Answer a question: now, if nothing waits and the answer is known."""
        if not self._is_busy:
            known: Sequence[str] | None = None if question.ids else []
            if question.ids is None:
                known = self._metroplex().known()
            if known is not None:
                question.answer(known)
                return
        if self._waiting and self._size + question.size + OVERHEAD > self._room:
            self.dropped += 1
            question.fail(ForwardError(f"dropped, {self._room} bytes wait for the registry"))
            return
        self._waiting.append(question)
        self._size += question.size + OVERHEAD
        if not self._is_busy:
            self._is_busy = True
            spawn(self._work())

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._answer(self._next())
        finally:
            self._is_busy = False

    def _next(self) -> list[Question]:
        questions = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        self._size -= sum(question.size + OVERHEAD for question in questions)
        return questions

    async def _answer(self, questions: Sequence[Question]) -> None:
        metroplex = self._metroplex()
        servers: Sequence[str] | Exception = []
        if any(question.ids is None for question in questions):
            servers = await _others(metroplex)
        ids = list(dict.fromkeys(id for each in questions for id in each.ids or ()))
        places = await _told(metroplex.sparks(ids)) if ids else []
        where = {} if isinstance(places, Exception) else dict(zip(ids, places, strict=True))
        for question in questions:
            if question.ids is None:
                found: Any = servers
            elif question.ids and isinstance(places, Exception):
                found = places
            else:
                found = [where[id] for id in question.ids]
            if isinstance(found, Exception):
                question.fail(found)
            else:
                question.answer(found)


async def _others(metroplex: Any) -> Any:
    """All other servers: as the registry tells them, or told them last if it has just gone away."""
    if (known := metroplex.known()) is not None:
        return known
    told = await _told(metroplex.servers())
    last = metroplex.known(away=True) if isinstance(told, Exception) else None
    return told if last is None else last


async def _told(question: Any) -> Any:
    """What the registry tells, or the error with which it fails."""
    try:
        return await question
    except PrimusError as error:
        return error
