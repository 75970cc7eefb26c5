"""Cookies as Connect signs them; the literal ones were made by express-session and connect."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from primus_session.connect import signature, signed_value
from primus_testing import join, make_request

MakePrimus = Callable[..., Any]
SECRET = "keyboard cat"
STORE = {"abc.def": {"user": 7}, "text": '{"user": 8}', "bytes": b"{}"}


def signed(value: str, secret: str = SECRET) -> str:
    return quote(f"s:{value}.{signature(value, secret.encode()).decode()}", safe="")


async def session(primus: Any, cookie: Any, target: str = "/primus") -> Any:
    headers = [("Cookie", each) for each in ([cookie] if isinstance(cookie, str) else cookie)]
    spark, _ = join(primus, target, headers=headers)
    return await spark.get_session()


@pytest.fixture
def stored(make_primus: MakePrimus) -> Any:
    return make_primus("session", session={"secret": SECRET, "store": STORE})


async def test_a_signed_cookie_names_a_session_of_the_store(stored: Any) -> None:
    known = "s%3Aabc.def." + quote(signature("abc.def", SECRET.encode()).decode(), safe="")

    assert await session(stored, f"other=1; connect.sid={known}") == {"user": 7}
    assert await session(stored, f'connect.sid="{known}"') == {"user": 7}


async def test_a_request_names_its_session_as_its_spark_does(stored: Any) -> None:
    cookie = f"connect.sid={signed('abc.def')}"

    assert await stored.get_session(make_request(headers={"Cookie": cookie})) == {"user": 7}
    assert await stored.get_session(make_request(headers={"Cookie": "connect.sid=bad"})) is None


async def test_the_parameter_cookie_of_the_url_counts_without_a_header(stored: Any) -> None:
    target = f"/primus?cookie={quote('connect.sid=' + signed('abc.def'), safe='')}"

    assert await session(stored, [], target) == {"user": 7}
    assert await session(stored, "", target) == {"user": 7}
    assert await session(stored, "other=1", target) is None


async def test_of_a_cookie_that_is_repeated_the_first_counts(stored: Any) -> None:
    good, bad = f"connect.sid={signed('abc.def')}", "connect.sid=bad"

    assert await session(stored, f"{good}; {bad}") == {"user": 7}
    assert await session(stored, [good, bad]) == {"user": 7}
    assert await session(stored, f"{bad}; {good}") is None


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "connect.sid",
        "connect.sid=",
        "connect.sid=abc.def",
        "connect.sid=s:",
        "connect.sid=s:.",
        "connect.sid=s:abc",
        "connect.sid=s:abc.def",
        "connect.sid=s:abc.def.",
        "connect.sid=s:abc.def.AAAA",
        "connect.sid=s:abc.def.\N{SNOWMAN}",
        "connect.sid=s%3Aabc.def.%ff%fe",
        "connect.sid=s:abc.def.\udcff",  # as hosts hand over bytes that are no UTF-8
        f"connect.sid={signed('abc.def', 'another secret')}",
        f"connect.sid={signed('abc.def')}x",
        f"connect.sid={signed('abc.def')[:-1]}",
        f"connect.sid={signed('abc.def').replace('abc', 'abd')}",
        f"connect.sid={signed('')}",
        f"connect.sid={signed('unknown')}",
        f"connect.sid=abc.def.{signature('abc.def', SECRET.encode()).decode()}",
        f"connect.sid=s:{signature('', SECRET.encode()).decode()}",
        f"other={signed('abc.def')}",
    ],
)
async def test_anything_else_is_no_session(stored: Any, cookie: str) -> None:
    assert await session(stored, cookie) is None


async def test_a_store_is_asked_for_nothing_but_ids_that_are_signed(
    make_primus: MakePrimus,
) -> None:
    class Asked:
        def get(self, sid: str) -> Any:
            asked.append(sid)

    asked: list[str] = []
    primus = make_primus("session", session={"secret": SECRET, "store": Asked()})

    for cookie in ("s:forged.AAAA", signed(""), signed("known")):
        assert await session(primus, f"connect.sid={cookie}") is None

    assert asked == ["known"]


def test_a_signature_without_a_value_is_none() -> None:
    secret = SECRET.encode()

    assert signed_value("s:" + signature("", secret).decode(), [secret]) is None
    assert signed_value("s:." + signature("", secret).decode(), [secret]) == ""


async def test_each_of_several_secrets_is_known(make_primus: MakePrimus) -> None:
    primus = make_primus("session", session={"secret": ["new", b"old"], "store": STORE})

    assert await session(primus, f"connect.sid={signed('abc.def', 'new')}") == {"user": 7}
    assert await session(primus, f"connect.sid={signed('abc.def', 'old')}") == {"user": 7}
    assert await session(primus, f"connect.sid={signed('abc.def', SECRET)}") is None


async def test_the_name_of_the_cookie_can_be_another(make_primus: MakePrimus) -> None:
    primus = make_primus("session", session={"secret": SECRET, "store": STORE, "key": "sid"})

    assert await session(primus, f"sid={signed('abc.def')}") == {"user": 7}


async def test_a_store_may_be_async_and_its_error_is_raised(make_primus: MakePrimus) -> None:
    class Away:
        async def get(self, sid: str) -> Any:
            if sid == "known":
                return {"user": 8}
            raise ConnectionError("the store is away")

    primus = make_primus("session", session={"secret": SECRET, "store": Away()})

    assert await session(primus, f"connect.sid={signed('known')}") == {"user": 8}
    with pytest.raises(ConnectionError, match="the store is away"):
        await session(primus, f"connect.sid={signed('abc.def')}")


async def test_what_a_store_has_as_text_is_json(stored: Any) -> None:
    assert await session(stored, f"connect.sid={signed('text')}") == {"user": 8}
    assert await session(stored, f"connect.sid={signed('bytes')}") == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('j:{"user":7,"é":"."}', {"user": 7, "é": "."}),
        ("j:{", None),
        ("j:" + "[" * 100_000, None),
        ('{"user":7}', None),
    ],
)
async def test_without_a_store_the_cookie_is_the_session(
    make_primus: MakePrimus, value: str, expected: Any
) -> None:
    primus = make_primus("session", session={"secret": SECRET})

    assert await session(primus, f"connect.sess={signed(value)}") == expected
