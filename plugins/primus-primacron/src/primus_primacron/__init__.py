"""A preset: a Primus with five plugins, after primacron for Node.

    from primus_primacron import Primacron

    primus = await Primacron.create_server(port=8080, redis="redis://…", password=SECRET)

    primus.validate("vote", lambda spark, choice: choice in ("tea", "coffee"))

    @primus.on("vote")
    def vote(spark, choice):
        spark.emit("counted", choice)

It has the plugins ``mirage`` (session ids), ``fortress-maximus`` (no message without a validator),
``omega-supreme`` (messages by HTTP), ``emit-broadcast`` (events of clients are events of the
server) and ``metroplex`` (the registry of a cluster), and their options. Its own defaults are
``pathname`` (``/primacron``), ``namespace`` (``primacron``), ``fortress`` (``primus``) and
``concurrently`` (10). There is no default ``password``.

``Primacron.client()`` is the class of clients for such a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primus_primacron.preset import Primacron, PrimacronOptions, PrimacronSpark

if TYPE_CHECKING:
    from primus_primacron.sockets import PrimacronSocket

__all__ = ["Primacron", "PrimacronOptions", "PrimacronSocket", "PrimacronSpark"]


def __getattr__(name: str) -> Any:
    """The class of sockets, imported when it is first asked for: a server does without it."""
    if name == "PrimacronSocket":
        from primus_primacron.sockets import PrimacronSocket

        return PrimacronSocket
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
