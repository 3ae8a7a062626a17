"""Start the servers of a stack for one command, and stop them at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cascade.cli.services_output import say_status, say_waiting
from cascade.exceptions import CascadeError
from cascade.program import typed
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


@contextmanager
def services_running(config: CascadeConfig, out: Output) -> Iterator[None]:
    """Start the servers that the settings of a project point to, and stop those at the end that did not run before.

    Args:
        config: the settings of the project.
        out: prints the states.

    Raises:
        CascadeError: the project does not point to servers, or one of them is not healthy.
    """
    from cascade.services.control import exclusive, start, stop
    from cascade.services.parts import services_of
    from cascade.services.preparation import is_pointed_to
    from cascade.services.running import find_process
    from cascade.services.stack import open_stack

    stack = open_stack(config.services_directory)
    services = services_of(stack, config.services_trino) if stack is not None else ()
    pointed_to = [service for service in services if is_pointed_to(config, service)]
    if stack is None or not pointed_to:
        raise CascadeError("The project does not use the servers.", hint=f"Type: {typed('services init')}")
    begun = []
    try:
        with exclusive(stack.directory, lambda: say_waiting(out)), out.waiting("starting the servers"):
            begun += [service for service in pointed_to if find_process(service) is None]
            found = start(pointed_to, lambda status: say_status(out, status))
        if any(status.state != "healthy" for status in found):
            raise CascadeError("Not all servers are healthy.", hint=f"Their logs: {typed('services logs')}")
        yield
    finally:
        with exclusive(stack.directory, lambda: say_waiting(out)), out.waiting("stopping the servers"):
            stop(begun, lambda service, ran: None)
