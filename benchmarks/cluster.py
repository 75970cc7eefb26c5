"""Clusters: servers that share a Redis, each contestant's its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any, Self

from .contestants import Contestant
from .process import LOAD_CORE, Server, pinned

__all__ = ["Cluster"]

PATIENCE = 20.0


class Cluster:
    """Servers of one contestant, and their Redis."""

    def __init__(self, contestant: Contestant, servers: int, mode: str) -> None:
        with ExitStack() as stack:
            self._redis = stack.enter_context(_Redis())
            environment = {
                **contestant.environment,
                "BENCH_REDIS_PORT": str(self._redis.port),
            }
            one = replace(contestant, environment=environment)
            self._servers = [stack.enter_context(Server(one, mode)) for _ in range(servers)]
            self._stack = stack.pop_all()

    @property
    def job(self) -> dict[str, Any]:
        """The fields of a `Job` that tell where it is."""
        first = self._servers[0]
        return {
            "port": first.port,
            "pid": first.pid,
            "ports": [server.port for server in self._servers],
            "pids": [server.pid for server in self._servers],
            "bus_port": self._redis.port,
            "bus_pid": self._redis.pid,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()


class _Redis:
    """A redis-server on loopback that keeps nothing on disk."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._folder = tempfile.mkdtemp(prefix="primus-bench-")
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self._folder]
        self._process = subprocess.Popen(
            [*pinned(LOAD_CORE), "redis-server", "--port", str(self.port), *options],
            stdout=subprocess.DEVNULL,
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        try:
            end = time.monotonic() + PATIENCE
            while not self._answers():
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("redis-server did not start")
                time.sleep(0.05)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
            return True
        return False
