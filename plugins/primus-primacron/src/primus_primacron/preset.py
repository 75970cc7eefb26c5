"""The class `Primacron`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Unpack

from primus import MessageT_co, SparkT_co
from primus.options import plugin_names
from primus_emit import EmitSpark
from primus_fortress_maximus import FortressOptions, FortressPrimus
from primus_metroplex import MetroplexOptions, MetroplexPrimus
from primus_mirage import MirageOptions, MiragePrimus, MirageSpark
from primus_omega_supreme import OmegaSupremeOptions, OmegaSupremePrimus

if TYPE_CHECKING:
    from primus_primacron.sockets import PrimacronSocket

__all__ = ["Primacron", "PrimacronOptions", "PrimacronSpark"]

PLUGINS: Final = ("mirage", "fortress-maximus", "omega-supreme", "emit-broadcast", "metroplex")
PATHNAME: Final = "/primacron"
DEFAULTS: Final = {
    "pathname": PATHNAME,
    "namespace": "primacron",
    "fortress": "primus",
    "concurrently": 10,
}


class PrimacronOptions(MirageOptions, FortressOptions, OmegaSupremeOptions, MetroplexOptions):
    """The options of a `Primacron`: those of its plugins, and of every Primus."""


class PrimacronSpark(MirageSpark[MessageT_co], EmitSpark[MessageT_co]):
    """A spark of a `Primacron`; applications derive from it."""


class Primacron(
    MiragePrimus[SparkT_co],
    FortressPrimus[SparkT_co],
    OmegaSupremePrimus[SparkT_co],
    MetroplexPrimus[SparkT_co],
):
    """A Primus with session ids, validated messages, events, messages by HTTP, and a cluster.

    Args:
        server: as of `Primus`.
        options: those of `Primus` and of the plugins. Plugins in the option ``plugin`` are used in
            addition.

    Raises:
        OptionError: as `Primus`; there is no ``password``.
    """

    def __init__(self, server: object = None, **options: Unpack[PrimacronOptions]) -> None:
        chosen: dict[str, Any] = {**DEFAULTS, **options}
        plugins = {**dict.fromkeys(PLUGINS), **plugin_names(chosen.pop("plugin", None))}
        super().__init__(server, plugin=plugins, **chosen)

    @staticmethod
    def client(pathname: str = PATHNAME) -> type[PrimacronSocket]:
        """A class of clients for a `Primacron` elsewhere that has the default options.

        Args:
            pathname: that of the server. A server with other options has its own class,
                ``primus.Socket``.
        """
        from primus_primacron.sockets import PrimacronSocket

        plugin = ("mirage", "emit-broadcast")
        return Primacron.create_socket(socket=PrimacronSocket, plugin=plugin, pathname=pathname)
