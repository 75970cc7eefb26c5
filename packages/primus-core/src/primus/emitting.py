"""The events of `Spark` and `Socket`, for type checkers: ``on`` and ``once`` by event name.

A decorated listener is checked against the arguments of its event. For a name that is none of
these, which plugins and applications emit, any listener is taken.
"""

# An event name is a str as well, for which Emitter.on takes any listener: that is the point.
# mypy: disable-error-code="overload-overlap, assignment"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeAlias, TypeVar, overload

from primus.closed import Closed
from primus.events import Emitter, Handler
from primus.listening import Fits0, Fits1, Fits2, MessageT_co, Takes0, Takes1, Takes2

if TYPE_CHECKING:
    from primus.recovery import Attempt

__all__ = ["Added", "Frame", "SocketEvents", "SparkEvents"]

MessageT = TypeVar("MessageT")

Added: TypeAlias = Callable[..., object]
Frame: TypeAlias = str | bytes
Bare: TypeAlias = Literal["open", "timeout", "offline", "online", "destroy"]
Trying: TypeAlias = Literal["reconnect", "reconnect scheduled", "reconnected"]
Failing: TypeAlias = Literal["reconnect timeout", "reconnect failed"]


class SparkOn(Protocol[MessageT]):
    """``on`` and ``once`` of a `Spark`."""

    @overload
    def __call__(self, event: Literal["data"]) -> Takes2[MessageT, Frame]: ...
    @overload
    def __call__(self, event: Literal["data"], fn: Fits2[MessageT, Frame]) -> Added: ...
    @overload
    def __call__(self, event: Literal["end"]) -> Takes1[Closed]: ...
    @overload
    def __call__(self, event: Literal["end"], fn: Fits1[Closed]) -> Added: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Takes1[Exception]: ...
    @overload
    def __call__(self, event: Literal["error"], fn: Fits1[Exception]) -> Added: ...
    @overload
    def __call__(self, event: Literal["heartbeat"]) -> Takes0: ...
    @overload
    def __call__(self, event: Literal["heartbeat"], fn: Fits0) -> Added: ...
    @overload
    def __call__(self, event: Literal["readyStateChange"]) -> Takes1[int]: ...
    @overload
    def __call__(self, event: Literal["readyStateChange"], fn: Fits1[int]) -> Added: ...
    @overload
    def __call__(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def __call__(self, event: str, fn: Handler) -> Handler: ...


class SparkEvents(Emitter, Generic[MessageT_co]):
    """The events of a `Spark`."""

    __slots__ = ()

    if TYPE_CHECKING:
        on: SparkOn[MessageT_co]
        once: SparkOn[MessageT_co]


class SocketOn(Protocol[MessageT]):
    """``on`` and ``once`` of a `Socket`."""

    @overload
    def __call__(self, event: Literal["data"]) -> Takes2[MessageT, Frame]: ...
    @overload
    def __call__(self, event: Literal["data"], fn: Fits2[MessageT, Frame]) -> Added: ...
    @overload
    def __call__(self, event: Bare) -> Takes0: ...
    @overload
    def __call__(self, event: Bare, fn: Fits0) -> Added: ...
    @overload
    def __call__(self, event: Literal["close", "end"]) -> Takes1[Closed]: ...
    @overload
    def __call__(self, event: Literal["close", "end"], fn: Fits1[Closed]) -> Added: ...
    @overload
    def __call__(self, event: Literal["error"]) -> Takes1[Exception]: ...
    @overload
    def __call__(self, event: Literal["error"], fn: Fits1[Exception]) -> Added: ...
    @overload
    def __call__(self, event: Trying) -> Takes1[Attempt]: ...
    @overload
    def __call__(self, event: Trying, fn: Fits1[Attempt]) -> Added: ...
    @overload
    def __call__(self, event: Failing) -> Takes2[Exception, Attempt]: ...
    @overload
    def __call__(self, event: Failing, fn: Fits2[Exception, Attempt]) -> Added: ...
    @overload
    def __call__(self, event: Literal["readyStateChange"]) -> Takes1[int]: ...
    @overload
    def __call__(self, event: Literal["readyStateChange"], fn: Fits1[int]) -> Added: ...
    @overload
    def __call__(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def __call__(self, event: str, fn: Handler) -> Handler: ...


class SocketEvents(Emitter, Generic[MessageT_co]):
    """The events of a `Socket`."""

    __slots__ = ()

    if TYPE_CHECKING:
        on: SocketOn[MessageT_co]
        once: SocketOn[MessageT_co]
