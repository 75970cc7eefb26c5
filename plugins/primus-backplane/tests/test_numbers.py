from primus_backplane.numbers import Numbers


def test_the_first_of_a_writer_misses_nothing() -> None:
    assert Numbers(10).missing("one", 41) == 0


def test_numbers_in_a_row_miss_nothing() -> None:
    numbers = Numbers(10)

    assert [numbers.missing("one", number) for number in (1, 2, 3)] == [0, 0, 0]


def test_what_has_arrived_before_is_told() -> None:
    numbers = Numbers(10)

    seen = [numbers.missing("one", number) for number in (1, 2, 1, 2, 3, 3)]

    assert seen == [0, 0, None, None, 0, None]


def test_what_is_missing_is_counted() -> None:
    numbers = Numbers(10)

    assert [numbers.missing("one", number) for number in (1, 5, 6)] == [0, 3, 0]


def test_writers_are_told_apart() -> None:
    numbers = Numbers(10)

    assert [numbers.missing(each, 1) for each in ("one", "two", "one")] == [0, 0, None]


def test_the_writer_that_was_silent_for_longest_is_forgotten() -> None:
    numbers = Numbers(2)
    for writer, number in (("one", 1), ("two", 1), ("one", 2), ("three", 1)):
        numbers.missing(writer, number)

    assert len(numbers) == 2
    assert numbers.missing("one", 2) is None
    assert numbers.missing("two", 1) == 0


def test_what_has_passed_lies_between_the_first_and_the_last() -> None:
    numbers = Numbers(10)
    for number in (3, 4, 7):
        numbers.missing("one", number)

    assert [numbers.has_passed("one", number) for number in (2, 3, 5, 7, 8)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert not numbers.has_passed("two", 1)
