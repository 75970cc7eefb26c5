"""Which form of an answer a client takes, and whether it has it already (RFC 9110, pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from primus.http.request import Headers

__all__ = ["IDENTITY", "accepted_coding", "is_known"]

IDENTITY: Final = "identity"
"""The content coding of what is sent as it is."""
ALIASES: Final = {"x-gzip": "gzip"}
WEIGHT: Final = re.compile(
    r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.ASCII | re.IGNORECASE
)
ENTITY_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def accepted_coding(headers: Headers, offered: Sequence[str]) -> str:
    """The content coding for an answer (RFC 9110 section 12.5.3).

    Args:
        headers: those of the request.
        offered: the codings that there are, the best first.

    Returns:
        One of those offered, or `IDENTITY`: also when the client takes nothing that there is.
    """
    weights = _weights(",".join(headers.getall("Accept-Encoding", ())))
    others = weights.get("*", 0.0)
    best, highest = IDENTITY, weights.get(IDENTITY, 0.0)
    for coding in reversed(offered):
        weight = weights.get(coding, others)
        if weight and weight >= highest:
            best, highest = coding, weight
    return best


def _weights(accepted: str) -> dict[str, float]:
    """The weight of each coding that is named; 0 for one whose weight cannot be read."""
    weights = {}
    for member in accepted.lower().split(","):
        coding, _, parameter = member.strip().partition(";")
        if coding:
            match = WEIGHT.fullmatch(parameter) if parameter else None
            weight = float(match[1]) if match else float(not parameter)
            coding = coding.strip()
            weights[ALIASES.get(coding, coding)] = weight
    return weights


def is_known(headers: Headers, tag: str) -> bool:
    """Whether the client has the representation with an entity tag (RFC 9110 section 13.1.2).

    Args:
        headers: those of the request.
        tag: the tag of what would be sent, with its quotes.
    """
    asked = ",".join(headers.getall("If-None-Match", ()))
    return asked.strip() == "*" or tag in ENTITY_TAG.findall(asked)
