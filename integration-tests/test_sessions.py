"""The plugin ``session``: cookies of real frameworks, over websockets and polled engine.io."""

import json
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp_session
import pytest
from aiohttp import web
from aiohttp_session.cookie_storage import EncryptedCookieStorage
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.node import installed, node
from harness.tools import PEERS
from primus import Primus, connect
from primus_session import AiohttpSessions, DjangoSessions, StarletteSessions
from primus_testing.sites import AiohttpSite, AsgiSite, Site

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    # aiohttp-session 2.12 has such keys.
    pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning"),
]

USER = {"id": 7, "name": "Zoë; =.,"}
TRANSPORTS: dict[str, dict[str, Any]] = {
    "websockets": {},
    "engine.io": {"transports": ["polling"]},
}


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[str]:
    """A site that runs; its URL."""
    site.primus.on("connection", tell)
    port = await site.start("127.0.0.1")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await site.primus.destroy()
        await site.stop()


async def tell(spark: Any) -> None:
    """Tell a client its session."""
    session = await spark.get_session()
    spark.write(None if session is None else session["user"])


async def told(url: str, transformer: str, cookie: str) -> Any:
    """What a server tells a client that has a cookie."""
    transport = {**TRANSPORTS[transformer], "headers": {"Cookie": cookie}}
    async with connect(url, transformer=transformer, transport=transport) as socket:
        return await anext(aiter(socket))


async def login(url: str) -> str:
    """Get a session from an application; the cookie that a browser would send."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/login") as response:
        assert response.status == 200
        return "; ".join(f"{name}={each.coded_value}" for name, each in response.cookies.items())


# -- frameworks of Python


def aiohttp_site(transformer: str) -> Site:
    """An aiohttp application with aiohttp-session."""
    storage = EncryptedCookieStorage(b"k" * 32)
    app = web.Application()
    aiohttp_session.setup(app, storage)

    async def page(request: web.Request) -> web.Response:
        session = await aiohttp_session.new_session(request)
        session["user"] = USER
        return web.Response()

    app.router.add_get("/login", page)
    primus = Primus(
        app, transformer=transformer, plugin="session", session=AiohttpSessions(storage)
    )
    return AiohttpSite(primus, app)


def starlette_site(transformer: str) -> Site:
    """A Starlette application with its session middleware, under uvicorn."""

    async def page(request: Request) -> Response:
        request.session["user"] = USER
        return Response()

    app = Starlette(
        routes=[Route("/login", page)],
        middleware=[Middleware(SessionMiddleware, secret_key="a secret")],
    )
    loader = StarletteSessions("a secret")
    primus = Primus(app, transformer=transformer, plugin="session", session=loader)
    return AsgiSite(primus, app)


def django_page(request: HttpRequest) -> HttpResponse:
    """Keep a user in the session."""
    request.session["user"] = USER
    return HttpResponse()


def django_site(transformer: str) -> Site:
    """A Django project with sessions, under uvicorn."""
    app = get_asgi_application()
    primus = Primus(app, transformer=transformer, plugin="session", session=DjangoSessions())
    return AsgiSite(primus, app)


@pytest.fixture(autouse=True)
def django_settings(tmp_path: Path) -> Iterator[None]:
    """A project of Django whose sessions are files."""
    if not settings.configured:
        settings.configure(SECRET_KEY="a secret for tests")
    with override_settings(
        ROOT_URLCONF=(path("login", django_page),),
        ALLOWED_HOSTS=["127.0.0.1"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        SESSION_ENGINE="django.contrib.sessions.backends.file",
        SESSION_FILE_PATH=str(tmp_path),
        LOGGING_CONFIG=None,
    ):
        yield


@pytest.mark.parametrize("transformer", TRANSPORTS)
@pytest.mark.parametrize("make", [aiohttp_site, starlette_site, django_site])
async def test_an_application_shares_its_session_with_sparks(
    make: Callable[[str], Site], transformer: str
) -> None:
    async with serving(make(transformer)) as url:
        cookie = await login(url)
        name, _, value = cookie.partition("=")

        assert await told(url, transformer, f"other=1; {cookie}") == USER
        assert await told(url, transformer, f"{name}={value[::-1]}") is None
        assert await told(url, transformer, "other=1") is None


# -- Connect


@pytest.fixture(scope="module")
def connects() -> dict[str, Any]:
    """Cookies and sessions of express-session, and of the Connect of primus-express-session."""
    command = [*node(), str(PEERS / "sessions.js"), str(installed(8))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


@pytest.mark.parametrize("transformer", TRANSPORTS)
@pytest.mark.parametrize("kind", ["express", "connect", "alone"])
async def test_cookies_of_connect_are_read_and_forged_ones_are_not(
    connects: dict[str, Any], kind: str, transformer: str
) -> None:
    made = connects[kind]
    cookie = made["cookie"]
    option: dict[str, Any] = {"secret": "keyboard cat"}
    if "sessions" in made:
        option["store"] = made["sessions"]
    app = web.Application()
    primus = Primus(app, transformer=transformer, plugin="session", session=option)
    forged = [
        cookie[:-4] + ("AAAA" if cookie[-4:] != "AAAA" else "BBBB"),
        cookie.replace("s%3A", "s%3Ax", 1),
        cookie.replace("s%3A", "", 1),
        cookie.rpartition(".")[0],
    ]

    async with serving(AiohttpSite(primus, app)) as url:
        assert await told(url, transformer, f"other=1; {cookie}") == USER
        for each in forged:
            assert await told(url, transformer, each) is None
