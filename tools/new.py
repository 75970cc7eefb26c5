"""Start a distribution: copy a template and put a name in its place.

Usage: python new.py KIND NAME [FOLDER], where KIND is plugin, parser or transformer, NAME is what
users will write in the options, and FOLDER is where the new folder goes; by default its place in
this repository. ``nox -s new -- plugin shout`` does the same.
"""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEMPLATES = {
    "plugin": ("plugins/_template", "plugins", "primus-"),
    "parser": ("packages/_template-parser", "packages", "primus-parser-"),
    "transformer": ("packages/_template-transformer", "packages", "primus-transformer-"),
}
EXTRAS = {"transformer": "contract,tls"}
"""The extras of primus-testing that the tests of a template need, where it is not ``contract``."""
LEFT = {"__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache", ".mypy_cache"}
WORD = re.compile(
    r"(?P<pascal>Template)"
    r"|(?P<kebab>(?<=-)template|template(?=-)|(?<=[\"'`])template(?=[\"'`]))"
    r"|(?P<snake>(?<=_)template|template(?=_)|(?<=spark\.)template|(?<=socket\.)template)"
    r"|(?P<camel>(?<=primus\.)template)"
    r"|(?P<plain>template)"
)
"""The name of a template, with what tells how it has to be written there."""
JAVASCRIPT = frozenset(
    "arguments await case catch const debugger default delete do enum eval export extends false"
    " function implements instanceof interface let new null package private protected public"
    " static super switch this throw true typeof var void".split()
)
"""Words of JavaScript that are none of Python."""
PLAIN = {".py": "snake", ".js": "camel"}
"""How a name is written as an identifier, by the kind of file; elsewhere it is ``kebab``."""


@dataclass(frozen=True)
class Name:
    """A name in its four spellings."""

    kebab: str

    @classmethod
    def of(cls, text: str) -> Name:
        """The name, without the ``primus-`` that need not be said."""
        name = text.removeprefix("primus-")
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
            sys.exit(f"{text!r} is no name: lower case, digits, and hyphens between words")
        if keyword.iskeyword(name) or name in JAVASCRIPT:
            sys.exit(f"{text!r} is a word of Python or JavaScript: nothing can be called by it")
        if name == "template":
            sys.exit("'template' is what the templates are called: choose another name")
        return cls(name)

    @property
    def snake(self) -> str:
        """As identifiers of Python are written."""
        return self.kebab.replace("-", "_")

    @property
    def pascal(self) -> str:
        """As classes are written."""
        return "".join(part.capitalize() for part in self.kebab.split("-"))

    @property
    def camel(self) -> str:
        """As identifiers of JavaScript are written."""
        return self.pascal[0].lower() + self.pascal[1:]


def renamed(text: str, name: Name, suffix: str) -> str:
    """A text of a template, with the name in place of the template's.

    Args:
        text: the text.
        name: the name.
        suffix: of the file that the text is from.
    """

    def spelt(match: re.Match[str]) -> str:
        kind = match.lastgroup
        assert kind is not None
        spelling: str = getattr(name, PLAIN.get(suffix, "kebab") if kind == "plain" else kind)
        return spelling

    return WORD.sub(spelt, text)


def copy(kind: str, name: Name, into: Path | None = None) -> Path:
    """Copy the template of a kind, and give the new folder."""
    template, home, prefix = TEMPLATES[kind]
    source = ROOT / template
    made = (into or ROOT / home) / f"{prefix}{name.kebab}"
    if made.exists():
        sys.exit(f"{made} is there already")
    for file in sorted(source.rglob("*")):
        parts = file.relative_to(source).parts
        if file.is_dir() or LEFT & set(parts) or any(part.endswith(".egg-info") for part in parts):
            continue
        target = made.joinpath(*(renamed(part, name, ".py") for part in parts))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renamed(file.read_text("utf-8"), name, file.suffix), "utf-8")
    return made


def main(arguments: list[str]) -> None:
    """Make what the command line asks for, and say what comes next."""
    if len(arguments) not in {2, 3} or arguments[0] not in TEMPLATES:
        sys.exit(__doc__)
    kind, wanted, *folder = arguments
    name = Name.of(wanted)
    made = copy(kind, name, *(Path(each).expanduser().resolve() for each in folder))
    shown = made.relative_to(ROOT) if made.is_relative_to(ROOT) else made
    print(f"Made {shown}. What comes next:\n")
    kit = f"'packages/primus-testing[{EXTRAS.get(kind, 'contract')}]'"
    print(f"  pip install packages/primus-core {kit} -e {shown}")
    print(f"  pytest {shown}")
    print("  primus plugins")
    if not folder:
        print(f'\nor `nox -s "alone({made.name})"`; CONTRIBUTING.md says what is left to do.')


if __name__ == "__main__":
    main(sys.argv[1:])
