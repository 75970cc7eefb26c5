"""What is needed only for some things, and how it is installed.

A server under ASGI does without aiohttp, JSON without orjson. What cannot do without a library says
so when it is asked for, with the line that installs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from primus.errors import MissingLibraryError

__all__ = ["INSTALLED_BY", "install_line", "needing"]

INSTALLED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {"aiohttp": "aiohttp", "nats": "nats-py", "redis": "redis"}
)
"""By the name that is imported: what ``pip install`` is given."""


def install_line(error: BaseException) -> str:
    """What installs the library that could not be imported; empty when it is none of these."""
    if not isinstance(error, ModuleNotFoundError):
        return ""
    distribution = INSTALLED_BY.get((error.name or "").partition(".")[0])
    return "" if distribution is None else f"pip install {distribution}"


@contextmanager
def needing(what: str) -> Iterator[None]:
    """Name the library that `what` needs, when the block cannot import it.

    Args:
        what: what the caller has asked for, as the beginning of a sentence.

    Raises:
        MissingLibraryError: the library is one that Primus can do without elsewhere.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        line = install_line(error)
        if not line:
            raise
        raise MissingLibraryError(
            f"{what} needs {line.rpartition(' ')[2]}, which is not installed: {line}"
        ) from error
