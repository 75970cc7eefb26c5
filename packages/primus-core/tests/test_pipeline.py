import asyncio
from typing import Any

import pytest

from primus.callables import is_awaitable
from primus.errors import OptionError, TransformError
from primus.pipeline import SWALLOWED, Packet, Pipeline, for_streams, run, run_out


def add(text: str) -> Any:
    def transform(packet: Packet, connection: Any) -> None:
        packet.data += text

    return transform


def test_without_transforms_the_data_comes_out_as_it_went_in() -> None:
    assert run((), Packet("data"), None) == "data"


def test_transforms_run_in_order_and_see_packet_and_connection() -> None:
    seen: list[Any] = []

    def look(packet: Packet, connection: Any) -> None:
        seen.append((packet.data, packet.raw, connection))

    assert run((add("1"), look, add("2")), Packet("0", "raw"), "connection") == "012"
    assert seen == [("01", "raw", "connection")]


@pytest.mark.parametrize("verdict", [None, True, 0, "", []])
def test_only_false_itself_swallows(verdict: Any) -> None:
    assert run((lambda packet, _: verdict,), Packet("data"), None) == "data"


def test_what_is_swallowed_goes_no_further() -> None:
    seen: list[Packet] = []
    transforms = (lambda *_: False, lambda packet, _: seen.append(packet))
    assert run(transforms, Packet("data"), None) is SWALLOWED
    assert seen == []


async def test_an_async_transform_is_awaited_before_the_next_one() -> None:
    async def slow(packet: Packet, connection: Any) -> None:
        await asyncio.sleep(0)
        packet.data += "slow"

    result = run((add("1"), slow, add("2"), slow), Packet("0"), None)
    assert is_awaitable(result)
    assert await result == "01slow2slow"


async def test_an_async_transform_swallows() -> None:
    async def no(packet: Packet, connection: Any) -> bool:
        return False

    assert await run((no, add("1")), Packet("0"), None) is SWALLOWED


async def test_a_plain_transform_behind_an_async_one_swallows() -> None:
    async def slow(packet: Packet, connection: Any) -> None:
        await asyncio.sleep(0)

    assert await run((slow, lambda *_: False), Packet("0"), None) is SWALLOWED


async def test_whether_a_transform_is_async_is_decided_by_what_it_returns() -> None:
    gate = asyncio.get_running_loop().create_future()
    gate.set_result(False)
    assert await run((lambda *_: gate,), Packet("0"), None) is SWALLOWED


def test_a_transform_that_raises_is_named_with_its_cause() -> None:
    def fussy(packet: Packet, connection: Any) -> None:
        raise KeyError("no")

    with pytest.raises(TransformError, match="fussy raised KeyError") as caught:
        run((fussy,), Packet("0"), None)
    assert isinstance(caught.value.__cause__, KeyError)


async def test_an_async_transform_that_raises_is_named_too() -> None:
    async def fussy(packet: Packet, connection: Any) -> None:
        raise KeyError("no")

    with pytest.raises(TransformError, match="fussy raised KeyError"):
        await run((fussy,), Packet("0"), None)


def test_a_function_is_added_once() -> None:
    pipeline, one = Pipeline(), add("1")
    pipeline.add("incoming", one)
    pipeline.add("incoming", one)
    assert pipeline.incoming == (one,)
    assert pipeline.outgoing == ()


def test_a_function_that_is_removed_is_gone_and_others_stay() -> None:
    pipeline, one, two = Pipeline(), add("1"), add("2")
    for fn in (one, two):
        pipeline.add("outgoing", fn)
    pipeline.remove("outgoing", one)
    pipeline.remove("outgoing", one)
    assert pipeline.outgoing == (two,)


def test_a_chain_that_is_running_is_not_disturbed_by_changes() -> None:
    pipeline = Pipeline()

    def removes(packet: Packet, connection: Any) -> None:
        pipeline.remove("incoming", removes)
        packet.data += "removed"

    last = add("!")
    pipeline.add("incoming", removes)
    pipeline.add("incoming", last)
    assert run(pipeline.incoming, Packet(""), None) == "removed!"
    assert pipeline.incoming == (last,)


def test_a_direction_that_does_not_exist_is_refused() -> None:
    with pytest.raises(OptionError, match='must be "incoming" or "outgoing", not \'sideways\''):
        Pipeline().add("sideways", add("1"))  # type: ignore[arg-type]


def test_a_transform_has_to_be_callable() -> None:
    with pytest.raises(TypeError, match="must be callable, not 7"):
        Pipeline().add("incoming", 7)  # type: ignore[arg-type]


def test_a_packet_shows_what_it_holds() -> None:
    assert repr(Packet([1], "[1]")) == "Packet(data=[1], raw='[1]')"


def test_a_transform_may_take_the_packet_only() -> None:
    pipeline = Pipeline()
    seen: list[Any] = []

    def alone(packet: Packet) -> None:
        seen.append(packet.data)

    pipeline.add("incoming", alone)

    assert run(pipeline.incoming, Packet(1), None) == 1
    assert seen == [1]


@pytest.mark.parametrize("error", [None, TransformError("not this one")])
async def test_a_chain_that_is_run_out_ends_quietly(error: Exception | None) -> None:
    done: list[bool] = []

    async def chain() -> None:
        await asyncio.sleep(0)
        done.append(True)
        if error is not None:
            raise error

    await run_out(chain())

    assert done == [True]


def test_what_is_added_as_last_stays_behind_what_is_added_later() -> None:
    pipeline = Pipeline()
    last, other = add(" last"), add(" other last")
    pipeline.add("incoming", last, last=True)
    pipeline.add("incoming", add(" early"))
    pipeline.add("incoming", other, last=True)
    pipeline.add("incoming", add(" late"))
    pipeline.add("incoming", last)  # it is there

    assert run(pipeline.incoming, Packet("x"), None) == "x early late last other last"

    pipeline.remove("incoming", last)
    assert run(pipeline.incoming, Packet("x"), None) == "x early late other last"


def test_transforms_that_are_marked_are_those_for_streams() -> None:
    pipeline = Pipeline()
    marked = for_streams(add(" marked"))
    pipeline.add("incoming", add(" plain"))
    assert pipeline.for_streams == ()

    pipeline.add("incoming", marked)

    assert run(pipeline.for_streams, Packet("x"), None) == "x marked"
    assert pipeline.for_streams is pipeline.for_streams
    pipeline.remove("incoming", marked)
    assert pipeline.for_streams == ()
