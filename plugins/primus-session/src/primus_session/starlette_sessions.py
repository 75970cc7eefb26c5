"""Sessions of Starlette's ``SessionMiddleware``."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any, Final

from primus import OptionError

__all__ = ["StarletteSessions"]

FORTNIGHT: Final = 14 * 24 * 3600


class StarletteSessions:
    """Loads what ``SessionMiddleware`` has put into its cookie.

    Args:
        secret_key: as the middleware has it.
        session_cookie: the name of the cookie.
        max_age: seconds for which a cookie is valid; `None` for ever.

    Raises:
        OptionError: there is no secret, or itsdangerous is not installed.
    """

    def __init__(
        self, secret_key: object, session_cookie: str = "session", max_age: float | None = FORTNIGHT
    ) -> None:
        if not str(secret_key):
            raise OptionError("session: the secret_key of SessionMiddleware is required")
        try:
            from itsdangerous import TimestampSigner
        except ImportError as error:
            raise OptionError(
                'StarletteSessions needs itsdangerous: pip install "primus-session[starlette]"'
            ) from error
        self._signer = TimestampSigner(str(secret_key))
        self._cookie = session_cookie
        self._max_age = None if max_age is None else int(max_age)

    def __call__(self, spark: Any) -> dict[str, Any] | None:
        """The session of a spark."""
        from itsdangerous import BadSignature

        cookie = spark.request.cookies.get(self._cookie)
        if cookie is None:
            return None
        try:
            session = json.loads(b64decode(self._signer.unsign(cookie, max_age=self._max_age)))
        except (BadSignature, ValueError):
            return None
        return session if isinstance(session, dict) else None
