"""The translator that the setting `dbt_translator` names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagster_dbt import DagsterDbtTranslator  # pants: no-infer-dep

from cascade.dbt.translator import CascadeDbtTranslator
from cascade.exceptions import ConfigError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


def find_translator(config: CascadeConfig, tables: Mapping[tuple[str, str], tuple[str, ...]]) -> DagsterDbtTranslator:
    """Return the translator that the setting `dbt_translator` names, else Cascade's own.

    Args:
        config: the settings.
        tables: the asset key of each workflow, by the namespace and the name of its table.

    Raises:
        ConfigError: the setting names no translator.
    """
    if config.dbt_translator is None:
        return CascadeDbtTranslator(tables)
    found = _named(config.dbt_translator)
    if isinstance(found, type) and issubclass(found, CascadeDbtTranslator):
        return found(tables)
    made = found() if isinstance(found, type) and issubclass(found, DagsterDbtTranslator) else found
    if not isinstance(made, DagsterDbtTranslator):
        raise ConfigError(
            f"dbt_translator is {config.dbt_translator!r}, which is not a DagsterDbtTranslator.",
            hint="Name a subclass of cascade.dbt.CascadeDbtTranslator, which also links sources to workflows.",
        )
    return made


def _named(name: str) -> Any:
    from importlib import import_module

    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:
        raise ConfigError(
            f"dbt_translator is {name!r}, which cannot be loaded: {type(error).__name__}: {error}",
            hint="Write the module and the class, for example workflows.translator:Translator",
        ) from error
