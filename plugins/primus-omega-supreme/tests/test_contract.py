from collections.abc import Mapping
from itertools import permutations
from typing import Any, ClassVar

import pytest

from primus import Primus
from primus_testing import ManualClock, MemoryTransformer, PluginContract, join


class TestOmegaSupreme(PluginContract):
    plugin = "omega-supreme"
    options: ClassVar[Mapping[str, Any]] = {"password": "secret"}


@pytest.mark.parametrize("order", [*permutations(["rooms", "metroplex", "omega-supreme"])], ids=str)
async def test_it_goes_with_rooms_and_metroplex_in_any_order(order: tuple[str, ...]) -> None:
    primus: Any = Primus(
        transformer=MemoryTransformer,
        clock=ManualClock(),
        plugin=list(order),
        password="secret",
        redis="unix:///nowhere",
    )
    spark, wire = join(primus)
    spark.join("news")

    assert await primus.forward.sparks([spark.id], "x") == {"ok": True, "send": 1, "local": True}
    assert primus.room("news").write("y") == 1
    for name in order:
        primus.plugout(name)
    assert not any(hasattr(primus, name) for name in ("forward", "room", "metroplex"))

    assert wire.sent == ['"x"', '"y"']
    await primus.destroy()
