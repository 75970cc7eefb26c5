"""Where a client connects to: the user's URL, and the one that is dialled (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import count
from typing import Final
from urllib.parse import quote, urlsplit

from primus.errors import OptionError

__all__ = ["Address", "Stamps", "is_loopback", "parse_url"]

SECURE: Final = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
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

    def dialled(self, stamp: str) -> Address:
        """A copy with the cache buster ``_primuscb`` that every Primus client sends."""
        fields = [f for f in self.query.split("&") if f and not f.startswith("_primuscb=")]
        query = "&".join([*fields, f"_primuscb={stamp}"])
        return Address(self.scheme, self.auth, self.host, self.pathname, query)


def parse_url(url: str, pathname: str) -> Address:
    """The address of the Primus at `url`, whose own path is not used.

    Args:
        url: ``http:``, ``https:``, ``ws:`` or ``wss:``; without a scheme ``http:`` is meant.
        pathname: where Primus lives on that server.

    Raises:
        OptionError: it is no such URL.
    """
    text = url.strip()
    if not SCHEME.match(text):
        text = "http://" + text.removeprefix("//")
    try:
        parts = urlsplit(text)
        scheme, _port = SECURE[parts.scheme.lower()], parts.port
    except (KeyError, ValueError) as error:
        raise OptionError(f"cannot connect to {url!r}: {_problem(error)}") from None
    auth, _, host = parts.netloc.rpartition("@")
    if not parts.hostname or any(c.isspace() for c in host):
        raise OptionError(f"cannot connect to {url!r}: it names no host")
    query = quote(parts.query, safe=PRINTABLE)
    return Address(scheme, auth, host, "/" + pathname.strip("/"), query)


def _problem(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"its scheme must be one of {', '.join(SECURE)}"
    return str(error)


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
