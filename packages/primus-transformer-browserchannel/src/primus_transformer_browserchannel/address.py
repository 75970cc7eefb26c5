"""The URLs of a server, as the client half asks for them."""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from primus.errors import OptionError
from primus_transformer_browserchannel.chunks import VERSION

__all__ = ["Address"]

OWN: Final = frozenset(
    {"AID", "CI", "CVER", "MODE", "OAID", "OSID", "RID", "SID", "TYPE", "VER", "t", "zx"}
)
"""The fields of a query string that the protocol needs for itself; the user's are not sent."""

AFFINITY: Final = "a"
"""A field that is the same in all requests of a session, for load balancers to go by."""


class Address:
    """The URLs of one session.

    Args:
        url: the one that was dialled, with its query.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise OptionError(f"cannot open a connection to {url!r}")
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        fields = [field for field in parts.query.split("&") if field]
        names = [unquote(field.partition("=")[0]) for field in fields]
        kept = [field for field, name in zip(fields, names, strict=True) if name not in OWN]
        if AFFINITY not in names:
            kept.append(f"{AFFINITY}={secrets.token_hex(6)}")
        self._query = "&".join([*kept, f"VER={VERSION}"])

    def test(self, **fields: str) -> str:
        """The URL of a test of the way to the server."""
        return self._of("test", 1, fields)

    def bind(self, attempt: int = 1, /, **fields: str | int) -> str:
        """The URL of a request of the session.

        Args:
            attempt: how often it has been tried, with this time.
            fields: of the query string.
        """
        return self._of("bind", attempt, fields)

    def _of(
        self, endpoint: str, attempt: int, fields: dict[str, str] | dict[str, str | int]
    ) -> str:
        own = "".join(f"&{name}={quote(str(value), safe='')}" for name, value in fields.items())
        zx = secrets.token_hex(6)  # no cache has an answer for it
        return f"{self._base}/{endpoint}?{self._query}{own}&zx={zx}&t={attempt}"
