"""What does not fit between a client and the server that it has reached, by ``<pathname>/spec``.

A handshake that fails, or a first frame that cannot be read, shows little of its cause. So the
server is asked once what it is, for a few seconds at the most, and the error names what differs.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from primus.client.address import Address
from primus.client.spec import fetch_spec
from primus.errors import HandshakeError, MissingLibraryError, TransportError

__all__ = [
    "NOT_FOUND",
    "PLAIN_WEBSOCKETS",
    "Client",
    "differences",
    "nothing_there",
    "scheme_mismatch",
    "why_no_wire",
]

PLAIN_WEBSOCKETS: Final = ("websockets", "lws", "uws", "picows", "faye")
"""The transformers that are one and the same on the wire."""

BESIDE_THE_NAME: Final = re.compile(r"^primus-|[-/]broadcast$|\.primus$")
"""What the other names of a plugin have besides, such as ``primus-emit/broadcast``."""

NO_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
)
"""How OpenSSL calls the answer of a server that speaks no TLS."""

NOTHING_THERE: Final = (
    None,  # several addresses, and nothing at any
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ETIMEDOUT,
    errno.ENOENT,
)

SPEAKING: Final = (401, 407, 429, 503)
"""Refusals by which a server, or a proxy, says all there is to say."""

FORBIDDEN: Final = 403
"""How ASGI servers answer for an application that closes before it accepts."""

NOT_FOUND: Final = 404

FAILED: Final = 500
"""How a server of Primus answers for a layer that has raised."""

SPEC_OPTIONS: Final = ("headers", "ssl", "unix")


@dataclass(frozen=True, slots=True)
class Client:
    """How a client is configured."""

    address: Address
    """Where it connects to."""
    transformer: str
    parser: str
    plugins: tuple[str, ...] = ()
    transport: Mapping[str, Any] | None = None
    """Its option ``transport``."""
    upgrades: bool = True
    """Whether it connects by a WebSocket at once."""

    async def spec(self, timeout: float, *, secure: bool | None = None) -> dict[str, Any]:
        """The description of the server, as `fetch_spec`; `secure` asks over TLS or without."""
        address = self.address
        if secure is not None:
            address = replace(address, scheme="https" if secure else "http")
        transport = {n: v for n, v in (self.transport or {}).items() if n in SPEC_OPTIONS}
        origin = replace(address, pathname="")
        try:
            return await fetch_spec(
                str(origin), pathname=address.pathname, timeout=timeout, transport=transport
            )
        except MissingLibraryError as error:
            raise TransportError(str(error)) from error  # so nothing is found out


async def why_no_wire(error: Exception, client: Client, timeout: float) -> str:
    """A sentence that names why a wire could not be opened; empty when nothing is found.

    Args:
        error: how the attempt has failed.
        client: what has tried.
        timeout: seconds that the server gets for each question.
    """
    status = error.status if isinstance(error, HandshakeError) else None
    if status in SPEAKING:
        return ""
    if _is_refused_in_words(error):
        return ""
    mismatch = await scheme_mismatch(error, client, timeout)
    if mismatch or _is_unreachable(error):
        return mismatch
    try:
        spec = await client.spec(timeout)
    except HandshakeError as refused:
        if status == refused.status == NOT_FOUND:
            return nothing_there(client)
        return ""
    except TransportError:
        return ""
    found = differences(spec, client)
    if found or not client.upgrades:
        return found
    if status == FAILED:
        return (
            "something raised on the server, in a layer of its middleware or the authorization "
            "handler: its log says what"
        )
    answered = "" if status is None else f" (status {status})"
    perhaps = "it refuses this client, " if status == FORBIDDEN else ""
    return (
        f"the server answers {client.address.pathname}/spec, but takes no WebSocket{answered}: "
        f"{perhaps}a proxy in between drops the headers Upgrade and Connection, or an ASGI "
        f"application has no WebSocket route at {client.address.pathname!r}"
    )


def _is_refused_in_words(error: Exception) -> bool:
    """Whether a layer or an authorization handler of Primus has refused, whose words are there."""
    return (
        isinstance(error, HandshakeError)
        and error.status == FORBIDDEN
        and error.body.startswith(b'{"error":')
    )


def nothing_there(client: Client) -> str:
    """A sentence for a server that answers 404 at ``<pathname>/spec``."""
    return (
        f"there is no Primus at {client.address.pathname!r} of this server: "
        "compare the option pathname. An ASGI server has to run primus.asgi, not the application "
        "alone"
    )


async def scheme_mismatch(error: Exception, client: Client, timeout: float) -> str:
    """A sentence when one side speaks TLS and the other does not; else empty."""
    host = client.address.host
    if _speaks_no_tls(error):
        return f"{host} does not speak TLS: connect to http:// or ws:// instead"
    if client.address.scheme != "http" or _is_unreachable(error):
        return ""
    try:
        await client.spec(timeout)
    except HandshakeError as refused:
        if refused.status != 400:  # as nginx answers without TLS
            return ""
    except TransportError:
        pass
    else:
        return ""
    try:
        await client.spec(timeout, secure=True)
    except TransportError as failure:
        if not any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(failure)):
            return ""
    return f"{host} speaks TLS: connect to https:// or wss:// instead"


def differences(spec: Mapping[str, Any], client: Client) -> str:
    """A sentence that names what differs of a server and a client; empty when nothing does."""
    found = []
    theirs, ours = spec["transformer"].lower(), client.transformer.lower()
    if theirs != ours and not {theirs, ours} <= set(PLAIN_WEBSOCKETS):
        found.append(f"the server's transformer is {theirs!r}, that of this client is {ours!r}")
    if spec["parser"].lower() != client.parser.lower():
        found.append(
            f"the server's parser is {spec['parser']!r}, that of this client is {client.parser!r}"
        )
    known = spec.get("plugins")
    if isinstance(known, list):
        used = {_plain(name) for name in known if isinstance(name, str)}
        missing = [name for name in client.plugins if _plain(name) not in used]
        if missing:
            found.append(f"the server does not use the plugin {', '.join(map(repr, missing))}")
    return "; ".join(found)


def _plain(plugin: str) -> str:
    """One of the names of a plugin; those that are one and the same on the wire have the same."""
    return BESIDE_THE_NAME.sub("", plugin.lower())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what has led to it."""
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or getattr(error, "os_error", None)


def _speaks_no_tls(error: Exception) -> bool:
    return any(
        isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None) in NO_TLS
        for cause in _causes(error)
    )


def _is_nothing_there(error: OSError) -> bool:
    is_wait = isinstance(error, TimeoutError) and error.errno is None  # we have waited in vain
    return error.errno in NOTHING_THERE and not is_wait


def _is_unreachable(error: Exception) -> bool:
    """Whether nothing has answered at all, so that nothing can be asked."""
    return any(
        isinstance(cause, socket.gaierror | ssl.SSLCertVerificationError)
        or (isinstance(cause, OSError) and _is_nothing_there(cause))
        for cause in _causes(error)
    )
