"""Everything Primus raises or emits, in one hierarchy rooted at `PrimusError`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

__all__ = [
    "AttachError",
    "BrokenPluginError",
    "ConnectTimeout",
    "ControlTextError",
    "HandshakeError",
    "HookError",
    "InvalidPluginError",
    "LimitError",
    "ListenerError",
    "MissingLibraryError",
    "NotListeningError",
    "OptionError",
    "ParserError",
    "PluginError",
    "PluginOrderError",
    "PrimusError",
    "ProtocolError",
    "ServerFullError",
    "SlowConsumerError",
    "TransformError",
    "TransportError",
    "Unauthorized",
    "UnknownPluginError",
    "ValidationError",
]


class PrimusError(Exception):
    """Root of every error that Primus raises, or emits as ``error``."""


class OptionError(PrimusError, ValueError):
    """An option is unknown, or has a value that cannot work."""


class AttachError(PrimusError):
    """The Primus cannot be attached to the given server."""


class ServerFullError(PrimusError):
    """The server has as many connections as the option ``max_sparks`` allows."""


class NotListeningError(PrimusError, AttributeError):
    """Only a Primus made by `create_server` knows its ``url`` and ``port``."""


class PluginError(PrimusError):
    """A plugin, transformer or parser cannot be used as asked."""


class UnknownPluginError(PluginError, LookupError):
    """No installed distribution offers the wanted name."""


class BrokenPluginError(PluginError, ImportError):
    """The distribution is installed, but importing it failed (``__cause__`` says why)."""


class InvalidPluginError(PluginError, TypeError):
    """The object was imported, but is not a plugin, transformer or parser."""


class HookError(InvalidPluginError):
    """A hook of a plugin is misspelt or has arguments that no hook of that name receives."""


class MissingLibraryError(PrimusError, ImportError):
    """What was asked for needs a library that is optional, and that is not installed."""


class PluginOrderError(PluginError):
    """What plugins declare about their order cannot be met."""


class ParserError(PrimusError):
    """A frame could not be decoded, or a value could not be encoded.

    ``frame`` is the frame that failed to decode, or `None` when encoding failed. Then ``path`` says
    where in the message the value is that has no form in it: ``data["price"]``.
    """

    def __init__(self, message: str, frame: str | bytes | None = None) -> None:
        super().__init__(message)
        self.frame = frame
        self.path: str | None = None


class ControlTextError(PrimusError, ValueError):
    """A message is text that begins with ``primus::``, which peers obey and do not show."""


class ValidationError(PrimusError, ValueError):
    """A value is not of the type that was declared for it.

    Args:
        reason: what it has to be, and what it is.
        path: where it is in the message: names of fields, and indexes of lists.
    """

    def __init__(self, reason: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path

    def within(self, step: str | int) -> Self:
        """The same error, seen from the value around the one that is refused."""
        return type(self)(self.reason, (step, *self.path))

    @property
    def field(self) -> str:
        """The path as text: ``items[2].name``."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return text.removeprefix(".")

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.path else self.reason


class TransformError(PrimusError):
    """A message transform raised; the message was swallowed (``__cause__`` says why)."""


class ListenerError(PrimusError):
    """A listener raised (``__cause__`` says what); other listeners were called all the same."""


class TransportError(PrimusError):
    """The wire failed: it could not be opened, or it broke."""


class ProtocolError(TransportError):
    """The peer broke the rules of the wire protocol."""


class LimitError(ProtocolError):
    """The peer sent more than a limit allows.

    ``option`` is the option that sets the limit; empty when none does.
    """

    def __init__(self, message: str, option: str = "") -> None:
        super().__init__(message)
        self.option = option


class SlowConsumerError(TransportError):
    """A peer did not read for so long that more than ``high_water`` bytes wait for it."""


class ConnectTimeout(TransportError, TimeoutError):
    """The connection was not open within ``timeout`` seconds."""


class HandshakeError(TransportError):
    """The server refused the handshake.

    ``status`` is the HTTP status, ``headers`` and ``body`` are those of the refusal.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self.body = body

    @classmethod
    def answered(cls, status: int, headers: Mapping[str, str], body: bytes) -> Self:
        """The error for what a server has answered.

        No client follows a redirect with the user's headers, so the message names where it leads.
        """
        message = f"unexpected server response: {status}"
        where = headers.get("Location")
        if where and 300 <= status < 400:
            place = where.partition("?")[0].partition("#")[0]
            scheme, separator, rest = place.rpartition("//")
            place = scheme + separator + rest.rpartition("@")[2]
            message += f"; it points to {place[:200]!r}, and redirects are not followed"
        said = _said(headers, body)
        if said:
            message += f": {said[:200]!r}"
        return cls(message, status=status, headers=headers, body=body)


NODE_REFUSAL: Final = ("statusCode", "authenticate")
"""What the object may have by which an authorization handler refuses in Primus for Node.js."""


class Unauthorized(PrimusError):
    """Raise it in an authorization handler to refuse a request.

    Args:
        message: goes to the peer as ``{"error": message}``.
        status: HTTP status of the refusal, 400 to 599.
        authenticate: value of the ``WWW-Authenticate`` header; sent when the status is 401.

    Raises:
        OptionError: the status is none of a refusal, or stands in place of the message.
    """

    def __init__(
        self,
        message: object = "Unauthorized",
        status: int = 401,
        authenticate: str | None = None,
    ) -> None:
        if not 400 <= status <= 599:
            raise OptionError(f"Unauthorized(status={status}): must be 400 to 599")
        if isinstance(message, Mapping) and not message.keys().isdisjoint(NODE_REFUSAL):
            raise OptionError(
                f"Unauthorized({message!r}): write Unauthorized(message, status=…, authenticate=…)"
            )
        if isinstance(message, int) and 400 <= message <= 599:
            raise OptionError(
                f"Unauthorized({message}): write Unauthorized(message, {message}), message first"
            )
        super().__init__(str(message))
        self.message = message
        self.status = status
        self.authenticate = authenticate


def _said(headers: Mapping[str, str], body: bytes) -> str:
    """What a refusal says for people to read: Primus answers with JSON, others with text."""
    kind = next((headers[name] for name in headers if name.lower() == "content-type"), "")
    if "json" not in kind:
        text = body if kind.startswith("text/plain") else b""
        return " ".join(text[:1000].decode(errors="replace").split())
    import json

    try:
        told = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    return next((told[name] for name in ("error", "message") if type(told.get(name)) is str), "")
