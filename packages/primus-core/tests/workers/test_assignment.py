"""What a worker is started with."""

from pathlib import Path

from primus.workers.notes import secret_of
from primus.workers.whereabouts import Place
from primus.workers.worker import Assignment


def test_an_assignment_arrives_and_shows_the_secret_to_no_other_user(tmp_path: Path) -> None:
    assignment = Assignment(Place("w1", 1, 2, str(tmp_path), "hush"), 5, 6)
    secret_of(str(tmp_path)).write_text("hush")

    text = assignment.dumps()

    assert "hush" not in text
    assert Assignment.loads(text) == assignment
