"""Primus around applications of ASGI frameworks besides FastAPI, Starlette and Django.

They are imported by the tests that use them: every worker of a run collects all tests.
"""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from primus_testing import Recorder, running

Make = Callable[[list[str]], Any]


def of_blacksheep(steps: list[str]) -> Any:
    from blacksheep import Application

    app = Application()

    @app.router.get("/home")
    async def home() -> str:
        return "home"

    @app.on_start
    async def up(app: Application) -> None:
        steps.append("up")

    @app.on_stop
    async def down(app: Application) -> None:
        steps.append("down")

    return app


def of_falcon(steps: list[str]) -> Any:
    import falcon.asgi

    class Home:
        async def on_get(self, request: Any, response: Any) -> None:
            response.text = "home"

    class Lifespan:
        async def process_startup(self, scope: Any, event: Any) -> None:
            steps.append("up")

        async def process_shutdown(self, scope: Any, event: Any) -> None:
            steps.append("down")

    app = falcon.asgi.App(middleware=[Lifespan()])
    app.add_route("/home", Home())
    return app


def of_litestar(steps: list[str]) -> Any:
    import litestar

    @litestar.get("/home", sync_to_thread=False)
    def home() -> str:
        return "home"

    return litestar.Litestar(
        [home],
        on_startup=[lambda: steps.append("up")],
        on_shutdown=[lambda: steps.append("down")],
    )


def of_quart(steps: list[str]) -> Any:
    from quart import Quart

    app = Quart(__name__)

    @app.get("/home")
    async def home() -> str:
        return "home"

    @app.before_serving
    async def up() -> None:
        steps.append("up")

    @app.after_serving
    async def down() -> None:
        steps.append("down")

    return app


@pytest.mark.parametrize(
    ("transformer", "transport"),
    [("websockets", {}), ("engine.io", {"transports": ["polling"]})],
    ids=["websockets", "polling"],
)
@pytest.mark.parametrize("make", [of_blacksheep, of_falcon, of_litestar, of_quart])
async def test_a_framework_keeps_its_routes_and_its_lifespan_beside_a_primus(
    make: Make, transformer: str, transport: Any
) -> None:
    steps: list[str] = []
    async with running(make(steps), on="asgi", transformer=transformer) as server:
        server.primus.on("connection", lambda spark: spark.on("data", spark.write))
        socket = server.primus.Socket(server.url, transport=transport)
        seen = Recorder(socket, "data", "end")

        socket.write({"hello": "€"})

        assert await seen.one("data") == {"hello": "€"}
        home = await server.get("/home")
        assert (home.status, home.text) == (200, "home")
        assert (await server.get("/nowhere")).status == 404
        assert (await server.get("/primus/spec")).json()["transformer"] == transformer
        assert steps == ["up"]
        socket.end()
        await seen.next("end")
    assert steps == ["up", "down"]


WITHOUT_AIOHTTP = """
import sys
sys.modules["aiohttp"] = None
from primus import Primus
from primus.registry import TRANSFORMER

async def app(scope, receive, send):
    pass

for name in TRANSFORMER.distributions:
    assert Primus(app, transformer=name).asgi
"""


def test_every_transformer_serves_under_asgi_where_aiohttp_is_not_installed() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT_AIOHTTP], check=True)
