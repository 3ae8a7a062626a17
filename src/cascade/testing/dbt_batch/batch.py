"""Test files of a dbt project in a throwaway lakehouse."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cascade.dbt.parse import dbt_is_installed, how_to_install_dbt
from cascade.dbt.profile import dbt_environment
from cascade.exceptions import CascadeError
from cascade.framework.resources import throwaway_config
from cascade.iceberg import open_lakehouse
from cascade.testing.dbt_batch.building import Dbt
from cascade.testing.dbt_batch.failing_rows import failing_rows
from cascade.testing.dbt_batch.outcomes import Case, FileOutcome
from cascade.testing.dbt_batch.places import line_of_test
from cascade.testing.dbt_batch.request import Request
from cascade.testing.dbt_batch.selection import TESTS, tested_source
from cascade.testing.dbt_batch.subset import copy_files
from cascade.testing.dbt_batch.tables import fill_tables

RESULTS = "results.json"
SKIPPED = "skipped"


def run_tests(request: Request, temporary: Path) -> list[FileOutcome]:
    """Build what the files need, run their tests, and write `results.json` to the output directory.

    Args:
        request: what to test.
        temporary: a directory for the lakehouse, and for what dbt reads and writes.

    Returns:
        What became of each file.

    Raises:
        CascadeError: dbt is not installed or cannot parse the project, or rows of a table cannot be ingested.
    """
    if not dbt_is_installed():
        raise CascadeError(f"dbt is not installed in the resolve of {request.directory}. {how_to_install_dbt()}")
    copy_files(request.files, temporary / "files")
    config = throwaway_config(temporary / "lakehouse")
    config = config.model_copy(update={"dbt_project_dir": str(temporary / "files" / request.directory)})
    os.environ.update(dbt_environment(config))
    fill_tables(config, open_lakehouse(config), request.tables)
    dbt = Dbt(request, config.dbt_project_directory)
    results = {result.node.unique_id: result for result in dbt.run()}
    output = Path(request.output)
    outcomes = {file: FileOutcome(file) for file in request.tested}
    for unique_id, file in dbt.selection.file_of.items():
        outcomes[file].cases.append(_case(request, dbt.nodes, unique_id, results.get(unique_id), output))
    # Something that is built from a model which failed is skipped, which alone would not say why.
    others = [
        _case(request, dbt.nodes, unique_id, result, output)
        for unique_id, result in results.items()
        if unique_id not in dbt.selection.file_of
    ]
    for outcome in outcomes.values():
        if any(case.status == SKIPPED for case in outcome.cases):
            outcome.cases += [case for case in others if case.failed and case.status != SKIPPED]
    output.mkdir(parents=True, exist_ok=True)
    document = {"files": {file: outcome.document() for file, outcome in outcomes.items()}}
    (output / RESULTS).write_text(json.dumps(document, indent=1), encoding="utf-8")
    return list(outcomes.values())


def _case(request: Request, nodes: Mapping[str, Any], unique_id: str, result: Any, output: Path) -> Case:
    node = nodes[unique_id]
    file = Path(os.path.normpath(os.path.join(request.directory, node.original_file_path)))
    line = 1
    if node.resource_type in TESTS:
        about = nodes.get(getattr(node, "attached_node", None) or "")
        line = line_of_test(file, node, tested_source(node) if about is None else (about.name,))
    place = f"{file}:{line}"
    if result is None:
        return Case(node.name, place, SKIPPED, 0.0, "What it tests could not be built.")
    case = Case(node.name, place, str(result.status), float(result.execution_time), str(result.message or ""))
    # The result has the SQL. The node of the manifest is as it was parsed.
    sql = getattr(result.node, "compiled_code", None)
    if not case.failed or not sql:
        return case
    compiled = f"compiled/{node.name}.sql"
    (output / compiled).parent.mkdir(parents=True, exist_ok=True)
    (output / compiled).write_text(f"{sql.strip()}\n", encoding="utf-8")
    rows = f"\n{failing_rows(sql)}" if node.resource_type == "test" and result.failures else ""
    return Case(case.name, case.place, case.status, case.seconds, case.message + rows, compiled)
