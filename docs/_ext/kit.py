"""The directive ``kit``: a file of the template of plugins, as ``nox -s new`` makes it.

    ```{kit} src/primus_template/client.js
    ```

The chapter shows so what its reader gets, to the letter.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from new import Name, renamed  # noqa: E402 - a script, found by the line above

__all__ = ["setup", "text_of"]

TEMPLATE = ROOT / "plugins" / "_template"
LANGUAGES = {".py": "python", ".js": "javascript", ".toml": "toml"}


def text_of(name: str) -> str:
    """The text of a file of the plugin ``shout``."""
    file = TEMPLATE / name
    return renamed(file.read_text("utf-8"), Name.of("shout"), file.suffix)


class Kit(SphinxDirective):
    """Shows one file, under the name that it gets."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """The caption, then the text."""
        name = self.arguments[0]
        file = TEMPLATE / name
        if not file.is_file():
            raise self.error(f"the template has no {name}")
        self.env.note_dependency(str(file))
        text = text_of(name)
        shown = renamed(name, Name.of("shout"), ".py")
        block = nodes.literal_block(text, text, language=LANGUAGES[file.suffix])
        caption = nodes.caption(shown, "", nodes.literal(shown, shown))
        wrapper = nodes.container("", caption, block, literal_block=True)
        wrapper["classes"].append("literal-block-wrapper")
        return [wrapper]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("kit", Kit)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
