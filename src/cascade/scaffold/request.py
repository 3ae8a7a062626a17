"""The request for an ingestion workflow, with its defaults and checks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from cascade.exceptions import UsageError
from cascade.scaffold.choices import BUILT_IN_SOURCES
from cascade.scaffold.names import (
    asset_problems,
    cron_problems,
    domain_problems,
    key_problems,
    package_problems,
    table_problems,
)
from cascade.scaffold.plugin_sources import plugin_sources
from cascade.spelling import did_you_mean

SOURCES = BUILT_IN_SOURCES
"""The sources of Cascade itself. Plugins add others."""

ASSET = "observations"
"""The default name of a workflow's function and module."""

FLAVOURS = ("pants", "standalone")
"""The layouts: all files in the workflow's directory, or the folders of a standalone project."""


@dataclass(frozen=True, kw_only=True)
class IngestionRequest:
    """An ingestion workflow to create.

    Args:
        package: the dotted name of the package for the code, such as `workflows.weather`. In a standalone project
            it ends with `ingestion.<domain>`.
        directory: the path of the package from the root of the repository or project, such as `src/workflows/weather`.
        source: the source of the rows, one of `all_sources()`.
        asset: the name of the function and its module: what the rows are, such as `forecasts`.
        table: the name of the table. Default: `<domain>_<asset>`.
        unique_key: the columns that identify a row.
        cron: the schedule, such as `0 6 * * *`. Default: no schedule.
        group: the Dagster asset group. Default: the domain.
        flavour: one of `FLAVOURS`.
        runtime_is_first_party: whether the sources of `cascade` are in the same repository. This decides the position
            of its imports.
        resolve: the resolve in the BUILD file. Default: none, which means the repository's default resolve.

    Raises:
        UsageError: an argument is wrong; the message lists every problem.
    """

    package: str
    directory: str
    source: str = SOURCES[0]
    asset: str = ASSET
    table: str | None = None
    unique_key: tuple[str, ...] = ("id",)
    cron: str | None = None
    group: str | None = None
    flavour: str = FLAVOURS[0]
    runtime_is_first_party: bool = False
    resolve: str | None = None

    def __post_init__(self) -> None:
        raise_if_any(tuple(self._problems()))

    def _problems(self) -> Iterator[str]:
        of_package = tuple(package_problems(self.package, self.directory))
        yield from of_package
        if self.flavour == "standalone" and not of_package:
            yield from domain_problems(self.domain)
        if self.source not in SOURCES:
            yield from choice_problems("source", self.source, all_sources())
        yield from choice_problems("flavour", self.flavour, FLAVOURS)
        if self.flavour == "standalone" and self.package.split(".")[-2:-1] != ["ingestion"]:
            yield f"In a standalone project the package {self.package} must end with ingestion.{self.domain}."
        yield from asset_problems(self.asset)
        # Derived names follow from the package's name, which is checked above.
        if self.table is not None:
            yield from table_problems("table", self.table)
        if self.group is not None:
            yield from table_problems("group", self.group)
        yield from key_problems(self.unique_key)
        if self.cron is not None:
            yield from cron_problems(self.cron)

    @property
    def domain(self) -> str:
        """The workflow's subject: the last part of the package."""
        return self.package.rpartition(".")[2]

    @property
    def table_name(self) -> str:
        """The name of the table, given or derived from the domain."""
        return self.table if self.table is not None else f"{self.domain}_{self.asset}"

    @property
    def group_name(self) -> str:
        """The Dagster asset group, given or the domain."""
        return self.group if self.group is not None else self.domain

    @classmethod
    def from_json(cls, document: object) -> IngestionRequest:
        """Read a request from the JSON that `python -m cascade.scaffold` receives.

        Args:
            document: a JSON object with the fields of this class. `kind` can be `ingestion`, `unique_key` can be one
                string with commas, and null selects the default.

        Raises:
            UsageError: the document is not a request, or an argument in it is wrong.
        """
        if not isinstance(document, Mapping):
            raise UsageError(f"A request must be a JSON object, not {type(document).__name__}.")
        given = {name: value for name, value in document.items() if value is not None}
        kind = given.pop("kind", "ingestion")
        known = {field.name for field in fields(cls)}
        problems = [*choice_problems("kind", kind, ("ingestion",))]
        # `pants cascade-scaffold --type` names a source, or checks or a model, which are other requests.
        if isinstance(source := given.get("source"), str) and source not in SOURCES:
            problems += choice_problems("type", source, (*all_sources(), "quality", "dbt"))
        problems += [_unknown(str(name), known) for name in given if name not in known]
        problems += [f"The request lacks the field {name!r}." for name in ("package", "directory") if name not in given]
        if "unique_key" in given:
            given["unique_key"] = columns_of(given["unique_key"])
        problems += [
            f"{name!r} must be a string, not {value!r}."
            for name, value in given.items()
            if name in known - {"unique_key", "runtime_is_first_party"} and not isinstance(value, str)
        ]
        raise_if_any(tuple(problems))
        return cls(**given)


def all_sources() -> tuple[str, ...]:
    """Return the names of all sources: those of Cascade, then those of plugins."""
    return (*SOURCES, *plugin_sources())


def columns_of(value: Any) -> tuple[str, ...]:
    """Read the columns of a key from a string such as `a,b`, or from a sequence of such strings.

    Args:
        value: the string or strings.
    """
    texts = [value] if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    return tuple(column.strip() for text in texts for column in str(text).split(",") if column.strip())


def raise_if_any(problems: tuple[str, ...]) -> None:
    """Raise one error that lists all problems, if there are any.

    Args:
        problems: the problems, one sentence each.

    Raises:
        UsageError: there is at least one problem.
    """
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise UsageError(problems[0] if len(problems) == 1 else f"{len(problems)} arguments are invalid:{listed}")


def choice_problems(what: str, value: object, choices: Collection[str]) -> Iterator[str]:
    """Yield a sentence if a value is not one of the choices.

    Args:
        what: what the value is, for the message, such as `source`.
        value: the value given.
        choices: the valid values, in the order to list them.
    """
    if value not in choices:
        *others, last = choices
        listed = f"{', '.join(others)} or {last}" if others else last
        yield f"Unknown {what} {value!r}: use {listed}.{did_you_mean(value, choices)}"


def _unknown(name: str, known: set[str]) -> str:
    return f"The request has an unknown field {name!r}.{did_you_mean(name, known)}"
