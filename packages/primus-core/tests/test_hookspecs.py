import inspect
from pathlib import Path

import pytest

from primus import hookspecs

HOOKS = [name for name in vars(hookspecs) if name.startswith("primus_")]
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_where_it_is_declared(hook: str) -> None:
    function = getattr(hookspecs, hook)
    assert inspect.getdoc(function)
    assert hasattr(function, "primus_spec")


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_used_by_a_test(hook: str) -> None:
    texts = [
        file.read_text("utf-8")
        for folder in ("packages", "plugins")
        for file in (ROOT / folder).glob("**/*.py")
        if file.name != "hookspecs.py" and ("tests" in file.parts or "primus_testing" in file.parts)
    ]
    ways = (f"def {hook}(", f"{hook}=")
    assert any(way in text for text in texts for way in ways), f"no test has a plugin with {hook}"


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_heading_in_the_reference(hook: str) -> None:
    text = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    headings = [
        line for line in text.splitlines() if line.startswith("#") or "autofunction" in line
    ]
    assert any(hook in line for line in headings), f"docs/hooks.md has no heading for {hook}"


def test_all_hooks_share_the_prefix() -> None:
    specified = {name for name, value in vars(hookspecs).items() if hasattr(value, "primus_spec")}
    assert specified == set(HOOKS)
