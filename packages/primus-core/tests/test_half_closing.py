"""The end of the writing, on wires that end it and on those that cannot."""

import logging
import socket

import pytest

from primus.half_closing import half_close
from primus_testing import MemoryTransformer, NotingTransport, eventually
from primus_testing.plugin import ServerFactory


class Reset(NotingTransport):
    """One whose peer has reset the connection, as asyncio finds out when it shuts it down."""

    def write_eof(self) -> None:
        """Fail."""
        raise OSError(107, "Transport endpoint is not connected")


def test_writing_ends_alone_where_it_can() -> None:
    plain, tls = NotingTransport(), NotingTransport()
    tls.is_half_closable = False

    assert half_close(plain)
    assert not half_close(tls)

    assert (plain.story, tls.story) == (["eof"], [])


def test_a_wire_that_was_reset_is_dropped() -> None:
    wire = Reset()

    assert half_close(wire)

    assert wire.story == ["aborted"]


@pytest.mark.parametrize(
    "request_text",
    [
        "GET /primus/spec HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nmore",
        "POST /elsewhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
    ],
)
async def test_clients_that_reset_what_they_are_answered_leave_no_traceback(
    primus_server: ServerFactory, caplog: pytest.LogCaptureFixture, request_text: str
) -> None:
    server = await primus_server(on="own", transformer=MemoryTransformer)
    caplog.set_level(logging.ERROR)

    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(request_text.encode())
    assert (await server.get("/primus/spec")).status == 200  # all of these have been accepted
    await eventually(lambda: not server.site.waiting)

    assert caplog.text == ""
