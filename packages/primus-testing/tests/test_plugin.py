"""The pytest plugin, in a pytest of its own."""

import pytest

pytest_plugins = ["pytester"]

CONFIGURATION = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs a test file; what is given are its lines."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(text: str, *arguments: str, **outcomes: int) -> str:
        pytester.makeini(CONFIGURATION)
        pytester.makepyfile(text)
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)
        result.assert_outcomes(**outcomes)
        return "\n".join(result.outlines)

    return run


HEAD = "import asyncio, logging\nfrom primus_testing import *\n"


def test_a_server_is_started_and_destroyed(run: object) -> None:
    run(  # type: ignore[operator]
        HEAD
        + """
async def test_it(primus_server):
    server = await primus_server(transformer=MemoryTransformer)
    answer = await server.get("/primus/spec")
    assert answer.json()["transformer"] == "memory"
    assert (await server.get("/original")).text == "original listener"
""",
        passed=1,
    )


def test_a_task_that_is_left_behind_fails_the_test(run: object) -> None:
    text = run(  # type: ignore[operator]
        HEAD
        + """
from functools import partial
import pytest

@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("primus_testing.server.eventually", partial(eventually, deadline=0.05))

async def test_it(impatient, primus_server):
    server = await primus_server(transformer=MemoryTransformer)
    server.left = asyncio.ensure_future(asyncio.Event().wait())
""",
        passed=1,
        errors=1,
    )
    assert "leaves tasks" in text


def test_an_error_in_the_log_that_was_not_expected_fails_the_test(run: object) -> None:
    text = run(  # type: ignore[operator]
        HEAD
        + """
async def test_it(primus_server):
    await primus_server(transformer=MemoryTransformer)
    logging.getLogger("anywhere").error("something is wrong")
""",
        passed=1,
        errors=1,
    )
    assert "anywhere: something is wrong" in text


def test_an_expected_error_that_does_not_come_fails_the_test(run: object) -> None:
    text = run(  # type: ignore[operator]
        HEAD
        + """
def test_one(tracebacks):
    tracebacks.expect("wrong")
    logging.getLogger("anywhere").error("something is wrong")

def test_two(tracebacks):
    tracebacks.expect("wrong")
""",
        passed=2,
        errors=1,
    )
    assert "expected in the log, but not there" in text


def test_a_timer_that_a_client_leaves_fails_the_test(run: object) -> None:
    text = run(  # type: ignore[operator]
        HEAD
        + """
PLUGIN = ()

async def test_it(make_socket):
    socket = await make_socket().opened()
    socket.options.clock.call_later(1.0, print)
""",
        passed=1,
        errors=1,
    )
    assert "assert 1 == 0" in text


def test_assertions_of_a_contract_show_their_values(run: object) -> None:
    text = run(  # type: ignore[operator]
        HEAD
        + """
from primus.parsers.json import JSONParser

class TestMine(ParserContract):
    parser = JSONParser()
    golden = ((1, "2"),)
""",
        "-k=golden",
        failed=2,
    )
    assert "assert '1' == '2'" in text


def test_a_clock_is_at_hand(run: object) -> None:
    run(  # type: ignore[operator]
        HEAD
        + """
def test_it(manual_clock):
    assert isinstance(manual_clock, ManualClock)
""",
        passed=1,
    )
