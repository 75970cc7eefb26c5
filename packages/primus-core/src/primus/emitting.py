"""The events of `Spark` and `Socket`, for type checkers: ``on`` and ``once`` by name.

A decorated listener is checked against the arguments of its event. For a name that is none of
these, which plugins and applications emit, any listener is taken.
"""

# An event name is a str as well, for which Emitter.on takes any listener: that is the point.
# mypy: disable-error-code="overload-overlap, override, assignment"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, overload

from primus.closed import Closed
from primus.events import Emitter, Handler
from primus.listening import (
    Fits0,
    Fits1,
    Fits2,
    MessageT_co,
    Takes0,
    Takes1,
    Takes2,
)
from primus.recovery import Attempt

__all__ = ["Frame", "SocketEvents", "SparkEvents"]

Added: TypeAlias = Callable[..., object]
Frame: TypeAlias = str | bytes
Bare: TypeAlias = Literal["open", "timeout", "offline", "online", "destroy"]
Trying: TypeAlias = Literal["reconnect", "reconnect scheduled", "reconnected"]
Failing: TypeAlias = Literal["reconnect timeout", "reconnect failed"]


class SparkEvents(Emitter, Generic[MessageT_co]):
    """The events of a `Spark`."""

    __slots__ = ()

    if TYPE_CHECKING:

        @overload
        def on(self, event: Literal["data"]) -> Takes2[MessageT_co, Frame]: ...
        @overload
        def on(
            self, event: Literal["data"], fn: Fits2[MessageT_co, Frame]
        ) -> Fits2[MessageT_co, Frame]: ...
        @overload
        def on(self, event: Literal["end"]) -> Takes1[Closed]: ...
        @overload
        def on(self, event: Literal["end"], fn: Fits1[Closed]) -> Added: ...
        @overload
        def on(self, event: Literal["error"]) -> Takes1[Exception]: ...
        @overload
        def on(self, event: Literal["error"], fn: Fits1[Exception]) -> Added: ...
        @overload
        def on(self, event: Literal["heartbeat"]) -> Takes0: ...
        @overload
        def on(self, event: Literal["heartbeat"], fn: Fits0) -> Added: ...
        @overload
        def on(self, event: Literal["readyStateChange"]) -> Takes1[int]: ...
        @overload
        def on(self, event: Literal["readyStateChange"], fn: Fits1[int]) -> Added: ...
        @overload
        def on(self, event: str) -> Callable[[Handler], Handler]: ...
        @overload
        def on(self, event: str, fn: Handler) -> Handler: ...
        def on(self, event: str, fn: Any = None) -> Any:
            """As `Emitter.on`."""

        once = on


class SocketEvents(Emitter, Generic[MessageT_co]):
    """The events of a `Socket`."""

    __slots__ = ()

    if TYPE_CHECKING:

        @overload
        def on(self, event: Literal["data"]) -> Takes2[MessageT_co, Frame]: ...
        @overload
        def on(
            self, event: Literal["data"], fn: Fits2[MessageT_co, Frame]
        ) -> Fits2[MessageT_co, Frame]: ...
        @overload
        def on(self, event: Bare) -> Takes0: ...
        @overload
        def on(self, event: Bare, fn: Fits0) -> Added: ...
        @overload
        def on(self, event: Literal["close", "end"]) -> Takes1[Closed]: ...
        @overload
        def on(self, event: Literal["close", "end"], fn: Fits1[Closed]) -> Added: ...
        @overload
        def on(self, event: Literal["error"]) -> Takes1[Exception]: ...
        @overload
        def on(self, event: Literal["error"], fn: Fits1[Exception]) -> Added: ...
        @overload
        def on(self, event: Trying) -> Takes1[Attempt]: ...
        @overload
        def on(self, event: Trying, fn: Fits1[Attempt]) -> Added: ...
        @overload
        def on(self, event: Failing) -> Takes2[Exception, Attempt]: ...
        @overload
        def on(
            self, event: Failing, fn: Fits2[Exception, Attempt]
        ) -> Fits2[Exception, Attempt]: ...
        @overload
        def on(self, event: Literal["readyStateChange"]) -> Takes1[int]: ...
        @overload
        def on(self, event: Literal["readyStateChange"], fn: Fits1[int]) -> Added: ...
        @overload
        def on(self, event: str) -> Callable[[Handler], Handler]: ...
        @overload
        def on(self, event: str, fn: Handler) -> Handler: ...
        def on(self, event: str, fn: Any = None) -> Any:
            """As `Emitter.on`."""

        once = on
