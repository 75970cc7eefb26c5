"""What a request has to be before any layer looks at it."""

from collections.abc import Callable

import pytest

from primus import Primus, Request
from primus_testing import make_request

MakePrimus = Callable[..., Primus]


async def answered(primus: Primus, request: Request) -> int:
    response = await primus.handle(request)
    assert response is not None
    return response.status


@pytest.fixture
def seen(primus: Primus) -> list[Request]:
    """The requests that layers see."""
    requests: list[Request] = []
    primus.before("watch", requests.append, index=0)
    return requests


@pytest.mark.parametrize(
    "path",
    [
        "/primus//omega/supreme",
        "/primus/omega//supreme",
        "/primus//",
        "//primus/spec",
        "/primus/./spec",
        "/primus/.",
        "/primus/x/../spec",
        "/primus/..",
        "/primus/%2e/spec",
        "/primus/x/%2E%2e/spec",
        "/primus/omega%2fsupreme",
        "/primus/omega%2Fsupreme",
        "/primus/omega\\supreme",
        "/primus/omega%5Csupreme",
        "/primus/spec;x=1",
        "/primus/spec%3Bx=1",
        "/primus;x/spec",
        "/primus/%73pec",
        "/%70rimus/spec",
        "/primus/%7e",
        "/primus/%c3%a4",
        "/primus/ä",
        "/primus/%00",
        "/primus/%252e",
        "/primus/%",
        "/primus/%2",
        "/primus/%GG",
        "/primus/a b",
        "/primus/a\tb",
        '/primus/"',
        "/other",
        "/PRIMUS",
        "*",
        "",
        "primus",
        "primus:80",
        "ftp://host/primus",
        "http://user@host/primus",
        "http:///primus",
    ],
)
async def test_a_path_that_is_not_in_its_one_form_is_not_found(
    primus: Primus, seen: list[Request], path: str
) -> None:
    assert await answered(primus, make_request(path)) == 404
    assert seen == []


@pytest.mark.parametrize(
    "path",
    [
        "/primus",
        "/primus/",
        "/primus/spec/x/",
        "/primusX/info",
        "/primus/123/a-b_c~d.e/xhr_streaming",
        "/primus/a%20b",
        "/primus/%C3%A4",
        "/primus/a!$&'()*+,=:@b",
        "/primus/...",
        "/primus/.well-known",
    ],
)
async def test_a_path_in_its_one_form_is_seen_as_it_was_sent(
    primus: Primus, seen: list[Request], path: str
) -> None:
    assert await answered(primus, make_request(f"{path}?next=/a/../b//c;d")) == 426
    assert [request.path for request in seen] == [path]


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("http://b.example/primus/spec?x=http://c/", "/primus/spec", "b.example"),
        ("HTTPS://b.example:8080/primus", "/primus", "b.example:8080"),
        ("ws://[::1]:80/primus/", "/primus/", "[::1]:80"),
        ("/primus/spec", "/primus/spec", "a.example"),
        ("http://b.example", "/", "b.example"),
        ("http://b.example?x", "/", "b.example"),
    ],
)
def test_an_absolute_target_has_path_and_host_of_its_own(target: str, path: str, host: str) -> None:
    request = make_request(target, headers={"Host": "a.example", "X-One": "1"})
    assert (request.path, request.headers.getall("Host")) == (path, [host])
    assert request.headers["X-One"] == "1"


async def test_an_absolute_target_is_answered_as_any_other(primus: Primus) -> None:
    assert await answered(primus, make_request("http://b.example/primus/spec")) == 200
    assert await answered(primus, make_request("http://b.example//primus/spec")) == 404


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Origin",
        "Authorization",
        "Content-Length",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
    ],
)
async def test_a_header_that_decides_may_stand_there_once(
    primus: Primus, seen: list[Request], name: str
) -> None:
    assert await answered(primus, make_request(headers=[(name, "1"), (name.lower(), "2")])) == 400
    assert seen == []


async def test_any_other_header_may_be_repeated(primus: Primus) -> None:
    headers = [("Cookie", "a=1"), ("Cookie", "b=2"), ("X-One", "1"), ("X-One", "2")]
    assert await answered(primus, make_request("/primus/spec", headers=headers)) == 200


@pytest.mark.parametrize("headers", [{"Content-Length": "2"}, {"Transfer-Encoding": "chunked"}])
async def test_an_upgrade_with_a_body_is_refused(
    primus: Primus, seen: list[Request], headers: dict[str, str]
) -> None:
    def detach() -> None:
        raise AssertionError

    request = make_request(headers=headers, detach=detach)  # type: ignore[arg-type]
    assert await answered(primus, request) == 400
    assert seen == []


async def test_the_head_is_bounded_whatever_the_host_takes(make_primus: MakePrimus) -> None:
    primus = make_primus(max_head=1000)
    head = len(b"GET /primus/spec?a HTTP/1.1\r\nX-One: \r\n\r\n")
    for size, status in ((1000, 200), (1001, 431)):
        request = make_request("/primus/spec?a", headers={"X-One": "x" * (size - head)})
        assert await answered(primus, request) == status
    many = [("X", "")] * 1000
    assert await answered(primus, make_request(headers=many)) == 431
    assert await answered(primus, make_request("/primus?" + "&" * 1000)) == 431
    assert primus.limits.max_head == 1000


def test_the_head_is_bounded_by_default(primus: Primus) -> None:
    assert primus.limits.max_head == 16_384
