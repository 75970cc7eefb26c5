"""What plugins add as classes, and classes of an application that derive from them."""

from __future__ import annotations

from typing import Any

import pytest

from primus import HookError, PluginError, Primus, Socket, Spark, SparkT_co, hookimpl
from primus.members import Given, declared, members
from primus_testing import ManualClock, MemoryTransformer, join


class Polite(Spark):
    language: str
    """Set elsewhere."""
    greeted = 0

    def greet(self, name: str) -> bool:
        return self.write(f"hello, {name}")

    welcome = greet


class PolitePrimus(Primus[SparkT_co]):
    names: list[str]

    def greet_all(self, name: str) -> None:
        self.write(f"hello, {name}")


class PoliteSocket(Socket):
    def greet(self, name: str) -> bool:
        return self.write(f"hello, {name}")


class Greeter:
    @hookimpl
    def primus_extend_spark(self) -> type[Polite]:
        return Polite

    @hookimpl
    def primus_extend_primus(self) -> type[Primus]:
        return PolitePrimus

    @hookimpl
    def primus_extend_socket(self) -> type[Socket]:
        return PoliteSocket

    @hookimpl
    def primus_setup(self, primus: Any) -> None:
        primus.names = []


def made(kind: Any = Primus, plugin: Any = None) -> Any:
    plugins = {"greeter": Greeter()} if plugin is None else plugin
    return kind(transformer=MemoryTransformer, clock=ManualClock(), plugin=plugins)


def test_the_members_of_a_class_are_what_it_adds_to_the_class_of_the_core() -> None:
    class More(Polite):
        """Derived."""

        greeted = 1

    assert members(More) == {"greeted": 1, "greet": Polite.greet, "welcome": Polite.greet}
    assert declared(More) == {"greeted", "greet", "welcome", "language"}


@pytest.mark.parametrize(("given", "found"), [(None, {}), ({"a": 1}, {"a": 1})])
def test_a_hook_may_return_a_mapping_or_nothing(given: Given, found: dict[str, Any]) -> None:
    assert members(given) == found
    assert declared(given) == set(found)


async def test_a_plugin_gives_its_classes_to_sparks_sockets_and_the_primus() -> None:
    primus = made()
    spark, wire = join(primus)
    socket = primus.Socket("http://memory", manual=True)

    spark.greet("Ada")
    primus.greet_all("Grace")

    assert wire.sent == ['"hello, Ada"', '"hello, Grace"']
    assert spark.greeted == 0
    assert primus.names == []
    assert socket.greet("Ada") is True
    primus.plugout("greeter")
    assert not hasattr(spark, "greet")
    assert not hasattr(primus, "greet_all")


async def test_sparks_are_of_the_class_of_the_application() -> None:
    class Visitor(Spark):
        name = "guest"

    primus = made(Primus[Visitor], {})
    spark, _ = join(primus)

    assert isinstance(primus, Primus)
    assert isinstance(spark, Visitor)
    assert spark.name == "guest"
    assert "events" not in vars(Visitor)


async def test_other_attributes_of_the_application_stand_beside_those_of_plugins() -> None:
    class Visitor(Spark):
        name = "guest"

    spark, wire = join(made(Primus[Visitor]))

    spark.greet(spark.name)

    assert wire.sent == ['"hello, guest"']


async def test_a_type_variable_in_place_of_a_class_stays_one() -> None:
    class Mine(Primus[SparkT_co]):
        """Generic itself."""

    class Visitor(Spark):
        """Of the application."""

    assert Mine.spark_class is Spark
    assert Mine[Visitor].spark_class is Visitor


async def test_the_application_derives_from_the_classes_of_plugins_and_overrides() -> None:
    class Visitor(Polite):
        def greet(self, name: str) -> bool:
            return super().greet(name.upper())

    class App(PolitePrimus[Visitor]):
        def greet_all(self, name: str) -> None:
            super().greet_all(name.lower())

    primus = made(App)
    spark, wire = join(primus)

    spark.greet("Ada")
    primus.greet_all("Grace")

    assert wire.sent == ['"hello, ADA"', '"hello, grace"']


async def test_an_attribute_of_the_application_that_a_plugin_gives_is_refused() -> None:
    class Visitor(Spark):
        greet = "hello"

    class App(Primus[SparkT_co]):
        greet_all = "hello"

    with pytest.raises(PluginError, match=r"'greeter': .*Visitor has an attribute 'greet' already"):
        made(Primus[Visitor])
    with pytest.raises(PluginError, match=r"'greeter': .*App has an attribute 'greet_all' already"):
        made(App)


async def test_a_name_that_the_primus_has_is_refused() -> None:
    class Taken(Primus[SparkT_co]):
        connected: int  # type: ignore[assignment]

    class Takes:
        @hookimpl
        def primus_extend_primus(self) -> type[Primus]:
            return Taken

    with pytest.raises(PluginError, match="'takes': the Primus has an attribute 'connected' alr"):
        made(plugin={"takes": Takes()})


async def test_a_primus_gets_no_properties() -> None:
    class Computed(Primus[SparkT_co]):
        @property
        def answer(self) -> int:
            return 42

    class Computes:
        @hookimpl
        def primus_extend_primus(self) -> type[Primus]:
            return Computed

    with pytest.raises(HookError, match="'computes': 'answer' cannot be given to a Primus"):
        made(plugin={"computes": Computes()})


async def test_a_plain_value_of_a_class_is_given_to_the_primus() -> None:
    class Valued(Primus[SparkT_co]):
        answer = 42

    class Values:
        @hookimpl
        def primus_extend_primus(self) -> type[Primus]:
            return Valued

    assert made(plugin={"values": Values()}).answer == 42


async def test_sockets_are_of_the_class_of_the_application() -> None:
    class Client(PoliteSocket):
        def greet(self, name: str) -> bool:
            return super().greet(name.upper())

    class Rude(Socket):
        greet = "no"

    options = {"transformer": MemoryTransformer, "plugin": {"greeter": Greeter()}}
    kind = Primus.create_socket(socket=Client, **options)  # type: ignore[arg-type]

    assert issubclass(kind, Client)
    assert "greet" not in vars(kind)
    with pytest.raises(PluginError, match=r"'greeter': .*Rude has an attribute 'greet' already"):
        Primus.create_socket(socket=Rude, **options)  # type: ignore[arg-type]
