"""Servers of a cluster: the option ``node``, and frames that another server has encoded."""

from collections.abc import Callable
from typing import Any

import pytest

from primus import ControlTextError, OptionError, Packet, ParserError, PluginError, Primus
from primus.ids import new_node, new_spark_id, node_of
from primus.server.broadcast import encoded_once
from primus_testing import MemoryTransformer, join

MakePrimus = Callable[..., Primus]


class Late:
    """A parser that has to be waited for."""

    async def encode(self, value: Any) -> str:
        return "encoded"

    async def decode(self, frame: Any) -> Any:
        return "decoded"


def test_the_ids_of_sparks_begin_with_the_name_of_their_server(make_primus: MakePrimus) -> None:
    primus = make_primus(node="w0")

    spark, wire = join(primus)
    wire.receive('"primus::id::"')

    assert primus.node == "w0"
    assert spark.id.startswith("w0-")
    assert node_of(spark.id) == "w0"
    assert primus.spark(spark.id) is spark
    assert wire.sent == [f'"primus::id::{spark.id}"']


def test_servers_without_a_name_get_one_each(make_primus: MakePrimus) -> None:
    names = {make_primus().node for _ in range(3)}

    assert len(names) == 3
    assert all(len(name) == 12 and "-" not in name for name in names)


def test_an_id_generator_need_not_name_the_server(make_primus: MakePrimus) -> None:
    primus = make_primus(node="w0", id_generator=lambda: "mine")

    spark, _ = join(primus)

    assert spark.id == "mine"
    assert node_of(spark.id) == ""


def test_an_id_for_another_use_names_no_server() -> None:
    assert len(new_spark_id()) == 22
    assert node_of(new_spark_id(new_node())) != ""


@pytest.mark.parametrize("node", ["", "two words", "with-hyphen", "x" * 33, 5, b"w0", "é"])
def test_a_name_that_no_id_can_begin_with_is_refused(node: Any) -> None:
    with pytest.raises(OptionError, match=r"node=.*: must be 1 to 32 letters, digits"):
        Primus(transformer=MemoryTransformer, node=node)


def test_a_frame_is_relayed_as_it_is_and_prepared_once(primus: Primus) -> None:
    (_, one), (_, two) = join(primus), join(primus)
    before = type(one).prepared

    primus.relay('{"n": 1}')

    assert one.sent == two.sent == ['{"n": 1}']
    assert type(one).prepared - before == 1


def test_a_frame_is_relayed_to_those_that_are_given(primus: Primus) -> None:
    (spark, one), (_, two) = join(primus), join(primus)

    primus.relay('{"n": 1}', to=[spark])

    assert (one.sent, two.sent) == (['{"n": 1}'], [])


def test_a_frame_that_is_relayed_goes_through_the_transforms(primus: Primus) -> None:
    def double(packet: Packet) -> None:
        packet.data = packet.data * 2

    primus.transform("outgoing", double)
    _, wire = join(primus)

    primus.relay("21")

    assert wire.sent == ["42"]


@pytest.mark.parametrize("frame", ["{", "", "nonsense"])
def test_a_frame_that_transforms_cannot_see_is_an_error(primus: Primus, frame: str) -> None:
    primus.transform("outgoing", lambda packet: None)
    _, wire = join(primus)

    with pytest.raises(ParserError, match="failed to decode a frame to relay"):
        primus.relay(frame)

    assert wire.sent == []


def test_a_frame_that_transforms_see_is_no_text_that_peers_obey(primus: Primus) -> None:
    primus.transform("outgoing", lambda packet: None)
    _, wire = join(primus)

    with pytest.raises(ControlTextError):
        primus.relay('"primus::server::close"')

    assert wire.sent == []


async def test_an_async_parser_and_transforms_relay_nothing(make_primus: MakePrimus) -> None:
    primus = make_primus(parser=Late())
    primus.transform("outgoing", lambda packet: None)

    with pytest.raises(ParserError, match="with an async parser"):
        primus.relay("encoded")


def test_a_message_is_encoded_once_for_several_ways(primus: Primus) -> None:
    _, wire = join(primus)

    message = encoded_once({"n": 1}, primus.parser)
    primus.write(message)

    assert encoded_once(message, primus.parser) is message
    assert wire.sent == [message.frame]


def test_writing_everywhere_needs_the_backplane(primus: Primus) -> None:
    with pytest.raises(PluginError, match="needs the plugin 'backplane'"):
        primus.write("hello", everywhere=True)
