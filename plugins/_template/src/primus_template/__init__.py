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
from typing import TYPE_CHECKING, Any, Unpack

from primus import OptionError, Packet, Primus, ServerOptions, Spark, SparkT_co, hookimpl
from primus.browser import Browser
from primus.pipeline import Transform

if TYPE_CHECKING:
    from primus import Socket
    from primus_template.sockets import TemplateSocket

__all__ = [
    "TemplateOptions",
    "TemplatePrimus",
    "TemplateSocket",
    "TemplateSpark",
    "primus_browser",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_incoming",
    "primus_options",
    "primus_setup",
    "primus_socket",
]

KEY = "template"


def text_in(message: Any) -> str | None:
    """The text that a message is; `None` when it is no message of this plugin.

    A peer can send anything: this has to cope with every value that the parser gives.
    """
    text = message.get(KEY) if isinstance(message, dict) else None
    return text if isinstance(text, str) else None


def __getattr__(name: str) -> Any:
    """The class of sockets, imported when it is first asked for: a server does without it."""
    if name == "TemplateSocket":
        from primus_template.sockets import TemplateSocket

        return TemplateSocket
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# -- the server half


@hookimpl
def primus_options() -> Mapping[str, object]:
    """The options of the plugin, with their defaults; `Primus` refuses all others."""
    return {"template_limit": 1000}


class TemplateOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``template``, for type checkers."""

    template_limit: int


class TemplatePrimus(Primus[SparkT_co]):
    """A server with the plugin ``template``, for type checkers."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[TemplateOptions]) -> None: ...


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """Methods of the Primus; this plugin has none."""
    return TemplatePrimus


class TemplateSpark(Spark):
    """A spark of a Primus with the plugin ``template``; applications derive from it."""

    def template(self, text: str) -> bool:
        """Send a text to the client, where it is the event ``template``.

        Returns:
            What `write` returns.
        """
        return self.write({KEY: text})


@hookimpl
def primus_extend_spark() -> type[TemplateSpark]:
    """``spark.template``."""
    return TemplateSpark


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
def primus_extend_socket() -> type[Socket]:
    """``socket.template``; imported here, since a server does without the client."""
    from primus_template.sockets import TemplateSocket

    return TemplateSocket


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
