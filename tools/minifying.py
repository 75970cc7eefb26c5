"""A build hook that minifies the browser half of a distribution, and vendors from npm besides.

A distribution names the modules, from which ``client.min.js`` and its source map are made beside
``client.js``; the core makes its own client besides:

    [tool.hatch.build.hooks.custom]
    minified = ["client.js"]

It also says where an sdist finds this hook, and brings a ``hatch_build.py`` that imports it:

    [tool.hatch.build.targets.sdist.force-include]
    "../../tools/minifying.py" = "minifying/minifying.py"
    …

Terser, which does it, is pinned in ``npm/package-lock.json`` beside this file, and npm checks its
digest. A minified file says in its first line what it was made from, and is not made again; an
sdist brings the files along, and needs no npm. Without the network a build fails here, with what
npm says.

An editable installation is left as it is: there, what is missing or was made from other sources is
served readable. Run as a script, this minifies all that is stale in the repository:

    python tools/minifying.py
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from vendoring import NODE_PACKAGE, VendoringHook, node_command, place, run_npm

__all__ = ["Job", "MinifyingHook", "jobs", "stale"]

HERE = Path(__file__).parent
NPM = HERE / "npm"
PROGRAM = HERE / "minify.cjs"


class MinifyingHook(VendoringHook):
    """Makes the minified files before hatchling collects those of the wheel or sdist."""

    def dependencies(self) -> list[str]:
        """As those of the vendoring: a Node.js, where none is at hand and one is needed."""
        needed = super().dependencies() if self.config.get("files") else []
        if needed or shutil.which("npm") or not list(stale(Path(self.root), self.config)):
            return needed
        return NODE_PACKAGE

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make sure that the files are there, and pack them though git ignores them."""
        if self.config.get("files"):
            super().initialize(version, build_data)
        build_data["artifacts"] += ["*.min.js", "*.min.js.map", "_minified/"]
        if version != "editable":
            _minify(list(stale(Path(self.root), self.config)))


@dataclass(frozen=True)
class Job:
    """A file to be made.

    ``sources`` are what it is known by, ``texts`` what is handed to the program, by name.
    """

    target: Path
    sources: list[str]
    texts: dict[str, str]
    kind: str

    @property
    def head(self) -> str:
        """The first line of the file: what it was made from, and with what."""
        tool = PROGRAM.read_bytes() + (NPM / "package-lock.json").read_bytes()
        made_with = hashlib.sha256(tool).hexdigest()[:32]
        return f"// {_modules().digest(*self.sources)} {made_with}"

    @property
    def is_stale(self) -> bool:
        """Whether the file is missing, or was made from something else."""
        if not self.target.is_file():
            return True
        return self.target.read_text("utf-8").partition("\n")[0] != self.head


def _modules() -> ModuleType:
    """``primus/browser/modules.py``, which knows what the client consists of, by its path."""
    inner = Path("src", "primus", "browser", "modules.py")
    places = (HERE / "modules.py", HERE.parent / "packages" / "primus-core" / inner)
    path = next(path for path in (*places, HERE.parent / inner) if path.is_file())
    spec = importlib.util.spec_from_file_location("primus_browser_modules", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stale(root: Path, config: dict[str, Any]) -> Iterator[Job]:
    """What is missing of a distribution, or was made from something else."""
    return (job for job in jobs(root, config) if job.is_stale)


def jobs(root: Path, config: dict[str, Any]) -> Iterator[Job]:
    """All that is to be made for a distribution, by its table of the hook."""
    (package,) = (each.parent for each in root.glob("src/*/__init__.py"))
    modules = _modules()
    for name in config.get("minified", ()):
        source = (package / name).read_text("utf-8")
        text = modules.body(name, source)
        target = (package / name).with_suffix(".min.js")
        yield Job(target, [source], {f"0:{Path(name).name}": text}, "half")
    if (package / "browser").is_dir():
        yield from _core(package / "browser", modules)


def _core(folder: Path, modules: ModuleType) -> Iterator[Job]:
    """The client without the parts of a server, once for each set of modules, and its wrappers."""
    for extra in modules.VARIANTS:
        parts = modules.variant(extra)
        names = [f"{name}.js" for name in parts]
        sources = [(folder / "js" / name).read_text("utf-8") for name in names]
        texts = {
            f"{index}:{name}": modules.stripped(name, source)
            for index, (name, source) in enumerate(zip(names, sources, strict=True))
        }
        texts[[*texts][-1]] += "\nreturn Primus;"
        yield Job(folder / "_minified" / modules.minified_name(parts), sources, texts, "core")
    for name in ("umd.js", "esm.js"):
        source = (folder / "js" / name).read_text("utf-8")
        yield Job(folder / "_minified" / name, [source], {name: source}, "wrapper")


def _minify(jobs: list[Job]) -> None:
    """Run the program once for all jobs. Each file arrives whole, its source map before it."""
    if not jobs:
        return
    asked = [{"sources": job.texts, "kind": job.kind} for job in jobs]
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NPM / name, scratch)
        run_npm(["ci"], scratch)
        done = subprocess.run(
            [node_command(), str(PROGRAM)],
            input=json.dumps(asked),
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
        )
    if done.returncode:
        sys.exit(f"minifying failed:\n{done.stderr}")
    for job, made in zip(jobs, json.loads(done.stdout), strict=True):
        job.target.parent.mkdir(exist_ok=True)
        if made["map"]:
            place(made["map"].encode(), job.target.with_name(f"{job.target.name}.map"))
        place(f"{job.head}\n{made['code']}\n".encode(), job.target)


def main() -> None:
    """Minify everything of the repository that is not as its sources are."""
    root = HERE.parent
    found: list[Job] = []
    for file in sorted(
        [*root.glob("packages/*/pyproject.toml"), *root.glob("plugins/*/pyproject.toml")]
    ):
        build = (
            tomllib.loads(file.read_text("utf-8")).get("tool", {}).get("hatch", {}).get("build", {})
        )
        found += stale(file.parent, build.get("hooks", {}).get("custom", {}))
    _minify(found)
    for job in found:
        print(job.target.relative_to(root))


if __name__ == "__main__":
    main()
