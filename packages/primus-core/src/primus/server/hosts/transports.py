"""Raw transports, as hosts see them."""

from __future__ import annotations

import asyncio
from typing import Final

from primus.http import Address, HandOver

__all__ = ["NO_PROTOCOL", "address_of", "taken"]

NO_PROTOCOL: Final = asyncio.Protocol()
"""Held by transports between two owners: uvloop keeps the last protocol it was given alive."""


def address_of(transport: asyncio.BaseTransport | None) -> Address:
    """Where the peer of a connection is."""
    peer = transport.get_extra_info("peername") if transport else None
    return Address(str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else Address("")


def taken(transport: asyncio.Transport, early: bytes) -> HandOver:
    """Take a transport away from its protocol, with the bytes that followed an upgrade.

    Raises:
        ConnectionResetError: the client has gone.
    """
    if transport.is_closing():
        raise ConnectionResetError("the client has gone before its upgrade was answered")
    transport.pause_reading()
    released = getattr(transport.get_protocol(), "released", None)
    transport.set_protocol(NO_PROTOCOL)
    if released is not None:  # of a server of our own
        released()
    return HandOver(transport, early)
