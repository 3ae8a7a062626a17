"""A compose file of the same stack, for machines with a container engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from cascade.services import postgres, seaweedfs, trino
from cascade.services.stack import ADDRESS, Stack
from cascade.services.trino_server import VERSION

FILE = "compose.yaml"

POSTGRES_IMAGE = "postgres:17"
SEAWEEDFS_IMAGE = "chrislusf/seaweedfs:4.48"
TRINO_IMAGE = f"trinodb/trino:{VERSION}"

_HEALTH = {"interval": "5s", "timeout": "5s", "retries": 30}


def compose_text(stack: Stack) -> str:
    """Return the compose file. It contains the passwords of the stack.

    Args:
        stack: the stack. Its ports are those on loopback of the machine, so the settings of a project stay the same.
    """
    import yaml

    configs: dict[str, str] = {}
    document = {
        # Volumes belong to a name: another project on this machine has others.
        "name": f"cascade-{hashlib.sha256(str(stack.directory).encode()).hexdigest()[:8]}",
        "services": {
            "postgres": _postgres(stack, configs),
            "seaweedfs": _seaweedfs(stack, configs),
            "buckets": _buckets(),
            "trino": _trino(stack, configs),
        },
        "configs": {name: {"content": _literal(text)} for name, text in configs.items()},
        "volumes": {"postgres": {}, "seaweedfs": {}, "trino": {}},
    }
    return str(yaml.safe_dump(document, sort_keys=False, width=120))


def _postgres(stack: Stack, configs: dict[str, str]) -> dict[str, Any]:
    databases = (postgres.DAGSTER, postgres.MARTS)
    configs["databases"] = "".join(f"CREATE DATABASE {name};\n" for name in databases)
    return {
        "image": POSTGRES_IMAGE,
        "environment": {
            "POSTGRES_USER": postgres.USER,
            "POSTGRES_PASSWORD": _literal(stack.secrets["postgres"]),
        },
        "ports": [_published(stack, "postgres", 5432)],
        "configs": [{"source": "databases", "target": "/docker-entrypoint-initdb.d/databases.sql"}],
        "volumes": ["postgres:/var/lib/postgresql/data"],
        # Over TCP: while the databases are created, the server listens on its socket only.
        "healthcheck": {"test": ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", postgres.USER], **_HEALTH},
    }


def _seaweedfs(stack: Stack, configs: dict[str, str]) -> dict[str, Any]:
    configs["s3"] = seaweedfs.identities(stack)
    return {
        "image": SEAWEEDFS_IMAGE,
        # The image's own entry point allocates a gigabyte for each volume.
        "entrypoint": ["weed"],
        "command": [
            *("-logtostderr=true", "server", "-dir=/data", "-ip=seaweedfs", "-ip.bind=0.0.0.0", "-filer", "-s3"),
            *("-master.telemetry=false", "-s3.port.lance=0", "-s3.iam=false", "-s3.config=/etc/seaweedfs/s3.json"),
            *("-master.volumeSizeLimitMB=256", "-volume.max=0", "-s3.port=8333", "-s3.port.iceberg=8181"),
        ],
        "ports": [_published(stack, "s3", 8333), _published(stack, "iceberg", 8181)],
        "configs": [{"source": "s3", "target": "/etc/seaweedfs/s3.json"}],
        "volumes": ["seaweedfs:/data"],
        "healthcheck": {"test": ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8181/v1/config"], **_HEALTH},
    }


def _buckets() -> dict[str, Any]:
    return {
        "image": SEAWEEDFS_IMAGE,
        "entrypoint": ["/bin/sh", "-c"],
        "environment": {"COMMANDS": seaweedfs.BUCKETS},
        "command": ['printf "%s" "$$COMMANDS" | weed shell -master=seaweedfs:9333'],
        "depends_on": {"seaweedfs": {"condition": "service_healthy"}},
    }


def _trino(stack: Stack, configs: dict[str, str]) -> dict[str, Any]:
    files = {
        "config.properties": trino.properties(trino.server_properties(8080)),
        "jvm.config": trino.JVM,
        "node.properties": trino.properties({"node.environment": "cascade", "node.data-dir": "/data/trino"}),
        f"catalog/{trino.CATALOG}.properties": trino.properties(
            trino.rest_catalog(stack, s3="http://seaweedfs:8333", iceberg="http://seaweedfs:8181")
        ),
    }
    names = {path: f"trino-{path.rpartition('/')[2].replace('.', '-')}" for path in files}
    configs.update({names[path]: text for path, text in files.items()})
    return {
        "image": TRINO_IMAGE,
        "ports": [_published(stack, "trino", 8080)],
        "configs": [{"source": name, "target": f"/etc/trino/{path}"} for path, name in names.items()],
        "volumes": ["trino:/data/trino"],
        "depends_on": {"buckets": {"condition": "service_completed_successfully"}},
    }


def _published(stack: Stack, name: str, inside: int) -> Mapping[str, object]:
    return {"target": inside, "published": str(stack.ports[name]), "host_ip": ADDRESS}


def _literal(text: str) -> str:
    """Return a text in which compose replaces no variable."""
    return text.replace("$", "$$")
