from typing import Any

import pytest

from primus import OptionError, Primus, UnknownPluginError
from primus_backplane import MemoryBus
from primus_testing import MemoryTransformer


def make(**options: Any) -> Any:
    return Primus(transformer=MemoryTransformer, plugin="backplane", **options)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backplane", None),
        ("backplane", 5),
        ("backplane", "memory"),
        ("backplane_namespace", ""),
        ("backplane_namespace", "two words"),
        ("backplane_namespace", "{slot}"),
        ("backplane_namespace", "x" * 65),
        ("backplane_window", 0),
        ("backplane_window", None),
        ("backplane_queue", 0),
        ("backplane_shards", 0),
        ("backplane_shards", 65),
        ("backplane_shards", True),
        ("backplane_lease", -1.0),
    ],
)
def test_an_option_that_cannot_work_is_refused(name: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"{name}="):
        make(**{name: value})


def test_an_engine_that_is_not_installed_is_refused() -> None:
    with pytest.raises(UnknownPluginError, match="unknown bus 'carrier'"):
        make(backplane="carrier://pigeon")


async def test_an_engine_may_be_given() -> None:
    bus = MemoryBus()

    primus = make(backplane=bus)

    assert primus.backplane.bus is bus
    await primus.destroy()
