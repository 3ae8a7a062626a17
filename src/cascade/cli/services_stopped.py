"""What a command that failed says where servers of the project's stack are stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError
from cascade.program import typed

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_COMMANDS = frozenset(
    (
        *("backfill", "branch", "ci", "copy", "dbt", "dev", "doctor", "maintain"),
        *("materialize", "metrics", "plan", "publish", "quarantine", "status", "table"),
    )
)
"""The commands that ask servers."""


def how_to_start(command: str | None, config: CascadeConfig | None) -> str | None:
    """Return how to start the servers that the settings point to and that are stopped.

    Args:
        command: the command that failed.
        config: the settings, or None if the command has not read them.

    Returns:
        A sentence and the command to type; None if the command asks no servers, or if none of them is stopped.
    """
    if config is None or command not in _COMMANDS:
        return None
    from cascade.services.compose import FILE
    from cascade.services.parts import services_of
    from cascade.services.preparation import is_pointed_to
    from cascade.services.stack import is_free, open_stack

    try:
        stack = open_stack(config.services_directory)
        services = services_of(stack, config.services_trino) if stack is not None else ()
        # The ports tell, and not the processes: servers may run in containers.
        stopped = [each.name for each in services if is_pointed_to(config, each) and all(map(is_free, each.ports))]
    except CascadeError:
        return None
    if stack is None or not stopped:
        return None
    compose = stack.directory / FILE
    start = f"docker compose -f {compose} up -d" if compose.exists() else typed("services start")
    return f"Stopped servers: {', '.join(stopped)}. Start them: {start}"
