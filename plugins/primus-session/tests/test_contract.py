from typing import Any, ClassVar

import pytest

from primus.registry import PLUGIN, find
from primus_testing import PluginContract


class TestSession(PluginContract):
    plugin = "session"
    options: ClassVar[dict[str, Any]] = {"session": {"secret": "keyboard cat"}}


@pytest.mark.parametrize(
    "name", ["primus-session", "primus-express-session", "hapi-primus-sessions"]
)
def test_it_has_the_names_of_its_node_packages_too(name: str) -> None:
    assert find(PLUGIN, "session") is find(PLUGIN, name)
