"""The saved browser client in a build: its declarations under tsc, and its files in webpack."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.node import installed_peer, node
from harness.tools import PEERS
from primus import Primus

SAVED = ("primus.js", "primus.mjs", "primus.d.ts", "primus.d.mts")

MODULE = """
import Primus, { EventEmitter, connect, Primus as Named } from './primus.mjs';

const options: Primus.Options = { timeout: '3 seconds', reconnect: { retries: 3 } };
const socket = new Primus('http://localhost', options);
socket.on('reconnect', (opts) => { opts.attempt.toFixed(); });
const other: Primus = connect(null, options);
const named: Named = other;
const written: boolean = named.write(new EventEmitter());
const response: Promise<string> = socket.writeAndWait({ name: '?' }, { timeout: 5000 });
socket.writeAndWait(1, (answer) => answer).on('request', (data, done) => { done(data); });
const todo: Primus.Resource = socket.resource('todo', false);
todo.on('ready', (name, methods) => { methods.map((method) => todo[method](name)); });
todo.ready().then(([first]) => todo.call(first, 1));
"""
COMMON = """
import Primus = require('./primus.js');

const socket: Primus = new Primus();
socket.on('reconnect', (opts) => { opts.attempt.toFixed(); });
const state: Primus.ReadyState = socket.readyState;
"""
SCRIPT = """
const socket: Primus = new Primus({ timeout: false });
socket.on('reconnect', (opts) => { opts.attempt.toFixed(); });
"""
SCRIPT_OPTIONS = {"module": "none", "moduleDetection": "legacy"}
KINDS = {
    "nodenext": ({"user.mts": MODULE, "user.cts": COMMON}, {"module": "nodenext"}),
    "bundler": ({"user.ts": MODULE}, {"module": "esnext", "moduleResolution": "bundler"}),
    "script": ({"user.ts": SCRIPT, "primus.d.ts": None}, SCRIPT_OPTIONS),
}

ENTRIES = {
    "module": "import Primus from './primus.mjs'; console.log(Primus.prototype.version);",
    "commonjs": "const Primus = require('./primus.js'); console.log(Primus.prototype.version);",
}
FORMS = ("minified", "readable")


@pytest.fixture(scope="module")
def peer() -> Path:
    return installed_peer("bundling")


@pytest.fixture(params=FORMS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with everything that can be saved of the client."""
    save(tmp_path, request.param)
    return tmp_path


def save(folder: Path, form: str) -> None:
    primus = client()
    for name in SAVED:
        primus.save(folder / name, minified=form == "minified")


@pytest.fixture(scope="module")
def bundles(peer: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What webpack says of each entry, by its file, and the bundle beside that."""
    files: list[str] = []
    for form in FORMS:
        folder = tmp_path_factory.getbasetemp() / form
        folder.mkdir()
        save(folder, form)
        for kind, entry in ENTRIES.items():
            (folder / f"{kind}.js").write_text(entry)
            files.append(str(folder / f"{kind}.js"))
    built = run(peer, str(PEERS / "bundling" / "webpack.js"), *files)
    assert built.returncode == 0, built.stderr
    return dict(zip(files, json.loads(built.stdout), strict=True))


def client() -> Primus:
    """A server whose client has methods of plugins."""
    return Primus(transformer="engine.io", plugin="emit, emitter, resource, responder")


def run(peer: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*node(), *command], cwd=peer, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.mark.parametrize("name", [name for name in SAVED if ".d." in name])
def test_the_types_are_the_same_beside_minified_files(name: str, tmp_path: Path) -> None:
    primus = client()
    primus.save(tmp_path / name)
    readable = (tmp_path / name).read_text()

    primus.save(tmp_path / name, minified=True)

    assert (tmp_path / name).read_text() == readable


@pytest.mark.parametrize("kind", KINDS)
def test_typescript_finds_the_types_of_the_saved_client(
    tmp_path: Path, peer: Path, kind: str
) -> None:
    save(tmp_path, "readable")
    files, options = KINDS[kind]
    for name, text in files.items():
        if text is not None:
            (tmp_path / name).write_text(text)
    strict = {"strict": True, "noEmit": True, "target": "es2020", "types": [], **options}
    strict["skipDefaultLibCheck"] = True  # the library of TypeScript takes longer than all else
    config = {"compilerOptions": strict, "files": list(files)}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))

    done = run(peer, "node_modules/typescript/bin/tsc", "--project", str(tmp_path))

    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize("form", FORMS)
def test_webpack_bundles_the_client_without_a_warning_and_without_the_path_of_the_build(
    bundles: dict[str, Any], peer: Path, form: str, kind: str
) -> None:
    (file,) = (each for each in bundles if each.endswith(f"/{form}/{kind}.js"))
    bundle = Path(file).with_suffix(".cjs")

    assert bundles[file] == []
    assert str(bundle.parent) not in bundle.read_text()
    assert run(peer, str(bundle)).stdout.strip() == Primus.version


@pytest.mark.parametrize(
    "load", ["import('{}/primus.mjs')", "Promise.resolve(require('{}/primus.js'))"]
)
def test_in_node_a_saved_client_finds_packages_beside_its_own_file(
    folder: Path, peer: Path, load: str
) -> None:
    package = folder / "node_modules" / "beside"
    package.mkdir(parents=True)
    (package / "index.js").write_text("module.exports = 'found';")

    found = ".then((it) => console.log((it.default || it).requires('beside')))"
    done = run(peer, "-e", load.format(folder) + found)

    assert done.stdout.strip() == "found", done.stderr
