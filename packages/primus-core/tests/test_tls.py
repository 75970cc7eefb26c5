"""The TLS options of Primus: which files make a context, and what is refused."""

from __future__ import annotations

import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import load_pem_x509_certificate

from primus import OptionError
from primus.server.tls import tls_context

PASSPHRASE = "open sesame"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate in every form, its key with and without a passphrase, and two authorities."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    intermediate = authority.create_child_ca()
    made = intermediate.issue_cert("localhost")
    chain = [each.bytes() for each in made.cert_chain_pems]
    key = pem.load_pem_private_key(made.private_key_pem.bytes(), None)
    locked = pem.BestAvailableEncryption(PASSPHRASE.encode())
    form = pem.Encoding.PEM, pem.PrivateFormat.PKCS8
    cert, *others = map(load_pem_x509_certificate, chain)
    bundles: dict[str, tuple[Any, Any, Any]] = {
        "open.pfx": (key, cert, pem.NoEncryption()),
        "locked.pfx": (key, cert, locked),
        "keyless.pfx": (None, cert, pem.NoEncryption()),
        "certless.pfx": (key, None, pem.NoEncryption()),
    }
    for name, (private, public, encryption) in bundles.items():
        bundle = pkcs12.serialize_key_and_certificates(b"", private, public, others, encryption)
        (folder / name).write_bytes(bundle)
    files = {
        "cert.pem": b"".join(chain),
        "both.pem": made.private_key_and_cert_chain_pem.bytes(),
        "key.pem": made.private_key_pem.bytes(),
        "locked.pem": key.private_bytes(*form, locked),
        "ca.pem": authority.cert_pem.bytes(),
        "other.pem": trustme.CA().cert_pem.bytes(),
        "foreign.pem": trustme.CA().issue_cert("localhost").private_key_pem.bytes(),
        "text.pem": b"no PEM",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def handshake(server_side: ssl.SSLContext, folder: Path) -> str:
    """What a client that trusts the authority alone gets to see."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    client = client_side.wrap_bio(to_client, to_server, server_hostname="localhost")
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (client, server):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    certificate = client.getpeercert()
    assert certificate
    return str(certificate["subjectAltName"])


@pytest.mark.parametrize(
    "options",
    [
        {"cert": "cert.pem", "key": "key.pem"},
        {"cert": Path("cert.pem"), "key": Path("key.pem")},
        {"cert": "both.pem"},
        {"cert": "cert.pem", "key": "locked.pem", "passphrase": PASSPHRASE},
        {"pfx": "open.pfx"},
        {"pfx": "locked.pfx", "passphrase": PASSPHRASE},
    ],
)
def test_a_client_trusts_the_certificate_with_its_chain(
    folder: Path, options: dict[str, Any]
) -> None:
    context = tls_context(root=folder, **options)
    assert context is not None
    assert handshake(context, folder) == "(('DNS', 'localhost'),)"
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_NONE


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"key": "key.pem"}, "TLS needs a certificate"),
        ({"ca": "ca.pem"}, "TLS needs a certificate"),
        ({"cert": "missing.pem"}, "cannot use the TLS files cert='missing.pem' in .*No such file"),
        ({"cert": "text.pem"}, "cannot use the TLS files"),
        ({"cert": "cert.pem"}, "cannot use the TLS files"),
        ({"cert": "cert.pem", "key": "foreign.pem"}, "cannot use the TLS files"),
        ({"cert": "cert.pem", "key": "locked.pem"}, "cannot use the TLS files"),
        ({"cert": "cert.pem", "key": "locked.pem", "passphrase": "no"}, "cannot use the TLS files"),
        ({"cert": "both.pem", "ca": "missing.pem"}, "cannot use the TLS files"),
        ({"pfx": "missing.pfx"}, "cannot use the TLS files"),
        ({"pfx": "text.pem"}, "cannot use the TLS files"),
        ({"pfx": "locked.pfx"}, "cannot use the TLS files"),
        ({"pfx": "locked.pfx", "passphrase": "no"}, "cannot use the TLS files"),
        ({"pfx": "keyless.pfx"}, "holds no certificate with its key"),
        ({"pfx": "certless.pfx"}, "holds no certificate with its key"),
    ],
)
def test_files_that_cannot_be_used_are_named_at_once(
    folder: Path, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(OptionError, match=reason):
        tls_context(root=folder, **options)


@pytest.mark.parametrize(
    ("ca", "known"),
    [("ca.pem", 1), (Path("ca.pem"), 1), (["ca.pem", "other.pem"], 2), ([], 0), (None, 0)],
)
def test_authorities_may_be_a_file_or_several(folder: Path, ca: Any, known: int) -> None:
    context = tls_context(root=folder, cert="both.pem", ca=ca)
    assert context is not None
    assert len(context.get_ca_certs()) == known


@pytest.mark.parametrize("is_usable", [True, False])
def test_the_key_of_a_bundle_does_not_stay_in_a_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_usable: bool
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[list[int]] = []
    load = ssl.SSLContext.load_cert_chain

    def loaded(context: ssl.SSLContext, *args: Any) -> None:
        seen.append([file.stat().st_mode & 0o077 for file in tmp_path.iterdir()])
        if not is_usable:
            raise ssl.SSLError("the key is too weak")
        load(context, *args)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", loaded)
    if is_usable:
        assert tls_context(root=folder, pfx="open.pfx")
    else:
        with pytest.raises(OptionError, match="too weak"):
            tls_context(root=folder, pfx="open.pfx")
    assert seen == [[0]]
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_that_is_missing_is_not_asked_for_at_the_terminal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda _, *files: given.extend(files))
    tls_context(root=folder, cert="cert.pem", key="locked.pem")
    assert given[:2] == [folder / "cert.pem", folder / "locked.pem"]
    assert given[2]() == ""


def test_without_a_certificate_it_is_plain_http_and_a_context_is_used_as_it_is() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert tls_context() is None
    assert tls_context(ssl_context=context, cert="passed over") is context
