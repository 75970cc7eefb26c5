"""What the pages say agrees with the code: options, hooks, layers, events, commands, names."""

from __future__ import annotations

import ast
import math
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pages import DOCS, HEADING, PAGES, ROW, section, table

import primus as primus_package
from primus import Primus, Socket, Spark, hookspecs
from primus.client.options import ClientOptions, client_options
from primus.clock import SYSTEM_CLOCK
from primus.options import PRIVATE_NETWORKS, ServerOptions, server_options
from primus.recovery import Backoff

NODE_PLUGINS = {
    *("fortress-maximus", "metroplex", "mirage", "omega-supreme", "primus-analytics"),
    *("primus-emit", "substream", "primus-emitter", "primus-multiplex", "primus-resource"),
    *("primus-responder", "primus-rooms", "primus-spark-latency", "primus-redis"),
    *("primus-redis-rooms", "primus-cluster", "primus-express-session", "hapi_primus_sessions"),
    *("backbone.primus", "primacron"),
}
"""Those that the README of Primus for Node names."""


def literal(text: str) -> Any:
    special = {
        "inf": math.inf,
        "SYSTEM_CLOCK": SYSTEM_CLOCK,
        "private networks": PRIVATE_NETWORKS,
    }
    return special[text] if text in special else ast.literal_eval(text)


def names(kind: type) -> set[str]:
    return {name for name in kind.__annotations__ if name != "extra"}


# -- options


def test_every_server_option_is_documented_and_no_other() -> None:
    assert table("options.md", "Server options").keys() == names(ServerOptions)


def test_every_client_option_is_documented_and_no_other() -> None:
    assert table("options.md", "Client options").keys() == names(ClientOptions)


def test_every_reconnect_option_is_documented_and_no_other() -> None:
    assert table("options.md", "Reconnect options").keys() == names(Backoff)


@pytest.mark.parametrize("name", sorted(names(ServerOptions)))
def test_giving_a_server_option_its_documented_default_changes_nothing(name: str) -> None:
    documented = literal(table("options.md", "Server options")[name])

    given = server_options({name: documented}, {})

    assert getattr(given, name) == getattr(server_options({}, {}), name)


def test_the_networks_that_are_trusted_by_default_are_listed() -> None:
    listed = re.findall(r"`([\da-f.:]+/\d+)`", section("options.md", "Server options"))

    assert listed == list(PRIVATE_NETWORKS)


@pytest.mark.parametrize("name", sorted(names(ClientOptions)))
def test_giving_a_client_option_its_documented_default_changes_nothing(name: str) -> None:
    documented = literal(table("options.md", "Client options")[name])

    given = client_options({name: documented})

    assert getattr(given, name) == getattr(ClientOptions(), name)


@pytest.mark.parametrize("name", sorted(names(Backoff)))
def test_the_documented_reconnect_defaults_are_the_real_ones(name: str) -> None:
    documented = literal(table("options.md", "Reconnect options")[name])

    assert getattr(Backoff(), name) == documented


def test_every_browser_option_is_documented_and_no_other() -> None:
    declared = files("primus.browser").joinpath("js", "primus.d.ts").read_text("utf-8")
    interface = declared.partition("interface Options {")[2].partition("\n  }")[0]

    options = set(re.findall(r"^    (\w+)\?:", interface, re.MULTILINE))

    assert table("options.md", "Browser options").keys() == options


# -- hooks, layers, events, commands, names


def hooks() -> set[str]:
    return {name for name, fn in vars(hookspecs).items() if hasattr(fn, "primus_spec")}


def test_every_hook_has_a_heading_and_no_heading_lacks_its_hook() -> None:
    headings = set(HEADING.findall((DOCS / "hooks.md").read_text("utf-8")))

    assert headings - {"Hook reference"} == hooks()


@pytest.mark.parametrize("hook", sorted(hooks()))
def test_the_text_below_a_hook_is_read_from_its_specification(hook: str) -> None:
    assert f"```{{hook}} {hook}\n```" in section("hooks.md", hook)


def test_the_built_in_layers_are_documented_in_their_order() -> None:
    documented = [
        (name, rest.split("|")[0].strip() == "✓")
        for name, _, rest in ROW.findall(section("middleware.md", "The built-in layers"))
    ]

    assert documented == [(layer.name, layer.upgrade) for layer in Primus().layers]


@pytest.mark.parametrize("heading", ["Server", "Spark", "Socket"])
def test_every_public_event_is_documented(heading: str) -> None:
    server = Primus()
    emitters = {"Server": server, "Spark": server.Spark, "Socket": Socket}

    assert table("events.md", heading).keys() == set(emitters[heading].events.names)


def test_every_command_has_its_help_on_the_page() -> None:
    from primus.cli import connect, library, plugins, serve, spec

    commands = [
        module.__name__.rpartition(".")[2] for module in (serve, connect, library, spec, plugins)
    ]

    shown = re.findall(
        r"^```\{command\} (\w+)$", (DOCS / "command-line.md").read_text("utf-8"), re.MULTILINE
    )

    assert shown == commands


def test_the_readme_says_what_stands_for_each_plugin_of_primus_for_node() -> None:
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    _, _, behind = readme.partition("| Primus for Node | distribution |\n|---|---|\n")
    rows = re.findall(r"^\| ([^|]+) \| (.*\]\(plugins/.*) \|$", behind, re.MULTILINE)
    folders = re.findall(r"\]\((plugins/[\w-]+)\)", behind)

    assert {name for plugins, _ in rows for name in plugins.split(", ")} == NODE_PLUGINS
    assert [each for each in folders if not (DOCS.parent / each / "pyproject.toml").is_file()] == []


def test_every_public_name_is_mentioned_somewhere() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    public = set(primus_package.__all__) - {"__version__", "PrimusError"}

    missing = {name for name in public if not re.search(rf"\b{name}\b", text)}

    assert missing == set()


def test_the_plan_of_the_architecture_names_every_module() -> None:
    plan = section("architecture.md", "The plan")
    package = files("primus")
    folders = [package, package / "server", package / "client", package / "browser"]
    modules = [entry.name for folder in folders for entry in folder.iterdir()]

    missing = {name for name in modules if re.fullmatch(r"[a-z]\w*\.py", name) and name not in plan}

    assert missing == set()


@pytest.mark.parametrize(("heading", "kind"), [("Primus", Primus), ("Spark", Spark)])
def test_the_documented_members_exist(heading: str, kind: type) -> None:
    cells = re.findall(r"^\| (`.*?) \|", section("reference.md", heading), re.MULTILINE)
    spans = [span for cell in cells for span in re.findall(r"`([^`]+)`", cell)]
    named = re.compile(r"(?!async |for |len\(|Primus\(server)(?:await )?(?:Primus\.)?(\w+)")
    made_by_instances = {"id", "request", "primus"} if kind is Spark else set(vars(Primus()))

    members = {match[1] for span in spans if (match := named.match(span))}

    assert members <= set(dir(kind)) | made_by_instances


# -- the map of the house


def mapped() -> set[str]:
    """The modules of the core that the map names, as paths below ``primus/``."""
    plan = section("architecture.md", "The plan").partition("primus-core/src/primus/\n")[2]
    plan = plan.partition("\n  primus-transformer-ws/")[0]
    found, folder = set(), ""
    for line in plan.splitlines():
        name = line.split()[0]
        if not line.startswith("      "):
            folder = ""
        if name.endswith("/"):
            folder = name
        elif name.endswith(".py"):
            found.add(name if "/" in name and not folder else folder + name)
    return found


def test_every_module_of_the_core_is_on_the_map_and_no_other() -> None:
    root = Path(primus_package.__file__).parent
    drawn = {"", "connection/", "server/", "client/", "browser/"}
    """Folders whose modules stand one by one; the others are a line each."""
    there = {
        file.relative_to(root).as_posix()
        for folder in drawn
        for file in (root / folder).glob("*.py")
        if file.name not in ("__init__.py", "__main__.py")
    }

    listed = {name for name in mapped() if name != "__init__.py"}

    assert {name for name in listed if name.rpartition("/")[0] + "/" in {"/", *drawn}} == there
    assert all((root / name).is_file() for name in listed)
