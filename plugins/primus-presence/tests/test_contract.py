from primus_testing import PluginContract


class TestPresence(PluginContract):
    plugin = "presence"
    controls = ("presence",)


class TestItsOtherName(PluginContract):
    plugin = "primus-presence"
