"""A throwaway lakehouse."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cascade.iceberg import Lakehouse


@contextmanager
def throwaway_lakehouse(directory: Path | str | None = None) -> Iterator[Lakehouse]:
    """Open a new lakehouse: an embedded catalog and a local warehouse, whatever the project's settings say.

    Args:
        directory: where to put it, to keep it; a temporary directory that is removed at the end if absent.

    Yields:
        The open lakehouse.
    """
    if directory is not None:
        yield _open(Path(directory))
        return
    # A reader may still hold a file open. The system cleans its temporary directory anyway.
    with tempfile.TemporaryDirectory(prefix="cascade-test-", ignore_cleanup_errors=True) as temporary:
        yield _open(Path(temporary))


def _open(directory: Path) -> Lakehouse:
    from cascade.framework.resources import throwaway_config
    from cascade.iceberg import open_lakehouse

    return open_lakehouse(throwaway_config(directory))
