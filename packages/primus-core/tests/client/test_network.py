"""Going offline and coming back."""

from __future__ import annotations

import asyncio
import socket as sockets
import struct
import sys
from collections.abc import Callable
from typing import Any

import pytest

from primus import OptionError
from primus.client.address import parse_url
from primus.client.netlink import Interfaces, InterfaceState
from primus.client.network import watch


class Switch:
    """A network that is switched by hand."""

    def __init__(self) -> None:
        self.subscribers: list[Callable[[bool], Any]] = []

    def subscribe(self, changed: Callable[[bool], Any]) -> Any:
        self.subscribers.append(changed)
        switch = self

        class Subscription:
            def close(self) -> None:
                switch.subscribers.remove(changed)

        return Subscription()

    def turn(self, online: bool) -> None:
        for changed in tuple(self.subscribers):
            changed(online)


async def test_a_socket_goes_offline_and_comes_back(stage: Any, story: Any) -> None:
    switch = Switch()
    socket, wire = await stage.opened(network=switch)
    heard = story(socket)

    switch.turn(False)
    switch.turn(False)
    assert heard.story == ["offline", "close", "end"]
    assert socket.online is False
    assert wire.closed is not None

    switch.turn(True)
    assert socket.online is True
    await stage.advance(1)

    assert heard.story[3:] == ["online", "reconnect scheduled", "reconnect", "reconnected", "open"]


async def test_going_offline_stops_a_reconnection_under_way(stage: Any, story: Any) -> None:
    switch = Switch()
    socket, wire = await stage.opened(network=switch)
    wire.lose()
    heard = story(socket)

    switch.turn(False)
    await stage.advance(60)

    assert heard.story == ["offline", "end"]
    switch.turn(True)
    (opts,) = await heard.next("reconnect scheduled")
    assert opts.attempt == 1


async def test_iteration_goes_on_when_the_network_is_back(stage: Any) -> None:
    switch = Switch()
    socket, wire = await stage.opened(network=switch)
    messages = aiter(socket)
    wire.receive('"before"')
    assert await anext(messages) == "before"
    following = asyncio.ensure_future(anext(messages))

    switch.turn(False)
    switch.turn(True)
    await stage.advance(1)
    stage.wire.receive('"after"')

    async with asyncio.timeout(5):
        assert await following == "after"


@pytest.mark.parametrize("strategy", ["disconnect", "online"])
async def test_iteration_ends_with_a_socket_that_does_not_come_back(
    stage: Any, strategy: str
) -> None:
    switch = Switch()
    socket, _ = await stage.opened(network=switch, strategy=strategy)
    messages = aiter(socket)

    switch.turn(False)
    socket.end()

    async with asyncio.timeout(5):
        assert [message async for message in messages] == []


async def test_what_is_written_while_offline_is_kept_for_the_time_after(stage: Any) -> None:
    switch = Switch()
    socket, _ = await stage.opened(network=switch)
    switch.turn(False)
    assert socket.write("kept") is True
    switch.turn(True)
    await stage.advance(20)
    assert stage.wire.sent[0] == '"kept"'


async def test_without_the_strategy_online_it_stays_closed(stage: Any, story: Any) -> None:
    switch = Switch()
    socket, _ = await stage.opened(network=switch, strategy="disconnect")
    heard = story(socket)

    switch.turn(False)
    switch.turn(True)

    assert heard.story == ["offline", "close", "end", "online"]


async def test_without_the_strategy_online_nothing_is_kept_once_offline(stage: Any) -> None:
    switch = Switch()
    socket, _ = await stage.opened(network=switch, strategy="disconnect")

    switch.turn(False)

    assert socket.write("never sent") is False


async def test_a_listener_of_close_ends_a_socket_that_goes_offline_once(
    stage: Any, story: Any
) -> None:
    switch = Switch()
    socket, _ = await stage.opened(network=switch)
    heard = story(socket)
    socket.on("close", socket.end)

    switch.turn(False)

    assert heard.story == ["offline", "close", "end"]
    assert switch.subscribers == []


async def test_a_connection_that_the_user_has_ended_stays_ended(stage: Any, story: Any) -> None:
    switch = Switch()
    socket, _ = await stage.opened(network=switch)
    switch.turn(False)
    heard = story(socket)

    socket.end()
    switch.turn(True)
    await stage.advance(60)

    assert heard.story == []
    assert switch.subscribers == []


async def test_an_ended_socket_watches_nothing(stage: Any) -> None:
    switch = Switch()
    socket, _ = await stage.opened(network=switch)
    assert len(switch.subscribers) == 1

    socket.end()
    assert switch.subscribers == []
    await socket.open().opened()
    assert len(switch.subscribers) == 1
    socket.destroy()

    assert switch.subscribers == []


async def test_a_socket_that_gives_up_watches_nothing(stage: Any, story: Any) -> None:
    switch = Switch()
    _socket, wire = await stage.opened(network=switch, reconnect={"retries": 0})

    wire.lose()

    assert switch.subscribers == []


@pytest.mark.parametrize(
    "url", ["http://localhost:80", "ws://127.0.0.1", "http://[::1]:80", "http://app.localhost"]
)
async def test_a_server_on_this_machine_needs_no_network(url: str) -> None:
    assert watch(None, parse_url(url, "/primus"), {}, print) is None


async def test_a_unix_socket_needs_no_network() -> None:
    assert watch(None, parse_url("http://app", "/primus"), {"unix": "/run/app"}, print) is None


async def test_a_network_must_offer_subscriptions() -> None:
    with pytest.raises(OptionError, match="subscribe"):
        watch(object(), parse_url("http://app", "/primus"), {}, print)


def link(index: int, flags: int, kind: int = 16) -> bytes:
    """A message of the kernel about an interface."""
    body = struct.pack("=BxHiII", 0, 1, index, flags, 0xFFFFFFFF)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def address(index: int, *, scope: int = 0, kind: int = 20) -> bytes:
    """A message of the kernel about the address 192.0.2.1 of an interface."""
    body = struct.pack("=BBBBI", 2, 24, 0, scope, index)
    body += struct.pack("=HH4B", 8, 1, 192, 0, 2, 1)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


UP_AND_RUNNING = 0x1 | 0x40


def test_an_interface_that_runs_and_has_an_address_is_a_network() -> None:
    state = InterfaceState()
    state.feed(link(2, UP_AND_RUNNING))
    assert not state.online
    state.feed(address(2))
    assert state.online

    state.feed(link(2, 0x1))
    assert not state.online
    state.feed(link(2, UP_AND_RUNNING) + address(2, kind=21))
    assert not state.online


def test_loopback_and_link_local_addresses_are_no_network() -> None:
    state = InterfaceState()

    state.feed(link(1, UP_AND_RUNNING | 0x8) + address(1))
    state.feed(link(2, UP_AND_RUNNING) + address(2, scope=253))

    assert not state.online


def test_an_interface_that_is_removed_is_no_network() -> None:
    state = InterfaceState()
    state.feed(link(2, UP_AND_RUNNING) + address(2))

    state.feed(link(2, UP_AND_RUNNING, kind=17))

    assert not state.online


def test_a_message_that_is_cut_off_does_no_harm() -> None:
    state = InterfaceState()
    whole = link(2, UP_AND_RUNNING) + address(2)

    for size in range(len(whole)):
        state.feed(whole[:size])
    state.feed(bytes(64))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink is Linux")
async def test_the_interfaces_of_this_machine_can_be_watched(stage: Any) -> None:
    watched = Interfaces()
    subscription = watched.subscribe(print)
    try:
        while watched._online is None:
            await stage.settle()
        expected = any(name != "lo" for _, name in sockets.if_nameindex())
        assert watched._online in {expected, False}
    finally:
        subscription.close()
    assert watched._socket is None
