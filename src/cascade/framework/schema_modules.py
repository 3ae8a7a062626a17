"""Find the schemas in modules without workflows, and the ones that cannot become a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType

from cascade.declarations.schema_fields import columns_of, is_schema
from cascade.exceptions import CascadeError
from cascade.framework.collect import workflows_in


def schemas_in(module: ModuleType) -> list[type]:
    """List the schemas that a module defines, whether or not a workflow uses them.

    Models that cannot be a table by themselves are left out: those whose name begins with an underscore, those without
    fields, and pydantic's root models and generic models.

    Args:
        module: a loaded module.

    Returns:
        Classes of pydantic and pandera, in the order of the module. An empty list for a module that declares a
        workflow: its schemas are those that the workflows use, and its other models may be anything.
    """
    if workflows_in(module):
        return []
    # A class may be assigned to two names.
    values = dict.fromkeys(value for value in vars(module).values() if isinstance(value, type))
    return [value for value in values if is_schema(value) and _is_a_table(value, module.__name__)]


def _is_a_table(model: type, module: str) -> bool:
    generic = getattr(model, "__pydantic_generic_metadata__", {}).get("parameters")
    root = getattr(model, "__pydantic_root_model__", False)
    ours = model.__module__ == module and not model.__name__.startswith("_")
    return ours and not generic and not root and columns_of(model) != {}


def unusable_schemas(modules: Iterable[ModuleType]) -> Iterator[CascadeError]:
    """Convert the schemas of some modules to Iceberg columns, and return an error for each that does not convert."""
    from cascade.schemas import to_iceberg_schema

    for module in modules:
        for schema in schemas_in(module):
            try:
                to_iceberg_schema(schema)
            except CascadeError as error:
                yield error
