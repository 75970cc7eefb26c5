"""TLS for `Primus.create_server`, by the options that Primus has for it."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from primus.errors import OptionError

__all__ = ["tls_context"]


def tls_context(
    *,
    ssl_context: ssl.SSLContext | None = None,
    root: str | Path = "",
    cert: str | Path | None = None,
    key: str | Path | None = None,
    ca: str | Path | Sequence[str | Path] | None = None,
    pfx: str | Path | None = None,
    passphrase: str | None = None,
) -> ssl.SSLContext | None:
    """The context to serve with, or `None` for plain HTTP.

    Args:
        ssl_context: used as it is.
        root: the folder that the file names below are relative to.
        cert: PEM file with the certificate and its chain.
        key: PEM file with the private key; it may be in `cert` too.
        ca: PEM file or files of authorities. Clients are not asked for a certificate all the same:
            that takes an `ssl_context` with its ``verify_mode``.
        pfx: PKCS #12 file with certificate and key, in place of `cert` and `key`.
        passphrase: of the private key.

    Raises:
        OptionError: a file is missing or cannot be used, or the options contradict another.
    """
    if ssl_context is not None:
        return ssl_context
    if cert is None and pfx is None:
        if key is not None or ca is not None:
            raise OptionError("TLS needs a certificate: give cert, pfx or ssl_context")
        return None
    folder = Path(root)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Debian leaves it to the machine's settings
    try:
        if pfx is not None:
            _load_pfx(context, folder / pfx, passphrase)
        else:
            private = None if key is None else folder / key
            # Given as a function, so that OpenSSL does not ask the terminal for a missing one.
            context.load_cert_chain(folder / str(cert), private, lambda: passphrase or "")
        for name in [ca] if isinstance(ca, str | Path) else ca or []:
            context.load_verify_locations(folder / name)
    except (OSError, ValueError) as error:
        given = {"cert": cert, "key": key, "ca": ca, "pfx": pfx}
        files = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
        raise OptionError(f"cannot use the TLS files {files} in {folder}: {error}") from error
    return context


def _load_pfx(context: ssl.SSLContext, path: Path, passphrase: str | None) -> None:
    """Read PKCS #12 with `cryptography`, since Python's ssl module cannot."""
    try:
        from cryptography.hazmat.primitives import serialization as pem
        from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
    except ImportError as error:
        raise OptionError("pfx needs cryptography: pip install 'primus-core[pfx]'") from error
    store = load_pkcs12(path.read_bytes(), passphrase.encode() if passphrase else None)
    if store.key is None or store.cert is None:
        raise OptionError(f"{path} holds no certificate with its key")
    key: Any = store.key
    text = key.private_bytes(
        pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()
    ) + b"".join(
        each.certificate.public_bytes(pem.Encoding.PEM)
        for each in (store.cert, *store.additional_certs)
    )
    descriptor, name = tempfile.mkstemp()  # only readable by us
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
