"""Render a transform: a dbt model of a table, the dbt source of the table, and a test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cascade.scaffold.environment import environment, import_block, in_words
from cascade.scaffold.names import domain_problems, good_domain, suggest
from cascade.scaffold.request import FLAVOURS, raise_if_any
from cascade.scaffold.table import DeclaredTable, TableColumn

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

# Reserved words of DuckDB and Trino that can occur as column names.
_RESERVED = frozenset(
    # One string, because a list of so many literals is hard to read.
    """
    all alter analyse analyze and anti any array as asc asof asymmetric at authorization between binary both by case
    cast check collate collation column columns concurrently constraint create cross cube current_date current_time
    current_timestamp current_user deallocate default deferrable delete desc describe distinct do drop else end escape
    except execute exists extract false fetch for foreign freeze from full generated glob grant group grouping having
    ilike in initially inner insert intersect into is isnull join json_array json_object lambda lateral leading left
    like limit localtime localtimestamp map natural normalize not notnull null offset on only or order outer overlaps
    pivot pivot_longer pivot_wider placing positional prepare primary qualify recursive references returning right
    rollup select semi show similar some struct summarize symmetric table tablesample then to trailing trim true
    try_cast tuple uescape union unique unnest unpack unpivot using values variadic verbose when where window with
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, kw_only=True)
class TransformRequest:
    """A dbt model.

    Args:
        domain: the subject, from which the name of the model is derived.
        table: the table that the model selects from.
        dbt_directory: the path of the dbt project from the root of the project, such as `transforms/dbt`.
        model_directory: the path of its models, relative to the dbt project.
        dbt_project: the name of the dbt project to create, or None if it exists.
        source_is_declared: whether the dbt project already declares the table as a source.
        source: what `source()` takes, such as `raw.weather_observations`. Default: the full name of the table.
        flavour: one of `FLAVOURS`. Without Pants, a Python test parses the dbt project, and the YAML of the source
            names the asset that fills it. Pants tests models itself, and knows who fills a table.
        test_directory: the path of the tests with a file of their own, relative to the dbt project.
        resolve: the resolve in the BUILD file. Default: none, which means the repository's default resolve.

    Raises:
        UsageError: an argument is wrong; the message lists every problem.
    """

    domain: str
    table: DeclaredTable
    dbt_directory: str
    model_directory: str = "models"
    dbt_project: str | None = None
    source_is_declared: bool = False
    source: str | None = None
    flavour: str = FLAVOURS[1]
    test_directory: str = "tests"
    resolve: str | None = None

    def __post_init__(self) -> None:
        raise_if_any(tuple(domain_problems(self.domain)))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TransformRequest:
        """Read a request from the JSON that `python -m cascade.scaffold` receives.

        Args:
            document: a JSON object with the `directory` that gives the model its name, `dbt_directory`, the fields that
                `DeclaredTable.from_json` reads, and, if the dbt project exists, its `model_directory`, its
                `test_directory`, and the `source` that it declares for the table.

        Raises:
            UsageError: the document is not a request, or an argument in it is wrong.
        """
        table = DeclaredTable.from_json(document, "directory", "dbt_directory")
        name = document["directory"].rpartition("/")[2]
        models = document.get("model_directory")
        return cls(
            domain=good_domain(name),
            table=table,
            dbt_directory=document["dbt_directory"],
            model_directory=models or "models",
            dbt_project=suggest(name, prefix="project") if models is None else None,
            source_is_declared=document.get("source") is not None,
            source=document.get("source"),
            flavour=FLAVOURS[0],
            test_directory=document.get("test_directory") or "tests",
            resolve=document.get("resolve"),
        )

    @property
    def model(self) -> str:
        """The name of the model: a daily summary, or the rows if the table has no day column."""
        return f"{self.domain}_daily" if self.table.day_column else f"{self.domain}_rows"


def render_transform(request: TransformRequest) -> dict[str, str]:
    """Render a model with its data tests, its source, and, without Pants, a test that parses the dbt project.

    Args:
        request: the model.

    Returns:
        The text of each file by its path from the root of the project, in display order. A source that is already
        declared and an existing `dbt_project.yml` are left out.
    """
    table, models = request.table, f"{request.dbt_directory}/{request.model_directory}"
    first_party = frozenset({table.module.split(".")[0]} if table.module else ())
    source, _, source_table = (request.source or table.full_name).partition(".")
    context = {
        "request": request,
        "table": table,
        "source": "{{ source('" + source + "', '" + source_table + "') }}",
        "in_pants": request.flavour == FLAVOURS[0],
        "day": table.day_column,
        "measured": table.measured_column,
        "words": in_words(request.domain),
        "sql": sql_name,
        "sql_day": sql_day,
        "dbt_name": request.dbt_project,
        "imports": lambda *lines: import_block(filter(None, lines), first_party=first_party),
    }
    templates = {
        f"{models}/bronze/{request.domain}_sources.yml": "transform/sources.yml.jinja",
        f"{models}/silver/{request.model}.sql": "transform/model.sql.jinja",
        f"{models}/silver/{request.model}.yml": "transform/model.yml.jinja",
    }
    if len(table.unique_key) > 1 and not table.day_column:
        templates[f"{request.dbt_directory}/{request.test_directory}/{request.model}_are_unique.sql"] = (
            "transform/unique.sql.jinja"
        )
    if request.flavour != FLAVOURS[0]:
        templates[f"tests/test_{request.domain}_transform.py"] = "transform/test_transform.py.jinja"
    if request.source_is_declared:
        del templates[f"{models}/bronze/{request.domain}_sources.yml"]
    if request.dbt_project is not None:
        # The same file as in a new project.
        templates = {f"{request.dbt_directory}/dbt_project.yml": "project/basic/dbt_project.yml.jinja", **templates}
    return {path: environment().get_template(name).render(context) for path, name in templates.items()}


def sql_name(name: str) -> str:
    """Write a column's name for SQL, in quotes if needed.

    Args:
        name: the column.
    """
    plain = _PLAIN.fullmatch(name) and name not in _RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'


def sql_day(column: TableColumn) -> str:
    """Write the day of a column in SQL that works in DuckDB and Trino.

    Args:
        column: a day or an instant.
    """
    name = sql_name(column.name)
    if column.kind == "day":
        return name
    # Without the conversion, the day would depend on the session's time zone.
    return f"cast({name} at time zone 'UTC' as date)" if column.in_utc else f"cast({name} as date)"
