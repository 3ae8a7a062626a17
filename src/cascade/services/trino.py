"""Trino: SQL over the tables of the REST catalog, for dbt."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cascade.dbt.parse import trino_is_installed
from cascade.program import typed
from cascade.services import trino_server
from cascade.services.java import find_java
from cascade.services.seaweedfs import TABLES, SeaweedFS
from cascade.services.service import Address, Launch, Missing, Service, http_trouble
from cascade.services.stack import ADDRESS, Stack, private_directory, write_private

CATALOG = "iceberg"

JVM = """\
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
class Trino(Service):
    """The server.

    Args:
        stack: the stack that it is part of.
        server: the directory of its files; by default the downloaded one.
        catalogs: the properties of each catalog by its name; by default those of the REST catalog of the stack.
        properties: further properties of the server.
    """

    server: Path | None = None
    catalogs: Mapping[str, Mapping[str, str]] | None = None
    properties: Mapping[str, str] | None = None

    name = "trino"
    seconds = 300.0
    stop_signal = signal.SIGTERM
    grace = 30.0

    @property
    def ports(self) -> tuple[int, ...]:
        """Its port."""
        return (self.stack.ports["trino"],)

    @property
    def marks(self) -> tuple[str, ...]:
        """Words of its launcher, and of the Java that the launcher becomes."""
        return (f"--etc-dir={self._etc}", f"-Dconfig={self._etc / 'config.properties'}")

    @property
    def missing(self) -> Missing | None:
        """Java, or the files of the server."""
        if self.java is None:
            return Missing(
                f"Trino needs Java {trino_server.JAVA}, which is neither in JAVA_HOME nor in the usual places.",
                f"Install a JDK {trino_server.JAVA}, or set JAVA_HOME",
            )
        if trino_server.is_server(self._files):
            return self._missing_catalog
        if self.server is not None:
            return Missing(f"{self.server} has no Trino server.", "Set CASCADE_SERVICES_TRINO to the directory of one")
        what = f"Trino's server is not in {self._files}."
        if not trino_server.can_download():
            return Missing(what, f"Install Maven, which downloads it: {typed('services init --download')}")
        return Missing(what, f"{typed('services init --download')} ({trino_server.SIZE}, once)")

    @property
    def _missing_catalog(self) -> Missing | None:
        if self.catalogs is not None:
            return None
        missing = SeaweedFS(self.stack).missing
        return Missing("Trino has no tables without SeaweedFS.", missing.how) if missing else None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The coordinator, which asks for no password."""
        return (Address("Trino", self.stack.url("trino")),)

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of the server on which dbt runs."""
        return {
            "CASCADE_TRINO_HOST": ADDRESS,
            "CASCADE_TRINO_PORT": str(self.ports[0]),
            "CASCADE_TRINO_CATALOG": CATALOG,
        }

    @property
    def lacking_extra(self) -> str | None:
        """The extra `trino`, if it is not installed."""
        return None if trino_is_installed() else "trino"

    def launch(self) -> Launch:
        """Write its settings, and return how to start it."""
        private_directory(self.directory)
        etc = private_directory(self._etc)
        # A catalog that is no longer wanted would still be there.
        shutil.rmtree(etc / "catalog", ignore_errors=True)
        private_directory(etc / "catalog")
        write_private(etc / "jvm.config", JVM)
        node = {"node.environment": "cascade", "node.id": "cascade", "node.bind-ip": ADDRESS}
        write_private(etc / "node.properties", properties(node))
        server = {**server_properties(self.stack.ports["trino"]), **(self.properties or {})}
        write_private(etc / "config.properties", properties(server))
        for name, given in (self.catalogs or {CATALOG: rest_catalog(self.stack)}).items():
            write_private(etc / "catalog" / f"{name}.properties", properties(given))
        assert self.java is not None
        data = private_directory(self.directory / "data")
        argv = (
            *(str(self._files / "bin" / "launcher"), "run", f"--etc-dir={etc}", f"--data-dir={data}"),
            f"--launcher-log-file={self.directory / 'launcher.log'}",
        )
        path = os.pathsep.join((str(self.java / "bin"), os.environ.get("PATH", os.defpath)))
        return Launch(argv, {"PATH": path, "JAVA_HOME": str(self.java), "HOME": str(self.directory)})

    def trouble(self) -> str | None:
        """Ask the coordinator whether it has started."""
        return http_trouble(f"{self.stack.url('trino')}/v1/info", "starting", False)

    def complete(self) -> None:
        """Create nothing: dbt creates its schemas."""

    @cached_property
    def java(self) -> Path | None:
        """The home of the Java that runs it."""
        return find_java(trino_server.JAVA)

    @property
    def _files(self) -> Path:
        return self.server or trino_server.downloaded_server()

    @property
    def _etc(self) -> Path:
        return self.directory / "etc"


def server_properties(port: int) -> dict[str, str]:
    """Return the properties of a server that is its own only worker.

    Args:
        port: its port for HTTP.
    """
    return {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "node.internal-address": ADDRESS,
        "discovery.uri": f"http://{ADDRESS}:{port}",
        "http-server.http.port": str(port),
        "query.max-memory-per-node": "200MB",
        "memory.heap-headroom-per-node": "200MB",
        "web-ui.enabled": "false",
        "catalog.management": "static",
    }


def store_properties(endpoint: str, key: str, secret: str) -> dict[str, str]:
    """Return the properties that every catalog of Iceberg tables in an S3 server has."""
    return {
        "connector.name": "iceberg",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": endpoint,
        "s3.region": "us-east-1",
        "s3.path-style-access": "true",
        "s3.aws-access-key": key,
        "s3.aws-secret-key": secret,
    }


def rest_catalog(stack: Stack, s3: str | None = None, iceberg: str | None = None) -> dict[str, str]:
    """Return the properties of the catalog of the stack.

    Args:
        stack: the stack.
        s3: the URL of the store; by default the one on loopback.
        iceberg: the URL of the REST catalog; by default the one on loopback.
    """
    key, secret = stack.secrets["s3_key"], stack.secrets["s3_secret"]
    return {
        **store_properties(s3 or stack.url("s3"), key, secret),
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": iceberg or stack.url("iceberg"),
        "iceberg.rest-catalog.warehouse": f"s3://{TABLES}",
        "iceberg.rest-catalog.security": "OAUTH2",
        "iceberg.rest-catalog.oauth2.credential": f"{key}:{secret}",
    }


def properties(given: Mapping[str, str]) -> str:
    """Return the text of a file of properties."""
    return "".join(f"{name}={value}\n" for name, value in given.items())
