"""The events of a Primus, and the handlers of an application for every spark.

For type checkers ``on`` and ``once`` are declared by event name, as in `primus.emitting`.
"""

# An event name is a str as well, for which Emitter.on takes any listener: that is the point.
# mypy: disable-error-code="overload-overlap, assignment"

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from inspect import getmembers
from types import MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Generic,
    Literal,
    Protocol,
    TypeVar,
    cast,
    overload,
)

from primus.callables import bounds, obstacle
from primus.closed import Closed
from primus.emitting import Added, Frame
from primus.events import Emitter, Handler
from primus.listening import (
    Fits1,
    Fits2,
    Fits3,
    ForSpark0,
    ForSpark1,
    ForSpark2,
    Takes1,
    Takes2,
    Takes3,
)
from primus.options import ServerOptions
from primus.parser import Parser
from primus.server.spark import Spark, SparkT_co
from primus.transformer import Transformer

__all__ = ["PrimusEvents", "listens"]

HandlerT = TypeVar("HandlerT")
SparkT = TypeVar("SparkT")

LISTENS = "primus_listens"
"""The attribute of a method that names its events."""

OF_THE_PRIMUS: Final = frozenset({"connection", "disconnection"})
"""Events about sparks that a Primus emits, and no spark."""

NAMES: Final = ("data", "end", "error", "heartbeat", "connection")
"""What a method is likely to be called that is meant to listen, and is not marked."""


def listens(*events: str) -> Callable[[Handler], Handler]:
    """Mark a method of a handler class as the listener of events; see `Primus.handler`.

    Raises:
        TypeError: no event is named.
    """
    if not events or not all(isinstance(event, str) for event in events):
        raise TypeError('listens needs the names of events: @listens("data")')

    def mark(method: Handler) -> Handler:
        setattr(method, LISTENS, (*getattr(method, LISTENS, ()), *events))
        return method

    return mark


class PrimusOn(Protocol[SparkT]):
    """``on`` and ``once`` of a `Primus`."""

    @overload
    def __call__(self, event: Literal["connection"]) -> Takes1[SparkT]: ...
    @overload
    def __call__(self, event: Literal["connection"], fn: Fits1[SparkT]) -> Added: ...
    @overload
    def __call__(self, event: Literal["disconnection"]) -> Takes2[SparkT, Closed]: ...
    @overload
    def __call__(self, event: Literal["disconnection"], fn: Fits2[SparkT, Closed]) -> Added: ...
    @overload
    def __call__(
        self, event: Literal["initialised"]
    ) -> Takes3[Transformer, Parser, ServerOptions]: ...
    @overload
    def __call__(
        self, event: Literal["initialised"], fn: Fits3[Transformer, Parser, ServerOptions]
    ) -> Added: ...
    @overload
    def __call__(self, event: Literal["plugin", "plugout"]) -> Takes2[str, Any]: ...
    @overload
    def __call__(self, event: Literal["plugin", "plugout"], fn: Fits2[str, Any]) -> Added: ...
    @overload
    def __call__(self, event: Literal["close"]) -> Takes1[Mapping[str, Any]]: ...
    @overload
    def __call__(self, event: Literal["close"], fn: Fits1[Mapping[str, Any]]) -> Added: ...
    @overload
    def __call__(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def __call__(self, event: str, fn: Handler) -> Handler: ...


class PrimusEvents(Emitter, Generic[SparkT_co]):
    """The events of a `Primus`, and what every spark listens to."""

    def __init__(self) -> None:
        super().__init__()
        self.spark_listeners: tuple[tuple[str, Callable[..., Any]], ...] = ()
        """What each spark gets when it connects: events, and functions that take the spark."""

    @abstractmethod
    def __iter__(self) -> Iterator[SparkT_co]:
        """Iterate over the sparks there are now."""

    if TYPE_CHECKING:
        on: PrimusOn[SparkT_co]
        once: PrimusOn[SparkT_co]

    @overload
    def on_spark(self, event: Literal["data"]) -> ForSpark2[SparkT_co, Any, Frame]: ...
    @overload
    def on_spark(self, event: Literal["end"]) -> ForSpark1[SparkT_co, Closed]: ...
    @overload
    def on_spark(self, event: Literal["error"]) -> ForSpark1[SparkT_co, Exception]: ...
    @overload
    def on_spark(self, event: Literal["heartbeat"]) -> ForSpark0[SparkT_co]: ...
    @overload
    def on_spark(self, event: Literal["readyStateChange"]) -> ForSpark1[SparkT_co, int]: ...
    @overload
    def on_spark(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def on_spark(self, event: str, fn: Handler) -> Handler: ...
    def on_spark(self, event: str, fn: Any = None) -> Any:
        """Call ``fn(spark, …)`` whenever a spark emits `event`. Without `fn`, a decorator.

        Every spark gets a listener of its own: those there are, and the others before their
        ``connection`` listeners.

        Args:
            event: an event of sparks.
            fn: plain or async; takes the spark, and of the arguments of the event what it likes.

        Raises:
            TypeError: `event` is no text; `fn` is not callable, does not take the spark, or needs
                more than the spark and what the event carries; or sparks do not emit the event.
        """
        if not isinstance(event, str):
            raise TypeError(f'the name of an event comes first: @on_spark("data"), not {event!r}')
        if event in OF_THE_PRIMUS:
            raise TypeError(f"sparks do not emit {event!r}: use primus.on({event!r})")
        if fn is None:
            return lambda handler: self.on_spark(event, handler)
        if not callable(fn) or bounds(fn)[1] < 1:
            raise TypeError(f"handler of {event!r} must be callable with the spark, not {fn!r}")
        most = Spark.carries.get(event)
        if most is not None and (why := obstacle(fn, bounds(fn)[0], most + 1)) is not None:
            raise TypeError(f"{fn!r} cannot listen to {event!r}: {why}")
        self.spark_listeners = (*self.spark_listeners, (event, fn))
        for spark in self:
            spark.on(event, MethodType(fn, spark))
        return fn

    def off_spark(self, event: str, fn: Callable[..., Any]) -> None:
        """Call `fn` for no spark any more, as far as `on_spark` has added it."""
        kept = tuple(each for each in self.spark_listeners if each != (event, fn))
        self.spark_listeners = kept
        for spark in self:
            spark.off(event, MethodType(fn, spark))

    def prepare(self, spark: Spark) -> None:
        """Add the listeners that every spark has."""
        for event, fn in self.spark_listeners:
            spark.on(event, MethodType(fn, spark))

    def handler(self, kind: Callable[[SparkT_co], HandlerT]) -> type[HandlerT]:
        """Make an object of a class for each spark that connects; works as a decorator.

        Methods marked with `listens` are listeners of the spark. One that is marked with
        ``connection`` is a ``connection`` listener, plain or async, without arguments.

        Args:
            kind: the class; it is called with the spark.

        Raises:
            TypeError: `kind` is no class that can be made with a spark, or listens to an event
                that sparks do not emit.
        """
        if not isinstance(kind, type) or bounds(kind)[1] < 1:
            raise TypeError(f"a handler must be a class that takes the spark, not {kind!r}")
        marked = getmembers(kind, lambda value: hasattr(value, LISTENS))
        listening = [(event, name) for name, method in marked for event in getattr(method, LISTENS)]
        if any(event == "disconnection" for event, _ in listening):
            raise TypeError("sparks do not emit 'disconnection': use @listens(\"end\")")
        if not listening and (named := [each for each in NAMES if hasattr(kind, each)]):
            self.log.warning(
                '%r listens to nothing: mark its methods, such as @listens("%s")', kind, named[0]
            )

        def connection(spark: Any) -> Any:
            handler: object = kind(spark)
            pending = None
            for event, name in listening:
                if event == "connection":
                    pending = getattr(handler, name)
                else:
                    spark.on(event, getattr(handler, name))
            return None if pending is None else pending()

        self.on("connection", connection)
        made: Any = kind
        return cast("type[HandlerT]", made)
