"""What the kit needs for what: each in a Python of its own."""

import subprocess
import sys

WITHOUT = "import sys\nfor name in {names}: sys.modules[name] = None\n"
SUITES = WITHOUT.format(names=("hypothesis", "pytest", "pytest_asyncio"))


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_fakes_need_no_test_framework() -> None:
    run(
        SUITES + "from primus import Primus\n"
        "from primus_testing import ManualClock, MemoryTransformer, Recorder, join, running\n"
        "import asyncio\n"
        "async def main():\n"
        "    primus = Primus(transformer=MemoryTransformer, clock=ManualClock())\n"
        "    spark, wire = join(primus)\n"
        "    spark.write('hello')\n"
        "    assert wire.sent == ['\"hello\"']\n"
        "    await primus.destroy()\n"
        "asyncio.run(main())\n"
    )


def test_a_suite_says_what_installs_what_it_needs() -> None:
    run(
        SUITES + "import primus_testing\n"
        "try:\n"
        "    primus_testing.ParserContract\n"
        "except ImportError as error:\n"
        "    assert str(error).endswith(\n"
        "        'is not installed: pip install primus-testing[contract]'), error\n"
        "else:\n"
        "    raise AssertionError\n"
    )


def test_the_fixtures_do_without_pytest_asyncio_and_hypothesis() -> None:
    run(
        WITHOUT.format(names=("hypothesis", "pytest_asyncio"))
        + "from primus_testing.plugin import manual_clock, primus_server, tracebacks\n"
    )


def test_a_name_that_the_kit_does_not_have_is_an_attribute_error() -> None:
    run(
        "import primus_testing\n"
        "assert not hasattr(primus_testing, 'Nothing')\n"
        "assert all(hasattr(primus_testing, name) for name in primus_testing.__all__)\n"
    )
