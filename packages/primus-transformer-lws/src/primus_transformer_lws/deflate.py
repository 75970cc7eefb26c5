"""permessage-deflate (RFC 7692): what is agreed in the handshake, and its use."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from primus.errors import OptionError, ProtocolError

__all__ = [
    "OFFER",
    "Agreement",
    "Deflate",
    "Settings",
    "TooLarge",
    "agreed",
    "answered",
    "largest_frame",
]

NAME: Final = "permessage-deflate"
TAIL: Final = b"\x00\x00\xff\xff"
"""What ends a flushed block, and is left out on the wire (section 7.2.1)."""

FLAGS: Final = ("server_no_context_takeover", "client_no_context_takeover")
BITS: Final = ("server_max_window_bits", "client_max_window_bits")

Parameters = Mapping[str, str | None]


class TooLarge(ProtocolError):
    """A message is larger, when it is inflated, than is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``deflate`` option: what to ask for, by the names of RFC 7692 section 7.1.

    ``compress_settings`` are further arguments for `zlib.compressobj`: ``level``, ``memLevel``,
    ``strategy``.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15
    compress_settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """The settings of a user.

        Raises:
            OptionError: one is unknown, or cannot work.
        """
        known = [each.name for each in fields(cls)]
        if unknown := set(given) - set(known):
            raise OptionError(
                f"deflate={dict(given)!r}: unknown {', '.join(sorted(unknown))}; known are "
                f"{', '.join(known)}"
            )
        settings = cls(**given)
        for name in BITS:
            if getattr(settings, name) not in range(9, 16):
                raise OptionError(f"deflate: {name} has to be from 9 to 15")
        try:
            zlib.compressobj(wbits=-15, **settings.compress_settings)
        except (TypeError, ValueError) as error:
            raise OptionError(f"deflate: compress_settings cannot be used: {error}") from error
        return settings


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides have agreed on; `bits` are those of zlib."""

    server_no_context_takeover: bool
    client_no_context_takeover: bool
    server_max_window_bits: int
    client_max_window_bits: int


def agreed(offers: str, settings: Settings) -> tuple[Agreement, str] | None:
    """What a server makes of a client's ``Sec-WebSocket-Extensions``: agreement and answer.

    The first offer that can be met is taken; `None` when there is none.
    """
    for offer in _extensions(offers):
        found = None if offer is None else _meet(offer, settings)
        if found is not None:
            return found
    return None


def _meet(offer: Parameters, settings: Settings) -> tuple[Agreement, str] | None:
    server_bits = min(int(offer.get(BITS[0]) or 15), settings.server_max_window_bits)
    if server_bits < LEAST_BITS:
        return None  # we could not compress, and the client need not hear of it
    client_bits = 15
    if BITS[1] in offer:
        client_bits = min(int(offer[BITS[1]] or 15), settings.client_max_window_bits)
    agreement = Agreement(
        FLAGS[0] in offer or settings.server_no_context_takeover,
        FLAGS[1] in offer or settings.client_no_context_takeover,
        server_bits,
        client_bits,
    )
    answer = [NAME, *(name for name in FLAGS if getattr(agreement, name))]
    answer += [f"{name}={getattr(agreement, name)}" for name in BITS if _narrow(agreement, name)]
    return agreement, "; ".join(answer)


def _narrow(agreement: Agreement, name: str) -> bool:
    return bool(getattr(agreement, name) < 15)


LEAST_BITS: Final = 9
"""The smallest window that zlib compresses with; with one of 8 bits it can inflate only."""

OFFER: Final = f"{NAME}; client_max_window_bits"
"""What a client offers."""


def answered(answer: str) -> Agreement | None:
    """What a client makes of a server's ``Sec-WebSocket-Extensions``.

    Raises:
        ProtocolError: the server wants what was not offered, or cannot be done.
    """
    if not answer:
        return None
    found = list(_extensions(answer))
    accepted = found[0] if len(found) == 1 else None
    bits = [int((accepted or {}).get(name) or 15) for name in BITS]
    if accepted is None:
        raise ProtocolError(f"the server wants the extension {answer!r}, which was not offered")
    return Agreement(FLAGS[0] in accepted, FLAGS[1] in accepted, bits[0], bits[1])


def _extensions(header: str) -> Iterator[Parameters | None]:
    """The parameters of each extension; `None` for one that is not this one, or is wrong."""
    for text in header.split(","):
        name, *rest = (part.strip() for part in text.split(";"))
        parameters: dict[str, str | None] = {}
        right = name == NAME
        for part in rest:
            key, equals, value = part.partition("=")
            key, value = key.strip(), value.strip().strip('"')
            right = right and key not in parameters and _is_right(key, value if equals else None)
            parameters[key] = value if equals else None
        yield parameters if right else None


def _is_right(name: str, value: str | None) -> bool:
    if name in FLAGS:
        return value is None
    if value is None:
        return name == BITS[1]
    return name in BITS and value in {"8", "9", "10", "11", "12", "13", "14", "15"}


def largest_frame(max_length: int, *, deflates: bool) -> int:
    """The largest frame to take: what cannot be compressed gets a little longer by trying to."""
    return max_length + max_length // 1000 + 64 if deflates else max_length


class Deflate:
    """Compresses the messages of one side, and inflates those of the other."""

    __slots__ = (
        "_deflating",
        "_forgets_incoming",
        "_forgets_outgoing",
        "_incoming_bits",
        "_inflating",
        "_outgoing",
        "compresses",
    )

    def __init__(self, agreement: Agreement, settings: Settings, *, serves: bool) -> None:
        ours, theirs = (0, 1) if serves else (1, 0)
        self._forgets_outgoing = bool(getattr(agreement, FLAGS[ours]))
        self._forgets_incoming = bool(getattr(agreement, FLAGS[theirs]))
        bits = getattr(agreement, BITS[ours])
        self.compresses = bits >= LEAST_BITS
        """Whether messages may leave compressed: a peer with a smaller window cannot read ours."""
        self._outgoing = {**settings.compress_settings, "wbits": -bits}
        self._incoming_bits = -max(LEAST_BITS, getattr(agreement, BITS[theirs]))
        self._deflating: Any = None
        self._inflating: Any = None

    def deflate(self, payload: bytes) -> bytes:
        """A message as it is sent, with the first reserved bit set."""
        if self._deflating is None:
            self._deflating = zlib.compressobj(**self._outgoing)
        data: bytes = self._deflating.compress(payload)
        data += self._deflating.flush(zlib.Z_SYNC_FLUSH)
        if self._forgets_outgoing:
            self._deflating = None
        return data[: -len(TAIL)]

    def inflate(self, payload: bytes, room: int, *, last: bool) -> bytes:
        """What a frame of a compressed message holds.

        Args:
            payload: of the frame.
            room: how many bytes the message may still have.
            last: whether the message ends with it.

        Raises:
            TooLarge: there is more in it.
            ProtocolError: it cannot be inflated.
        """
        if self._inflating is None:
            self._inflating = zlib.decompressobj(self._incoming_bits)
        inflating = self._inflating
        try:
            data: bytes = inflating.decompress(payload + TAIL if last else payload, room + 1)
        except zlib.error as error:
            raise ProtocolError(f"a compressed message cannot be inflated: {error}") from error
        if len(data) > room:
            raise TooLarge("message too big")
        if inflating.eof:  # section 7.2.3.4: a message may end with a final block and a zero
            if len(inflating.unused_data) > 1 + len(TAIL) or not last:
                raise ProtocolError("a compressed message goes on behind its end")
            self._inflating = None
        if last and self._forgets_incoming:
            self._inflating = None
        return data
