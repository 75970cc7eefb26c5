"""The modules that the pages have or mention, put where programs find them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from kit import text_of
from pages import named

ENTRY_POINTS = """
[primus.plugins]
rooms = rooms_plugin
shout = primus_shout
"""
PLUGIN = """
from primus import hookimpl

@hookimpl
def primus_setup(primus):
    pass
"""
MODULES = ("my_plugin", "rooms_plugin")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with the modules that the pages have or mention, installed."""
    metadata = tmp_path / "documented-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: documented\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "static").mkdir()
    for module in MODULES:
        (tmp_path / f"{module}.py").write_text(PLUGIN)
    for name in ("greeter.py", "lines.py", "lines.js", "page.html"):
        (tmp_path / name).write_text(named(name))
    (tmp_path / "primus_shout").mkdir()
    for name in ("__init__.py", "sockets.py", "client.js"):
        (tmp_path / "primus_shout" / name).write_text(text_of(f"src/primus_template/{name}"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name in {*MODULES, "greeter", "lines", "primus_shout", "primus_shout.sockets"}:
            del sys.modules[name]
