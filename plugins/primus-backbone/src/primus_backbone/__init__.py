"""Backbone models over Primus: the plugin ``backbone``, after backbone.primus.

    primus = Primus(app, plugin="emitter, backbone")

    class Todos:
        async def read(self, spark, data, url):
            return [{"id": 7, "title": "milk"}]

        async def update(self, spark, data, url):
            primus.send(f"{url}:update", data)
            return data

    primus.backbone("todos", Todos())

Models and collections in a page whose ``url`` begins with ``todos`` or ``/todos`` are then fetched
and saved over Primus, and bound to its events: ``Backbone.sync``, ``ioBind``, ``ioUnbind`` and
``ioUnbindAll``. A handler has ``create``, ``read``, ``update``, ``patch`` and ``delete``, plain or
async, as many as it needs. What it returns is what Backbone gets; what it raises, too, as a text.

It needs the plugin ``emitter``, on both sides.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, TypeVar

from primus import Primus, SparkT_co, hookimpl
from primus.browser import Browser
from primus_backbone.routes import BackboneError, Routes

__all__ = [
    "BackboneError",
    "BackbonePrimus",
    "primus_browser",
    "primus_connection",
    "primus_extend_primus",
    "primus_setup",
    "primus_teardown",
]

Handler = TypeVar("Handler")


class BackbonePrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``backbone``; applications derive from it."""

    _routes: Routes

    def backbone(self, name: str, handler: Handler) -> Handler:
        """Let a handler answer for the models whose url begins with a name.

        Args:
            name: the first segment of the url, without slashes.
            handler: has ``create``, ``read``, ``update``, ``patch`` and ``delete``, or some of
                them: ``fn(spark, data, url)``, plain or async.

        Returns:
            The handler.

        Raises:
            BackboneError: the name cannot be used or is taken, the handler has none of the methods,
                or the plugin ``emitter`` is not in use.
        """
        self._routes.add(name, handler)
        return handler


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.backbone``."""
    return BackbonePrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """There are no handlers yet."""
    primus._routes = Routes(primus)


@hookimpl
def primus_connection(spark: Any) -> None:
    """Let the handlers answer a client."""
    spark.primus._routes.connected(spark)


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Let no handler answer any more."""
    primus._routes.close()


@hookimpl
def primus_browser() -> Browser:
    """``Backbone.sync`` and ``ioBind`` in the browser."""
    declarations = files("primus_backbone").joinpath("client.d.ts").read_text("utf-8")
    return Browser.read("primus_backbone", declarations=declarations)
