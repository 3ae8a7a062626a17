"""Iceberg REST catalogs that are written in Java: the reference fixture of Apache Iceberg, and Nessie.

Maven downloads them once, into the user's cache. Their tables are in the S3 store of SeaweedFS.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from processes import free_port, wait_until
from servers.seaweedfs import SeaweedFS

from cascade.exceptions import CascadeError
from cascade.processes.children import Children
from cascade.processes.readiness import accepts_connections_at
from cascade.services.stack import ADDRESS
from cascade.services.trino_server import can_download, downloaded_server

APACHE, NESSIE = "1.10.1", "0.99.0"
APACHE_JAVA, NESSIE_JAVA = (17, 21, 25), (21, 25)
"""The major versions of Java that each runs on."""

_SECONDS = 120
_APACHE_JARS = (
    f"org.apache.iceberg:iceberg-open-api:{APACHE}:jar:test-fixtures",
    f"org.apache.iceberg:iceberg-core:{APACHE}",
    f"org.apache.iceberg:iceberg-core:{APACHE}:jar:tests",
    # The bundle holds the client of AWS alone.
    f"org.apache.iceberg:iceberg-aws:{APACHE}",
    f"org.apache.iceberg:iceberg-aws-bundle:{APACHE}",
    "org.apache.hadoop:hadoop-client-api:3.4.1",
    "org.apache.hadoop:hadoop-client-runtime:3.4.1",
    "org.eclipse.jetty:jetty-server:11.0.25",
    "org.eclipse.jetty:jetty-servlet:11.0.25",
    "org.postgresql:postgresql:42.7.4",
    "org.slf4j:slf4j-simple:2.0.16",
)
_NESSIE_JAR = f"org.projectnessie.nessie:nessie-quarkus:{NESSIE}:jar:runner"
_COORDINATES = "<groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version><type>{3}</type>{4}"
_PROJECT = (
    "<project><modelVersion>4.0.0</modelVersion><groupId>cascade</groupId><artifactId>catalog</artifactId>"
    "<version>1</version><dependencies>{}</dependencies></project>"
)


def download_apache() -> Path:
    """Download the reference fixture with what it needs (143 MB), unless it is there, and return the directory.

    Raises:
        CascadeError: Maven is missing or failed.
    """
    return _downloaded(f"iceberg-rest-fixture-{APACHE}", _APACHE_JARS, transitive=True)


def download_nessie() -> Path:
    """Download Nessie (245 MB), unless it is there, and return the directory.

    Raises:
        CascadeError: Maven is missing or failed.
    """
    return _downloaded(f"nessie-{NESSIE}", (_NESSIE_JAR,), transitive=False)


@contextmanager
def running_apache(java: Path, jars: Path, seaweedfs: SeaweedFS, database: str) -> Iterator[dict[str, str]]:
    """Start the reference fixture, and stop it.

    Args:
        java: the home of a Java.
        jars: its directory.
        seaweedfs: the store of its tables.
        database: the address of a database in PostgreSQL, for its catalog. One in SQLite is locked too often.

    Yields:
        The settings of Cascade.
    """
    at, port = urlsplit(database), free_port()
    warehouse = f"{seaweedfs.store_settings['iceberg_warehouse']}/apache"
    environment = {
        "CATALOG_REST_PORT": str(port),
        "CATALOG_WAREHOUSE": warehouse,
        "CATALOG_IO__IMPL": "org.apache.iceberg.aws.s3.S3FileIO",
        "CATALOG_S3_ENDPOINT": seaweedfs.s3,
        "CATALOG_S3_PATH__STYLE__ACCESS": "true",
        "CATALOG_S3_ACCESS__KEY__ID": seaweedfs.key,
        "CATALOG_S3_SECRET__ACCESS__KEY": seaweedfs.secret,
        "CATALOG_CLIENT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "CATALOG_URI": f"jdbc:postgresql://{at.hostname}:{at.port}{at.path}",
        "CATALOG_JDBC_USER": str(at.username),
        "CATALOG_JDBC_PASSWORD": str(at.password),
    }
    words = ("-Xmx256M", "-cp", f"{jars}/*", "org.apache.iceberg.rest.RESTCatalogServer")
    with _running("the Apache fixture", java, words, environment, port):
        yield {
            **seaweedfs.store_settings,
            "iceberg_catalog": f"http://{ADDRESS}:{port}",
            "iceberg_warehouse": warehouse,
        }


@contextmanager
def running_nessie(java: Path, jars: Path, seaweedfs: SeaweedFS) -> Iterator[dict[str, str]]:
    """Start Nessie, and stop it.

    Args:
        java: the home of a Java.
        jars: its directory.
        seaweedfs: the store of its tables.

    Yields:
        The settings of Cascade.
    """
    port, store = free_port(), "nessie.catalog.service.s3.default-options"
    settings = {
        "quarkus.http.host": ADDRESS,
        "quarkus.http.port": str(port),
        "quarkus.management.host": ADDRESS,
        "quarkus.management.port": str(free_port()),
        "nessie.version.store.type": "IN_MEMORY",
        "nessie.catalog.default-warehouse": "main",
        "nessie.catalog.warehouses.main.location": f"{seaweedfs.store_settings['iceberg_warehouse']}/nessie",
        f"{store}.endpoint": seaweedfs.s3,
        f"{store}.region": "us-east-1",
        f"{store}.path-style-access": "true",
        f"{store}.access-key": "urn:nessie-secret:quarkus:store",
        "store.name": seaweedfs.key,
        "store.secret": seaweedfs.secret,
    }
    words = ("-Xmx384M", *(f"-D{name}={value}" for name, value in settings.items()), "-jar")
    jar = str(next(jars.glob("*.jar")))
    with _running("Nessie", java, (*words, jar), {}, port):
        address = f"http://{ADDRESS}:{port}"
        yield {**seaweedfs.store_settings, "nessie_uri": address, "nessie_ref": "main", "iceberg_warehouse": "main"}


@contextmanager
def _running(
    name: str, java: Path, words: tuple[str, ...], environment: Mapping[str, str], port: int
) -> Iterator[None]:
    log: deque[str] = deque(maxlen=80)
    with Children(Path(tempfile.mkdtemp(prefix="catalog-")), grace=2.0) as children:
        argv = ["/bin/sh", "-c", 'exec "$@" >&2', "sh", str(java / "bin" / "java"), *words]
        child = children.start(name, argv, env={**os.environ, **environment}, shows=log.append)
        try:
            wait_until(lambda: child.ended is not None or accepts_connections_at(ADDRESS, port), _SECONDS)
            assert child.ended is None, f"{name} ended with {child.ended}"
            yield
        except BaseException:
            print("".join(log))
            raise


def _downloaded(name: str, artifacts: tuple[str, ...], *, transitive: bool) -> Path:
    directory = downloaded_server().parent / name
    if directory.is_dir():
        return directory
    if not can_download():
        raise CascadeError(f"{name} is downloaded with Maven, and there is no mvn on the PATH.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}.", dir=directory.parent) as made:
        (Path(made) / "pom.xml").write_text(_PROJECT.format("".join(map(_dependency, artifacts))))
        command = ["mvn", "--batch-mode", "--quiet", "--no-transfer-progress", "dependency:copy-dependencies"]
        command += [f"-DoutputDirectory={made}/jars", f"-DexcludeTransitive={str(not transitive).lower()}"]
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise CascadeError(f"Maven could not download {name}:\n{(done.stdout + done.stderr).strip()}")
        # Moved into place whole.
        (Path(made) / "jars").rename(directory)
    return directory


def _dependency(artifact: str) -> str:
    group, name, version, *more = artifact.split(":")
    kind, classifier = (more[0], f"<classifier>{more[1]}</classifier>") if more else ("jar", "")
    return f"<dependency>{_COORDINATES.format(group, name, version, kind, classifier)}</dependency>"
