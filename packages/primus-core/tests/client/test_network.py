"""Going offline and coming back."""

from __future__ import annotations

import asyncio
import socket as sockets
import struct
import sys
from collections.abc import Callable, Iterator
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


def spoiled(message: bytes, place: int, form: str, value: int) -> bytes:
    """A message in which a number is wrong."""
    return message[:place] + struct.pack(form, value) + message[place + struct.calcsize(form) :]


def test_messages_stand_one_behind_the_other_and_the_last_may_end_with_its_header() -> None:
    state = InterfaceState()
    done = struct.pack("=IHHII", 16, 3, 0, 0, 0)

    assert not state.feed(link(2, UP_AND_RUNNING) + address(2))
    assert state.online
    assert state.feed(link(3, 0) + done)
    assert state.feed(done)
    assert state.feed(done + link(2, 0))
    assert not state.online


@pytest.mark.parametrize("length", [0, 15])
def test_what_follows_a_message_of_an_impossible_length_is_not_read(length: int) -> None:
    state = InterfaceState()

    state.feed(spoiled(link(3, 0), 0, "=I", length) + link(2, UP_AND_RUNNING) + address(2))

    assert not state.online


def test_an_address_is_known_by_its_attribute_behind_others() -> None:
    state = InterfaceState()
    label = struct.pack("=HH4s", 8, 3, b"eth0")
    odd = struct.pack("=HHB3x", 5, 9, 1)  # aligned to four bytes
    empty = struct.pack("=HH", 4, 9)

    def told(last: int, *before: bytes, kind: int = 20) -> bytes:
        attributes = b"".join(before) + struct.pack("=HH4B", 8, 1, 192, 0, 2, last)
        body = struct.pack("=BBBBI", 2, 24, 0, 0, 2) + attributes
        return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body

    state.feed(link(2, UP_AND_RUNNING) + told(1, label) + told(2, odd, empty))
    assert state.online
    state.feed(told(1, kind=21))
    assert state.online
    state.feed(told(2, kind=21))
    assert not state.online


def test_an_attribute_of_an_impossible_length_ends_the_search_for_the_address() -> None:
    state = InterfaceState()
    for length in (0, 3):
        body = struct.pack("=BBBBI", 2, 24, 0, 0, 2) + struct.pack("=HH", length, 7)
        state.feed(struct.pack("=IHHII", 16 + len(body), 20, 0, 0, 0) + body)

    assert not state.online
    state.feed(link(2, UP_AND_RUNNING))
    assert state.online


def test_an_address_without_attributes_and_messages_of_other_kinds() -> None:
    state = InterfaceState()
    bare = struct.pack("=IHHII", 24, 20, 0, 0, 0) + struct.pack("=BBBBI", 2, 24, 0, 0, 2)
    state.feed(link(2, UP_AND_RUNNING))

    state.feed(address(2, kind=24) + link(2, 0, kind=24))  # of routes
    assert not state.online
    state.feed(bare)
    assert state.online
    state.feed(spoiled(bare, 4, "=H", 21))
    assert not state.online


@pytest.mark.parametrize("body", [b"", bytes(7)])
def test_a_message_too_short_for_what_it_is_says_nothing(body: bytes) -> None:
    state = InterfaceState()
    state.feed(link(2, UP_AND_RUNNING) + address(2))

    for kind in (16, 17, 20, 21):
        state.feed(struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body)

    assert state.online


def test_an_interface_that_is_not_known_may_be_removed() -> None:
    state = InterfaceState()

    state.feed(link(5, 0, kind=17) + address(5, kind=21))

    assert not state.online


def test_an_address_of_another_interface_is_no_network() -> None:
    state = InterfaceState()

    state.feed(link(2, UP_AND_RUNNING) + address(3) + link(3, 0x40) + address(4) + link(4, 0x1))

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


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[sockets.socket]]:
    """Our ends of the sockets that are opened in place of those to the kernel."""
    ends: list[sockets.socket] = []
    make = sockets.socket

    def opened(family: int = -1, kind: int = -1, proto: int = -1, fileno: Any = None) -> Any:
        if family != getattr(sockets, "AF_NETLINK", None):
            return make(family, kind, proto, fileno)
        ours, theirs = sockets.socketpair(sockets.AF_UNIX, sockets.SOCK_SEQPACKET)
        ends.append(ours)
        return Bindable(theirs)

    with monkeypatch.context() as patch:
        patch.setattr("primus.client.netlink.socket.socket", opened)
        yield ends
    for end in ends:
        end.close()


class Bindable:
    """One end of a pair, which can be bound as a netlink socket is."""

    failure: Exception | None = None

    def __init__(self, end: sockets.socket) -> None:
        self._end = end

    def bind(self, address: tuple[int, int]) -> None:
        if Bindable.failure is not None:
            raise Bindable.failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._end, name)


DONE = struct.pack("=IHHII", 16, 3, 0, 0, 0)


def asked(end: sockets.socket) -> int:
    """What the kernel is asked for next."""
    request = end.recv(1 << 16)
    length, kind, flags, _, _ = struct.unpack_from("=IHHII", request)
    assert (length, flags) == (len(request), 0x301)
    return int(kind)


async def tell(end: sockets.socket, *messages: bytes) -> None:
    """Tell one datagram after the other, and let each be read."""
    for message in messages:
        end.send(message)
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink is Linux")
async def test_links_are_asked_for_then_addresses_and_only_changes_are_told(
    kernel: list[sockets.socket],
) -> None:
    watched, told = Interfaces(), []
    first = watched.subscribe(lambda online: told.append(("first", online)))
    second = watched.subscribe(lambda online: told.append(("second", online)))
    (end,) = kernel

    assert asked(end) == 18
    await tell(end, link(2, UP_AND_RUNNING))
    end.setblocking(False)
    with pytest.raises(BlockingIOError):
        asked(end)  # one dump at a time
    await tell(end, DONE)
    assert asked(end) == 22
    await tell(end, address(2), DONE)
    assert told == []  # what is found first is no change

    await tell(end, link(2, 0), link(2, 0))
    assert sorted(told) == [("first", False), ("second", False)]
    second.close()
    await tell(end, link(2, UP_AND_RUNNING))
    assert told[2:] == [("first", True)]
    with pytest.raises(BlockingIOError):
        asked(end)

    first.close()
    assert end.recv(1) == b""  # it is closed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink is Linux")
async def test_a_subscriber_that_comes_when_all_have_left_is_told_no_change_of_before(
    kernel: list[sockets.socket],
) -> None:
    watched, told = Interfaces(), []
    subscription = watched.subscribe(told.append)
    await tell(kernel[0], DONE, link(2, UP_AND_RUNNING) + address(2) + DONE)
    subscription.close()
    subscription.close()

    subscription = watched.subscribe(told.append)
    await tell(kernel[1], link(2, 0) + DONE)
    assert told == []
    await tell(kernel[1], DONE)
    await tell(kernel[1], link(2, UP_AND_RUNNING) + address(2))

    assert told == [True]
    subscription.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink is Linux")
async def test_lost_messages_are_made_good_by_asking_again(
    kernel: list[sockets.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched, told = Interfaces(), []
    subscription = watched.subscribe(told.append)
    (end,) = kernel
    await tell(end, link(2, UP_AND_RUNNING) + DONE, address(2) + DONE)
    assert (asked(end), asked(end)) == (18, 22)

    lost = [OSError(105, "no buffer space"), BlockingIOError()]

    def recv(size: int) -> bytes:
        if lost:
            theirs.recv(size)
            raise lost.pop(0)
        return bytes(theirs.recv(size))

    theirs: Any = watched._socket._end  # type: ignore[union-attr]
    monkeypatch.setattr(watched._socket, "recv", recv, raising=False)
    await tell(end, b"lost", b"nothing")
    assert asked(end) == 18
    assert told == []  # though nothing is known of any interface now
    await tell(end, link(2, 0) + DONE)
    assert told == []
    await tell(end, DONE)

    assert told == [False]
    subscription.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink is Linux")
@pytest.mark.parametrize("failure", [OSError("no permission"), NotImplementedError()])
async def test_a_machine_that_lets_nothing_be_watched_is_left_alone(
    kernel: list[sockets.socket], monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr(Bindable, "failure", failure)
    watched = Interfaces()

    subscription = watched.subscribe(print)

    assert watched._socket is None
    assert kernel[0].recv(1) == b""  # it is closed
    subscription.close()


async def test_a_sandbox_without_netlink_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any) -> Any:
        raise PermissionError

    monkeypatch.setattr("primus.client.netlink.socket.socket", refused)
    Interfaces().subscribe(print).close()


async def test_a_machine_that_goes_offline_behind_a_silent_server_goes_on_trying(
    stage: Any, story: Any
) -> None:
    switch = Switch()
    soon = {"min": 1, "max": 1}
    socket, _ = await stage.opened(network=switch, ping=10, pong=10, reconnect=soon)
    heard = story(socket)
    await stage.advance(20)
    assert heard.story == ["offline", "close", "reconnect scheduled"]

    switch.turn(False)
    await stage.advance(2)

    assert heard.story[3:] == ["reconnect", "reconnected", "online", "open"]


async def test_a_network_that_goes_while_there_is_no_connection_is_no_end_of_the_next(
    stage: Any,
) -> None:
    switch = Switch()
    socket, _ = await stage.opened(network=switch, strategy="disconnect")
    for online in (False, True, False):
        switch.turn(online)

    await socket.open().opened()
    stage.wire.lose()

    assert socket.closed.code == "wire lost"


async def test_a_socket_that_is_opened_again_watches_once(stage: Any) -> None:
    switch = Switch()
    socket, wire = await stage.opened(network=switch)
    wire.lose()
    await socket.open().opened()
    assert len(switch.subscribers) == 1

    socket.end()
    assert switch.subscribers == []
    await socket.open().opened()
    assert len(switch.subscribers) == 1
    socket.end()
    assert switch.subscribers == []
