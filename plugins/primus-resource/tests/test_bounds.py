"""How much is kept of what a server announces, and what is declared of a resource."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import pytest

from primus.events import Emitter
from primus_resource.calling import (
    NAME_OVERHEAD,
    RemoteResources,
    Resource,
    ResourceLost,
    ResourceTimeout,
    names_in,
)
from primus_testing import ManualClock


def size(*names: str) -> int:
    return sum(len(name) + NAME_OVERHEAD for name in names)


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "b", "c"], ["a", "b"]),
        ([1, "a", "b"], ["a"]),
        ("ab", []),
        (None, []),
        ({"a": 1}, []),
    ],
)
def test_so_many_names_of_methods_are_kept_and_nothing_else(names: Any, kept: list[str]) -> None:
    assert names_in(names, 2) == kept


def test_so_many_resources_are_kept_and_those_that_are_known_may_change() -> None:
    remote = RemoteResources(most=2, room=10_000)
    for name in ("one", "two", "three"):
        remote.announce(name, ["a"])
    remote.announce("one", ["b"])

    assert remote.announced == {"one": ["b"], "two": ["a"]}
    remote.clear()
    assert remote.announced == {}
    remote.announce("three", ["a"])
    assert remote.announced == {"three": ["a"]}


@pytest.mark.parametrize(("more", "is_kept"), [(0, True), (1, False)])
def test_all_that_is_announced_has_so_many_characters(more: int, is_kept: bool) -> None:
    remote = RemoteResources(most=10, room=size("one", "a", "two", "bb"))
    remote.announce("one", ["a"])
    remote.announce("two", ["bb" + "b" * more])
    assert ("two" in remote.announced) is is_kept

    remote.announce("one", [])  # what is given back can be used again
    remote.announce("two", ["bb" + "b" * more])
    assert "two" in remote.announced
    remote.clear()
    remote.announce("one", ["a"])
    remote.announce("two", ["bb"])
    assert len(remote.announced) == 2


class Stream(Emitter):
    """A connection that answers what it is asked with the test's answer."""

    def _is_over(self) -> bool:
        return False

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.asked: list[tuple[Any, ...]] = []
        self.answer: Any = None

    async def ask(self, event: str, *args: Any, timeout: Any) -> Any:
        self.asked.append((event, *args))
        return self.answer


class Base(Protocol):
    """What another declares as well."""

    async def both(self) -> str:
        """A text."""
        ...


class Declared(Base, Protocol):
    """The methods of a resource."""

    async def count(self, text: str) -> int:
        """A number."""
        ...

    async def both(self) -> int:  # type: ignore[override]
        """A number here."""
        ...

    async def anything(self):  # type: ignore[no-untyped-def]
        """Whatever it is."""

    def _private(self) -> int:
        """No method of the server."""
        return 1


async def test_what_is_declared_is_converted_and_can_be_called_before_it_is_announced() -> None:
    stream = Stream()
    resource = Resource(stream, "numbers", kind=Declared, most=10)
    stream.answer = 5
    assert await resource.count("x") == 5
    assert await resource.both() == 5
    stream.answer = "text"
    assert await resource.anything() == "text"
    for method in (resource.count, resource.both):
        with pytest.raises(ValueError, match="must be"):
            await method()
    assert stream.asked[0] == ("numbers::count", "x")
    for name in ("_private", "other", "_is_protocol_"):
        with pytest.raises(AttributeError):
            getattr(resource, name)


async def test_the_wait_for_a_resource_ends_in_time_with_its_names_or_with_the_connection() -> None:
    stream = Stream()
    resource = Resource(stream, "numbers", most=2)
    waiting = [asyncio.ensure_future(resource.ready(timeout)) for timeout in (5, None)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stream.clock.advance(6)
    with pytest.raises(ResourceTimeout, match="within 5 s"):
        await waiting[0]
    assert not waiting[1].done()
    assert len(resource._waiting) == 1

    stream.emit("end")
    with pytest.raises(ResourceLost):
        await waiting[1]
    assert resource._waiting == []
    waiting = [asyncio.ensure_future(resource.ready(5))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    heard: list[Any] = []
    resource.on("ready", lambda name, methods: heard.append((name, methods)))
    resource.once("ready", heard.append)
    stream.emit("numbers::ready", ["a", "b", "c"])

    assert await waiting[0] == ["a", "b"]
    assert await resource.ready(5) == ["a", "b"]
    assert heard == [("numbers", ["a", "b"]), "numbers"]
    resource.off("ready")
    stream.emit("numbers::ready", ["a"])
    assert len(heard) == 2
    assert stream.clock.pending == 0
