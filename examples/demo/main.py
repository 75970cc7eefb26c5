"""The demo: a chat among the open tabs, on a server that any of them can take away.

Run it as ``python examples/demo/main.py --transformer websockets --parser json --port 8080``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from chat import Chat
from outage import Listener
from primus import Primus, PrimusError, Request, Response

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def main() -> int:
    """Serve until Ctrl-C; the exit code."""
    args = arguments()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(args))
    except PrimusError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        reason = error.strerror or error
        print(f"demo: cannot listen on {args.host} port {args.port}: {reason}", file=sys.stderr)
        return 2
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Serve the Primus demo until Ctrl-C.")
    parser.add_argument("--transformer", default="websockets", help="default: %(default)s")
    parser.add_argument("--parser", default="json", help="default: %(default)s")
    parser.add_argument("--host", default="localhost", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=8080, help="default: %(default)s")
    parser.add_argument(
        "--outage",
        type=float,
        default=6.0,
        metavar="SECONDS",
        help="how long a dropped server stays away (default: %(default)s)",
    )
    return parser.parse_args()


async def serve(args: argparse.Namespace) -> None:
    """Serve the page and its Primus until SIGINT or SIGTERM."""
    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/{name:[a-z]+[.](?:css|js)}", page)
    primus = Primus(app, transformer=args.transformer, parser=args.parser, max_length=16 * 1024)
    primus.before("same-origin", same_origin)

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    listener = Listener(runner, primus, args.host, args.port, args.outage)
    Chat(primus, listener)
    stopped = stop_signal()
    try:
        await listener.start()
        host = f"[{args.host}]" if ":" in args.host else args.host
        print(f"Primus demo: http://{host}:{listener.port}", flush=True)
        await stopped.wait()
    finally:
        await listener.stop()
        await runner.cleanup()


async def page(request: web.Request) -> web.StreamResponse:
    """One file of the page."""
    path = PAGE / request.match_info.get("name", "index.html")
    if not path.is_file():
        raise web.HTTPNotFound
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return web.FileResponse(path, headers=headers)


def same_origin(request: Request) -> Response | None:
    """A layer that keeps other sites, which the visitor happens to have open, out of the chat."""
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.headers.get("Host"):
        return Response.error(403)
    return None


def stop_signal() -> asyncio.Event:
    """Set by the first Ctrl-C or SIGTERM; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()

    def stop() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop)
    return stopped


if __name__ == "__main__":
    sys.exit(main())
