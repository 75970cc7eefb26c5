"""HTTP as the client half needs it, on aiohttp."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from primus.errors import HandshakeError, OptionError, TransportError
from primus.transformer import Dial

__all__ = ["HTTP", "Address"]

LONGEST_REFUSAL: Final = 64 * 1024
PAYLOAD_FACTOR: Final = 16
LEAST_PAYLOAD: Final = 16 << 20
"""Bytes; a server sends all that has waited in one answer."""

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
        self._query = parts.query

    def of(self, transport: str, revision: int, sid: str | None = None) -> str:
        """The URL of a request of a session, or of the handshake of a new one."""
        query = f"{self._query}&" if self._query else ""
        url = f"{self.base}/?{query}EIO={revision}&transport={transport}&t={next(_stamps):x}"
        if revision == 3:
            url += "&b64=1"  # as Primus asks for it: bytes come as base64
        return url if sid is None else f"{url}&sid={sid}"


class HTTP:
    """Asks for payloads and posts them; `dial` says how."""

    def __init__(self, dial: Dial) -> None:
        options = dial.options
        tls = options.get("ssl", True)
        connector: aiohttp.BaseConnector = (
            aiohttp.UnixConnector(options["unix"], limit=0)
            if "unix" in options
            else aiohttp.TCPConnector(limit=0, ssl=tls)
        )
        self._longest = max(PAYLOAD_FACTOR * dial.max_length, LEAST_PAYLOAD)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=options.get("headers"),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # load balancers have addresses, too
        )

    async def get(self, url: str) -> tuple[bytes, str]:
        """Body and content type of an answer.

        Raises:
            HandshakeError: its status is not 200.
            TransportError: there is no answer, or one that is too long.
        """
        return await self._ask("GET", url)

    async def post(self, url: str, body: bytes, content_type: str) -> None:
        """Post a payload.

        Raises:
            HandshakeError: the status of the answer is not 200.
            TransportError: there is no answer.
        """
        await self._ask("POST", url, data=body, headers={"Content-Type": content_type})

    async def _ask(self, method: str, url: str, **options: Any) -> tuple[bytes, str]:
        target = URL(url, encoded=True)
        try:
            async with self._session.request(method, target, **options) as response:
                if response.status != 200:
                    raise HandshakeError(
                        f"unexpected server response: {response.status}",
                        status=response.status,
                        headers=response.headers,
                        body=await response.content.read(LONGEST_REFUSAL),
                    )
                return await self._body(response), response.headers.get("Content-Type", "")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransportError(f"cannot talk to {target.host}:{target.port}: {error}") from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._longest:
                raise TransportError(f"an answer has more than {self._longest} bytes")
        return bytes(body)

    def cookies(self, url: str) -> Mapping[str, str]:
        """The header with the cookies that the server has set; there may be none."""
        found = self._session.cookie_jar.filter_cookies(URL(url, encoded=True))
        text = "; ".join(f"{name}={cookie.value}" for name, cookie in found.items())
        return {"Cookie": text} if text else {}

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
