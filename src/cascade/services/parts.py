"""The servers of a project's stack, in the order in which they start."""

from __future__ import annotations

from pathlib import Path

from cascade.services.postgres import Postgres
from cascade.services.seaweedfs import SeaweedFS
from cascade.services.service import Service
from cascade.services.stack import Stack
from cascade.services.trino import Trino

NAMES = ("postgres", "seaweedfs", "trino")


def services_of(stack: Stack, trino: Path | None) -> tuple[Service, ...]:
    """Return the servers.

    Args:
        stack: the stack.
        trino: the directory of a Trino server; None for the downloaded one.
    """
    return (Postgres(stack), SeaweedFS(stack), Trino(stack, server=trino))
