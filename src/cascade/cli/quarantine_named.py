"""Find the quarantine that a command names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cascade.cli.context import Invocation
from cascade.cli.table_named import require_table
from cascade.exceptions import UsageError
from cascade.spelling import did_you_mean
from cascade.table_ref import QUARANTINE_SUFFIX, TableRef

if TYPE_CHECKING:
    from cascade.iceberg import Lakehouse


def open_quarantine(invocation: Invocation, name: str) -> tuple[Lakehouse, TableRef]:
    """Open the lakehouse of the project, and find the table of a quarantine. The table itself may have been dropped.

    Args:
        invocation: the invocation, which must be inside of a project.
        name: what the user typed: the name of the table or of its quarantine; the namespace `raw` may be left out.

    Raises:
        UsageError: there is no project, or neither the table nor its quarantine exists.
    """
    from cascade.iceberg import open_lakehouse

    invocation.require_project()
    name = name.removesuffix(QUARANTINE_SUFFIX)
    lakehouse, ref = open_lakehouse(invocation.config), TableRef.named(name)
    if lakehouse.load(ref.quarantine) is None:
        ref, _ = require_table(invocation, lakehouse, name)
    return lakehouse, ref


def check_refused_keys(ref: TableRef, keys: Sequence[str], known: Sequence[str | None]) -> None:
    """Check that partitions have refused rows.

    Args:
        ref: the table.
        keys: the keys that the user typed.
        known: the keys of its partitions that have some.

    Raises:
        UsageError: one of them has none.
    """
    names = [key for key in known if key is not None]
    for key in keys:
        if key not in names:
            raise UsageError(
                f'The partition "{key}" of {ref.full_name} has no refused rows.{did_you_mean(key, names)}',
                hint=f"These have some: {', '.join(names[:5])}." if names else "No other has any either.",
            )
