"""The directive ``command``: what ``primus COMMAND --help`` says.

```{command} serve
```
"""

from __future__ import annotations

import os
from contextlib import redirect_stdout, suppress
from io import StringIO
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from primus.cli import main

__all__ = ["help_of", "setup"]


def help_of(*command: str) -> str:
    """The help of a command, 96 columns wide and without colours."""
    before = {name: os.environ.get(name) for name in ("COLUMNS", "NO_COLOR")}
    os.environ.update(COLUMNS="96", NO_COLOR="1")
    text = StringIO()
    try:
        with redirect_stdout(text), suppress(SystemExit):
            main([*command, "--help"])
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return text.getvalue()


class Command(SphinxDirective):
    """Shows the help of one command."""

    optional_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """One literal block."""
        text = help_of(*self.arguments)
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("command", Command)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
