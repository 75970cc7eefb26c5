"""ES modules as parts of one script: ours share a scope, any other has its own.

Only the statements that begin a line are looked at, as in any code a formatter has seen.
"""

from __future__ import annotations

import re

from primus.errors import PrimusError

__all__ = ["scoped", "stripped"]

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


def stripped(name: str, source: str) -> str:
    """One of our own modules without its imports and ``export`` words.

    Raises:
        PrimusError: it has an import or export of another shape.
    """
    text = _EXPORT.sub("", _IMPORT.sub("", source))
    _refuse_leftovers(name, text)
    return text.strip() + "\n"


def scoped(owner: str, source: str, required: list[str]) -> str:
    """A module as the function ``(Primus, library)`` that runs it and returns its exports.

    Raises:
        PrimusError: the module of `owner` imports something, exports in a way other than
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
        raise PrimusError(f"client.js of the {owner} does not export {' and '.join(missing)}")
    table = ", ".join(f"{name}: {local}" for name, local in exports.items())
    return f"function (Primus, library) {{\n{source.strip()}\nreturn {{ {table} }};\n}}"


def _refuse_leftovers(name: str, source: str) -> None:
    if match := _STATEMENT.search(source):
        raise PrimusError(
            f"{name} cannot be bundled because of {match[0].strip()!r}: a browser half imports "
            "nothing, and exports by 'export default', 'export function', 'export class' or "
            "'export const' at the start of a line"
        )
