"""The lifespan of an ASGI application that has a Primus."""

from __future__ import annotations

from primus.contracts import Server
from primus.server.hosts.asgi_scope import Application, Event, Receive, Scope, Send

__all__ = ["Lifespan"]

OVER = ("lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed")


class Lifespan:
    """The start and the end of the server, told to the application and to the Primus.

    The application starts first and ends last. One that knows no lifespan, as Django's, raises
    or returns: then the Primus goes on with it alone.
    """

    def __init__(
        self, primus: Server, app: Application | None, receive: Receive, send: Send
    ) -> None:
        self._primus = primus
        self._app = app
        self._receive = receive
        self._send = send
        self._asked = ""
        self._answered = ""

    async def run(self, scope: Scope) -> None:
        """Go through it.

        Raises:
            Exception: what the application has raised after it had answered.
        """
        if self._app is not None:
            await self._with_application(self._app, scope)
        while self._answered not in OVER:
            if not self._asked or self._answered.startswith(self._asked):
                await self._hear()
            await self._say({"type": f"{self._asked}.complete"})

    async def _with_application(self, app: Application, scope: Scope) -> None:
        try:
            await app(scope, self._hear, self._say)
        except Exception as error:
            if self._answered:
                raise
            self._primus.log.info("the application has no lifespan: %r", error)

    async def _hear(self) -> Event:
        event = await self._receive()
        self._asked = event["type"]
        if self._asked == "lifespan.shutdown":
            # The clients may come back: most stops are the beginning of a restart.
            await self._primus.destroy(reconnect=True)
        return event

    async def _say(self, event: Event) -> None:
        self._answered = event["type"]
        if self._answered == "lifespan.startup.complete":
            self._primus.initialise()
        await self._send(event)
