"""The resources of assets: the project's lakehouse, or a throwaway one for tests."""

from __future__ import annotations

import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.ingestion.parameters import LAKEHOUSE

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig
    from cascade.iceberg import Lakehouse


def build_resources(config: CascadeConfig | None = None) -> dict[str, dg.ResourceDefinition]:
    """Build the resources of a project.

    Nothing is opened here. The first run opens the catalog, which then serves all runs of the process.

    Args:
        config: the settings; read from their sources by default.

    Returns:
        Dagster resources by key: `lakehouse` is a `cascade.iceberg.Lakehouse`.
    """
    if config is None:
        from cascade.config import CascadeConfig

        config = CascadeConfig.from_user_config()
    return {LAKEHOUSE: _resource(LakehouseOpener(config))}


def build_test_resources(directory: Path | str | None = None) -> dict[str, dg.ResourceDefinition]:
    """Build resources for tests on a separate lakehouse, so that tests never touch the project's tables.

    Args:
        directory: the lakehouse's directory; by default a temporary one that is deleted with the resources.

    Returns:
        The same keys as `build_resources`.
    """
    if directory is not None:
        return {LAKEHOUSE: _resource(LakehouseOpener(throwaway_config(Path(directory))))}
    temporary = tempfile.TemporaryDirectory(prefix="cascade-test-")
    opener = LakehouseOpener(throwaway_config(Path(temporary.name)))
    weakref.finalize(opener, temporary.cleanup)
    return {LAKEHOUSE: _resource(opener)}


def throwaway_config(directory: Path) -> CascadeConfig:
    """Return settings that keep all state in one directory, regardless of the environment."""
    from cascade.config import CascadeConfig

    directory = directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    return CascadeConfig(
        project_root=directory,
        iceberg_catalog=None,
        iceberg_warehouse=None,
        nessie_uri=None,
        dagster_home=directory / ".cascade" / "dagster",
        dlt_directory=directory / ".cascade" / "dlt",
    )


class LakehouseOpener:
    """Opens the lakehouse of a project once, on first use.

    Args:
        config: the project's settings.
    """

    def __init__(self, config: CascadeConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._lakehouse: Lakehouse | None = None

    def __call__(self) -> Lakehouse:
        """Return the open lakehouse.

        Raises:
            ConfigError: the catalog cannot be reached.
        """
        from cascade.iceberg import open_lakehouse

        with self._lock:
            if self._lakehouse is None:
                self._lakehouse = open_lakehouse(self._config)
                self._give_dlt_the_dotenv()
            return self._lakehouse

    def _give_dlt_the_dotenv(self) -> None:
        if self._config.dlt_values:
            from cascade.config.dlt_provider import register_dlt_provider

            register_dlt_provider(self._config.dlt_values)


def _resource(opener: LakehouseOpener) -> dg.ResourceDefinition:
    import dagster as dg

    return dg.ResourceDefinition(
        resource_fn=lambda _: opener(), description="The Iceberg catalog and warehouse of the project."
    )
