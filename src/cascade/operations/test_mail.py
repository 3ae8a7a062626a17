from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509  # pants: no-infer-dep
from cryptography.hazmat.primitives import hashes, serialization  # pants: no-infer-dep
from cryptography.hazmat.primitives.asymmetric import ec  # pants: no-infer-dep

from cascade.config import CascadeConfig
from cascade.exceptions import ConfigError
from cascade.operations.alerting import Alerting
from cascade.operations.alerts import Alert

ALERT = Alert("failed", "town", "a\nb", "The source <is> down.", "cascade status", partition="2024-01-03", run_id="7")
PASSWORD = "hush-hush"


class MailServer(socketserver.ThreadingTCPServer):
    """Takes messages as a mail server does, after STARTTLS and a login if they are asked for."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        self.lines: list[str] = []
        self.logins: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(socketserver.BaseRequestHandler):
    server: MailServer

    def handle(self) -> None:
        lines = self.request.makefile("rwb", buffering=0)
        encrypted = False
        lines.write(b"220 here\r\n")
        while line := lines.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                offer = "AUTH PLAIN" if encrypted else "STARTTLS" if self.server.tls else "HELP"
                lines.write(f"250-here\r\n250 {offer}\r\n".encode())
            elif word == "STARTTLS" and self.server.tls:
                lines.write(b"220 go\r\n")
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
                lines, encrypted = self.request.makefile("rwb", buffering=0), True
            elif word == "AUTH":
                self.server.logins.append(base64.b64decode(line.split()[2]).decode().split("\0")[2])
                right = self.server.logins[-1] == PASSWORD
                lines.write(b"235 ok\r\n" if right else b"535 no\r\n")
            elif word == "DATA":
                lines.write(b"354 go\r\n")
                while (text := lines.readline().decode().rstrip("\r\n")) != ".":
                    self.server.lines.append(text)
                lines.write(b"250 taken\r\n")
            elif word == "QUIT":
                lines.write(b"221 bye\r\n")
                return
            else:
                lines.write(b"250 ok\r\n")


def certificate(directory: Path) -> Path:
    """Write a certificate of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "server.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    path = certificate(tmp_path)
    # The usual variable of certificates that are trusted.
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    with MailServer(tls) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def alerting(server: MailServer, tmp_path: Path, **settings: object) -> Alerting:
    given = {
        "alert_email": "data@example.com, night@example.com",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.server_address[1],
        "smtp_user": "cascade@example.com",
        "smtp_password": PASSWORD,
    }
    return Alerting(CascadeConfig(project_root=tmp_path, **{**given, **settings}))


def test_an_alert_is_an_encrypted_mail(server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alerting(server, tmp_path).send(ALERT)
    assert capsys.readouterr().err == ""
    assert server.logins == [PASSWORD]
    assert "Subject: town: a b 2024-01-03 failed" in server.lines
    assert "From: cascade@example.com" in server.lines
    assert "To: data@example.com, night@example.com" in server.lines
    assert "The source <is> down." in server.lines and "Next: cascade status" in server.lines


def test_a_wrong_password_is_a_warning_without_it(
    server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alerting(server, tmp_path, smtp_password="wrong-hush").send(ALERT)
    text = capsys.readouterr().err
    assert "the mail server refused smtp_user and smtp_password (535)" in text and "wrong-hush" not in text
    assert server.lines == []


def test_no_password_goes_to_a_server_without_encryption(
    server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.tls = None
    alerting(server, tmp_path).send(ALERT)
    assert "does not offer what smtp_security or smtp_user ask for" in capsys.readouterr().err
    assert server.logins == []


def test_mails_need_a_server(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="alert_email needs smtp_host"):
        CascadeConfig(project_root=tmp_path, alert_email="data@example.com")
