"""The cases of sockjs-protocol 0.3.3, in its order and with its literal text."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from primus_testing import DEADLINE, eventually
from primus_transformer_sockjs import pages
from primus_transformer_sockjs.client.connector import SockJSConnector
from primus_transformer_sockjs.server import SockJS

SESSION = "/primus/000/abcdefgh"
NO_CACHE = "no-store, no-cache, no-transform, must-revalidate, max-age=0"
ORIGIN = {"Origin": "http://example.com"}
PRELUDE = "h" * 2048 + "\n"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Closing(SockJS):
    """Closes every session at once."""

    def opened(self, transport: Any, request: Any) -> None:
        transport.close(3000, "Go away!")


# -- pages


@pytest.mark.parametrize("path", ["/primus", "/primus/"])
async def test_the_greeting(serve: Any, path: str) -> None:
    answer = await (await serve()).server.get(path)
    assert (answer.status, answer.text) == (200, "Welcome to SockJS!\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        *("/a", "/a.html", "//", "///", "/a/a", "/a/a/", "/a/"),
        *("/iframe.htm", "/iframe", "/IFRAME.HTML", "/iframe.HTML", "/iframe-/.html"),
        *("///xhr", "/a./a/xhr", "/a/a./xhr", "/././/xhr", "//xhr", "////xhr", "/a/b/jsonp?c=x"),
    ],
)
async def test_what_is_no_endpoint_is_not_found(serve: Any, path: str) -> None:
    talk = await serve()
    for method in ("GET", "POST"):
        assert (await talk.server.get(f"/primus{path}", method)).status == 404
    assert len(talk.primus) == 0


@pytest.mark.parametrize(
    "name", ["iframe.html", "iframe-a.html", "iframe-0.1.2abc-dirty.2144.html?t=qweqweq123"]
)
async def test_the_iframe_page_is_cacheable(serve: Any, name: str) -> None:
    talk = await serve()
    answer = await talk.server.get(f"/primus/{name}")
    assert answer.text == pages.IFRAME.format(sockjs_url="/primus/sockjs.js")
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000"
    assert answer.headers["Expires"].endswith(" GMT")
    assert "Pragma" not in answer.headers
    again = await talk.server.get(
        f"/primus/{name}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (again.status, again.text) == (304, "")


async def test_no_page_lets_the_scripts_of_other_subdomains_in(serve: Any) -> None:
    talk = await serve()
    answer = await talk.server.get("/primus/iframe.html")
    assert "SockJS.bootstrap_iframe();" in answer.text
    assert "document.domain" not in answer.text
    async with talk.stream("htmlfile?c=callback", "GET") as stream:
        page = await stream.response.content.readuntil(b"\r\n\r\n")
        assert b"c.start();" in page
        assert b"document.domain" not in page


async def test_the_iframe_page_loads_the_client_that_the_server_itself_has(serve: Any) -> None:
    talk = await serve()
    answer = await talk.server.get("/primus/sockjs.js")
    assert answer.status == 200
    assert "sockjs-client v1.6.1" in answer.text


async def test_the_iframe_page_is_for_listed_origins_alone(serve: Any) -> None:
    talk = await serve(origins="https://a.example, https://b.example")
    answer = await talk.server.get("/primus/iframe.html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "frame-ancestors https://a.example https://b.example"


async def test_info_tells_what_the_server_can_do(serve: Any) -> None:
    answer = await (await serve()).server.get("/primus/info", headers=ORIGIN)
    about = answer.json()
    assert 0 <= about.pop("entropy") < 2**32
    assert about == {"websocket": True, "origins": ["*:*"], "cookie_needed": False}
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert answer.headers["Cache-Control"] == NO_CACHE
    assert answer.headers["Access-Control-Allow-Origin"] == "http://example.com"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


async def test_info_tells_what_is_configured(serve: Any) -> None:
    chosen = {"websocket": False, "jsessionid": True, "base_url": "http://other.example/primus"}
    about = (await (await serve(chosen)).server.get("/primus/info")).json()
    assert about["websocket"] is False
    assert about["cookie_needed"] is True
    assert about["base_url"] == "http://other.example/primus"


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/primus/info", "OPTIONS, GET"),
        *[(f"{SESSION}/{name}", "POST, OPTIONS") for name in ("xhr", "xhr_send", "xhr_streaming")],
    ],
)
async def test_options_are_answered_and_cacheable(serve: Any, path: str, methods: str) -> None:
    talk = await serve()
    plain = await talk.server.get(path, "OPTIONS")
    assert (plain.status, plain.text) == (204, "")
    assert plain.headers["Access-Control-Allow-Methods"] == methods
    assert plain.headers["Cache-Control"] == "public, max-age=31536000"
    asks = {**ORIGIN, "Access-Control-Request-Method": "POST"}
    preflight = await talk.server.get(path, "OPTIONS", headers=asks)
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Max-Age"] == "2592000"
    assert preflight.headers["Cache-Control"] == "public, max-age=2592000"


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/primus", "POST", "GET"),
        ("/primus/info", "PUT", "OPTIONS, GET"),
        (f"{SESSION}/xhr", "GET", "POST, OPTIONS"),
        (f"{SESSION}/websocket", "POST", "GET"),
        (f"{SESSION}/eventsource", "POST", "GET"),
    ],
)
async def test_another_method_is_not_allowed(
    serve: Any, path: str, method: str, allowed: str
) -> None:
    answer = await (await serve()).server.get(path, method)
    assert (answer.status, answer.text, answer.headers["Allow"]) == (405, "", allowed)
    assert "Content-Type" not in answer.headers


# -- sessions


@pytest.mark.parametrize("path", ["/a/a", "/_/_", "/1/1", "/abcdefgh_i-j%20/abcdefg_i-j%20"])
async def test_server_and_session_may_be_called_anything(serve: Any, path: str) -> None:
    talk = await serve()
    assert (await talk.server.get(f"/primus{path}/xhr", "POST")).text == "o\n"


async def test_the_server_part_of_the_url_is_ignored(serve: Any) -> None:
    talk = await serve()
    await talk.open()
    assert (await talk.post("xhr_send", '["\\"a\\""]')).status == 204
    assert (await talk.server.get("/primus/999/abcdefgh/xhr", "POST")).text == 'a["\\"a\\""]\n'


async def test_a_simple_session(serve: Any) -> None:
    talk = await serve()
    opened = await talk.post("xhr", headers=ORIGIN)
    assert opened.text == "o\n"
    assert opened.headers["Content-Type"] == "application/javascript; charset=UTF-8"
    assert opened.headers["Cache-Control"] == NO_CACHE
    assert opened.headers["Access-Control-Allow-Origin"] == "http://example.com"
    sent = await talk.post("xhr_send", '["\\"a\\"","1"]', headers=ORIGIN)
    assert (sent.status, sent.text) == (204, "")
    assert sent.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert sent.headers["Cache-Control"] == NO_CACHE
    assert await talk.poll() == 'a["\\"a\\"","1"]\n'


async def test_messages_for_a_session_that_does_not_exist_are_not_found(serve: Any) -> None:
    talk = await serve()
    assert (await talk.post("xhr_send", '["1"]')).status == 404
    assert len(talk.primus) == 0


@pytest.mark.parametrize("path", ["xhr", "xhr_streaming", "htmlfile?c=p", "jsonp?c=p"])
async def test_a_client_that_has_opened_a_session_which_is_not_here_opens_no_other(
    serve: Any, path: str
) -> None:
    talk = await serve({"jsonp": True})
    ask = talk.post if path.startswith("xhr") else talk.get
    url = f"{path}{'&' if '?' in path else '?'}_primusopened=1"
    assert (await ask(url)).status == 404
    assert len(talk.primus) == 0

    (await talk.open()).end()
    assert "primus::server::close" in (await ask(url)).text


async def test_an_eventsource_is_told_that_its_session_is_not_here(serve: Any) -> None:
    talk = await serve()
    answer = await talk.get("eventsource?_primusopened=1")
    assert answer.text == '\r\ndata: c[1006,"Server lost session"]\r\n\r\n'
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert len(talk.primus) == 0


async def test_a_session_that_was_opened_elsewhere_is_unknown_to_a_server_that_drains_or_is_full(
    serve: Any,
) -> None:
    draining, full = await serve(), await serve(max_sparks=1)
    draining.primus.draining = True
    await full.open()
    for server in (draining.server, full.server):
        other = "/primus/000/hgfedcba/xhr"
        assert (await server.get(other, "POST")).status == 503
        assert (await server.get(f"{other}?_primusopened=1", "POST")).status == 404


async def test_a_second_request_that_receives_is_told_of_the_first(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    first = asyncio.ensure_future(talk.poll())
    session = talk.primus.transformer.sessions.get("abcdefgh")
    await eventually(lambda: session.is_received)
    assert await talk.poll() == 'c[2010,"Another connection still open"]\n'
    async with talk.stream("xhr_streaming") as stream:
        await stream.read(PRELUDE + 'c[2010,"Another connection still open"]\n')
        await stream.end()
    spark.write(1)
    assert await first == 'a["1"]\n'


async def test_a_session_that_is_closed_says_so_again_and_again(primus_server: Any) -> None:
    server = await primus_server(transformer=Closing)
    answers = [(await server.get(f"{SESSION}/xhr", "POST")).text for _ in range(3)]
    assert answers == ["o\n", 'c[3000,"Go away!"]\n', 'c[3000,"Go away!"]\n']
    stream = await server.get(f"{SESSION}/xhr_streaming", "POST")
    assert stream.text == PRELUDE + 'c[3000,"Go away!"]\n'


async def test_a_stream_ends_with_the_close_frame(primus_server: Any) -> None:
    server = await primus_server(transformer=Closing)
    for begin in ("o\n", ""):
        answer = await server.get(f"{SESSION}/xhr_streaming", "POST")
        assert answer.text == PRELUDE + begin + 'c[3000,"Go away!"]\n'


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('["x', "Broken JSON encoding."),
        ("", "Payload expected."),
        ("{}", "Broken JSON encoding."),
        ("[1]", "Broken JSON encoding."),
        ('["a" "b"]', "Broken JSON encoding."),
        ('["a"] and more', "Broken JSON encoding."),
        (b'["\xff"]', "Broken JSON encoding."),
        ("[" * 100_000, "Broken JSON encoding."),
    ],
)
async def test_what_cannot_be_read_is_an_error_500_and_the_session_goes_on(
    serve: Any, body: Any, complaint: str
) -> None:
    talk = await serve()
    await talk.open()
    answer = await talk.post("xhr_send", body)
    assert answer.status == 500
    assert complaint in answer.text
    assert (await talk.post("xhr_send", '["1"]')).status == 204
    assert await talk.poll() == 'a["1"]\n'


async def test_content_types_do_not_matter(serve: Any) -> None:
    talk = await serve()
    await talk.open()
    types = ["text/plain", "T", "application/json", "application/xml", "text/xml; charset=utf-8"]
    for kind in types:
        answer = await talk.post("xhr_send", '["1"]', headers={"Content-Type": kind})
        assert answer.status == 204
    assert await talk.poll() == 'a["1","1","1","1","1"]\n'


@pytest.mark.parametrize("body", ["[]", " [ ] "])
async def test_no_messages_are_no_error(serve: Any, body: str) -> None:
    talk = await serve()
    await talk.open()
    assert (await talk.post("xhr_send", body)).status == 204


# -- transports


async def test_xhr_streaming(serve: Any) -> None:
    talk = await serve()
    async with talk.stream("xhr_streaming") as stream:
        await stream.read(PRELUDE + "o\n")
        assert stream.response.headers["Content-Type"] == "application/javascript; charset=UTF-8"
        await talk.post("xhr_send", '["\\"x\\""]')
        await stream.read('a["\\"x\\""]\n')


async def test_a_stream_ends_at_the_response_limit_and_the_session_goes_on(serve: Any) -> None:
    talk = await serve({"response_limit": 4096})
    message = json.dumps("x" * 128)
    frame = f"a[{json.dumps(message)}]\n"
    async with talk.stream("xhr_streaming") as stream:
        await stream.read(PRELUDE + "o\n")
        for _ in range((4096 - 2) // len(frame) + 1):
            await talk.post("xhr_send", f"[{json.dumps(message)}]")
            await stream.read(frame)
        await stream.end()
    await talk.post("xhr_send", '["1"]')
    assert await talk.poll() == 'a["1"]\n'
    assert len(talk.primus) == 1


async def test_eventsource(serve: Any) -> None:
    talk = await serve()
    async with talk.stream("eventsource", "GET") as stream:
        await stream.read("\r\ndata: o\r\n\r\n")
        assert stream.response.headers["Content-Type"] == "text/event-stream"
        assert stream.response.headers["Cache-Control"] == NO_CACHE
        (spark,) = talk.primus
        spark.write("100%zz %25 \n\r\0")
        await stream.read('data: a["\\"100%25zz %2525 \\\\n\\\\r\\\\u0000\\""]\r\n\r\n')


async def test_htmlfile(serve: Any) -> None:
    talk = await serve()
    async with talk.stream("htmlfile?c=%63allback", "GET") as stream:
        page = await stream.response.content.readuntil(b"\r\n\r\n")
        assert len(page) > 1024
        assert b"var c = parent.callback;" in page
        await stream.read('<script>\np("o");\n</script>\r\n')
        (spark,) = talk.primus
        spark.write("</script>")
        await stream.read('<script>\np("a[\\"\\\\\\"\\u003c/script>\\\\\\"\\"]");\n</script>\r\n')


async def test_jsonp_is_off_unless_it_is_asked_for(serve: Any) -> None:
    talk = await serve()
    assert (await talk.get("jsonp?c=x")).status == 404
    assert (await talk.post("jsonp_send", "d=[]")).status == 404
    assert len(talk.primus) == 0


async def test_jsonp(serve: Any) -> None:
    talk = await serve({"jsonp": True})
    opened = await talk.get("jsonp?c=%63allback")
    assert opened.text == '/**/callback("o");\r\n'
    assert opened.headers["Content-Type"] == "application/javascript; charset=UTF-8"
    assert opened.headers["X-Content-Type-Options"] == "nosniff"
    sent = await talk.post("jsonp_send", "d=%5B%22%5C%22%61bc%5C%22%22%5D", headers=FORM)
    assert (sent.status, sent.text) == (200, "ok")
    plain = {"Content-Type": "text/plain"}
    assert (await talk.post("jsonp_send", '["\\"%61bc\\""]', headers=plain)).text == "ok"
    answer = await talk.get("jsonp?c=x")
    assert answer.text == '/**/x("a[\\"\\\\\\"abc\\\\\\"\\",\\"\\\\\\"%61bc\\\\\\"\\"]");\r\n'


@pytest.mark.parametrize("body", ["", "d=", "p=p", "d=%5B%22x"])
async def test_a_form_without_messages_is_an_error_500(serve: Any, body: str) -> None:
    talk = await serve({"jsonp": True})
    await talk.get("jsonp?c=x")
    answer = await talk.post("jsonp_send", body, headers=FORM)
    assert answer.status == 500
    expected = "Broken JSON encoding." if "x" in body else "Payload expected."
    assert expected in answer.text


@pytest.mark.parametrize("name", ["htmlfile", "jsonp"])
@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("", '"callback" parameter required'),
        ("?c=%20", 'invalid "callback" parameter'),
        ("?c=*", 'invalid "callback" parameter'),
        ("?c=abc(", 'invalid "callback" parameter'),
        ("?c=abc%28", 'invalid "callback" parameter'),
        ("?c=a&c=b", 'invalid "callback" parameter'),
        ("?c=" + "a" * 33, 'invalid "callback" parameter'),
        ("?c=alert%0A", 'invalid "callback" parameter'),
    ],
)
async def test_only_a_plain_name_is_called_back(
    serve: Any, name: str, query: str, complaint: str
) -> None:
    talk = await serve({"jsonp": True})
    answer = await talk.get(name + query)
    assert (answer.status, answer.text) == (500, complaint)
    assert len(talk.primus) == 0


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        (None, "JSESSIONID=dummy; path=/"),
        ("abcdef", "JSESSIONID=abcdef; path=/"),
        ('"a b"', "JSESSIONID=dummy; path=/"),
    ],
)
async def test_the_cookie_of_load_balancers(serve: Any, sent: str | None, given: str) -> None:
    talk = await serve({"jsessionid": True, "jsonp": True})
    headers = {"Cookie": f"JSESSIONID={sent}"} if sent else {}
    assert (await talk.post("xhr", headers=headers)).headers["Set-Cookie"] == given
    assert (await talk.post("xhr_send", "[]", headers=headers)).headers["Set-Cookie"] == given
    assert "Set-Cookie" not in (await talk.server.get("/primus/info", headers=headers)).headers


# -- WebSockets


async def test_a_websocket_has_a_session_of_its_own(serve: Any) -> None:
    talk = await serve()
    await talk.open()
    url = talk.server.url + SESSION + "/websocket"
    async with talk.server.http.ws_connect(url) as one, talk.server.http.ws_connect(url) as two:
        for number, socket in enumerate((one, two)):
            assert await socket.receive_str() == "o"
            await socket.send_str("")
            await socket.send_str("[]")
            await socket.send_str(f'["{number}","2"]')
            await socket.send_str('"3"')
            for expected in (number, 2, 3):
                assert await socket.receive_str() == f'a["{expected}"]'
    assert len(talk.primus) >= 1


@pytest.mark.parametrize("text", ['["a', "[1]", "{}", '["a"]x'])
async def test_broken_json_closes_the_websocket(serve: Any, text: str) -> None:
    talk = await serve()
    async with talk.server.http.ws_connect(talk.server.url + SESSION + "/websocket") as socket:
        assert await socket.receive_str() == "o"
        await socket.send_str(text)
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 3000)
    assert len(talk.primus) == 0


async def test_a_websocket_is_told_why_it_is_closed(primus_server: Any) -> None:
    server = await primus_server(transformer=Closing)
    async with server.http.ws_connect(server.url + SESSION + "/websocket") as socket:
        assert await socket.receive_str() == "o"
        assert await socket.receive_str() == 'c[3000,"Go away!"]'
        message = await socket.receive()
        assert (message.data, message.extra) == (3000, "Go away!")


async def test_a_message_of_a_raw_websocket_is_no_longer_than_the_limit(serve: Any) -> None:
    talk = await serve(max_length=1000)
    async with talk.server.http.ws_connect(talk.server.url + "/primus/websocket") as raw:
        await raw.send_str('"' + "x" * 999 + '"')
        message = await raw.receive()
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)


async def test_pages_that_may_not_connect_get_no_script(serve: Any) -> None:
    listed = "https://app.example"
    talk = await serve({"jsonp": True}, origins=listed)
    for headers, status in (
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Referer": "https://evil.example/"}, 403),
        ({"Referer": f"{listed}/page"}, 200),
    ):
        assert (await talk.get("jsonp?c=callback", headers=headers)).status == status, headers


async def test_a_raw_websocket_has_no_frames(serve: Any) -> None:
    talk = await serve()
    async with talk.server.http.ws_connect(talk.server.url + "/primus/websocket") as socket:
        await socket.send_str('"Hello world!\uffff"')
        assert await socket.receive_str() == '"Hello world!\uffff"'
        (spark,) = talk.primus
        spark.end()
        assert await socket.receive_str() == '"primus::server::close"'
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


@pytest.mark.parametrize("headers", [{}, {"Upgrade": "WebSocket", "Connection": "close"}])
async def test_a_request_that_is_no_upgrade_is_no_websocket(serve: Any, headers: Any) -> None:
    talk = await serve()
    for path in (SESSION + "/websocket", "/primus/websocket"):
        assert (await talk.server.get(path, headers=headers)).status == 400


async def test_websockets_can_be_switched_off(serve: Any) -> None:
    talk = await serve({"websocket": False})
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await talk.server.http.ws_connect(talk.server.url + SESSION + "/websocket")
    assert refused.value.status == 404
    assert (await talk.get("websocket")).status == 404
    assert SockJSConnector.transports[0] == "websocket"
    peer = await talk.server.peer()  # which does without
    peer.send("1")
    assert await peer.receive() == "1"


# -- the end of requests


@pytest.mark.parametrize("endpoint", ["xhr", "xhr_streaming"])
async def test_a_client_that_leaves_in_the_middle_ends_its_session(
    serve: Any, endpoint: str
) -> None:
    talk = await serve()
    await talk.open()
    asking = asyncio.ensure_future(talk.post(endpoint))
    session = talk.primus.transformer.sessions.get("abcdefgh")
    await eventually(lambda: session.is_received)
    asking.cancel()
    await eventually(lambda: not len(talk.primus))
    assert await talk.poll() == "o\n"


async def test_what_is_written_before_an_end_is_fetched(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    spark.write(1)
    spark.end("bye")
    assert await talk.poll() == 'a["1","\\"bye\\"","\\"primus::server::close\\""]\n'
    assert await talk.poll() == 'c[1000,"Normal closure"]\n'
    assert await talk.poll() == 'c[1000,"Normal closure"]\n'
    assert (await talk.post("xhr_send", '["1"]')).status == 204


async def test_a_server_that_ends_waits_until_its_clients_have_been_told(serve: Any) -> None:
    talk = await serve({"close_timeout": DEADLINE})
    await talk.open()
    ending = asyncio.ensure_future(talk.primus.destroy(close=False))
    await eventually(lambda: not len(talk.primus))
    assert await talk.poll() == 'a["\\"primus::server::close\\""]\n'
    assert not ending.done()
    assert await talk.poll() == 'c[1000,"Normal closure"]\n'
    async with asyncio.timeout(DEADLINE):
        await ending
    assert (await talk.post("xhr")).status == 503
