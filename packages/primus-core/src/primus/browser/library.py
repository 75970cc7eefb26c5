"""Assembles the browser client: the text of ``primus.js``, ``primus.mjs`` and their declarations.

Pure functions of `LibraryParts`: the same parts give the same text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from primus.browser.modules import EXTRA_MODULES, body, digest, minified_name, stripped, variant
from primus.errors import PrimusError

__all__ = ["Browser", "LibraryParts", "declarations", "library", "source_map"]

MODULE_EXPORTS = """\
declare const connect: typeof Primus.connect;

export { Primus, Primus as default, Emitter as EventEmitter, connect };"""
_PLACEHOLDER = re.compile(r"\$([a-z_]+)\$")

Format = Literal["umd", "esm"]


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser half of a transformer, parser or plugin, as JavaScript text.

    `client` is an ES module without imports. Its exports are:

    - transformer: ``export default function connect(wire)``, see ``js/wire.js``;
    - parser: ``encode(value)`` and ``decode(frame)``;
    - plugin: ``export default function (socket, options)``, called once per client with the
      client as `this`, after everything else of it is in place; its property ``optionNames`` has
      the names of its options that are not called as the plugin is.

    In its scope, `Primus` is the client class and `library` what its library exported.

    `library` is a plain script (not a module), run once before `client`, with `Primus` in scope.
    In the one of a transformer or parser, `module` and `exports` are those of CommonJS; in the
    one of a plugin they are hidden, so that a UMD script sets its global.

    `modules` are names of modules of ours that a plugin needs and the client is without otherwise:
    ``stream`` is the class `Stream`, a member of the client.

    `declarations` is TypeScript that is added to ``primus.d.ts``, such as members of the interface
    ``Primus`` and of ``Primus.Events``, which it merges with.

    `minified` and `source_map` are what a build has made of `client`: see `read`.
    """

    client: str = ""
    library: str = ""
    modules: tuple[str, ...] = ()
    declarations: str = ""
    minified: str = ""
    source_map: str = ""

    @classmethod
    def read(
        cls,
        package: str,
        client: str = "client.js",
        *,
        library: str = "",
        modules: tuple[str, ...] = (),
        declarations: str = "",
    ) -> Browser:
        """A browser half whose `client` is a file of a package, such as ``client.js``.

        The minified file beside it, ``client.min.js``, is used if it was made from that text.

        Args:
            package: the name of the import package.
            client: the name of the file in it.
            library: as of the class; so are the others.
        """
        source = files(package).joinpath(client).read_text("utf-8")
        made = _made(package, client.removesuffix(".js") + ".min.js", source)
        return cls(source, library, modules, declarations, *made)


@dataclass(frozen=True, slots=True)
class LibraryParts:
    """Everything a server compiles into its client.

    `ping_timeout` is in seconds: how long the server may stay silent, by default; `None` when
    the server does not ping. `keep_alive` is in seconds: how often a client has to speak when
    the server ends silent ones without pinging them; `None` for all other servers.
    `global_name` is where a ``<script>`` puts the class, dots allowed. `transformer_name` and
    `parser_name` appear in errors, and are compared with those of the server.
    """

    version: str
    transformer: Browser
    parser: Browser
    pathname: str = "/primus"
    global_name: str = "Primus"
    plugins: Mapping[str, Browser] = field(default_factory=dict)
    authorization: bool = False
    ping_timeout: float | None = 45.0
    keep_alive: float | None = None
    transformer_name: str = "websockets"
    parser_name: str = "json"


def library(parts: LibraryParts, format: Format = "umd", *, minified: bool = False) -> str:
    """The client as one script (``umd``) or one ES module (``esm``).

    Args:
        parts: what it is made of.
        format: its form.
        minified: whether what a build has minified is taken in that form; the rest is readable.

    Raises:
        PrimusError: `format` or the global name cannot be used, the browser half of a
            transformer, parser or plugin is not what `Browser` describes, or our own templates
            do not fit this function.
    """
    _check_format(format)
    path = _global_path(parts.global_name)
    values = {
        "version": _comment(parts.version),
        "body": "\n" + "\n".join(text for text, _ in _body(parts, minified=minified)) + "\n",
    }
    if format == "umd":
        values["global_path"] = _literal(path)
    return fill(_wrapper(format, minified=minified), values, f"{format}.js")


def source_map(parts: LibraryParts, format: Format = "umd") -> str | None:
    """The source map of the minified client, with the sources in it (ECMA-426, an index map).

    `None` when nothing of it is minified.

    Raises:
        PrimusError: as `library`.
    """
    _check_format(format)
    wrapper = _wrapper(format, minified=True)
    line = wrapper[: wrapper.index("$body$")].count("\n") + 1
    sections = []
    for text, made in _body(parts, minified=True):
        if made:
            sections.append({"offset": {"line": line, "column": 0}, "map": made})
        line += text.count("\n") + 1
    if not sections:
        return None
    return json.dumps({"version": 3, "sections": sections}, separators=(",", ":"))


def declarations(parts: LibraryParts, format: Format = "umd") -> str:
    """The TypeScript declarations of the client in that format.

    Raises:
        PrimusError: `format` or the global name cannot be used.
    """
    _check_format(format)
    path = _global_path(parts.global_name)
    exports = MODULE_EXPORTS
    if format == "umd":
        # A declaration file can only name a global that is not inside of another one.
        namespace = f"\nexport as namespace {path[0]};" if len(path) == 1 else ""
        exports = f"export = Primus;{namespace}"
    values = {"version": _comment(parts.version), "exports": exports}
    added = [each.declarations for each in parts.plugins.values() if each.declarations]
    return "\n".join([fill(_source("primus.d.ts"), values, "primus.d.ts"), *added])


def _check_format(format: str) -> None:
    if format not in ("umd", "esm"):
        raise PrimusError(f"the client library comes as 'umd' or 'esm', not as {format!r}")


def fill(template: str, values: Mapping[str, str], name: str) -> str:
    """`template` with each of its ``$placeholders$`` replaced; what is filled in is left alone.

    Raises:
        PrimusError: the placeholders are not exactly those in `values`.
    """
    found = set(_PLACEHOLDER.findall(template))
    if missing := sorted(values.keys() - found):
        raise PrimusError(f"{name} has no placeholder for {', '.join(missing)}")
    if unknown := sorted(found - values.keys()):
        raise PrimusError(f"{name} has placeholders without a value: {', '.join(unknown)}")
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


# -- what stands within the wrapper: pieces of whole lines, each with its source map if it has one

Piece = tuple[str, "dict[str, Any] | None"]


def _body(parts: LibraryParts, *, minified: bool) -> Iterator[Piece]:
    """The parts of the server as ``server``, and the function that makes the class of them."""
    yield "var server = {\nmembers: {", None
    members = {
        "version": parts.version,
        "pathname": parts.pathname,
        "authorization": parts.authorization,
    }
    compiled = {
        "transformer": parts.transformer_name,
        "parser": parts.parser_name,
        "pingTimeout": _milliseconds(parts.ping_timeout),
        "keepAlive": _milliseconds(parts.keep_alive),
    }
    yield from _fields(members)
    yield "compiled: {", None
    yield from _fields(compiled)
    yield "}\n},\ntransformer: [", None
    owner = f"transformer {parts.transformer_name!r}"
    yield from _half(owner, parts.transformer, ("default",), minified=minified)
    yield "],\nparser: [", None
    owner = f"parser {parts.parser_name!r}"
    yield from _half(owner, parts.parser, ("encode", "decode"), minified=minified)
    yield "],\nplugins: [", None
    for name, plugin in parts.plugins.items():
        yield f"[{_literal(name)},", None
        yield from _half(f"plugin {name!r}", plugin, None, minified=minified)
        yield "],", None
    yield "]\n};\nreturn (function () {\n'use strict';", None
    yield from _core(parts.plugins, minified=minified)
    yield "})();", None


def _fields(values: Mapping[str, object]) -> Iterator[Piece]:
    for name, value in values.items():
        yield f"{name}: {_literal(value)},", None


def _core(plugins: Mapping[str, Browser], *, minified: bool) -> Iterator[Piece]:
    wanted = {name for plugin in plugins.values() for name in plugin.modules}
    if unknown := sorted(wanted - set(EXTRA_MODULES)):
        raise PrimusError(f"there is no module {unknown[0]!r} of the client for plugins")
    if any(plugin.client for plugin in plugins.values()):
        wanted.add("answers")
    text, made = _minified_core(variant(wanted)) if minified else ("", None)
    if text:
        yield text, made
        return
    for name in variant(wanted):
        yield stripped(f"{name}.js", _source(f"{name}.js")).strip() + "\n", None
    yield "return Primus;", None


def _half(
    owner: str, browser: Browser, exports: tuple[str, ...] | None, *, minified: bool
) -> Iterator[Piece]:
    """Two functions, one for the library script and one for the module of a browser half.

    `exports` are those that the module must have; `None` for a plugin, which need not have any.
    """
    if not browser.client and exports is not None:
        raise PrimusError(f"the {owner} has no browser half (client.js)")
    if browser.library:
        exposed = "" if exports is None else "module, exports, "
        yield f"function ({exposed}Primus, define, require) {{\n{browser.library}\n}},", None
    else:
        yield "function () {},", None
    if not browser.client:
        yield "function () {}", None
        return
    yield "function (Primus, library) {", None
    try:
        text = body(owner, browser.client, ("default",) if exports is None else exports)
    except ValueError as error:
        raise PrimusError(str(error)) from error
    if minified and browser.minified:
        folder = re.sub(r"[^\w.-]+", "-", owner).strip("-")
        yield browser.minified, _with_sources(browser.source_map, folder, [browser.client])
    else:
        yield text, None
    yield "}", None


# -- files of ours


@cache
def _source(name: str) -> str:
    return files("primus.browser").joinpath("js", name).read_text("utf-8")


@cache
def _wrapper(format: str, *, minified: bool) -> str:
    source = _source(f"{format}.js")
    text = _made("primus.browser", f"_minified/{format}.js", source)[0] if minified else ""
    return text or source


@cache
def _minified_core(modules: tuple[str, ...]) -> Piece:
    sources = [_source(f"{name}.js") for name in modules]
    text, made = _made("primus.browser", f"_minified/{minified_name(modules)}", *sources)
    return text, _with_sources(made, "primus", sources)


def _made(package: str, name: str, *sources: str) -> tuple[str, str]:
    """A minified file of a package and its source map; empty when not made from these sources.

    The first line of the file names what it was made from.
    """
    file = files(package).joinpath(*name.split("/"))
    if not file.is_file():
        return "", ""
    head, _, text = file.read_text("utf-8").partition("\n")
    if head.split()[1:2] != [digest(*sources)]:
        return "", ""
    mapping = files(package).joinpath(*f"{name}.map".split("/"))
    return text.rstrip("\n"), mapping.read_text("utf-8") if mapping.is_file() else ""


def _with_sources(text: str, folder: str, sources: list[str]) -> dict[str, Any] | None:
    """A source map of a build with the sources, which it names by their place among all.

    They are shown as files of a folder.
    """
    if not text:
        return None
    made = json.loads(text)
    names = [each.partition(":") for each in made["sources"]]
    return {
        **made,
        "sources": [f"{folder}/{name}" for _, _, name in names],
        "sourcesContent": [sources[int(place)] for place, _, _ in names],
    }


def _global_path(name: str) -> list[str]:
    path = name.split(".")
    for part in path:
        if not part.replace("$", "_").isidentifier() or part == "__proto__":
            raise PrimusError(
                f"global_name {name!r} is not a JavaScript name such as 'Primus' or 'app.Primus'"
            )
    return path


def _milliseconds(seconds: float | None) -> int | bool:
    return False if seconds is None or seconds is False else round(seconds * 1000)


def _literal(value: object) -> str:
    """`value` as JavaScript that is harmless inside of a ``<script>`` element, too."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e")


def _comment(text: str) -> str:
    return re.sub(r"[^\w.+-]", "", text)
