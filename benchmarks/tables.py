"""Results as tables in markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import linear_regression

from .results import Column, Results

__all__ = [
    "added",
    "bus",
    "cpu",
    "latencies",
    "memory",
    "paper",
    "rates",
    "readers",
    "starting",
    "table",
    "tails",
]

MILLION = 1_000_000
SHARE = 0.4
"""What part of a core the Redis of a shard may use."""

Cell = Callable[[Column, str], str]


def table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; all but its first column are numbers."""
    titles = list(head)
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def cpu(results: Results, group: str) -> str:
    """Server CPU per message, and how many times cheaper than the reference."""

    def cell(column: Column, name: str) -> str:
        return _with_ratio(column, name, "cpu_us", "{:.1f}")

    return _by_contestant(results.group(group), cell)


def memory(results: Results, group: str) -> str:
    """Memory for each connection, in KB."""

    def cell(column: Column, name: str) -> str:
        found = column.typical(name, "memory")
        ratio = column.ratio(name, "memory")
        return "" if found is None else f"{found / 1024:.1f}" + _times(ratio)

    return _by_contestant(results.group(group), cell)


def rates(results: Results, group: str) -> str:
    """Messages a second."""

    def cell(column: Column, name: str) -> str:
        found = column.typical(name, "rate")
        if found is None:
            return ""
        busy = (column.typical(name, "generator") or 0) > 0.95
        return f"{found:,.0f}" + ("*" if busy else "")

    return _by_contestant(results.group(group), cell)


def latencies(results: Results, group: str) -> str:
    """Median and 99th percentile of the time to an answer, in microseconds."""

    def cell(column: Column, name: str) -> str:
        half, most = column.typical(name, "p50_us"), column.typical(name, "p99_us")
        return "" if half is None or most is None else f"{half:,.0f} / {most:,.0f}"

    return _by_contestant(results.group(group), cell)


def bus(results: Results, group: str) -> str:
    """CPU of the Redis for each message, in microseconds."""

    def cell(column: Column, name: str) -> str:
        return _with_ratio(column, name, "bus_us", "{:.0f}")

    return _by_contestant(results.group(group), cell)


def readers(results: Results) -> str:
    """What a message costs by the number of servers that read it, in microseconds."""
    rows = [
        [str(count), f"{own:.0f}", f"{redis:.0f}", f"{cpu:.0f}"]
        for count, own, redis, cpu in _read(results)
    ]
    return table(["readers", "writer", "Redis", "each reader"], rows)


def _read(results: Results) -> list[tuple[int, float, float, float]]:
    """Readers, and the CPU of the writer, of the Redis and of each reader for a message."""
    found = []
    for column in results.group("readers"):
        count = int(column.title)
        for name in column.rounds:
            own, redis = column.typical(name, "own_us"), column.typical(name, "bus_us")
            cpu = column.typical(name, "cpu_us")
            if own is not None and redis is not None and cpu is not None:
                found.append((count, own, redis, cpu / count))
    return found


def tails(results: Results, group: str) -> str:
    """Median, 99th and 99.9th percentile of the time to an answer, in microseconds."""

    def cell(column: Column, name: str) -> str:
        found = [column.typical(name, figure) for figure in ("p50_us", "p99_us", "p999_us")]
        return " / ".join(f"{each:,.0f}" for each in found if each is not None)

    return _by_contestant(results.group(group), cell)


def paper(results: Results) -> str:
    """What the figures of the readers come to with a million connections, on paper."""
    found = _read(results)
    if len(found) < 2:
        return ""
    slope, base = linear_regression([each[0] for each in found], [each[2] for each in found])
    reading, rows = found[-1][3], []
    for servers in (20, 100, 250, 1000):
        redis = base + slope * servers
        rate = SHARE * 1e6 / redis
        share = f"{rate * reading / 1e4:.1f} %"
        each = f"{MILLION // servers:,}"
        rows.append([f"{servers:,}", each, f"{redis:,.0f}", f"{rate:,.0f}", share])
    titles = [
        *("connections each", "Redis, µs a message", "messages a second of a shard"),
        "of a core of each server, to read them",
    ]
    line = f"The line: {base:.0f} µs a message, and {slope:.2f} µs for each reader."
    return f"{table(['servers', *titles], rows)}\n{line}\n"


def added(results: Results) -> str:
    """What each addition costs a message, beside the same without it, in microseconds."""
    columns, rows = results.columns, []
    pairs = [(columns[one.beside], one) for one in columns.values() if one.beside in columns]
    for plain, column in pairs:
        for name in column.rounds:
            without, having = plain.typical(name, "cpu_us"), column.typical(name, "cpu_us")
            more = column.difference(name, "cpu_us", plain)
            if more is not None:
                row = [column.title, name, f"{without:.1f}", f"{having:.1f}", f"{more:+.1f}"]
                rows.append(row)
    return table(["added", "server", "without", "with", "difference"], rows)


def starting(results: Results) -> str:
    """What it takes to be there."""
    titles = {
        "import_ms": "import, ms of CPU",
        "start_ms": "to the first message, ms of CPU",
        "memory_mb": "resident, MB",
        "modules": "modules",
    }
    rows = [
        [name, *(f"{found[key]:,.0f}" if key in found else "" for key in titles)]
        for name, found in results.starting.items()
    ]
    return table(["server", *titles.values()], rows)


def _by_contestant(columns: Sequence[Column], cell: Cell) -> str:
    names = list(dict.fromkeys(name for column in columns for name in column.rounds))
    rows = [[name, *(cell(column, name) for column in columns)] for name in names]
    shown = [row for row in rows if any(row[1:])]
    return table(["server", *(column.title for column in columns)], shown)


def _with_ratio(column: Column, name: str, figure: str, pattern: str) -> str:
    found = column.typical(name, figure)
    if found is None:
        return ""
    return pattern.format(found) + _times(column.ratio(name, figure))


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f" (**{ratio:.2f}x**)"
