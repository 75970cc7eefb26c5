"""`Elsewhere`: what a worker does with a request whose session lives in another one."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from primus.contracts import Server
from primus.http import Address, Request, Response
from primus.workers.handing import hand_over
from primus.workers.hatch import RelayedRequest
from primus.workers.notes import path_of
from primus.workers.relaying import NotThere, relay, tunnel
from primus.workers.whereabouts import Owner, Place, Whereabouts

__all__ = ["Elsewhere"]

log = logging.getLogger("primus.server")

NO_HEADERS: Final = CIMultiDictProxy[str](CIMultiDict())
NOWHERE: Final = Address("")


class Elsewhere:
    """Brings requests to the worker that their session lives in.

    A connection is handed over once, with its first request; further requests on it are passed
    on. What has been passed on is answered where it arrives, so that nothing goes in circles.

    Args:
        primus: that of this worker.
        place: of this worker.
    """

    def __init__(self, primus: Server, place: Place) -> None:
        self._primus = primus
        self._folder = place.folder
        self.whereabouts = Whereabouts(place)
        self._relayed: set[Request] = set()
        """Those that have a connection to another worker, or are about to get it."""

    def take(self, transport: asyncio.Transport, data: bytes) -> bool:
        """Hand a connection over; False when it is this worker's.

        Args:
            transport: that of a client, without TLS.
            data: what has been read from it: the head of its first request, and what followed.
        """
        request = _head(data, self._primus.pathname)
        owner = None if request is None else self._find(request)
        if owner is None or not owner.is_sure:
            return False
        return hand_over(transport, data, path_of(self._folder, owner.node))

    def give(self, transport: asyncio.Transport, data: bytes) -> bool:
        """Hand a connection over to the successor of this worker; False when there is none.

        Args:
            transport: that of a client, without TLS, which waits for a request.
            data: what has been read of that.
        """
        owner = self.whereabouts.successor
        if owner is None:
            return False
        return hand_over(transport, data, path_of(self._folder, owner.node))

    async def answer(self, request: Request) -> tuple[Response | None] | None:
        """Let the worker of its session answer a request.

        Returns:
            The answer of that worker, which is `None` for an upgrade that it has taken over; or
            `None` when the request is this worker's.
        """
        if isinstance(request.native, RelayedRequest):
            return None
        owner = self._find(request)
        if owner is None:
            return None
        if len(self._relayed) >= self._primus.limits.relayed_requests:
            return (Response.error(503, "too many requests are passed on to other workers"),)
        self._relayed.add(request)
        try:
            return (await self._pass_on(request, owner),)
        except NotThere:
            return None
        except (OSError, EOFError) as error:
            self._relayed.discard(request)
            log.debug("%s did not answer %r: %r", owner.node, request, error)
            return (Response.error(503, "the worker of this session does not answer"),)

    async def _pass_on(self, request: Request, owner: Owner) -> Response | None:
        path = path_of(self._folder, owner.node)
        over = partial(self._relayed.discard, request)
        if not request.upgrade:
            return await relay(request, path, over, is_sure=owner.is_sure)
        if not request.detachable:
            raise ConnectionError("the host does not give its transport")
        return await tunnel(self._primus, request, path, over)

    def _find(self, request: Request) -> Owner | None:
        return self.whereabouts.find(self._primus.transformer, request)


def _head(data: bytes, pathname: str) -> Request | None:
    """The request that a head begins with, without its headers; `None` for one that is not ours."""
    line = data[: data.find(b"\n")].split()
    if len(line) != 3:
        return None
    method, target, _ = line
    if not target.startswith(pathname.encode()):
        return None
    return Request(method.decode("latin-1"), target.decode("latin-1"), NO_HEADERS, address=NOWHERE)
