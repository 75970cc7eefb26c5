"""What a server says about itself at ``<pathname>/spec``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from primus import option_checks as checks
from primus.client.address import Address, parse_url
from primus.credentials import separated
from primus.errors import ConnectTimeout, HandshakeError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.requirements import needing

if TYPE_CHECKING:
    from yarl import URL

__all__ = ["facts", "fetch_spec"]

LONGEST_TIME: Final = (1 << 31) - 1
"""Milliseconds that a timer of JavaScript can wait; what is longer is no time at all."""

REDIRECTS: Final = 5
"""How many redirects are followed, to other paths of the same server."""


async def fetch_spec(
    url: str,
    *,
    pathname: str = "/primus",
    timeout: float | None = 10.0,
    transport: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The description that every Primus server gives of itself.

    Args:
        url: where the server is, as for `Socket`.
        pathname: where Primus lives on it.
        timeout: seconds to wait for it; `None` for ever.
        transport: the options ``ssl``, ``headers`` and ``unix``, as for the connection.

    Raises:
        OptionError: the URL or one of the options cannot be used.
        HandshakeError: the server answered with another status than 200.
        ConnectTimeout: it did not answer in time.
        TransportError: it cannot be reached, or what it answers is no description.
        MissingLibraryError: aiohttp is not installed.
    """
    with needing("a client that is told neither transformer= nor parser="):
        import aiohttp

        from primus.requesting import told

    address = parse_url(url, pathname)
    address.pathname += "/spec"
    options = checks.transport("transport", transport or {})
    try:
        body = await _fetched(address, options, timeout)
    except TimeoutError as error:
        raise ConnectTimeout(f"{address.host} did not answer within {timeout} s") from error
    except (aiohttp.ClientError, OSError) as error:
        raise TransportError(
            f"cannot ask {_shown(address)} for its transformer: {told(error)}"
        ) from error
    return _parsed(body, _shown(address))


async def _fetched(address: Address, options: Mapping[str, Any], timeout: float | None) -> bytes:
    """The whole body of the answer, behind redirects on the same server.

    Raises:
        HandshakeError: its status is no 200, or it points to another server.
        TransportError: it is too long.
        aiohttp.ClientError, OSError: the server cannot be reached.
    """
    import aiohttp
    from yarl import URL

    from primus.requesting import is_redirect, open_session, read_up_to

    connector = aiohttp.UnixConnector(options["unix"]) if "unix" in options else None
    limit = DEFAULT_LIMITS.description_bytes
    plain, headers = separated(str(address), options.get("headers"))
    url = URL(plain, encoded=True)
    async with open_session(connector=connector, headers=headers, timeout=timeout) as session:
        for left in reversed(range(REDIRECTS + 1)):
            asked = session.get(url, ssl=options.get("ssl") or True, allow_redirects=False)
            async with asked as response:
                if left and is_redirect(response):
                    target = _same_origin(url, response.headers["Location"])
                    if target is not None:
                        url = target
                        continue
                body = await read_up_to(response, limit + 1)
                if response.status == 200:
                    break
                failure = HandshakeError.answered(response.status, response.headers, body[:limit])
                failure.args = (f"{_shown(address)} answered: {failure}",)
                raise failure
    if len(body) > limit:
        raise TransportError(f"{_shown(address)} answers with more than {limit} bytes")
    return body


def _same_origin(url: URL, location: str) -> URL | None:
    """Where a redirect leads; `None` when that is another server, or no place at all.

    The headers of the request may hold a token, which belongs to the server they were given for.
    """
    from yarl import URL

    try:
        target = url.join(URL(location)).with_user(None)
        return target if target.origin() == url.origin() else None
    except ValueError:
        return None


def _shown(address: Address) -> str:
    """The address as messages show it: without password and query."""
    return f"{address.scheme}://{address.host}{address.pathname}"


def _parsed(body: bytes, url: str) -> dict[str, Any]:
    try:
        spec = json.loads(body)
    except (ValueError, RecursionError):
        spec = None
    if not isinstance(spec, dict) or not all(
        isinstance(spec.get(name), str) for name in ("transformer", "parser")
    ):
        raise TransportError(f"what {url} answers does not describe a Primus server")
    return spec


def facts(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a client needs of a description: names, and how the server's heartbeat goes.

    Only servers from Primus 7 on have ``pingInterval``: they ping. Those before have only
    ``timeout``, the silence after which they end a connection. Both are in milliseconds.
    """
    found: dict[str, Any] = {"transformer": spec["transformer"], "parser": spec["parser"]}
    timeout = _seconds(spec.get("timeout"))
    if "pingInterval" in spec:
        interval = _seconds(spec["pingInterval"])
        return {
            **found,
            "pings": interval is not None,
            "ping_timeout": None if interval is None else 1.5 * interval,
            "timeout": timeout,
        }
    return {**found, "timeout": timeout}


def _seconds(milliseconds: object) -> float | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    return milliseconds / 1000 if 0 < milliseconds <= LONGEST_TIME else None
