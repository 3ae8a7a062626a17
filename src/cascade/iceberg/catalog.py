"""The lakehouse of a project: its Iceberg catalog and where the files are.

`open_lakehouse` is the only place that knows an embedded catalog from one in production. Everything else takes
the `Lakehouse` it returns.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cascade.config.secrets import mask_secrets
from cascade.exceptions import ConfigError

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

CATALOG_NAME = "cascade"
_SQLITE_BUSY_SECONDS = 60
_OPEN_ATTEMPTS = 8


class LakehouseSettings(Protocol):
    """The settings that say where a lakehouse is. `CascadeConfig` has them."""

    @property
    def state_directory(self) -> Path:
        """Directory of the embedded catalog and warehouse."""
        ...

    @property
    def iceberg_catalog(self) -> str | None:
        """URI of the catalog; None for the embedded one."""
        ...

    @property
    def iceberg_warehouse(self) -> str | None:
        """Directory or URI of the files; None for the embedded one."""
        ...

    @property
    def nessie_uri(self) -> str | None:
        """Address of a Nessie server, which then is the catalog."""
        ...

    @property
    def nessie_ref(self) -> str:
        """Nessie's branch."""
        ...


@dataclass(frozen=True)
class Lakehouse:
    """An open catalog.

    Args:
        catalog: the Iceberg catalog.
        uri: the catalog's address, for people to read.
        warehouse: directory or URI under which tables are made.
        dlt_directory: where dlt keeps the incremental state of each asset and partition.
    """

    catalog: Catalog
    uri: str
    warehouse: str
    dlt_directory: Path

    def load(self, identifier: tuple[str, str]) -> Table | None:
        """Return a table as it is now, or None when there is none.

        Args:
            identifier: namespace and name, such as `("raw", "weather_observations")`.
        """
        from pyiceberg.exceptions import NoSuchTableError

        try:
            return self.catalog.load_table(identifier)
        except NoSuchTableError:
            return None

    def read(self, table: str, *, columns: Sequence[str] | None = None, where: str | None = None) -> pl.DataFrame:
        """Read rows of a table as they are now.

            lakehouse.read("raw.weather_observations", columns=["station", "celsius"], where="celsius > 40")

        Args:
            table: namespace and name, such as `raw.weather_observations`.
            columns: the columns to read, in this order; all if absent. Files hold columns apart: ask for few.
            where: a condition in the syntax of Iceberg's filters, such as `observed_on = '2024-01-15'`. Files that
                can hold no such row are not opened.

        Returns:
            The rows.

        Raises:
            UsageError: there is no such table or column, or the condition cannot be read.
        """
        from cascade.iceberg.reading import read_rows

        return read_rows(self, table, columns, where)


def open_lakehouse(config: LakehouseSettings) -> Lakehouse:
    """Open the catalog that the settings name, and make the embedded one when it is not there.

    Several processes may open it at once. Whatever pyiceberg reads for a catalog named `cascade`, from its own file or
    from `PYICEBERG_CATALOG__CASCADE__*`, is added: credentials of a store and tokens belong there.

    Raises:
        ConfigError: the catalog cannot be reached or the settings contradict each other.
    """
    state = Path(config.state_directory).absolute()
    uri = _uri(config, state)
    warehouse = config.iceberg_warehouse
    if warehouse is None and not _is_rest(uri):
        warehouse = str(state / "warehouse")
    properties = {"uri": uri}
    if warehouse is not None:
        properties["warehouse"] = _warehouse(warehouse, rest=_is_rest(uri))
    catalog = _open(properties)
    directory = getattr(config, "dlt_directory", None) or state / "dlt"
    return Lakehouse(catalog, _shown(uri), properties.get("warehouse", ""), Path(directory))


def _uri(config: LakehouseSettings, state: Path) -> str:
    if config.nessie_uri and config.iceberg_catalog:
        raise ConfigError(
            f"Two settings name a catalog: nessie_uri is {_shown(config.nessie_uri)}, and iceberg_catalog is "
            f"{_shown(config.iceberg_catalog)}.",
            hint="Keep one of CASCADE_NESSIE_URI and CASCADE_ICEBERG_CATALOG.",
        )
    if config.nessie_uri:
        # Nessie serves Iceberg's REST protocol beside its own API, one address for each branch.
        base = re.sub(r"/(api(/v\d)?|iceberg(/.*)?)/*$", "", config.nessie_uri.rstrip("/"))
        return f"{base}/iceberg/{config.nessie_ref}"
    uri = config.iceberg_catalog or f"sqlite:///{state / 'catalog.db'}"
    if uri.startswith(("postgresql://", "postgres://")):
        # SQLAlchemy 2.1 would look for psycopg, and the extra `postgres` has psycopg2.
        uri = f"postgresql+psycopg2://{uri.partition('://')[2]}"
    if uri.startswith("sqlite:") and "timeout=" not in uri:
        # Writers wait for each other: a commit holds the file for some milliseconds only.
        uri += f"{'&' if '?' in uri else '?'}timeout={_SQLITE_BUSY_SECONDS}"
    return uri


def _is_rest(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _warehouse(warehouse: str, *, rest: bool) -> str:
    if "://" in warehouse or rest:
        return warehouse
    directory = Path(warehouse).absolute()
    _make_directory(directory, "CASCADE_ICEBERG_WAREHOUSE")
    return directory.as_uri()


def _make_directory(directory: Path, setting: str) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The directory {directory} cannot be made: {error.strerror or error}.",
            hint=f"Give yourself the right to write there, or set {setting} to another place.",
        ) from error


def _open(properties: dict[str, str]) -> Catalog:
    """Open a catalog, again when another process was just making it."""
    from pyiceberg.catalog import load_catalog

    if properties["uri"].startswith("sqlite:///"):
        file = Path(properties["uri"].removeprefix("sqlite:///").split("?")[0])
        _make_directory(file.parent, "CASCADE_ICEBERG_CATALOG")
    for attempt in range(_OPEN_ATTEMPTS):
        try:
            return load_catalog(CATALOG_NAME, **properties)
        except Exception as error:
            # The tables of a new SQL catalog are made without a lock: the second of two processes finds them made.
            made_elsewhere = "already exists" in str(error) or "locked" in str(error)
            if not made_elsewhere or attempt == _OPEN_ATTEMPTS - 1:
                raise _unreachable(properties["uri"], error) from error
            time.sleep(random.uniform(0.02, 0.1) * (attempt + 1))
    raise AssertionError("unreachable")


def _unreachable(uri: str, error: Exception) -> ConfigError:
    first_line = mask_secrets((str(error).strip().splitlines() or [type(error).__name__])[0])
    return ConfigError(
        f"The Iceberg catalog at {_shown(uri)} cannot be opened: {first_line}",
        hint="Check CASCADE_ICEBERG_CATALOG or CASCADE_NESSIE_URI, and that the server runs.",
    )


def _shown(uri: str) -> str:
    """The address without a password and without our own query."""
    return mask_secrets(uri).split("?")[0]
