"""Who works on a branch: `dev`, whose Dagster has its databases in the directory of the branch."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError
from cascade.table_ref import MAIN_BRANCH, branch_directory

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_LOCK = "use.lock"


@contextmanager
def branch_in_use(config: CascadeConfig) -> Iterator[None]:
    """Keep the branch of the settings from being discarded while this process works on it.

    Args:
        config: the settings.

    Yields:
        Nothing. On `main`, nothing happens.
    """
    if config.branch == MAIN_BRANCH:
        yield
        return
    directory = branch_directory(config.state_directory, config.branch)
    directory.mkdir(parents=True, exist_ok=True)
    # The operating system releases the lock of a process that is gone.
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def require_unused(directory: Path, branch: str) -> None:
    """Check that no `dev` works on a branch.

    Args:
        directory: the directory of the branch. It need not exist.
        branch: name of the branch.

    Raises:
        CascadeError: one does.
    """
    try:
        descriptor = os.open(directory / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CascadeError(
            f'`dev` works on the branch "{branch}".', hint="Stop it with Ctrl-C, and run this again."
        ) from None
    finally:
        os.close(descriptor)
