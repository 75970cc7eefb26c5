"""The types of waiting adapters name the same members, with the same parameters."""

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

from primus_rooms import RoomsPrimus, RoomsSpark, Selection, awaited


def declared() -> dict[str, dict[str, ast.FunctionDef]]:
    """The methods of each class, as type checkers read them."""
    tree = ast.parse(Path(awaited.__file__).with_suffix(".pyi").read_text("utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {
        each.name: {node.name: node for node in each.body if isinstance(node, ast.FunctionDef)}
        for each in classes
    }


@pytest.mark.parametrize("kind", [RoomsPrimus, RoomsSpark, Selection])
def test_they_are_the_same_classes_when_running(kind: Any) -> None:
    assert getattr(awaited, kind.__name__) is kind


@pytest.mark.parametrize("kind", [RoomsPrimus, RoomsSpark, Selection])
def test_they_declare_the_same_methods_with_the_same_parameters(kind: Any) -> None:
    methods = declared()[kind.__name__]
    own = {
        name: fn
        for name, fn in vars(kind).items()
        if inspect.isfunction(fn) and not name.startswith("_") and name != "in_"
    }

    assert {name for name in methods if not name.startswith("_")} - {
        "local",
        "ordered",
        "rooms",
    } == (own.keys() - {"rooms"})
    for name, fn in own.items():
        parameters = methods[name].args
        named = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
        named += [parameters.vararg.arg] if parameters.vararg else []
        named += [each.arg for each in parameters.kwonlyargs]
        assert named == list(inspect.signature(fn).parameters), name
