"""Sessions of Connect, Express 3 and express-session: signed cookies, and a store."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import unquote

from primus import OptionError
from primus.callables import is_awaitable
from primus.cookies import parse_cookies

__all__ = ["ConnectSessions", "Store", "signature", "signed_value"]

SIGNED: Final = "s:"
JSON: Final = "j:"


class Store(Protocol):
    """What keeps the sessions; a dictionary will do."""

    def get(self, sid: str, /) -> Any:
        """The session with that id, or an awaitable of it; `None` when there is none.

        Text is read as JSON, which stores of Connect keep in Redis and elsewhere.
        """


class ConnectSessions:
    """Loads what Connect or express-session has stored.

    Args:
        secret: what the cookies are signed with; of several, each is known.
        store: has the sessions by their ids, ``get(sid)``, plain or async. Without a store the
            cookie itself is the session, as of Connect's ``cookieSession``.
        key: the name of the cookie: ``connect.sid`` by default, without a store ``connect.sess``.

    Raises:
        OptionError: there is no secret, or the store has no ``get``.
    """

    def __init__(self, secret: Any, store: Store | None = None, key: str | None = None) -> None:
        self._secrets = _secrets(secret)
        if store is not None and not callable(getattr(store, "get", None)):
            raise OptionError(f"session: the store {store!r} has no method get(sid)")
        self._store = store
        self._key = key or ("connect.sess" if store is None else "connect.sid")

    async def __call__(self, spark: Any) -> Any:
        """The session of a spark."""
        value = signed_value(_cookies(spark).get(self._key), self._secrets)
        if not value:
            return None
        if self._store is None:
            return _json(value)
        session = self._store.get(value)
        if is_awaitable(session):
            session = await session
        return json.loads(session) if isinstance(session, str | bytes) else session


def signed_value(cookie: str | None, secrets: Iterable[bytes]) -> str | None:
    """The value in a signed cookie, `None` when it is not signed with any of the secrets."""
    if cookie is None:
        return None
    text = unquote(cookie)
    if not text.startswith(SIGNED):
        return None
    value, dot, given = text.removeprefix(SIGNED).rpartition(".")
    if not dot:
        return None
    signed = given.encode("utf-8", "surrogatepass")
    # All secrets are tried, so that the time tells nothing of which.
    matches = [hmac.compare_digest(signature(value, secret), signed) for secret in secrets]
    return value if any(matches) else None


def signature(value: str, secret: bytes) -> bytes:
    """What Connect puts behind a value, as text of Base64 without padding."""
    digest = hmac.digest(secret, value.encode("utf-8", "surrogatepass"), "sha256")
    return b64encode(digest).rstrip(b"=")


def _cookies(spark: Any) -> Mapping[str, str]:
    """The cookies of the handshake, else those in the parameter ``cookie`` of its URL.

    Of one that is repeated it is the first, as Connect has it.
    """
    lines = [text for text in spark.request.headers.getall("Cookie", ()) if text]
    pairs = ";".join(lines or [spark.query.text("cookie")]).split(";")
    return parse_cookies(reversed(pairs))


def _json(value: str) -> Any:
    if not value.startswith(JSON):
        return None
    try:
        return json.loads(value.removeprefix(JSON))
    except (ValueError, RecursionError):
        return None


def _secrets(secret: Any) -> list[bytes]:
    if not secret:
        raise OptionError("`secret` option required for sessions")
    given = [secret] if isinstance(secret, str | bytes) else secret
    keys = [each.encode() if isinstance(each, str) else each for each in _listed(given)]
    if not all(isinstance(key, bytes) and key for key in keys):
        raise OptionError("session: the secret must be a non-empty text, bytes, or a list of them")
    return keys


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, Iterable) else [None]
