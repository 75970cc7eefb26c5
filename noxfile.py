"""Every command of this repository, one session each; ``nox -l`` lists them.

``nox`` runs what continuous integration runs, long sessions first. What follows ``--`` is handed
to the tool a session runs: ``nox -s docs -- -k links -x``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nox
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_external_run = True
nox.options.reuse_venv = "yes"
nox.options.sessions = [
    "integration",  # the longest
    "attacks",  # waits most of its time
    "tests",
    "browser",
    "autobahn",
    "alone",
    "lint",
    "docs",
    "mutants",
    "wheels",
    "kit",
    "purity",
    "examples",
]
if not {"-s", "-e", "--session", "--sessions"} & set(sys.argv):
    # Sessions side by side hold back their output: one asked for by name writes at once.
    nox.options.parallel = (os.cpu_count() or 1) + 1

# Tests start thousands of processes, each of which would compile anew all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parent
CONSTRAINED = ("-c", str(ROOT / "constraints.txt"))
TEMPLATES = [*ROOT.glob("packages/_template*"), ROOT / "plugins" / "_template"]
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"


def _distributions() -> dict[str, Path]:
    """Every distribution of the repository by its name, from the folders that hold one."""
    files = [*ROOT.glob("packages/*/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml")]
    folders = sorted(file.parent for file in files)
    return {folder.name: folder for folder in folders if not folder.name.startswith("_")}


def _pythons() -> list[str]:
    """Every CPython from 3.11 on: the running one, those on PATH and those of pyenv, as ``3.N``."""
    path = os.environ["PATH"].split(os.pathsep)
    released = [each for each in PYENV.glob("3.*") if re.fullmatch(r"3\.\d+\.\d+", each.name)]
    path += [str(each / "bin") for each in released if str(each / "bin") not in path]
    os.environ["PATH"] = os.pathsep.join(path)
    names = [file.name for folder in path for file in Path(folder).glob("python3.*")]
    found = [re.fullmatch(r"python3\.(\d+)(\.exe)?", name) for name in names]
    minors = {sys.version_info.minor} | {int(match[1]) for match in found if match}
    return [f"3.{minor}" for minor in sorted(minors) if minor >= 11]


DISTRIBUTIONS = _distributions()
PYTHONS = _pythons()
EVERYWHERE = ["primus-core", "primus-transformer-ws"]
"""What every Python tests: the other distributions stand on these and on no newer syntax."""

ON_THE_NEWEST = [
    *("-m", "not hypothesis"),
    *("-k", "not uvloop"),
    *(f"--ignore-glob=*/test_{host}.py" for host in ("own_server", "asgi", "uvicorn")),
]
"""Leaves out what the newest Python alone tests: properties, uvloop, and hosts besides aiohttp."""

PURE = """
    beginners callables control_text cookies credentials delivering events failures heartbeat
    members nodes option_checks options ordering origins pipeline plugin_control protocol recovery
""".split()
"""Topics whose tests take every branch of the pure modules, in seconds."""

HERE = f"3.{sys.version_info.minor}"
"""The Python of the sessions that need only one."""

SHARED_TOOLS = sorted(set(TOOLS) - {"fuzz", "node"})
"""What is installed beside the distributions in the environment that sessions share."""

UNTRUSTING = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull, "NODE_EXTRA_CA_CERTS": None}
"""Tests trust authorities of their own: each process would load those of the system for a tenth of
a second."""

shared = nox.session(venv_backend="none", requires=[f"environment-{HERE}"], allow_parallel=True)
exclusive = nox.session(venv_backend="none", requires=[f"environment-{HERE}"])

WORKERS = ["--numprocesses", str(os.cpu_count() or 1), "--dist", "worksteal"]
"""Lets tests run at once: much of their time they wait, for processes or for a deadline."""


@nox.session(python=PYTHONS, allow_parallel=True)
def environment(session: nox.Session) -> None:
    """Install everything once per Python: most sessions run in here, and install nothing."""
    names = DISTRIBUTIONS if session.python in {HERE, PYTHONS[0], PYTHONS[-1]} else EVERYWHERE
    tools = SHARED_TOOLS if session.python == HERE else ["workers"]
    _install(session, *names, group="test", tools=tools, extras=True)
    if session.python == HERE:
        _use_node(session)


@shared
def lint(session: nox.Session) -> None:
    """Style, formatting, types (mypy strict) and import contracts."""
    _enter(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", *(str(folder / "src") for folder in DISTRIBUTIONS.values()))
    session.run("mypy", *(str(folder / "src") for folder in TEMPLATES))
    session.run("mypy", "noxfile.py", ".ci/check_wheels.py", "tools")
    session.run("mypy", "benchmarks", "--exclude", "benchmarks/(servers|parsers)")
    session.run("lint-imports")


@shared
def docs(session: nox.Session) -> None:
    """The documentation, built strictly into docs/_build/html, and its snippets run."""
    _enter(session)
    session.run("sphinx-build", "-W", "-n", "--keep-going", "-q", "docs", "docs/_build/html")
    session.run("pytest", "docs", *session.posargs, env=UNTRUSTING)


@nox.session(venv_backend="none", requires=["environment"], allow_parallel=True)
@nox.parametrize("version", [nox.param(each, id=each) for each in PYTHONS[:-1] or PYTHONS])
def tests(session: nox.Session, version: str) -> None:
    """The tests on each Python but the newest: all on the oldest, core and ws on those between.

    What depends on the host, on the loop or on hypothesis more than on the Python is left to
    `alone`, which runs everything on the newest.
    """
    _enter(session, version)
    names = DISTRIBUTIONS if version == PYTHONS[0] else EVERYWHERE
    newest = [] if version == PYTHONS[-1] else ON_THE_NEWEST
    _unit_tests(session, *names, options=[*newest, *WORKERS])


@nox.session(venv_backend="none", requires=[f"environment-{PYTHONS[-1]}"], allow_parallel=True)
@nox.parametrize("distribution", [nox.param(name, id=name) for name in DISTRIBUTIONS])
def alone(session: nox.Session, distribution: str) -> None:
    """The tests of each distribution on the newest Python, with only what it declares."""
    _enter(session, PYTHONS[-1])
    folder = session.cache_dir / "alone" / distribution
    extras = ",".join(_declared(distribution)["project"].get("optional-dependencies", {}))
    required = [f"{distribution}[{extras}]", *_group(distribution, "test")]
    session.run("python", str(ROOT / "tools" / "alone.py"), str(folder), *required)
    _put_first(folder.resolve())
    _unit_tests(session, distribution)


@shared
def purity(session: nox.Session) -> None:
    """Every branch of the pure modules (tools/purity.toml) is taken by their own tests."""
    _enter(session)
    tests = DISTRIBUTIONS["primus-core"] / "tests"
    topics = [*PURE, "client/test_address.py", "client/test_state.py"]
    files = [str(tests / (each if "/" in each else f"test_{each}.py")) for each in topics]
    settings = ["--rcfile", str(ROOT / "tools" / "purity.toml")]
    data = f"--data-file={session.create_tmp()}/coverage"
    session.run("coverage", "run", *settings, data, "-m", "pytest", "-q", *files)
    session.run("coverage", "report", *settings, data)


@shared
def mutants(session: nox.Session) -> None:
    """Break guards against peers, and see that tests fail: a dozen in CI, or -- WORDS of more."""
    _enter(session)
    session.run("python", "tools/mutants.py", *(session.posargs or ["--ci"]))


@exclusive
def survey(session: nox.Session) -> None:
    """Breaks every guard of the files or folders that follow --, and lists what no test notices."""
    _enter(session)
    session.run("python", "tools/survey.py", *session.posargs)


@shared
def wheels(session: nox.Session) -> None:
    """Build every sdist and wheel into dist/, and use the wheels in a clean environment.

    At first without the extras of any, then with all of them: entry points may need one. In CI
    there has to be a C compiler; elsewhere primus-speedups may be built without its compiled part.
    """
    _enter(session)
    session.run("python", "tools/minifying.py")  # for all of them at once
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    folders = [*map(str, DISTRIBUTIONS.values())]
    compiled = {"PRIMUS_SPEEDUPS_BUILD": os.environ.get("CI", "")}
    session.run("python", "tools/wheels.py", str(dist), *folders, silent=True, env=compiled)
    clean = Path(session.create_tmp()).resolve() / "clean"
    session.run("python", "-m", "venv", "--clear", "--without-pip", str(clean))
    python = str(clean / ("Scripts" if os.name == "nt" else "bin") / "python")
    install = ["python", "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
    install += CONSTRAINED
    session.run(*install, *map(str, dist.glob("*.whl")))
    session.run(python, "-P", "-m", "primus", "plugins", external=True)
    extras = {text for name in DISTRIBUTIONS for text in _extras(name) if not _ours([text])}
    session.run(*install, *sorted(extras))
    check = [str(ROOT / ".ci" / "check_wheels.py"), str(dist), *folders]
    session.run(python, "-P", *check, external=True)


@nox.session(allow_parallel=True)
def kit(session: nox.Session) -> None:
    """What `new` makes of each template: copied, installed with pip, and tested."""
    _install(session, "primus-core", "primus-testing", tools=["kit"], extras=True)
    _use_node(session)
    session.run("pytest", "tools", *session.posargs)
    with TemporaryDirectory() as made:  # elsewhere: git ignores what is in session.create_tmp()
        for kind in ("plugin", "parser", "transformer"):
            session.run("python", "tools/new.py", kind, "read-receipts", made, silent=True)
        folders = sorted(Path(made).iterdir())
        session.run("python", "-m", "pip", "install", "--quiet", *CONSTRAINED, *map(str, folders))
        session.run("primus", "plugins")
        for folder in folders:
            session.run("pytest", str(folder), *session.posargs)
            for script in sorted(folder.glob("tests/browser/*.test.js")):
                session.run("node", "--test", str(script), external=True)


@shared
def examples(session: nox.Session) -> None:
    """Run each example as its reader would, and see that the benchmarks work."""
    _enter(session)
    session.run("pytest", "examples", "benchmarks", *session.posargs, env=UNTRUSTING)


@shared
def browser(session: nox.Session) -> None:
    """The browser client: its modules in Node, then the served library in Chromium."""
    _enter(session)
    session.run("python", "tools/minifying.py")
    folders = [folder / "tests" / "browser" for folder in DISTRIBUTIONS.values()]
    modules = [file for folder in folders for file in sorted(folder.glob("*.test.js"))]
    session.run("node", "--test", *map(str, modules), external=True, env=UNTRUSTING)
    _install_peers(session)
    _integration_tests(session, "browser", *WORKERS, env=UNTRUSTING)


@shared
def integration(session: nox.Session) -> None:
    """Real processes, real sockets and real Node peers."""
    _enter(session)
    session.run("python", "tools/minifying.py")
    elsewhere = [f"--ignore-glob=*/test_{name}*.py" for name in ("browser", "autobahn")]
    elsewhere += ["--ignore-glob=*/attacks"]
    _install_peers(session)
    tests = ["integration-tests", *elsewhere]
    session.run("pytest", *tests, *WORKERS, *session.posargs, env=UNTRUSTING)


@exclusive
def types(session: nox.Session) -> None:
    """Applications under mypy and pyright, both strict; a part of `integration`."""
    _enter(session)
    _integration_tests(session, "types")


@shared
def attacks(session: nox.Session) -> None:
    """What strangers, users, foreign pages and servers can do to ours; all of it: -- --long."""
    _enter(session)
    _install_peers(session)
    session.run("pytest", "integration-tests/attacks", *WORKERS, *session.posargs, env=UNTRUSTING)


@shared
def autobahn(session: nox.Session) -> None:
    """The WebSocket conformance suite (autobahntestsuite), which needs a Python 2.7."""
    _enter(session)
    _integration_tests(session, "autobahn")


@exclusive
def protocols(session: nox.Session) -> None:
    """The official suites of Engine.IO and SockJS, on checkouts that you bring: -- PATH…"""
    _enter(session)
    paths = [str(Path(each).resolve()) for each in session.posargs]
    session.chdir("integration-tests")
    session.run("python", "-m", "protocols", *paths)


@nox.session(default=False, venv_backend="none")
def new(session: nox.Session) -> None:
    """Start a distribution from a template: -- plugin|parser|transformer NAME [FOLDER]."""
    session.run(sys.executable, str(ROOT / "tools" / "new.py"), *session.posargs)


@exclusive
def bench(session: nox.Session) -> None:
    """Primus beside its peers; takes options: -- --only echo --rounds 3 (benchmarks/README.md)."""
    _enter(session)
    _install_peers(session)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Serve the demo at http://localhost:8080; takes options: -- --transformer websockets."""
    _install(session, *DISTRIBUTIONS)
    session.run("python", "examples/demo/main.py", *session.posargs)


@nox.session(python=PYTHONS[-1], default=False)
def fuzz(session: nox.Session) -> None:
    """Feed a parser what atheris finds interesting; needs Linux: -- msgpack -max_total_time=60."""
    parsers = [name for name in DISTRIBUTIONS if name.startswith("primus-parser-")]
    _install(session, "primus-core", *parsers, tools=["fuzz"])
    parser, *options = session.posargs or ["json", "-max_total_time=60"]
    found = f"-artifact_prefix={session.create_tmp()}/"
    session.run("python", "tools/fuzz.py", parser, found, *options)


@exclusive
def coverage(session: nox.Session) -> None:
    """What the tests of all distributions leave untouched, on one Python."""
    _enter(session)
    session.run("coverage", "erase")
    for folder in DISTRIBUTIONS.values():
        session.run("coverage", "run", "-m", "pytest", "-q", str(folder / "tests"))
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", *session.posargs)


@nox.session(python=PYTHONS[0], default=False)
def lowest(session: nox.Session) -> None:
    """Core, ws and lws with the oldest dependencies that they allow, uv resolves them."""
    names = [*EVERYWHERE, "primus-transformer-lws"]
    _install(session, *names, group="test", resolution="lowest-direct")
    _unit_tests(session, *names)


@nox.session(python=PYTHONS[-1], default=False)
def latest(session: nox.Session) -> None:
    """Everything with the newest dependencies there are, whatever constraints.txt pins."""
    _install(session, *DISTRIBUTIONS, group="test", extras=True, resolution="highest")
    _unit_tests(session, *DISTRIBUTIONS)


@nox.session(default=False)
def tidy(session: nox.Session) -> None:
    """Rewrite the Python sources in the house style."""
    _install(session, tools=["lint"])
    session.run("ruff", "check", "--fix-only", ".")
    session.run("ruff", "format", ".")


@nox.session(default=False)
def constraints(session: nox.Session) -> None:
    """Resolve everything used here again, and write the pins to constraints.txt."""
    wanted = {text for group in TOOLS.values() for text in group}
    for name in DISTRIBUTIONS:
        wanted |= {*_requirements(name), *_extras(name), *_group(name, "test")}
    wanted = {text for text in wanted if not _ours([text])}
    source = Path(session.create_tmp()) / "requirements.in"
    source.write_text("\n".join(sorted(wanted)) + "\n")
    _install(session, tools=["nox"])
    resolve = ["uv", "pip", "compile", "--quiet", "--upgrade", "--universal"]
    resolve += ["--python-version", "3.11", "--no-annotate", "--no-emit-index-url"]
    resolve += ["--custom-compile-command", "nox -s constraints"]
    session.run(*resolve, "--output-file", "constraints.txt", str(source))


def _enter(session: nox.Session, version: str = HERE) -> None:
    """Let a session run in the environment that is shared, of some Python."""
    _put_first(session.cache_dir.parent.resolve() / f"environment-{version.replace('.', '-')}")


def _put_first(environment: Path) -> None:
    """Let ``python`` and the other programs be those of an environment."""
    folder = environment / ("Scripts" if os.name == "nt" else "bin")
    os.environ["PATH"] = os.pathsep.join([str(folder), os.environ["PATH"]])


def _install(
    session: nox.Session,
    *names: str,
    group: str = "",
    tools: Sequence[str] = (),
    extras: bool = False,
    resolution: str = "",
) -> None:
    """Install distributions from their folders, and the tools of the root's dependency groups.

    ``group`` names a dependency group of each distribution to install with it, and ``extras`` asks
    for all its extras. A ``resolution`` of uv takes the place of the pins. What a distribution
    needs of this repository is installed from its folder as well, never from an index.
    """
    others = {text for tool in tools for text in TOOLS[tool]}
    asked = {text for name in names for text in _group(name, group)}
    asked |= {text for name in names for text in _extras(name) if extras}
    pending = {*names, *_ours(asked)}
    others |= {text for text in asked if not _ours([text])} | _extras_of(asked)
    wanted: set[str] = set()
    while pending:
        wanted |= pending
        pending = {each for name in pending for each in _ours(_requirements(name))} - wanted
    _share_pip_settings(session)
    folders = [part for name in sorted(wanted) for part in ("-e", str(DISTRIBUTIONS[name]))]
    chosen = ("--resolution", resolution, "--upgrade") if resolution else CONSTRAINED
    if folders:  # an isolated build takes three times as long, for each of them
        session.install(*CONSTRAINED, *TOOLS["builders"])
    session.install(*chosen, "--no-build-isolation", *folders, *sorted(others))


@cache
def _declared(name: str) -> dict[str, Any]:
    return tomllib.loads((DISTRIBUTIONS[name] / "pyproject.toml").read_text())


def _requirements(name: str) -> list[str]:
    return list(_declared(name)["project"]["dependencies"])


def _extras(name: str) -> list[str]:
    return list(chain(*_declared(name)["project"].get("optional-dependencies", {}).values()))


def _extras_of(requirements: Iterable[str]) -> set[str]:
    """What the extras need that some requirements ask of distributions of this repository."""
    found: set[str] = set()
    for each in (Requirement(text) for text in requirements if _ours([text])):
        optional = _declared(each.name)["project"].get("optional-dependencies", {})
        found.update(*(optional[extra] for extra in each.extras))
    return found


def _group(name: str, group: str) -> list[str]:
    return list(_declared(name).get("dependency-groups", {}).get(group, []))


def _ours(requirements: Iterable[str]) -> set[str]:
    """The distributions of this repository that are among some requirements."""
    names = {str(canonicalize_name(Requirement(text).name)) for text in requirements}
    return names & set(DISTRIBUTIONS)


def _share_pip_settings(session: nox.Session) -> None:
    """Make uv use the index and the certificates that pip is configured with on this machine."""
    if session.venv_backend != "uv":
        return
    settings = _pip_settings()
    for setting, variable in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        if setting in settings and variable not in os.environ:
            session.env[variable] = settings[setting]


@cache
def _pip_settings() -> dict[str, str]:
    command = [sys.executable, "-m", "pip", "config", "list"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return dict(re.findall(r"^[^.]+\.([\w-]+)='(.*)'$", told, re.MULTILINE))


def _unit_tests(session: nox.Session, *names: str, options: Sequence[str] = ()) -> None:
    hangs = ["-o", "faulthandler_timeout=60", "-o", "faulthandler_exit_on_timeout=true"]
    folders = [str(DISTRIBUTIONS[name] / "tests") for name in names]
    session.run("pytest", *folders, *hangs, *options, *session.posargs, env=UNTRUSTING)


def _integration_tests(
    session: nox.Session, topic: str, *options: str, env: dict[str, str | None] | None = None
) -> None:
    files = sorted(ROOT.glob(f"integration-tests/test_{topic}*.py"))
    session.run("pytest", *map(str, files), *options, *session.posargs, env=env)


def _install_peers(session: nox.Session) -> None:
    """Install what the tests take from npm, which needs the authorities of the system."""
    with session.chdir("integration-tests"):
        session.run("python", "-m", "harness.node", silent=True)


def _use_node(session: nox.Session) -> None:
    """Take Node from PyPI when this machine has none of version 20 or later."""
    version = ""
    if shutil.which("node") and shutil.which("npm"):
        version = subprocess.run(["node", "-v"], capture_output=True, text=True, check=True).stdout
    if not version or int(version.lstrip("v").split(".")[0]) < 20:
        _install(session, tools=["node"])
