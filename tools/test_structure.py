"""The structure of the sources, as far as import-linter does not see it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORE = ROOT / "packages" / "primus-core" / "src"
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LINTER = CONFIGURATION["tool"]["importlinter"]

INTERFACES = {
    "primus.contracts.Attachable": "what a connector attaches a transport to",
    "primus.contracts.Server": "what extensions may use of a Primus",
    "primus.emitting.SocketEvents": "the events of a Socket, for type checkers",
    "primus.emitting.SparkEvents": "the events of a Spark, for type checkers",
    "primus.errors.InvalidPluginError": "a documented error, which is raised by itself",
    "primus.http.upgrade.Witness": "an HTTP server that follows what it has handed over",
    "primus.polling.pings.Pings": "used as it is by clients that may ping, too",
    "primus.server.events.PrimusEvents": "what listens to a Primus and to all sparks, with types",
    "primus.server.hosts.asgi_transport.Offer": "what an ASGI server may put into a scope",
    "primus.transport.Receiver": "what a transport tells of its frames",
    "primus.websocket.hosted.HostedTransport": "the server's half, which the client's refines",
}
"""Classes of the core that may have a single child here, and why."""

IMPORT_NAMES = {"nats": "nats-py"}
"""Distributions of extras that are not named like what they import, and may not be installed."""


def import_packages() -> set[str]:
    """The import package of each distribution."""
    folders = [*ROOT.glob("packages/*/src/*"), *ROOT.glob("plugins/*/src/*")]
    return {
        folder.name
        for folder in folders
        if (folder / "py.typed").exists() and not folder.parents[1].name.startswith("_")
    }


def bases(source: Path) -> Iterator[tuple[str, str]]:
    """Each class of the packages below a folder, and each of its bases, by their full names."""
    for file in sorted(source.rglob("*.py")):
        module = ".".join(file.relative_to(source).with_suffix("").parts)
        tree = ast.parse(file.read_text("utf-8"))
        known = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield f"{module}.{node.name}", ""
                for base in node.bases:
                    base = base.value if isinstance(base, ast.Subscript) else base
                    name = ast.unparse(base)
                    yield f"{module}.{node.name}", known.get(name, f"{module}.{name}")


def exported() -> dict[str, str]:
    """The full name of each class that ``primus`` exports, by the name it has there."""
    tree = ast.parse((CORE / "primus" / "__init__.py").read_text("utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name: f"{node.module}.{alias.name}" for node in found for alias in node.names}


def test_a_base_class_of_the_core_has_several_children_or_is_an_interface() -> None:
    own = {name for name, _ in bases(CORE)}
    modules = {name.rpartition(".")[2]: name for name in sorted(own)} | exported()
    children: dict[str, set[str]] = {}
    for folder in [*ROOT.glob("packages/*/src"), *ROOT.glob("plugins/*/src")]:
        if folder.parent.name == "primus-testing":
            continue
        for child, base in bases(folder):
            # A name that a package exports, such as primus.Transformer, means the class itself.
            name = base if base in own else modules.get(base.rpartition(".")[2], "")
            if name and base.startswith("primus."):
                children.setdefault(name, set()).add(child)

    single = {name for name, found in children.items() if len(found) == 1}

    assert single == INTERFACES.keys()


def test_import_linter_and_coverage_know_every_distribution() -> None:
    packages = import_packages()
    acyclic = [each for each in LINTER["contracts"] if each["type"] == "acyclic_siblings"]

    assert set(LINTER["root_packages"]) == packages
    assert [set(contract["ancestors"]) for contract in acyclic] == [packages]
    assert set(CONFIGURATION["tool"]["coverage"]["run"]["source_pkgs"]) == packages


def test_import_linter_sees_imports_for_types_as_well() -> None:
    assert "exclude_type_checking_imports" not in LINTER


def test_every_branch_of_what_import_linter_takes_for_pure_is_measured() -> None:
    pure = next(each for each in LINTER["contracts"] if "pure modules" in each["name"])
    settings = tomllib.loads((ROOT / "tools" / "purity.toml").read_text("utf-8"))
    measured = settings["tool"]["coverage"]["run"]["include"]

    names = {name.replace(".", "/") for name in pure["source_modules"]}

    assert {f"*/{name}.py" for name in names} <= set(measured)
    assert all((CORE / each.removeprefix("*/")).is_file() for each in measured)
    assert settings["tool"]["coverage"]["report"]["fail_under"] == 100


def imported(source: Path) -> set[str]:
    """The top-level packages that the modules below a folder import, but for types alone."""
    names = set()
    for file in source.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        tests = (each for each in ast.walk(tree) if isinstance(each, ast.If))
        typed = [each for each in tests if ast.unparse(each.test) == "TYPE_CHECKING"]
        for_types = {node for each in typed for node in ast.walk(each)}
        for node in set(ast.walk(tree)) - for_types:
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names)


def test_what_a_distribution_imports_it_requires() -> None:
    known = {**packages_distributions(), **{name: [name] for name in import_packages()}}
    missing = []
    for folder in sorted([*ROOT.glob("packages/primus-*"), *ROOT.glob("plugins/primus-*")]):
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        extras = project.get("optional-dependencies", {}).values()
        required = [*project["dependencies"], *(each for extra in extras for each in extra)]
        names = {re.split(r"[^\w.-]", each)[0].lower().replace("_", "-") for each in required}
        names.add(project["name"])
        for package in imported(folder / "src"):
            named = known.get(package, [IMPORT_NAMES.get(package, package)])
            owners = {name.lower().replace("_", "-") for name in named}
            owners |= {"primus-core"} if package == "primus" else set()
            if not owners & names:
                missing.append(f"{project['name']}: {package}")

    assert not missing, ", ".join(missing)


def test_each_mutant_breaks_a_line_that_is_there_once() -> None:
    listed = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text("utf-8"))["mutant"]
    texts = {each["file"]: (ROOT / each["file"]).read_text("utf-8") for each in listed}

    moved = [each["guard"] for each in listed if texts[each["file"]].count(each["old"]) != 1]

    assert not moved, "tools/mutants.toml names lines that are not there once: " + "; ".join(moved)
