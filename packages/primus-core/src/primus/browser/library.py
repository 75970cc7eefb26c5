"""Assembles the browser client: the text of ``primus.js``, ``primus.mjs`` and their declarations.

Pure functions of `LibraryParts`: the same parts give the same text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from primus.browser.modules import scoped, stripped
from primus.errors import PrimusError

__all__ = ["Browser", "LibraryParts", "declarations", "library"]

# In the order of their imports: what a module needs stands before it.
MODULES = (
    "events",
    "protocol",
    "timers",
    "queue",
    "pipeline",
    "recovery",
    "url",
    "mistakes",
    "network",
    "options",
    "heartbeat",
    "closed",
    "diagnosis",
    "wire",
    "state",
    "messages",
    "connection",
    "answers",
    "primus",
    "requires",
    "bundle",
)
EXTRA_MODULES = ("stream",)
"""Modules that are part of the client only if a plugin needs them."""
MODULE_EXPORTS = """\
declare const connect: typeof Primus.connect;

export { Primus, Primus as default, Emitter as EventEmitter, connect };"""
_PLACEHOLDER = re.compile(r"\$([a-z_]+)\$")


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
    """

    client: str = ""
    library: str = ""
    modules: tuple[str, ...] = ()
    declarations: str = ""


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


def library(parts: LibraryParts, format: Literal["umd", "esm"] = "umd") -> str:
    """The client as one script (``umd``) or one ES module (``esm``).

    Raises:
        PrimusError: `format` or the global name cannot be used, the browser half of a
            transformer, parser or plugin is not what `Browser` describes, or our own templates
            do not fit this function.
    """
    _check_format(format)
    path = _global_path(parts.global_name)
    compiled = fill(
        stripped("compiled.js", _source("compiled.js")),
        {
            "version": _literal(parts.version),
            "pathname": _literal(parts.pathname),
            "authorization": _literal(parts.authorization),
            "ping_timeout": _literal(_milliseconds(parts.ping_timeout)),
            "transformer_name": _literal(parts.transformer_name),
            "parser_name": _literal(parts.parser_name),
            "keep_alive": _literal(_milliseconds(parts.keep_alive)),
            "transformer": _entry(
                f"transformer {parts.transformer_name!r}", parts.transformer, ["default"]
            ),
            "parser": _entry(f"parser {parts.parser_name!r}", parts.parser, ["encode", "decode"]),
            "plugins": _plugins(parts.plugins),
        },
        "compiled.js",
    )
    body = "\n".join(["'use strict';", *_core(parts.plugins), compiled, "return Primus;"])
    values = {"version": _comment(parts.version), "body": body}
    if format == "umd":
        values["global_path"] = _literal(path)
    return fill(_source(f"{format}.js"), values, f"{format}.js")


def declarations(parts: LibraryParts, format: Literal["umd", "esm"] = "umd") -> str:
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


def _core(plugins: Mapping[str, Browser]) -> Iterable[str]:
    wanted = {name for plugin in plugins.values() for name in plugin.modules}
    if unknown := sorted(wanted - set(EXTRA_MODULES)):
        raise PrimusError(f"there is no module {unknown[0]!r} of the client for plugins")
    for name in (*MODULES, *(name for name in EXTRA_MODULES if name in wanted)):
        yield stripped(f"{name}.js", _source(f"{name}.js"))


@cache
def _source(name: str) -> str:
    return files("primus.browser").joinpath("js", name).read_text("utf-8")


def _plugins(plugins: Mapping[str, Browser]) -> str:
    entries = (
        f"[{_literal(name)}, {_entry(f'plugin {name!r}', plugin, ['default'], optional=True)}]"
        for name, plugin in plugins.items()
    )
    return f"[{', '.join(entries)}]"


def _entry(owner: str, browser: Browser, exports: list[str], *, optional: bool = False) -> str:
    """An expression that runs a browser half, giving ``{module, library}``."""
    if not browser.client and not optional:
        raise PrimusError(f"the {owner} has no browser half (client.js)")
    module = scoped(owner, browser.client, exports) if browser.client else "function () {}"
    script = "function () {}"
    if browser.library:
        exposed = "" if optional else "module, exports, "
        script = f"function ({exposed}Primus, define, require) {{\n{browser.library}\n}}"
    run = "runPlugin" if optional else "runBundled"
    return f"{run}(root, Primus, {script}, {module})"


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
