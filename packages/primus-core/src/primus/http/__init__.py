"""Requests and responses in a form that no HTTP server owns.

Every host turns what its server gives it into a `Request`, so that middleware, authorization
and transformers are written once.
"""

from __future__ import annotations

from primus.http.address import Address
from primus.http.passage import Passage
from primus.http.request import (
    BodyTooLarge,
    ClientGone,
    Headers,
    Query,
    Request,
    parse_query,
    shown,
    without_authority,
)
from primus.http.response import (
    Answered,
    CommonHeaders,
    Response,
    check_header,
    closing,
    phrase,
)
from primus.http.semantics import (
    CONTINUE,
    expectation,
    has_body,
    http_date,
    is_upgrade,
    repeated,
)
from primus.http.upgrade import Closable, HandOver, HostWebSocket, OnDemand, Witness

__all__ = [
    "CONTINUE",
    "Address",
    "Answered",
    "BodyTooLarge",
    "ClientGone",
    "Closable",
    "CommonHeaders",
    "HandOver",
    "Headers",
    "HostWebSocket",
    "OnDemand",
    "Passage",
    "Query",
    "Request",
    "Response",
    "Witness",
    "check_header",
    "closing",
    "expectation",
    "has_body",
    "http_date",
    "is_upgrade",
    "parse_query",
    "phrase",
    "repeated",
    "shown",
    "without_authority",
]
