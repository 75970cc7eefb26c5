"""Lists of origins: what browsers send is found, and what they never send is refused."""

import pytest

from primus import OptionError
from primus.options import server_options
from primus.origins import Origins


def origins(given: str) -> Origins:
    return Origins(server_options({"origins": given}, {}).origins)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("https://app.example/", "write 'https://app.example'"),
        ("https://app.example/path?x", "write 'https://app.example'"),
        ("app.example", "write 'https://app.example'"),
        ("localhost:8080", "write 'https://localhost:8080'"),
        ("*.app.example", r"write 'https://\*\.app\.example'"),
        ("https://user@app.example", "'https://app.example'"),
        ("https://", "'https://app.example'"),
        ("//app.example", "'https://app.example'"),
        ("https://*", r"'\*' alone allows every origin"),
        ("https://*.", "must be a name"),
        ("https://a.*.example", "must be a name"),
        ("https://*app.example", "must be a name"),
        ("https://*.*.example", "must be a name"),
        ("https://app..example", "must be a name"),
        ("https://bücher.example", "browsers send 'https://xn--bcher-kva.example'"),
        ("https://\u00df..example", "IDNA"),
        ("http://localhost:*", "an origin is"),
        ("http://localhost:123456", "an origin is"),
        ("https://a.example, b.example", "'b.example'"),
    ],
)
def test_what_no_browser_sends_is_refused_and_says_what_to_write(given: str, advice: str) -> None:
    with pytest.raises(OptionError, match=advice):
        origins(given)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://app.example:443", "https://app.example"),
        ("https://app.example", "https://app.example:443"),
        ("http://app.example:80", "http://app.example"),
        ("HTTPS://App.Example", "https://app.example"),
        ("http://app.example:443", "http://app.example:443"),
        ("https://app.example:8443", "https://app.example:8443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("null", "null"),
        ("file://", "file://"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("https://*.app.example", "https://a.app.example"),
        ("https://*.app.example", "https://a-1.b_2.app.example"),
        ("https://*.app.example:8443", "https://a.app.example:8443"),
        ("https://*.app.example:443", "https://a.app.example"),
        ("http://a.example https://b.example", "https://b.example"),
        ("*", "https://any.example"),
    ],
)
def test_an_origin_that_is_listed_is_found(given: str, sent: str) -> None:
    assert sent in origins(given)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://app.example", "http://app.example"),
        ("https://app.example", "https://app.example:80"),
        ("https://app.example", "https://app.example.evil"),
        ("https://app.example", "https://evil.example"),
        ("https://app.example", "null"),
        ("http://app.example:443", "http://app.example"),
        ("https://*.app.example", "https://app.example"),
        ("https://*.app.example", "https://.app.example"),
        ("https://*.app.example", "httpx://a.app.example"),
        ("https://*.app.example", "https://\u00e4.app.example"),
        ("https://*.app.example", "https://evilapp.example"),
        ("https://*.app.example", "https://a.app.example:8443"),
        ("https://*.app.example", "http://a.app.example"),
        ("https://*.app.example", "https://evil.example/.app.example"),
        ("https://*.app.example", "https://evil.example#.app.example"),
        ("https://*.app.example", "https://evil.example:1@.app.example"),
        ("https://*.app.example", "https://evil.example:1.app.example"),
        ("https://*.app.example", "https://evil..app.example"),
        ("https://*.app.example", "https://*.app.example"),
        ("https://*.app.example", "https://*.a.app.example"),
        ("https://*.app.example", "https://[::1].app.example"),
        ("https://*.app.example", "https://a b.app.example"),
        ("https://*.app.example", "https://app.example.app.example.evil"),
    ],
)
def test_an_origin_that_is_not_listed_is_not_found(given: str, sent: str) -> None:
    assert sent not in origins(given)


def test_a_list_keeps_its_origins_as_browsers_send_them() -> None:
    given = "https://App.example:443, http://*.a.example:80"
    assert server_options({"origins": given}, {}).origins == (
        "https://app.example",
        "http://*.a.example",
    )
