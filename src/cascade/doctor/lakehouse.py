"""The lakehouse: whether its catalog answers and its warehouse can be written."""

from __future__ import annotations

import os
import shlex
import tempfile
import uuid
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.config.postgres_urls import is_postgres
from cascade.doctor.finding import Finding, nearest_existing
from cascade.exceptions import CascadeError
from cascade.iceberg.catalog_errors import explain_catalog_error
from cascade.iceberg.locations import local_directory
from cascade.iceberg.overview import table_identifiers
from cascade.iceberg.store_errors import LOGIN_HINT, store_hint
from cascade.program import typed
from cascade.terminal.words import counted, first_line
from cascade.time_limit import within

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table

    from cascade.config import CascadeConfig
    from cascade.iceberg import Lakehouse

_NOT_ALLOWED = "AWS Error ACCESS_DENIED"

_NESSIE = (
    "it is Nessie, of which version 0.99 loses rows of runs that commit to one table at the same time, and refuses "
    "changes of a schema"
)
_TRY_IT = "Try what yours does: pytest --pyargs cascade.testing.conformance"

SECONDS = 15.0
"""How many seconds a server may take to answer."""


def check_catalog(
    config: CascadeConfig, open_it: Callable[[CascadeConfig], Lakehouse] | None = None, seconds: float = SECONDS
) -> tuple[Finding, Lakehouse | None]:
    """Open the catalog and list its namespaces. Do not create the embedded catalog.

    Args:
        config: the settings.
        open_it: opens a lakehouse; `open_lakehouse` by default.
        seconds: how long it may take.

    Returns:
        The finding, and the open lakehouse or None.
    """
    embedded = config.state_directory / "catalog.db"
    if not (config.iceberg_catalog or config.nessie_uri) and not embedded.is_file():
        detail = f"the embedded catalog, which the first run creates at {embedded}"
        return Finding("catalog", "ok", detail), None
    if is_postgres(config.iceberg_catalog or "") and find_spec("psycopg2") is None:
        detail = "the catalog is in PostgreSQL, but the driver is not installed"
        return Finding("catalog", "problem", detail, "Type: pip install 'cascade-workflows[postgres]'"), None

    def ask() -> tuple[Lakehouse, int]:
        from cascade.iceberg import open_lakehouse

        # What is wrong with the server of large merges is a finding of its own.
        lakehouse = (open_it or open_lakehouse)(config.model_copy(update={"merge_engine": "cascade"}))
        return lakehouse, len(lakehouse.catalog.list_namespaces())

    try:
        lakehouse, count = within(seconds, ask)
    except CascadeError as error:
        return Finding("catalog", "problem", error.message, error.hint), None
    except Exception as error:
        return Finding("catalog", "problem", *_explained(config, error)), None
    detail = f"{lakehouse.uri} answers, with {counted(count, 'namespace')}"
    if any(name.startswith("nessie.") for name in lakehouse.catalog.properties):
        return Finding("catalog", "warning", f"{detail}; {_NESSIE}", _TRY_IT), lakehouse
    return Finding("catalog", "ok", detail), lakehouse


def check_warehouse(config: CascadeConfig, lakehouse: Lakehouse | None, seconds: float = SECONDS) -> Finding:
    """Write a small file to the warehouse and delete it. Do not create the directory.

    Args:
        config: the settings.
        lakehouse: the open lakehouse; None if the catalog was not opened.
        seconds: how long it may take.
    """
    warehouse = config.iceberg_warehouse or (lakehouse.warehouse if lakehouse else "")
    if not warehouse and not lakehouse and not (config.iceberg_catalog or config.nessie_uri):
        warehouse = str(config.state_directory / "warehouse")
    if not warehouse:
        return Finding("warehouse", "ok", "not checked, because the catalog chooses it")
    served = (config.nessie_uri or config.iceberg_catalog or "").startswith(("http://", "https://"))
    if served and lakehouse is not None:
        return _of_rest(lakehouse, warehouse, seconds)
    if served and "://" not in warehouse:
        return Finding("warehouse", "ok", f"not checked, because the catalog knows where {warehouse} is")
    directory = local_directory(warehouse)
    if directory is not None:
        return _local(directory)
    if lakehouse is None:
        return Finding("warehouse", "warning", f"{warehouse} was not checked, because the catalog was not opened")
    opened = lakehouse

    def write() -> None:
        from pyiceberg.io import load_file_io

        _write_and_remove(load_file_io(opened.catalog.properties, warehouse), warehouse)

    return _tried(warehouse, "written", write, seconds)


def _of_rest(lakehouse: Lakehouse, warehouse: str, seconds: float) -> Finding:
    """Write where a table of a REST catalog is: only the catalog knows the place, and may lend the credentials."""
    table = within(seconds, lambda: _any_table(lakehouse))
    if table is not None:
        place = f"{table.location().rstrip('/')}/data"
        return _tried(place, "written", lambda: _write_and_remove(table.io, place), seconds)
    if "://" not in warehouse:
        return Finding("warehouse", "ok", f"not checked, because the catalog knows where {warehouse} is")

    found = _tried(warehouse, "listed", lambda: _list(lakehouse, warehouse), seconds)
    if _NOT_ALLOWED in found.detail:
        detail = f"{warehouse} was not checked: the catalog has no table yet, and the key may not list the bucket"
        hint = f"After the first run, this writes to its table: {typed('doctor')}"
        return Finding("warehouse", "warning", detail, hint)
    return found


def _tried(place: str, done: str, action: Callable[[], None], seconds: float) -> Finding:
    try:
        within(seconds, action)
    except Exception as error:
        said = first_line(error)
        hint = store_hint(said) or (LOGIN_HINT if place.startswith("s3") else None)
        return Finding("warehouse", "problem", f"{place} cannot be {done}: {said}", hint)
    return Finding("warehouse", "ok", f"{place} can be {done}")


def _local(directory: Path) -> Finding:
    place = nearest_existing(directory)
    try:
        if not place.is_dir():
            detail = f"{place} is a file, not a directory"
            return Finding("warehouse", "problem", detail, f"Move it away: {place}")
        if place != directory:
            if not os.access(place, os.W_OK | os.X_OK):
                raise PermissionError(f"{place} cannot be written")
            return Finding("warehouse", "ok", f"{directory}, which the first run creates")
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"cascade doctor")
    except OSError as error:
        hint = f"Allow yourself to write there: chmod u+rwx {shlex.quote(str(place))}"
        return Finding("warehouse", "problem", f"{directory} cannot be written: {error.strerror or error}", hint)
    return Finding("warehouse", "ok", f"{directory} can be written")


def _list(lakehouse: Lakehouse, warehouse: str) -> None:
    """List a place in a store. A store may refuse files outside of tables, so this writes and opens none.

    S3 says why it refuses a list, and not why it refuses to look at one file, which may also just be missing.
    """
    from pyarrow.fs import FileSelector
    from pyiceberg.io.pyarrow import PyArrowFileIO

    scheme, netloc, path = PyArrowFileIO.parse_location(warehouse)
    store = PyArrowFileIO(lakehouse.catalog.properties).fs_by_scheme(scheme, netloc)
    store.get_file_info(FileSelector(path, allow_not_found=True))


def _any_table(lakehouse: Lakehouse) -> Table | None:
    for identifier in table_identifiers(lakehouse.catalog):
        return lakehouse.catalog.load_table(identifier)
    return None


def _write_and_remove(store: FileIO, place: str) -> None:
    location = f"{place.rstrip('/')}/cascade-doctor-{uuid.uuid4().hex}"
    with store.new_output(location).create() as file:
        file.write(b"cascade doctor")
    store.delete(location)


def _explained(config: CascadeConfig, error: Exception) -> tuple[str, str]:
    if isinstance(error, TimeoutError):
        hint = f"Check that the server is running. Its address is in: {typed('config show')}"
        return f"the catalog does not answer: {first_line(error)}", hint
    return explain_catalog_error(config.nessie_uri or config.iceberg_catalog or "", error)
