"""Tokens: what a client brings back to show which rooms it was in, and up to where (pure).

A token is ``<payload>.<signature>``, both in base64url. The payload is a JSON list; the signature
is 128 bits of HMAC-SHA256 with a secret that all servers share. A token names the session, the
server that has it, and a position up to which the client got what its rooms got. The client adds
its newest position, which is not signed: a higher one costs it messages, and a lower one gives it
nothing.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Final, NamedTuple

from primus_recovery.limits import DEFAULT_LIMITS, RecoveryLimits
from primus_recovery.positions import in_text, positions
from primus_recovery.tail import Positions

__all__ = ["Signer", "Token"]

SIGNATURE: Final = 16
"""Bytes of the signature."""
LABEL: Final = b"primus-recovery 1\n"
"""So that a secret which is used elsewhere too signs nothing else."""


class Token(NamedTuple):
    """What a server has said of a client."""

    session: str
    key: str
    """Names what is kept for the session; a secret between the client and the servers."""
    node: str
    """The server that had the connection."""
    spark: str
    """The id of the connection, which messages to rooms may leave out."""
    user: str
    """A digest of what the connection belonged to."""
    epoch: str
    known: Positions
    """The positions that the client knew when the token was issued."""
    issued: float
    """When that was, in seconds since the Unix epoch."""
    rooms: tuple[str, ...] | None
    """The rooms with history that the client was in; `None` for more than a token can name."""


class Signer:
    """Signs tokens, and knows its own signature.

    Args:
        secrets: the secrets of the servers, the newest last: it signs, and all are known.
        window: for how many seconds a token is good.
        limits: the bounds.
    """

    __slots__ = ("_limits", "_secrets", "_window")

    def __init__(
        self, secrets: Iterable[bytes], window: float, limits: RecoveryLimits = DEFAULT_LIMITS
    ) -> None:
        self._secrets = tuple(secrets)
        self._window = window
        self._limits = limits

    def issue(self, token: Token) -> str:
        """The token as its client gets it; without its rooms if they are too many for a token."""
        if token.rooms is not None and len(token.rooms) <= self._limits.rooms:
            text = self._written(token)
            if len(text) <= self._limits.token_bytes:
                return text
        return self._written(token._replace(rooms=None))

    def read(self, text: str, now: float) -> Token | None:
        """The token in what a stranger has sent; `None` for what is none, or has run out."""
        if len(text) > self._limits.token_bytes or not text.isascii():
            return None
        payload, dot, signature = text.partition(".")
        try:
            given = urlsafe_b64decode(_padded(signature))
            if not dot or not self._has_signed(payload, given):
                return None
            session, key, node, spark, user, epoch, known, issued, rooms = json.loads(
                urlsafe_b64decode(_padded(payload))
            )
        except (ValueError, binascii.Error):
            return None
        if not -self._window < now - issued < self._window:
            return None
        places = positions(known, self._limits.positions)
        if places is None:
            return None
        named = None if rooms is None else tuple(rooms)
        return Token(session, key, node, spark, user, epoch, places, issued, named)

    def is_foreign(self, text: str) -> bool:
        """Whether this has the form of a token, and is not signed by a secret that is known."""
        if len(text) > self._limits.token_bytes or not text.isascii():
            return False
        payload, _, signature = text.partition(".")
        try:
            given = urlsafe_b64decode(_padded(signature))
            values = json.loads(urlsafe_b64decode(_padded(payload)))
        except (ValueError, RecursionError):
            return False
        return (
            isinstance(values, list)
            and len(values) == len(Token._fields)
            and len(given) == SIGNATURE
            and not self._has_signed(payload, given)
        )

    def digest(self, text: str) -> str:
        """A short digest of what a connection belongs to; it says nothing about the text."""
        made = digest(
            self._secrets[-1], LABEL + b"user\n" + text.encode("utf-8", "replace"), sha256
        )
        return _encoded(made[:9])

    def _written(self, token: Token) -> str:
        values = [*token[:6], in_text(token.known), int(token.issued), token.rooms]
        payload = _encoded(json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode())
        return f"{payload}.{_encoded(self._signature(self._secrets[-1], payload))}"

    def _has_signed(self, payload: str, given: bytes) -> bool:
        return any(
            compare_digest(given, self._signature(secret, payload)) for secret in self._secrets
        )

    def _signature(self, secret: bytes, payload: str) -> bytes:
        return digest(secret, LABEL + payload.encode(), sha256)[:SIGNATURE]


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _padded(text: str) -> bytes:
    return (text + "=" * (-len(text) % 4)).encode()
