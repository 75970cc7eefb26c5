"""The door: two forms of one thing, of which a guard sees one and the server takes the other."""

import base64
import contextlib
import json
from itertools import product

import pytest

from attacks.targets import Targets
from attacks.wires import (
    HANDED_OVER,
    HOSTS,
    TEXT,
    WIRES,
    Raw,
    Refused,
    Wire,
    frame,
    head,
    http,
    open_websocket,
    upgrade,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

WEBSOCKETS, LWS, FAYE, ENGINEIO3, ENGINEIO4, SOCKJS = WIRES
PAIRS = [
    pytest.param(wire, host, id=f"{wire.name}-{host}")
    for wire, host in (*product(WIRES, HOSTS), *HANDED_OVER)
]
GOOD, EVIL = "Origin: http://good.example\r\n", "Origin: http://evil.example\r\n"
ORIGINS = {
    "a foreign one": EVIL,
    "null": "Origin: null\r\n",
    "a listed one first": GOOD + EVIL,
    "a listed one last": EVIL + GOOD,
    "two in one line": "Origin: http://good.example, http://evil.example\r\n",
    "a longer one": "Origin: http://good.example.evil.example\r\n",
    "with a path": "Origin: http://good.example/@evil.example\r\n",
    "an empty one": "Origin: \r\n",
}


@pytest.mark.parametrize(("wire", "host"), PAIRS)
async def test_only_an_origin_that_is_listed_is_let_in(
    targets: Targets, wire: Wire, host: str
) -> None:
    target = await targets.server(
        wire.transformer, host, options={"origins": "http://good.example"}
    )

    for kind, headers in ORIGINS.items():
        with contextlib.suppress(Refused, ConnectionError):
            await wire.open(target.port, headers=headers)
        assert (await target.ask("news"))["seen"] == {}, kind

    await wire.open(target.port, headers=GOOD)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/primus/?EIO=4&transport=polling", "/primus/0/x/xhr"])
async def test_a_foreign_origin_cannot_poll(targets: Targets, path: str, host: str) -> None:
    engine = "EIO" in path
    target = await targets.server(
        "engine.io" if engine else "sockjs", host, options={"origins": "http://good.example"}
    )
    method = "GET" if engine else "POST"

    for headers in ORIGINS.values():
        answer = await http(target.port, method, path, headers=headers)
        assert answer.status in {400, 403}

    assert (await target.ask("news"))["seen"] == {}


@pytest.mark.parametrize("host", ["own", "aiohttp"])  # uvicorn tells no version of an upgrade
@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
async def test_an_upgrade_in_http_1_0_is_refused(targets: Targets, wire: Wire, host: str) -> None:
    target = await targets.server(wire.transformer, host)
    raw = await Raw.dial(target.port)

    await raw.send(upgrade(wire.path(), version="1.0"))

    assert not (await raw.some()).startswith((b"HTTP/1.1 101", b"HTTP/1.0 101"))
    assert (await target.ask("news"))["seen"] == {}


@pytest.mark.parametrize("wire", [WEBSOCKETS, LWS, FAYE, ENGINEIO4, SOCKJS], ids=lambda it: it.name)
@pytest.mark.parametrize("host", HOSTS)
async def test_frames_without_a_mask_end_the_connection_unheard(
    targets: Targets, wire: Wire, host: str
) -> None:
    target = await targets.server(wire.transformer, host)
    raw = await wire.open(target.port)

    await raw.send(frame(TEXT, wire.packed("[1]").encode(), masked=False))

    assert await raw.closed() in {1002, None}
    assert (await target.ask("news"))["handled"] == {}


# -- paths


WAYS = [
    "/primus//secret",
    "//primus/secret",
    "/primus/./secret",
    "/primus/x/../secret",
    "/primus/%73ecret",
    "/%70rimus/secret",
    "/primus/secret%2f",
    "/primus/secret/",
    "/primus/secret;x",
    "http://localhost/primus/secret",
    "http://evil.example/primus/secret",
    "HTTP://localhost//primus/secret",
    "/primus\\secret",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_layer_that_guards_a_path_cannot_be_walked_around(
    targets: Targets, host: str
) -> None:
    """Whatever form a path has, what the layers see of it is what decides."""
    target = await targets.server("sockjs", host, layer="/primus/secret", options={})

    for way in WAYS:
        answer = await http(target.port, "POST", way.replace("secret", "secret/0/xhr"))
        assert answer.status >= 300, way
        assert b"o\n" not in answer.body, way
    assert (await target.ask("news"))["seen"] == {}


OMEGA = base64.b64encode(b"omega:of this test").decode()


@pytest.mark.parametrize("host", HOSTS)
async def test_omega_supreme_answers_at_exactly_one_path(targets: Targets, host: str) -> None:
    """A rule of a proxy such as ``path_beg /primus/omega`` would keep it inside."""
    target = await targets.server(host=host, options=omega_options())
    headers = f"Authorization: Basic {OMEGA}\r\n"
    body = json.dumps({"msg": "hello"}).encode()
    path = "/primus/omega/supreme"

    assert (await http(target.port, "PUT", path, body, headers)).status == 200

    ways = [way.replace("secret", "omega/supreme") for way in WAYS if "http://" not in way]
    ways += ["/primus/omega//supreme", "/primus/omega/supreme/", "/primus/omega/supreme?x=1"]
    answers = {way: await http(target.port, "PUT", way, body, headers) for way in ways}
    assert [way for way, answer in answers.items() if answer.status == 200] == []


def omega_options() -> dict:
    """A server with the endpoint."""
    return {
        "plugin": "omega-supreme",
        "password": "of this test",
    }


@pytest.mark.parametrize("host", ["own", "aiohttp"])
async def test_no_answer_can_be_split_by_what_a_request_holds(targets: Targets, host: str) -> None:
    target = await targets.server("sockjs", host, options={"transport": {"jsessionid": True}})

    for text in ("%0d%0aX-Evil:%201", "%0aX-Evil:%201", "\u0130"):
        for path in (f"/primus/{text}", f"/primus/0/{text}/xhr", f"/primus/info?{text}"):
            answer = await http(target.port, "POST", path, headers=f"Cookie: JSESSIONID={text}\r\n")
            assert "x-evil:" not in answer.head.lower()


@pytest.mark.parametrize("host", HOSTS)
async def test_an_address_is_believed_of_a_trusted_proxy_only(targets: Targets, host: str) -> None:
    stranger = await targets.server(host=host, options={"trusted_proxies": "192.0.2.1"})
    proxied = await targets.server(host=host, options={"trusted_proxies": "127.0.0.1"})
    tries = {
        "X-Forwarded-For: 1.2.3.4\r\n": "1.2.3.4",
        "X-Forwarded-For: 6.6.6.6, 1.2.3.4\r\n": "1.2.3.4",
        "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 1.2.3.4\r\n": "1.2.3.4",
        "X-Forwarded-For: 1.2.3.4, ::ffff:127.0.0.1\r\n": "1.2.3.4",
        "Forwarded: for=1.2.3.4\r\n": "1.2.3.4",
    }

    for headers, believed in tries.items():
        for target, wanted in ((stranger, "127.0.0.1"), (proxied, believed)):
            before = set(await target.ask("ids"))
            raw = await WEBSOCKETS.open(target.port, headers=headers)
            (spark,) = set(await target.ask("ids")) - before
            assert (await target.ask("facts", spark=spark))["ip"] == wanted, headers
            raw.close()


@pytest.mark.parametrize(("wire", "host"), PAIRS)
async def test_without_authorization_there_is_no_spark(
    targets: Targets, wire: Wire, host: str
) -> None:
    target = await targets.server(wire.transformer, host, token="secret")

    for query in ("", "token=", "token=wrong", "token=wrong&token=secret2"):
        with pytest.raises((Refused, ConnectionError, AssertionError)):
            await wire.open(target.port, query=query)

    assert (await target.ask("news"))["seen"] == {}
    (await wire.open(target.port, query="token=secret")).close()


async def test_a_request_that_looks_like_two_is_answered_as_one(targets: Targets) -> None:
    """Request smuggling: both lengths at once, and what stands behind an upgrade."""
    target = await targets.server("engine.io")
    raw = await Raw.dial(target.port, buffer=None)
    inner = head("GET", "/primus/?EIO=4&transport=polling")
    lengths = f"Content-Length: {len(inner)}\r\nTransfer-Encoding: chunked\r\n"
    await raw.send(head("POST", "/primus/spec", lengths) + b"0\r\n\r\n" + inner)
    answers = await raw.everything()
    assert answers.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))


async def test_the_handshake_of_a_websocket_needs_all_it_needs(targets: Targets) -> None:
    target = await targets.server()
    for bad in ("short", "", "x" * 40):
        with pytest.raises((Refused, ConnectionError)):
            await open_websocket(target.port, "/primus/", key=bad)
    assert (await target.ask("news"))["seen"] == {}
