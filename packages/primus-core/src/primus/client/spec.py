"""What a server says about itself at ``<pathname>/spec``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from primus.client.address import Address, parse_url
from primus.errors import ConnectTimeout, HandshakeError, TransportError

__all__ = ["facts", "fetch_spec"]

LARGEST_SPEC = 64 * 1024


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
        HandshakeError: the server answered with another status than 200.
        ConnectTimeout: it did not answer in time.
        TransportError: it cannot be reached, or what it answers is no description.
    """
    import aiohttp

    address = parse_url(url, pathname)
    address.pathname += "/spec"
    options = transport or {}
    connector = aiohttp.UnixConnector(options["unix"]) if "unix" in options else None
    limit = aiohttp.ClientTimeout(total=timeout)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=limit) as session,
            session.get(
                str(address), ssl=options.get("ssl", True), headers=options.get("headers")
            ) as response,
        ):
            body = await response.content.read(LARGEST_SPEC)
            if response.status != 200:
                raise HandshakeError(
                    f"{_shown(address)} answered with status {response.status}",
                    status=response.status,
                    headers=response.headers,
                    body=body,
                )
    except TimeoutError as error:
        raise ConnectTimeout(f"{address.host} did not answer within {timeout} s") from error
    except (aiohttp.ClientError, OSError) as error:
        raise TransportError(
            f"cannot ask {_shown(address)} for its transformer: {error}"
        ) from error
    return _parsed(body, _shown(address))


def _shown(address: Address) -> str:
    """The address as messages show it: without password and query."""
    return f"{address.scheme}://{address.host}{address.pathname}"


def _parsed(body: bytes, url: str) -> dict[str, Any]:
    import orjson

    try:
        spec = orjson.loads(body)
    except ValueError:
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
    return milliseconds / 1000 if milliseconds > 0 else None
