"""A certificate for localhost, signed by itself."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .tools import program


@dataclass(frozen=True)
class Certificate:
    """The files of a certificate and its key."""

    cert: Path
    key: Path

    @property
    def server_context(self) -> ssl.SSLContext:
        """What a server needs to show it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.cert, self.key)
        return context

    @property
    def client_context(self) -> ssl.SSLContext:
        """What a client needs to believe it, and nothing else."""
        return ssl.create_default_context(cafile=str(self.cert))


def self_signed(folder: Path) -> Certificate:
    """A new certificate for ``localhost`` and 127.0.0.1, good for a day."""
    openssl = program("openssl", install="apt-get install openssl")
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    command = [
        openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", str(made.key), "-out", str(made.cert),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return made
