"""Short texts from one side to the other: the plugin ``template``.

    primus = Primus(app, plugin="template", template_limit=200)

    @primus.on("connection")
    def connection(spark):
        spark.template("hello")
        spark.on("template", lambda text: print(text))

Python clients have ``socket.template(text)``, pages have ``primus.template(text)``.
Both have the event. The option ``template_limit`` (1000) is how many characters a text
from a client may have; longer ones are cut. On the wire a text is ``{"template": "hello"}``,
both ways; such a message is no ``data``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from primus import OptionError, Packet, Primus, Spark, hookimpl
from primus.browser import Browser
from primus.pipeline import Transform

if TYPE_CHECKING:
    from primus import Socket

__all__ = [
    "primus_browser",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_incoming",
    "primus_options",
    "primus_setup",
    "primus_socket",
]

KEY = "template"


def template(connection: Spark | Socket, text: str) -> bool:
    """Send a text to the other side, where it is the event ``template``.

    Returns:
        What `write` returns.
    """
    return connection.write({KEY: text})


def text_in(message: Any) -> str | None:
    """The text that a message is; `None` when it is no message of this plugin.

    A peer can send anything: this has to cope with every value that the parser gives.
    """
    text = message.get(KEY) if isinstance(message, dict) else None
    return text if isinstance(text, str) else None


# -- the server half


@hookimpl
def primus_options() -> Mapping[str, object]:
    """The options of the plugin, with their defaults; `Primus` refuses all others."""
    return {"template_limit": 1000}


@hookimpl
def primus_extend_spark() -> Mapping[str, object]:
    """``spark.template``."""
    return {template.__name__: template}


@hookimpl
def primus_incoming(primus: Primus) -> Transform:
    """Texts from clients become events."""
    limit = primus.options.extra["template_limit"]

    def incoming(packet: Packet, spark: Spark) -> Any:
        text = text_in(packet.data)
        # `deliver` calls the listeners, and returns what swallows the message.
        return None if text is None else spark.deliver("template", text[:limit])

    return incoming


@hookimpl
def primus_setup(primus: Primus) -> None:
    """Look at the options; whatever is changed here, `plugout` takes back.

    Raises:
        OptionError: one cannot work.
    """
    limit = primus.options.extra["template_limit"]
    if not isinstance(limit, int) or limit < 1:
        raise OptionError(f"template_limit={limit!r}: must be a number of characters > 0")


# -- the client half in Python


@hookimpl
def primus_extend_socket() -> Mapping[str, object]:
    """``socket.template``."""
    return {template.__name__: template}


@hookimpl
def primus_socket(socket: Socket) -> None:
    """Texts from the server become events."""

    def incoming(packet: Packet, socket: Socket) -> Any:
        text = text_in(packet.data)
        return None if text is None else socket.deliver("template", text)

    socket.transform("incoming", incoming)


# -- the client half in the browser


@hookimpl
def primus_browser() -> Browser:
    """``primus.template`` in the browser: client.js beside this module."""
    return Browser(client=files("primus_template").joinpath("client.js").read_text("utf-8"))
