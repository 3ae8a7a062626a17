"""What `services` and `init` print about the servers of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.program import typed
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.services.control import Status
    from cascade.services.preparation import Prepared


def say_prepared(out: Output, prepared: Prepared) -> None:
    """Print which servers the settings of a project point to, and what is missing of the others."""
    for service, missing in prepared.left_out:
        out.warn(f"{service.name} is left out. {missing.what}\nTo get it: {missing.how}")
    if prepared.used:
        written = "Wrote" if prepared.changed else "Unchanged:"
        names = ", ".join(service.name for service in prepared.used)
        out.say(f"{written} the settings of {names} in {prepared.file}.")
    if prepared.left_out:
        out.say(f"When you have what is missing, add its settings: {typed('services init')}")


def say_waiting(out: Output) -> None:
    """Print that another command is at the servers."""
    out.say("Another command starts or stops the servers. Waiting for it …")


def say_status(out: Output, status: Status) -> None:
    """Print the state of a server that was to start."""
    name = status.service.name
    if status.state == "healthy":
        out.say(f"{name:<9}  healthy  {', '.join(address.text for address in status.service.addresses)}")
    elif status.state == "not installed":
        out.warn(f"{name} is left out. {status.detail}\nTo get it: {status.hint}")
    else:
        out.error(f"{name} is {status.state}. {status.detail}" + (f"\n{status.hint}" if status.hint else ""))


def status_document(status: Status) -> dict[str, object]:
    """Return the state of a server for scripts."""
    return {
        "name": status.service.name,
        "state": status.state,
        "detail": status.detail,
        "hint": status.hint,
        "pid": status.pid,
        "since": status.since,
        "addresses": {address.part: address.text for address in status.service.addresses},
    }
