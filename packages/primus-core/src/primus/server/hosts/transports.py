"""Raw transports, as hosts see them."""

from __future__ import annotations

import asyncio

from primus.http import Address, HandOver

__all__ = ["address_of", "taken"]


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
    released = getattr(transport.get_protocol(), "released", None)
    handed = HandOver(transport, early)
    transport.set_protocol(handed)
    if released is not None:  # of a server of our own
        released()
    return handed
