"""Which methods clients may call, and with what."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from primus import ValidationError
from primus_resource.methods import Method, ResourceError, methods_of, remote_name


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("onWalk", "Walk"), ("onwalk", "walk"), ("on_walk", "walk"), ("on_walk_far", "walk_far"),
        ("only", "ly"), ("on", None), ("on_", None), ("once", None), ("onready", None),
        ("on_ready", None), ("onconnection", None), ("on_connection", None),
        ("ondisconnection", None), ("on_disconnection", None), ("walk", None), ("_on_walk", None),
        ("broadcast", None),
    ],
)  # fmt: skip
def test_clients_call_what_begins_with_on(attribute: str, name: str | None) -> None:
    assert remote_name(attribute) == name


class Creature:
    """Methods of every kind."""

    onsize = 5

    def __init__(self) -> None:
        self.on_later = lambda spark: "later"

    def on_walk(self, spark: Any, far: Any) -> str:
        return f"walked {far}"

    @staticmethod
    def onJump(spark: Any) -> str:  # noqa: N802
        return "jumped"

    @classmethod
    def on_kind(cls, spark: Any) -> str:
        return cls.__name__

    @property
    def on_property(self) -> Any:
        raise AssertionError("it is not looked at")

    def walk(self, spark: Any) -> None:
        """Clients cannot call it."""


def test_methods_of_an_object_are_found_wherever_they_stand() -> None:
    methods = methods_of(Creature())

    assert sorted(methods) == ["Jump", "kind", "later", "walk"]
    assert [called(methods[name], [1]) for name in sorted(methods)] == [
        "jumped", "Creature", "later", "walked 1"
    ]  # fmt: skip


def test_two_methods_with_one_name_are_refused() -> None:
    both = SimpleNamespace(onwalk=lambda spark: 1, on_walk=lambda spark: 2)

    with pytest.raises(ResourceError, match="two methods that clients would call 'walk'"):
        methods_of(both)


def test_a_method_that_takes_no_spark_is_refused() -> None:
    with pytest.raises(ResourceError, match="takes no spark"):
        methods_of(SimpleNamespace(on_walk=lambda: 1))


def test_a_type_that_cannot_be_checked_is_refused_when_the_resource_is_made() -> None:
    def walk(spark: Any, far: "range") -> None:
        """Values of a peer are no ranges."""

    with pytest.raises(ResourceError, match="the method 'walk'"):
        Method("walk", walk)


# -- arguments


def called(method: Method, given: list[Any], ack: Any = None) -> Any:
    return method.call(None, method.arguments(given), ack)


@pytest.mark.parametrize(
    ("given", "seen"), [([1, 2], (1, 2)), ([1], (1, None)), ([], (None, None)), ([1, 2, 3], (1, 2))]
)
def test_without_types_arguments_are_as_in_javascript(given: list[Any], seen: Any) -> None:
    assert called(Method("walk", lambda spark, a, b: (a, b)), given) == seen


def test_without_types_a_default_stands_for_what_is_left_out() -> None:
    assert called(Method("walk", lambda spark, a=5: a), []) == 5
    assert called(Method("walk", lambda spark, *args: args), [1, 2]) == (1, 2)


@dataclass
class Place:
    """Where to walk."""

    x: int
    y: int = 0


def go(spark: Any, to: Place, fast: bool = False) -> Any:
    return to, fast


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ([{"x": 1}], (Place(1, 0), False)),
        ([{"x": 1, "y": 2}, True, "beyond"], (Place(1, 2), True)),
    ],
)
def test_with_types_arguments_are_converted(given: list[Any], seen: Any) -> None:
    assert called(Method("go", go), given) == seen


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([], "to: is missing"),
        ([None], "^to: "),
        ([{"x": "far"}], r"^to\.x: "),
        ([{"y": 1}], r"^to\.x: is missing"),
        ([{"x": 1}, "yes"], "^fast: "),
    ],
)
def test_what_is_of_another_type_is_refused_by_name(given: list[Any], error: str) -> None:
    with pytest.raises(ValidationError, match=error):
        called(Method("go", go), given)


@pytest.mark.parametrize("given", [[], [1], [1, 2], [1, 2, 3]])
def test_the_acknowledgement_is_the_last_argument_whatever_arrives(given: list[Any]) -> None:
    def plain(spark: Any, a: Any, b: Any = 7, ack: Any = None) -> Any:
        return ack

    def typed(spark: Any, a: int = 0, b: int = 7, *, c: int = 1) -> Any:
        return a

    def older(spark: Any, a: Any, fn: Any) -> Any:
        return fn

    for method in (plain, older):
        assert Method("walk", method).takes_ack
        assert called(Method("walk", method), given, "the ack") == "the ack"
    assert not Method("walk", typed).takes_ack
    assert called(Method("walk", typed), given, "the ack") == (given or [0])[0]
