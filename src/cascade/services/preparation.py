"""Prepare a project for its stack: ports, passwords, and the settings in `.env`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cascade.config import CascadeConfig
from cascade.exceptions import CascadeError
from cascade.program import typed
from cascade.services.compose import FILE as COMPOSE_FILE
from cascade.services.compose import compose_text
from cascade.services.control import exclusive
from cascade.services.parts import services_of
from cascade.services.project_settings import has_settings, write_settings
from cascade.services.running import find_process
from cascade.services.service import Missing, Service
from cascade.services.stack import Stack, create_stack, open_stack, with_new_ports, write_private


@dataclass(frozen=True)
class Prepared:
    """A project that was prepared.

    Args:
        stack: its stack.
        file: the `.env` with the settings.
        changed: whether the file has changed.
        used: the servers that the settings point to.
        left_out: the other servers, and what is missing of each.
        compose: the compose file that was written, or None.
    """

    stack: Stack
    file: Path
    changed: bool
    used: tuple[Service, ...]
    left_out: tuple[tuple[Service, Missing], ...]
    compose: Path | None


def prepare(
    config: CascadeConfig,
    *,
    new_ports: bool = False,
    composed: bool = False,
    waits: Callable[[], None] = lambda: None,
) -> Prepared:
    """Write the settings of the servers that this machine can start into `.env`.

    Args:
        config: the settings of the project.
        new_ports: whether to choose other ports than before.
        composed: whether containers are to run the servers. Then a compose file is written, and no program is needed.
        waits: called if another command starts or stops the servers.

    Raises:
        UsageError: `.env` has a line of its own for one of the settings, or cannot be read.
        CascadeError: the servers run and must not get other ports, or a file cannot be read or written.
    """
    stack = opened_or_created(config.services_directory)
    with exclusive(stack.directory, waits):
        # Another process may have changed it meanwhile.
        stack = open_stack(config.services_directory) or stack
        if new_ports:
            running = [service.name for service in services_of(stack, None) if find_process(service) is not None]
            if running:
                raise CascadeError(
                    f"The ports cannot change while servers run: {', '.join(running)}.",
                    hint=f"Type: {typed('services stop')}",
                )
            stack = with_new_ports(stack)
        services = services_of(stack, config.services_trino)
        lacking = {service.name: _lacking(service, composed=composed) for service in services}
        used = tuple(service for service in services if lacking[service.name] is None)
        file = config.project_root / ".env"
        changed = write_settings(file, settings_of(used))
        compose = None
        if composed:
            compose = stack.directory / COMPOSE_FILE
            write_private(compose, compose_text(stack))
    left_out = tuple((service, missing) for service in services if (missing := lacking[service.name]) is not None)
    return Prepared(stack, file, changed, used, left_out, compose)


def opened_or_created(directory: Path) -> Stack:
    """Open the stack in a directory, or create one."""
    return open_stack(directory) or create_stack(directory)


def settings_of(services: tuple[Service, ...]) -> Mapping[str, str]:
    """Return the settings that point a project to servers."""
    return {name: value for service in services for name, value in service.settings.items()}


def is_pointed_to(config: CascadeConfig, service: Service) -> bool:
    """Return whether `.env` points the project to a server."""
    return has_settings(config.project_root / ".env", service.settings)


def overruled(prepared: Prepared, config: CascadeConfig) -> Iterator[str]:
    """Yield a sentence for each setting that another source than `.env` decides.

    Args:
        prepared: the project.
        config: its settings, read again.
    """
    for variable in settings_of(prepared.used):
        name = variable.removeprefix("CASCADE_").lower()
        origin = config.origin_of(name)
        if origin is not None and config.source_of(name) != ".env":
            yield f"{origin} comes before the value in {prepared.file}."
    if config.nessie_uri is not None and any(service.name == "seaweedfs" for service in prepared.used):
        yield f"{config.origin_of('nessie_uri')} is set, and comes before the REST catalog of the stack."


def _lacking(service: Service, *, composed: bool) -> Missing | None:
    if not composed and service.missing is not None:
        return service.missing
    if service.lacking_extra is None:
        return None
    extra = service.lacking_extra
    return Missing(f"The extra {extra} is not installed.", f"pip install 'cascade-workflows[{extra}]'")
