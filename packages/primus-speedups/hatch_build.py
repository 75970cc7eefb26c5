"""Compiles ``native/`` into the wheel, where there is a C compiler.

Without one the wheel is for every platform and has no compiled part, which says so when it is
built: an installation of Primus must not depend on a compiler. With ``PRIMUS_SPEEDUPS_BUILD``
set the build fails in that case.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags
from setuptools import Distribution, Extension
from setuptools.errors import BaseError, CompileError, LinkError

__all__ = ["CompilingHook"]

FAILURES = (BaseError, CompileError, LinkError, OSError)
"""What is raised where there is no compiler, or when it fails."""

OLDEST = (3, 11)
"""The first Python that the compiled part is for."""


class CompilingHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the compiled part beside the sources before hatchling collects the files of the wheel.

    It uses the limited API, so one wheel of a platform is for all Pythons; those without a global
    interpreter lock have none yet, and get a wheel each.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and give the wheel the tag of its platform."""
        package = Path(self.root, "src", "primus_speedups")
        limited = not sysconfig.get_config_var("Py_GIL_DISABLED")
        sources = sorted(Path(self.root, "native").glob("*.c"))
        try:
            made = [_compile(source, package, limited=limited) for source in sources]
        except FAILURES as error:
            _clear(package)
            if os.environ.get("PRIMUS_SPEEDUPS_BUILD"):
                raise
            self.app.display_warning(
                f"primus-speedups is built without its compiled part, and so does nothing: {error}"
            )
            return
        # Not before it is replaced: other environments may be using it from this folder.
        _clear(package, but=made)
        build_data["artifacts"] += [f"/src/primus_speedups/{file.name}" for file in made]
        build_data["pure_python"] = False
        build_data["tag"] = _tag(limited=limited)


def _compile(source: Path, package: Path, *, limited: bool) -> Path:
    """Compile one file to a module of the package.

    Raises:
        FAILURES: there is no compiler, or it has failed.
    """
    macros: list[tuple[str, str | None]] = []
    if limited:
        macros.append(("Py_LIMITED_API", f"0x{OLDEST[0]:02x}{OLDEST[1]:02x}0000"))
    extension = Extension(
        f"primus_speedups._{source.stem}",
        [source.name],
        define_macros=macros,
        py_limited_api=limited,
    )
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(source, scratch)
        command = Distribution({"ext_modules": [extension]}).get_command_obj("build_ext")
        command.build_lib = command.build_temp = scratch
        command.ensure_finalized()
        before = Path.cwd()
        os.chdir(scratch)  # the compiler's output has the path of its input in it
        try:
            command.run()
        finally:
            os.chdir(before)
        made = Path(scratch, command.get_ext_filename(extension.name))
        # Builds for several Pythons may run at once: the file arrives whole.
        fresh = package / f"{made.name}.{os.getpid()}"
        shutil.copy(made, fresh)
        return fresh.replace(package / made.name)


def _clear(package: Path, *, but: Collection[Path] = ()) -> None:
    """Remove what earlier builds have compiled, which would be packed as well."""
    for old in package.glob("_*.*"):
        if old.suffix in (".so", ".pyd") and old not in but:
            old.unlink(missing_ok=True)


def _tag(*, limited: bool) -> str:
    """The tag of a wheel for this platform, as hatchling would choose it."""
    own = next(tag for tag in sys_tags() if not tag.platform.startswith(("manylinux", "musllinux")))
    if not limited:
        return str(own)
    return f"cp{OLDEST[0]}{OLDEST[1]}-abi3-{own.platform}"
