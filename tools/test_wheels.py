"""``tools/wheels.py``, on a distribution of its own."""

import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "thing"
version = "1.0"

[tool.hatch.build.targets.sdist]
exclude = ["thing/forgotten.py"]
"""


def test_a_wheel_has_only_what_is_in_the_sdist(tmp_path: Path) -> None:
    package = tmp_path / "thing" / "thing"
    package.mkdir(parents=True)
    for name in ("__init__.py", "forgotten.py"):
        (package / name).touch()
    (package.parent / "pyproject.toml").write_text(PROJECT)
    command = [sys.executable, str(Path(__file__).with_name("wheels.py"))]

    subprocess.run([*command, str(tmp_path / "dist"), str(package.parent)], check=True)

    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert zipfile.Path(wheel, "thing/__init__.py").exists()
    assert not zipfile.Path(wheel, "thing/forgotten.py").exists()
