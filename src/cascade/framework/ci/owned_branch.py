"""The branch of one run of CI, which is dropped when the run ends, or after its process was killed.

The directory of the branch has a file that the process of the run locks. The operating system releases the lock of a
process that is gone. Branches of other machines are dropped a day after their runs began, which their names say.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.dbt.deferral import has_built_on_trino
from cascade.dbt.trino_branch import drop_overdue_schemas, drop_schemas
from cascade.iceberg.dropping import drop_working_branch
from cascade.iceberg.working_branch import branched_tables
from cascade.table_ref import CI_PREFIX, CI_SECONDS, MAIN_BRANCH, TableRef, branch_directory, ci_branch_age

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.iceberg import Lakehouse

_OWNER = "owner.lock"
_KEPT = "kept"


@dataclass(frozen=True)
class Dropped:
    """A branch that was dropped.

    Args:
        branch: its name.
        tables: the tables that had it.
        schemas: the schemas of its models on Trino.
    """

    branch: str
    tables: tuple[str, ...]
    schemas: tuple[str, ...] = ()


@contextmanager
def owned_branch(state: Path, branch: str) -> Iterator[Path]:
    """Own a branch while this process lives.

    Args:
        state: the state directory of the project.
        branch: name of the branch.

    Yields:
        The directory of the branch.
    """
    directory = branch_directory(state, branch)
    # Nobody sees the directory before it is locked.
    draft = directory.with_name(f".{branch}")
    draft.mkdir(parents=True)
    descriptor = os.open(draft / _OWNER, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        draft.rename(directory)
        yield directory
    finally:
        os.close(descriptor)


def keep_branch(directory: Path) -> None:
    """Let a branch outlive its run for a day.

    Args:
        directory: the directory of the branch.
    """
    (directory / _KEPT).touch()


def is_used(directory: Path) -> bool:
    """Return whether a run has given the branch to a table, or built a model on it.

    Args:
        directory: the directory of the branch.
    """
    has_models = has_built_on_trino(directory) or any((directory / "dbt").glob("*.duckdb"))
    return has_models or any(directory.glob("*.jsonl"))


def drop_branch_of_run(lakehouse: Lakehouse, config: CascadeConfig, branch: str) -> Dropped:
    """Drop the branch of a run of this machine from all tables that got it, its models, and its directory.

    Args:
        lakehouse: the lakehouse, on `main`.
        config: the settings.
        branch: name of the branch.

    Raises:
        Exception: what the catalog or Trino raised. The directory is still there, so that a later run tries again.
    """
    directory = branch_directory(config.state_directory, branch)
    # First, because views on Trino read the branch.
    schemas = drop_schemas(config, branch) if has_built_on_trino(directory) else ()
    tables = [found.ref.on(MAIN_BRANCH) for found in branched_tables(directory, branch)]
    names = (ref.full_name for ref in tables if drop_working_branch(lakehouse, ref, branch))
    dropped = Dropped(branch, tuple(names), tuple(schemas))
    shutil.rmtree(directory, ignore_errors=True)
    return dropped


def drop_abandoned(lakehouse: Lakehouse, config: CascadeConfig, tables: Iterable[TableRef]) -> Sequence[Dropped]:
    """Drop the branches of runs of CI that are over: those of dead processes of this machine, and those a day old.

    Args:
        lakehouse: the lakehouse, on `main`.
        config: the settings.
        tables: the tables of the project, on which runs of other machines may have left a branch.

    Returns:
        What was dropped.

    Raises:
        Exception: what the catalog or Trino raised.
    """
    now, found, mine = time.time(), [], set()
    for directory in sorted((config.state_directory / "branches").glob(f"{CI_PREFIX}*")):
        branch = directory.name
        age = ci_branch_age(branch, now)
        if age is None:
            continue
        mine.add(branch)
        if _is_alive(directory) or ((directory / _KEPT).exists() and age < CI_SECONDS):
            continue
        found.append(drop_branch_of_run(lakehouse, config, branch))
    old: dict[str, list[str]] = {}
    for ref in tables:
        table = lakehouse.load(ref)
        for branch in table.metadata.refs if table is not None else ():
            age = ci_branch_age(branch, now)
            if (
                age is not None
                and age > CI_SECONDS
                and branch not in mine
                and drop_working_branch(lakehouse, ref, branch)
            ):
                old.setdefault(branch, []).append(ref.full_name)
    found += [Dropped(branch, tuple(names)) for branch, names in old.items()]
    schemas = drop_overdue_schemas(config, now)
    return [*found, *(Dropped(branch, (), tuple(names)) for branch, names in schemas.items())]


def _is_alive(directory: Path) -> bool:
    """Return whether the process of a run holds the lock of its directory."""
    try:
        descriptor = os.open(directory / _OWNER, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
