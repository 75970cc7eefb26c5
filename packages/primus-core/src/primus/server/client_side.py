"""What a server gives to its clients: the browser library, and Socket classes that fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from primus.browser.library import LibraryParts, declarations, library
from primus.errors import PluginError
from primus.heartbeat import Generation
from primus.options import plugin_names
from primus.parser import Parser, browser_half
from primus.registry import parser_named, plugins_named, transformer_named
from primus.server.equipment import Equipment
from primus.transformer import Transformer
from primus.version import __version__

if TYPE_CHECKING:
    from primus.client.socket import Socket as _Socket

__all__ = ["ClientSide"]

KEEP_ALIVE = 25 / 35
"""The part of ``timeout`` after which a client that is not pinged speaks by itself."""


class ClientSide(Equipment):
    """The part of `Primus` that is about clients."""

    version: ClassVar[str] = __version__
    pathname: str
    parser: Parser
    parser_name: str
    transformer: Transformer
    transformer_name: str

    def relocate(self, pathname: str) -> None:
        """Be found at another pathname; called by hosts before the first request."""
        if pathname != self.pathname:
            self.pathname = pathname
            self._libraries.clear()

    @property
    def spec(self) -> dict[str, Any]:
        """What a client has to know; durations in milliseconds, `False` for disabled ones."""
        return {
            "version": self.version,
            "pathname": self.pathname,
            "parser": self.parser_name,
            "transformer": self.transformer_name,
            "timeout": _milliseconds(self.options.timeout),
            "pingInterval": _milliseconds(self._ping_interval),
        }

    @property
    def _ping_interval(self) -> float | None:
        """How often clients are pinged; never, when all of them are taken to ping themselves."""
        legacy = self.options.heartbeat is Generation.LEGACY
        return None if legacy else self.options.ping_interval

    def library(self, format: Literal["umd", "esm"] = "umd") -> str:
        """The browser client that fits this server, plugins included.

        Args:
            format: ``"umd"`` for scripts, AMD and CommonJS, or ``"esm"``.
        """
        if format not in self._libraries:
            self._libraries[format] = library(self._library_parts(), format)
        return self._libraries[format]

    def declarations(self, format: Literal["umd", "esm"] = "umd") -> str:
        """The TypeScript declarations of the browser client.

        Args:
            format: ``"umd"`` for ``primus.d.ts``, beside ``primus.js``; ``"esm"`` for
                ``primus.d.mts``, beside ``primus.mjs``.
        """
        return declarations(self._library_parts(), format)

    def save(self, path: str | Path) -> None:
        """Write the browser client to a file: as a module when its name ends in ``.mjs``.

        The declarations go with them as ``.d.ts`` and, for the module, ``.d.mts``.
        """
        suffixes: dict[str, Callable[[], str]] = {
            ".mjs": lambda: self.library("esm"),
            ".ts": self.declarations,
            ".mts": lambda: self.declarations("esm"),
        }
        text = suffixes.get(Path(path).suffix, self.library)()
        Path(path).write_bytes(text.encode())

    def _library_parts(self) -> LibraryParts:
        parser = browser_half(self.parser)
        if parser is None:
            raise PluginError(f"the parser {self.parser_name!r} has no browser half")
        halves = {name: self._ark.call(name, "primus_browser") for name in self._ark}
        interval, timeout = self._ping_interval, self.options.timeout
        return LibraryParts(
            version=self.version,
            pathname=self.pathname,
            global_name=self.options.global_name,
            transformer=self.transformer.browser(),
            parser=parser,
            plugins={name: half for name, half in halves.items() if half is not None},
            authorization=self.authorization is not None,
            ping_timeout=None if interval is None else 1.5 * interval,
            keep_alive=None if interval or timeout is None else KEEP_ALIVE * timeout,
            transformer_name=self.transformer_name,
            parser_name=self.parser_name,
        )

    @property
    def Socket(self) -> type[_Socket]:
        """The client class that fits this server."""
        from primus.client.socket_class import socket_class

        return socket_class(
            transformer=type(self.transformer),
            parser=self.parser,
            plugins=dict(self._ark),
            pathname=self.pathname,
            ping_timeout=self._ping_interval and 1.5 * self._ping_interval,
            timeout=self.options.timeout,
            authorization=self.authorization is not None,
        )

    @staticmethod
    def create_socket(
        *,
        transformer: Any = "websockets",
        parser: Any = "json",
        plugin: Any = None,
        pathname: str = "/primus",
    ) -> type[_Socket]:
        """A client class for a server elsewhere, which has to be configured alike."""
        from primus.client.socket_class import socket_class

        return socket_class(
            transformer=transformer_named(transformer)[1],
            parser=parser_named(parser)[1],
            plugins=plugins_named(plugin_names(plugin)),
            pathname=pathname,
        )


def _milliseconds(duration: float | None) -> int | bool:
    return False if duration is None else round(duration * 1000)
