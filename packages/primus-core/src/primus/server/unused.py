"""Classes of plugins that an application derives from, although the plugins are not in use."""

from __future__ import annotations

from primus.members import outside
from primus.plugins import Ark
from primus.registry import PLUGIN, installed

__all__ = ["unused"]

HOOKS = ("primus_extend_spark", "primus_extend_primus")


def unused(server: type, spark: type, ark: Ark) -> list[str]:
    """What is to be said of them; nothing for an application without classes of its own.

    Args:
        server: the class of the Primus.
        spark: the class of its sparks.
        ark: the plugins in use.
    """
    derived = [*outside(server), *outside(spark)]
    if not derived:
        return []
    given = [ark.call(name, hook) for name in ark for hook in HOOKS]
    used = [kind for kind in given if isinstance(kind, type)]
    offered: dict[str, list[str]] = {}
    for name, entry in sorted(installed(PLUGIN).items()):
        offered.setdefault(_package(entry.module), []).append(repr(name))
    found = {}
    for kind in derived:
        names = offered.get(_package(kind.__module__), ())
        is_used = any(issubclass(kind, each) or issubclass(each, kind) for each in used)
        if names and not is_used:
            found[kind.__name__] = " or ".join(names)
    return [f"{kind} is a class of the plugin {names}" for kind, names in found.items()]


def _package(module: str) -> str:
    return module.partition(".")[0]
