"""Within FastAPI and Starlette, their middleware decides about what uvicorn hands over."""

import inspect
from importlib import import_module
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.authentication import AuthCredentials, AuthenticationError, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.sessions import SessionMiddleware

from primus import HandshakeError, Primus, Spark
from primus.server.hosts.asgi_transport import OF_ANSWERS
from primus.websocket.hosted import HostedTransport
from primus_testing.plugin import ServerFactory
from primus_testing.server import Running
from primus_testing.sites import UvicornSite


class Mounted(UvicornSite):
    """uvicorn with a FastAPI application, in which the Primus is mounted."""

    @staticmethod
    def application() -> None:
        """None around the Primus."""

    def __init__(self, primus: Primus, app: None) -> None:
        super().__init__(primus, app)
        self.fastapi = FastAPI(lifespan=primus.asgi.lifespan)
        self.fastapi.mount(primus.pathname, primus.asgi)
        self.fastapi.router.add_websocket_route(primus.pathname, primus.asgi)
        self.equip(self.fastapi)
        self.served = self.fastapi

    def equip(self, app: FastAPI) -> None:
        """Add the middleware."""


class WithSessions(Mounted):
    """The same with sessions of Starlette, of which messages see nothing."""

    def equip(self, app: FastAPI) -> None:
        """Add the middleware."""
        app.add_middleware(SessionMiddleware, secret_key="x")


class Header:
    """Users by a header."""

    async def authenticate(self, connection: Any) -> Any:
        """Accept those that are named."""
        name = connection.headers.get("x-user")
        if name is None:
            raise AuthenticationError("no name is given")
        return AuthCredentials(), SimpleUser(name)


class WithUsers(Mounted):
    """The same with Starlette's authentication."""

    def equip(self, app: FastAPI) -> None:
        """Add the middleware."""
        app.add_middleware(AuthenticationMiddleware, backend=Header())


class WithEyes(Mounted):
    """The same with middleware that looks at what is sent."""

    seen: list[str]

    def equip(self, app: FastAPI) -> None:
        """Add the middleware."""
        seen = self.seen = []

        class Eyes:
            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                async def sender(message: Any) -> None:
                    seen.append(message["type"])
                    await send(message)

                await self.app(scope, receive, sender)

        app.add_middleware(Eyes)


async def spark_of(server: Running, **dial: Any) -> Spark:
    """The spark of a peer whose message has been answered."""
    sparks: list[Spark] = []

    @server.primus.on("connection")
    def connection(spark: Spark) -> None:
        sparks.append(spark)
        spark.on("data", spark.write)

    peer = await server.peer(**dial)
    peer.send('"hello"')
    assert await peer.receive() == '"hello"'
    return sparks[0]


@pytest.mark.parametrize("site", [Mounted, WithSessions, WithUsers])
async def test_the_transport_passes_middleware_that_looks_at_no_message(
    primus_server: ServerFactory, site: type[Mounted]
) -> None:
    server = await primus_server(on=site, transformer="websockets")
    spark = await spark_of(server, options={"headers": {"X-User": "ann"}})
    assert not isinstance(spark._transport, HostedTransport)
    if site is WithUsers:
        assert spark.request.native["user"].username == "ann"


async def test_authentication_of_the_application_refuses(primus_server: ServerFactory) -> None:
    server = await primus_server(on=WithUsers, transformer="websockets")
    with pytest.raises(HandshakeError) as refused:
        await server.peer()
    assert refused.value.status == 403
    assert len(server.primus) == 0


async def test_middleware_that_looks_at_messages_sees_them(primus_server: ServerFactory) -> None:
    server = await primus_server(on=WithEyes, transformer="websockets")
    spark = await spark_of(server)
    assert isinstance(spark._transport, HostedTransport)
    assert server.site.seen[-2:] == ["websocket.accept", "websocket.send"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(OF_ANSWERS))
def test_what_starlette_puts_in_between_sees_answers_alone(name: tuple[str, str]) -> None:
    module, qualified = name
    outer, *_, inner = qualified.split(".")
    source = inspect.getsource(getattr(import_module(module), outer))
    body = source.partition(f"async def {inner}(message: Message) -> None:\n")[2]
    looked_at = [line.strip() for line in body.splitlines() if 'message["type"]' in line]
    assert looked_at[0] == 'if message["type"] == "http.response.start":'
    assert "websocket." not in body
