"""Message transforms: the chain that a message passes on its way in or out (pure).

A transform is ``fn(packet, connection)``, or ``fn(packet)``. It changes ``packet.data``, returns
`False` to swallow the message, raises to have ``error`` emitted and the message swallowed, and may
be async. The chain is a plain loop: nothing is created for a message when no transform is
installed, and no closure names itself (a reference cycle per message is what makes the reference
implementation slow).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Final, Literal
from weakref import WeakSet

from primus.callables import arity, is_awaitable
from primus.errors import OptionError, TransformError

__all__ = [
    "SWALLOWED",
    "Direction",
    "Packet",
    "Pipeline",
    "Transform",
    "Transforms",
    "failure",
    "for_streams",
    "go_on",
    "run",
    "run_out",
]

Direction = Literal["incoming", "outgoing"]
Transform = Callable[["Packet", Any], "bool | None | Awaitable[bool | None]"]
Transforms = tuple[Transform, ...]

SWALLOWED: Final = object()
"""The result of a chain that swallowed its message."""


class Packet:
    """A message in a chain: ``data`` may be changed, ``raw`` is the frame it came from."""

    __slots__ = ("data", "raw")

    def __init__(self, data: Any, raw: str | bytes | None = None) -> None:
        self.data = data
        self.raw = raw

    def __repr__(self) -> str:
        return f"Packet(data={self.data!r}, raw={self.raw!r})"


def run(transforms: Transforms, packet: Packet, connection: Any) -> Any:
    """The data that comes out of the chain, `SWALLOWED`, or an awaitable of either.

    Raises:
        TransformError: a transform raised (from the awaitable, when one was async).
    """
    for transform in (left := iter(transforms)):
        try:
            verdict = transform(packet, connection)
        except Exception as error:
            raise failure(transform, error) from error
        if verdict is False:
            return SWALLOWED
        if verdict is not None and is_awaitable(verdict):
            return go_on(left, transform, verdict, packet, connection)
    return packet.data


async def go_on(
    left: Iterator[Transform], begun: Transform, verdict: Any, packet: Packet, connection: Any
) -> Any:
    """What comes out of a chain in which a transform has answered with an awaitable.

    Args:
        left: the rest of the chain.
        begun: that transform.
        verdict: the awaitable.
        packet: as the transforms have left it.
        connection: what they get for the connection.

    Raises:
        TransformError: a transform raised.
    """
    for transform in chain((begun,), left):
        try:
            if verdict is None:
                verdict = transform(packet, connection)
            if is_awaitable(verdict):
                verdict = await verdict
        except Exception as error:
            raise failure(transform, error) from error
        if verdict is False:
            return SWALLOWED
        verdict = None
    return packet.data


async def run_out(transforming: Awaitable[Any]) -> None:
    """Await a chain whose message will not be sent, and let go of what comes of it."""
    with suppress(TransformError):
        await transforming


def failure(
    transform: Transform, error: Exception, cause: Exception | None = None
) -> TransformError:
    """What is reported of a transform that has raised."""
    original = _original(transform)
    name = getattr(original, "__qualname__", repr(original))
    told = TransformError(f"the transform {name} raised {error!r}; the message was swallowed")
    told.__cause__ = cause
    return told


def for_streams(fn: Transform) -> Transform:
    """Mark an incoming transform that plugins apply to the messages of channels as well.

    It then gets the stream for the connection, and a message without its packet. Transforms that
    are not marked see the packet only, as they see any message of the connection.
    """
    _for_streams.add(fn)
    return fn


_for_streams: WeakSet[Transform] = WeakSet()


class _Unary:
    """A transform that takes the packet only."""

    __slots__ = ("fn",)

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn

    def __call__(self, packet: Packet, connection: Any) -> Any:
        return self.fn(packet)


class _Last:
    """A transform that stays behind those that are added later."""

    __slots__ = ("fn",)

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn

    def __call__(self, packet: Packet, connection: Any) -> Any:
        return self.fn(packet, connection)


def _original(transform: Any) -> Any:
    while isinstance(transform, _Unary | _Last):
        transform = transform.fn
    return transform


class Pipeline:
    """The two chains of one Primus, or of one Socket."""

    __slots__ = ("_marked", "_marked_in", "incoming", "outgoing")

    def __init__(self) -> None:
        self._marked_in: Transforms = ()
        self._marked: Transforms = ()
        """The transforms of that chain which `for_streams` has marked."""
        self.incoming: Transforms = ()
        self.outgoing: Transforms = ()

    def add(self, direction: Direction, fn: Transform, *, last: bool = False) -> None:
        """Append `fn` to a chain; a function that is in it already is not added again.

        Args:
            direction: which chain.
            fn: the transform.
            last: whether those that are added later come before it as well, unless they are last
                too: for what takes messages as users get them.

        Raises:
            OptionError: `direction` is neither ``"incoming"`` nor ``"outgoing"``.
            TypeError: `fn` is not callable.
        """
        chain = self.check(direction)
        if not callable(fn):
            raise TypeError(f"a transform must be callable, not {fn!r}")
        if any(_original(other) == fn for other in chain):
            return
        added: Transform = fn if arity(fn) > 1 else _Unary(fn)
        if last:
            added = _Last(added)
        end = len(chain) if last else sum(not isinstance(one, _Last) for one in chain)
        setattr(self, direction, (*chain[:end], added, *chain[end:]))

    @property
    def for_streams(self) -> Transforms:
        """The incoming transforms that `for_streams` has marked."""
        chain = self.incoming
        if chain is not self._marked_in:
            self._marked = tuple(one for one in chain if _original(one) in _for_streams)
            self._marked_in = chain
        return self._marked

    def remove(self, direction: Direction, fn: Transform) -> None:
        """Take `fn` out of a chain, if it is there."""
        kept = (one for one in self.check(direction) if fn not in (one, _original(one)))
        setattr(self, direction, tuple(kept))

    def check(self, direction: Direction) -> Transforms:
        """The chain of that direction.

        Raises:
            OptionError: `direction` is neither ``"incoming"`` nor ``"outgoing"``.
        """
        if direction not in ("incoming", "outgoing"):
            raise OptionError(f'transform type must be "incoming" or "outgoing", not {direction!r}')
        chain: Transforms = getattr(self, direction)
        return chain
