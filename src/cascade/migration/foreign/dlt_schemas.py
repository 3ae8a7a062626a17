"""The schema files that dlt exports, which have the columns that the code does not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cascade.migration.foreign.columns import columns_of_stored_table
from cascade.migration.foreign.found import Remark, Table
from cascade.migration.foreign.project_files import project_files
from cascade.scaffold.names import suggest

_ENDINGS = (".schema.yaml", ".schema.yml", ".schema.json")
_MOST_BYTES = 20_000_000


@dataclass
class StoredSchemas:
    """The tables of dlt's schema files.

    Args:
        tables: each table by its name, with the file that has it.
        remarks: the files that could not be read.
    """

    tables: dict[str, tuple[Mapping[str, Any], Path]] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def complete(self, table: Table) -> Table:
        """Return a table with the columns of the schema file, if it has the table.

        Args:
            table: the table, as the code declares it.
        """
        stored, path = self.tables.get(suggest(table.name, prefix="table"), (None, None))
        if stored is None or path is None or table.model is not None:
            return table
        columns, left = columns_of_stored_table(stored)
        # dlt flattens nested rows into such columns.
        left = (*left, *(column.name for column in columns if "__" in column.name))
        columns = tuple(column for column in columns if "__" not in column.name)
        if not columns:
            return table
        declared = {suggest(column.name, prefix="column"): column for column in table.columns}
        key = {suggest(name, prefix="column"): name for name in table.key}
        columns = tuple(
            replace(
                column,
                name=key.get(column.name) or (declared[column.name].name if column.name in declared else column.name),
            )
            for column in columns
        )
        text = (
            f"The columns of {table.name} have the names that dlt gave them. If the source has another name, such as "
            "stationId for station_id, set it as the alias of the field."
        )
        remarks = (*table.remarks, Remark(path, 0, text))
        if left:
            text = f"The schema of {table.name} leaves out the nested {', '.join(left)}."
            remarks = (*remarks, Remark(path, 0, text))
        return replace(table, columns=columns, complete=True, remarks=remarks)


def read_stored_schemas(root: Path, left_out: Path) -> StoredSchemas:
    """Read the schema files of dlt below a directory.

    Args:
        root: the directory.
        left_out: a directory that is left out.
    """
    found = StoredSchemas()
    for path in project_files(root, left_out):
        if not path.name.endswith(_ENDINGS) or path.stat().st_size > _MOST_BYTES:
            continue
        try:
            document = _load(path)
        except (OSError, ValueError) as error:
            found.remarks.append(Remark(path, 0, f"This schema file cannot be read: {error}"))
            continue
        tables = document.get("tables") if isinstance(document, Mapping) else None
        for name, table in tables.items() if isinstance(tables, Mapping) else ():
            if isinstance(table, Mapping) and not str(name).startswith("_dlt"):
                found.tables.setdefault(str(name), (table, path))
    return found


def _load(path: Path) -> Any:
    text = path.read_text("utf-8")
    # `dlt pipeline NAME schema` writes what it has found before the schema.
    begin = re.search(r"^\{|^[a-z_]+:(?= |$)", text, flags=re.MULTILINE)
    text = text[begin.start() :] if begin else text
    if path.suffix == ".json":
        return json.loads(text)
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error).partition("\n")[0]) from error
