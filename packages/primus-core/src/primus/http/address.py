"""Where a peer is."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

__all__ = ["Address"]


@dataclass(init=False, slots=True, unsafe_hash=True)
class Address:
    """Where a peer is: its IP address (empty for a unix socket) and port (0 when unknown).

    An address of IPv4 looks so wherever it comes from: a socket for both shows IPv4 clients as
    ``::ffff:127.0.0.1``, which no list of addresses would match.
    """

    # Each connection has one. To freeze it would cost four times as much as to make it.
    ip: Final[str]
    port: Final[int]

    def __init__(self, ip: str, port: int = 0) -> None:
        self.ip = _normal_ip(ip) if ":" in ip else ip
        self.port = port

    @property
    def printable(self) -> str:
        """The IP address as it can be logged, whatever a proxy has made of it."""
        return repr(self.ip)[1:-1] or "a unix socket"


def _normal_ip(ip: str) -> str:
    """An address of IPv6 in its one form (RFC 5952), or the one of IPv4 that is mapped to it."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
