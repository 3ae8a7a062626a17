"""Which catalogs keep branches of a table. Nessie, for example, refuses or drops them.

A catalog whose metadata this process writes keeps everything that Iceberg knows. A server is tried once, on a table
of its own, because a server that drops branches could show the rows of an audit branch to everybody.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cascade.iceberg.commit_outcomes import Outcome, described, outcome_of
from cascade.notices import notice
from cascade.table_ref import MAIN_BRANCH, TableRef

if TYPE_CHECKING:
    from cascade.iceberg.catalog import Lakehouse

_lock = Lock()
_INSTEAD = (
    "the checks of a run read its rows before they are committed, and a run whose checks fail leaves no branch to "
    "look at"
)


def keeps_branches(lakehouse: Lakehouse, ref: TableRef) -> bool:
    """Return whether a catalog keeps branches. What a server does is tried once and remembered on disk.

    Args:
        lakehouse: the lakehouse.
        ref: a table, in whose namespace the server is tried.
    """
    from pyiceberg.catalog import MetastoreCatalog

    if isinstance(lakehouse.catalog, MetastoreCatalog):
        return True
    with _lock:
        memory = _memory(lakehouse)
        known = _read(memory)
        if known is None:
            known = _try(lakehouse, ref)
            if known is None:
                # The next run tries again.
                return False
            with suppress(OSError):
                memory.parent.mkdir(parents=True, exist_ok=True)
                memory.write_text(json.dumps({"catalog": lakehouse.uri, "keeps_branches": known}) + "\n")
            if not known:
                notice(f"The catalog at {lakehouse.uri} keeps no branches of tables, so {_INSTEAD}.")
        return known


def _memory(lakehouse: Lakehouse) -> Path:
    digest = hashlib.sha256(f"{lakehouse.uri}\n{lakehouse.warehouse}".encode()).hexdigest()[:16]
    return (lakehouse.origin or lakehouse.dlt_directory).parent / "catalogs" / f"{digest}.json"


def _read(memory: Path) -> bool | None:
    try:
        known = json.loads(memory.read_text())["keeps_branches"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return known if isinstance(known, bool) else None


def _try(lakehouse: Lakehouse, ref: TableRef) -> bool | None:
    """Commit a snapshot without rows to a branch of a new table; None if nothing is learnt from that."""
    from pyiceberg.exceptions import ForbiddenError, UnauthorizedError
    from pyiceberg.schema import Schema
    from pyiceberg.types import LongType, NestedField

    from cascade.iceberg.attempt import prepared
    from cascade.iceberg.changes import FileChange
    from cascade.iceberg.heads import AuditBranch

    catalog, probe = lakehouse.catalog, TableRef(ref.namespace, f"cascade_probe_{uuid.uuid4().hex}")
    branch = AuditBranch("audit_probe", 60)
    try:
        table = catalog.create_table(probe.identifier, Schema(NestedField(1, "id", LongType(), required=False)))
        try:
            attempt = prepared(table, MAIN_BRANCH, FileChange(), {}, audit=branch)
            try:
                attempt.send()
            except Exception as error:
                if outcome_of(error) is Outcome.REFUSED and not isinstance(error, (ForbiddenError, UnauthorizedError)):
                    return False
                raise
            refs = catalog.load_table(probe.identifier).metadata.refs
            head = refs.get(branch.name)
            return head is not None and head.snapshot_id == attempt.snapshot_id and MAIN_BRANCH not in refs
        finally:
            with suppress(Exception):
                catalog.purge_table(probe.identifier)
    except Exception as error:
        notice(
            f"Whether the catalog at {lakehouse.uri} keeps branches could not be tried on a table of the namespace "
            f"{ref.namespace} ({described(error)}), so {_INSTEAD}."
        )
        return None
