"""The options of the server, and the answers that they change."""

import gzip
import json
from typing import Any

import aiohttp
import pytest

from primus import OptionError, Primus
from primus_testing import MemoryTransformer, eventually
from primus_testing.plugin import ServerFactory

SHORT = {"close_timeout": 0.1}
"""For sessions that are not polled any more when a test is over."""

HANDSHAKE = "/primus/?EIO=4&transport=polling"


@pytest.mark.parametrize(
    ("transport", "message"),
    [
        (
            {"pingInterval": 25},
            "unknown pingInterval; the engine.io transformer takes body_timeout",
        ),
        ({"ping_interval": 0}, "ping_interval=0: must be seconds > 0"),
        ({"ping_interval": 25_000}, "25000 milliseconds are transport: ping_interval=25$"),
        ({"poll_timeout": False}, "poll_timeout=False: must be seconds > 0$"),
        ({"max_packets": True}, "max_packets=True: must be a whole number > 0"),
        ({"max_sessions": 0}, "max_sessions=0: must be a whole number > 0"),
        ({"max_sessions": None}, "max_sessions=None: must be a whole number > 0"),
        ({"max_sessions": True}, "max_sessions=True: must be a whole number > 0"),
        ({"max_sessions": "10"}, "max_sessions='10': must be a whole number > 0"),
        ({"transports": ["flashsocket"]}, "must be some of"),
        ({"revisions": []}, "must be some of"),
        ({"cookie": 7}, "cookie=7: must be a name"),
        ({"cookie": {"name": "io", "colour": "red"}}, "colour"),
    ],
)
def test_options_that_cannot_work_are_refused(transport: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Primus(transformer="engine.io", transport=transport)


def test_both_names_are_the_same_transformer() -> None:
    one, other = Primus(transformer="engine.io"), Primus(transformer="EngineIO")
    assert type(one.transformer) is type(other.transformer)
    assert not isinstance(one.transformer, MemoryTransformer)


@pytest.mark.parametrize(
    ("cookie", "attributes"),
    [
        (True, "HttpOnly; Path=/; SameSite=Lax"),
        ("io", "HttpOnly; Path=/; SameSite=Lax"),
        (
            {"name": "io", "secure": True, "same_site": "None"},
            "HttpOnly; Path=/; SameSite=None; Secure",
        ),
        ({"name": "io", "httponly": False, "max_age": 60}, "Max-Age=60; Path=/; SameSite=Lax"),
    ],
)
async def test_a_cookie_names_the_session_and_is_not_its_key(
    primus_server: ServerFactory, cookie: Any, attributes: str
) -> None:
    server = await primus_server(transformer="engine.io", transport={"cookie": cookie, **SHORT})
    answer = await server.get(HANDSHAKE)
    sid = json.loads(answer.text[1:])["sid"]
    name, _, rest = answer.headers["Set-Cookie"].partition("; ")
    (spark,) = server.primus
    assert rest == attributes
    assert name.startswith("io=")
    assert name.removeprefix("io=") not in ("", sid, spark.id)
    spark.write("x")
    assert "Set-Cookie" not in (await server.get(f"{HANDSHAKE}&sid={sid}")).headers


async def test_no_cookie_is_set_by_default(primus_server: ServerFactory) -> None:
    server = await primus_server(transformer="engine.io", transport=SHORT)
    assert "Set-Cookie" not in (await server.get(HANDSHAKE)).headers


async def test_long_answers_are_compressed_when_that_is_on(primus_server: ServerFactory) -> None:
    for on in (True, False):
        server = await primus_server(transformer="engine.io", compression=on, transport=SHORT)
        server.primus.on("connection", lambda spark: spark.write("x" * 2000))
        headers = {"Accept-Encoding": "gzip"}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as http,
            http.get(server.url + HANDSHAKE, headers=headers) as answer,
        ):
            assert answer.headers.get("Content-Encoding") == ("gzip" if on else None)
            body = await answer.read()
        assert b"xxxx" in (gzip.decompress(body) if on else body)


async def test_jsonp_is_answered_safely_when_asked_for(primus_server: ServerFactory) -> None:
    server = await primus_server(transformer="engine.io", transport={"jsonp": True, **SHORT})
    server.primus.on("connection", lambda spark: spark.on("data", spark.write) and None)
    opening = await server.get(HANDSHAKE + "&j=0")
    assert opening.text.startswith('___eio[0]("0{\\"sid\\":')
    assert opening.headers["Content-Type"] == "text/javascript; charset=UTF-8"
    assert opening.headers["X-Content-Type-Options"] == "nosniff"
    sid = json.loads(json.loads(opening.text[10:-2])[1:])["sid"]
    url = f"{HANDSHAKE}&sid={sid}&j=1"
    posted = await server.get(url, "POST", data={"d": '4"</script>\u2028\\\\n"\x1e4"é"'})
    assert (posted.status, posted.text) == (200, "ok")
    answer = await server.get(url)
    assert answer.text == '___eio[1]("4\\"<\\/script>\\\\u2028\\\\n\\"\\u001e4\\"\\u00e9\\"");'


async def test_pages_that_may_not_connect_get_no_session(primus_server: ServerFactory) -> None:
    options = {"jsonp": True, **SHORT}
    listed = "https://app.example"
    server = await primus_server(transformer="engine.io", transport=options, origins=listed)
    script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    for headers in (script, {}, {"Referer": "https://evil.example/"}):
        assert (await server.get(HANDSHAKE + "&j=0", headers=headers)).status == 403
    assert (await server.get(HANDSHAKE, headers=script)).status == 403
    assert len(server.primus) == 0
    page = {"Referer": "https://app.example/"}
    assert (await server.get(HANDSHAKE + "&j=0", headers=page)).status == 200
    assert (await server.get(HANDSHAKE)).status == 200


@pytest.mark.parametrize("callback", ["x", "1;alert(1)", "", "1" * 11, "1&j=2", "%D9%A1"])
async def test_only_numbers_are_jsonp_callbacks(
    primus_server: ServerFactory, callback: str
) -> None:
    server = await primus_server(transformer="engine.io", transport={"jsonp": True, **SHORT})
    answer = await server.get(f"{HANDSHAKE}&j={callback}")
    assert (answer.status, answer.json()["code"]) == (400, 3)
    await eventually(lambda: len(server.primus) == 0)
