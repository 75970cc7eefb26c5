"""The benchmarks work; that they do is all that is looked at here."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from benchmarks import running, tables
from benchmarks.charts import chart
from benchmarks.contestants import Contestant, clusters
from benchmarks.page import PARTS, TEMPLATES
from benchmarks.results import Column, Results
from benchmarks.scenarios import chosen, scenarios, together
from benchmarks.starting import unused_modules

ROOT = Path(__file__).parents[1]


def test_a_quick_run_measures_something_of_every_kind() -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    for title in ("echo-cpu", "broadcast-cpu", "connects", "idle", "polling"):
        table = rf"^{title}\n\n\| server .*\n.*\n\| primus \S+ \S+ \| [\d.]+"
        assert re.search(table, done.stdout, re.MULTILINE), title
    if any(one.name == "primus backplane" for one in clusters()):
        assert re.search(
            r"^rooms\n\n\| server .*\n.*\n\| primus backplane \| \d", done.stdout, re.MULTILINE
        )
        assert re.search(r"^readers\n\n\| readers .*\n.*\n\| 2 \| \d", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("transformer", ["websockets", "engine.io"])
def test_a_server_imports_only_what_its_options_name(transformer: str) -> None:
    modules = unused_modules(transformer)
    packages = {name.partition(".")[0] for name in modules}

    own = {"websockets": "primus_transformer_ws", "engine.io": "primus_transformer_engineio"}
    assert own[transformer] in packages
    assert packages <= {"primus", "primus_transformer_ws", own[transformer]}
    assert not any(name.startswith(("primus.client", "primus.cli")) for name in modules)
    assert not any(name.endswith(".client") for name in modules)


def test_ratios_are_medians_of_the_rounds() -> None:
    column = Column("many", "echo", "50 connections")
    column.rounds = {
        "node primus ws": {0: {"cpu_us": 10.0}, 1: {"cpu_us": 40.0}, 2: {"cpu_us": 12.0}},
        "primus websockets uvloop": {0: {"cpu_us": 5.0}, 1: {"cpu_us": 10.0}, 2: {"cpu_us": 4.0}},
    }
    results = Results(columns={"many": column})

    assert "| primus websockets uvloop | 5.0 (**3.00x**) |" in tables.cpu(results, "echo")
    assert "5.0 (3.00x)" in chart([column], "cpu_us", "microseconds")
    assert Results.parse(results.text()) == results


def test_the_price_of_the_bus_is_a_line_through_the_readers() -> None:
    results = Results()
    for count, redis in ((1, 50.0), (16, 80.0)):
        column = Column(f"readers-{count}", "readers", f"{count}")
        figures = {"cpu_us": 30.0 * count, "bus_us": redis, "own_us": 200.0}
        column.rounds = {"primus backplane": {0: figures}}
        results.columns[column.name] = column

    assert "| 16 | 200 | 80 | 30 |" in tables.readers(results)
    assert "| 100 | 10,000 | 248 | 1,613 | 4.8 % |" in tables.paper(results)
    assert "48 µs a message, and 2.00 µs for each reader" in tables.paper(results)


def test_what_is_added_is_compared_round_by_round() -> None:
    plain = Column("plain", "added", "nothing added")
    more = Column("listeners", "added", "three listeners", beside="plain")
    plain.rounds = {"primus lws uvloop": {0: {"cpu_us": 5.0}, 1: {"cpu_us": 8.0}}}
    more.rounds = {"primus lws uvloop": {0: {"cpu_us": 6.0}, 1: {"cpu_us": 9.0}}}
    results = Results(columns={"plain": plain, "listeners": more})

    assert "| three listeners | primus lws uvloop | 6.5 | 7.5 | +1.0 |" in tables.added(results)


def test_what_is_compared_is_measured_in_the_same_rounds() -> None:
    groups = [[each.name for each in group] for group in together(scenarios())]

    assert [
        *("plain", "transform", "listeners"),
        *("emitter", "responder", "resource", "backbone", "substream", "multiplex"),
        *("mirage", "spark-latency", "session", "fortress", "analytics", "primacron"),
    ] in groups
    assert ["many"] in groups
    assert [each.name for each in chosen(["listeners"])] == ["plain", "listeners"]


def test_every_part_has_its_place_on_the_page() -> None:
    texts = "".join(template.read_text("utf-8") for template in TEMPLATES.values())

    assert set(re.findall(r"<!-- (.+) -->", texts)) == set(PARTS)


def test_contestants_that_differ_in_their_environment_have_a_server_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[Contestant] = []

    def start(one: Contestant, scenario: object) -> object:
        started.append(one)
        return nullcontext()

    monkeypatch.setattr(running, "_started", start)
    kinds = [Contestant("one", ("python",), environment=each) for each in ({}, {"A": "0"})]
    with ExitStack() as stack:
        servers = running._Servers(stack)
        for one in (*kinds, *kinds):
            servers.running(one, scenarios()[0])

    assert started == kinds
