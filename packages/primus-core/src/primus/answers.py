"""The answers that one connection awaits of its peer, and those that it owes.

For plugins that ask: a request is sent with an id, and its answer comes with the same id, or too
late, or not at all, since the connection went. What a request and an answer look like on the wire
is the affair of the plugin.
"""

from __future__ import annotations

import asyncio
import math
from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import Any, ClassVar, Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from primus.clock import Timer, expect
from primus.connection import OPEN
from primus.contracts import ConnectionLike
from primus.errors import PrimusError, TransportError, ValidationError
from primus.events import Delivered, Emitter
from primus.option_checks import duration

__all__ = ["CONFIGURED", "Answers", "Reply", "Timeout", "Words"]


class Configured(Enum):
    """The timeout of a request that names none."""

    TIMEOUT = "as configured"


CONFIGURED: Final = Configured.TIMEOUT

Timeout: TypeAlias = float | Literal[False] | Configured | None
"""Seconds, or `None` or False for as long as the connection lasts."""

NO_LISTENER: Final = "no listener"
LISTENER_FAILED: Final = "the listener failed"

Id = TypeVar("Id", bound=Hashable)


class Words(NamedTuple):
    """How a plugin reports that there is no answer."""

    late: type[PrimusError]
    """Raised when the time is over."""
    lost: type[TransportError]
    """Raised when the connection went, or the request was not sent."""
    answered: str
    """What did not happen, as in ``'vote' was not acknowledged within 30 s``."""
    failed: type[PrimusError] = PrimusError
    """Raised when the other side says that there is no answer. A listener that raises it itself
    chooses the text that the caller sees; of any other exception the caller sees nothing."""


class Pending:
    """One answer that is awaited.

    Args:
        request: what was asked, for errors.
        arrived: takes the answer.
        failed: takes the error when there will be none.
    """

    __slots__ = ("arrived", "failed", "place", "request", "timer")

    def __init__(
        self,
        request: str,
        arrived: Callable[[Any], Delivered],
        failed: Callable[[PrimusError], object],
    ) -> None:
        self.request = request
        self.arrived = arrived
        self.failed = failed
        self.place: float = 0
        """Of the request among the messages that a client keeps, from 1; 0 when it keeps none, and
        infinity while an async transform has it: whether it is kept is not known then."""
        self.timer: Timer | None = None


class Answers(Generic[Id]):
    """The answers that one connection awaits.

    At most ``limits.pending_answers`` are awaited at a time, so that a peer which never answers
    costs a bounded amount also when there is no timeout.

    Args:
        connection: the spark or socket, or what stands on one.
        ids: gives an id for each request.
        words: how failures are reported.
        timeout: how many seconds an answer may take, unless its request says otherwise; `None`
            for as long as the connection lasts.
    """

    def __init__(
        self,
        connection: ConnectionLike,
        ids: Iterator[Id],
        words: Words,
        timeout: float | None,
    ) -> None:
        self.timeout = timeout
        self.epoch = 0
        """Counts the wires that a socket has had; an answer is good for one of them."""
        self._connection = connection
        self._ids = ids
        self.words = words
        """How failures are reported."""
        self._is_cut = False
        """Whether the wire is gone, and the connection has not ended yet."""
        self._pending: dict[Id, Pending] = {}
        self._is_understood = False
        """Whether the other side has answered anything: it has the plugin."""

    def __len__(self) -> int:
        return len(self._pending)

    def follow(self) -> None:
        """Note how the wires of a socket come and go; a spark has but one, which ends with it."""
        socket = self._connection
        socket.on("open", self.opened)
        socket.on("close", self.lost)
        socket.on("end", self._ended)
        socket.on("destroy", self.ended)

    # -- asking

    def ask(
        self,
        request: str,
        send: Callable[[Id], bool],
        callback: Callable[..., Any],
        timeout: Timeout = CONFIGURED,
    ) -> bool:
        """Send a request; `callback` is called as a listener is with what `send` was answered.

        Args:
            request: what is asked, for errors.
            send: sends the request with that id; False when it could not.
            callback: plain or async. An answer is a sequence: its arguments. It is not called when
                there is none.
            timeout: how many seconds the answer may take; `None` for as long as the connection
                lasts.

        Returns:
            False when it was not sent. From another thread: whether the event loop takes it.

        Raises:
            OptionError: the timeout cannot work.
        """
        connection = self._connection
        later = partial(self.ask, request, send, callback, timeout)
        taken: bool | None = self._main.handed_over(later)
        if taken is not None:
            return taken
        event = f"the answer to {request}"
        listeners = Emitter()
        listeners.on(event, callback)
        listeners.on("error", lambda error: connection.dispatch("error", error))

        def arrived(answer: Any) -> Delivered:
            return connection.deliver(event, *answer, to=listeners)

        def failed(error: PrimusError) -> None:
            connection.log.debug("%r: %s", connection, error)

        if (obstacle := self._obstacle(request)) is not None:
            failed(obstacle)
            return False
        return self._sent(request, send, arrived, failed, timeout) is not None

    async def answer(
        self, request: str, send: Callable[[Id], bool], timeout: Timeout = CONFIGURED
    ) -> Any:
        """Send a request, and wait for its answer; the arguments are those of `ask`.

        Raises:
            PrimusError: of the class ``words.late`` when there was no answer in time,
                ``words.lost`` when the connection went before, or the request was not sent.
            OptionError: the timeout cannot work.
            RuntimeError: this is another thread.
        """
        main = self._main
        if main.is_elsewhere:
            raise RuntimeError(
                f"{main!r} lives on another thread: call its method there by .thread, which waits"
            )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def arrived(answer: Any) -> Literal[False]:
            if not future.done():
                future.set_result(answer)
            return False

        def failed(error: PrimusError) -> None:
            if not future.done():
                future.set_exception(error)

        if (obstacle := self._obstacle(request)) is not None:
            raise obstacle
        id = self._sent(request, send, arrived, failed, timeout)
        if id is None:
            raise self._unsent(request, "the connection has ended, or does not keep up")
        try:
            return await future
        finally:
            self.forget(id)

    @property
    def _main(self) -> Any:
        """The spark or socket, also of what stands on one."""
        return getattr(self._connection, "conn", self._connection)

    def _obstacle(self, request: str) -> PrimusError | None:
        """Why nothing can be asked now."""
        most = self._connection.limits.pending_answers
        if len(self._pending) >= most:
            return self._unsent(request, f"{most} answers are awaited already")
        if self._is_cut and self._connection.ready_state == OPEN:
            return self._unsent(request, "the connection is gone")
        return None

    def _unsent(self, request: str, why: str) -> PrimusError:
        return self.words.lost(f"{request} was not sent: {why}")

    def _sent(
        self,
        request: str,
        send: Callable[[Id], bool],
        arrived: Callable[[Any], Delivered],
        failed: Callable[[PrimusError], object],
        timeout: Timeout,
    ) -> Id | None:
        """Send a request and note it; its id, or `None` when it could not be sent."""
        connection, main = self._connection, self._main
        seconds = self.timeout if timeout is CONFIGURED else duration("timeout", timeout)
        id = next(self._ids)
        pending = self._pending[id] = Pending(request, arrived, failed)
        main.await_answers(1)
        kept, _ = main.kept
        sent = False
        try:
            sent = send(id)
        finally:
            if not sent:
                self.forget(id)
        if main.has_unsent:
            pending.place = math.inf
            main.in_turn(partial(self._placed, pending))
        elif (place := main.kept[0]) > kept:
            pending.place = place
        if sent and seconds is not None and id in self._pending:
            pending.timer = expect(connection.clock, seconds, self._late, id, seconds)
        return id if sent else None

    def _placed(self, pending: Pending) -> None:
        """Note where a request is that has just passed the transforms."""
        kept, passed = self._main.kept
        pending.place = kept if kept > passed else 0

    # -- what comes of it

    def arrived(self, id: Any, answer: Any) -> Delivered:
        """Bring an answer to the caller that awaits it, once. An id that is not awaited is ignored.

        For transforms, which return what this returns.
        """
        pending = self.forget(id)
        if pending is None:
            return False
        self._is_understood = True
        return pending.arrived(answer)

    def refused(self, id: Any, why: str) -> None:
        """Tell the caller that the other side has no answer, and why."""
        pending = self.forget(id)
        if pending is not None:
            self._is_understood = True
            pending.failed(self.words.failed(why))

    def forget(self, id: Any) -> Pending | None:
        """Await it no longer."""
        pending = self._pending.pop(id, None)
        if pending is not None:
            self._main.await_answers(-1)
            if pending.timer is not None:
                pending.timer.cancel()
        return pending

    def opened(self) -> None:
        """Note that a socket is open."""
        self.epoch += 1
        self._is_cut = False

    def cut(self) -> None:
        """Fail what has been sent: the wire is gone, although the connection has not ended yet.

        For the hook ``primus_lost``. The end would be too late: it comes behind the messages that
        have arrived, which may wait for a listener that awaits one of these answers, also of those
        that an async transform has.
        """
        self._is_cut = True
        for pending in self._pending.values():
            if pending.place == math.inf:
                pending.place = 0
        self.lost()

    def lost(self) -> None:
        """Fail what has been sent, and not what is still kept: the connection is gone."""
        if self._pending:
            _, passed = self._main.kept
            self._fail([id for id, each in self._pending.items() if each.place <= passed])

    def ended(self) -> None:
        """Fail everything: there will be no other connection."""
        self._fail(list(self._pending))

    def _ended(self) -> None:
        """Handle the end of a socket, which may be offline only, and send what it keeps later."""
        if self._main.is_suspended:
            self.lost()
        else:
            self.ended()

    def _fail(self, ids: list[Id]) -> None:
        for id in ids:
            if (pending := self.forget(id)) is not None:
                text = f"the connection went before {pending.request} was {self.words.answered}"
                pending.failed(self.words.lost(text))

    def _late(self, id: Id, seconds: float) -> None:
        pending = self.forget(id)
        assert pending is not None
        text = f"{pending.request} was not {self.words.answered} within {seconds} s"
        if not self._is_understood:
            text += (
                ". Nothing has been yet, over this connection: does the other side use the plugin, "
                "and listen?"
            )
        pending.failed(self.words.late(text))


class Reply:
    """Answers one request: called by its listener, with the answer. Each plugin has a class of it.

    Works once, and as long as the wire lasts that the request came over: on the next one the same
    id means another request.

    Args:
        answers: of the connection that the request came over.
        id: of the request.
        fails: whether the caller understands that there is no answer; else it is left to its
            timeout.
    """

    __slots__ = ("_answers", "_epoch", "_fails", "_id", "_is_spent")

    spreads: ClassVar[bool] = False
    """Whether a tuple that a listener returns is several arguments, and `None` none."""

    def __init__(self, answers: Answers[Any], id: Any, fails: bool) -> None:
        self._answers = answers
        self._epoch = answers.epoch
        self._fails = fails
        self._id = id
        self._is_spent = False

    @staticmethod
    @abstractmethod
    def packet(id: Any, args: Sequence[Any], /) -> Any:
        """The message that is the answer to the request with that id: what the reply got."""

    @staticmethod
    @abstractmethod
    def failure(id: Any, why: str, /) -> Any:
        """The message that says why the request with that id has no answer."""

    def __call__(self, *args: Any) -> bool:
        """Send the answer.

        Returns:
            False when it has been sent before, or is not awaited any more.
        """
        return self._send(self.packet(self._id, args))

    def _send(self, packet: Any) -> bool:
        answers = self._answers
        connection = answers._connection
        if self._is_spent or self._epoch != answers.epoch or connection.ready_state != OPEN:
            return False
        sent = connection.write(packet)
        self._is_spent = True
        return sent

    def returned(self, value: Any) -> bool:
        """Answer with what a listener has returned."""
        if self.spreads and isinstance(value, tuple):
            return self(*value)
        return self() if self.spreads and value is None else self(value)

    def is_refusal(self, error: BaseException) -> bool:
        """Whether what a listener raised is an answer of its own, and no failure to report."""
        return self._fails and isinstance(error, self._answers.words.failed)

    def fail(self, error: BaseException) -> object:
        """Say that a listener raised, so that there is no answer.

        The caller sees what is wrong with its own values, and what the listener meant it to see.
        """
        is_meant = isinstance(error, (self._answers.words.failed, ValidationError))
        return self.refuse(str(error) if is_meant else LISTENER_FAILED)

    def unheard(self) -> object:
        """Say that the request has no listener."""
        return self.refuse(NO_LISTENER)

    def refuse(self, why: str) -> bool:
        """Say why there is no answer, to a caller that understands it.

        Returns:
            False when it was not sent.
        """
        return self._fails and self._send(self.failure(self._id, why))
