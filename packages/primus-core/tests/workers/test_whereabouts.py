"""Which worker a request is for."""

from collections import Counter
from typing import Any

import pytest

from primus import Request
from primus.workers.whereabouts import Owner, Place, Whereabouts
from primus_testing import make_request


class Sessions:
    """Sessions that are named by the server, or by clients."""

    def __init__(self, *here: str, names_by_client: bool = False) -> None:
        self.here = here
        self.names_by_client = names_by_client

    def session_of(self, request: Request) -> str | None:
        return request.query.text("sid") or None

    def has_session(self, id: str) -> bool:
        return id in self.here

    def opens(self, request: Request) -> bool:
        return not request.query


def whereabouts(node: str = "w0", slot: int = 0, slots: int = 2, secret: str = "s") -> Whereabouts:
    return Whereabouts(Place(node, slot, slots, "/nowhere", secret))


def asking(session: str = "") -> Any:
    return make_request(f"/primus?sid={session}" if session else "/primus")


@pytest.mark.parametrize(
    ("session", "owner"),
    [
        ("", None),
        ("w0-known", None),
        ("w0-unknown", None),
        ("w1-whatever", Owner("w1", True)),
        ("w7-whatever", None),
        ("w1", None),
        ("-w1", None),
        ("w10-whatever", None),
    ],
)
def test_a_session_names_its_worker(session: str, owner: Owner | None) -> None:
    found = whereabouts()
    found.update([("w0", 0, True), ("w1", 1, True)])

    assert found.find(Sessions("w0-known"), asking(session)) == owner


def test_a_session_that_lives_here_stays_whatever_its_name() -> None:
    found = whereabouts()
    found.update([("w0", 0, True), ("w1", 1, True)])

    assert found.find(Sessions("w1-adopted"), asking("w1-adopted")) is None


def test_a_worker_that_knows_no_other_keeps_everything() -> None:
    found = whereabouts()

    assert found.find(Sessions(), asking("w1-whatever")) is None
    assert found.find(Sessions(names_by_client=True), asking("abcdefgh")) is None
    assert found.successor is None


def test_sessions_of_a_worker_that_is_replaced_stay_with_it() -> None:
    found = whereabouts()
    found.update([("w0", 0, True), ("w1", 1, False), ("w2", 1, True)])

    assert found.find(Sessions(), asking("w1-old")) == Owner("w1", True)
    assert found.find(Sessions(), asking("w2-new")) == Owner("w2", True)


def test_a_worker_that_is_replaced_lets_its_successor_open_sessions() -> None:
    found = whereabouts("w1", 1)
    found.update([("w0", 0, True), ("w1", 1, False), ("w2", 1, True)])

    assert found.successor
    assert found.find(Sessions(), asking()) == Owner("w2", True)
    assert found.find(Sessions(), make_request("/primus?other=1")) is None


def test_another_worker_takes_the_place_of_a_successor_that_has_died() -> None:
    found = whereabouts("w1", 1)
    found.update([("w0", 0, True), ("w1", 1, False)])
    assert found.find(Sessions(), asking()) == Owner("w0", True)

    found.update([("w1", 1, False)])
    assert found.find(Sessions(), asking()) is None


def test_all_workers_agree_whose_a_session_is_that_its_client_has_named() -> None:
    known = [("w0", 0, True), ("w1", 1, True), ("w2", 2, True)]
    workers = [whereabouts(node, slot, 3) for node, slot, _ in known]
    for worker in workers:
        worker.update(known)
    sessions = Sessions(names_by_client=True)
    counted: Counter[str] = Counter()

    for number in range(300):
        owners = [worker.find(sessions, asking(f"session{number}")) for worker in workers]
        here = [node for (node, _, _), owner in zip(known, owners, strict=True) if owner is None]
        named = {owner.node for owner in owners if owner is not None}
        assert len(here) == 1
        assert named == set(here)
        counted[here[0]] += 1

    assert min(counted.values()) > 60


def test_clients_cannot_choose_the_worker_of_a_session_that_they_name() -> None:
    sessions = Sessions(names_by_client=True)

    def spread(secret: str) -> list[Owner | None]:
        found = whereabouts(secret=secret)
        found.update([("w0", 0, True), ("w1", 1, True)])
        return [found.find(sessions, asking(f"session{number}")) for number in range(64)]

    assert spread("one") != spread("another")


def test_a_session_that_its_client_has_named_may_be_with_the_worker_before() -> None:
    sessions = Sessions(names_by_client=True)
    former, new = whereabouts("w0", 0, 1), whereabouts("w1", 0, 1)
    for worker in (former, new):
        worker.update([("w0", 0, False), ("w1", 0, True)])

    assert new.find(sessions, asking("abcdefgh")) == Owner("w0", False)
    assert former.find(sessions, asking("abcdefgh")) == Owner("w1", True)
    assert former.find(Sessions("abcdefgh", names_by_client=True), asking("abcdefgh")) is None


def test_while_a_worker_is_dead_the_others_agree_which_of_them_has_its_sessions() -> None:
    known = [("w0", 0, True), ("w2", 2, True)]
    workers = [whereabouts(node, slot, 3) for node, slot, _ in known]
    for worker in workers:
        worker.update(known)
    sessions = Sessions(names_by_client=True)

    for number in range(100):
        owners = [worker.find(sessions, asking(f"session{number}")) for worker in workers]
        assert owners.count(None) == 1
