"""Requests and responses in a form that no HTTP server owns.

Every host turns what its server gives it into a `Request`, so that middleware, authorization
and transformers are written once.
"""

from __future__ import annotations

from primus.http.request import (
    Address,
    BodyTooLarge,
    ClientGone,
    Headers,
    Query,
    Request,
    parse_query,
    shown,
    without_authority,
)
from primus.http.response import Response, check_header, closing, phrase
from primus.http.upgrade import HandOver, HostWebSocket

__all__ = [
    "Address",
    "BodyTooLarge",
    "ClientGone",
    "HandOver",
    "Headers",
    "HostWebSocket",
    "Query",
    "Request",
    "Response",
    "check_header",
    "closing",
    "parse_query",
    "phrase",
    "shown",
    "without_authority",
]
