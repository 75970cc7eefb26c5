"""Hosts: what connects a Primus to an HTTP server."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary, ref

from primus.contracts import Server
from primus.errors import AttachError
from primus.server.hosts.base import Host

if TYPE_CHECKING:
    from primus.server.hosts.asgi import AsgiHost
    from primus.transformer import Transformer

__all__ = ["Host", "asgi_application", "attach"]


HostKind = TypeVar("HostKind", bound=Host)


def attach(primus: Server, server: Any, transformer: type[Transformer]) -> Host:
    """Attach a Primus to a server: to an `aiohttp.web.Application`, or to an ASGI application.

    Raises:
        AttachError: the server is of no known kind, or cannot carry the transformer, or another
            Primus is attached to it at the same pathname.
    """
    _check_place(primus, server)
    if _is_aiohttp(server):
        from primus.server.hosts.aiohttp import AiohttpHost

        return _checked(AiohttpHost, transformer)(primus, server)
    if _is_asgi(server):
        from primus.server.hosts.asgi import AsgiHost

        return _checked(AsgiHost, transformer)(primus, server)
    raise AttachError(
        f"cannot attach to {server!r}: give an aiohttp.web.Application, an ASGI application "
        "(FastAPI, Starlette, Django's get_asgi_application()), or use Primus.create_server() "
        "for a server of its own"
    )


def _check_place(primus: Server, server: Any) -> None:
    """Let each Primus of a server have a pathname of its own, as long as it is not destroyed."""
    try:
        places = _places.setdefault(server, {})
    except TypeError:
        return  # it cannot be remembered, so it is not known
    there = places.get(primus.pathname)
    other = None if there is None else there()
    if other is not None and not other.draining:
        raise AttachError(
            f"{other!r} is attached to this server already: give this one another pathname, or "
            "add to that one"
        )
    places[primus.pathname] = ref(primus)


_places: WeakKeyDictionary[Any, dict[str, ref[Server]]] = WeakKeyDictionary()
"""What is attached to each server, by pathname."""


def asgi_application(primus: Server) -> AsgiHost:
    """What `Primus.asgi` gives: a Primus that has no server yet becomes an application itself.

    Raises:
        AttachError: it is attached to something else, or ASGI cannot carry its transformer.
    """
    from primus.server.hosts.asgi import AsgiHost

    if primus.host is None:
        primus.host = _checked(AsgiHost, type(primus.transformer))(primus, None)
    if not isinstance(primus.host, AsgiHost):
        raise AttachError(
            f"this Primus is attached to {primus.host.name} and is no ASGI application: make it "
            "by Primus() or Primus(asgi_app)"
        )
    return primus.host


def _is_aiohttp(server: Any) -> bool:
    """Whether it is an application of aiohttp, which has been imported if there is one."""
    module = sys.modules.get("aiohttp.web_app")
    return module is not None and isinstance(server, module.Application)


def _is_asgi(server: Any) -> bool:
    """Whether it can be called as ASGI 3 applications are; no framework is imported for that."""
    if not callable(server) or inspect.isclass(server):
        return False
    try:
        inspect.signature(server).bind("scope", "receive", "send")
    except TypeError:
        return False  # a WSGI application, for one
    except ValueError:
        pass  # it shows no signature
    return True


def _checked(kind: type[HostKind], transformer: type[Transformer]) -> type[HostKind]:
    missing = transformer.needs - kind.offers
    if missing:
        raise AttachError(
            f"the transformer {transformer.name!r} needs {', '.join(sorted(missing))}, "
            f"which {kind.name} does not offer"
        )
    return kind
