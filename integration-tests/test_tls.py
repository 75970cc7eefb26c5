"""Over TLS: by an ``ssl_context``, and by the file options of Primus."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from harness.casts import NODE, OURS_IN_NODE
from harness.certificate import Certificate, self_signed
from harness.network import RawWebSocket
from harness.stage import Stage
from primus import Primus, Spark, connect

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["ssl_context", "cert and key", "root, cert and key"])
def tls(request: pytest.FixtureRequest, certificate: Certificate) -> dict[str, Any]:
    """Each way in which a server is told of its certificate."""
    ways: dict[str, dict[str, Any]] = {
        "ssl_context": {"ssl_context": certificate.server_context},
        "cert and key": {"cert": str(certificate.cert), "key": str(certificate.key)},
        "root, cert and key": {
            "root": str(certificate.cert.parent),
            "cert": certificate.cert.name,
            "key": certificate.key.name,
        },
    }
    return ways[request.param]


def echo(spark: Spark) -> None:
    spark.on("data", spark.write)


async def test_a_server_with_a_certificate_speaks_tls_and_nothing_else(
    tls: dict[str, Any], certificate: Certificate
) -> None:
    primus = await Primus.create_server(echo, host="127.0.0.1", port=0, **tls)

    assert primus.url.startswith("https://")
    async with await RawWebSocket.connect(primus.port, tls=certificate.client_context) as socket:
        socket.send(b'"over tls"')
        assert await socket.receive() == (1, b'"over tls"')
    async with aiohttp.ClientSession() as http:
        url = f"https://localhost:{primus.port}/primus/primus.js"
        async with http.get(url, ssl=certificate.client_context) as response:
            assert response.status == 200
        with pytest.raises(aiohttp.ClientError):
            await http.get(f"http://127.0.0.1:{primus.port}/primus/spec")

    await primus.destroy()


async def test_our_client_speaks_tls_to_servers_that_it_trusts(certificate: Certificate) -> None:
    primus = await Primus.create_server(
        echo, host="127.0.0.1", port=0, ssl_context=certificate.server_context
    )
    url = f"https://localhost:{primus.port}"

    async with connect(url, transport={"ssl": certificate.client_context}) as socket:
        socket.write({"over": "tls"})
        assert await anext(aiter(socket)) == {"over": "tls"}

    await primus.destroy()


@pytest.mark.parametrize("kind", [*NODE, OURS_IN_NODE])
async def test_node_clients_speak_tls(stage: Stage, kind: str, certificate: Certificate) -> None:
    primus = await Primus.create_server(
        echo, host="127.0.0.1", port=0, ssl_context=certificate.server_context
    )
    client = await stage.client(kind)

    await client.connect(
        f"https://localhost:{primus.port}",
        writes=["over tls"],
        transport={"ca": Path(certificate.cert).read_text()},
    )

    assert await client.data() == "over tls"
    await client.end()
    await primus.destroy()


async def test_large_messages_pass_whole_over_tls(certificate: Certificate) -> None:
    primus = await Primus.create_server(
        echo, host="127.0.0.1", port=0, ssl_context=certificate.server_context
    )

    async with await RawWebSocket.connect(primus.port, tls=certificate.client_context) as socket:
        payload = b'"' + b"x" * 900_000 + b'"'
        socket.send(payload)
        assert await socket.receive() == (1, payload)

    await primus.destroy()
