import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pluggy
import pytest

from primus import (
    AttachError,
    BrokenPluginError,
    HookError,
    InvalidPluginError,
    OptionError,
    Primus,
    UnknownPluginError,
    hookimpl,
    registry,
)
from primus.entry_points import EntryPoint
from primus.parsers.json import JSONParser
from primus.registry import (
    PARSER,
    PLUGIN,
    TRANSFORMER,
    Kind,
    find,
    parser_named,
    plugins_named,
    transformer_named,
)
from primus.server.hosts import Host
from primus_testing import MemoryTransformer

Offer = Callable[..., None]
MakePrimus = Callable[..., Primus]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Pretends that distributions are installed: ``offer(group, name, module)``."""
    offers: list[EntryPoint] = []
    monkeypatch.setattr(
        registry, "entry_points", lambda group: [one for one in offers if one.group == group]
    )

    def offer(group: str, name: str, module: object = None, value: str = "") -> None:
        if module is not None:
            value = f"made_up_{len(offers)}"
            monkeypatch.setitem(sys.modules, value, module)  # type: ignore[arg-type]
        offers.append(EntryPoint(name, value, group))

    return offer


def module(**hooks: Any) -> ModuleType:
    made = ModuleType("made_up")
    for name, result in hooks.items():
        setattr(made, name, hookimpl(_giving(result)))
    return made


def _giving(result: Any) -> Any:
    return lambda: result


def test_a_name_is_found_in_any_case(offer: Offer) -> None:
    plugin = ModuleType("plugin")
    offer("primus.plugins", "Rooms", plugin)
    assert find(PLUGIN, "rooms") is plugin
    assert find(PLUGIN, "ROOMS") is plugin


def test_only_what_is_named_is_imported(offer: Offer) -> None:
    plugin = ModuleType("plugin")
    offer("primus.plugins", "good", plugin)
    offer("primus.plugins", "broken", value="no_such_module_at_all")
    assert find(PLUGIN, "good") is plugin


def test_an_unknown_plugin_lists_what_is_installed_and_how_to_get_it(offer: Offer) -> None:
    offer("primus.plugins", "rooms", ModuleType("plugin"))
    offer("primus.plugins", "multiplex", ModuleType("plugin"))
    with pytest.raises(UnknownPluginError) as caught:
        find(PLUGIN, "metroplex")
    assert str(caught.value) == (
        "unknown plugin 'metroplex'. Installed: multiplex, rooms. Try: pip install primus-metroplex"
    )


def test_the_name_of_the_node_package_names_its_distribution(offer: Offer) -> None:
    with pytest.raises(
        UnknownPluginError, match=r"Installed: none\. Try: pip install primus-rooms$"
    ):
        find(PLUGIN, "primus-rooms")


def test_a_misspelt_name_of_what_is_installed_is_put_right(offer: Offer) -> None:
    offer("primus.plugins", "rooms", ModuleType("plugin"))
    with pytest.raises(UnknownPluginError) as caught:
        find(PLUGIN, "roms")
    message = "unknown plugin 'roms'. Installed: rooms. Did you mean 'rooms'?"
    assert str(caught.value).startswith(message)


def test_an_unknown_name_without_a_resemblance_gets_no_suggestion(offer: Offer) -> None:
    with pytest.raises(UnknownPluginError) as caught:
        find(PLUGIN, "zzz")
    assert str(caught.value) == "unknown plugin 'zzz'. Installed: none."


@pytest.mark.parametrize("kind", [PLUGIN, PARSER, TRANSFORMER], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "name", ["left-pad", "primus-left-pad", "room", "emiter", "websocket", "jsn"]
)
def test_only_distributions_of_this_project_are_ever_advised(
    offer: Offer, kind: Kind, name: str
) -> None:
    with pytest.raises(UnknownPluginError) as caught:
        find(kind, name)
    advised = str(caught.value).partition("pip install ")[2]
    assert advised in {"", *kind.distributions.values()}


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("websockets", "primus-transformer-ws"),
        ("faye", "primus-transformer-faye"),
        ("lws", "primus-transformer-lws"),
        ("uws", "primus-transformer-lws"),
        ("engine.io", "primus-transformer-engineio"),
        ("socket.io", "primus-transformer-socketio"),
    ],
)
def test_the_distribution_of_a_known_transformer_is_named(
    offer: Offer, name: str, distribution: str
) -> None:
    with pytest.raises(UnknownPluginError, match=f"pip install {distribution}$"):
        find(TRANSFORMER, name)


@pytest.mark.parametrize(
    ("name", "distribution"),
    [("msgpack", "primus-parser-msgpack"), ("json", "primus-core")],
)
def test_the_distribution_of_a_known_parser_is_named(
    offer: Offer, name: str, distribution: str
) -> None:
    with pytest.raises(UnknownPluginError, match=f"pip install {distribution}$"):
        find(PARSER, name)


@pytest.mark.parametrize("name", ["emit", "emitter", "primus-emit", "primus-emitter"])
def test_the_names_of_node_packages_lead_to_ours(offer: Offer, name: str) -> None:
    with pytest.raises(UnknownPluginError, match=r"pip install primus-emit$"):
        find(PLUGIN, name)


def test_a_misspelt_name_gets_the_right_distribution(offer: Offer) -> None:
    with pytest.raises(UnknownPluginError) as caught:
        find(TRANSFORMER, "websocket")
    assert "Did you mean 'websockets'?" in str(caught.value)
    assert str(caught.value).endswith("pip install primus-transformer-ws")


def test_a_plugin_that_cannot_be_imported_says_why_and_how_to_mend_it(offer: Offer) -> None:
    offer("primus.plugins", "rooms", value="no_such_module_at_all")
    with pytest.raises(BrokenPluginError) as caught:
        find(PLUGIN, "rooms")
    message = str(caught.value)
    assert message.startswith("the plugin 'rooms' is installed but cannot be imported: ")
    assert "No module named 'no_such_module_at_all'" in message
    assert message.endswith("Try: pip install --force-reinstall primus-rooms")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(("module", "installed_by"), [("redis", "redis"), ("nats", "nats-py")])
def test_a_plugin_without_the_library_of_an_extra_says_which_to_install(
    offer: Offer, monkeypatch: pytest.MonkeyPatch, module: str, installed_by: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    offer("primus.plugins", "rooms", value=module)
    with pytest.raises(BrokenPluginError, match=rf"Try: pip install {installed_by}$"):
        find(PLUGIN, "rooms")


def test_a_transformer_without_its_hook_is_invalid(offer: Offer) -> None:
    offer("primus.transformers", "mine", module(primus_parser=JSONParser()))
    with pytest.raises(InvalidPluginError, match="has no hook primus_transformer, marked"):
        transformer_named("mine")


def test_a_module_without_any_hook_is_invalid(offer: Offer) -> None:
    offer("primus.parsers", "mine", ModuleType("empty"))
    with pytest.raises(InvalidPluginError, match="has no function that is marked @hookimpl"):
        parser_named("mine")


def test_a_module_is_checked_once_and_asked_each_time(
    offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsers = iter([first := JSONParser(), second := JSONParser()])
    offering = ModuleType("offering")
    offering.primus_parser = hookimpl(lambda: next(parsers))  # type: ignore[attr-defined]
    offer("primus.parsers", "mine", offering)
    assert parser_named("mine")[1] is first
    monkeypatch.delattr(pluggy, "PluginManager")
    assert parser_named("mine")[1] is second


def test_what_offers_a_parser_may_be_an_object_without_a_hash(offer: Offer) -> None:
    class Offering(SimpleNamespace):
        @hookimpl
        def primus_parser(self) -> JSONParser:
            return JSONParser()

    offer("primus.parsers", "mine", Offering())
    assert isinstance(parser_named("mine")[1], JSONParser)


def test_a_module_that_does_not_fit_says_so_until_it_does(offer: Offer) -> None:
    misspelt = module(primus_parser=JSONParser(), primus_parsers=None)
    offer("primus.parsers", "mine", misspelt)
    for _ in range(2):
        with pytest.raises(HookError, match="'mine' does not fit: unknown hook 'primus_parsers'"):
            parser_named("mine")
    del misspelt.primus_parsers
    assert parser_named("mine")[0] == "mine"


@pytest.mark.parametrize("wrong", [object, JSONParser(), 7, "text"])
def test_a_hook_that_gives_no_transformer_is_invalid(offer: Offer, wrong: Any) -> None:
    offer("primus.transformers", "mine", module(primus_transformer=wrong))
    with pytest.raises(InvalidPluginError, match="a transformer must be a name or a subclass"):
        transformer_named("mine")


@pytest.mark.parametrize("wrong", [object(), JSONParser, 7])
def test_what_is_no_parser_is_invalid(offer: Offer, wrong: Any) -> None:
    offer("primus.parsers", "mine", module(primus_parser=wrong))
    with pytest.raises(InvalidPluginError, match="or an object with encode and decode"):
        parser_named("mine")
    with pytest.raises(InvalidPluginError, match="or an object with encode and decode"):
        parser_named(wrong)


def test_classes_and_objects_are_taken_as_they_are() -> None:
    parser = JSONParser()
    assert transformer_named(MemoryTransformer) == ("memory", MemoryTransformer)
    assert parser_named(parser) == ("json", parser)
    custom = SimpleNamespace(encode=str, decode=str)
    assert parser_named(custom) == ("custom", custom)


class TextOnly(MemoryTransformer):
    name = "text-only"
    binary = False


class Packed:
    name = "packed"
    binary = True
    encode = decode = staticmethod(bytes)


def test_frames_of_bytes_over_a_transformer_of_text_are_an_error_at_once(
    make_primus: MakePrimus,
) -> None:
    says = "the parser 'packed' are bytes, and the transformer 'text-only' carries text only"
    with pytest.raises(OptionError, match=says):
        make_primus(transformer=TextOnly, parser=Packed())
    with pytest.raises(OptionError, match=says):
        Primus.create_socket(transformer=TextOnly, parser=Packed())
    make_primus(transformer=TextOnly, parser=JSONParser())
    make_primus(transformer=MemoryTransformer, parser=Packed())


def test_the_names_of_this_repository_are_installed() -> None:
    assert parser_named("JSON")[0] == "json"
    assert isinstance(parser_named("json")[1], JSONParser)


def test_a_primus_names_the_kind_of_what_it_does_not_know(make_primus: MakePrimus) -> None:
    with pytest.raises(UnknownPluginError, match="unknown transformer 'carrier-pigeon'"):
        make_primus(transformer="carrier-pigeon")
    with pytest.raises(UnknownPluginError, match="unknown parser 'yaml'"):
        make_primus(parser="yaml")
    with pytest.raises(UnknownPluginError, match="unknown plugin 'nothing-like-it'"):
        make_primus(plugin="nothing-like-it")


def test_the_three_errors_are_of_the_kinds_that_python_knows() -> None:
    assert issubclass(UnknownPluginError, LookupError)
    assert issubclass(BrokenPluginError, ImportError)
    assert issubclass(InvalidPluginError, TypeError)
    assert issubclass(HookError, InvalidPluginError)


# -- hosts


class Machine:
    """A server of a kind that core does not know."""


class Lathe(Machine):
    pass


class MachineHost(Host):
    name = "machine"
    listening = None

    def __init__(self, primus: Any, server: Any) -> None:
        self.server = server

    async def close(self, *, stop: bool) -> None:
        pass


MACHINE = f"{__name__}.Machine"


def test_a_host_is_found_by_the_class_of_the_server_or_one_of_its_bases(offer: Offer) -> None:
    offer("primus.hosts", MACHINE, MachineHost)
    for server in (Machine(), Lathe()):
        host = Primus(server, transformer=MemoryTransformer, parser=JSONParser()).host
        assert isinstance(host, MachineHost)
        assert host.server is server


def test_a_host_of_a_server_comes_before_that_of_asgi(offer: Offer) -> None:
    class Application(Machine):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            """Do nothing."""

    offer("primus.hosts", MACHINE, MachineHost)
    assert isinstance(
        Primus(Application(), transformer=MemoryTransformer, parser=JSONParser()).host, MachineHost
    )


def test_a_host_that_offers_less_than_a_transformer_needs_is_refused(offer: Offer) -> None:
    class Needing(MemoryTransformer):
        needs = frozenset({"http"})

    offer("primus.hosts", MACHINE, MachineHost)
    with pytest.raises(AttachError, match="needs http, which machine does not offer"):
        Primus(Machine(), transformer=Needing, parser=JSONParser())


def test_what_is_no_host_is_refused(offer: Offer) -> None:
    offer("primus.hosts", MACHINE, Machine)
    with pytest.raises(InvalidPluginError, match="must be a subclass of Host"):
        Primus(Machine(), transformer=MemoryTransformer, parser=JSONParser())


def test_a_library_that_is_optional_is_named_with_what_installs_it(offer: Offer) -> None:
    offer("primus.plugins", "posting", value="aiohttp.no_such_module_at_all")
    with pytest.raises(BrokenPluginError, match=r"Try: pip install aiohttp$"):
        find(PLUGIN, "posting")


def test_a_plugin_may_be_used_by_another_name_than_it_is_installed_by(offer: Offer) -> None:
    plugin = ModuleType("plugin")
    offer("primus.plugins", "rooms", plugin)
    assert plugins_named({"Mine": "Rooms", "ROOMS": None}) == {"mine": plugin, "rooms": plugin}
