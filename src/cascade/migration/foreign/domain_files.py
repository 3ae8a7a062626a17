"""The files of one domain: a module for each workflow, and one with their schemas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cascade.migration.foreign.found import Remark, Table
from cascade.migration.foreign.place import Place
from cascade.migration.foreign.schema_text import (
    FILL_IN,
    SchemaField,
    fill_in_line,
    key_fields,
    render_schemas,
    schema_fields,
    schema_name,
)
from cascade.migration.foreign.workflow_text import WorkflowText, render_workflow


@dataclass(frozen=True)
class Body:
    """The code of a workflow's function.

    Args:
        returned: the expression that it returns.
        statements: the source of the statements before it.
        imports: lines of imports, one module each.
        names: the names that the code uses.
        cron: the schedule, or None.
    """

    returned: str
    statements: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    cron: str | None = None


@dataclass
class DomainFiles:
    """The workflows of one domain while they are collected.

    Args:
        place: the project that they are written into.
        tool: the tool that filled their tables before.
        domain: the domain.
        model_module: returns the module from which a workflow imports a model of the other project.
        advice: how to find the columns of tables that the code does not declare, in whole sentences.
    """

    place: Place
    tool: str
    domain: str
    model_module: Callable[[Table], str] | None = None
    advice: str = ""
    files: dict[str, str] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    _schemas: list[Table] = field(default_factory=list)

    @property
    def schemas_file(self) -> str:
        """The path of the module with the schemas."""
        return f"{self.place.directory}/schemas/{self.domain}.py"

    def add(self, table: Table, body: Body) -> None:
        """Add the workflow of a table.

        Args:
            table: the table, with its name in the other tool.
            body: the code that gives its rows.
        """
        name, remark = self.place.table_name(table, self.domain)
        table = replace(_with_disposition(table), name=name)
        self.remarks += [*table.remarks, *([remark] if remark else [])]
        fields = schema_fields(table)
        if table.model is not None and self._fits(table, fields):
            module, schema = self._import_of(table), table.model.name
        else:
            module, schema = f"{self.place.package}.schemas.{self.domain}", schema_name(name)
            self._schemas.append(table)
            self.remarks += [
                Remark(
                    table.path,
                    table.line,
                    f"{name} is merged by {field.column.name}, which may be null in the source. Rows without it are "
                    "refused.",
                )
                for field in fields
                if field.required and not field.column.required and field.column.field
            ]
        parts = WorkflowText(
            table,
            self.tool,
            f"{table.path.name}, line {table.line}" if table.line else table.path.name,
            schema,
            fields,
            (*body.imports, f"from {module} import {schema}"),
            body.statements,
            body.returned,
            self.place.function_name(name, {*body.names, schema}),
            self.place.package,
            body.cron,
        )
        self.files[self.place.workflow_file(name, self.domain)] = render_workflow(parts)
        self.tables.append(name)

    def finish(self) -> None:
        """Write the schemas, and say which of them are not complete."""
        if not self._schemas:
            return
        text = render_schemas(self.domain.replace("_", " "), self._schemas)
        self.files[self.schemas_file] = text
        open_tables = [table.name for table in self._schemas if not table.complete]
        if open_tables:
            line = fill_in_line(text, open_tables[0])
            advice = " " + self.advice if self.advice else ""
            said = (
                f"The {self.tool} project does not declare the columns of {', '.join(open_tables)}. Replace "
                f"the field {FILL_IN} in {'its schema' if len(open_tables) == 1 else 'each schema'}: until then, runs "
                f"fail and land nothing.{advice}"
            )
            self.remarks.append(Remark(self.place.config.project_root / self.schemas_file, line, said))

    def _fits(self, table: Table, fields: tuple[SchemaField, ...]) -> bool:
        key = set(key_fields(table, fields))
        of_key = [field for field in fields if field.name in key]
        return (
            self.model_module is not None
            and len(fields) == len(table.columns)
            and all(field.column.required and field.column.kind != "float" for field in of_key)
        )

    def _import_of(self, table: Table) -> str:
        assert self.model_module is not None
        return self.model_module(table)


def _with_disposition(table: Table) -> Table:
    """Append rows where a merge has no key, as dlt does."""
    if table.disposition != "merge" or table.key:
        return table
    text = (
        f"{table.name} is merged without a primary key, which appends its rows. To merge them, set unique_key and "
        "remove write_disposition."
    )
    return replace(table, disposition="append", remarks=(*table.remarks, Remark(table.path, table.line, text)))
