"""The events of the example votes: its document under AsyncAPI's parser, its types under tsc."""

import json
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.node import installed_peer, node
from harness.tools import REPOSITORY

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
    for name in ("primus.mjs", "primus.d.mts"):
        example["primus"].save(tmp_path / name)
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

    assert done.stdout.count("error TS") == errors, done.stdout
