"""A Trino server, whose catalogs are the lakehouses of the other servers.

It listens on loopback only, on free ports, and its data is gone when it stops.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import tempfile
import urllib.request
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import free_port, wait_until

from cascade.processes.children import Children

_ADDRESS = "127.0.0.1"
_SECONDS = 300
_USER = "transformer"
_ROUNDS = 1000
_JVM = """\
-server
-Xmx800M
-XX:+UseSerialGC
-XX:ReservedCodeCacheSize=256M
-XX:+ExitOnOutOfMemoryError
-Djdk.attach.allowAttachSelf=true
-Djdk.nio.maxCachedBufferSize=2000000
--enable-native-access=ALL-UNNAMED
"""


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
        return {"trino_host": _ADDRESS, "trino_port": str(self.port)}

    @property
    def secure_settings(self) -> dict[str, str]:
        """The settings of Cascade for the server with a password. REQUESTS_CA_BUNDLE must name the certificate."""
        login = {"trino_user": self.user, "trino_password": self.password}
        return {"trino_host": _ADDRESS, "trino_port": str(self.secure_port), **login}


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
    directory = Path(tempfile.mkdtemp(prefix="trino-"))
    directory.chmod(0o700)
    password, port, secure_port = secrets.token_hex(16), free_port(), free_port()
    certificate = _write_certificate(java, directory)
    _write_settings(directory, port, secure_port, password)
    for name, properties in catalogs.items():
        _write_properties(directory / "etc" / "catalog" / f"{name}.properties", properties)
    places = [f"--etc-dir={directory}/etc", f"--data-dir={directory}/data", f"--launcher-log-file={directory}/launcher"]
    environment = {"PATH": f"{java}/bin:{os.environ['PATH']}", "JAVA_HOME": str(java), "HOME": str(directory)}
    log: deque[str] = deque(maxlen=80)
    # Its data is thrown away, so it need not end in order. The guardian of the children removes the directory.
    with Children(directory, grace=0.2) as children:
        command = ["/bin/sh", "-c", 'exec "$@" >&2', "sh", str(server / "bin" / "launcher"), "run", *places]
        child = children.start("trino", command, env=environment, shows=log.append)
        try:
            wait_until(lambda: child.ended is not None or _answers(port), _SECONDS)
            assert child.ended is None, f"Trino ended with {child.ended}"
            yield Trino(port, secure_port, _USER, password, certificate)
            assert child.ended is None, f"Trino ended with {child.ended}"
        except BaseException:
            print("".join(log))
            raise


def _write_certificate(java: Path, directory: Path) -> Path:
    keytool, store = str(java / "bin" / "keytool"), directory / "keys.p12"
    shared = ["-keystore", str(store), "-storetype", "PKCS12", "-storepass", "changeit", "-alias", "trino"]
    names = ["-dname", "CN=localhost", "-ext", f"SAN=ip:{_ADDRESS},dns:localhost", "-validity", "2"]
    subprocess.run([keytool, "-genkeypair", "-keyalg", "EC", *shared, *names], check=True, capture_output=True)
    certificate = directory / "certificate.pem"
    exported = subprocess.run([keytool, "-exportcert", "-rfc", *shared], check=True, capture_output=True)
    certificate.write_bytes(exported.stdout)
    return certificate


def _write_settings(directory: Path, port: int, secure_port: int, password: str) -> None:
    etc = directory / "etc"
    (etc / "catalog").mkdir(parents=True)
    (etc / "jvm.config").write_text(_JVM)
    _write_properties(etc / "node.properties", {"node.environment": "test", "node.bind-ip": _ADDRESS})
    _write_properties(
        etc / "config.properties",
        {
            "coordinator": "true",
            "node-scheduler.include-coordinator": "true",
            "node.internal-address": _ADDRESS,
            "discovery.uri": f"http://{_ADDRESS}:{port}",
            "http-server.http.port": str(port),
            "http-server.https.enabled": "true",
            "http-server.https.port": str(secure_port),
            "http-server.https.keystore.path": str(directory / "keys.p12"),
            "http-server.https.keystore.key": "changeit",
            "http-server.authentication.type": "PASSWORD",
            "http-server.authentication.allow-insecure-over-http": "true",
            "internal-communication.shared-secret": secrets.token_hex(16),
            "query.max-memory-per-node": "200MB",
            "memory.heap-headroom-per-node": "200MB",
            "web-ui.enabled": "false",
            "catalog.management": "static",
        },
    )
    users = directory / "users"
    _write_properties(
        etc / "password-authenticator.properties",
        {"password-authenticator.name": "file", "file.password-file": str(users)},
    )
    salt = secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, _ROUNDS, 32)
    users.write_text(f"{_USER}:{_ROUNDS}:{salt.hex()}:{digest.hex()}\n")


def _write_properties(file: Path, properties: Mapping[str, str]) -> None:
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))


def _answers(port: int) -> bool:
    with urllib.request.urlopen(f"http://{_ADDRESS}:{port}/v1/info", timeout=5) as answer:
        return bool(json.load(answer)["starting"] is False)
