"""The repository is written in plain technical English: "Plain words" of CONTRIBUTING.md.

A word is banned when it leaves open what is meant, or when the thing has a plainer name. What a
file quotes, such as a changelog, is not looked at.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
FOLDERS: Final = "benchmarks docs examples integration-tests packages plugins tools".split()
KINDS: Final = {".css", ".html", ".js", ".md", ".mjs", ".mts", ".py", ".toml", ".ts"}
NOT_OURS: Final = {"_build", "build", "corpus", "dist", "node_modules"}
HISTORY: Final = {"CHANGELOG.md", "decisions.md", "test_words.py"}


def word(*words: str) -> str:
    """Any of `words`, also as a part of a name between underscores."""
    return rf"(?i)(?<![a-z])(?:{'|'.join(words)})(?![a-z])"


def name(*names: str) -> str:
    """Any of `names`, as it stands."""
    return rf"(?<![\w.])(?:{'|'.join(map(re.escape, names))})(?!\w)"


BANNED: Final = {
    "persons in place of peers, callers and connections": word(
        *("who", "whom", "whoever", "somebody", "nobody", "anybody", "everybody"),
        *("someone", "anyone", "everyone"),
    ),
    "a causative have": (
        r"(\"\"\"|/\*\* |^\s*\* )(Have|Has) "
        r"|\b[Hh]av(e|ing) (it|them) (answered|called|closed|dropped|made|posted|read|sent)\b"
    ),
    "figures of speech": word("farewell", "goodbye", "good-bye", "hurry", "hurried"),
    "names that classes had": name(
        *("Alarms", "Asking", "ClientSide", "Dial", "Equipment", "Greeting", "Hanging", "Inlet"),
        *("Lobby", "Population", "Pulse", "ServedTransport", "Upkeep"),
    ),
    "names that members had": (
        r"\b(_courier|_farewell|_heard|_is_jammed|_jammed|_keeper|_lobby|_review|_spied|_upkeep)\b"
    ),
    "names that modules had": name(
        *("primus.alarms", "primus.arity", "primus.cli.keyboard", "primus.cli.reach"),
        *("primus.client.fit", "primus.client.fitting", "primus.client.lifecycle"),
        *("primus.polling.asking", "primus.polling.hanging", "primus.polling.queued"),
        *("primus.server.equipment", "primus.server.monitor", "primus.server.plugging"),
        *("primus.server.population", "primus.server.welcome", "primus.websocket.gate"),
        *("primus_metroplex.keeper", "primus_metroplex.opening", "primus_metroplex.upkeep"),
        *("primus_transformer_ws.served", "primus_transformer_ws.wire"),
    ),
}


def sources() -> list[Path]:
    files = [*ROOT.glob("*.*"), *(file for each in FOLDERS for file in (ROOT / each).rglob("*"))]
    return [
        file
        for file in files
        if file.suffix in KINDS and file.name not in HISTORY and file.is_file()
        if not any(
            part in NOT_OURS or part.startswith(".") for part in file.relative_to(ROOT).parts
        )
    ]


@pytest.mark.parametrize("kind", BANNED)
def test_no_source_and_no_page_has(kind: str) -> None:
    pattern = re.compile(BANNED[kind])

    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in sources()
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]

    assert not found, "\n".join(["there is a plainer word for:", *found])


def test_the_list_finds_what_it_bans() -> None:
    lines = {
        "persons in place of peers, callers and connections": "def test_who_is_silent_is_dropped",
        "a causative have": '"""Have it answered."""',
        "figures of speech": "FAREWELL_TIMEOUT = 2.0",
        "names that classes had": "poll = Hanging(request, self.lost)",
        "names that members had": "self._jammed = True",
        "names that modules had": "from primus.polling.queued import QueuedTransport",
    }

    assert [kind for kind, line in lines.items() if re.search(BANNED[kind], line)] == [*BANNED]
