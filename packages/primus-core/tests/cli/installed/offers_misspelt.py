"""A plugin with a hook that does not exist."""

from __future__ import annotations

from primus import hookimpl


@hookimpl
def primus_conection(spark: object) -> None:
    pass
