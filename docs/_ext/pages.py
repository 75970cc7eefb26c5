"""The pages of this documentation as text: their headings, tables and code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DOCS", "HEADING", "PAGES", "ROW", "Snippet", "named", "section", "snippets", "table"]

DOCS = Path(__file__).parent.parent
PAGES = sorted(DOCS.glob("*.md"))
FENCE = re.compile(
    r"^```(?:\{code-block\} )?(\w+)\n((?::\w+:[^\n]*\n)*)(.*?)^```$", re.MULTILINE | re.DOTALL
)
CAPTION = re.compile(r"^:caption: (.+)$", re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \|(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    caption: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def snippets(*languages: str) -> Iterator[Snippet]:
    """The blocks of these languages, page by page."""
    for page in PAGES:
        source = page.read_text("utf-8")
        for match in FENCE.finditer(source):
            caption = CAPTION.search(match[2])
            if match[1] in languages:
                yield Snippet(
                    page.name,
                    source.count("\n", 0, match.start()) + 1,
                    match[1],
                    caption[1] if caption else "",
                    match[3].strip() + "\n",
                )


def named(caption: str) -> str:
    """The text of the block with that file name above it."""
    found = [s.text for s in snippets("python", "javascript", "html") if s.caption == caption]
    assert len(found) == 1, f"{len(found)} blocks are called {caption}"
    return found[0]


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next one."""
    source = (DOCS / page).read_text("utf-8")
    start = re.search(rf"^#+ {re.escape(heading)}$", source, re.MULTILINE)
    assert start is not None, f"{page} has no heading {heading!r}"
    end = re.compile(r"^#+ ", re.MULTILINE).search(source, start.end())
    return source[start.end() : end.start() if end else None]


def table(page: str, heading: str) -> dict[str, str]:
    """The second column of the rows below a heading, by the name in the first."""
    return {match[1]: match[2].strip("`") for match in ROW.finditer(section(page, heading))}
