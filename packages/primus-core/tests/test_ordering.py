from typing import Any

import pluggy
import pytest

from primus import HookError, Order, PluginOrderError, Primus, hookimpl
from primus.client.socket import Socket
from primus.client.socket_class import fitted
from primus.ordering import Place, arrange
from primus.server.install import Snapshot
from primus_testing import MemoryTransformer, join


class Ordered:
    """A plugin that says where it stands."""

    def __init__(self, **wishes: Any) -> None:
        self.order = Order(**wishes)

    @hookimpl
    def primus_order(self) -> Order:
        return self.order


def arranged(**wishes: Order) -> str:
    """The names in the order that suits all, with spaces between them."""
    places = [Place.of(name, None, order) for name, order in wishes.items()]
    return " ".join(place.name for place in arrange(places))


def in_use(**plugins: Ordered) -> list[str]:
    return list(Primus(transformer=MemoryTransformer, plugin=plugins).ark)


# -- the order


def test_without_wishes_the_given_order_stays() -> None:
    assert arranged(c=Order(), a=Order(), b=Order()) == "c a b"


def test_a_plugin_comes_before_those_it_names() -> None:
    assert arranged(a=Order(), b=Order(), c=Order(before=["a"])) == "b c a"


def test_a_plugin_comes_after_those_it_names() -> None:
    assert arranged(a=Order(after=["c"]), b=Order(), c=Order()) == "b c a"


def test_an_order_that_suits_already_stays() -> None:
    assert arranged(b=Order(before="a"), d=Order(), a=Order(after="b")) == "b d a"


def test_wishes_add_up() -> None:
    assert arranged(a=Order(after="b"), b=Order(after="c"), c=Order()) == "c b a"


def test_names_are_written_as_in_the_option_plugin() -> None:
    assert arranged(a=Order(), b=Order(), c=Order(before="a, b")) == "c a b"
    assert arranged(a=Order(), b=Order(), c=Order(before="a b")) == "c a b"


def test_a_name_with_the_prefix_is_the_same_name() -> None:
    order = {"primus-emit": Order(), "rooms": Order(before="emit")}
    assert arranged(**order) == "rooms primus-emit"
    order = {"emit": Order(), "Rooms": Order(before="primus-emit")}
    assert arranged(**order) == "Rooms emit"


def test_plugins_that_are_not_in_use_do_not_matter() -> None:
    assert arranged(a=Order(before="x", after="y"), b=Order()) == "a b"


def test_a_plugin_that_names_itself_does_not_wait_for_itself() -> None:
    assert arranged(a=Order(before="a", after="a")) == "a"


def test_a_plugin_is_meant_by_the_name_of_its_module_too() -> None:
    import primus_transformer_ws

    place = Place.of("mine", primus_transformer_ws, None)
    assert place.names == {"mine", "transformer-ws"}


# -- conflicts


def test_a_contradiction_names_the_plugins_and_their_order() -> None:
    with pytest.raises(PluginOrderError) as caught:
        arranged(a=Order(before="b"), b=Order(before="a"))
    assert str(caught.value) == (
        "no order suits all plugins: 'a' must come before 'b' (so says 'a'); "
        "'b' must come before 'a' (so says 'b')"
    )


def test_a_circle_is_shown_without_those_that_only_wait_for_it() -> None:
    with pytest.raises(PluginOrderError) as caught:
        arranged(late=Order(after="a"), a=Order(after="b"), b=Order(after="c"), c=Order(after="a"))
    message = str(caught.value)
    assert "late" not in message
    assert message.count("must come before") == 3
    assert "'c' must come before 'b' (so says 'b')" in message


@pytest.mark.parametrize("order", ["emit", {"before": "emit"}, False])
def test_what_is_no_order_is_refused(order: Any) -> None:
    with pytest.raises(HookError, match=r"'mine': primus_order must give a primus\.Order, not"):
        Place.of("mine", None, order)


def test_names_that_are_no_text_are_refused() -> None:
    with pytest.raises(HookError, match=r"'mine': an Order has names of plugins, not \[1\]"):
        Place.of("mine", None, Order(before=[1]))  # type: ignore[list-item]


# -- in use


def test_the_option_plugin_is_put_in_order() -> None:
    assert in_use(a=Ordered(), b=Ordered(before="a")) == ["b", "a"]


async def test_the_hooks_run_in_that_order() -> None:
    steps: list[str] = []

    class Noting(Ordered):
        def __init__(self, name: str, **wishes: Any) -> None:
            super().__init__(**wishes)
            self.name = name

        @hookimpl
        def primus_connection(self) -> None:
            steps.append(self.name)

    plugins = {"a": Noting("a", after=["b"]), "b": Noting("b")}
    primus = Primus(transformer=MemoryTransformer, plugin=plugins)
    join(primus)
    assert steps == ["b", "a"]
    await primus.destroy()


def test_a_plugin_that_would_come_too_late_is_refused_and_leaves_nothing(primus: Primus) -> None:
    primus.use("a", Ordered())
    before = Snapshot.of(primus)
    with pytest.raises(PluginOrderError) as caught:
        primus.use("b", Ordered(before=["a"]))
    assert "'b' must come before 'a' (so says 'b'), which is in use already" in str(caught.value)
    assert "plugout('a') first" in str(caught.value)
    assert Snapshot.of(primus) == before
    assert list(primus.ark) == ["a"]


def test_a_plugin_that_another_one_has_waited_for_in_vain_is_refused(primus: Primus) -> None:
    primus.use("a", Ordered(after="b"))
    with pytest.raises(PluginOrderError, match=r"'b' must come before 'a' \(so says 'a'\)"):
        primus.use("b", Ordered())


def test_plugins_used_in_a_legal_order_are_used(primus: Primus) -> None:
    primus.use("a", Ordered(before="b")).use("b", Ordered(after="a"))
    assert list(primus.ark) == ["a", "b"]


def test_a_plugin_that_was_plugged_out_is_no_obstacle(primus: Primus) -> None:
    primus.use("a", Ordered())
    primus.plugout("a")
    primus.use("b", Ordered(before="a"))
    primus.use("a", Ordered())
    assert list(primus.ark) == ["b", "a"]


def test_plugins_that_contradict_one_another_make_no_server() -> None:
    with pytest.raises(PluginOrderError, match="no order suits all plugins"):
        in_use(a=Ordered(before="b"), b=Ordered(before="a"))


def test_the_plugins_of_a_socket_class_are_put_in_order_too() -> None:
    plugins = {"a": Ordered(), "b": Ordered(before="a")}
    made = fitted(Socket, transformer=MemoryTransformer, plugin=plugins)
    assert made.profile is not None
    assert list(made.profile.ark) == ["b", "a"]


def test_one_manager_serves_a_primus_with_plugins_and_each_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    managers: list[object] = []
    asked: list[str] = []

    class Counted(pluggy.PluginManager):
        def __init__(self, name: str) -> None:
            super().__init__(name)
            managers.append(self)

    class Declaring:
        def __init__(self, name: str) -> None:
            self.name = name

        @hookimpl
        def primus_order(self) -> Order:
            asked.append(f"order of {self.name}")
            return Order()

        @hookimpl
        def primus_options(self) -> dict[str, object]:
            asked.append(f"options of {self.name}")
            return {f"option_{self.name}": None}

    Primus()  # after which its transformer and its parser are known to fit
    monkeypatch.setattr(pluggy, "PluginManager", Counted)
    Primus()
    assert managers == []
    primus = Primus(plugin={name: Declaring(name) for name in "ab"}, option_a=1)
    assert len(managers) == 1
    assert asked == ["order of a", "options of a", "order of b", "options of b"]
    assert primus.options.extra == {"option_a": 1, "option_b": None}
    primus.use("c", Declaring("c"))
    assert len(managers) == 1
    assert asked[4:] == ["order of c", "options of c"]
