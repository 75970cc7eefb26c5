import asyncio
import json
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from primus.http import (
    Address,
    BodyTooLarge,
    CommonHeaders,
    HandOver,
    Request,
    Response,
    has_body,
    http_date,
    parse_query,
)
from primus_testing import make_request

# -- queries


@pytest.mark.parametrize(
    ("query_string", "expected"),
    [
        ("", {}),
        ("foo=bar", {"foo": "bar"}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("empty=&bare", {"empty": "", "bare": ""}),
        ("sp=a+b%20c", {"sp": "a b c"}),
        ("u=%E2%82%AC&%C3%BC=1", {"u": "€", "ü": "1"}),
        ("bad=%ff%fe", {"bad": "\ufffd\ufffd"}),
        ("percent=%&half=%4", {"percent": "%", "half": "%4"}),
        ("a=b=c", {"a": "b=c"}),
        ("&&a=1&&", {"a": "1"}),
        ("=value", {"": "value"}),
        ("a;b=1", {"a;b": "1"}),
        ("__proto__=x&constructor=y", {"__proto__": "x", "constructor": "y"}),
    ],
)
def test_a_query_is_read_as_node_reads_it(query_string: str, expected: Any) -> None:
    assert parse_query(query_string) == expected


def test_a_parameter_is_a_text_whether_it_is_repeated_or_not() -> None:
    query = parse_query("room=7&tag=a&tag=b")

    assert (query.text("room"), query.text("tag")) == ("7", "a")
    assert (query.text("other"), query.text("other", "guest")) == ("", "guest")


def test_at_most_a_thousand_parameters_are_read() -> None:
    assert len(parse_query("&".join(f"n{n}=1" for n in range(5000)))) == 1000


# -- requests


def test_a_request_splits_its_target() -> None:
    request = make_request("/primus/%70?a=1&b=%26#fragment")
    assert request.path == "/primus/%70"
    assert request.query_string == "a=1&b=%26"
    assert request.query == {"a": "1", "b": "&"}
    assert request.query is request.query
    assert repr(request) == "<Request GET /primus/%70>"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/primus/spec", "/primus/spec"),
        ("/primus/omega/supreme", "/primus/omega/supreme"),
        ("/primus/000/key/xhr", "/primus/.../xhr"),
        ("/primus/000/key/xhr/", "/primus/.../xhr"),
        ("/a/b/000/key/xhr", "/a/.../xhr"),
        ("/primus/1/xhr-polling/ZsEWfKVkD0_C0hIyTtXzRw", "/primus/.../..."),
        ("/primus/000/key/xhr_streaming", "/primus/.../xhr_streaming"),
        (f"/primus/000/key/{'x' * 16}", f"/primus/.../{'x' * 16}"),
        (f"/primus/000/key/{'x' * 17}", "/primus/.../..."),
        ("/primus/\x1b[2J\xe9", "/primus/\\x1b[2J\\xe9"),
    ],
)
def test_a_request_shows_no_key_of_a_session_and_no_control_characters(
    path: str, shown: str
) -> None:
    assert repr(make_request(path)) == f"<Request GET {shown}>"


def test_headers_are_case_insensitive() -> None:
    request = make_request(headers=[("X-One", "1"), ("x-one", "2")])
    assert request.headers["x-ONE"] == "1"
    assert request.headers.getall("X-One") == ["1", "2"]


async def test_a_body_is_read_whole() -> None:
    assert await make_request(body=[b"one", b"two"]).read() == b"onetwo"
    assert await make_request().read() == b""


async def test_a_body_beyond_the_limit_is_not_read_further() -> None:
    request = make_request(body=[b"x" * 10] * 3)
    with pytest.raises(BodyTooLarge, match="longer than 15 bytes"):
        await request.read(limit=15)
    assert await make_request(body=[b"x" * 15]).read(limit=15) == b"x" * 15


def test_an_upgrade_is_handed_over_once() -> None:
    class Wire(asyncio.Transport):
        """A transport that nothing is done with."""

    handed = HandOver(Wire(), b"early")
    request = make_request(detach=lambda: handed, native=object())
    assert request.upgrade is True
    assert request.detach() is handed
    assert request.native is None
    with pytest.raises(RuntimeError, match="only once"):
        request.detach()


def test_a_request_that_was_handed_over_keeps_nothing_of_its_server() -> None:
    class Server:
        """What the server has for one request."""

        def watch(self, fn: Callable[[], None]) -> None:
            """Call it when the client has gone."""

        def detach(self) -> HandOver:
            """Hand the transport over."""
            return HandOver(asyncio.Transport(), b"")

    server = Server()
    request = make_request(detach=server.detach, watch=server.watch)
    kept = weakref.ref(server)

    request.detach()
    del server

    assert kept() is None


def test_a_plain_request_cannot_be_handed_over() -> None:
    request = make_request()
    assert request.upgrade is False
    with pytest.raises(RuntimeError, match="only an upgrade"):
        request.detach()
    with pytest.raises(RuntimeError, match="has no WebSocket for this request"):
        request.websocket()


# -- responses


def test_a_response_has_status_body_headers_and_reason() -> None:
    response = Response(404, "Grüße", {"X-One": "1"}, content_type="text/plain")
    assert response.body == "Grüße".encode()
    assert dict(response.headers) == {"X-One": "1", "Content-Type": "text/plain"}
    assert response.reason == "Not Found"
    assert repr(response) == "<Response 404 Not Found>"
    assert Response(799).reason == ""


def test_a_response_without_a_body_is_empty() -> None:
    assert Response(404, None).body == b""
    assert Response(404, None).chunks is None


def test_a_text_is_plain_unless_it_is_empty_or_said_to_be_something_else() -> None:
    assert Response(200, "text").headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Content-Type" not in Response(204, "").headers
    assert "Content-Type" not in Response(200, b"text").headers


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (100, False),
        (101, False),
        (199, False),
        (200, True),
        (204, False),
        (304, False),
        (404, True),
    ],
)
def test_some_answers_have_no_body(status: int, expected: bool) -> None:
    assert has_body(status) is expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),  # the example of RFC 9110
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    ],
)
def test_a_date_is_written_as_in_the_rfc(seconds: int, text: str) -> None:
    assert http_date(seconds) == text


def test_json_is_compact_and_unicode() -> None:
    response = Response.json({"grüße": [1, None]}, 201)
    assert response.body == '{"grüße":[1,null]}'.encode()
    assert response.status == 201
    assert response.headers["Content-Type"] == "application/json"


def test_an_error_is_json_in_the_form_that_clients_know() -> None:
    assert json.loads(Response.error(503).body) == {"error": "Service Unavailable"}
    assert json.loads(Response.error(401, "no").body) == {"error": "no"}


@pytest.mark.parametrize("mark", ["\r", "\n", "\r\n", "\0"])
def test_no_header_can_smuggle_in_another(mark: str) -> None:
    evil = f"value{mark}Set-Cookie: stolen=1"
    with pytest.raises(ValueError, match="has a line end or NUL in it"):
        Response(200, headers={"X-One": evil})
    with pytest.raises(ValueError, match="has a line end or NUL in it"):
        Response(200, headers={evil: "value"})
    with pytest.raises(ValueError, match="has a line end or NUL in it"):
        Response(200, content_type=evil)
    late = Response(200)
    late.headers["X-One"] = evil
    with pytest.raises(ValueError, match="has a line end or NUL in it"):
        late.headers_for(make_request())
    request = make_request()
    request.response_headers["X-One"] = evil
    with pytest.raises(ValueError, match="has a line end or NUL in it"):
        Response(200).headers_for(request)


@pytest.mark.parametrize("code", [0xD800, 0xDC80, 0xDFFF])
def test_a_header_of_bytes_that_are_no_utf8_is_refused(code: int) -> None:
    with pytest.raises(ValueError, match="'X-One' has bytes in it that are no UTF-8"):
        Response(200, headers={"X-One": chr(code)})
    assert Response(200, headers={"X-One": "Grüße \ud7ff\ue000"}).headers["X-One"][:5] == "Grüße"


def test_headers_of_layers_are_added_and_those_of_the_response_win() -> None:
    request = make_request()
    request.response_headers["X-Layer"] = "layer"
    request.response_headers["content-type"] = "layer"
    response = Response(200, b"body", content_type="text/plain")
    assert dict(response.headers_for(request)) == {
        "X-Layer": "layer",
        "Content-Type": "text/plain",
        "Content-Length": "4",
    }


def test_an_address_is_an_ip_and_a_port() -> None:
    request = make_request(ip="::1", port=80)
    assert request.address == Address("::1", 80)
    assert Address("10.0.0.1").port == 0
    assert (Address("10.0.0.1").printable, Address("").printable) == ("10.0.0.1", "a unix socket")


@pytest.mark.parametrize(
    ("ip", "normal"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::FFFF:7f00:1", "127.0.0.1"),
        ("0:0:0:0:0:ffff:127.0.0.1", "127.0.0.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("::1", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("testclient", "testclient"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_an_address_has_one_form(ip: str, normal: str) -> None:
    assert Address(ip, 1) == Address(normal, 1)
    assert Address(ip).ip == normal


def test_what_an_answer_depends_on_is_told_by_layers_and_response_together() -> None:
    request = make_request()
    request.response_headers.add("Vary", "Origin")
    request.response_headers.add("Vary", "Accept")
    response = Response(200, headers={"Vary": "Accept-Encoding, Origin"})
    assert response.headers_for(request).getall("Vary") == ["Origin, Accept, Accept-Encoding"]
    assert Response(200).headers_for(request).getall("Vary") == ["Origin, Accept"]
    assert "Vary" not in Response(200).headers_for(make_request())


def test_answers_with_common_headers_have_these_alone_until_they_are_changed() -> None:
    common = CommonHeaders({"Content-Type": "text/html"})
    response = Response(200, "ok", common)
    assert response.common is common
    assert response.headers_for(make_request()) == {
        "Content-Type": "text/html",
        "Content-Length": "2",
    }

    first, second = Response(200, b"ok", common), Response(200, b"ok", common)
    first.headers["X-First"] = "1"
    assert first.common is None
    assert list(first.headers.items()) == [("Content-Type", "text/html"), ("X-First", "1")]
    assert list(second.headers.items()) == [("Content-Type", "text/html")]
    second.headers = CIMultiDict({"X-Second": "2"})
    assert second.headers_for(make_request()) == {"X-Second": "2", "Content-Length": "2"}


def test_common_headers_and_a_content_type_go_together() -> None:
    common = CommonHeaders({"X-Common": "1"})
    response = Response(200, b"ok", common, content_type="text/html")
    assert dict(response.headers) == {"X-Common": "1", "Content-Type": "text/html"}


@pytest.mark.parametrize("mark", ["\r", "\n", "\0"])
def test_no_common_header_can_smuggle_in_another(mark: str) -> None:
    with pytest.raises(ValueError, match="line end or NUL"):
        CommonHeaders({"X-Name": f"value{mark}X-Other: value"})


async def test_a_body_that_is_there_is_taken_without_waiting() -> None:
    async def chunks() -> Any:
        yield b"abc"

    def request(body: Any) -> Request:
        return Request("POST", "/", CIMultiDictProxy(CIMultiDict()), address=Address(""), body=body)

    assert request(b"abc").taken(3) == b"abc"
    assert request(None).taken(3) == b""
    assert request(chunks).taken(3) is None
    with pytest.raises(BodyTooLarge):
        request(b"abc").taken(2)
