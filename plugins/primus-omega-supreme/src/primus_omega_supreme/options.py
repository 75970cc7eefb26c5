"""The options of the plugin, and their checks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from primus import OptionError, Request, ServerOptions, hookimpl
from primus import option_checks as checks

__all__ = ["OmegaSupremeOptions", "Settings", "primus_options", "settings"]

MIB: Final = 1 << 20

DEFAULTS: Final = {
    "method": "PUT",
    "username": "omega",
    "password": None,
    "url": None,
    "concurrently": 20,
    "middleware": None,
    "body_limit": 4 * MIB,
    "forward_timeout": 10.0,
    "forward_queue": 8 * MIB,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The options in their proper form. ``url`` is `None` for the one below the pathname."""

    method: str
    authorization: str
    url: str | None
    concurrently: int
    middleware: Callable[..., Any] | None
    body_limit: int
    forward_timeout: float
    forward_queue: int


class OmegaSupremeOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``omega-supreme``."""

    method: str
    username: str
    password: str
    url: str | None
    concurrently: int
    middleware: Callable[[Request], object] | None
    body_limit: int
    forward_timeout: float
    forward_queue: int


@hookimpl
def primus_options() -> Mapping[str, object]:
    """``method``, ``username``, ``password``, ``url``, ``concurrently`` and so on."""
    return DEFAULTS


def settings(given: Mapping[str, Any], pathname: str) -> Settings:
    """The settings among the options of a Primus at `pathname`.

    Raises:
        OptionError: there is no password, or an option cannot work.
    """
    chosen = {name: given.get(name, default) for name, default in DEFAULTS.items()}
    url = None if chosen["url"] is None else checks.pathname("url", chosen["url"])
    if url is not None and not url.startswith(pathname + "/"):
        raise OptionError(f"url={url!r}: must be below the pathname {pathname!r}")
    timeout = checks.period("forward_timeout", chosen["forward_timeout"])
    return Settings(
        method=checks.text("method", chosen["method"]).upper(),
        authorization=_authorization(chosen["username"], chosen["password"]),
        url=url,
        concurrently=checks.whole("concurrently", chosen["concurrently"]),
        middleware=checks.function("middleware", chosen["middleware"]),
        body_limit=checks.size("body_limit", chosen["body_limit"]),
        forward_timeout=timeout,
        forward_queue=checks.size("forward_queue", chosen["forward_queue"]),
    )


def _authorization(username: Any, password: Any) -> str:
    """The header that shows the secret. There is no default: it opens the way to all sparks."""
    if not isinstance(password, str) or not password:
        raise OptionError(
            "password: the plugin omega-supreme does not start without one. Give a secret that all "
            "servers share, such as password=os.environ['OMEGA_SECRET']"
        )
    if not isinstance(username, str) or not username or ":" in username:
        raise OptionError(f"username={username!r}: must be a text without a colon")
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"
