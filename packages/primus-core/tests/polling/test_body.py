"""Bodies that are posted."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from primus import Request, Response
from primus.errors import ProtocolError
from primus.http import Address
from primus.polling import BodyRefused, read_body
from primus_testing import DEADLINE, ManualClock, make_request, running


async def test_a_body_may_come_in_chunks(manual_clock: ManualClock) -> None:
    request = make_request(method="POST", body=[b"one", b"two"])
    assert await read_body(request, limit=6, within=10, clock=manual_clock) == b"onetwo"
    assert manual_clock.pending == 0


async def test_a_body_of_announced_length_is_refused_unread(manual_clock: ManualClock) -> None:
    for length in ("7", "9" * 5000):
        request = make_request(method="POST", headers={"Content-Length": length}, body=[b"x"])
        with pytest.raises(BodyRefused) as refused:
            await read_body(request, limit=6, within=10, clock=manual_clock)
        assert refused.value.status == refused.value.response.status == 413


async def test_a_body_that_turns_out_too_long_is_refused(manual_clock: ManualClock) -> None:
    request = make_request(method="POST", body=[b"four", b"four"])
    with pytest.raises(BodyRefused) as refused:
        await read_body(request, limit=7, within=10, clock=manual_clock)
    assert refused.value.status == 413
    assert manual_clock.pending == 0


async def test_a_body_that_trickles_is_refused_at_its_deadline(manual_clock: ManualClock) -> None:
    request = trickling()
    reading = asyncio.ensure_future(read_body(request, limit=100, within=10, clock=manual_clock))
    await asyncio.sleep(0)
    manual_clock.advance(9.9)
    await asyncio.sleep(0)
    assert not reading.done()
    manual_clock.advance(0.1)
    with pytest.raises(BodyRefused) as refused:
        await reading
    assert refused.value.status == 408


async def test_a_cancelled_reader_is_cancelled(manual_clock: ManualClock) -> None:
    reading = asyncio.ensure_future(
        read_body(trickling(), limit=100, within=10, clock=manual_clock)
    )
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert manual_clock.pending == 0


async def test_a_reader_cancelled_at_its_deadline_is_cancelled(manual_clock: ManualClock) -> None:
    reading = asyncio.ensure_future(
        read_body(trickling(), limit=100, within=10, clock=manual_clock)
    )
    await asyncio.sleep(0)
    manual_clock.advance(10)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.parametrize(
    ("header", "sent", "status"),
    [
        (b"Content-Encoding: gzip\r\nContent-Length: 5", b"hello", 400),
        (b"Content-Length: 10", b"short", 400),
        (b"Content-Length: 101", b"", 413),
        (b"Transfer-Encoding: chunked", b"65\r\n" + b"x" * 101, 413),
        (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n", 200),
    ],
)
async def test_over_a_real_wire(
    header: bytes, sent: bytes, status: int, manual_clock: ManualClock
) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()
    statuses: list[int] = []

    async def post(request: Request) -> Response:
        asked.set()
        try:
            body = await read_body(request, limit=100, within=10, clock=manual_clock)
        except BodyRefused as refused:
            statuses.append(refused.status)
        else:
            statuses.append(200 if body == b"hello" else 500)
        answered.set()
        return Response(statuses[-1])

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("post", post)
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /primus/post HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
        await asked.wait()
        writer.write(sent)
        if sent == b"short":
            writer.close()
        await answered.wait()
        writer.close()
    assert statuses == [status]


def trickling() -> Request:
    """A post whose body never ends."""

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    headers = CIMultiDictProxy(CIMultiDict[str]())
    return Request("POST", "/primus", headers, address=Address("127.0.0.1"), body=body)


async def test_a_body_as_long_as_the_limit_is_taken(manual_clock: ManualClock) -> None:
    headers = {"Content-Length": "6"}
    request = make_request(method="POST", headers=headers, body=[b"onetwo"])
    assert await read_body(request, limit=6, within=10, clock=manual_clock) == b"onetwo"


@pytest.mark.parametrize("length", ["-7", "+7", "7.0", "seven", ""])
async def test_a_length_that_is_no_number_announces_nothing(
    manual_clock: ManualClock, length: str
) -> None:
    request = make_request(method="POST", headers={"Content-Length": length}, body=[b"x"])
    assert await read_body(request, limit=6, within=10, clock=manual_clock) == b"x"


@pytest.mark.parametrize(
    ("status", "option"),
    [(408, 'transport["body_timeout"]'), (413, 'transport["max_payload"]'), (400, None)],
)
def test_the_error_of_a_body_names_the_option_it_has_not_kept_to(
    status: int, option: str | None
) -> None:
    refused = BodyRefused("no", status)

    assert getattr(refused.error, "option", None) == option
    assert refused.response.headers["Connection"] == "close"


@pytest.mark.parametrize("failure", [ProtocolError("chunks"), ConnectionResetError("gone")])
async def test_a_body_that_breaks_off_is_refused(
    manual_clock: ManualClock, failure: Exception
) -> None:
    async def read() -> AsyncIterator[bytes]:
        yield b"x"
        raise failure

    headers = CIMultiDictProxy(CIMultiDict[str]())
    address = Address("127.0.0.1", 1)
    request = Request("POST", "/primus", headers, address=address, secure=False, body=read)
    with pytest.raises(BodyRefused, match="did not arrive") as refused:
        await read_body(request, limit=6, within=10, clock=manual_clock)
    assert refused.value.status == 400
