"""ES modules as parts of one script: ours share a scope, any other has its own.

Only the statements that begin a line are looked at, as in any code a formatter has seen.

The build hook that minifies them (``tools/minifying.py``) loads this file by its path, so it stands
on the standard library alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

__all__ = [
    "EXTRA_MODULES",
    "MODULES",
    "VARIANTS",
    "body",
    "digest",
    "minified_name",
    "stripped",
    "variant",
]

# In the order of their imports: what a module needs stands before it.
MODULES = (
    "developing",
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
    "readystates",
    "actions",
    "state",
    "messages",
    "connection",
    "primus",
    "requires",
    "bundle",
)
EXTRA_MODULES = ("answers", "stream")
"""Modules that are part of the client only if a plugin needs them; each needs those before it."""
LAST_MODULE = "compiled"
"""What takes the parts of a server, behind all others."""
VARIANTS = ((), EXTRA_MODULES[:1], EXTRA_MODULES)
"""The extra modules that there may be together."""

_IMPORT = re.compile(r"^import \{[^}]*\} from '\./[a-z]+\.js';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const)\b)", re.MULTILINE)
_STATEMENT = re.compile(
    r"^[ \t]*(?:import|export)\b(?!\s*\().*|^.*\bimport\.meta\b.*", re.MULTILINE
)

_DEFAULT_NAMED = re.compile(
    r"^export default ((?:async )?function\b *\*? *|class +(?!extends\b))([\w$]+)", re.MULTILINE
)
_DEFAULT_ANONYMOUS = re.compile(
    r"^export default ((?:async )?function\b *\*?|class\b)", re.MULTILINE
)
_DEFAULT_VALUE = re.compile(r"^export default ", re.MULTILINE)
_NAMED = re.compile(r"^export ((?:async )?function\b *\*? *|class +|const +)([\w$]+)", re.MULTILINE)


def variant(wanted: Iterable[str]) -> tuple[str, ...]:
    """The modules of a client with some of the extra ones, in the order of their imports."""
    last = max((EXTRA_MODULES.index(name) + 1 for name in wanted), default=0)
    return (*MODULES, *EXTRA_MODULES[:last], LAST_MODULE)


def minified_name(modules: tuple[str, ...]) -> str:
    """The name of the file that such a client is minified to: by its last extra module."""
    return f"{modules[-2]}.js" if modules[-2] in EXTRA_MODULES else "primus.js"


def digest(*sources: str) -> str:
    """What tells whether a minified file was made from these sources: 32 hexadecimal digits."""
    joined = hashlib.sha256("\0".join(sources).encode())
    return joined.hexdigest()[:32]


def stripped(name: str, source: str) -> str:
    """One of our own modules without its imports and ``export`` words, on the same lines.

    Raises:
        ValueError: it has an import or export of another shape.
    """
    text = _EXPORT.sub("", _IMPORT.sub(lambda match: "\n" * match[0].count("\n"), source))
    _refuse_leftovers(name, text)
    return text


def body(owner: str, source: str, required: Iterable[str] = ()) -> str:
    """A module as the body of a function of ``Primus, library`` that returns its exports.

    Its lines are those of the source.

    Raises:
        ValueError: the module of `owner` imports something, exports in a way other than
            ``export default``, ``export function``, ``export class`` or ``export const``, or
            lacks one of the `required` exports.
    """
    exports: dict[str, str] = {}
    if match := _DEFAULT_NAMED.search(source):
        exports["default"] = match[2]
        source = _DEFAULT_NAMED.sub(r"\1\2", source, count=1)
    elif _DEFAULT_ANONYMOUS.search(source):
        exports["default"] = "$default"
        source = _DEFAULT_ANONYMOUS.sub(r"\1 $default", source, count=1)
    elif _DEFAULT_VALUE.search(source):
        exports["default"] = "$default"
        source = _DEFAULT_VALUE.sub("const $default = ", source, count=1)
    exports |= {match[2]: match[2] for match in _NAMED.finditer(source)}
    source = _NAMED.sub(r"\1\2", source)

    _refuse_leftovers(f"client.js of the {owner}", source)
    if missing := [name for name in required if name not in exports]:
        raise ValueError(f"client.js of the {owner} does not export {' and '.join(missing)}")
    table = ", ".join(f"{name}: {local}" for name, local in exports.items())
    return f"{source.rstrip()}\nreturn {{ {table} }};"


def _refuse_leftovers(name: str, source: str) -> None:
    if match := _STATEMENT.search(source):
        raise ValueError(
            f"{name} cannot be bundled because of {match[0].strip()!r}: a browser half imports "
            "nothing, and exports by 'export default', 'export function', 'export class' or "
            "'export const' at the start of a line"
        )
