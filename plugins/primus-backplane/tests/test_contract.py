from primus_testing import PluginContract


class TestContract(PluginContract):
    """What every plugin has to do: fit, leave nothing behind, survive whatever arrives."""

    plugin = "backplane"
