from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from primus import OptionError, Primus, Request, Response, Unauthorized
from primus.http import Address
from primus.server.layers import Layer, Layers
from primus.server.middleware.forwarded import client_address
from primus_testing import ManualClock, MemoryTransformer, Tracebacks, join, make_request

MakePrimus = Callable[..., Primus]

TRUSTED = tuple(map(ip_network, ("127.0.0.0/8", "10.0.0.0/8", "::1/128", "fc00::/7")))


# -- forwarded


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([("X-Forwarded-For", "13.3.37.1")], Address("13.3.37.1")),
        ([("X-Forwarded-For", " 13.3.37.1 ")], Address("13.3.37.1")),
        ([("X-Forwarded-For", "13.3.37.1:8080")], Address("13.3.37.1", 8080)),
        ([("X-Forwarded-For", "13.3.37.1, 10.0.0.1, 10.0.0.2")], Address("13.3.37.1")),
        # Spoofed: only what a trusted proxy has appended counts.
        ([("X-Forwarded-For", "6.6.6.6, 13.3.37.1")], Address("13.3.37.1")),
        ([("X-Forwarded-For", "6.6.6.6, 13.3.37.1, 10.0.0.1")], Address("13.3.37.1")),
        ([("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "13.3.37.1")], Address("13.3.37.1")),
        ([("X-Forwarded-For", "127.0.0.1, 13.3.37.1")], Address("13.3.37.1")),
        # All of them trusted: the first is as far as can be told.
        ([("X-Forwarded-For", "10.0.0.9, 10.0.0.1")], Address("10.0.0.9")),
        ([("X-Forwarded-For", "unknown")], None),
        ([("X-Forwarded-For", "")], None),
        ([("X-Forwarded-For", "13.3.37.1, unknown, 10.0.0.1")], Address("10.0.0.1")),
        ([("X-Forwarded-For", "13.3.37.1, <script>")], None),
        ([("X-Forwarded-For", "2001:db8::1")], Address("2001:db8::1")),
        ([("X-Forwarded-For", "[2001:db8::1]")], Address("2001:db8::1")),
        ([("X-Forwarded-For", "[2001:db8::1]:4711")], Address("2001:db8::1", 4711)),
        ([("X-Forwarded-For", "[2001:db8::1]:x")], Address("2001:db8::1")),
        ([("X-Forwarded-For", "13.3.37.1:99999999")], Address("13.3.37.1")),
        ([("X-Forwarded-For", "13.3.37.1:٣")], Address("13.3.37.1")),
        ([("X-Forwarded-For", "::1, fc00::7")], Address("::1")),
        ([("Forwarded", "for=13.3.37.1")], Address("13.3.37.1")),
        ([("Forwarded", "For=13.3.37.1;Proto=https;by=10.0.0.1")], Address("13.3.37.1")),
        ([("Forwarded", "proto=http; for = 13.3.37.1")], Address("13.3.37.1")),
        ([("Forwarded", 'for="13.3.37.1:4711"')], Address("13.3.37.1", 4711)),
        ([("Forwarded", 'for="[2001:db8:cafe::17]:4711"')], Address("2001:db8:cafe::17", 4711)),
        ([("Forwarded", "for=6.6.6.6, for=13.3.37.1, for=10.0.0.1")], Address("13.3.37.1")),
        ([("Forwarded", "for=6.6.6.6"), ("Forwarded", "for=13.3.37.1")], Address("13.3.37.1")),
        ([("Forwarded", "for=_hidden, for=10.0.0.1")], Address("10.0.0.1")),
        ([("Forwarded", "for=unknown")], None),
        ([("Forwarded", 'for=2.2.2.2;host="a, for=6.6.6.6"')], Address("2.2.2.2")),
        ([("Forwarded", 'for=6.6.6.6;host="a, for=2.2.2.2')], None),
        ([("Forwarded", 'for=6.6.6.6;x="'), ("Forwarded", "for=2.2.2.2")], Address("2.2.2.2")),
        ([("Forwarded", 'for=6.6.6.6;x="\\'), ("Forwarded", "for=2.2.2.2")], Address("2.2.2.2")),
        ([("X-Forwarded-For", "9.9.9.9"), ("Forwarded", '"'), ("Forwarded", "for=2.2.2.2")], None),
        ([("X-Forwarded-For", "9.9.9.9"), ("Forwarded", "for=_hidden")], None),
        ([("Forwarded", 'for=6.6.6.6, host="\\",";for=2.2.2.2')], Address("2.2.2.2")),
        ([("X-Forwarded-For", "9.9.9.9"), ("Forwarded", "for=2.2.2.2")], None),
        ([("X-Forwarded-For", "2.2.2.2"), ("Forwarded", "for=2.2.2.2")], Address("2.2.2.2")),
        ([("Forwarded", "by=13.3.37.1;xfor=1.1.1.1")], None),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(
    headers: list[tuple[str, str]], expected: Address | None
) -> None:
    assert client_address(make_request(headers=headers).headers, TRUSTED) == expected


@pytest.mark.parametrize("unit", ["a", " ", '"', '\\"', '"\\', "for=", ";", ",", "=", '"",'])
def test_hostile_headers_are_read_in_one_pass(unit: str) -> None:
    # Would take minutes if reading it were quadratic; the time itself is not asserted.
    headers = [("Forwarded", unit * (400_000 // len(unit)))]
    assert client_address(make_request(headers=headers).headers, TRUSTED) is None


def test_of_a_long_chain_of_proxies_the_end_is_looked_at() -> None:
    for named in ("X-Forwarded-For", "Forwarded"):
        form = "{}" if named == "X-Forwarded-For" else "for={}"
        chain = [form.format(ip) for ip in ("13.3.37.1", *("10.0.0.1" for _ in range(31)))]
        for hops, client in ((chain, "13.3.37.1"), ([*chain, chain[-1]], "10.0.0.1")):
            headers = make_request(headers={named: ", ".join(hops)}).headers
            assert client_address(headers, TRUSTED) == Address(client)


def test_of_forwarded_with_more_parts_than_proxies_write_nothing_is_believed() -> None:
    hop = 'for="13.3.37.1:80";by=10.0.0.1;host="a, b";proto=https'
    headers = make_request(headers={"Forwarded": ", ".join([hop] * 32)}).headers
    assert client_address(headers, TRUSTED) == Address("13.3.37.1", 80)
    headers = make_request(headers={"Forwarded": ";" * 1024 + "for=13.3.37.1"}).headers
    assert client_address(headers, TRUSTED) is None


async def test_a_peer_that_is_not_trusted_is_not_believed(make_primus: MakePrimus) -> None:
    headers = {"X-Forwarded-For": "13.3.37.1", "X-Forwarded-Proto": "https"}
    for trusted, expected in (
        ("10.0.0.0/8", "13.3.37.1"),
        ("192.0.2.1", "10.0.0.9"),
        (None, "10.0.0.9"),
    ):
        primus = make_primus(trusted_proxies=trusted)
        request = make_request(ip="10.0.0.9", headers=headers)
        await primus.handle(request)
        assert request.address.ip == expected
        assert request.secure is (expected == "13.3.37.1")


@pytest.mark.parametrize("ip", ["::ffff:10.0.0.9", "fe80::1%eth0", ""])
async def test_mapped_scoped_and_unix_peers_are_recognised(
    make_primus: MakePrimus, ip: str
) -> None:
    request = make_request(ip=ip, headers={"X-Forwarded-For": "13.3.37.1"})
    await make_primus().handle(request)
    assert request.address.ip == "13.3.37.1"


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        ({"X-Forwarded-Proto": "https"}, True),
        ({"X-Forwarded-Proto": "https, http"}, False),
        ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")], False),
        ({"X-Forwarded-Proto": "HTTPS"}, True),
        ({"Forwarded": "for=1.2.3.4;proto=https"}, True),
        ({"Forwarded": 'proto="http"'}, False),
        ({}, False),
    ],
)
async def test_a_trusted_proxy_tells_whether_the_client_uses_tls(
    make_primus: MakePrimus, headers: Any, secure: bool
) -> None:
    request = make_request(headers=headers)
    await make_primus().handle(request)
    assert request.secure is secure


# -- cors, beside what every transformer is tested with


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        ("*", "http://example.com", 426),
        ("*", "null", 426),
        ("*", "not an origin", 403),
        ("*", "", 403),
        ("http://example.com", "HTTP://EXAMPLE.com", 426),
        ("http://example.com", "http://example.com:80", 426),
        ("http://example.com", "http://example.com:81", 403),
        ("http://*.example.com", "http://a.example.com", 426),
        ("http://*.example.com", "http://example.com", 403),
        ("http://example.com", "https://example.com", 403),
        ("http://example.com, null", "null", 426),
        (False, "http://example.com", 403),
    ],
)
async def test_an_origin_is_compared_whole(
    make_primus: MakePrimus, origins: Any, origin: str, status: int
) -> None:
    primus = make_primus(origins=origins)
    response = await primus.handle(make_request(headers={"Origin": origin}))
    assert response is not None
    assert response.status == status


async def test_a_refusal_by_origin_tells_origin_and_method(make_primus: MakePrimus) -> None:
    primus = make_primus(origins="http://example.com")
    response = await primus.handle(make_request(headers={"Origin": "http://evil.example"}))
    assert response is not None
    assert response.headers["Content-Type"] == "text/plain"
    assert response.body == (
        b"Invalid HTTP Access Control (CORS) request:\n  Origin: http://evil.example\n  Method: GET"
    )


@pytest.mark.parametrize("origins", ["*", "http://example.com", False])
@pytest.mark.parametrize("headers", [{}, {"Origin": "http://example.com"}, {"Origin": "evil"}])
@pytest.mark.parametrize("target", ["/primus/spec", "/primus/primus.js", "/primus/x"])
async def test_every_answer_depends_on_the_origin(
    make_primus: MakePrimus, origins: Any, headers: dict[str, str], target: str
) -> None:
    request = make_request(target, headers=headers)
    response = await make_primus(origins=origins).handle(request)
    assert response is not None
    assert response.headers_for(request)["Vary"].split(", ")[0] == "Origin"


async def test_a_preflight_depends_on_what_it_asks_for(make_primus: MakePrimus) -> None:
    asks = {"Origin": "http://example.com", "Access-Control-Request-Method": "PUT"}
    for headers, vary in ((False, "Origin, Access-Control-Request-Headers"), ("X-A", "Origin")):
        request = make_request(method="OPTIONS", headers=asks)
        response = await make_primus(headers=headers).handle(request)
        assert response is not None
        assert response.headers_for(request)["Vary"] == vary


@pytest.mark.parametrize(("wanted", "granted"), [("X-A, X-B", "X-A, X-B"), ("X-A; *\x00", None)])
async def test_a_preflight_grants_names_of_headers_and_nothing_else(
    primus: Primus, wanted: str, granted: str | None
) -> None:
    headers = {
        "Origin": "http://example.com",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": wanted,
    }
    response = await primus.handle(make_request(method="OPTIONS", headers=headers))
    assert response is not None
    assert response.headers.get("Access-Control-Allow-Headers") == granted


async def test_every_origin_without_credentials_is_a_star(make_primus: MakePrimus) -> None:
    request = make_request(headers={"Origin": "http://example.com"})
    await make_primus(credentials=False).handle(request)
    assert request.response_headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in request.response_headers


async def test_options_without_a_method_that_is_asked_for_is_no_preflight(
    primus: Primus,
) -> None:
    request = make_request(method="OPTIONS", headers={"Origin": "http://example.com"})
    response = await primus.handle(request)
    assert response is not None
    assert response.status == 426


async def test_a_preflight_may_be_kept_for_max_age(make_primus: MakePrimus) -> None:
    asks = {"Origin": "http://example.com", "Access-Control-Request-Method": "PUT"}
    request = make_request(method="OPTIONS", headers=asks)
    response = await make_primus(max_age=60.0).handle(request)
    assert response is not None
    assert response.headers["Access-Control-Max-Age"] == "60"
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.headers["Expires"].endswith(" GMT")


async def answered(primus: Primus, method: str = "GET", **headers: str) -> tuple[Request, Response]:
    """A request of a page, and its answer; the names of headers have lines for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = make_request(method=method, headers={"Origin": "http://example.com", **named})
    response = await primus.handle(request)
    assert response is not None
    return request, response


async def test_a_method_that_pages_may_not_use_is_refused_and_granted_nothing(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(methods="GET")
    request, response = await answered(primus, "PUT")
    assert response.status == 403
    assert "Access-Control-Allow-Origin" not in response.headers_for(request)
    assert (await answered(primus))[1].status == 426
    assert (await answered(make_primus(methods=False), "PUT"))[1].status == 426


@pytest.mark.parametrize(("origin", "status"), [("http://example.com", None), ("null", 403)])
async def test_an_upgrade_of_another_page_is_refused_before_the_transformer(
    make_primus: MakePrimus, origin: str, status: int | None
) -> None:
    class Upgrading(MemoryTransformer):
        async def upgrade(self, request: Request) -> Response | None:
            return None

    primus = make_primus(transformer=Upgrading, origins="http://example.com", methods="PUT")
    request = make_request(headers={"Origin": origin}, websocket=lambda: None)  # type: ignore[arg-type,return-value]
    response = await primus.handle(request)
    assert (None if response is None else response.status) == status
    assert dict(request.response_headers) == {}


@pytest.mark.parametrize(
    ("options", "origin", "credentials"),
    [
        ({"credentials": True}, "http://example.com", "true"),
        ({"credentials": False, "origins": "http://example.com"}, "http://example.com", None),
        ({"credentials": False}, "*", None),
    ],
)
async def test_a_page_is_granted_what_it_may_read_with_credentials_only_as_itself(
    make_primus: MakePrimus, options: dict[str, Any], origin: str, credentials: str | None
) -> None:
    request, _ = await answered(make_primus(**options))
    granted = request.response_headers
    assert granted["Access-Control-Allow-Origin"] == origin
    assert granted.get("Access-Control-Allow-Credentials") == credentials


async def test_headers_are_exposed_with_an_answer_and_not_with_a_preflight(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(exposed="X-A, X-B")
    request, _ = await answered(primus)
    assert request.response_headers["Access-Control-Expose-Headers"] == "X-A, X-B"
    request, response = await answered(primus, "OPTIONS", Access_Control_Request_Method="GET")
    assert "Access-Control-Expose-Headers" not in request.response_headers
    assert "Access-Control-Max-Age" in response.headers


async def test_a_request_without_an_origin_is_granted_nothing(primus: Primus) -> None:
    request = make_request(method="OPTIONS", headers={"Access-Control-Request-Method": "PUT"})
    response = await primus.handle(request)
    assert response is not None
    assert dict(response.headers_for(request))["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in request.response_headers


# -- layers


def layer(name: str, **options: Any) -> Layer:
    return Layer(name, lambda request: None, **options)


def names(layers: Layers) -> list[str]:
    return [one.name for one in layers]


@pytest.fixture
def layers() -> Layers:
    made = Layers()
    for name in ("a", "b", "c"):
        made.add(layer(name))
    return made


def test_a_layer_goes_to_the_end_to_an_index_or_before_another(layers: Layers) -> None:
    layers.add(layer("end"))
    layers.add(layer("first"), 0)
    layers.add(layer("far"), 99)
    layers.add(layer("negative"), -1)
    layers.add(layer("before", before="b"))
    assert names(layers) == ["first", "a", "before", "b", "c", "end", "far", "negative"]


def test_a_layer_of_the_same_name_takes_the_place(layers: Layers) -> None:
    new = layer("b")
    layers.add(new, 0)
    assert names(layers) == ["a", "b", "c"]
    assert list(layers)[1] is new


def test_layers_are_found_removed_and_counted(layers: Layers) -> None:
    assert "b" in layers
    assert layers.index("c") == 2
    assert layers.index("z") is None
    assert layers.remove("b") is True
    assert layers.remove("b") is False
    assert len(layers) == 2


def test_a_layer_before_one_that_does_not_exist_is_refused(layers: Layers) -> None:
    with pytest.raises(OptionError, match="the layer 'x': there is no layer 'z'"):
        layers.add(layer("x", before="z"))


def test_a_layer_has_to_be_a_function(layers: Layers) -> None:
    with pytest.raises(OptionError, match="the layer 'x' must be a function, not 7"):
        layers.add(Layer("x", 7))  # type: ignore[arg-type]


async def test_the_first_answer_ends_the_chain(layers: Layers) -> None:
    answer = Response(418)
    seen: list[str] = []

    async def answers(request: Request) -> Response:
        return answer

    layers.add(Layer("async", answers))
    layers.add(Layer("never", lambda request: seen.append("never")))
    assert await layers.run(make_request()) is answer
    assert seen == []


async def test_a_layer_that_returns_something_else_is_an_error(layers: Layers) -> None:
    layers.add(Layer("wrong", lambda request: "text"))  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="'wrong' must return a Response or None, not 'text'"):
        layers.run(make_request())


async def test_layers_can_be_changed_while_a_request_passes(layers: Layers) -> None:
    seen: list[str] = []

    async def removes(request: Request) -> None:
        layers.remove("removes")
        layers.remove("last")
        seen.append("removes")

    layers.add(Layer("removes", removes))
    layers.add(Layer("last", lambda request: seen.append("last")))
    await layers.run(make_request())
    assert seen == ["removes", "last"]


# -- what the server answers


async def test_unauthorized_of_any_layer_is_a_refusal(primus: Primus) -> None:
    @primus.before("mine")
    def mine(request: Request) -> None:
        raise Unauthorized("not you", authenticate="Bearer")

    response = await primus.handle(make_request())
    assert response is not None
    assert response.status == 401
    assert response.body == b'{"error":"not you"}'
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_an_authorization_that_returns_false_refuses(primus: Primus) -> None:
    primus.authorize(lambda request: False)
    response = await primus.handle(make_request())
    assert response is not None
    assert response.status == 401
    assert response.body == b'{"error":"Unauthorized"}'


@pytest.mark.parametrize("status", [200, 302, 600, 0])
def test_a_refusal_has_the_status_of_an_error(status: int) -> None:
    with pytest.raises(OptionError, match="must be 400 to 599"):
        Unauthorized("no", status)


def test_authorization_has_to_be_callable(primus: Primus) -> None:
    with pytest.raises(TypeError, match="authorize only accepts functions"):
        primus.authorize("me")  # type: ignore[type-var]


async def test_a_reason_with_a_line_end_stays_in_the_body(primus: Primus) -> None:
    primus.authorize(lambda request: (_ for _ in ()).throw(Unauthorized("a\r\nSet-Cookie: x=1")))
    response = await primus.handle(make_request())
    assert response is not None
    assert response.body == b'{"error":"a\\r\\nSet-Cookie: x=1"}'


async def test_a_layer_that_raises_is_500_and_logged_once(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a middleware layer raised for <Request GET /primus>")
    primus.before("mine", lambda request: 1 / 0)  # type: ignore[arg-type,return-value]
    response = await primus.handle(make_request())
    assert response is not None
    assert response.status == 500


async def test_a_layer_that_raises_for_every_request_is_one_line_a_minute(
    primus: Primus,
    manual_clock: ManualClock,
    tracebacks: Tracebacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracebacks.expect("a middleware layer raised")
    primus.authorize(lambda request: request.headers["X-Token"])
    for _ in range(3):
        await primus.handle(make_request())
    manual_clock.advance(60.0)
    await primus.handle(make_request())
    lines = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert [line.partition("(")[2] for line in lines] == ["", "2 more since the last line)"]


async def test_a_spark_joined_past_the_middleware_is_an_ordinary_one(primus: Primus) -> None:
    spark, wire = join(primus, "/primus?a=1", headers={"X-One": "1"})
    assert spark.query == {"a": "1"}
    assert spark.headers["x-one"] == "1"
    wire.receive('"primus::id::"')
    assert wire.sent == [f'"primus::id::{spark.id}"']


@pytest.mark.parametrize(
    ("verdict", "status"), [(None, 426), (True, 426), (False, 401), (Response(418), 418)]
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_an_authorization_decides_at_once_or_later(
    primus: Primus, is_async: bool, verdict: Any, status: int
) -> None:
    async def later() -> Any:
        return verdict

    primus.authorize(lambda request: later() if is_async else verdict)
    response = await primus.handle(make_request())
    assert response is not None
    assert response.status == status


@pytest.mark.parametrize("verdict", [1, 0, "yes", {}])
async def test_an_authorization_that_decides_later_by_something_odd_accepts_no_client(
    primus: Primus, tracebacks: Tracebacks, verdict: Any
) -> None:
    tracebacks.expect("an authorization handler raises Unauthorized to refuse")

    async def later(request: Request) -> Any:
        return verdict

    primus.authorize(later)
    response = await primus.handle(make_request())
    assert response is not None
    assert response.status == 500


@pytest.mark.parametrize(("status", "told"), [(401, "Basic"), (403, None)])
async def test_only_a_client_that_is_unknown_is_told_how_to_authenticate(
    primus: Primus, status: int, told: str | None
) -> None:
    @primus.authorize
    def check(request: Request) -> None:
        raise Unauthorized("no", status, authenticate="Basic")

    response = await primus.handle(make_request())
    assert response is not None
    assert (response.status, response.headers.get("WWW-Authenticate")) == (status, told)
