"""What every parser does: inherit `ParserContract`.

    class TestMine(ParserContract):
        parser = "mine"
        golden = ((["a", 1], '["a",1]'),)
        undecodable = ("[",)
        unencodable = (object(),)

A parser may be async; everything is tried directly and over a connection in memory.
"""

from __future__ import annotations

import asyncio
import math
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from time import process_time
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from primus.callables import is_awaitable
from primus.errors import ParserError, PrimusError
from primus.parser import Parser, browser_half, is_binary
from primus.registry import parser_named
from primus.server.primus import Primus
from primus_testing.clock import ManualClock
from primus_testing.memory import join
from primus_testing.network import MemoryTransformer
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.tracebacks import Tracebacks

__all__ = ["JSON_VALUES", "RELAXED", "ParserContract", "repeated"]

Frame = str | bytes

NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)
"""Every value that JSON has."""

RELAXED = settings(
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
    ],
)
"""For tests of `JSON_VALUES`, whose size and time say nothing."""

examples = settings(RELAXED, max_examples=60)


class ParserContract:
    """Attributes that a subclass sets."""

    parser: ClassVar[str | Parser]
    """The parser: a name, or an object."""

    golden: ClassVar[Sequence[tuple[Any, Frame]]] = ()
    """Values, each with the frame that it is encoded to and decoded from."""

    decoded: ClassVar[Sequence[tuple[Any, Frame]]] = ()
    """Values, each with another frame that it is decoded from, of several that there are."""

    undecodable: ClassVar[Sequence[Frame]] = ()
    """Frames that are no message of this parser."""

    boastful: ClassVar[Sequence[Frame]] = ()
    """Short frames that announce very long contents, which never come."""

    unencodable: ClassVar[Sequence[Any]] = ()
    """Values that have no frame in this parser."""

    nesting: ClassVar[Sequence[tuple[Frame, Frame, Frame]]] = ()
    """What opens a level of nesting in a frame, what may be inside, and what closes the level."""

    deepest: ClassVar[int | None] = None
    """How many levels of the first `nesting` are read, and not one more; `None` if that varies."""

    costly: ClassVar[Sequence[Callable[[int], Frame]]] = ()
    """Make frames that are much work, of about so many bytes; see `repeated`."""

    values: ClassVar[Iterable[Any]] = (
        None,
        True,
        False,
        0,
        -1,
        1.5,
        "",
        "pongРУССКИЙ €€€ \U0001f600 \u2028\u2029\x00",
        [],
        {},
        [[], [[]], {"a": {"b": [None]}}],
        {"": 0, "key with spaces": "value", "ключ": 1},
    )
    """Values that come back as they went."""

    # -- for those that cannot do all of it

    def same(self, sent: Any, received: Any) -> bool:
        """Whether a value has survived the way there and back."""
        if isinstance(sent, float) and math.isnan(sent):
            return isinstance(received, float) and math.isnan(received)
        return bool(sent == received and type(sent) is type(received))

    # -- the contract

    def test_it_is_found_and_has_both_methods(self) -> None:
        """A name leads to an object with ``encode`` and ``decode``."""
        assert isinstance(self._parser, Parser)

    def test_json_values_come_back_as_they_went(self) -> None:
        """The values that every parser has to carry."""
        for value in self.values:
            assert self.same(value, self._there_and_back(value)), value

    @examples
    @given(value=JSON_VALUES)
    def test_any_json_value_comes_back_as_it_went(self, value: Any) -> None:
        """Numbers may change their type, as they do in JavaScript, but not their value."""
        assert _equal(value, self._there_and_back(value))

    @examples
    @given(text=TEXTS)
    def test_any_text_comes_back_as_it_went(self, text: str) -> None:
        """Texts of all scripts, with control characters and astral ones."""
        assert self._there_and_back(text) == text

    @examples
    @given(value=JSON_VALUES)
    def test_what_is_written_stays_as_it_was(self, value: Any) -> None:
        """It is the application's, which may write it again, or to others."""
        for each in ([value], *([each] for each in self.values), *([v] for v, _ in self.golden)):
            given = deepcopy(each)
            self._encode(given[0])
            assert given == each

    def test_every_frame_gives_a_value_of_its_own(self) -> None:
        """An application may change what it gets, though the same frame comes again."""
        frame = self._encode({"items": [1, {}]})
        first, second = self._decode(frame), self._decode(frame)
        first["items"][1]["changed"] = first["changed"] = True
        first["items"].append(2)
        assert _equal(second, {"items": [1, {}]})
        assert _equal(self._decode(frame), {"items": [1, {}]})

    def test_frames_are_text_or_bytes_as_announced(self) -> None:
        """``binary`` says which; the browser asks for the one kind."""
        kind = bytes if is_binary(self._parser) else str
        for value in self.values:
            assert isinstance(self._encode(value), kind)

    def test_control_messages_pass(self) -> None:
        """They go through the parser like any message."""
        for text in ("primus::ping::1234567890123", "primus::id::abc", "primus::server::close"):
            assert self._there_and_back(text) == text

    def test_golden_values_are_encoded_to_their_frames(self) -> None:
        """The frames that peers in other languages send."""
        for value, frame in self.golden:
            assert self._encode(value) == frame

    def test_golden_frames_are_decoded_to_their_values(self) -> None:
        """The frames that peers in other languages send."""
        for value, frame in self.golden:
            assert self.same(value, self._decode(frame)), frame

    def test_other_frames_of_peers_are_decoded_too(self) -> None:
        """Where the format leaves a choice theirs may be another one, also of int or float."""
        for value, frame in self.decoded:
            assert value == self._decode(frame), frame

    def test_large_messages_come_back_as_they_went(self) -> None:
        """A text of a mebibyte, and a list of many items."""
        for value in ("x€" * 300_000, list(range(100_000))):
            assert self._there_and_back(value) == value

    def test_values_nested_a_hundred_deep_come_back_as_they_went(self) -> None:
        """Deeper than any message is written by hand."""
        value: Any = "inside"
        for _ in range(100):
            value = [value]
        assert self._there_and_back(value) == value

    def test_what_is_read_can_be_written_again_however_deep_it_is(self) -> None:
        """Also with something around it: applications pass on what they got with its sender."""
        for depth in (100, 254, 255, 400, 511, 1000, 1024, 5000):
            for opening, inside, closing in self.nesting:
                frame = opening * depth + inside + closing * depth  # type: ignore[operator]
                try:
                    value = self._decode(frame)
                except ParserError:
                    continue
                self._encode({"from": "abc", "message": [value]})
                assert self._encode(self._there_and_back(value)) == self._encode(value)

    def test_there_is_one_limit_of_depth(self) -> None:
        """What is one level deeper is an error when it arrives."""
        if self.deepest is None:
            return
        opening, inside, closing = self.nesting[0]
        for depth in (self.deepest, self.deepest + 1):
            frame = opening * depth + inside + closing * depth  # type: ignore[operator]
            if depth == self.deepest:
                self._decode(frame)
                continue
            with pytest.raises(ParserError):
                self._decode(frame)

    def test_the_work_for_a_frame_grows_with_its_length_only(self) -> None:
        """Eight times the length is not sixty-four times the work, both ways."""
        for made in self.costly:
            short, long = (_time(self._there_and_again, made(1 << log)) for log in (13, 16))
            assert long < 32 * short + 0.1, f"{made(40)!r}: {long} s, and {short} s for an eighth"

    def test_values_nested_too_deeply_are_an_error_and_no_crash(self) -> None:
        """A peer must not exhaust the stack."""
        value: Any = []
        for _ in range(200_000):
            value = [value]
        try:
            self._decode(self._encode(value))
        except Exception as error:
            assert isinstance(error, ParserError), repr(error)  # noqa: PT017
        finally:
            _unravel(value)

    def test_what_cannot_be_decoded_is_an_error_with_its_frame(self) -> None:
        """The error names the frame, and says more than nothing."""
        for frame in self.undecodable:
            with pytest.raises(ParserError) as caught:
                self._decode(frame)
            assert caught.value.frame == frame
            assert str(caught.value)

    def test_what_is_only_announced_allocates_nothing(self) -> None:
        """Five bytes can speak of gigabytes."""
        parser = self._parser  # looking it up allocates more with every distribution there is
        for frame in self.boastful:
            tracemalloc.start()
            try:
                with pytest.raises(ParserError):
                    _result(parser.decode(frame))
                assert tracemalloc.get_traced_memory()[1] < 100_000 + 100 * len(frame)
            finally:
                tracemalloc.stop()

    def test_what_cannot_be_encoded_is_an_error(self) -> None:
        """Values that do not exist on the wire."""
        recursive: list[Any] = []
        recursive.append(recursive)
        for value in (*self.unencodable, recursive):
            with pytest.raises(ParserError):
                self._encode(value)

    @examples
    @given(frame=st.binary() | st.text())
    def test_garbage_is_a_value_or_an_error(self, frame: Frame) -> None:
        """Nothing else is ever raised by what a peer sends, whatever the kind of frame."""
        self._pass_on(frame)

    @examples
    @given(value=JSON_VALUES, data=st.data())
    def test_frames_that_were_tampered_with_are_a_value_or_an_error(
        self, value: Any, data: st.DataObject
    ) -> None:
        """Garbage that looks like a frame goes deeper than noise does."""
        frame = self._encode(value)
        place = data.draw(st.integers(0, len(frame)))
        if isinstance(frame, str):
            tampered: Frame = frame[:place] + data.draw(st.text(max_size=3)) + frame[place + 1 :]
        else:
            tampered = frame[:place] + data.draw(st.binary(max_size=3)) + frame[place + 1 :]
        self._pass_on(tampered)

    @pytest.mark.asyncio
    async def test_errors_are_those_of_the_connection_which_goes_on(
        self, tracebacks: Tracebacks
    ) -> None:
        """Over a connection, what cannot be decoded is reported and the next message arrives."""
        primus = self._primus()
        spark, wire = join(primus)
        seen = Recorder(spark, "data", "error")
        for frame in self.undecodable:
            wire.receive(frame)
            assert isinstance(await seen.one("error"), ParserError)
        frame = await self._await(self._parser.encode({"next": 1}))
        wire.receive(frame)
        assert (await seen.next("data")) == ({"next": 1}, frame)

    @pytest.mark.asyncio
    async def test_the_error_of_a_write_says_which_part_cannot_be_encoded(self) -> None:
        """`write` raises it, and nothing is sent; of an async parser it is an event."""
        for value in self.unencodable:
            spark, wire = join(self._primus())
            seen = Recorder(spark, "error")
            raised: list[ParserError] = []
            try:
                spark.write({"fine": 1, "items": [True, value]})
            except ParserError as error:
                raised.append(error)
            else:
                assert isinstance(await seen.one("error"), ParserError)
            for failure in raised:
                path = failure.path or ""
                assert path.startswith('data["items"][1]')
                assert f"cannot encode {path}: " in str(failure)
                assert seen.story == []
            assert wire.sent == []

    @pytest.mark.asyncio
    async def test_messages_of_a_connection_keep_their_order(self, tracebacks: Tracebacks) -> None:
        """Also when the parser is async, and control messages are in between."""
        primus = self._primus()
        spark, wire = join(primus)
        for number in range(20):
            spark.write(number)
        spark.end()
        await eventually(lambda: len(wire.sent) == 21)
        values = [await self._await(self._parser.decode(frame)) for frame in wire.sent]
        assert values == [*range(20), "primus::server::close"]

    def test_its_browser_half_compiles_into_the_client(self) -> None:
        """A parser without one serves Python clients only; that is an error when asked for."""
        primus = self._primus()
        if browser_half(self._parser) is None:
            with pytest.raises(PrimusError, match="browser half"):
                primus.library()
            return
        assert primus.library("umd")
        assert primus.library("esm")

    # -- how it is done

    @property
    def _parser(self) -> Parser:
        return parser_named(self.parser)[1]

    def _primus(self) -> Primus:
        return Primus(parser=self.parser, transformer=MemoryTransformer, clock=ManualClock())

    def _encode(self, value: Any) -> Frame:
        frame: Frame = _result(self._parser.encode(value))
        return frame

    def _decode(self, frame: Frame) -> Any:
        return _result(self._parser.decode(frame))

    def _pass_on(self, frame: Frame) -> None:
        """What can be read can be written again, for others to read."""
        try:
            value = self._decode(frame)
        except ParserError:
            return
        self._there_and_back(value)

    def _there_and_again(self, frame: Frame) -> None:
        self._encode(self._decode(frame))

    def _there_and_back(self, value: Any) -> Any:
        return self._decode(self._encode(value))

    async def _await(self, value: Any) -> Any:
        return await value if is_awaitable(value) else value


def _result(value: Any) -> Any:
    """What an async parser gives, without a running loop."""
    if not is_awaitable(value):
        return value

    async def wait() -> Any:
        async with asyncio.timeout(DEADLINE):
            return await value

    return asyncio.run(wait())


def repeated(opening: str, item: str, closing: str) -> Callable[[int], str]:
    """A function for `ParserContract.costly`, which fills frames with one item."""
    return lambda size: opening + item * (size // len(item)) + closing


def _time(work: Callable[[Frame], None], frame: Frame) -> float:
    """Seconds of the processor, the least of two times."""
    times = []
    for _ in range(2):
        begun = process_time()
        work(frame)
        times.append(process_time() - begun)
    return min(times)


def _equal(one: Any, other: Any) -> bool:
    """Equality by value, where 1 and 1.0 are the same and -0.0 need not keep its sign."""
    match one, other:
        case (bool() | None, _) | (_, bool() | None):
            return one is other
        case int() | float(), int() | float():
            return math.isclose(one, other, rel_tol=1e-15)
        case list(), list():
            return len(one) == len(other) and all(map(_equal, one, other))
        case dict(), dict():
            return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)
        case _:
            return bool(one == other)


def _unravel(value: list[Any]) -> None:
    """Take a deeply nested list apart without recursion."""
    while value:
        value = value.pop()
