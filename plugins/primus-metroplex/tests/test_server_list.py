"""How long what the registry told of the servers holds."""

from primus_metroplex.server_list import ServerList


def test_a_list_holds_for_its_time() -> None:
    servers = ServerList()
    assert servers.known(100.0) is None
    assert servers.last(100.0) is None

    servers.learn(["a", "b"], 100.0, 1.0)

    assert servers.known(100.9) == ("a", "b")
    assert servers.known(101.0) is None
    assert servers.last(200.0) == ("a", "b")


def test_a_change_makes_the_registry_be_asked() -> None:
    servers = ServerList()
    servers.learn(["a"], 100.0, 10.0)

    servers.ask_again()

    assert servers.known(100.0) is None


def test_an_answer_to_a_question_of_before_a_change_does_not_hold() -> None:
    servers = ServerList()
    servers.learn(["a"], 100.0, 10.0)
    asked = servers.asked

    servers.ask_again()
    servers.learn(["a", "b"], 101.0, 10.0, servers.asked)

    assert servers.learn(["a"], 102.0, 10.0, asked) == ("a",)
    assert servers.known(102.0) == ("a", "b")
    servers.lost(103.0)
    assert servers.learn(["c"], 104.0, 10.0, asked) == ("c", "a", "b")
    servers.learn(["c"], 104.0, 10.0, servers.asked)
    before = servers.asked
    servers.gone("a")
    assert servers.asked != before
    assert servers.known(104.0) is None


def test_a_registry_that_has_lost_its_data_is_given_time_to_be_told_again() -> None:
    servers = ServerList()
    servers.learn(["a", "b"], 100.0, 10.0)

    servers.lost(101.0)

    assert servers.known(101.0) is None
    assert servers.learn(["b"], 102.0, 10.0) == ("b", "a")
    servers.lost(103.0)
    assert servers.learn(["c"], 104.0, 100.0) == ("c", "b", "a")
    assert servers.known(114.9) == ("c", "b", "a")
    assert servers.known(115.0) == ("c",)


def test_a_server_that_was_unregistered_is_not_kept() -> None:
    servers = ServerList()
    servers.learn(["a", "b"], 100.0, 10.0)
    servers.lost(101.0)

    servers.gone("a")

    assert servers.learn([], 102.0, 10.0) == ("b",)
