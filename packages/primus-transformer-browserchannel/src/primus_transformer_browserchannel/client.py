"""The client half: tests the way to the server, and opens a session."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, ClassVar, Final

from primus import option_checks as checks
from primus.clock import Within
from primus.errors import OptionError, ProtocolError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.polling import PollingClient, opened_session
from primus.transformer import Connector, DialOptions
from primus_transformer_browserchannel.address import Address
from primus_transformer_browserchannel.chunks import VERSION, Array, ChunkReader, parse_arrays
from primus_transformer_browserchannel.client_session import ARRAYS, FORM, ClientSession, Retries
from primus_transformer_browserchannel.maps import form

if TYPE_CHECKING:
    from primus.contracts import Attachable

__all__ = ["BrowserChannelConnector"]

ALONE: Final = b"11111"
"""What arrives by itself where answers can stream; the rest follows two seconds later."""

TEST_TIMEOUT: Final = 10.0
FIRST_RIDS: Final = 100_000


class BrowserChannelConnector(Connector):
    """Opens sessions."""

    options = frozenset({"close_timeout", "headers", "retry_delay", "ssl", "streaming", "unix"})
    asks = True
    streaming: ClassVar[bool | None] = None
    """Whether answers may stream, unless the option ``streaming`` says it; `None` to test it."""

    async def open(self, dial: DialOptions, connection: Attachable) -> ClientSession:
        """A session that has been opened and does not read yet.

        Raises:
            HandshakeError: the server answered with a status other than it should.
            TransportError: it cannot be reached, or does not speak BrowserChannel.
            OptionError: the URL or a transport option cannot be used.
        """
        self.check(dial)
        retries = Retries(_seconds(dial, "retry_delay", 2.0))
        close_timeout = _seconds(dial, "close_timeout", 5.0)
        streaming = dial.options.get("streaming", self.streaming)
        if streaming not in (None, True, False):
            raise OptionError(f"transport streaming={streaming!r}: must be True, False or None")
        address = Address(dial.url)
        http = PollingClient(dial)
        try:
            if streaming is None:
                streaming = await _streams(http, address)
            rid = secrets.randbelow(FIRST_RIDS)

            async def leave(opened: tuple[str, list[Array]]) -> None:
                url = address.bind(SID=opened[0], RID=rid + 1, TYPE="terminate")
                await http.ask("GET", url, limit=DEFAULT_LIMITS.refusal_bytes)

            sid, early = await opened_session(_bind(http, address, rid), leave)
            session = ClientSession(
                sid,
                rid + 1,
                early,
                address=address,
                http=http,
                streams=streaming,
                max_length=dial.max_length,
                close_timeout=close_timeout,
                retries=retries,
            )
        except BaseException:
            await http.close()
            raise
        connection.attach(session)
        return session


def _seconds(dial: DialOptions, name: str, default: float) -> float:
    return checks.seconds(f"transport {name}", dial.options.get(name, default))


async def _streams(http: PollingClient, address: Address) -> bool:
    """Whether what the server sends arrives at once, and not all together in the end."""
    await http.ask("GET", address.test(MODE="init"), limit=DEFAULT_LIMITS.refusal_bytes)
    received = b""
    try:
        async with (
            Within(TEST_TIMEOUT),
            http.answer("GET", address.test(TYPE="xmlhttp")) as pieces,
        ):
            async for piece in pieces:
                received += piece
                if len(received) >= len(ALONE):
                    break
    except TimeoutError as error:
        raise TransportError(f"the test was not answered within {TEST_TIMEOUT} s") from error
    return received == ALONE


async def _bind(http: PollingClient, address: Address, rid: int) -> tuple[str, list[Array]]:
    """The id of a new session, and the arrays that came along with it.

    Raises:
        ProtocolError: the server answers something else.
    """
    url = address.bind(RID=rid)
    limit = DEFAULT_LIMITS.poll_bytes
    body = await http.ask("POST", url, form(0, ()), content_type=FORM, limit=limit)
    chunks = ChunkReader(limit).read(body)
    arrays = parse_arrays(chunks[0], ARRAYS) if len(chunks) == 1 else []
    if not arrays or arrays[0].id != 0:
        raise ProtocolError("the server opens no session")
    return _session_id(arrays[0].data), arrays[1:]


def _session_id(opening: Any) -> str:
    match opening:
        case ["c", str(sid), _, int(version)] if version == VERSION:
            # A URL has to hold it, in which no lone surrogate can be.
            if 0 < len(sid) <= DEFAULT_LIMITS.session_id and sid.isprintable():
                return sid
    raise ProtocolError("the server opens no session of this version")
