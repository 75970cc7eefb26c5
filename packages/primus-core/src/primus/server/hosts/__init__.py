"""Hosts: what connects a Primus to an HTTP server."""

from __future__ import annotations

import inspect
from collections.abc import Callable, MutableMapping
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from primus.contracts import Server
from primus.errors import AttachError, InvalidPluginError
from primus.registry import HOST, find, installed
from primus.server.hosts.base import Host

if TYPE_CHECKING:
    from primus.server.hosts.asgi import AsgiHost
    from primus.transformer import Transformer

__all__ = ["Host", "asgi_application", "attach"]


HostKind = TypeVar("HostKind", bound=Host)


def attach(primus: Server, server: Any, transformer: type[Transformer]) -> Host:
    """Attach a Primus to a server: to an `aiohttp.web.Application`, or to an ASGI application.

    Other servers have hosts in distributions of their own, by an entry point of the group
    ``primus.hosts`` whose name is the class of the server: ``module.Class``. A subclass of `Host`
    is found there, and called with the Primus and the server.

    Raises:
        AttachError: the server is of no known kind, or cannot carry the transformer, or another
            Primus is attached to it at the same pathname.
        BrokenPluginError: the host cannot be imported.
        InvalidPluginError: it is no subclass of `Host`.
    """
    _check_place(primus, server)
    name = _host_name(server)
    if name is None:
        raise AttachError(
            f"cannot attach to {server!r}: give an aiohttp.web.Application, an ASGI application "
            "(FastAPI, Starlette, Django's get_asgi_application()), or use Primus.create_server() "
            "for a server of its own"
        )
    kind = find(HOST, name)
    if not (inspect.isclass(kind) and issubclass(kind, Host)):
        raise InvalidPluginError(f"the host {name!r} must be a subclass of Host, not {kind!r}")
    made: Callable[..., Host] = _checked(kind, transformer)
    host = made(primus, server)
    _placed(server)[primus.pathname] = primus
    return host


def _check_place(primus: Server, server: Any) -> None:
    """Let each Primus of a server stand at a pathname of its own, until it is destroyed.

    An ASGI application that is a plain function is known by nothing but its code, which several may
    share; and it does not change when it is attached to.
    """
    is_host = isinstance(server, Host)  # of a Primus within this one
    other: Any = getattr(server, "primus", None) if is_host else None
    if not is_host:
        other = _placed(server).get(primus.pathname)
    if other is not None and other.pathname == primus.pathname and not other.draining:
        raise AttachError(
            f"{other!r} is attached to this server already: give this one another pathname, or "
            "add to that one"
        )


def _placed(server: Any) -> MutableMapping[str, Any]:
    """What is attached to a server, by pathname."""
    if not isinstance(server, FunctionType | MethodType):
        try:
            return _places.setdefault(server, WeakValueDictionary())
        except TypeError:  # it cannot be remembered
            pass
    return {}


_places: WeakKeyDictionary[Any, WeakValueDictionary[str, Server]] = WeakKeyDictionary()


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


def _host_name(server: Any) -> str | None:
    """Whose host serves it: that of the nearest of its classes, or else ``asgi``."""
    hosts = installed(HOST)
    for each in type(server).__mro__:
        name = f"{each.__module__}.{each.__qualname__}"
        if name.lower() in hosts:
            return name
    return "asgi" if _is_asgi(server) else None


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
