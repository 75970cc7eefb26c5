"""The services that sockjs-protocol asks for: ``python sockjs_server.py`` prints its port."""

import asyncio
import sys
from typing import Any

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from primus import Primus, Request, Response, Transport
from primus_transformer_sockjs.server import SockJS

ORIGIN = "test"
"""The origin that the suite uses. It is none: an origin has a scheme."""


class Echo:
    """Sends back what arrives, below the message path of Primus: that escapes U+2028."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def feed(self, frame: str | bytes) -> None:
        """Send it back."""
        self._transport.send(frame)

    def seen(self) -> None:
        """Do nothing: it is not asked for."""

    def congested(self, congested: bool) -> None:
        """The suite reads all there is."""

    def lost(self, error: Exception | None = None, ending: object = None) -> None:
        """Nothing is kept."""


class Echoing(SockJS):
    """Echoes whatever it gets."""

    def opened(self, transport: Transport, request: Request) -> None:
        """Make the session echo."""
        transport.connection = Echo(transport)


class Closing(SockJS):
    """Closes every session at once."""

    def opened(self, transport: Transport, request: Request) -> None:
        """Close with the code that the suite expects, which a spark has no word for."""
        transport.close(3000, "Go away!")


SERVICES: dict[str, tuple[type[SockJS], dict[str, Any]]] = {
    "/echo": (Echoing, {"response_limit": 4096}),
    "/disabled_websocket_echo": (Echoing, {"websocket": False}),
    "/cookie_needed_echo": (Echoing, {"jsessionid": True}),
    "/close": (Closing, {}),
}


def accept_origin(primus: Primus) -> None:
    """Make the layer ``cors`` accept the suite's origin."""
    cors = next(layer.fn for layer in primus.layers if layer.name == "cors")

    def layer(request: Request) -> Any:
        if request.headers.get("Origin") != ORIGIN:
            return cors(request)
        headers = CIMultiDict(request.headers)
        headers["Origin"] = f"http://{ORIGIN}"
        request.headers = CIMultiDictProxy(headers)
        response: Response | None = cors(request)  # type: ignore[assignment]
        request.response_headers["Access-Control-Allow-Origin"] = ORIGIN
        return response

    primus.before("cors", layer)


async def main() -> None:
    """Listen until the process is ended."""
    app = web.Application()
    for pathname, (transformer, transport) in SERVICES.items():
        options = {"jsonp": True, **transport}
        primus = Primus(app, pathname=pathname, transformer=transformer, transport=options)
        accept_origin(primus)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
