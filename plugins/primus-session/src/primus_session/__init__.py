"""The session of the web application, on sparks: the plugin ``session``.

    primus = Primus(app, plugin="session", session={"secret": "keyboard cat", "store": store})

    @primus.on("connection")
    async def connection(spark):
        session = await spark.get_session()
        print(session and session["user"])

``get_session`` gives the session that belongs to the cookies of the handshake, `None` without a
valid one. It is read once for each connection; ``refresh=True`` reads it again. An authorization
handler reads it by ``await primus.get_session(request)``.

The option ``session`` says where sessions come from: ``{"secret", "store", "key"}`` for the signed
cookies of Connect and express-session, as primus-express-session for Node; or a loader, a function
of the spark, plain or async. There are loaders for aiohttp-session (`AiohttpSessions`), for
Starlette's ``SessionMiddleware`` (`StarletteSessions`) and for Django (`DjangoSessions`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from primus import MessageT_co, OptionError, Primus, ServerOptions, Spark, SparkT_co, hookimpl
from primus_session.aiohttp_sessions import AiohttpSessions
from primus_session.connect import ConnectSessions, Store
from primus_session.django_sessions import DjangoSessions
from primus_session.reading import Handshake, get_session, session_of_request
from primus_session.starlette_sessions import StarletteSessions

__all__ = [
    "AiohttpSessions",
    "ConnectSessions",
    "DjangoSessions",
    "Handshake",
    "SessionOptions",
    "SessionPrimus",
    "SessionSpark",
    "StarletteSessions",
    "Store",
    "primus_extend_primus",
    "primus_extend_spark",
    "primus_options",
    "primus_setup",
]

KEYS = frozenset({"secret", "store", "key"})


@hookimpl
def primus_options() -> Mapping[str, object]:
    """Where sessions come from."""
    return {"session": None}


class SessionOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``session``."""

    session: Mapping[str, Any] | Callable[[Any], Any]


class SessionSpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``session``; applications derive from it."""

    get_session = get_session


class SessionPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``session``."""

    _sessions: Callable[[Any], Any]
    """What loads them."""

    get_session = session_of_request

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[SessionOptions]) -> None: ...


@hookimpl
def primus_extend_spark() -> type[SessionSpark]:
    """``spark.get_session``."""
    return SessionSpark


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.get_session``."""
    return SessionPrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """Look at the option.

    Raises:
        OptionError: it names no source of sessions.
    """
    primus._sessions = _loader(primus.options.extra["session"])


def _loader(given: Any) -> Callable[[Any], Any]:
    if isinstance(given, Mapping):
        unknown = sorted(given.keys() - KEYS)
        if unknown:
            raise OptionError(f"session: unknown {unknown[0]!r}; it takes key, secret and store")
        return ConnectSessions(**{"secret": None, **given})
    if callable(given):
        loader: Callable[[Any], Any] = given
        return loader
    if given is None:
        return _no_source
    raise OptionError(f"session={given!r}: must have a secret, or be a loader")


def _no_source(spark: Any) -> Any:
    raise OptionError(
        "the plugin 'session' needs the option session: {'secret': …, 'store': …}, or a loader, "
        "such as primus_session.StarletteSessions(secret_key)"
    )
