"""Which page a request comes from, and whether it comes from the opener of its session (pure).

Navigations, frames and scripts carry the cookies of their user and no ``Origin``, whichever page
has asked for them. So the list of origins says nothing about them, while ``Sec-Fetch-Site`` does:
no page can change it. Browsers send it to ``https:`` and to this machine.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

from primus.http import Request
from primus.origins import Origins

__all__ = ["Opener", "is_foreign"]

SECRET: Final = 16
"""Characters of a cookie that cannot be guessed, at least."""


def is_foreign(request: Request, origins: Origins, *, script: bool = False) -> bool:
    """Whether a page that may not connect can have made a request of a session.

    A request with an ``Origin`` has been judged by the layer ``cors``.

    Args:
        request: the request.
        origins: the pages that may connect.
        script: whether any page can read the answer, as with JSONP: then it is foreign unless the
            browser says where it comes from.
    """
    headers = request.headers
    if "Origin" in headers:
        return False
    site = headers.get("Sec-Fetch-Site")
    if site is None:
        return script and not origins.any and not _is_referred(request, origins)
    if site == "same-origin":
        return False
    # No client of ours is a navigation, and a navigation brings even cookies that are Lax.
    return not origins.any or headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


def _is_referred(request: Request, origins: Origins) -> bool:
    """Whether ``Referer`` names a page that may connect; it can be withheld, but not chosen."""
    try:
        page = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return False
    if not page.netloc:
        return False
    own = page.netloc.lower() == request.headers.get("Host", "").lower()
    return own or f"{page.scheme}://{page.netloc}" in origins


class Opener:
    """What the request that opened a session has shown of its user, to know others by.

    A later request belongs to the same user when it has the same ``Authorization`` and the same
    cookies. Some cookies change by themselves, as those of load balancers do. So where the browser
    has proved that a page which may connect opened the session, one that stayed the same and is
    long enough for a secret will do, or the same address. An opener that showed nothing has nothing
    that could be stolen: then the id of the session is all there is.
    """

    __slots__ = ("_authorization", "_cookie", "_cookies", "_ip", "_is_proved")

    def __init__(self, request: Request) -> None:
        headers = request.headers
        self._authorization = headers.getall("Authorization", [])
        self._cookie = headers.getall("Cookie", [])
        self._cookies = dict(request.cookies)
        self._ip = request.address.ip
        self._is_proved = "Origin" in headers or headers.get("Sec-Fetch-Site") == "same-origin"

    def made(self, request: Request) -> bool:
        """Whether `request` comes from the same user."""
        headers = request.headers
        if self._authorization and headers.getall("Authorization", []) != self._authorization:
            return False
        if not self._cookies or headers.getall("Cookie", []) == self._cookie:
            return True
        shown = request.cookies
        kept = [
            value
            for name, value in self._cookies.items()
            if compare_digest(_bytes(value), _bytes(shown.get(name, "")))
        ]
        if len(kept) == len(self._cookies):
            return True
        if not self._is_proved:
            return False
        return request.address.ip == self._ip or any(len(value) >= SECRET for value in kept)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
