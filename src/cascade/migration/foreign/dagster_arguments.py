"""Write the decorator of a workflow from the arguments of a Dagster asset."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cascade.migration.foreign.dagster_assets import Asset, partitions
from cascade.migration.foreign.found import Remark, Table
from cascade.migration.foreign.local_code import LocalCode
from cascade.migration.foreign.schema_text import schema_name
from cascade.migration.foreign.source_code import SourceCode, Unknown, arguments_of
from cascade.scaffold.environment import literal

_SAME = {"group_name": "group", "deps": "deps", "description": "description", "owners": "owners", "tags": "tags"}
_HOURS = {"weeks": 168.0, "days": 24.0, "hours": 1.0, "minutes": 1 / 60, "seconds": 1 / 3600}


def workflow_decorator(asset: Asset, table: Table, code: LocalCode) -> tuple[str, list[Remark]]:
    """Write the decorator, without its `@`, that takes the place of `@asset`.

    Args:
        asset: the asset.
        table: the table that it fills.
        code: the files of the project.

    Returns:
        The text, and remarks on arguments that have no equivalent.
    """
    source = asset.source
    lines = [f"table_name={literal(table.name)}"]
    if asset.prefix:
        lines.append(f"namespace={literal(asset.prefix[0])}")
    lines += [f"{_SAME[name]}={source.segment(value)}" for name, value in asset.arguments.items() if name in _SAME]
    lines.append(f"validation_schema={schema_name(table.name)}")
    lines.append(f"write_disposition={literal(table.disposition)}")
    found = partitions(asset, code)
    if found is None:
        lines.append("partitions=None")
    else:
        lines += [f"partitions={literal(found.kind)}"] if found.kind != "daily" else []
        lines.append(f"partition_start={literal(found.start)}")
        lines += [f"partition_end={literal(found.end)}"] if found.end else []
        lines += [f"partition_timezone={literal(found.timezone)}"] if found.timezone else []
    remarks: list[Remark] = []
    for name, value in asset.arguments.items():
        written, said = _other(name, value, source)
        lines += written
        if said:
            remarks.append(Remark(source.path, value.lineno, f"{table.name}: {said}"))
    return "cascade_ingestion(\n" + "".join(f"    {line},\n" for line in lines) + ")", remarks


def _other(name: str, value: ast.expr, source: SourceCode) -> tuple[list[str], str]:
    if name in ("automation_condition", "auto_materialize_policy"):
        return _automation(value, source)
    if name == "freshness_policy":
        return _freshness(value, source)
    if name == "retry_policy":
        return list(_retries(value, source)), ""
    if name == "io_manager_key":
        return [], "the I/O manager is left out, because the rows go to an Iceberg table."
    if (
        name == "metadata"
        and isinstance(value, ast.Dict)
        and len(value.keys) == 1
        and "column_schema" in ast.unparse(value)
    ):
        # The columns are those of the schema.
        return [], ""
    if name in ("metadata", "op_tags", "code_version", "dagster_type"):
        return [], f"the argument {name} is left out, which a workflow does not take."
    return [], ""


def _automation(value: ast.expr, source: SourceCode) -> tuple[list[str], str]:
    if isinstance(value, ast.Call) and source.full_name(value.func) == "dagster.AutomationCondition.on_cron":
        cron = source.constant(arguments_of(value, "cron_schedule").get("cron_schedule"))
        if isinstance(cron, str):
            return [f"cron={literal(cron)}"], ""
    return [], "the automation condition is left out. A workflow runs by cron, or by a schedule of yours."


def _freshness(value: ast.expr, source: SourceCode) -> tuple[list[str], str]:
    said = "the freshness policy is left out. Set freshness_hours."
    if not isinstance(value, ast.Call):
        return [], said
    given = arguments_of(value)
    if source.full_name(value.func) == "dagster.FreshnessPolicy.time_window":
        warn, fail = _hours(given.get("warn_window"), source), _hours(given.get("fail_window"), source)
        if fail is not None:
            return [f"freshness_hours={literal((warn, fail))}"], ""
    minutes = source.constant(given.get("maximum_lag_minutes"))
    if isinstance(minutes, (int, float)) and not isinstance(minutes, bool):
        return [f"freshness_hours={literal(_short(minutes / 60))}"], ""
    return [], said


def _hours(node: ast.expr | None, source: SourceCode) -> float | int | None:
    if not isinstance(node, ast.Call) or source.full_name(node.func).rpartition(".")[2] != "timedelta":
        return None
    total = 0.0
    for name, value in arguments_of(node, "days", "seconds").items():
        number = source.constant(value)
        if name not in _HOURS or isinstance(number, (Unknown, bool)) or not isinstance(number, (int, float)):
            return None
        total += number * _HOURS[name]
    return _short(total)


def _short(hours: float) -> float | int:
    return int(hours) if hours == int(hours) else round(hours, 4)


def _retries(value: ast.expr, source: SourceCode) -> Iterator[str]:
    if not isinstance(value, ast.Call):
        return
    given = arguments_of(value, "max_retries", "delay")
    retries, delay = (source.constant(given.get(name)) for name in ("max_retries", "delay"))
    yield f"max_retries={literal(retries if isinstance(retries, int) else 1)}"
    if isinstance(delay, (int, float)):
        yield f"retry_delay_seconds={literal(delay)}"
