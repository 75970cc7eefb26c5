"""User and password of a URL, as the header that tells them (pure).

RFC 7617 with UTF-8: the text of the URL is percent-decoded to bytes, and a malformed escape stays
as it is. Every transformer gets the header and a URL without them, so all of them say the same.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from primus.errors import OptionError

__all__ = ["authorization", "separated"]


def authorization(userinfo: str) -> str:
    """The value of ``Authorization`` for ``user:password`` as it stands in a URL.

    Raises:
        OptionError: the user's name has a colon, which would begin the password.
    """
    user, _, password = userinfo.partition(":")
    name = unquote_to_bytes(user)
    if b":" in name:
        raise OptionError(
            "the user in the URL has a colon in its name, which Basic authentication cannot tell; "
            "send a header Authorization of your own"
        )
    return "Basic " + b64encode(name + b":" + unquote_to_bytes(password)).decode()


def separated(url: str, headers: Mapping[str, str] | None) -> tuple[str, Mapping[str, str] | None]:
    """A URL without its credentials, and the headers with them; one that is given goes first.

    Raises:
        OptionError: they cannot be told.
    """
    scheme, separator, rest = url.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    userinfo, at, host = rest[:end].rpartition("@")
    if not at:
        return url, headers
    given = dict(headers or {})
    if userinfo and "authorization" not in map(str.lower, given):
        given["Authorization"] = authorization(userinfo)
    return scheme + separator + host + rest[end:], given
