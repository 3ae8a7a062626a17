"""Pass Dagster's context and resources to a decorated function, by the names of its parameters."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
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


_problems: weakref.WeakKeyDictionary[Declaration, tuple[str, ...]] = weakref.WeakKeyDictionary()


def refuse_runs(problems: Mapping[Declaration, Sequence[str]], among: Iterable[Declaration]) -> None:
    """Let the runs of workflows fail in this process, because a parameter would get another object than it declares.

    Args:
        problems: one sentence for each parameter, by the declaration of its workflow.
        among: the declarations of the project that was loaded. Those without problems may run again.
    """
    for declaration in among:
        if problems.get(declaration):
            _problems[declaration] = tuple(problems[declaration])
        else:
            _problems.pop(declaration, None)


def dagster_arguments(declaration: Declaration, context: dg.AssetExecutionContext) -> dict[str, object]:
    """Return the arguments of a decorated function that come from Dagster.

    Args:
        declaration: what the decorator recorded.
        context: the context of the run, which has the resources.

    Raises:
        DeclarationError: a resource is missing or of another class, or it is not known whether a parameter takes one.
    """
    arguments: dict[str, object] = {CONTEXT: context} if declaration.takes_context else {}
    # An I/O manager or a Pipes client, like any resource, is passed as the object that was configured.
    resources = context.resources.original_resource_dict
    arguments |= {name: resources[name] for name in declaration.resources}
    problems = [*declaration.unclear_parameters(), *_problems.get(declaration, ())]
    problems += [value.problem for value in arguments.values() if isinstance(value, MissingResource)]
    if problems:
        raise declaration.error(*problems)
    return arguments
