from typing import Any

import pytest

from primus import OptionError, Primus
from primus_chaos import Chaos
from primus_testing import ManualClock, MemoryTransformer


def chaos(**options: Any) -> Chaos:
    return Chaos({f"chaos_{name}": value for name, value in options.items()}, ManualClock())


@pytest.mark.parametrize(
    ("given", "meant"),
    [(0.5, (0.5, 0.5)), ((1, 2), (1.0, 2.0)), ([0, 0], (0.0, 0.0))],
)
def test_seconds_are_a_range_or_a_number(given: Any, meant: tuple[float, float]) -> None:
    assert chaos(delay=given).delay == meant
    assert chaos(cut=given).cut == meant


@pytest.mark.parametrize("never", [None, False])
def test_connections_need_not_be_cut(never: Any) -> None:
    assert chaos(cut=never).cut is None


BAD_SECONDS = [-1, (2, 1), (1,), (1, 2, 3), "1", (0, float("inf")), float("nan"), True, {}, 10**400]


@pytest.mark.parametrize("value", [*BAD_SECONDS, None])
def test_a_delay_that_cannot_work_is_refused(value: Any) -> None:
    with pytest.raises(OptionError, match=r"chaos_delay=.*: must be seconds >= 0, or a pair"):
        chaos(delay=value)


@pytest.mark.parametrize("value", BAD_SECONDS)
def test_a_time_to_cut_that_cannot_work_is_refused(value: Any) -> None:
    with pytest.raises(OptionError, match=r"chaos_cut=.*: must be seconds >= 0, or a pair"):
        chaos(cut=value)


@pytest.mark.parametrize("name", ["drop", "refuse"])
@pytest.mark.parametrize("value", [-0.1, 1.1, "0.5", None, True, float("nan"), (0, 1)])
def test_what_is_no_probability_is_refused(name: str, value: Any) -> None:
    with pytest.raises(OptionError, match=rf"chaos_{name}=.*: must be a probability from 0 to 1"):
        chaos(**{name: value})


def test_what_is_no_seed_is_refused() -> None:
    with pytest.raises(OptionError, match=r"chaos_seed=\[1\]: must be a number or a text"):
        chaos(seed=[1])


def test_settings_are_checked_when_they_are_changed_as_well() -> None:
    made = chaos()

    made.delay = (0.1, 0.2)
    with pytest.raises(OptionError, match=r"chaos_drop=2"):
        made.drop = 2

    assert (made.delay, made.drop) == ((0.1, 0.2), 0.0)


def test_a_setting_that_does_not_exist_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        chaos().dely = 1.0  # type: ignore[attr-defined]


async def test_a_server_is_not_made_with_an_option_that_cannot_work() -> None:
    with pytest.raises(OptionError, match=r"chaos_drop=7"):
        Primus(transformer=MemoryTransformer, plugin="chaos", chaos_drop=7)


async def test_a_misspelt_option_is_an_error() -> None:
    with pytest.raises(OptionError, match="Did you mean 'chaos_drop'"):
        Primus(transformer=MemoryTransformer, plugin="chaos", chaos_dorp=0.1)
