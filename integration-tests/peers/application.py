"""``python application.py PORT``: an aiohttp application with Primus, as ``run_app`` runs it."""

import sys

from aiohttp import web

from primus import Primus, Spark


async def home(request: web.Request) -> web.Response:
    """A route of the application's own."""
    return web.Response(text="home")


def main() -> None:
    """Serve until SIGTERM."""
    app = web.Application()
    app.router.add_get("/", home)
    primus = Primus(app)

    @primus.on("connection")
    def connection(spark: Spark) -> None:
        spark.on("data", spark.write)

    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
