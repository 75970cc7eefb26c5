"""What every test of this repository begins with."""

import gc

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # what is tested does without
    pass
else:
    # How long an example takes, or its making, says how busy the machine is, and how many of the
    # first ones were too large is chance.
    settings.register_profile(
        "patient",
        settings.default,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    settings.load_profile("patient")


def pytest_collection_finish() -> None:
    """Let garbage collections pass over the tests and all modules: many tests ask for one."""
    gc.collect()
    gc.freeze()
