"""A FastAPI application with a Primus beside its own routes, for any ASGI server.

``asgi_application:wrapped`` has the application within the Primus, ``asgi_application:mounted``
the Primus within the application.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket

from primus import Primus, Request, Response, Spark, Unauthorized

hanging = asyncio.Event()


def tell(text: str) -> None:
    """A line for the test."""
    print(text, flush=True)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The application's own."""
    tell("application up")
    yield
    tell("application down")


def application() -> FastAPI:
    """Routes and a WebSocket of its own."""
    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def home() -> str:
        return "home"

    @app.websocket("/own-socket")
    async def own_socket(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(f"own {text}")

    return app


async def pieces() -> AsyncIterator[bytes]:
    """An answer that goes on for as long as its client is there."""
    try:
        yield b"first"
        await asyncio.Event().wait()
    finally:
        tell("stream closed")


async def answers(request: Request) -> Response | None:
    """A poll that hangs, a stream, and a body that is limited."""
    if request.path.endswith("/hang"):
        gone = asyncio.Event()
        await request.read()
        request.on_gone(gone.set)
        tell("poll hangs")
        await gone.wait()
        tell("poll gone")
    elif request.path.endswith("/stream"):
        return Response(200, pieces())
    elif request.path.endswith("/upload"):
        return Response(200, str(len(await request.read())))
    return None


def authorize(request: Request) -> None:
    """Accept every client but one."""
    if request.query.get("name") == "eve":
        raise Unauthorized("not you", 402)


def equip(primus: Primus) -> Primus:
    """What both of them do."""
    primus.before("answers", answers, index=0)
    primus.authorize(authorize)
    primus.on("initialised", lambda *args: tell("primus up"))
    primus.on("close", lambda options: tell(f"primus down, reconnect={options['reconnect']}"))

    @primus.on("connection")
    def connection(spark: Spark) -> None:
        spark.on("data", spark.write)
        spark.on("end", lambda: tell("spark gone"))

    return primus


wrapped = equip(Primus(application(), origins="http://localhost", max_length=100_000)).asgi

inner = equip(Primus(origins="http://localhost", max_length=100_000))


@asynccontextmanager
async def both(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan of an application that has a Primus mounted."""
    async with lifespan(app), inner.asgi.lifespan():
        yield


mounted = application()
mounted.router.lifespan_context = both
mounted.mount(inner.pathname, inner.asgi)
mounted.router.add_websocket_route(inner.pathname, inner.asgi)
