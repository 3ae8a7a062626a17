"""A Trino server that also asks for a password, whose catalogs are the lakehouses of the other servers."""

from __future__ import annotations

import hashlib
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import free_port
from servers.running import running

from cascade.services import trino
from cascade.services.stack import ADDRESS, create_stack, private_directory

_USER = "transformer"
_ROUNDS = 1000


@dataclass(frozen=True)
class Trino:
    """A running server. Its port for HTTPS asks for a password, and its other port for none.

    Args:
        port: the port of HTTP.
        secure_port: the port of HTTPS.
        user: the user who has a password.
        password: the password.
        certificate: the file with the certificate of the server, which nobody has signed.
    """

    port: int
    secure_port: int
    user: str
    password: str
    certificate: Path

    @property
    def settings(self) -> dict[str, str]:
        """The settings of Cascade for the server without a password."""
        return {"trino_host": ADDRESS, "trino_port": str(self.port)}

    @property
    def secure_settings(self) -> dict[str, str]:
        """The settings of Cascade for the server with a password. REQUESTS_CA_BUNDLE must name the certificate."""
        login = {"trino_user": self.user, "trino_password": self.password}
        return {**self.settings, "trino_port": str(self.secure_port), **login}


@contextmanager
def running_trino(java: Path, server: Path, catalogs: Mapping[str, Mapping[str, str]]) -> Iterator[Trino]:
    """Start a server, and stop it.

    Args:
        java: the home of a Java.
        server: the directory of the server.
        catalogs: the properties of each catalog, by its name.

    Yields:
        The server, which answers queries.
    """
    stack = create_stack(Path(tempfile.mkdtemp(prefix="trino-")))
    directory = private_directory(stack.directory / "secure")
    password, secure_port = secrets.token_hex(16), free_port()
    properties = {
        "http-server.https.enabled": "true",
        "http-server.https.port": str(secure_port),
        "http-server.https.keystore.path": str(directory / "keys.p12"),
        "http-server.https.keystore.key": "changeit",
        "http-server.authentication.type": "PASSWORD",
        "http-server.authentication.allow-insecure-over-http": "true",
        "internal-communication.shared-secret": secrets.token_hex(16),
        "password-authenticator.config-files": str(directory / "authenticator.properties"),
    }
    started = trino.Trino(stack, server, catalogs, properties)
    certificate = _write_certificate(java, directory)
    _write_user(directory, password)
    with running(started):
        yield Trino(started.ports[0], secure_port, _USER, password, certificate)


def _write_certificate(java: Path, directory: Path) -> Path:
    keytool, store = str(java / "bin" / "keytool"), directory / "keys.p12"
    shared = ["-keystore", str(store), "-storetype", "PKCS12", "-storepass", "changeit", "-alias", "trino"]
    names = ["-dname", "CN=localhost", "-ext", f"SAN=ip:{ADDRESS},dns:localhost", "-validity", "2"]
    subprocess.run([keytool, "-genkeypair", "-keyalg", "EC", *shared, *names], check=True, capture_output=True)
    certificate = directory / "certificate.pem"
    exported = subprocess.run([keytool, "-exportcert", "-rfc", *shared], check=True, capture_output=True)
    certificate.write_bytes(exported.stdout)
    return certificate


def _write_user(directory: Path, password: str) -> None:
    users = directory / "users"
    given = {"password-authenticator.name": "file", "file.password-file": str(users)}
    (directory / "authenticator.properties").write_text(trino.properties(given))
    salt = secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, _ROUNDS, 32)
    users.write_text(f"{_USER}:{_ROUNDS}:{salt.hex()}:{digest.hex()}\n")
