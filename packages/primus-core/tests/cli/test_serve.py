"""``primus serve``: real requests and real signals, for several workers and signals real processes.

A server of one process runs in that of the test, for a visitor in a thread.
"""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast
from urllib.request import urlopen

import aiohttp
import pytest
import trustme

from primus.server.listen import Listening
from primus.workers.supervisor import Supervisor

DEADLINE = 90.0

LISTENING = re.compile(r"listening at (https?://\S+), pathname")

PLAIN = ("serve", "--transformer", "plain", "--port", "0")
"""The command, with the transformer of ``installed/`` and on a free port."""


class Served:
    """A running ``primus serve``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url = ""

    async def line(self) -> str:
        """The next line of its standard output; empty when it has ended."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            return (await self.process.stdout.readline()).decode()

    async def post(self, text: str) -> Any:
        """What the server answers to a message, by the transformer of ``installed/``."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/primus", data=text) as response,
        ):
            return await response.json()

    async def ends(self) -> tuple[int | None, str, str]:
        """Wait for its end: exit code, what is left of standard output, and standard error."""
        async with asyncio.timeout(DEADLINE):
            out, err = await self.process.communicate()
        return self.process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def serve(*arguments: str) -> AsyncIterator[Served]:
    """Start the command with the transformer of ``installed/``, on a free port by default."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "primus", *PLAIN),
        *("--option", "slow_listener=false"),  # which would tell of a machine that is busy
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # so that all of its processes can be signalled, as by a terminal
    )
    try:
        yield Served(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@asynccontextmanager
async def serving(*arguments: str) -> AsyncIterator[Served]:
    """As `serve`, once the server has told its URL."""
    async with serve(*arguments) as served:
        said = ""
        while not (told := LISTENING.search(said)):
            line = await served.line()
            assert line, await served.ends()
            said += line
        served.url = told[1]
        yield served


class Output(io.StringIO):
    """Standard output, of which a thread can wait for the URL."""

    def __init__(self) -> None:
        super().__init__()
        self.url: Future[str] = Future()

    def write(self, text: str) -> int:
        """Note what is printed."""
        if told := LISTENING.search(text):
            self.url.set_result(told[1])
        return super().write(text)


class Unwritable(Output):
    """Standard output that nothing can be written to."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error
        self._number = os.open(os.devnull, os.O_WRONLY)

    def write(self, text: str) -> int:
        """Note what is printed, and fail."""
        super().write(text)
        raise self._error

    def fileno(self) -> int:
        """The descriptor behind it."""
        return self._number

    def close(self) -> None:
        """Close that as well."""
        os.close(self._number)
        super().close()


class Visited(NamedTuple):
    """What came of a server in the process of the test."""

    brought: Any
    """What the visitor returned."""
    code: object
    out: str
    err: str


@pytest.fixture
def visited(run: Any) -> Callable[..., Visited]:
    """Serves here until a visitor in a thread, a function of the URL, has returned."""

    def visited(
        *arguments: str, visit: Callable[[str], Any] = str, out: Output | None = None
    ) -> Visited:
        out = out or Output()

        def come_and_go() -> Any:
            url = out.url.result()
            try:
                return visit(url)
            finally:
                os.kill(os.getpid(), signal.SIGINT)

        with ThreadPoolExecutor(1) as threads, redirect_stdout(out):
            visiting = threads.submit(come_and_go)
            try:
                code, _, err = run(*PLAIN, *arguments)
            finally:
                out.url.cancel()  # it ended before it listened
        return Visited(visiting.result(), code, out.getvalue(), err)

    return visited


def post(url: str, text: str) -> Any:
    """What the server answers to a message, by the transformer of ``installed/``."""
    with urlopen(f"{url}/primus", text.encode(), DEADLINE) as response:
        return json.load(response)


def spec(url: str, pathname: str = "primus") -> Any:
    """What the server tells of itself."""
    with urlopen(f"{url}/{pathname}/spec", timeout=DEADLINE) as response:
        return json.load(response)


def test_it_echoes(visited: Any) -> None:
    def visit(url: str) -> tuple[Any, str]:
        return post(url, '{"hello":"world"}'), spec(url)["transformer"]

    assert visited("--echo", visit=visit).brought == (['{"hello":"world"}'], "plain")


@pytest.mark.parametrize(
    ("target", "greeting"),
    [
        ("setups:greet", '"hello"'),
        ("setups:later", '"hello, later"'),
        ("setups:Nested.setup", '"hello"'),
    ],
)
def test_it_calls_a_function_plain_or_async_before_it_listens(
    visited: Any, target: str, greeting: str
) -> None:
    assert visited(target, visit=lambda url: post(url, "1")).brought == [greeting]


def test_the_function_hears_of_the_start_and_of_the_end(visited: Any) -> None:
    _, code, out, _ = visited("setups:greet")

    assert code == 0
    initialised, primus, listening, close = out.splitlines()
    assert initialised == "initialised"
    assert re.fullmatch(r"Primus \S+ \(plain, json\)", primus)
    assert "listening at" in listening
    assert close == "close {'close': True, 'reconnect': True, 'timeout': 0}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    async with serving("--echo") as served:
        served.process.send_signal(number)

        assert await served.ends() == (0, "", "")


def test_plugin_and_pathname_are_passed_on(visited: Any) -> None:
    told = visited(
        *("--echo", "--plugin", "counter", "--pathname", "live"),
        visit=lambda url: spec(url, "live"),
    )

    assert told.brought["pathname"] == "/live"


def test_any_option_is_passed_on(visited: Any) -> None:
    told = visited("--echo", "--option", "timeout=12.5", "--option", "node=seven", visit=spec)

    assert told.brought["timeout"] == 12500


@pytest.mark.parametrize("wrong", ["timeout", "=5", "host=0.0.0.0", "sock=1"])
def test_an_option_has_a_name_and_a_value(run: Any, wrong: str) -> None:
    code, _, err = run("serve", "--echo", "--option", wrong)

    assert code == 2
    assert f"{wrong!r} is not NAME=VALUE" in err


def test_a_module_of_the_current_folder_is_found(
    visited: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.py").write_text(
        "def setup(primus):\n    primus.on('connection', lambda spark: spark.write('here'))\n"
    )

    assert visited("here:setup", visit=lambda url: post(url, "1")).brought == ['"here"']


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), OSError(errno.ENOSPC, "No space left on device")]
)
def test_a_server_goes_on_when_its_output_cannot_be_written(visited: Any, error: OSError) -> None:
    with closing(Unwritable(error)) as out:
        there = visited("setups:named", visit=spec, out=out)

    assert (there.brought["pathname"], there.code, there.err) == ("/primus", 0, "")


def test_a_server_without_listeners_prints_what_to_do(visited: Any) -> None:
    told = visited()

    assert told.err == "no listener for messages: give MODULE:FUNCTION, or --echo\n"


def test_plain_http_for_other_machines_comes_with_advice(visited: Any) -> None:
    told = visited("--echo", "--host", "0.0.0.0")

    assert told.err == "this is plain HTTP: give --cert and --key for HTTPS\n"


def test_tls_for_other_machines_comes_without_advice(visited: Any, tmp_path: Path) -> None:
    pem = tmp_path / "server.pem"
    issued = trustme.CA().issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(pem))

    told = visited("--echo", "--host", "0.0.0.0", "--cert", str(pem))

    assert told.err == ""


def test_a_port_that_is_taken_is_one_line(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run(*PLAIN, "--echo", "--port", str(port))

    assert (code, out) == (2, "")
    assert err.startswith(f"primus serve: cannot listen on 127.0.0.1 port {port}: ")
    assert err.count("\n") == 1


def test_an_error_of_primus_in_the_function_is_one_line(run: Any) -> None:
    code, _, err = run(*PLAIN, "setups:wants_plugin")

    assert code == 2
    assert err.startswith("primus serve: unknown plugin 'not-installed'. Installed: ")
    assert err.count("\n") == 1


def test_any_other_error_in_the_function_keeps_its_traceback(run: Any) -> None:
    with pytest.raises(RuntimeError, match="the function that sets the server up") as raised:
        run(*PLAIN, "setups:fails")
    assert isinstance(raised.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("setups", "must be MODULE:FUNCTION, such as chat:setup"),
        (":greet", "must be MODULE:FUNCTION, such as chat:setup"),
        ("no_such_module:setup", "there is no module 'no_such_module' here or installed"),
        ("setups.inner:setup", "there is no module 'setups.inner' here or installed"),
        ("setups:missing", "has no 'missing'"),
        ("setups:NUMBER", "must name a function, not 5"),
    ],
)
def test_a_function_that_cannot_be_found_is_one_line(run: Any, target: str, told: str) -> None:
    code, out, err = run("serve", target)

    assert (code, out) == (2, "")
    assert err.startswith(f"primus serve: {target!r}: ")
    assert told in err
    assert err.count("\n") == 1


def test_what_the_module_itself_imports_in_vain_keeps_its_traceback(run: Any) -> None:
    with pytest.raises(ModuleNotFoundError, match="surely_not_there"):
        run("serve", "imports_nothing:setup")


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_out_of_range_is_a_usage_error(run: Any, port: str) -> None:
    code, _, err = run("serve", "--port", port)

    assert code == 2
    assert err.endswith(f"argument --port: {port} is no port: 0 to 65535\n")


def test_a_certificate_that_is_missing_is_one_line(run: Any) -> None:
    code, _, err = run("serve", "--echo", "--transformer", "plain", "--cert", "missing.pem")

    assert code == 2
    assert err.startswith("primus serve: cannot use the TLS files cert='missing.pem' in ")


# -- several workers


async def met(served: Served) -> tuple[str, int]:
    """The name and the process of the worker that a connection gets to."""
    frames = await served.post("1")
    node, process = json.loads(frames[0])
    return node, process


async def all_met(served: Served, count: int) -> dict[str, int]:
    """The workers, once connections have got to so many."""
    found: dict[str, int] = {}
    async with asyncio.timeout(DEADLINE):
        while len(found) < count:
            node, process = await met(served)
            found[node] = process
    return found


async def test_workers_share_a_port_and_end_together() -> None:
    async with serving("setups:named", "--workers", "2") as served:
        assert await served.line() == "2 workers; SIGHUP replaces them\n"
        workers = await all_met(served, 2)
        served.process.terminate()

        assert await served.ends() == (0, "", "")
    assert set(workers) == {"w0", "w1"}
    assert served.process.pid not in workers.values()
    assert not any(map(runs, workers.values()))


def runs(process: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_no_connection_waits_for_a_worker_that_has_ended_before_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with serving("setups:stays", "--workers", "2") as served:
        assert await served.line() == "2 workers; SIGHUP replaces them\n"
        workers = await all_met(served, 2)
        served.process.terminate()
        try:
            async with asyncio.timeout(DEADLINE):
                while runs(workers["w1"]):
                    await asyncio.sleep(0.01)
                await answered(f"{served.url}/primus/spec", 20)  # each may come to either of them
        finally:
            (tmp_path / "go").touch()

        assert await served.ends() == (0, "", "")


async def answered(url: str, times: int) -> None:
    """Wait until so many connections in a row have been answered."""
    in_a_row = 0
    while in_a_row < times:
        async with aiohttp.ClientSession() as http:
            try:
                async with http.get(url) as answer:
                    assert answer.status == 503
            except aiohttp.ClientConnectionError:  # the listening socket was closed just now
                in_a_row = 0
            else:
                in_a_row += 1


async def test_sighup_replaces_the_workers_while_they_serve() -> None:
    async with serving("setups:named", "--workers", "2", "--over", "0", "--node", "a") as served:
        assert await served.line() == "2 workers; SIGHUP replaces them\n"
        before = await all_met(served, 2)
        served.process.send_signal(signal.SIGHUP)

        async with asyncio.timeout(DEADLINE):
            while any(map(runs, before.values())):
                await met(served)  # a connection that is refused raises
                await asyncio.sleep(0.01)
        assert await served.line() == "the workers have been replaced\n"
        after = await all_met(served, 2)
        served.process.terminate()

        assert await served.ends() == (0, "", "")
    assert set(before) == {"a0", "a1"}
    assert set(after) == {"a2", "a3"}


async def test_a_worker_that_dies_is_started_again() -> None:
    async with serving("setups:named", "--workers", "2") as served:
        before = await all_met(served, 2)
        os.kill(before["w1"], signal.SIGKILL)

        async with asyncio.timeout(DEADLINE):
            while (await tried(served)) not in ("w2", "w3"):
                await asyncio.sleep(0.01)  # what waited for the dead one is for its successor
        served.process.terminate()
        code, _, err = await served.ends()

    assert code == 0
    assert err == (
        "ERROR primus.server: worker w1 was ended by SIGKILL (kill -9, or the machine is short of "
        "memory); it is started again\n"
    )


async def test_a_worker_that_dies_again_and_again_is_told_of_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator sees that the server lacks a worker, why, and when the next one is tried."""
    monkeypatch.chdir(tmp_path)
    async with serving("setups:sometimes", "--workers", "2") as served:
        workers = await all_met(served, 2)
        (tmp_path / "broken").touch()
        os.kill(workers["w1"], signal.SIGTERM)

        assert served.process.stderr is not None
        told = [(await served.process.stderr.readline()).decode() for _ in range(5)]
        served.process.terminate()
        await served.ends()

    again = (
        "ERROR primus.server: the successor of worker w1 has ended with status 2, a moment after "
        "its start; the next one is started in {} s\n"
    )
    assert [re.sub(r"[.0-9]+ s after its", "a moment after its", line) for line in told] == [
        "ERROR primus.server: worker w1 has ended with status 0; it is started again\n",
        "primus serve: it is broken\n",
        again.format(0.5),
        "primus serve: it is broken\n",
        again.format(1),
    ]


async def test_one_worker_is_replaced_as_several_are() -> None:
    """``--workers $(nproc)`` is one on a machine of one core."""
    async with serving("setups:named", "--workers", "1") as served:
        assert await served.line() == "1 worker; SIGHUP replaces it\n"
        before = await met(served)
        served.process.send_signal(signal.SIGHUP)
        assert await served.line() == "the workers have been replaced\n"
        after = await met(served)
        served.process.terminate()

        assert await served.ends() == (0, "", "")
    assert (before[0], after[0]) == ("w0", "w1")


async def test_lines_of_a_worker_begin_with_its_name() -> None:
    async with serving("setups:named", "--workers", "2", "--log-level", "info") as served:
        workers = await all_met(served, 2)
        served.process.terminate()
        _, _, err = await served.ends()

    for name in workers:
        assert f"{name} INFO primus.server: " in err
    assert "DEBUG" not in err


async def test_a_worker_that_hangs_is_killed_and_another_takes_its_place() -> None:
    async with serving("setups:named", "--workers", "2", "--worker-timeout", "3") as served:
        before = await all_met(served, 2)
        os.kill(before["w1"], signal.SIGSTOP)

        assert served.process.stderr is not None
        async with asyncio.timeout(DEADLINE):
            told = (await served.process.stderr.readline()).decode()
            while runs(before["w1"]):
                await asyncio.sleep(0.01)
        served.process.terminate()
        await served.ends()

    assert told == (
        "ERROR primus.server: worker w1 has not answered for 3 s and is killed: something blocks "
        "its event loop\n"
    )


async def test_ctrl_c_while_workers_import_ends_all_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes that the application starts get the signals: nothing is held back any more."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slow.py").write_text(
        "import pathlib, signal, time\n"
        "held = signal.pthread_sigmask(signal.SIG_BLOCK, ())\n"
        "pathlib.Path('imports.new').write_text(repr(held))\n"
        "pathlib.Path('imports.new').rename('imports')\n"
        "time.sleep(3600)\n"
    )
    async with serve("slow:setup", "--workers", "2") as served:
        async with asyncio.timeout(DEADLINE):
            while not (tmp_path / "imports").exists():
                await asyncio.sleep(0.01)
        os.killpg(served.process.pid, signal.SIGINT)

        assert await served.ends() == (0, "", "")
    assert (tmp_path / "imports").read_text() == "set()"


async def tried(served: Served) -> str:
    """The name of a worker; empty when it died before it had answered."""
    try:
        return (await met(served))[0]
    except aiohttp.ClientError:
        return ""


async def test_workers_end_with_the_process_that_started_them_and_leave_no_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with TemporaryDirectory() as folder:  # that of pytest is too long for a unix socket
        monkeypatch.setenv("TMPDIR", folder)
        async with serving("setups:named", "--workers", "2") as served:
            workers = await all_met(served, 2)
            assert any(Path(folder).iterdir())
            served.process.kill()
            await served.process.wait()

            async with asyncio.timeout(DEADLINE):
                while any(map(runs, workers.values())):
                    await asyncio.sleep(0.01)
        assert not any(Path(folder).iterdir())


async def test_workers_that_cannot_be_replaced_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with serving("setups:sometimes", "--workers", "2") as served:
        before = await all_met(served, 2)
        (tmp_path / "broken").touch()
        served.process.send_signal(signal.SIGHUP)
        assert served.process.stderr is not None
        async with asyncio.timeout(DEADLINE):
            said = [(await served.process.stderr.readline()).decode() for _ in range(2)]
        after = await all_met(served, 2)
        served.process.terminate()
        await served.ends()

    assert after == before
    assert said[0] == "primus serve: it is broken\n"
    assert said[1] == (
        "WARNING primus.server: the workers are not replaced, those there are go on: "
        "a worker has failed to start (status 2)\n"
    )


async def test_a_mistake_is_told_once_whatever_the_number_of_workers() -> None:
    async with serve("setups:wants_plugin", "--workers", "3") as served:
        code, out, err = await served.ends()

    assert (code, out) == (2, "")
    assert err.startswith("primus serve: unknown plugin 'not-installed'. Installed: ")
    assert err.count("\n") == 1


async def test_a_port_that_is_taken_is_one_line_for_all_workers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with serve("--echo", "--port", str(port), "--workers", "2") as served:
            code, out, err = await served.ends()

    assert (code, out) == (2, "")
    assert err.startswith(f"primus serve: cannot listen on 127.0.0.1 port {port}: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("--workers", "0"),
        ("--workers", "1025"),
        ("--over", "-1"),
        ("--over", "inf"),
        ("--worker-timeout", "-1"),
    ],
)
def test_numbers_of_workers_and_seconds_have_bounds(run: Any, wrong: tuple[str, str]) -> None:
    code, _, err = run("serve", "--echo", *wrong)

    assert code == 2
    assert f"argument {wrong[0]}" in err


async def test_workers_accept_from_one_socket_where_a_port_cannot_be_shared() -> None:
    def command(assignment: str) -> list[str]:
        options = ("--transformer", "plain", "--worker", assignment)
        return [sys.executable, "-m", "primus", "serve", "setups:named", *options]

    supervisor = Supervisor(2, Listening("127.0.0.1"), command, over=0.0, one_socket=True)
    told = await supervisor.start()
    served = Served(cast("Any", None))
    served.url = told["url"]
    try:
        before = await met(served)
        await supervisor.replace()
        after = await met(served)
    finally:
        await supervisor.stop()

    assert before[0] in ("w0", "w1")
    assert after[0] in ("w2", "w3")


def test_over_is_the_time_in_which_one_process_ends_its_connections(visited: Any) -> None:
    _, code, out, _ = visited("setups:greet", "--over", "0.5")

    assert code == 0
    assert out.endswith("\nclose {'close': True, 'reconnect': True, 'timeout': 0, 'over': 0.5}\n")
