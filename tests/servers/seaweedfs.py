"""A SeaweedFS server: an S3 store, and an Iceberg REST catalog whose tables are in it.

It is the one of `cascade services`, and its data is gone when it stops.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import free_port
from servers.running import running

from cascade.services import seaweedfs
from cascade.services.stack import ADDRESS, create_stack

_VOLUME = 64


@dataclass(frozen=True)
class SeaweedFS:
    """A running server.

    Args:
        catalog: the URL of the REST catalog.
        s3: the URL of the S3 store.
        key: the access key, which is also the OAuth2 client.
        secret: the secret of both.
        metrics: the URL of what it has counted, as Prometheus reads it.
        store_settings: the settings of Cascade for the S3 store, with a warehouse for a catalog elsewhere.
        settings: the settings of Cascade for the REST catalog and its warehouse.
    """

    catalog: str
    s3: str
    key: str
    secret: str
    metrics: str
    store_settings: dict[str, str]
    settings: dict[str, str]


@contextmanager
def running_seaweedfs(weed: Path, gigabytes: float = 1.25) -> Iterator[SeaweedFS]:
    """Start a server, and stop it.

    Args:
        weed: the program.
        gigabytes: how much it can store.

    Yields:
        The server, which has an empty warehouse.
    """
    stack = create_stack(Path(tempfile.mkdtemp(prefix="weed-")))
    metrics, volumes = free_port(), int(gigabytes * 1024 / _VOLUME)
    options = (f"-metricsPort={metrics}", f"-master.volumeSizeLimitMB={_VOLUME}", f"-volume.max={volumes}")
    server = seaweedfs.SeaweedFS(stack, weed, options)
    with running(server):
        yield SeaweedFS(
            stack.url("iceberg"),
            stack.url("s3"),
            stack.secrets["s3_key"],
            stack.secrets["s3_secret"],
            f"http://{ADDRESS}:{metrics}/metrics",
            _by_name(server.store_settings),
            _by_name(server.settings),
        )


def _by_name(variables: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("CASCADE_").lower(): value for name, value in variables.items()}
