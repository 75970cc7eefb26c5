from primus_testing import ParserContract


class TestContract(ParserContract):
    """What every parser has to do: bring values back as they went, and survive any frame."""

    parser = "template"
    golden = (
        (None, b"null"),
        ({"a": [1, "é"]}, '{"a":[1,"é"]}'.encode()),
        ("primus::ping::1", b'"primus::ping::1"'),
    )
    undecodable = (b"", b"{", b"\xff", '"text"')
    unencodable = (object(), {1, 2})
