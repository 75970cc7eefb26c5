"""The events of the example votes: its document under AsyncAPI's parser, its types under tsc."""

import json
import runpy
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.node import installed_peer, node
from harness.tools import REPOSITORY
from primus import Primus
from primus_contract import Contract, Received

PARSE = """
import asyncapi from '@asyncapi/parser';

const { document, diagnostics } = await new asyncapi.Parser().parse(process.argv[2]);
const errors = diagnostics.filter(({ severity }) => severity === 0).map(({ message }) => message);

console.log(JSON.stringify({
  errors,
  messages: document ? document.allMessages().all().map((message) => message.name()) : [],
}));
"""
USER = """
import Primus from './primus.mjs';

const primus = new Primus();
primus.on('tally', (tally) => { tally.tea.toFixed(); });
primus.ask('vote', { choice: 'tea' }).then((number) => { number.toFixed(); });
primus.send('vote', { choice: 'coffee' });
const choice: Primus.Contract.Vote['choice'] = 'tea';
"""
MISTAKES = """
import Primus from './primus.mjs';

const primus = new Primus();
primus.on('tally', (tally) => { tally.milk; });
primus.ask('vote', { choice: 'milk' });
primus.ask('vote', { choice: 'tea' }).then((number) => { number.trim(); });
primus.send('votes', { choice: 'tea' });
"""
LIBRARIAN = """
import Primus from './primus.mjs';

const primus = new Primus();
const record: Primus.Contract.Record = { tags: { worn: 1 }, pages: ['1', 2] };
primus.ask('shelve', { records: [record] }).then(({ tags, pages }) => { tags.worn; pages[0]; });
"""


@dataclass
class Record:
    """A type whose name TypeScript has as well."""

    tags: dict[str, int]
    pages: list[str | int]


@dataclass
class Array:
    """Another one."""

    records: list[Record]


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """What the example defines; it is not run."""
    return runpy.run_path(str(REPOSITORY / "examples" / "votes" / "main.py"))


def test_the_document_passes_the_official_parser(example: Any, tmp_path: Path) -> None:
    from primus_contract import asyncapi

    peer = installed_peer("asyncapi")
    script = peer / "parse.mjs"
    script.write_text(PARSE)
    document = json.dumps(asyncapi(example["CONTRACT"], "/primus"))

    done = subprocess.run(
        [*node(), str(script), document], cwd=peer, capture_output=True, text=True, check=True
    )

    told = json.loads(done.stdout)
    assert told["errors"] == []
    assert sorted(told["messages"]) == ["tally", "vote", "vote answer"]


@pytest.mark.parametrize(("text", "errors"), [(USER, 0), (MISTAKES, 4)])
def test_typescript_knows_the_events(example: Any, tmp_path: Path, text: str, errors: int) -> None:
    told = compiled(example["primus"], text, tmp_path)

    assert told.count("error TS") == errors, told


def test_types_may_be_called_as_those_of_typescript(tmp_path: Path) -> None:
    contract = Contract("Shelves", "1.0.0", receives=[Received("shelve", Array, answer=Record)])
    primus = Primus(plugin="emitter, contract", contract=contract)

    assert compiled(primus, LIBRARIAN, tmp_path) == ""


def compiled(primus: Any, text: str, tmp_path: Path) -> str:
    """What tsc says of `text`, which uses the client of `primus`."""
    for name in ("primus.mjs", "primus.d.mts"):
        primus.save(tmp_path / name)
    (tmp_path / "user.mts").write_text(text)
    options = {"strict": True, "noEmit": True, "target": "es2020", "types": []}
    options["skipDefaultLibCheck"] = True
    config = {"compilerOptions": {**options, "module": "nodenext"}, "files": ["user.mts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    peer = installed_peer("bundling")
    command = ["node_modules/typescript/bin/tsc", "--project", str(tmp_path)]

    done = subprocess.run(
        [*node(), *command], cwd=peer, capture_output=True, text=True, check=False
    )

    return done.stdout
