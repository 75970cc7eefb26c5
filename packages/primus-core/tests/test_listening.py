"""Where a server of its own listens: a port that is shared, a socket that is given."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from primus import OptionError, Primus
from primus.server.listen import Listening
from primus_testing import MemoryTransformer


async def listening(**options: Any) -> Primus:
    """A server of its own."""
    return await Primus.create_server(
        transformer=MemoryTransformer, iknowhttpsisbetter=True, **options
    )


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """What a server says of itself."""
    writer.write(b"GET /primus/spec HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await reader.readuntil(b"}")
    writer.close()
    return answer


async def spec(port: int) -> bytes:
    """What the server at a port says of itself."""
    return await ask(*await asyncio.open_connection("127.0.0.1", port))


@pytest.mark.parametrize(
    ("given", "meant"), [("hosts", "host"), ("prot", "port"), ("sslContext", "ssl_context")]
)
async def test_an_argument_that_is_misspelt_is_told_with_the_right_one(
    given: str, meant: str
) -> None:
    with pytest.raises(OptionError, match=f"'{given}'. Did you mean '{meant}'"):
        await Primus.create_server(transformer=MemoryTransformer, **{given: None})


async def test_servers_share_a_port_by_reuse_port() -> None:
    one = await listening(host="127.0.0.1", reuse_port=True)
    two = await listening(host="127.0.0.1", port=one.port, reuse_port=True)

    assert two.port == one.port
    await one.destroy()
    assert b'"memory"' in await spec(two.port)
    await two.destroy()


@pytest.mark.parametrize("host", ["127.0.0.1", None])
async def test_a_port_is_not_shared_by_default(host: str | None) -> None:
    one = await listening(host=host, reuse_port=True)

    with pytest.raises(OSError, match="in use"):
        await listening(host=host, port=one.port)

    await one.destroy()


@pytest.mark.parametrize("listens", [False, True])
async def test_a_socket_that_was_bound_before_is_listened_on(listens: bool) -> None:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    if listens:
        sock.listen()

    primus = await listening(sock=sock)

    assert (primus.port, primus.url) == (port, f"http://127.0.0.1:{port}")
    assert b'"memory"' in await spec(port)
    await primus.destroy()
    with pytest.raises(ConnectionRefusedError):
        await spec(port)


async def test_connections_of_a_given_socket_send_at_once() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    primus = await listening(sock=sock)
    told: list[int] = []

    @primus.before("watch", index=0)
    def watch(request: Any) -> None:
        connection = request.native.get_extra_info("socket")
        told.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    await spec(primus.port)
    assert told == [1]
    await primus.destroy()


async def test_a_socket_for_every_address_is_reached_as_localhost() -> None:
    sock = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    primus = await listening(sock=sock)

    assert primus.url == f"http://localhost:{primus.port}"
    await primus.destroy()


async def test_a_unix_socket_is_listened_on(tmp_path: Path) -> None:
    path = str(tmp_path / "primus.sock")
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)

    primus = await listening(sock=sock)

    assert b'"memory"' in await ask(*await asyncio.open_unix_connection(path))
    assert primus.port == 0
    assert primus.url.startswith("http+unix://%2F")
    await primus.destroy()


@pytest.mark.parametrize("port", [-1, 65_536, "8080", None, True, 80.0])
async def test_a_port_is_a_number_in_its_range(port: Any) -> None:
    with pytest.raises(OptionError, match=r"'port' must be a number from 0 to 65535") as refused:
        await listening(host="127.0.0.1", port=port)
    assert str(refused.value).endswith(": convert the text by int()") is (port == "8080")


@pytest.mark.parametrize("others", [{"host": "127.0.0.1"}, {"port": 8080}, {"reuse_port": True}])
async def test_a_given_socket_has_its_address_already(others: dict[str, Any]) -> None:
    with socket.socket() as sock, pytest.raises(OptionError, match="'sock' is bound already"):
        await listening(sock=sock, **others)


async def test_a_given_socket_must_be_one_of_streams() -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as sock,
        pytest.raises(OptionError, match="'sock' must be a stream socket"),
    ):
        await listening(sock=sock)


def test_a_system_that_cannot_share_a_port_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT")

    with pytest.raises(OptionError, match="cannot share a port"):
        Listening(reuse_port=True)
