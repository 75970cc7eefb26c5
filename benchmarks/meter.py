"""What a process has used so far, read from ``/proc``."""

from __future__ import annotations

from pathlib import Path

__all__ = ["cpu_seconds", "resident_bytes"]


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process, all its threads and all its children, to the nanosecond."""
    total = 0
    for process in _family(pid):
        for task in _listed(process / "task"):
            total += int(_text(task / "schedstat").partition(" ")[0] or 0)
    return total / 1e9


def resident_bytes(pid: int) -> int:
    """The memory that a process and its children hold."""
    total = 0
    for process in _family(pid):
        for line in _text(process / "status").splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total


def _family(pid: int) -> list[Path]:
    process = Path("/proc") / str(pid)
    found = [process]
    for task in _listed(process / "task"):
        for child in _text(task / "children").split():
            found += _family(int(child))
    return found


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []  # it has ended since


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
