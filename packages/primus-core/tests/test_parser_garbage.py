import gc
from collections.abc import Iterator

import pytest

from primus.parsers.garbage import uncollected


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Leaves the garbage collector as it was."""
    enabled = gc.isenabled()
    yield
    (gc.enable if enabled else gc.disable)()


def test_the_collector_pauses_during_the_work_only() -> None:
    gc.enable()
    assert uncollected(lambda material: (material, gc.isenabled()), "x") == ("x", False)
    assert gc.isenabled()


def test_the_collector_goes_on_after_an_error() -> None:
    gc.enable()
    with pytest.raises(ZeroDivisionError):
        uncollected(lambda material: material / 0, 1)
    assert gc.isenabled()


def test_a_collector_that_the_application_has_stopped_stays_so() -> None:
    gc.disable()
    assert uncollected(lambda material: gc.isenabled(), "x") is False
    assert not gc.isenabled()
