"""The browser half."""

from primus_transformer_browserchannel.server import PARSING, BrowserChannel


def test_the_client_of_npm_works_in_pages_that_forbid_eval() -> None:
    library = BrowserChannel.browser().library

    assert library.count(PARSING[1]) == 2
    assert "eval(" not in library
