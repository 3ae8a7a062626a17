"""A SeaweedFS server: an S3 store, and an Iceberg REST catalog whose tables are in it.

It listens on loopback only, on free ports, and its data is gone when it stops.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import tempfile
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import free_port, wait_until

from cascade.processes.children import Children

_ADDRESS = "127.0.0.1"
_TABLES = "tables"
_FILES = "files"
_SECONDS = 120
_VOLUME = 64
_PARTS = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class SeaweedFS:
    """A running server.

    Args:
        catalog: the URL of the REST catalog.
        s3: the URL of the S3 store.
        key: the access key, which is also the OAuth2 client.
        secret: the secret of both.
        metrics: the URL of what it has counted, as Prometheus reads it.
    """

    catalog: str
    s3: str
    key: str
    secret: str
    metrics: str

    @property
    def store_settings(self) -> dict[str, str]:
        """The settings of Cascade for the S3 store, with a warehouse for a catalog elsewhere."""
        return {
            "iceberg_warehouse": f"s3://{_FILES}/warehouse",
            "s3_endpoint": self.s3,
            "s3_access_key_id": self.key,
            "s3_secret_access_key": self.secret,
        }

    @property
    def settings(self) -> dict[str, str]:
        """The settings of Cascade for the REST catalog and its warehouse."""
        return {
            **self.store_settings,
            "iceberg_catalog": self.catalog,
            "iceberg_warehouse": f"s3://{_TABLES}",
            "catalog_credential": f"{self.key}:{self.secret}",
        }


@contextmanager
def running_seaweedfs(weed: Path, gigabytes: float = 1.25) -> Iterator[SeaweedFS]:
    """Start a server, and stop it.

    Args:
        weed: the program.
        gigabytes: how much it can store.

    Yields:
        The server, which has an empty warehouse.
    """
    # Its sockets are in the directory for temporary files, and their paths have to be short.
    directory = Path(tempfile.mkdtemp(prefix="weed-"))
    (directory / "data").mkdir()
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    _write_identity(directory / "s3.json", key, secret)
    ports = {f"{each}.port{kind}": free_port() for each in _PARTS for kind in ("", ".grpc")}
    ports["s3.port.iceberg"], ports["metricsPort"] = free_port(), free_port()
    command = [
        *(str(weed), "-logtostderr=true", "server", f"-dir={directory}/data", "-filer", "-s3"),
        *(f"-ip={_ADDRESS}", f"-ip.bind={_ADDRESS}", "-master.telemetry=false", "-s3.port.lance=0"),
        *("-s3.iam=false", f"-s3.config={directory}/s3.json"),
        *(f"-master.volumeSizeLimitMB={_VOLUME}", f"-volume.max={int(gigabytes * 1024 / _VOLUME)}"),
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "TMPDIR": str(directory)}
    log: deque[str] = deque(maxlen=40)
    # Its data is thrown away, so it need not end in order. The guardian of the children removes the directory.
    with Children(directory, grace=0.2) as children:
        child = children.start("weed", command, env=environment, shows=log.append)
        catalog = f"http://{_ADDRESS}:{ports['s3.port.iceberg']}"
        try:
            wait_until(lambda: _answers(catalog), _SECONDS)
            _make_buckets(weed, f"{_ADDRESS}:{ports['master.port']}.{ports['master.port.grpc']}", environment)
            store, metrics = (f"http://{_ADDRESS}:{ports[port]}" for port in ("s3.port", "metricsPort"))
            yield SeaweedFS(catalog, store, key, secret, f"{metrics}/metrics")
            assert child.ended is None, f"weed ended with {child.ended}"
        except BaseException:
            print("".join(log))
            raise


def _write_identity(file: Path, key: str, secret: str) -> None:
    identity = {
        "name": "admin",
        "credentials": [{"accessKey": key, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    file.touch(0o600)
    file.write_text(json.dumps({"identities": [identity]}))


def _answers(catalog: str) -> bool:
    with urllib.request.urlopen(f"{catalog}/v1/config", timeout=5) as answer:
        return bool(answer.status == 200)


def _make_buckets(weed: Path, master: str, environment: dict[str, str]) -> None:
    # The shell ends with 0 even if a command fails.
    words = f"s3tables.bucket -create -name {_TABLES} -account admin\ns3.bucket.create -name {_FILES}\ns3.bucket.list\n"
    shell = [str(weed), "shell", f"-master={master}"]
    done = subprocess.run(
        shell, input=words, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    listed = {line.split()[0] for line in done.stdout.splitlines() if "size:" in line}
    assert {_TABLES, _FILES} <= listed, done.stdout + done.stderr
