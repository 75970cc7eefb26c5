"""Watches the interfaces of a Linux machine by its netlink socket, as rtnetlink(7) has it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final
from weakref import WeakKeyDictionary

__all__ = ["InterfaceState", "Interfaces", "interfaces"]

NLMSG_DONE: Final = 3
NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWADDR, DELADDR, GETADDR = 20, 21, 22
REQUEST_DUMP: Final = 0x301
GROUPS: Final = 0x1 | 0x10 | 0x100
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR."""

UP, LOOPBACK, RUNNING = 0x1, 0x8, 0x40
SCOPE_LINK: Final = 253
"""Addresses of this scope, and narrower ones, lead nowhere."""

HEADER: Final = struct.Struct("=IHHII")
LINK: Final = struct.Struct("=BxHiII")
ADDRESS: Final = struct.Struct("=BBBBI")


class InterfaceState:
    """Which interfaces could carry traffic, from the messages of the kernel (pure)."""

    __slots__ = ("_addresses", "_links")

    def __init__(self) -> None:
        self._links: dict[int, int] = {}
        self._addresses: set[tuple[int, bytes]] = set()

    @property
    def online(self) -> bool:
        """Whether an interface other than loopback is up and has an address."""
        return any(
            flags & UP and flags & RUNNING and not flags & LOOPBACK and self._has_address(index)
            for index, flags in self._links.items()
        )

    def _has_address(self, index: int) -> bool:
        return any(owner == index for owner, _ in self._addresses)

    def feed(self, data: bytes) -> bool:
        """Take in what the kernel tells; True when it ends a dump."""
        done = False
        for kind, body in _messages(data):
            done = done or kind == NLMSG_DONE
            if kind in {NEWLINK, DELLINK} and len(body) >= LINK.size:
                self._link(kind, body)
            elif kind in {NEWADDR, DELADDR} and len(body) >= ADDRESS.size:
                self._address(kind, body)
        return done

    def _link(self, kind: int, body: bytes) -> None:
        _family, _type, index, flags, _change = LINK.unpack_from(body)
        if kind == NEWLINK:
            self._links[index] = flags
        else:
            self._links.pop(index, None)

    def _address(self, kind: int, body: bytes) -> None:
        family, prefix, _flags, scope, index = ADDRESS.unpack_from(body)
        if scope >= SCOPE_LINK:
            return
        key = (index, bytes((family, prefix)) + _local(body))
        if kind == NEWADDR:
            self._addresses.add(key)
        else:
            self._addresses.discard(key)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = HEADER.unpack_from(data, offset)
        if length < HEADER.size:
            return
        yield kind, data[offset + HEADER.size : offset + length]
        offset += (length + 3) & ~3


def _local(body: bytes) -> bytes:
    """The address itself: the attribute IFA_ADDRESS."""
    offset = ADDRESS.size
    while offset + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        if length < 4:
            break
        if kind == 1:
            return body[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return b""


class Interfaces:
    """Tells its subscribers when the machine comes online or goes offline.

    One for each event loop; its netlink socket is open while there are subscribers.
    """

    def __init__(self) -> None:
        self._subscribers: set[_Subscription] = set()
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._state = InterfaceState()
        self._asked: list[int] = []
        self._surveying = False
        self._online: bool | None = None

    def subscribe(self, changed: Callable[[bool], Any]) -> _Subscription:
        """Call `changed` with True or False whenever that changes."""
        subscription = _Subscription(self, changed)
        self._subscribers.add(subscription)
        if self._socket is None:
            self._start()
        return subscription

    def leave(self, subscription: _Subscription) -> None:
        """Tell it no more."""
        self._subscribers.discard(subscription)
        if not self._subscribers:
            self._stop()

    def _start(self) -> None:
        try:
            netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        except OSError:
            return  # a sandbox without netlink: the heartbeat notices what matters
        try:
            netlink.setblocking(False)
            netlink.bind((0, GROUPS))
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(netlink, self._read)
        except (OSError, NotImplementedError):
            netlink.close()
            return
        self._socket = netlink
        self._survey()

    def _stop(self) -> None:
        netlink, self._socket = self._socket, None
        if netlink is not None and self._loop is not None:
            self._loop.remove_reader(netlink)
            netlink.close()
        self._loop = None
        self._online = None

    def _survey(self) -> None:
        """Ask for everything there is, links first."""
        self._state = InterfaceState()
        self._surveying = True
        self._asked = [GETLINK, GETADDR]
        self._ask()

    def _ask(self) -> None:
        """Send the next request: the kernel makes one dump at a time."""
        if not self._asked or self._socket is None:
            return
        request = HEADER.pack(HEADER.size + 4, self._asked.pop(0), REQUEST_DUMP, 1, 0)
        self._socket.send(request + bytes(4))

    def _read(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            self._survey()  # messages were lost (ENOBUFS)
            return
        if self._state.feed(data):
            self._surveying = bool(self._asked)
            self._ask()
        if not self._surveying:
            self._conclude()

    def _conclude(self) -> None:
        """Tell what has changed; what was found first is no change."""
        before, self._online = self._online, self._state.online
        if before is not None and before != self._online:
            for subscription in tuple(self._subscribers):
                subscription.changed(self._online)


class _Subscription:
    __slots__ = ("_interfaces", "changed")

    def __init__(self, interfaces: Interfaces, changed: Callable[[bool], Any]) -> None:
        self._interfaces = interfaces
        self.changed = changed

    def close(self) -> None:
        """Tell no more."""
        self._interfaces.leave(self)


_interfaces: WeakKeyDictionary[asyncio.AbstractEventLoop, Interfaces] = WeakKeyDictionary()


def interfaces() -> Interfaces:
    """The interfaces of this machine, as the running event loop sees them."""
    loop = asyncio.get_running_loop()
    if loop not in _interfaces:
        _interfaces[loop] = Interfaces()
    return _interfaces[loop]
