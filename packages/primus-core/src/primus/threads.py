"""The thread that a server or client lives on, and calls from other threads.

Everything of Primus runs on one event loop. What another thread writes is handed over to that loop,
in the order in which the thread wrote it; and `ThreadView`, which servers and connections give as
``thread``, calls any of their methods there and waits for the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import get_ident
from typing import Any, Final

from primus.callables import is_awaitable
from primus.tasks import has_loop, spawn

__all__ = ["Home", "ThreadView", "here"]

PATIENCE: Final = 1.0
"""After how many seconds a thread that waits looks whether the event loop still runs."""


class Home:
    """A thread, and the event loop that runs on it, if any does."""

    __slots__ = ("loop", "thread")

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.loop = loop
        self.thread = get_ident()

    def is_here(self) -> bool:
        """Whether this is its thread, on which its loop, if it has one, still runs.

        To ask for the loop that runs costs a system call on Python 3.11.
        """
        if self.thread != get_ident():
            return False
        return not has_loop() if self.loop is None else self.loop.is_running()

    def hand_over(
        self, fail: Callable[[Exception], object], fn: Callable[..., Any], *args: Any
    ) -> bool:
        """Call a function on the loop, soon, behind what this thread has handed over before.

        Args:
            fail: gets what the function raises.
            fn: the function. What it returns is awaited, if it has to be.
            args: its arguments.

        Returns:
            False when the loop is no more.
        """
        if self.loop is None:
            return False
        try:
            self.loop.call_soon_threadsafe(_call, fail, fn, args)
        except RuntimeError:  # it is closed
            return False
        return True

    def run(self, fn: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call a function on the loop, await what it returns if need be, and wait for the result.

        Raises:
            RuntimeError: this is the thread of the loop, which would wait for itself, or the loop
                does not run.
            BaseException: whatever the function raises.
        """
        if get_ident() == self.thread:
            raise RuntimeError(
                "this is the thread of the event loop, and .thread would make it wait for itself: "
                "call the object itself"
            )
        loop = self.loop
        if loop is None or not loop.is_running():
            raise RuntimeError("the event loop does not run")
        future: Future[Any] = asyncio.run_coroutine_threadsafe(_result(fn, args, options), loop)
        while True:
            try:
                return future.result(PATIENCE)
            except TimeoutError:
                if future.done():
                    raise
                if not loop.is_running():
                    future.cancel()
                    raise RuntimeError("the event loop has stopped") from None


def here(known: Home | None) -> Home:
    """The home that the current thread is; `known`, if it is that."""
    if known is not None and known.is_here():
        return known
    try:
        return Home(asyncio.get_running_loop())
    except RuntimeError:
        return Home(None)


def _call(fail: Callable[[Exception], object], fn: Callable[..., Any], args: Any) -> None:
    try:
        result = fn(*args)
    except Exception as error:
        fail(error)
        return
    if is_awaitable(result):
        spawn(_await(fail, result))


async def _await(fail: Callable[[Exception], object], result: Any) -> None:
    try:
        await result
    except Exception as error:
        fail(error)


async def _result(fn: Callable[..., Any], args: Any, options: Any) -> Any:
    result = fn(*args, **options)
    return await result if is_awaitable(result) else result


class ThreadView:
    """An object as another thread sees it: each call runs on the event loop, and waits for that.

    What is awaited on the loop is simply returned here, and what has methods of its own, such as a
    spark or a room, is such a view again.

    Args:
        target: the object.
        home: where it lives; `None` when nothing has run there yet, and calls need no loop.
    """

    __slots__ = ("_home", "_target")

    def __init__(self, target: Any, home: Home | None) -> None:
        self._target = target
        self._home = home

    def __repr__(self) -> str:
        return f"{self._target!r}, from another thread"

    def __getattr__(self, name: str) -> Any:
        return self._seen(getattr(self._target, name))

    def __call__(self, *args: Any, **options: Any) -> Any:
        """What the object gives, called on the loop."""
        return self._run(self._target, *map(_itself, args), **options)

    def __bool__(self) -> bool:
        """Whether the object is true there: a spark has no length, by which it would be judged."""
        return bool(self._run(bool, self._target))

    def __len__(self) -> int:
        return int(self._run(len, self._target))

    def __iter__(self) -> Iterator[Any]:
        """The parts there are now, each as another thread sees it."""
        return map(self._seen, self._run(list, self._target))

    def _run(self, fn: Callable[..., Any], *args: Any, **options: Any) -> Any:
        home = self._home
        return self._seen(fn(*args, **options) if home is None else home.run(fn, *args, **options))

    def _seen(self, value: Any) -> Any:
        has_methods = callable(value) or hasattr(type(value), "write")
        return ThreadView(value, self._home) if has_methods else value


def _itself(value: Any) -> Any:
    return value._target if isinstance(value, ThreadView) else value
