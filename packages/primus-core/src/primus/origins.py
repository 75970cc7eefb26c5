"""Origins as browsers send them, and lists of them (RFC 6454, pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from primus.errors import OptionError

__all__ = ["Origins", "origin_pattern", "serialized"]

ORIGIN: Final = re.compile(
    r"([a-z][a-z0-9+.-]*)://(\[[^]/?#@\s]*\]|[^][/?#@:\s]*)(?::[0-9]{1,5})?", re.IGNORECASE
)
HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]|")
ANY_SUBDOMAIN: Final = "*."
EXAMPLE: Final = "an origin is a scheme, a host and perhaps a port: 'https://app.example'"
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443"}


def serialized(origin: str) -> str:
    """An origin in the form that browsers send: lower case, without the default port."""
    origin = origin.strip().lower()
    scheme, _, _ = origin.partition(":")
    port = DEFAULT_PORTS.get(scheme)
    return origin.removesuffix(port) if port else origin


def origin_pattern(name: str, value: str) -> str:
    """One item of a list of origins in its proper form.

    ``*``, ``null``, ``scheme://host``, ``scheme://host:port``; ``*.`` before the host stands for
    its subdomains.

    Raises:
        OptionError: no browser sends such an origin.
    """
    if value in ("*", "null"):
        return value
    whole = ORIGIN.fullmatch(value)
    if whole is None:
        raise OptionError(f"{name}={value!r}: {_advice(value)}")
    host = whole[2].lower()
    if not host.isascii():
        raise OptionError(f"{name}={value!r}: browsers send {_ascii(value, host)}, so write that")
    if not host and whole[1].lower() != "file":
        raise OptionError(f"{name}={value!r}: {EXAMPLE}")
    if HOST.fullmatch(host) is None:
        raise OptionError(
            f"{name}={value!r}: the host must be a name or an address, or '*.' and a name for its "
            "subdomains; '*' alone allows every origin"
        )
    return serialized(value)


def _advice(value: str) -> str:
    """What to write for something that is no origin."""
    with_scheme = value if "://" in value else f"https://{value}"
    start = re.match(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+(?=[/?#]|\Z)", with_scheme, re.IGNORECASE)
    if start is None or ORIGIN.fullmatch(start[0]) is None:
        return EXAMPLE
    return f"an origin is a scheme, a host and perhaps a port, and nothing else: write {start[0]!r}"


def _ascii(value: str, host: str) -> str:
    try:
        return repr(value.lower().replace(host, host.encode("idna").decode()))
    except UnicodeError:
        return "the host in its ASCII form (IDNA)"


class Origins:
    """A list of origins to look one up in.

    Args:
        patterns: each from `origin_pattern`.
    """

    __slots__ = ("_listed", "_parents", "any")

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = tuple(patterns)
        self.any = "*" in patterns
        """Whether every origin is allowed."""
        self._listed = frozenset(map(serialized, patterns))
        parents = [p.partition(ANY_SUBDOMAIN) for p in self._listed if f"//{ANY_SUBDOMAIN}" in p]
        self._parents = tuple((scheme, f".{rest}") for scheme, _, rest in parents)

    def __contains__(self, origin: str) -> bool:
        """Whether the value of an ``Origin`` header is allowed."""
        if self.any:
            return True
        origin = serialized(origin)
        if origin in self._listed:
            return ANY_SUBDOMAIN not in origin
        return any(_below(origin, scheme, parent) for scheme, parent in self._parents)


def _below(origin: str, scheme: str, parent: str) -> bool:
    """Whether `origin` is of a subdomain: whole labels, at least one."""
    if not (origin.startswith(scheme) and origin.endswith(parent)):
        return False
    labels = origin[len(scheme) : -len(parent)]
    return HOST.fullmatch(labels) is not None and labels.isascii() and labels[:1] not in "*["
