"""When a session is read, and that it is read once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from primus import OptionError, Unauthorized
from primus_testing import eventually, join, make_request

MakePrimus = Callable[..., Any]


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_loader_is_asked_once_for_each_connection(
    make_primus: MakePrimus, is_async: bool
) -> None:
    asked: list[Any] = []

    def load(spark: Any) -> Any:
        asked.append(spark)
        return {"number": len(asked)}

    async def load_later(spark: Any) -> Any:
        await asyncio.sleep(0)
        return load(spark)

    primus = make_primus("session", session=load_later if is_async else load)
    one, _ = join(primus)
    two, _ = join(primus)

    assert await asyncio.gather(*[one.get_session() for _ in range(3)]) == [{"number": 1}] * 3
    assert await one.get_session() is await one.get_session()
    assert await two.get_session() == {"number": 2}
    assert await one.get_session(refresh=True) == {"number": 3}
    assert await one.get_session() == {"number": 3}
    assert asked == [one, two, one]


async def test_that_there_is_none_is_remembered_too(make_primus: MakePrimus) -> None:
    asked: list[Any] = []
    spark, _ = join(make_primus("session", session=asked.append))

    assert await spark.get_session() is None
    assert await spark.get_session() is None

    assert len(asked) == 1


async def test_an_error_is_raised_to_all_that_wait_and_not_remembered(
    make_primus: MakePrimus,
) -> None:
    answers = iter([RuntimeError("the store is away"), {"user": 7}])

    async def load(spark: Any) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    spark, _ = join(make_primus("session", session=load))

    failed = await asyncio.gather(spark.get_session(), spark.get_session(), return_exceptions=True)
    assert [str(error) for error in failed] == ["the store is away"] * 2
    assert await spark.get_session() == {"user": 7}


async def test_a_caller_that_is_cancelled_takes_the_session_from_no_other(
    make_primus: MakePrimus,
) -> None:
    ready = asyncio.Event()

    async def load(spark: Any) -> str:
        await ready.wait()
        return "session"

    spark, _ = join(make_primus("session", session=load))
    first, second = (asyncio.ensure_future(spark.get_session()) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    await eventually(first.done)
    ready.set()

    assert await second == "session"


async def test_a_store_that_gives_up_by_cancelling_is_asked_again(make_primus: MakePrimus) -> None:
    asked: list[Any] = []

    async def load(spark: Any) -> str:
        asked.append(spark)
        if len(asked) == 1:
            raise asyncio.CancelledError
        return "session"

    spark, _ = join(make_primus("session", session=load))

    with pytest.raises(asyncio.CancelledError):
        await spark.get_session()
    assert await spark.get_session() == "session"


async def test_a_session_can_be_read_after_the_connection_has_ended(
    make_primus: MakePrimus,
) -> None:
    spark, wire = join(make_primus("session", session=lambda spark: spark.id))
    wire.lose()

    assert await spark.get_session() == spark.id


async def test_without_the_option_reading_says_what_is_missing(make_primus: MakePrimus) -> None:
    spark, _ = join(make_primus("session"))

    with pytest.raises(OptionError, match="needs the option session"):
        await spark.get_session()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "`secret` option required for sessions"),
        ({"secret": ""}, "`secret` option required for sessions"),
        ({"secret": [""]}, "must be a non-empty text"),
        ({"secret": 5}, "must be a non-empty text"),
        ({"secret": [5]}, "must be a non-empty text"),
        ({"secret": "s", "store": 5}, "has no method get"),
        ({"secret": "s", "stroe": {}}, "unknown 'stroe'"),
        ("secret", "must have a secret, or be a loader"),
    ],
)
def test_an_option_that_cannot_work_is_refused(
    make_primus: MakePrimus, given: Any, text: str
) -> None:
    with pytest.raises(OptionError, match=text):
        make_primus("session", session=given)


@pytest.mark.parametrize("is_async", [False, True])
async def test_authorization_reads_the_session_of_a_request(
    make_primus: MakePrimus, is_async: bool
) -> None:
    def load(handshake: Any) -> Any:
        assert handshake.primus is primus
        assert handshake.address is handshake.request.address
        assert handshake.headers is handshake.request.headers
        return {"user": handshake.query.text("user")} if handshake.request.cookies else None

    async def load_later(handshake: Any) -> Any:
        return load(handshake)

    primus = make_primus("session", session=load_later if is_async else load)

    @primus.authorize
    async def check(request: Any) -> None:
        if await primus.get_session(request) is None:
            raise Unauthorized("sign in first", status=403)

    known = make_request("/primus?user=ada", headers={"Cookie": "sid=1"})
    assert await primus.get_session(known) == {"user": "ada"}
    assert (await primus.handle(known)).status == 426
    assert (await primus.handle(make_request())).status == 403
