"""The browser half."""

from primus_transformer_browserchannel.server import PARSING, STRICT, BrowserChannel


def test_the_client_of_npm_works_in_pages_that_forbid_eval() -> None:
    library = BrowserChannel.browser().library

    assert library.count(PARSING[1]) == 2
    assert "eval(" not in library


def test_the_client_of_npm_works_in_modules_which_are_strict_code() -> None:
    library = BrowserChannel.browser().library

    for theirs, ours in STRICT:
        assert theirs not in library
        assert ours in library
