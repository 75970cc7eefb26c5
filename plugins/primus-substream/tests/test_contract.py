from primus_testing import PluginContract


class TestContract(PluginContract):
    plugin = "substream"
    packets = (
        lambda value: {"substream": value, "args": value},
        lambda value: {"substream": "chat", "args": value},
        lambda value: {"substream": "chat", "args": "substream::end", "escaped": value},
        lambda value: {"substream": "chat", value if isinstance(value, str) else "x": value},
    )
