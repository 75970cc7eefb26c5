"""What layers have made of a request, for the next one that says the same."""

from __future__ import annotations

from multidict import CIMultiDict

from primus.http.address import Address

__all__ = ["Passage"]


class Passage:
    """What became of the last request of a client whose headers are the same.

    Layers that go by the head alone (`Layer.by_head`) let it pass, and would make the same of the
    next one. It is about requests of one connection.
    """

    __slots__ = ("address", "headers", "layers", "method", "path", "secure")

    layers: object
    """Those that it has passed; `None` before the first."""
    method: str
    path: str
    headers: CIMultiDict[str]
    """What they have added to the answer."""
    address: Address
    secure: bool

    def __init__(self) -> None:
        self.layers = None
