import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from multidict import CIMultiDict, CIMultiDictProxy

from primus import JSON, Request, Response, Unauthorized
from primus.http import Address
from primus_testing import eventually, join, make_request
from primus_testing.parser import JSON_VALUES, RELAXED

pytestmark = pytest.mark.usefixtures("tracebacks")

RIGHT = f"Basic {b64encode(b'omega:secret').decode()}"
INVALID = '{ "ok": false, "reason": "invalid data structure" }'


async def put(
    primus: Any,
    body: Any,
    *,
    target: str = "/primus/omega/supreme",
    authorization: str | None = RIGHT,
    method: str = "PUT",
) -> Any:
    """The answer: its status and its text."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if authorization is None else {"Authorization": authorization}
    request = make_request(target, method=method, headers=headers, body=[text[:3], text[3:]])
    answer = await primus.handle(request)
    return answer.status, answer.body.decode()


# -- the sparks that it writes to


async def test_a_message_reaches_every_spark(primus: Any) -> None:
    wires = [join(primus)[1] for _ in range(3)]

    assert await put(primus, {"msg": {"a": [1, None]}}) == (200, '{ "ok": true, "send":3 }')

    assert all(wire.sent == ['{"a":[1,null]}'] for wire in wires)


@pytest.mark.parametrize("sparks", [None, "", 0, 5, {}, True])
async def test_what_is_no_id_stands_for_all_sparks(primus: Any, sparks: Any) -> None:
    _, wire = join(primus)

    assert await put(primus, {"msg": "x", "sparks": sparks}) == (200, '{ "ok": true, "send":1 }')

    assert wire.sent == ['"x"']


async def test_a_message_reaches_some_or_one(primus: Any) -> None:
    (one, one_wire), (two, two_wire), (_, other) = join(primus), join(primus), join(primus)

    some = await put(primus, {"msg": "a", "sparks": [one.id, "unknown", two.id, None, [one.id]]})
    single = await put(primus, {"msg": "b", "sparks": one.id})
    unknown = await put(primus, {"msg": "c", "sparks": "unknown"})
    none = await put(primus, {"msg": "d", "sparks": []})

    assert [some[1], single[1], unknown[1], none[1]] == [
        '{ "ok": true, "send":2 }',
        '{ "ok": true, "send":1 }',
        '{ "ok": true, "send":0 }',
        '{ "ok": true, "send":0 }',
    ]
    assert (one_wire.sent, two_wire.sent, other.sent) == (['"a"', '"b"'], ['"a"'], [])


async def test_some_are_left_out(primus: Any) -> None:
    (one, one_wire), (two, two_wire) = join(primus), join(primus)

    await put(primus, {"msg": "a", "except": one.id})
    await put(primus, {"msg": "b", "except": [two.id]})
    await put(primus, {"msg": "c", "except": f"{one.id} {two.id}", "sparks": [one.id]})

    assert (one_wire.sent, two_wire.sent) == (['"b"'], ['"a"'])


async def test_a_message_reaches_rooms(make_primus: Any) -> None:
    primus = make_primus(plugin="rooms omega-supreme")
    (one, one_wire), (two, two_wire), (_, other) = join(primus), join(primus), join(primus)
    one.join("news")
    two.join("sport")

    first = await put(primus, {"msg": "a", "rooms": "news sport"})
    second = await put(primus, {"msg": "b", "sparks": [], "rooms": ["news"], "except": one.id})
    third = await put(primus, {"msg": "c", "rooms": []})

    assert [first[1], second[1], third[1]] == [
        '{ "ok": true, "send":2 }',
        '{ "ok": true, "send":0 }',
        '{ "ok": true, "send":0 }',
    ]
    assert (one_wire.sent, two_wire.sent, other.sent) == (['"a"'], ['"a"'], [])


@pytest.mark.parametrize("to", [{}, {"sparks": ["unknown"]}, {"rooms": "news"}])
async def test_text_that_peers_obey_is_refused(make_primus: Any, to: Any) -> None:
    primus = make_primus(plugin="rooms omega-supreme")
    spark, wire = join(primus)
    spark.join("news")

    status, text = await put(primus, {"msg": "primus::server::close", **to})

    assert status == 400
    assert "Send it within something" in text
    assert wire.sent == []


async def test_a_message_that_cannot_be_encoded_is_refused(make_primus: Any) -> None:
    primus = make_primus(parser=Picky())
    _, wire = join(primus)

    status, text = await put(primus, {"msg": "any"})

    assert status == 400
    assert "cannot encode data: str: not this one" in text
    assert wire.sent == []


class Picky(JSON):
    """A parser that has no form for some texts, as MessagePack has none for lone surrogates."""

    def encode(self, value: Any) -> str:
        raise ValueError("not this one")


async def test_rooms_need_the_plugin(primus: Any) -> None:
    _, wire = join(primus)

    assert await put(primus, {"msg": "a", "rooms": "news"}) == (
        400,
        '{ "ok": false, "reason": "the plugin rooms is not in use here" }',
    )
    assert wire.sent == []


@pytest.mark.parametrize("key", ["rooms", "except"])
@pytest.mark.parametrize("value", [5, {"a": 1}, ["a", 5], True])
async def test_names_that_are_none_are_refused(make_primus: Any, key: str, value: Any) -> None:
    primus = make_primus(plugin="rooms omega-supreme")

    assert await put(primus, {"msg": "a", key: value}) == (
        400,
        f'{{ "ok": false, "reason": "{key} must be a text or a list of texts" }}',
    )


async def test_rooms_that_cannot_be_asked_give_a_503(make_primus: Any) -> None:
    from primus_rooms import MemoryAdapter

    class Away(MemoryAdapter):
        async def members(self, rooms: Any) -> Any:
            raise ConnectionError("away")

    primus = make_primus(plugin="rooms omega-supreme", rooms={"adapter": Away()})

    assert (await put(primus, {"msg": "a", "rooms": "news"}))[0] == 503


# -- what it refuses


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"msg"',
        b"5",
        b"{}",
        b'{"msg":null}',
        b'{"msg":0}',
        b'{"msg":-0.0}',
        b'{"msg":false}',
        b'{"msg":""}',
        b'{"msg":NaN}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
async def test_what_is_no_message_is_refused(primus: Any, body: bytes) -> None:
    _, wire = join(primus)

    assert await put(primus, body) == (500, INVALID)

    assert wire.sent == []


@settings(RELAXED, max_examples=20)
@given(value=JSON_VALUES, other=JSON_VALUES)
async def test_no_value_makes_it_raise(make_primus: Any, value: Any, other: Any) -> None:
    primus = make_primus(plugin="rooms omega-supreme")
    join(primus)

    for body in (
        value,
        {"msg": value, "sparks": other},
        {"msg": 1, "sparks": [value, other]},
        {"msg": 1, "rooms": value, "except": other},
        {"msg": 1, "rooms": [other], "except": [value]},
    ):
        status, text = await put(primus, body)
        assert status in (200, 400, 500)
        assert json.loads(text)["ok"] is (status == 200)
    await primus.destroy()


@pytest.mark.parametrize("msg", [[], {}, "0", 1, True, "caf\u00e9 \u2028 \ud83d\ude00"])
async def test_whatever_javascript_takes_for_true_is_a_message(primus: Any, msg: Any) -> None:
    join(primus)

    assert await put(primus, {"msg": msg}) == (200, '{ "ok": true, "send":1 }')


@pytest.mark.parametrize(
    "shown",
    ["Basic", "Basic x", "Bearer secret", RIGHT + "=", RIGHT.upper(), "", "\udcff", "\u00e9"],
)
async def test_wrong_credentials_are_refused(primus: Any, shown: str) -> None:
    _, wire = join(primus)

    answer = await put(primus, {"msg": "x"}, authorization=shown)

    assert answer == (401, '{"ok":false,"reason":"wrong username or password"}')
    assert wire.sent == []


async def test_wrong_credentials_are_answered_late_and_logged_once(
    primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    tries = [asyncio.ensure_future(put(primus, {}, authorization="Basic x")) for _ in range(20)]

    assert (await put(primus, {"msg": "x"}))[0] == 200  # no other request waits
    assert not any(each.done() for each in tries)
    assert {status for status, _ in await asyncio.gather(*tries)} == {401}
    assert loop.time() - began > 0.2

    assert caplog.text.count("omega-supreme: wrong username or password from 127.0.0.1") == 1
    assert "Basic" not in caplog.text


@pytest.mark.parametrize(
    "request_",
    [
        {"authorization": None},
        {"method": "POST"},
        {"target": "/primus/omega/supreme/"},
        {"target": "/primus/omega/supreme?a=b"},
        {"target": "/primus/omega"},
        {"target": "/primus/Omega/supreme"},
    ],
    ids=str,
)
async def test_what_is_not_meant_for_it_passes(primus: Any, request_: Any) -> None:
    _, wire = join(primus)

    status, text = await put(primus, {"msg": "x"}, **request_)

    assert '"ok"' not in text
    assert status != 401
    assert wire.sent == []


@pytest.mark.parametrize(
    "target",
    [
        "/primus//omega/supreme",
        "/primus/omega///supreme",
        "/primus/./omega/supreme",
        "/primus/omega%2fsupreme",
        "/primus/%6fmega/supreme",
        "/primus/omega/supreme;x",
    ],
)
async def test_another_spelling_of_its_path_is_not_found(primus: Any, target: str) -> None:
    _, wire = join(primus)

    assert (await put(primus, {"msg": "x"}, target=target))[0] == 404
    assert wire.sent == []


async def test_authorization_of_the_application_is_not_asked(make_primus: Any) -> None:
    def refuse(request: Request) -> None:
        raise Unauthorized("unknown")

    primus = make_primus(authorization=refuse)

    assert (await put(primus, {"msg": "x"}))[0] == 200
    assert (await put(primus, {"msg": "x"}, authorization=None))[0] == 401
    names = [layer.name for layer in primus.layers]
    assert names[names.index("authorization") - 1] == "omega-supreme"


async def test_a_body_that_is_too_long_is_refused(make_primus: Any) -> None:
    primus = make_primus(body_limit=100)

    assert await put(primus, {"msg": "x" * 100}) == (
        413,
        '{ "ok": false, "reason": "the body is longer than 100 bytes" }',
    )


async def test_no_more_bodies_than_so_many_are_read_at_a_time(make_primus: Any) -> None:
    primus = make_primus(concurrently=2)
    go_on = asyncio.Event()
    reading: list[int] = []

    def request(number: int) -> Request:
        async def body() -> AsyncIterator[bytes]:
            reading.append(number)
            await go_on.wait()
            yield b'{"msg":1}'

        return Request(
            "PUT",
            "/primus/omega/supreme",
            CIMultiDictProxy(CIMultiDict({"Authorization": RIGHT})),
            address=Address("127.0.0.1"),
            body=body,
        )

    answers = [asyncio.ensure_future(primus.handle(request(number))) for number in range(3)]
    await eventually(lambda: len(reading) == 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert reading == [0, 1]
    go_on.set()

    assert [(await answer).status for answer in answers] == [200, 200, 200]


# -- batches


async def test_a_batch_is_written_in_its_order_and_answered_message_by_message(
    make_primus: Any,
) -> None:
    primus = make_primus(plugin="omega-supreme rooms")
    (one, wire), (two, other) = join(primus), join(primus)
    two.join("news")
    batch = [
        {"msg": 1, "sparks": ""},
        {"msg": "primus::ping::1"},
        {"msg": None},
        "no message",
        {"msg": 2, "sparks": [one.id, "unknown"]},
        {"msg": 3, "sparks": [], "rooms": "news"},
        {"msg": 4, "rooms": 5},
    ]

    status, text = await put(primus, {"batch": batch})

    assert status == 200
    answer = json.loads(text)
    assert (answer["ok"], answer["send"]) == (True, 4)
    first, control, *broken, fifth, sixth, seventh = answer["results"]
    assert [first, fifth, sixth] == [2, 1, 1]
    assert control["status"] == 400
    assert broken == [{"status": 500, "reason": "invalid data structure"}] * 2
    assert seventh == {"status": 400, "reason": "rooms must be a text or a list of texts"}
    assert (wire.sent, other.sent) == (["1", "2"], ["1", "3"])


@pytest.mark.parametrize("batch", [5, {"msg": 1}, [{"msg": 1}] * 257])
async def test_what_is_no_batch_is_refused_and_nothing_is_written(primus: Any, batch: Any) -> None:
    _, wire = join(primus)

    answer = await put(primus, {"batch": batch})

    assert answer == (500, '{ "ok": false, "reason": "invalid data structure" }')
    assert wire.sent == []


async def test_a_batch_may_be_as_long_as_the_limit_and_text_of_middleware(
    make_primus: Any,
) -> None:
    async def middleware(request: Request) -> str:
        return (await request.read()).decode()

    primus = make_primus(middleware=middleware)
    _, wire = join(primus)
    body = b'{"batch":[%b]}' % b",".join([b'{"msg":1}'] * 256)

    status, text = await put(primus, body)

    assert (status, json.loads(text)["send"], len(wire.sent)) == (200, 256, 256)


async def test_a_message_of_a_batch_that_fails_keeps_nothing_from_the_others(
    primus: Any, monkeypatch: pytest.MonkeyPatch, tracebacks: Any
) -> None:
    tracebacks.expect("a message could not be written")
    _, wire = join(primus)
    write = primus.write

    def fails_once(msg: Any, **to: Any) -> Any:
        if msg == 1:
            raise ValueError("a bug")
        return write(msg, **to)

    monkeypatch.setattr(primus, "write", fails_once)

    _, text = await put(primus, {"batch": [{"msg": 1}, {"msg": 2}]})

    failed = {"status": 500, "reason": "the message could not be written"}
    assert json.loads(text)["results"] == [failed, 1]
    assert wire.sent == ["2"]


# -- options


async def test_where_it_is_and_how_it_is_asked_can_be_chosen(make_primus: Any) -> None:
    primus = make_primus(pathname="/live", url="/live/in", method="post", username="me")
    header = f"Basic {b64encode(b'me:secret').decode()}"

    answer = await put(primus, {"msg": 1}, target="/live/in", method="POST", authorization=header)

    assert answer == (200, '{ "ok": true, "send":0 }')


async def test_without_a_url_it_is_below_the_pathname(make_primus: Any) -> None:
    primus = make_primus(pathname="/live")

    assert (await put(primus, {"msg": 1}, target="/live/omega/supreme"))[0] == 200


async def test_middleware_gives_the_body(make_primus: Any) -> None:
    async def middleware(request: Request) -> Any:
        body = await request.read()
        match json.loads(body):
            case "pass":
                return None
            case "answer":
                return Response(418)
            case text:
                return json.dumps({"msg": text}).encode()

    primus = make_primus(middleware=middleware)
    _, wire = join(primus)

    assert (await put(primus, "hello"))[0] == 200
    assert (await put(primus, "answer"))[0] == 418
    assert '"ok"' not in (await put(primus, "pass"))[1]
    assert wire.sent == ['"hello"']
