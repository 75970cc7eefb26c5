"""Members that plugins add, asked for without the plugin."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from primus import Primus, Request, Socket, Spark, suggestions
from primus.errors import NotListeningError
from primus_testing import join, make_request

CALLS = [
    ("spark", "join", "rooms", "Primus(…, plugin='rooms')"),
    ("spark", "write_and_wait", "responder", "Primus(…, plugin='responder')"),
    ("primus", "room", "rooms", "Primus(…, plugin='rooms')"),
    ("primus", "channel", "multiplex", "Primus(…, plugin='multiplex')"),
    ("socket", "ask", "emitter", "Socket(url, plugin='emitter')"),
    ("socket", "channel", "multiplex", "Socket(url, plugin='multiplex')"),
]


@pytest.mark.parametrize(("kind", "member", "plugin", "cure"), CALLS)
async def test_a_member_of_a_plugin_that_is_not_in_use_names_the_plugin(
    primus: Primus, kind: str, member: str, plugin: str, cure: str
) -> None:
    owners: dict[str, Any] = {
        "spark": join(primus)[0],
        "primus": primus,
        "socket": primus.Socket("http://memory", manual=True),
    }
    with pytest.raises(AttributeError) as caught:
        getattr(owners[kind], member)
    assert f"has no attribute {member!r}: the plugin {plugin!r} adds it" in str(caught.value)
    assert cure in str(caught.value)
    assert not hasattr(owners[kind], member)


NODE = [
    ("primus", "forEach", "in Python it is for_each()"),
    ("primus", "createServer", "in Python it is await create_server()"),
    ("primus", "connections", "in Python it is len(primus)"),
    ("spark", "readyState", "in Python it is ready_state"),
    ("spark", "writeAndWait", "in Python it is await write_and_wait() of the plugin 'responder'"),
    ("socket", "readyState", "in Python it is ready_state"),
    ("request", "url", "in Python it is path, and query_string"),
]


@pytest.mark.parametrize(("kind", "member", "cure"), NODE)
def test_a_member_of_primus_for_node_names_ours(
    primus: Primus, kind: str, member: str, cure: str
) -> None:
    owners: dict[str, Any] = {
        "spark": join(primus)[0],
        "primus": primus,
        "socket": primus.Socket("http://memory", manual=True),
        "request": make_request("/primus"),
    }
    for owner in (owners[kind], type(owners[kind])):
        with pytest.raises(AttributeError) as caught:
            getattr(owner, member)
        assert f"has no attribute {member!r}: {cure}" in str(caught.value)
        assert not hasattr(owner, member)


def test_what_stands_for_members_of_node_is_there() -> None:
    classes = {"Primus": Primus, "Spark": Spark, "Socket": Socket, "Request": Request}
    for kind, names in suggestions.NODE.items():
        for instead in names.values():
            word = re.split(r"\W", instead.removeprefix("await "))[0]
            plugin = suggestions.MEMBERS.get(kind, {}).get(word)
            assert (
                f"plugin {plugin!r}" in instead
                if plugin
                else word in {"len", "connect", *dir(classes[kind])}
            )


async def test_a_member_whose_plugin_went_with_the_server_says_so(make_primus: Any) -> None:
    primus = make_primus()
    spark, _ = join(primus)
    await primus.destroy()
    for owner, member in ((primus, "room"), (spark, "join")):
        with pytest.raises(AttributeError) as caught:
            getattr(owner, member)
        assert str(caught.value).endswith(
            f"has no attribute {member!r}: the plugin 'rooms' adds it, and destroy() has taken the "
            "plugins out"
        )


def test_what_no_plugin_adds_is_a_plain_error(primus: Primus) -> None:
    spark, _ = join(primus)
    with pytest.raises(AttributeError) as caught:
        spark.frobnicate  # type: ignore[attr-defined]  # noqa: B018
    assert str(caught.value) == "'Spark' object has no attribute 'frobnicate'"
    assert caught.value.name == "frobnicate"


def test_a_property_that_raises_says_its_own(primus: Primus) -> None:
    with pytest.raises(NotListeningError, match="create_server"):
        primus.url  # noqa: B018


def test_private_names_are_looked_up_without_the_rest(primus: Primus) -> None:
    assert not hasattr(primus, "_ipython_display_")
    assert not hasattr(object.__new__(type(primus)), "_ark")
    assert copy.copy(primus).pathname == "/primus"
