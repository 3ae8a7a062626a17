"""The keys and groups that the user's translator gives the nodes of a dbt project."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from dagster_dbt import DagsterDbtTranslator  # pants: no-infer-dep

    from cascade.config import CascadeConfig


class Translated:
    """Asks the translator. It is loaded, with dagster-dbt, when a node is asked for.

    Args:
        config: the settings.
        tables: the asset key of each workflow, by the namespace and the name of its table.
    """

    def __init__(self, config: CascadeConfig, tables: Mapping[tuple[str, str], tuple[str, ...]]) -> None:
        self._config = config
        self._tables = tables

    def __call__(self, manifest: Mapping[str, Any], unique_id: str) -> tuple[str, str | None]:
        """Return the asset key and the group of a node.

        Args:
            manifest: dbt's manifest.
            unique_id: the unique id of the node.

        Raises:
            ConfigError: the setting `dbt_translator` is wrong.
            CascadeError: the translator fails.
        """
        try:
            spec = self._translator.get_asset_spec(manifest, unique_id, None)
        except CascadeError:
            raise
        except Exception as error:
            message = f"{self._config.dbt_translator} failed for {unique_id}: {type(error).__name__}: {error}"
            raise CascadeError(message) from error
        return "/".join(spec.key.path), spec.group_name

    @cached_property
    def _translator(self) -> DagsterDbtTranslator:
        from cascade.dbt.user_translator import find_translator

        return find_translator(self._config, self._tables)
