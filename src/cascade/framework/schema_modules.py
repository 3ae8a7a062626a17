"""Modules that hold schemas for workflows elsewhere, and what of them cannot become a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType

from cascade.declarations.schema_fields import columns_of, is_schema
from cascade.exceptions import CascadeError, SchemaConversionError
from cascade.framework.collect import workflows_in


def schemas_in(module: ModuleType) -> list[type]:
    """Lists the schemas that a module defines, whether or not a workflow uses them.

    Left out are models that are no table by themselves: those whose name begins with an underscore, those without
    fields, pydantic's root models and generic ones.

    Args:
        module: a loaded module.

    Returns:
        Classes of pydantic and pandera, in the order of the module. None for a module that declares a workflow: there,
        the schemas are those that workflows name, and other models may be anything.
    """
    if workflows_in(module):
        return []
    # A class may have two names.
    values = dict.fromkeys(value for value in vars(module).values() if isinstance(value, type))
    return [value for value in values if is_schema(value) and _is_a_table(value, module.__name__)]


def _is_a_table(model: type, module: str) -> bool:
    generic = getattr(model, "__pydantic_generic_metadata__", {}).get("parameters")
    root = getattr(model, "__pydantic_root_model__", False)
    ours = model.__module__ == module and not model.__name__.startswith("_")
    return ours and not generic and not root and columns_of(model) != {}


def unusable_schemas(modules: Iterable[ModuleType]) -> Iterator[CascadeError]:
    """Converts the schemas of some modules to Iceberg, and gives the error of each that cannot be."""
    from cascade.schemas import to_iceberg_schema

    for module in modules:
        for schema in schemas_in(module):
            try:
                to_iceberg_schema(schema)
            except SchemaConversionError as error:
                yield error
                yield from error.others
            except CascadeError as error:
                yield error
