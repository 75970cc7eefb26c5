"""Servers and load generators: processes of their own, each on its core."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Self

from .contestants import Contestant
from .load.job import Job

__all__ = ["Server", "allow_many_files", "measured", "pinned", "run"]

ROOT = Path(__file__).parents[1]
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
SERVER_CORES = CORES[:-1] or CORES
"""Those of a server of several processes: all but that of the load generator."""
PATIENCE = 120.0


def allow_many_files() -> None:
    """Let this process, and those that it starts, have as many connections as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Server:
    """A contestant that runs."""

    def __init__(self, contestant: Contestant, mode: str) -> None:
        cores = SERVER_CORES if contestant.processes > 1 else [SERVER_CORE]
        self._process = subprocess.Popen(
            [*pinned(*cores), *contestant.command_line(mode)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**_environment(), **contestant.environment},
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.strip().isdigit():
            self.stop()
            raise RuntimeError(f"{contestant.name} did not start: {line!r}")
        self.port = int(line)
        self.pid = self._process.pid

    @property
    def job(self) -> dict[str, int]:
        """The fields of a `Job` that tell where it is."""
        return {"port": self.port, "pid": self.pid}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def measured(job: Job) -> dict[str, float]:
    """What a load generator has found.

    Raises:
        RuntimeError: it could not do the job.
    """
    command = [sys.executable, "-m", "benchmarks.load", job.text()]
    done = run(command, core=LOAD_CORE)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def run(command: list[str], core: int) -> subprocess.CompletedProcess[str]:
    """Run a command on a core of its own, and wait for its end."""
    return subprocess.run(
        [*pinned(core), *command],
        cwd=ROOT,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def pinned(*cores: int) -> list[str]:
    """What a command line begins with to stay on some cores."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores))]


def _environment() -> dict[str, str]:
    """Our own, but for what would keep Python from saving what it has compiled."""
    kept = dict(os.environ)
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept
