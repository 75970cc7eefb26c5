"""``forwarded``: the address of the client, behind proxies that are trusted.

Only a peer in ``trusted_proxies`` is believed. Of the chain that ``X-Forwarded-For`` or
``Forwarded`` (RFC 7239) names, the last address that is not itself a trusted proxy is the
client: whatever stands before it, the client may have written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from multidict import istr

from primus.contracts import Server
from primus.http import Address, Headers, Request
from primus.layer import Layer
from primus.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from primus.options import Network

__all__ = ["client_address", "layer"]

# Every alternative matches somewhere, so a scan never goes back: peers choose these headers.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[^",;]+|[,;]', re.DOTALL)
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)

UNKNOWN = {"for": "unknown"}

FORWARDED: Final = istr("Forwarded")
ADDRESS: Final = istr("X-Forwarded-For")
SCHEME: Final = istr("X-Forwarded-Proto")

PARTS: Final = 32 * DEFAULT_LIMITS.forwarded_hops
"""Pairs, quotes and commas of a line of ``Forwarded``: enough for `forwarded_hops` of them."""

PEERS: Final = 1024
"""Of so many addresses it is remembered whether they are trusted: looking costs a tenth of a
handshake."""


def layer(primus: Server) -> Layer:
    """The layer that sets ``request.address`` and ``request.secure``."""
    trusted = primus.options.trusted_proxies

    @lru_cache(maxsize=PEERS)
    def is_proxy(ip: str) -> bool:
        return _is_trusted(ip, trusted)

    def forwarded(request: Request) -> None:
        headers = request.headers
        if not trusted or not (FORWARDED in headers or ADDRESS in headers or SCHEME in headers):
            return
        if not is_proxy(request.address.ip):
            return
        address = client_address(headers, trusted, primus.limits)
        if address is not None:
            request.address = address
        scheme = _scheme(headers)
        if scheme:
            request.secure = scheme == "https"

    return Layer("forwarded", forwarded, by_head=True)


def client_address(
    headers: Headers, trusted: Sequence[Network], limits: Limits = DEFAULT_LIMITS
) -> Address | None:
    """The client that the headers of a trusted proxy name, or `None` when they name none.

    A proxy sets one of the two headers and may let the other pass as the client wrote it. So
    when both are there and disagree, neither is believed. Of a chain that is longer than
    ``forwarded_hops`` the end is looked at.
    """
    hops = limits.forwarded_hops
    listed = headers.getall(ADDRESS, [])
    told = headers.getall(FORWARDED, [])
    if not listed and not told:
        return None
    named = [text for value in listed for text in value.split(",")]
    first = _client(named[-hops:], trusted)
    named = [pairs["for"] for pairs in _elements(told) if "for" in pairs]
    second = _client(named[-hops:], trusted)
    if listed and told:
        agreed = first is not None and second is not None and first.ip == second.ip
        return first if agreed else None
    return first or second


def _client(chain: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """The last address of a chain that is no trusted proxy."""
    client: Address | None = None
    for address in map(_address, reversed(chain)):
        if address is None:
            break
        client = address
        if not _is_trusted(address.ip, trusted):
            break
    return client


def _elements(lines: Sequence[str]) -> list[dict[str, str]]:
    """The elements of ``Forwarded``, oldest first. Commas within quotes do not part them."""
    return [element for line in lines for element in _elements_of(line)]


def _elements_of(line: str) -> list[dict[str, str]]:
    """One line.

    A quote left open would swallow what follows, so then nothing is believed; nor is anything of a
    line with more parts than any chain of proxies writes.
    """
    elements: list[dict[str, str]] = [{}]
    pair = ""
    tokens = TOKEN.findall(line)
    if len(tokens) > PARTS:
        return [UNKNOWN]
    for token in [*tokens, ","]:
        if token not in (",", ";"):
            if token[0] == '"' and not QUOTED.fullmatch(token):
                return [UNKNOWN]
            pair += token
            continue
        name, _, value = pair.partition("=")
        elements[-1][name.strip().lower()] = value.strip()
        pair = ""
        if token == ",":
            elements.append({})
    return elements[:-1]


def _scheme(headers: Headers) -> str:
    proto = ",".join(headers.getall(SCHEME, ()))
    if proto:
        return proto.split(",")[-1].strip().lower()
    told = _elements(headers.getall(FORWARDED, []))
    protos = [pairs["proto"] for pairs in told if "proto" in pairs]
    return protos[-1].strip('"').lower() if protos else ""


def _address(text: str) -> Address | None:
    """``1.2.3.4``, ``1.2.3.4:80``, ``::1``, ``[::1]:80``, quoted or not; else `None`."""
    text = text.strip().strip('"')
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        ip = str(ip_address(host))
    except ValueError:
        return None
    return Address(ip, int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0)


def _is_trusted(ip: str, trusted: Sequence[Network]) -> bool:
    if not ip:
        return True  # a unix socket: the peer is on this machine
    try:
        address = ip_address(ip.partition("%")[0])  # `Address` has made IPv4 of what is mapped
    except ValueError:
        return False
    return any(address in network for network in trusted)
