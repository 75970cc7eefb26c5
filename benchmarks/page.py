"""The pages of the documentation that a run makes: the figures go into their texts."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import tables
from .charts import chart
from .client_sizes import sizes
from .contestants import BESIDE, interpreter
from .results import Results

__all__ = ["about", "report", "write_pages"]

DOCS = Path(__file__).parents[1] / "docs"
TEMPLATES = {
    DOCS / "performance.md": Path(__file__).parent / "page.md",
    DOCS / "cluster-costs.md": Path(__file__).parent / "cluster-costs.md",
}
"""Each page, and its text."""
LIBRARIES = (
    "aiohttp",
    "orjson",
    "picows",
    "python-socketio",
    "starlette",
    "uvicorn",
    "uvloop",
    "websockets",
)
CHARTS = {
    "echo": ("cpu_us", "server CPU per message, microseconds", 1.0),
    "broadcast": ("cpu_us", "server CPU per delivery, microseconds", 1.0),
    "idle": ("memory", "memory per connection, KB", 1024.0),
}

PARTS: dict[str, Callable[[Results], str]] = {
    "about": lambda found: "\n".join(f"- {key}: {value}" for key, value in found.about.items()),
    "echo-cpu": lambda found: tables.cpu(found, "echo"),
    "echo-rate": lambda found: tables.rates(found, "echo"),
    "echo-latency": lambda found: tables.latencies(found, "echo"),
    "tails": lambda found: tables.tails(found, "tails"),
    "broadcast-cpu": lambda found: tables.cpu(found, "broadcast"),
    "broadcast-latency": lambda found: tables.latencies(found, "broadcast"),
    "connects": lambda found: tables.cpu(found, "connects"),
    "connects-rate": lambda found: tables.rates(found, "connects"),
    "idle": lambda found: tables.memory(found, "idle"),
    "polling": lambda found: tables.cpu(found, "polling"),
    "sockjs": lambda found: tables.cpu(found, "sockjs"),
    "ports": lambda found: tables.cpu(found, "ports"),
    "growth": lambda found: tables.cpu(found, "growth"),
    "added": tables.added,
    "starting": tables.starting,
    "clients": lambda found: sizes(),
    "rooms": lambda found: tables.cpu(found, "rooms"),
    "rooms-bus": lambda found: tables.bus(found, "rooms"),
    "rooms-latency": lambda found: tables.latencies(found, "rooms"),
    "readers": tables.readers,
    "paper": tables.paper,
}
"""What each placeholder of the texts stands for."""

UNMEASURED = ("about", "clients")
"""Parts that are there whatever was run."""

ROWS = 2
"""How many lines a table without rows has."""


def about(seconds: float, rounds: int) -> dict[str, str]:
    """What the figures depend on."""
    installed = [f"{name} {found}" for name in LIBRARIES if (found := _version(name))]
    return {
        "when": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{_processor()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "Python": ", ".join(_python(one) for one in (sys.executable, BESIDE) if one),
        "Node": _said("node", "--version").removeprefix("v"),
        "libraries": ", ".join(installed),
        "pace": f"{rounds} rounds of {seconds:g} s for each figure",
        "load average": ", ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _python(python: str) -> str:
    built = Path(python).resolve().parent
    whose = "the system's" if built == Path("/usr/bin") else "not the system's"
    return f"{interpreter(python).removeprefix('Python ')} ({whose})"


def report(results: Results) -> str:
    """The tables alone, for the terminal."""
    made = {name: part(results) for name, part in PARTS.items()}
    return "\n".join(f"{name}\n\n{text}" for name, text in made.items() if text.count("\n") > ROWS)


def write_pages(results: Results) -> None:
    """Write the pages and their pictures; a page of which nothing was measured stays as it is."""
    for page, template in TEMPLATES.items():
        text, has_figures = template.read_text("utf-8"), False
        for name in re.findall(r"<!-- (.+) -->", text):
            part = PARTS[name](results)
            has_figures |= name not in UNMEASURED and part.count("\n") > ROWS
            text = text.replace(f"<!-- {name} -->\n", part)
        if has_figures:
            page.write_text(text, "utf-8")
    for group, (figure, unit, scale) in CHARTS.items():
        if columns := results.group(group):
            picture = chart(columns, figure, unit, scale)
            (DOCS / f"performance-{group}.svg").write_text(picture, "utf-8")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    found = re.search(
        r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE
    )
    return found[1] if found else platform.machine()


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"


if __name__ == "__main__":
    write_pages(Results.parse(*(Path(name).read_text("utf-8") for name in sys.argv[1:])))
