"""The directive ``hook``: signature and description of a hook, read from `primus.hookspecs`.

    ```{hook} primus_setup
    ```

The reference can so never say anything else than the contract that plugins are checked by.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from primus import hookspecs

__all__ = ["setup", "specifications"]


def specifications() -> dict[str, Callable[..., Any]]:
    """The hooks by name, in the order in which they are written."""
    functions = inspect.getmembers(hookspecs, inspect.isfunction)
    found = [(name, fn) for name, fn in functions if hasattr(fn, "primus_spec")]
    return dict(sorted(found, key=lambda item: item[1].__code__.co_firstlineno))


def signature(name: str, fn: Callable[..., Any]) -> str:
    """The text of a hook as a plugin writes it."""
    return f"@hookimpl\ndef {name}{inspect.signature(fn)}: ...".replace("'", "")


class Hook(SphinxDirective):
    """Shows one hook."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """The signature, then the description."""
        name = self.arguments[0]
        fn = specifications().get(name)
        if fn is None:
            raise self.error(f"there is no hook {name!r} in primus.hookspecs")
        text = signature(name, fn)
        block = nodes.literal_block(text, text, language="python")
        return [block, *self.parse_text_to_nodes(inspect.cleandoc(fn.__doc__ or ""))]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, and read pages again when the contract changes."""
    app.add_directive("hook", Hook)
    app.connect("env-before-read-docs", _note_contract)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _note_contract(app: Sphinx, env: Any, names: list[str]) -> None:
    if "hooks" in env.found_docs and "hooks" not in names:
        names.append("hooks")
