"""The URLs of a server, as the client half asks for them."""

from __future__ import annotations

import itertools
import time
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from primus.errors import OptionError
from primus_transformer_engineio.options import POLLING

__all__ = ["Address"]

OWN: Final = frozenset({"EIO", "transport", "t", "sid", "b64", "j"})
"""The fields of a query string that the protocol needs for itself; the user's are not sent."""

_stamps = itertools.count(time.time_ns() // 1_000_000)


class Address:
    """The URLs of a server.

    Args:
        url: the one that was dialled, with its query.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise OptionError(f"cannot open a connection to {url!r}")
        self.host = parts.hostname or ""
        self.base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        fields = parts.query.split("&")
        self._query = "&".join(f for f in fields if f and unquote(f.partition("=")[0]) not in OWN)

    def of(self, transport: str, revision: int, sid: str | None = None) -> str:
        """The URL of a request of a session, or of the handshake of a new one."""
        query = f"{self._query}&" if self._query else ""
        url = f"{self.base}/?{query}EIO={revision}&transport={transport}&t={next(_stamps):x}"
        if transport == POLLING:
            url += "&b64=1"  # or else a server of revision 3 may answer in bytes
        return url if sid is None else f"{url}&sid={quote(sid, safe='')}"
