"""What every test of this repository begins with."""

import gc

import pytest

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


@pytest.fixture(autouse=True, scope="module")
def old_objects() -> None:
    """Let garbage collections, which many tests ask for, pass over what is older than a module."""
    gc.collect()
    gc.freeze()
