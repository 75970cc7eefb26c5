"""The whole plugin contract, on one page.

A plugin is any object, usually a module, with functions marked `@hookimpl` and named as
below. A hook may leave out arguments it does not need. Hooks run when a plugin is used, in
the order of this page, or when a connection opens, ends, loses its wire or answers a heartbeat. No
hook is called for a message, but for ``primus_overtakes``, which is asked only while messages wait,
and ``primus_event``, which is asked by plugins that judge messages; a transform sees every message.
``primus_control`` is called for control messages that are not the core's.
What hooks return, and what ``primus_setup`` installs, is taken back by ``plugout``, and when the
plugin fails half-way.

Entry-point groups: ``primus.plugins``, ``primus.transformers``, ``primus.parsers``; the entry
point names the module.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from primus.arriving import Arriving
from primus.contracts import ConnectionLike, Server
from primus.layer import Layer
from primus.parser import Parser
from primus.pipeline import Transform
from primus.transformer import Transformer

if TYPE_CHECKING:
    from primus.browser import Browser
    from primus.ordering import Order

__all__ = ["hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("primus")
hookimpl = pluggy.HookimplMarker("primus")


@hookspec
def primus_transformer() -> type[Transformer]:
    """The server half of a transformer; its class knows the two client halves.

    For modules named in the group ``primus.transformers``. Import the class inside the
    function: the module is loaded to be listed, the class only to be used.
    """
    raise AssertionError


@hookspec
def primus_parser() -> Parser:
    """A parser; for modules named in the group ``primus.parsers``."""
    raise AssertionError


@hookspec
def primus_order() -> Order:
    """Which plugins must come after this one, and which before it, if they are in use.

    The plugins in the option ``plugin`` are put in such an order, `primus.use` refuses a plugin
    that would come too late, and a circle is an error. It matters for transforms, and for
    what is done when a spark connects: the first plugin does it first.
    """
    raise AssertionError


@hookspec
def primus_options() -> Mapping[str, object]:
    """The options that the plugin adds to those of `Primus`, with their defaults.

    They stand in ``primus.options.extra``. An option that no plugin declares is an error.
    """
    raise AssertionError


@hookspec
def primus_extend_spark() -> type | Mapping[str, object]:
    """Attributes and methods for the sparks of this server: a class derived from `Spark`.

    What the class adds is set on the server's own `Spark` subclass, so a value is shared by all
    sparks: give functions, properties and immutable defaults. A name that `Spark` itself has is
    replaced, on this server only; two plugins cannot give the same name. Export the class:
    applications annotate with it and derive from it, and what they override stays. A mapping of
    names to values does the same, without types.
    """
    raise AssertionError


@hookspec
def primus_extend_primus() -> type | Mapping[str, object]:
    """Methods for the Primus: a class derived from `Primus`, or a mapping.

    A class may annotate, without a value, what ``primus_setup`` sets. A name that is taken is an
    error. Export the class: applications use it in place of `Primus`.
    """
    raise AssertionError


@hookspec
def primus_middleware(primus: Server) -> Iterable[Layer]:
    """HTTP layers; each names the layer it goes before, or is appended."""
    raise AssertionError


@hookspec
def primus_incoming(primus: Server) -> Transform:
    """A transform for the messages that arrive: ``fn(packet, spark)``."""
    raise AssertionError


@hookspec
def primus_outgoing(primus: Server) -> Transform:
    """A transform for the messages that leave: ``fn(packet, spark)``.

    With any outgoing transform, a broadcast is encoded for each spark rather than once.
    """
    raise AssertionError


@hookspec
def primus_setup(primus: Server) -> None:
    """Install whatever the other hooks do not cover: listeners, attributes, reserved names."""
    raise AssertionError


@hookspec
def primus_connection(spark: ConnectionLike) -> Awaitable[None] | None:
    """A spark has connected; plain or async, before the ``connection`` listeners."""
    raise AssertionError


@hookspec
def primus_disconnection(spark: ConnectionLike) -> None:
    """A spark has ended; before the ``disconnection`` listeners."""
    raise AssertionError


@hookspec
def primus_overtakes(connection: ConnectionLike, data: Any) -> bool:
    """Whether a message is handled at once, although others wait for a busy listener.

    For answers that a listener awaits: such an answer must not wait for that listener. It is
    called with sparks and with Python sockets, only while messages wait, with the message as it
    was decoded, before any transform.
    """
    raise AssertionError


@hookspec
def primus_event(connection: ConnectionLike, data: Any) -> Arriving | None:
    """The event that a message of this plugin is, for plugins that judge what arrives.

    It is called with a spark or a stream above it, and with a message as it was decoded, or as the
    transforms before have left it, when such a plugin asks for it. `None` for messages of others,
    for the plugin's own that are no events, and for all of a stream in which it makes none.
    """
    raise AssertionError


@hookspec
def primus_lost(connection: ConnectionLike) -> None:
    """The wire of a spark or of a Python socket is gone, and the connection has not ended yet.

    Messages that arrived before may still wait for a busy listener, and the end comes after them:
    what such a listener awaits of the peer has to fail now.
    """
    raise AssertionError


@hookspec
def primus_latency(connection: ConnectionLike, seconds: float) -> None:
    """The time of a round trip to the peer of a spark, or of a Python socket, has been measured.

    A server measures it with each of its pings, so not with a client that pings by itself; a
    Python socket with each answer to ``primus::id::``.
    """
    raise AssertionError


@hookspec
def primus_control(connection: ConnectionLike, name: str, value: str) -> bool | None:
    """A control message ``primus::<name>::<value>`` has come, to a spark or to a Python socket.

    It is none of the core's (``ping``, ``pong``, ``id``, ``server``), comes in its turn, behind the
    messages that arrived before it, and is no ``data``. Answer `True` to take it: no other plugin
    is asked then. One that no plugin takes is ignored. Anything can come from a peer; send with
    ``connection.send_control(name, value)``, and only to a peer that has shown that it has the
    plugin, by its query for example: Primus for Node, which does not know the name, gives the text
    to its ``data`` listeners.
    """
    raise AssertionError


@hookspec
def primus_teardown(primus: Server) -> None:
    """The plugin is being plugged out, or the server is being destroyed."""
    raise AssertionError


@hookspec
def primus_extend_socket() -> type | Mapping[str, object]:
    """Attributes and methods for the Python `Socket`: the first half of the client half.

    A class derived from `Socket`, or a mapping. As with ``primus_extend_spark``, a name that
    `Socket` itself has is replaced, for the classes that use the plugin; two plugins cannot give
    the same name. Import the class inside the function: a server does without the client.
    """
    raise AssertionError


@hookspec
def primus_socket(socket: ConnectionLike, options: Mapping[str, Any]) -> None:
    """A Python `Socket` has been made and has not opened yet: the rest of the client half.

    Install transforms and listeners here. `options` are those that no option of `Socket`
    takes, for plugins to read.
    """
    raise AssertionError


@hookspec
def primus_browser(primus: Server) -> Browser:
    """The browser half: ``client.js`` and, if it needs one, a library and declarations.

    Read both from package data, so that they are real ``.js`` files.
    """
    raise AssertionError
