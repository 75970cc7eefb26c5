"""Both ends of TLS for ``localhost``."""

from __future__ import annotations

import ssl

__all__ = ["Tls", "certificates"]

Tls = tuple[ssl.SSLContext, ssl.SSLContext]
"""The contexts of a server and of its clients."""


def certificates() -> Tls:
    """Both ends of TLS for ``localhost``.

    Raises:
        ModuleNotFoundError: ``trustme`` is not installed.
    """
    try:
        import trustme
    except ModuleNotFoundError as error:
        error.add_note("It comes with the extra tls: pip install 'primus-testing[contract,tls]'")
        raise

    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    return server_side, client_side
