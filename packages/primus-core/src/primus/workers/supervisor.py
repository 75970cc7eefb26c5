"""The parent of the workers: starts them, makes them known to one another, and replaces them.

It holds the listening sockets, and each worker inherits that of its slot. So connections that wait
to be accepted outlive a worker that is replaced, or dies. It runs none of the application's code:
a new worker loads what is installed then.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from primus.server.listen import Listening
from primus.workers.backoff import Restarts
from primus.workers.control import Control
from primus.workers.liveness import QUESTIONS, Liveness
from primus.workers.notes import secret_of
from primus.workers.whereabouts import Place, Worker
from primus.workers.worker import Assignment

__all__ = ["Supervisor", "WorkerFailed", "shares_ports"]

log = logging.getLogger("primus.server")

Result = TypeVar("Result")

START: Final = 120.0
"""Seconds that a worker gets to begin."""
KNOWN: Final = 15.0
"""Seconds that workers get to take note of one another; one that is busy longer learns it later."""
GRACE: Final = 20.0
"""Seconds beyond those planned that a worker gets to end before it is killed."""
TRACE: Final = 2.0
"""Seconds that a worker which hangs gets to say where, which ``PYTHONFAULTHANDLER`` lets it."""
HELD: Final = frozenset((signal.SIGINT, signal.SIGHUP))
"""Signals that reach all processes of a terminal. A worker that starts gets them only once it
heeds them."""

shares_ports: Final = sys.platform == "linux"
"""Whether sockets that share a port by ``SO_REUSEPORT`` share its connections, too."""


class WorkerFailed(Exception):
    """A worker has ended before it was ready; ``code`` is its exit status."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a worker has failed to start (status {code})")
        self.code = code


@dataclass(eq=False)
class _Process:
    """A worker, as its supervisor knows it."""

    slot: int
    node: str
    process: asyncio.subprocess.Process
    control: Control
    since: float
    is_current: bool = False
    has_ended: bool = False
    """Whether the supervisor wanted its end."""
    liveness: Liveness = field(default_factory=Liveness)
    hangs: bool = False
    """Whether it did not answer any more, and is killed for that."""
    known: int = 0
    """The number of the last list of workers that it has taken note of."""
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)
    """Notified of each message of it, and of its end."""
    prepared: bool = False
    ready: dict[str, Any] | None = None
    """What it says of its server, once it listens."""


class Supervisor:
    """Runs several workers on one port.

    Args:
        count: how many.
        where: where they listen.
        command: the command of a worker, from its `Assignment` as text.
        over: seconds over which a worker that is replaced ends its connections.
        timeout: seconds in which the event loop of a worker has to answer; one that does not is
            killed, and another one started. `None` waits for ever.
        prefix: what the names of the workers begin with.
        one_socket: whether all accept from the same listening socket; by default each has one of
            its own, where the system shares the connections of a port out among such.

    Raises:
        OSError: the port is taken, or the address is not one of this machine.
    """

    def __init__(
        self,
        count: int,
        where: Listening,
        command: Callable[[str], Sequence[str]],
        *,
        over: float,
        timeout: float | None = None,
        prefix: str = "w",
        one_socket: bool = not shares_ports,
    ) -> None:
        self._count = count
        self._command = command
        self._over = over
        self._timeout = timeout
        self._prefix = prefix
        self._folder = tempfile.mkdtemp(prefix="primus-")
        self._secret = secrets.token_hex(16)
        secret_of(self._folder).write_text(self._secret)
        self._one_socket = one_socket
        try:
            self._listeners = self._listen(where)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._workers: dict[str, _Process] = {}
        self._restarts = [Restarts() for _ in range(count)]
        self._made = 0
        self._number = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rolling = asyncio.Lock()
        """Held while all are started, and while they are replaced, one after the other."""
        self._is_due = False
        """Whether they are to be replaced once more after that."""
        self._changing = asyncio.Lock()
        """Held while one takes the place of another."""
        self._making = asyncio.Lock()
        """Held while a process is made, which inherits the signals that are held back then."""
        self._is_stopping = False

    def _listen(self, where: Listening) -> list[socket.socket]:
        shares = not self._one_socket
        first = Listening(where.host, where.port, reuse_port=shares).open()
        self._where = Listening(where.host, first.getsockname()[1], reuse_port=shares)
        others = range(self._count - 1 if shares else 0)
        return [first, *(self._where.open() for _ in others)]

    def _listener(self, slot: int) -> socket.socket:
        return self._listeners[slot % len(self._listeners)]

    def _close_listener(self, slot: int) -> None:
        """Let the others accept what this slot does not, while there is no worker for it."""
        if not self._one_socket and any(worker.is_current for worker in self._workers.values()):
            self._listeners[slot].close()

    def _open_listener(self, slot: int) -> None:
        """Listen again for a slot.

        Raises:
            OSError: the port is taken.
        """
        if self._listener(slot).fileno() < 0:
            self._listeners[slot] = self._where.open()

    # -- the whole

    async def start(self) -> dict[str, Any]:
        """Start all workers.

        Returns:
            What the first one says of its server.

        Raises:
            WorkerFailed: one of them does not start; all others have been ended.
        """
        if self._timeout is not None:
            self._spawn(self._watch(self._timeout / QUESTIONS))
        try:
            async with self._rolling:
                first = await self._prepare(0)  # so that a mistake is told once
                rest = await asyncio.gather(*map(self._prepare, range(1, self._count)))
                workers = [first, *rest]
                for worker in workers:
                    worker.is_current = True
                await self._tell_all()
                await asyncio.gather(*map(self._open, workers))
        except BaseException:
            await self.stop()
            raise
        assert first.ready is not None
        return first.ready

    async def replace(self) -> bool:
        """Replace all workers, one by one; called again meanwhile, it does so once more after.

        It returns early when all are stopped.

        Returns:
            Whether all have been replaced.
        """
        if self._is_stopping:
            return False
        replacing = self._spawn(self._replace_all())
        await asyncio.wait((replacing,))
        return not replacing.cancelled() and replacing.result()

    async def _replace_all(self) -> bool:
        if self._rolling.locked():
            if self._is_due:
                return False
            self._is_due = True
        async with self._rolling:
            self._is_due = False
            for slot in range(self._count):
                try:
                    async with self._changing:
                        former = await self._replace(slot)
                except (WorkerFailed, OSError) as error:
                    if self._current(slot) is None:
                        self._close_listener(slot)
                    why = str(error) or f"a worker took more than {START:g} s to start"
                    log.warning("the workers are not replaced, those there are go on: %s", why)
                    return False
                if former is not None:
                    await self._end(former, self._over)
        return True

    async def stop(self) -> None:
        """End all workers; those that do not end in time are killed.

        No process is made any more once it has begun, so that none finds the folder gone.
        """
        self._is_stopping = True
        changes = tuple(self._tasks)
        for task in changes:
            task.cancel()
        if changes:
            await asyncio.wait(changes)
        await asyncio.gather(*map(self._stop_slot, range(self._count)))
        for worker in self._workers.values():
            worker.control.close()
        for listener in self._listeners:
            listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _stop_slot(self, slot: int) -> None:
        """End the workers of a slot, and listen there no longer than they do.

        Connections would wait to be accepted there until the last worker of all has ended, while
        those whose sessions are still alive are accepted by the others.
        """
        workers = [worker for worker in self._workers.values() if worker.slot == slot]
        await asyncio.gather(*(self._end(worker, None) for worker in workers))
        if not self._one_socket:
            self._listener(slot).close()

    def kill(self) -> None:
        """Kill all workers."""
        for worker in self._workers.values():
            with suppress(ProcessLookupError):
                worker.process.kill()

    # -- one worker

    async def _replace(self, slot: int) -> _Process | None:
        """Start a worker in place of another, which is returned: it is to end."""
        self._open_listener(slot)  # it is closed while the next one after a death is waited for
        new = await self._prepare(slot)
        former = self._current(slot)
        await self._tell_all()
        await self._open(new)
        new.is_current = True
        if former is not None:
            former.is_current = False
        await self._tell_all()
        return former

    def _current(self, slot: int) -> _Process | None:
        found = [w for w in self._workers.values() if w.slot == slot and w.is_current]
        return found[0] if found else None

    async def _prepare(self, slot: int) -> _Process:
        """Start a process, and wait until it may be told to listen.

        Raises:
            WorkerFailed: it has ended instead.
            TimeoutError: it takes too long, and has been killed.
        """
        node = f"{self._prefix}{self._made}"
        self._made += 1
        listener = self._listener(slot)
        ours, its = socket.socketpair()
        place = Place(node, slot, self._count, self._folder, self._secret)
        with its:
            assignment = Assignment(place, listener.fileno(), its.fileno())
            control = await Control.open(ours)
            try:
                async with self._making:
                    with _held_back(HELD):
                        process = await asyncio.create_subprocess_exec(
                            *self._command(assignment.dumps()),
                            pass_fds=(listener.fileno(), its.fileno()),
                            stdin=asyncio.subprocess.DEVNULL,
                        )
            except BaseException:  # a process that was being made is killed by asyncio
                control.close()
                raise
        now = asyncio.get_running_loop().time()  # it is known before anything is waited for
        worker = self._workers[node] = _Process(slot, node, process, control, now)
        self._spawn(self._listen_to(worker))
        await self._until(worker, lambda: worker.prepared)
        return worker

    async def _open(self, worker: _Process) -> None:
        """Let a worker listen.

        Raises:
            WorkerFailed: it has ended instead.
            TimeoutError: it takes too long, and has been killed.
        """
        worker.control.say("listen")
        await self._until(worker, lambda: worker.ready is not None)

    async def _until(self, worker: _Process, done: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(START), worker.heard:
                await worker.heard.wait_for(lambda: done() or worker.node not in self._workers)
        except TimeoutError:
            await self._end(worker, None, grace=0.0)
            raise
        if not done():
            raise WorkerFailed(worker.process.returncode or 1)

    async def _end(self, worker: _Process, over: float | None, grace: float = GRACE) -> None:
        """End a worker: over some seconds, or at once."""
        worker.has_ended = True
        if over is None:
            worker.control.say("stop")
            if not worker.prepared:  # it may not listen to that for long, and serves nothing yet
                with suppress(ProcessLookupError):
                    worker.process.terminate()
        else:
            worker.control.say("drain", over=over)
        try:
            async with asyncio.timeout((over or 0.0) + grace):
                await worker.process.wait()
        except TimeoutError:
            log.warning("worker %s did not end in time and is killed", worker.node)
            with suppress(ProcessLookupError):
                worker.process.kill()
            await worker.process.wait()

    async def _tell_all(self) -> None:
        """Make all workers known to all, and wait until they have taken note of it."""
        self._number = number = self._number + 1
        known = [Worker(w.node, w.slot, w.is_current) for w in self._workers.values()]
        for worker in self._workers.values():
            worker.control.say("workers", number=number, workers=known)
        with suppress(TimeoutError):
            async with asyncio.timeout(KNOWN):
                for worker in tuple(self._workers.values()):
                    await self._knows(worker, number)

    async def _knows(self, worker: _Process, number: int) -> None:
        """Wait until a worker has taken note of a list of workers, or has ended."""
        async with worker.heard:
            await worker.heard.wait_for(
                lambda: worker.known >= number or worker.node not in self._workers
            )

    # -- what happens to it

    async def _watch(self, pause: float) -> None:
        """Ask all workers again and again whether they answer."""
        while True:
            await asyncio.sleep(pause)
            for worker in self._workers.values():
                if worker.ready is None or worker.hangs:
                    continue  # its start has a limit of its own
                if worker.liveness.ask():
                    worker.control.say("alive?")
                else:
                    worker.hangs = True
                    log.error(
                        "worker %s has not answered for %g s and is killed: something blocks its "
                        "event loop",
                        *(worker.node, pause * QUESTIONS),
                    )
                    self._spawn(self._kill(worker))

    async def _kill(self, worker: _Process) -> None:
        """Kill a worker that hangs."""
        with suppress(ProcessLookupError):
            worker.process.send_signal(signal.SIGABRT)
        with suppress(TimeoutError):
            async with asyncio.timeout(TRACE):
                await worker.process.wait()
        with suppress(ProcessLookupError):
            worker.process.kill()

    async def _listen_to(self, worker: _Process) -> None:
        """Take note of what a worker says, and of its end."""
        while (message := await worker.control.hear()) is not None:
            async with worker.heard:
                match message["is"]:
                    case "prepared":
                        worker.prepared = True
                    case "ready":
                        worker.ready = message
                    case "known":
                        worker.known = message["number"]
                    case "alive":
                        worker.liveness.answered()
                worker.heard.notify_all()
        await worker.process.wait()
        worker.control.close()
        del self._workers[worker.node]
        async with worker.heard:
            worker.heard.notify_all()
        if not self._is_stopping:
            self._spawn(self._tell_all())  # its sessions have gone with it
            if worker.is_current and not worker.has_ended:
                self._spawn(self._revive(worker))

    async def _revive(self, dead: _Process) -> None:
        """Start a worker in place of one that has died."""
        slot, restarts = dead.slot, self._restarts[dead.slot]
        lived = asyncio.get_running_loop().time() - dead.since
        which, why = f"worker {dead.node}", _why(dead.process.returncode)
        while True:
            wait = restarts.died(lived)
            if wait:  # at most two lines a minute, once it waits for that long
                log.error(
                    "%s %s, %.1f s after its start; the next one is started in %g s",
                    *(which, why, lived, wait),
                )
                self._close_listener(slot)
                await asyncio.sleep(wait)
            elif not dead.hangs:  # of which there is a line already
                log.error("%s %s; it is started again", which, why)
            since = asyncio.get_running_loop().time()
            try:
                async with self._changing:
                    if self._current(slot) is None:
                        await self._replace(slot)
                        log.info("a worker is in place of %s", dead.node)
                return
            except WorkerFailed as failed:
                why = _why(failed.code)
            except TimeoutError:
                why = f"was not ready in {START:g} s and was killed"
            except OSError as error:
                why = f"cannot be started ({error})"
            which = f"the successor of worker {dead.node}"
            lived = asyncio.get_running_loop().time() - since

    def _spawn(self, coroutine: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


@contextmanager
def _held_back(signals: frozenset[signal.Signals]) -> Iterator[None]:
    """Hold signals back, also from a process that is made meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _why(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            name = signal.Signals(-code).name
            hint = " (kill -9, or the machine is short of memory)" if name == "SIGKILL" else ""
            return f"was ended by {name}{hint}"
    return f"has ended with status {code}"
