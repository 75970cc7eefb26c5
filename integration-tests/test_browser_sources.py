"""The sources of the browser client, as Biome and TypeScript read them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.node import installed_peer, node
from harness.tools import PEERS

ROOT = Path(__file__).parent.parent
PARTS = frozenset({"umd.js", "esm.js", "compiled.js", "requires.js"})
"""Parts of a file that is put together, and no modules by themselves."""

UNTYPED = frozenset(
    {"answers.js", "connection.js", "heartbeat.js", "messages.js", "primus.js", "stream.js"}
)
"""Modules whose objects take members from one another, which JSDoc does not say yet."""

MODULES = sorted(
    file
    for pattern in ("packages/primus-*/src/**/*.js", "plugins/primus-*/src/**/*.js")
    for file in ROOT.glob(pattern)
    if not {"_assets", "_minified"} & {*file.parts}
    and not file.name.endswith(".min.js")
    and file.name not in PARTS
)


@pytest.fixture(scope="module")
def peer() -> Path:
    return installed_peer("linting")


def run(folder: Path, *command: str) -> str:
    """What a tool says; nothing when it has found nothing."""
    done = subprocess.run(
        [*node(), *command], cwd=folder, capture_output=True, text=True, check=False, timeout=240
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_biome_finds_nothing(peer: Path, tmp_path: Path) -> None:
    shutil.copy(PEERS / "linting" / "biome.json", tmp_path)
    for file in MODULES:
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    biome = str(peer / "node_modules" / "@biomejs" / "biome" / "bin" / "biome")

    said = run(tmp_path, biome, "lint", "--error-on-warnings", "--max-diagnostics=50", ".")

    assert said == ""


def test_typescript_finds_nothing_in_the_modules_that_have_types(peer: Path) -> None:
    folder = ROOT / "packages" / "primus-core" / "src" / "primus" / "browser" / "js"
    modules = [str(file) for file in sorted(folder.glob("*.js")) if file.name not in PARTS]
    settings = ["--noEmit", "--allowJs", "--checkJs", "--target", "es2022", "--module", "esnext"]
    settings += ["--moduleResolution", "bundler", "--lib", "es2022,dom", "--pretty", "false"]
    settings += ["--skipDefaultLibCheck"]

    said = run(folder, str(peer / "node_modules/typescript/bin/tsc"), *settings, *modules)

    names = set(re.findall(r"^(?:.*/)?([\w.-]+\.js)\(\d.*error.*$", said, re.MULTILINE))
    found = names - UNTYPED
    assert not found, said
    assert names >= UNTYPED, "a module has types now: take it off UNTYPED"
