"""`Invalid`: why a message was refused."""

from __future__ import annotations

from primus import PrimusError, ValidationError

__all__ = ["Invalid"]


class Invalid(PrimusError):
    """A message was refused; its text is that of fortress-maximus for Node.

    What a validator has raised is its ``__cause__``.

    Args:
        event: the event that the message would have been.
        text: why it is refused.
        cause: what the validator raised, or returned.
    """

    def __init__(self, event: str, text: str, cause: Exception | None = None) -> None:
        super().__init__(text)
        self.event = event
        self.__cause__ = cause

    @property
    def field(self) -> str:
        """Where in the value the mistake is, as ``items[2].name``; empty without any such place."""
        return self.__cause__.field if isinstance(self.__cause__, ValidationError) else ""
