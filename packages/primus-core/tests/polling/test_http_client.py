"""What a client says about a request of its own that has failed."""

import asyncio
from pathlib import Path

import pytest

from primus.errors import HandshakeError, ProtocolError, TransportError
from primus.polling import NothingListens, PollingClient, opened_session
from primus.transformer import DialOptions
from primus_testing import answer, scripted_server


async def test_an_error_names_the_request_and_none_of_its_secrets(tmp_path: Path) -> None:
    url = "http://server.example/primus/000/key/xhr?token=key&sid=key"
    client = PollingClient(DialOptions(url, 1000, options={"unix": str(tmp_path / "absent")}))
    with pytest.raises(TransportError, match=r"POST server\.example/primus/\.\.\./xhr failed") as e:
        await client.ask("POST", url, limit=1000)
    await client.close()
    assert "key" not in str(e.value)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: secret\r\n",
    ],
)
async def test_an_answer_that_cannot_be_read_tells_no_secrets_of_its_request(
    garbage: bytes,
) -> None:
    options = {"headers": {"Authorization": "Bearer secret"}}
    async with scripted_server(lambda asked: [garbage, b""]) as server:
        client = PollingClient(DialOptions(server.url, 1000, options=options))
        with pytest.raises(TransportError, match=r"GET 127\.0\.0\.1:.* failed: ") as raised:
            await client.ask("GET", f"{server.url}/?token=secret", limit=1000)
        await client.close()
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
async def test_a_request_follows_no_redirect(status: str) -> None:
    moved = answer("", status, "Location: /elsewhere")
    async with scripted_server(lambda asked: [moved]) as server:
        client = PollingClient(DialOptions(server.url, 1000))
        with pytest.raises(HandshakeError) as raised:
            await client.ask("POST", f"{server.url}/primus", b"message", limit=1000)
        await client.close()
        assert raised.value.status == int(status[:3])
        assert [asked.target for asked in server.requests] == ["/primus"]


@pytest.mark.parametrize(("size", "fits"), [(10, True), (11, False)])
async def test_an_answer_may_be_as_long_as_the_limit(size: int, fits: bool) -> None:
    async with scripted_server(lambda asked: [answer("x" * size)]) as server:
        client = PollingClient(DialOptions(server.url, 1000))
        if fits:
            assert await client.ask("GET", server.url, limit=10) == b"x" * size
        else:
            with pytest.raises(ProtocolError, match="more than 10 bytes"):
                await client.ask("GET", server.url, limit=10)
        await client.close()


@pytest.mark.parametrize(
    ("status", "is_taken"),
    [("200 OK", True), ("204 No Content", True), ("201 Created", False), ("404 No", False)],
)
async def test_an_answer_is_taken_by_its_status(status: str, is_taken: bool) -> None:
    async with scripted_server(lambda asked: [answer("", status)]) as server:
        client = PollingClient(DialOptions(server.url, 1000))
        if is_taken:
            assert await client.ask("GET", server.url, limit=10) == b""
        else:
            with pytest.raises(HandshakeError):
                await client.ask("GET", server.url, limit=10)
        await client.close()


async def test_a_server_that_refuses_connections_is_told_from_one_that_breaks_them(
    unused_tcp_port: int,
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/"
    client = PollingClient(DialOptions(url, 1000))
    with pytest.raises(NothingListens):
        await client.ask("GET", url, limit=10)
    await client.close()
    async with scripted_server(lambda asked: None) as server:
        client = PollingClient(DialOptions(server.url, 1000))
        with pytest.raises(TransportError) as broken:
            await client.ask("GET", server.url, limit=10)
        assert not isinstance(broken.value, NothingListens)
        await client.close()


async def test_the_type_of_what_is_posted_is_told_only_where_it_is_known() -> None:
    async with scripted_server(lambda asked: [answer("")]) as server:
        client = PollingClient(DialOptions(server.url, 1000))
        await client.ask("POST", server.url, b"x", content_type="text/plain", limit=10)
        await client.ask("GET", server.url, limit=10)
        await client.close()
    assert server.requests[0].headers["content-type"] == "text/plain"
    assert "content-type" not in server.requests[1].headers


async def test_cookies_of_the_server_take_the_place_of_the_users_of_that_name() -> None:
    set_cookie = answer("", "200 OK", "Set-Cookie: node=2", "Set-Cookie: b=x")
    async with scripted_server(lambda asked: [set_cookie]) as server:
        headers = {"Cookie": "a=1; node = 1;; c=3"}
        client = PollingClient(DialOptions(server.url, 1000, options={"headers": headers}))
        assert client.cookies(server.url) == {}
        await client.ask("GET", server.url, limit=10)
        found = client.cookies(server.url)["Cookie"].split("; ")
        await client.close()
    assert found[:2] == ["a=1", "c=3"]
    assert sorted(found[2:]) == ["b=x", "node=2"]


@pytest.mark.parametrize("answered", ["session", TransportError("no")])
async def test_a_session_that_opens_when_its_client_has_gone_is_ended(
    answered: str | TransportError,
) -> None:
    asked = asyncio.Event()
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    left: list[str] = []

    async def request() -> str:
        asked.set()
        return await answer

    async def leave(session: str) -> None:
        left.append(session)

    opening = asyncio.ensure_future(opened_session(request(), leave))
    await asked.wait()
    opening.cancel()
    await asyncio.sleep(0)
    assert not opening.done()
    if isinstance(answered, str):
        answer.set_result(answered)
    else:
        answer.set_exception(answered)
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert left == (["session"] if answered == "session" else [])


async def test_a_session_that_does_not_open_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("primus.polling.http_client.LEAVE_TIMEOUT", 0.0)
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def request() -> str:
        return await answer

    async def leave(session: str) -> None:
        raise AssertionError(session)

    opening = asyncio.ensure_future(opened_session(request(), leave))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert answer.cancelled()


async def test_a_request_of_a_client_that_has_been_closed_fails_as_one_that_is_lost() -> None:
    client = PollingClient(DialOptions("http://127.0.0.1:1/primus?token=s3cret", 1000))
    await client.close()

    with pytest.raises(TransportError, match=r"POST 127\.0\.0\.1:1/primus failed"):
        await client.ask("POST", "http://127.0.0.1:1/primus?token=s3cret", b"late", limit=1000)
