"""Pass Dagster's context and resources to a decorated function, by the names of its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.declarations import CONTEXT, Declaration

if TYPE_CHECKING:
    import dagster as dg

LAKEHOUSE = "lakehouse"
"""The key of the resource that provides a `Lakehouse`."""


@dataclass(frozen=True)
class MissingResource:
    """Stands in for a resource that the project lacks.

    Dagster refuses all definitions of a project in which one asset requires a resource that does not exist. With this
    object in its place, only the workflows that take the resource fail, when they run.

    Args:
        problem: one sentence about the parameter that takes the resource.
    """

    problem: str


def dagster_arguments(declaration: Declaration, context: dg.AssetExecutionContext) -> dict[str, object]:
    """Return the arguments of a decorated function that come from Dagster.

    Args:
        declaration: what the decorator recorded.
        context: the context of the run, which has the resources.

    Raises:
        DeclarationError: a resource is missing, or it is not known whether a parameter takes one.
    """
    arguments: dict[str, object] = {CONTEXT: context} if declaration.takes_context else {}
    # An I/O manager or a Pipes client, like any resource, is passed as the object that was configured.
    resources = context.resources.original_resource_dict
    arguments |= {name: resources[name] for name in declaration.resources}
    problems = declaration.unclear_parameters()
    problems += [value.problem for value in arguments.values() if isinstance(value, MissingResource)]
    if problems:
        raise declaration.error(*problems)
    return arguments
