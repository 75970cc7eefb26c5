"""`ClientLibrary`: the browser client that fits a server, as text and as it is served."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from primus.browser import Artefact, LibraryParts

__all__ = ["ClientLibrary", "Markup", "script_element"]

Format = Literal["umd", "esm"]

JAVASCRIPT: Final = "text/javascript; charset=utf-8"
TYPESCRIPT: Final = "text/plain; charset=utf-8"
NAME: Final = r"primus(?:\.([0-9a-f]{16}))?\.(mjs|js)(\.map)?"


class Markup(str):
    """HTML, which templates of Jinja and Django insert as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


class ClientLibrary:
    """Puts the browser client together when it is asked for, and keeps it until it changes.

    Args:
        parts: what it is made of now.
        minify: whether what is served is minified.
    """

    def __init__(self, parts: Callable[[], LibraryParts], *, minify: bool) -> None:
        self._parts = parts
        self._minify = minify
        self._texts: dict[tuple[str, bool], str] = {}
        self._artefacts: dict[str, Artefact | None] = {}

    def text(self, format: Format = "umd", *, minified: bool = False) -> str:
        """The client in that format."""
        from primus.browser import library

        key = (format, minified)
        if key not in self._texts:
            self._texts[key] = library(self._parts(), format, minified=minified)
        return self._texts[key]

    def declarations(self, format: Format = "umd") -> str:
        """Its TypeScript declarations in that format."""
        from primus.browser.library import declarations

        return declarations(self._parts(), format)

    def changed(self) -> None:
        """Forget the texts: what they are made of has changed."""
        self._texts.clear()
        self._artefacts.clear()

    def save(
        self, path: str | Path, *, format: Format | None = None, minified: bool = False
    ) -> None:
        """Write a file, as `Primus.save`."""
        from pathlib import Path

        path = Path(path)
        if format is None and path.suffix in (".ts", ".mts"):
            text = self.declarations("esm" if path.suffix == ".mts" else "umd")
        else:
            format = format or ("esm" if path.suffix == ".mjs" else "umd")
            text = self.text(format, minified=minified)
            mapping = self._source_map(format) if minified else None
            if mapping is not None:
                path.with_name(f"{path.name}.map").write_bytes(mapping.encode())
                text += f"//# sourceMappingURL={path.name}.map\n"
        path.write_bytes(text.encode())

    # -- as it is served

    def served(self, format: Format = "umd") -> Artefact:
        """The script or module that pages get."""
        found = self._artefact("primus.js" if format == "umd" else "primus.mjs")
        assert found is not None
        return found

    def hashed_name(self, format: Format = "umd") -> str:
        """The name below the pathname that changes with the client."""
        return f"primus.{self.served(format).digest}.{'js' if format == 'umd' else 'mjs'}"

    def file(self, name: str) -> tuple[Artefact, dict[str, str]] | None:
        """A file below the pathname, and the headers that say how it may be kept.

        The client is served under any hash: a page of an earlier process finds one that works. Only
        under its own it may be kept for ever.
        """
        if name in ("primus.d.ts", "primus.d.mts"):
            found = self._artefact(name)
            return None if found is None else (found, {"Cache-Control": "no-cache"})
        match = re.fullmatch(NAME, name)
        if match is None:
            return None
        digest, suffix, mapping = match.groups()
        client = self._artefact(f"primus.{suffix}")
        assert client is not None
        is_current = digest == client.digest
        found = self._artefact(f"primus.{suffix}.map") if mapping else client
        if found is None or (mapping and digest and not is_current):
            return None
        lasting = "public, max-age=31536000, immutable" if is_current else "no-cache"
        headers = {"Cache-Control": lasting}
        if not mapping and self._artefact(f"primus.{suffix}.map") is not None:
            headers["SourceMap"] = f"primus.{client.digest}.{suffix}.map"
        return found, headers

    def _artefact(self, name: str) -> Artefact | None:
        if name not in self._artefacts:
            self._artefacts[name] = self._made(name)
        return self._artefacts[name]

    def _source_map(self, format: Format) -> str | None:
        from primus.browser import source_map

        return source_map(self._parts(), format)

    def _made(self, name: str) -> Artefact | None:
        from primus.browser import Artefact

        match name:
            case "primus.js":
                return Artefact(self.text(minified=self._minify), JAVASCRIPT)
            case "primus.mjs":
                return Artefact(self.text("esm", minified=self._minify), JAVASCRIPT)
            case "primus.d.ts":
                return Artefact(self.declarations(), TYPESCRIPT)
            case "primus.d.mts":
                return Artefact(self.declarations("esm"), TYPESCRIPT)
        format: Format = "umd" if name == "primus.js.map" else "esm"
        mapping = self._source_map(format) if self._minify else None
        return None if mapping is None else Artefact(mapping, "application/json")


def script_element(url: str, **attributes: Any) -> Markup:
    """A ``<script>`` that loads `url`; attributes that are `None` are left out."""
    given = {"src": url, **{name: value for name, value in attributes.items() if value is not None}}
    text = "".join(f' {name}="{_escaped(str(value))}"' for name, value in given.items())
    return Markup(f"<script{text}></script>")


def _escaped(text: str) -> str:
    for character, entity in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(character, f"&{entity};")
    return text
