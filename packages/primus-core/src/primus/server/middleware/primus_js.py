"""``primus.js``: serves the browser client."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from primus.contracts import Server
from primus.errors import PrimusError
from primus.http import Request, Response
from primus.layer import Layer

if TYPE_CHECKING:
    from primus.browser import Artefact

__all__ = ["layer"]


def layer(primus: Server) -> Layer:
    """The layer for ``primus.js``, ``primus.mjs`` and their declarations, below the pathname."""

    def client(request: Request) -> Response | Awaitable[Response] | None:
        folder, _, name = request.path.rpartition("/")
        if folder != primus.pathname or not name.startswith("primus."):
            return None
        try:
            found = primus.library_file(name)
        except PrimusError as error:  # a parser, transformer or plugin without a browser half
            primus.log.warning("there is no %s: %s", request.path, error)
            return Response(404, f"There is no browser client here: {error}")
        return None if found is None else _answer(request, *found)

    return Layer("primus.js", client, upgrade=False, by_head=True)


def _answer(
    request: Request, artefact: Artefact, headers: dict[str, str]
) -> Response | Awaitable[Response]:
    """The file in the best form that the client takes, or that it has it already."""
    from primus.browser.artefact import codings
    from primus.http.caching import IDENTITY, accepted_coding, is_known

    coding = accepted_coding(request.headers, codings())
    tag = artefact.tag(coding)
    headers = {**headers, "ETag": tag, "Vary": "Accept-Encoding"}
    if request.method in ("GET", "HEAD") and is_known(request.headers, tag):
        return Response(304, headers=headers)
    if coding != IDENTITY:
        headers["Content-Encoding"] = coding
    content = artefact.ready(coding)
    if content is not None:
        return Response(200, content, headers, content_type=artefact.content_type)
    return _compressed(artefact, coding, headers)


async def _compressed(artefact: Artefact, coding: str, headers: dict[str, str]) -> Response:
    content = await artefact.coded(coding)
    return Response(200, content, headers, content_type=artefact.content_type)
