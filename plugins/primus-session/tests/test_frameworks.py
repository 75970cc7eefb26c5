"""Sessions of aiohttp-session, Starlette and Django, as their own code has written them."""

import json
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from aiohttp_session import Session, SimpleCookieStorage
from aiohttp_session.cookie_storage import EncryptedCookieStorage
from django.conf import settings
from django.test import override_settings
from itsdangerous import TimestampSigner

from primus import OptionError
from primus_session import AiohttpSessions, DjangoSessions, StarletteSessions
from primus_testing import join

MakePrimus = Callable[..., Any]
KEY = b"k" * 32
ENGINES = "django.contrib.sessions.backends."

if not settings.configured:
    settings.configure(SECRET_KEY="a secret for tests")


async def session(primus: Any, cookie: str) -> Any:
    spark, _ = join(primus, headers={"Cookie": cookie} if cookie else {})
    return await spark.get_session()


def filled(**data: Any) -> Session:
    made = Session(None, data=None, new=True, max_age=None)
    made.update(data)
    return made


async def test_aiohttp_session(make_primus: MakePrimus) -> None:
    storage = EncryptedCookieStorage(KEY, max_age=100)
    primus = make_primus("session", session=AiohttpSessions(storage))

    def cookie(age: float, **data: Any) -> str:
        told = {"created": int(time.time() - age), "session": data}
        text = storage._fernet.encrypt(json.dumps(told).encode()).decode()
        return f"AIOHTTP_SESSION={text}"

    loaded = await session(primus, cookie(0, user=7))
    assert isinstance(loaded, Session)
    assert dict(loaded) == {"user": 7}
    assert await session(primus, cookie(101, user=7)) is None
    assert await session(primus, cookie(0)) is None
    assert await session(primus, "AIOHTTP_SESSION=forged") is None
    assert await session(primus, "AIOHTTP_SESSION=\udcff") is None
    assert await session(primus, "") is None


async def test_a_session_that_an_aiohttp_storage_has_just_made_is_none(
    make_primus: MakePrimus,
) -> None:
    class Making:
        async def load_session(self, request: Any) -> Session:
            return filled(user=7)

    assert await session(make_primus("session", session=AiohttpSessions(Making())), "") is None


async def test_an_aiohttp_storage_that_raises_is_heard(make_primus: MakePrimus) -> None:
    primus = make_primus("session", session=AiohttpSessions(SimpleCookieStorage()))

    with pytest.raises(ValueError, match="Expecting value"):
        await session(primus, "AIOHTTP_SESSION=forged")


async def test_starlette(make_primus: MakePrimus) -> None:
    primus = make_primus("session", session=StarletteSessions("secret", "sid", max_age=100))

    def cookie(value: Any, secret: str = "secret") -> str:
        text = b64encode(json.dumps(value).encode())
        return f"sid={TimestampSigner(secret).sign(text).decode()}"

    assert await session(primus, cookie({"user": 7})) == {"user": 7}
    assert await session(primus, cookie({"user": 7}, "another")) is None
    assert await session(primus, cookie(["no", "session"])) is None
    assert (
        await session(primus, f"sid={TimestampSigner('secret').sign('no base64!').decode()}")
        is None
    )
    assert await session(primus, f"sid={TimestampSigner('secret').sign('aGk=').decode()}") is None
    assert await session(primus, "sid=forged") is None
    assert await session(primus, "") is None


async def test_a_starlette_cookie_has_an_age(
    make_primus: MakePrimus, monkeypatch: pytest.MonkeyPatch
) -> None:
    primus = make_primus("session", session=StarletteSessions("secret", max_age=100))
    old = TimestampSigner("secret")
    monkeypatch.setattr(old, "get_timestamp", lambda: int(time.time() - 101))

    assert await session(primus, f"session={old.sign(b64encode(b'{}')).decode()}") is None
    primus = make_primus("session", session=StarletteSessions("secret", max_age=None))
    assert await session(primus, f"session={old.sign(b64encode(b'{}')).decode()}") == {}


def test_starlette_needs_its_secret_and_itsdangerous(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="secret_key"):
        StarletteSessions("")
    monkeypatch.setitem(sys.modules, "itsdangerous", None)
    with pytest.raises(OptionError, match=r"pip install .primus-session\[starlette\]"):
        StarletteSessions("secret")


@pytest.fixture(params=["file", "signed_cookies", "cache"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """The module of a session engine of Django, in use."""
    name = ENGINES + request.param
    with override_settings(SESSION_ENGINE=name, SESSION_FILE_PATH=str(tmp_path)):
        yield import_module(name)


async def test_django(make_primus: MakePrimus, engine: Any) -> None:
    primus = make_primus("session", session=DjangoSessions())
    store = engine.SessionStore()
    store["user"] = 7
    store.save()

    loaded = await session(primus, f"sessionid={store.session_key}")

    assert loaded["user"] == 7
    assert loaded.session_key == store.session_key
    assert await session(primus, "sessionid=forgedforgedforgedforged") is None
    assert await session(primus, "sessionid=") is None
    assert await session(primus, "") is None
