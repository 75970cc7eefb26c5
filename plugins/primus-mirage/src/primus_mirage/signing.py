"""Signed ids: what a client cannot invent."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from primus import OptionError
from primus_mirage.errors import InvalidId

__all__ = ["Signature"]

SALT: Final = "primus-mirage"


class Signature:
    """Signs ids, and knows its own signature.

    Args:
        secret: a text or bytes; several, the newest last: it signs, and all are known.

    Raises:
        OptionError: it is no such secret, or itsdangerous is not installed.
    """

    __slots__ = ("_signer",)

    def __init__(self, secret: object) -> None:
        keys = _keys(secret)
        try:
            from itsdangerous import Signer
        except ImportError as error:
            raise OptionError(
                'mirage_secret needs itsdangerous: pip install "primus-mirage[signed]"'
            ) from error
        self._signer = Signer(keys, salt=SALT, digest_method=sha256)

    def sign(self, id: str) -> str:
        """The id as the client gets it."""
        return self._signer.sign(id).decode()

    def read(self, text: str) -> str:
        """The id in what a client has sent.

        Raises:
            InvalidId: it is not signed with the secret.
        """
        from itsdangerous import BadSignature

        try:
            return self._signer.unsign(text).decode()
        except (BadSignature, UnicodeError) as error:
            raise InvalidId("the session id is not signed by this server") from error


def _keys(secret: object) -> list[bytes]:
    keys: list[object] = [secret]
    if isinstance(secret, Iterable) and not isinstance(secret, str | bytes):
        keys = list(secret)
    found = [key.encode() if isinstance(key, str) else key for key in keys]
    usable = [key for key in found if isinstance(key, bytes) and key]
    if not keys or len(usable) != len(keys):
        raise OptionError("mirage_secret: must be a non-empty text, bytes, or a list of them")
    return usable
