"""When a worker that has died is started again."""

from primus.workers.backoff import Restarts


def test_a_worker_that_had_run_for_long_is_started_again_at_once() -> None:
    restarts = Restarts()

    assert [restarts.died(lived) for lived in (1.0, 3600.0, 30.0)] == [0.0, 0.0, 0.0]


def test_a_worker_that_dies_again_and_again_waits_longer() -> None:
    restarts = Restarts()

    waits = [restarts.died(0.1) for _ in range(12)]

    assert waits == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0, 30.0]


def test_a_series_that_is_over_begins_anew() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.died(0.1)

    assert restarts.died(60.0) == 0.0
    assert restarts.died(0.1) == 0.5
