"""Where a client connects to: the user's URL, and the one that is dialled (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from itertools import count
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit

from primus import option_checks as checks
from primus.credentials import authorization
from primus.errors import OptionError

__all__ = ["Address", "Stamps", "is_loopback", "parse_url"]

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
SECURE: Final = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
NO_URL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
HOST: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=-]+")
PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F))).replace("#", "").replace('"', "")


@dataclass(slots=True)
class Address:
    """The parts of a URL. Listeners of ``outgoing::url`` may change them before they are used.

    ``scheme`` is ``http`` or ``https``; ``auth`` is ``user:password`` as it stands in the URL,
    or empty; ``host`` contains the port, if there is one; ``query`` has no question mark.
    """

    scheme: str
    auth: str
    host: str
    pathname: str
    query: str = ""

    def __str__(self) -> str:
        auth = f"{self.auth}@" if self.auth else ""
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{auth}{self.host}{self.pathname}{query}"

    def dialled(self, stamp: str, carried: Mapping[str, str] = NOTHING) -> Address:
        """A copy with the cache buster ``_primuscb`` that every Primus client sends.

        Args:
            stamp: the cache buster.
            carried: further fields of the query, in place of those of the same name.
        """
        replaced = {"_primuscb", *carried}
        fields = [f for f in self.query.split("&") if f and f.partition("=")[0] not in replaced]
        # What a server has said is carried, too, and may be no text that UTF-8 has a form for.
        named = [(name, quote(carried[name], safe="", errors="replace")) for name in carried]
        fields += [f"{quote(name, safe='')}={value}" for name, value in named]
        query = "&".join([*fields, f"_primuscb={stamp}"])
        return Address(self.scheme, self.auth, self.host, self.pathname, query)


def parse_url(url: str, pathname: str) -> Address:
    """The address of the Primus at `url`, whose own path is not used.

    Args:
        url: ``http:``, ``https:``, ``ws:`` or ``wss:``; without a scheme ``http:`` is meant.
        pathname: where Primus lives on that server.

    Raises:
        OptionError: it is no such URL; the message says what to change.
    """
    if not isinstance(url, str):
        raise OptionError(f"cannot connect to {url!r}: a URL is a text")
    text = url.strip()
    if found := NO_URL.search(text):
        raise _refused(text, f"there is {found[0]!r} in it; write it with % and two digits")
    if not SCHEME.match(text):
        text = "http://" + text.removeprefix("//")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _refused(text, str(error)) from None
    if parts.scheme.lower() not in SECURE:
        raise _refused(text, f"its scheme must be one of {', '.join(SECURE)}")
    if port == 0:
        raise _refused(text, "port 0 is no port to connect to")
    auth, _, host = parts.netloc.rpartition("@")
    authorization(auth)
    host, _, _ = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
    host = _host(text, host)
    if port is not None:
        host += f":{port}"
    query = quote(parts.query, safe=PRINTABLE)
    return Address(
        SECURE[parts.scheme.lower()], auth, host, checks.pathname("pathname", pathname), query
    )


def _host(url: str, host: str) -> str:
    """The host as it stands in a request: ASCII, and nothing else than a host."""
    if host.startswith("["):
        return _literal(url, host)
    try:
        if not host.isascii():
            from yarl import URL

            host = URL.build(scheme="http", host=host).raw_host or ""
        host.encode("idna")  # as a resolver does: no label may be empty or too long
        usable = HOST.fullmatch(host) is not None
    except ValueError:
        usable = False
    if not usable:
        raise _refused(url, f"{host!r} is no name of a host" if host else "it names no host")
    return host


def _literal(url: str, host: str) -> str:
    """An IPv6 address in brackets; its zone means something to one machine only."""
    try:
        address = IPv6Address(host[1:-1])
    except ValueError as error:
        raise _refused(url, str(error)) from None
    if address.scope_id is not None:
        raise _refused(url, "an address with a zone cannot be asked; give the host a name")
    return host


def _refused(url: str, problem: str) -> OptionError:
    """The error for a URL, which is shown without its credentials and its query."""
    scheme, separator, rest = url.partition("?")[0].rpartition("//")
    return OptionError(
        f"cannot connect to {scheme + separator + rest.rpartition('@')[2]!r}: {problem}"
    )


def is_loopback(address: Address) -> bool:
    """Whether the server is on this machine, so that no network lies in between."""
    host = urlsplit(f"//{address.host}").hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Stamps:
    """Short texts that are different every time."""

    __slots__ = ("_again", "_last")

    def __init__(self) -> None:
        self._last = ""
        self._again = count()

    def next(self, milliseconds: int) -> str:
        """A text for this time; for the same time, another one."""
        text = ""
        while milliseconds > 0:
            milliseconds, digit = divmod(milliseconds, len(DIGITS))
            text = DIGITS[digit] + text
        if text != self._last:
            self._last, self._again = text, count()
            return text
        return f"{text}.{next(self._again)}"
