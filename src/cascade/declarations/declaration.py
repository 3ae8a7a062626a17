"""The base of what a decorator records: a function and the arguments that every kind of decorator takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypedDict

from cascade.declarations import values
from cascade.declarations.arguments import argument, arguments_of, wrong_names
from cascade.declarations.docstrings import description_of
from cascade.declarations.functions import (
    Parameter,
    calling_location,
    domain_of,
    importing_module,
    location_of,
    parameters_of,
)
from cascade.exceptions import DeclarationError, SourceLocation

CONTEXT = "context"
"""The parameter that takes Dagster's context."""


class DeclarationArguments(TypedDict, total=False):
    """The arguments that every decorator takes, for type checkers. `Declaration` defines how each is checked."""

    group: str | None
    deps: Sequence[object]
    owners: Sequence[str]
    tags: Mapping[str, str]
    description: str | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Declaration:
    """What a decorator recorded: a function and the checked arguments.

    A kind of declaration is a subclass: it sets the name of its decorator, adds a field marked with `argument` for each
    further argument, and extends `problems_between` and `passed`.

    Args:
        function: the decorated function.
        location: file and line of the decorated function.
        module: the module whose import declared it, also by calling a factory in another one; None outside of imports.
        group: Dagster's asset group; the domain, which is the name of the directory of the function's file, unless
            given.
        deps: workflows, Dagster assets and asset keys that this one depends on.
        owners: e-mail addresses or `team:<name>`.
        tags: Dagster's tags.
        description: shown in the UI; the function's docstring unless given.
    """

    decorator: ClassVar[str]
    """Name of the decorator, without `@`."""

    function: Callable[..., object]
    location: SourceLocation
    module: str | None = None
    group: str = field(metadata=argument(values.name, may_be_none=True))
    deps: tuple[object, ...] = field(default=(), metadata=argument(values.dependencies))
    owners: tuple[str, ...] = field(default=(), metadata=argument(values.owners))
    tags: Mapping[str, str] = field(default_factory=dict, metadata=argument(values.tags))
    description: str | None = field(default=None, metadata=argument(values.text, may_be_none=True))

    @classmethod
    def declare(cls, function: object, given: Mapping[str, object], *, otherwise: SourceLocation | None = None) -> Self:
        """Check the arguments of a decorator and record them.

        Args:
            function: the decorated function.
            given: the arguments of the decorator.
            otherwise: the location of the declaration where `function` has no code; the caller's by default.

        Raises:
            DeclarationError: the decorator is wrong. The error lists every problem.
        """
        location = location_of(function) or otherwise or calling_location(1)
        arguments = arguments_of(cls)
        problems = wrong_names(given, arguments, cls.required(given))
        checked: dict[str, Any] = {}
        for name in (name for name in given if name in arguments):
            try:
                checked[name] = arguments[name].checked(given[name])
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if given.get("group") is None:
            checked["group"] = domain_of(location)
            if checked["group"] is None:
                why = (
                    "the code is not in a file, so there is no directory to name it after"
                    if location.file.startswith("<")
                    else "the name of the file's directory has no letter from A to Z and no digit"
                )
                problems.append(f'group: {why}. Pass group="...".')
        problems += cls.problems_between(function, checked)
        if problems:
            raise DeclarationError(cls.decorator, tuple(problems), location=location)
        checked["description"] = checked.get("description") or description_of(function)
        return cls(function=function, location=location, module=importing_module(), **checked)  # type: ignore[arg-type]

    @classmethod
    def example(cls) -> str:
        """Return the decorator with its required arguments, for an error."""
        return f"@{cls.decorator}({', '.join(f'{name}=...' for name in cls.required({}))})"

    @classmethod
    def required(cls, given: Mapping[str, object]) -> list[str]:
        """Return the names of the arguments that a decorator needs.

        Args:
            given: the arguments that it has.
        """
        return [name for name, argument in arguments_of(cls).items() if argument.required]

    @classmethod
    def problems_between(cls, function: object, checked: Mapping[str, Any]) -> list[str]:
        """Return the problems of the function, and those of several arguments in combination.

        Args:
            function: the decorated function.
            checked: the arguments that passed their own checks.
        """
        if not callable(function) or isinstance(function, type):
            return [f"decorate a function, not {function!r}."]
        unwrapped = inspect.unwrap(function)
        if inspect.iscoroutinefunction(unwrapped) or inspect.isasyncgenfunction(unwrapped):
            return ["the function is `async`; write it with a plain `def`."]
        passed = cls.passed(checked)
        parameters = parameters_of(function)
        problems = [
            f"the parameter {name} is positional-only, but is passed by name. Remove the `/`."
            for name, parameter in parameters.items()
            if not parameter.by_name and (name in passed or parameter.is_resource)
        ]
        wrong = [
            name
            for name, parameter in parameters.items()
            # An annotation that cannot be resolved yet may be a resource. It is checked again when the asset is built.
            if parameter.required
            and name not in passed
            and not parameter.is_resource
            and not isinstance(parameter.annotation, str)
        ]
        if not wrong:
            return problems
        return [
            *problems,
            f"the function requires {', '.join(wrong)}, but it can take only {', '.join(passed)}, and resources "
            "(parameters annotated with a ConfigurableResource).",
        ]

    @classmethod
    def passed(cls, checked: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the parameters that the function may take, apart from resources.

        Args:
            checked: the arguments that passed their own checks.
        """
        return (CONTEXT,)

    @property
    def takes_context(self) -> bool:
        """Whether the function takes Dagster's context."""
        return CONTEXT in parameters_of(self.function)

    @property
    def resources(self) -> dict[str, Any]:
        """The resources that the function takes: the annotation of each by the name of its parameter."""
        return {name: item.resource for name, item in self._other_parameters().items() if item.is_resource}

    def unannotated_parameters(self) -> list[str]:
        """Return the parameters with a default and no annotation, which get the default whatever the project has."""
        return [
            name for name, item in self._other_parameters().items() if not item.required and item.annotation is None
        ]

    def unclear_parameters(self) -> list[str]:
        """Return one sentence for each parameter of which its annotation does not show whether it takes a resource.

        The decorator does not check these, because their annotations may refer to names defined later in the module. A
        parameter with a default would silently get it in place of the resource.
        """
        return [
            f'the parameter {name} is annotated with "{item.annotation}", which is not defined at run time. To take a '
            "resource, import its class outside of `if TYPE_CHECKING`."
            for name, item in self._other_parameters().items()
            if isinstance(item.annotation, str)
        ]

    def _other_parameters(self) -> dict[str, Parameter]:
        passed = self.passed({name: getattr(self, name) for name in arguments_of(type(self))})
        return {name: item for name, item in parameters_of(self.function).items() if name not in passed}

    def error(self, *problems: str) -> DeclarationError:
        """Return an error of this decorator, to raise or report.

        Args:
            problems: one sentence each.
        """
        return DeclarationError(self.decorator, problems, location=self.location)
