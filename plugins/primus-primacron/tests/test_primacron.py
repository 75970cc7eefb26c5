"""What a server of the preset has, and what its clients see."""

import asyncio
import json
from typing import Any

import pytest

from primus import OptionError, hookimpl
from primus_primacron import Primacron, PrimacronSocket, PrimacronSpark
from primus_testing import MemoryTransformer, Recorder, eventually, join


async def test_it_has_five_plugins_and_its_own_defaults(make_primus: Any) -> None:
    primus = make_primus()

    assert list(primus.ark) == [
        *("mirage", "fortress-maximus", "omega-supreme", "emit-broadcast", "metroplex")
    ]
    assert primus.pathname == "/primacron"
    chosen = primus.options.extra
    assert (chosen["namespace"], chosen["fortress"], chosen["concurrently"]) == (
        *("primacron", "primus", 10),
    )


async def test_options_of_the_application_come_before_the_defaults(make_primus: Any) -> None:
    primus = make_primus(pathname="/cron", concurrently=3, mirage_timeout=1.0)

    assert primus.pathname == "/cron"
    assert primus.options.extra["concurrently"] == 3
    assert primus.options.extra["mirage_timeout"] == 1.0


@pytest.mark.parametrize("form", [str, list, dict])
async def test_plugins_of_the_application_are_added(make_primus: Any, form: Any) -> None:
    class Own:
        @hookimpl
        def primus_extend_spark(self) -> dict[str, object]:
            return {"own": 1}

    forms = {str: "substream", list: ["substream"], dict: {"own": Own(), "substream": None}}
    primus = make_primus(plugin=forms[form])

    assert len(primus.ark) == 6 + (form is dict)
    assert primus.plugin("substream")


async def test_there_is_no_default_password() -> None:
    with pytest.raises(OptionError, match="password"):
        Primacron(transformer=MemoryTransformer)


async def test_events_are_announced_validated_and_heard_on_the_server(make_primus: Any) -> None:
    primus = make_primus()
    primus.validate("vote", lambda spark, choice: choice == "tea")
    votes: list[Any] = []
    invalid: list[Any] = []
    primus.on("vote", lambda spark, choice: votes.append((spark.mirage, choice)))
    primus.on("invalid", lambda *args: invalid.append(args))
    _, wire = join(primus)

    await eventually(lambda: wire.sent)
    wire.receive('{"emit":["vote","tea"]}', '{"emit":["vote","milk"]}', '{"emit":["other"]}')
    await eventually(lambda: len(invalid) == 2)

    (id,) = (json.loads(frame)["emit"][1] for frame in wire.sent)
    assert votes == [(id, "tea")]


async def test_sparks_are_registered_below_its_namespace(make_primus: Any, redis: Any) -> None:
    primus = make_primus()
    spark, _ = join(primus)

    async with asyncio.timeout(60):
        while await primus.metroplex.spark(spark.id) != "http://10.0.0.1:8080":
            pass

    assert all(key.startswith("primacron:") for key in await redis.keys("*"))


async def test_an_application_has_sparks_of_its_own(make_primus: Any) -> None:
    class Visitor(PrimacronSpark):
        name = "guest"

    primus = make_primus(Primacron[Visitor])
    spark, _ = join(primus)

    assert isinstance(spark, Visitor)


async def test_clients_have_a_class_for_it() -> None:
    kind = Primacron.client()
    socket = kind("http://localhost", manual=True, mirage="an id")

    assert issubclass(kind, PrimacronSocket)
    assert socket.mirage == "an id"
    assert list(socket.plugin()) == ["mirage", "emit-broadcast"]
    socket.destroy()


async def test_a_client_of_that_class_talks_to_a_server(redis_path: Any) -> None:
    options: Any = {"redis": f"unix://{redis_path}", "password": "secret"}
    primus: Any = await Primacron.create_server(host="127.0.0.1", **options)
    primus.validate("vote", lambda spark, choice: True)
    primus.on("vote", lambda spark, choice: spark.emit("counted", choice))
    socket = Primacron.client()(primus.url)
    events = Recorder(socket, "counted", "mirage")

    async with socket:
        (id,) = await events.next("mirage")
        socket.emit("vote", "tea")
        assert await events.next("counted") == ("tea",)

    assert socket.mirage == id
    await primus.destroy()


async def test_a_module_has_no_other_attributes() -> None:
    import primus_primacron

    with pytest.raises(AttributeError, match="other"):
        _ = primus_primacron.other  # type: ignore[attr-defined]
