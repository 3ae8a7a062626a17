"""End with Pants, if it started this process: in a session of its own, so what ends Pants does not reach it."""

from __future__ import annotations

import os

from cascade.framework.renewed_manifest import COMMAND_VARIABLE
from cascade.processes.stop_signals import Stopped


def pants_parent(*, generated: bool) -> int | None:
    """Return the process that this one must not outlive; None if Pants did not start it.

    Args:
        generated: whether the project comes from a manifest of Pants.
    """
    return os.getppid() if generated and os.environ.get(COMMAND_VARIABLE) else None


def require_parent(parent: int | None) -> None:
    """Stop if Pants has ended, for example by a signal.

    Args:
        parent: the result of `pants_parent`.

    Raises:
        Stopped: it has.
    """
    if parent is not None and os.getppid() != parent:
        raise Stopped
