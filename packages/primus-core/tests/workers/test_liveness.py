"""Whether a worker still answers."""

from primus.workers.liveness import Liveness


def test_a_worker_hangs_that_leaves_five_questions_in_a_row_open() -> None:
    liveness = Liveness()

    assert [liveness.ask() for _ in range(7)] == [True] * 5 + [False] * 2


def test_an_answer_is_one_to_all_questions_before_it() -> None:
    liveness = Liveness()
    for _ in range(5):
        liveness.ask()

    liveness.answered()

    assert [liveness.ask() for _ in range(6)] == [True] * 5 + [False]
