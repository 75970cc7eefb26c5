"""The hooks: ``primus.backplane``, which opens when the server starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from primus import Primus, SparkT_co, hookimpl
from primus.tasks import has_loop, spawn
from primus_backplane.backplane import Backplane
from primus_backplane.options import BackplaneOptions, chosen

__all__ = ["BackplanePrimus", "primus_extend_primus", "primus_setup", "primus_teardown"]


class BackplanePrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``backplane``."""

    backplane: Backplane
    """The servers that share a bus."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[BackplaneOptions]) -> None: ...


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.backplane``."""
    return BackplanePrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.backplane``.

    Raises:
        OptionError: an option cannot be used.
        PluginError: no engine for the option ``backplane`` is installed.
    """
    backplane = primus.backplane = Backplane(primus, chosen(primus.options.extra))
    primus.on("initialised", backplane.begin)
    primus.on("close", backplane.close)
    if has_loop():
        backplane.begin()


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Leave the bus, without waiting."""
    if has_loop():
        spawn(primus.backplane.close())
