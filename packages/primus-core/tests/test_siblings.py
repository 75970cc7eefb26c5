"""Whether other processes take connections of the same port."""

import os
from pathlib import Path

import pytest

from primus.server.hosts import siblings
from primus.server.hosts.siblings import Siblings, declares_several, shares_a_port
from primus_testing import ManualClock

LISTENING = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 {one} 1
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 {two} 1
   2: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 77 1
   3: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 80 1
"""

UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000: 00000002 00000000 00010000 0001 01 90 /run/app.sock
0000: 00000003 00000000 00000000 0001 03 91
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A system with processes 10 and 11, children of 1, and 12, which is a child of 2."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(LISTENING.format(one="50", two="60"))
    (tmp_path / "net" / "unix").write_text(UNIX)
    for process, children in ((1, "10 11 "), (2, "12 "), (10, ""), (11, ""), (12, "")):
        (tmp_path / str(process) / "fd").mkdir(parents=True)
        (tmp_path / str(process) / "task" / str(process)).mkdir(parents=True)
        (tmp_path / str(process) / "task" / str(process) / "children").write_text(children)
    return tmp_path


def opens(proc: Path, process: int, *inodes: int) -> None:
    folder = proc / str(process) / "fd"
    (folder / "0").symlink_to("/dev/null")
    for number, inode in enumerate(inodes, start=1):
        (folder / str(number)).symlink_to(f"socket:[{inode}]")


@pytest.mark.parametrize(
    ("here", "there", "shares"),
    [
        ([50], [50], True),  # inherited, as by uvicorn and gunicorn
        ([50], [60], True),  # SO_REUSEPORT, as by granian
        ([90], [90], True),  # a unix socket
        ([50], [80], False),  # another port
        ([50], [77], False),  # a connection
        ([91], [91], False),
        ([50], [], False),
        ([], [50], False),
    ],
)
def test_another_child_of_the_same_parent_that_listens_there_shares_the_port(
    proc: Path, here: list[int], there: list[int], shares: bool
) -> None:
    opens(proc, 10, *here)
    opens(proc, 11, *there)

    assert shares_a_port(proc, own=10, parent=1) is shares


def test_a_port_of_ipv6_is_shared_and_is_not_that_of_ipv4(proc: Path) -> None:
    (proc / "net" / "tcp6").write_text(LISTENING.format(one="51", two="61"))
    opens(proc, 10, 51)
    opens(proc, 11, 60)
    assert not shares_a_port(proc, own=10, parent=1)
    opens(proc, 12, 61)
    (proc / "1" / "task" / "1" / "children").write_text("10 12 ")
    assert shares_a_port(proc, own=10, parent=1)


def test_a_child_of_another_thread_of_the_parent_is_a_sibling(proc: Path) -> None:
    (proc / "1" / "task" / "3").mkdir()
    (proc / "1" / "task" / "3" / "children").write_text("12 ")
    opens(proc, 10, 50)
    opens(proc, 12, 60)
    assert shares_a_port(proc, own=10, parent=1)


def test_lines_that_are_cut_short_are_passed_over(proc: Path) -> None:
    (proc / "net" / "tcp").write_text(LISTENING.format(one="50", two="60") + "   4: 0100007F\n")
    (proc / "net" / "unix").write_text(UNIX + "0000: 00000002 00000000\n")
    opens(proc, 10, 50)
    opens(proc, 11, 60)
    assert shares_a_port(proc, own=10, parent=1)


def test_a_process_that_has_gone_meanwhile_is_passed_over(proc: Path) -> None:
    (proc / "1" / "task" / "1" / "children").write_text("10 13 11 ")
    opens(proc, 10, 50)
    opens(proc, 11, 60)
    assert shares_a_port(proc, own=10, parent=1)


def test_a_parent_that_holds_the_socket_for_one_child_is_no_sibling(proc: Path) -> None:
    opens(proc, 1, 50)
    opens(proc, 10, 50)
    opens(proc, 12, 50)

    assert not shares_a_port(proc, own=10, parent=1)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The links that have been read."""
    links: list[str] = []
    readlink = os.readlink

    def reading(path: os.PathLike[str]) -> str:
        links.append(os.fspath(path))
        return readlink(path)

    monkeypatch.setattr(os, "readlink", reading)
    return links


def test_only_descriptors_that_are_there_are_read(proc: Path, read: list[str]) -> None:
    opens(proc, 10, 50)
    opens(proc, 11, 60)
    assert shares_a_port(proc, own=10, parent=1)
    assert len(read) == 4


def test_no_more_descriptors_of_a_process_are_read_than_the_first(
    proc: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siblings, "DESCRIPTORS", 2)
    opens(proc, 11, 60, 77, 80)
    shares_a_port(proc, own=10, parent=1)
    assert len(read) == 2


def test_the_table_of_sockets_is_not_read_for_siblings_without_sockets(
    proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siblings, "_listening", lambda proc: pytest.fail("the table is read"))
    opens(proc, 10, 50)
    opens(proc, 11)
    assert not shares_a_port(proc, own=10, parent=1)


def test_a_system_that_shows_nothing_is_taken_for_one_process(tmp_path: Path) -> None:
    assert not shares_a_port(tmp_path)


@pytest.mark.parametrize(
    ("argv", "environ", "several"),
    [
        (["uvicorn", "app:asgi", "--workers", "4"], {}, True),
        (["gunicorn", "-w", "2", "app:asgi"], {}, True),
        (["hypercorn", "--workers=3", "app:asgi"], {}, True),
        (["uvicorn", "app:asgi"], {"WEB_CONCURRENCY": "2"}, True),
        (["granian", "app:asgi"], {"GRANIAN_WORKERS": "2"}, True),
        (["uvicorn", "app:asgi", "--workers", "1"], {"WEB_CONCURRENCY": "1"}, False),
        (["uvicorn", "app:asgi", "--workers"], {}, False),
        (["uvicorn", "--workers", "many"], {}, False),
        (["uvicorn", "app:asgi"], {"WEB_CONCURRENCY": "9" * 5000}, True),
        (["uvicorn", "app:asgi"], {}, False),
    ],
)
def test_elsewhere_options_of_servers_tell(
    argv: list[str], environ: dict[str, str], several: bool
) -> None:
    assert declares_several(argv, environ) is several


def test_it_is_looked_again_later_and_later_and_not_once_there_are_some(
    manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [False, False, True]
    asked: list[float] = []

    def look() -> bool:
        asked.append(manual_clock.time())
        return answers.pop(0)

    monkeypatch.setattr(siblings, "shares_a_port", look)
    monkeypatch.setattr(siblings, "PROC", Path(__file__).parent)
    found = Siblings(manual_clock)
    seen = []
    for _ in range(10):
        seen.append(found.there())
        manual_clock.advance(0.5)

    begun = asked[0]
    assert [moment - begun for moment in asked] == [0.0, 1.0, 3.0]
    assert seen == [False] * 6 + [True] * 4
