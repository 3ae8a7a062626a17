"""The checks of the project with their last results, and how many rows are in quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from cascade.framework.run_history import run_records
from cascade.http_api import models
from cascade.http_api.answers import Document
from cascade.http_api.problems import ProblemError, responses
from cascade.http_api.served import Served
from cascade.spelling import did_you_mean

if TYPE_CHECKING:
    import dagster as dg
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

router = APIRouter(tags=["quality"])


@router.get(
    "/quality",
    response_model=models.Quality,
    responses=responses(HTTPStatus.NOT_FOUND),
    summary="List the checks with their last results",
)
def list_checks(
    served: Served, asset: Annotated[str | None, Query(description="Only the checks of this asset or table.")] = None
) -> Document:
    """List the checks of the project with what each found last, and the refused rows of its workflows.

    No failing rows are among it: Dagster's UI has a sample of them.
    """
    declarations = [each for each in served.declarations if asset in (None, "/".join(each.asset_key), each.table)]
    checks = [
        spec
        for spec in served.checks
        if asset is None
        or spec.asset_key.to_user_string() == asset
        or any(tuple(spec.asset_key.path) == each.asset_key for each in declarations)
    ]
    if asset is not None and not declarations and not checks:
        known = {spec.asset_key.to_user_string() for spec in served.checks}
        known |= {name for each in served.declarations for name in ("/".join(each.asset_key), each.table)}
        raise ProblemError(HTTPStatus.NOT_FOUND, f'There is no asset "{asset}".{did_you_mean(asset, sorted(known))}')
    last = _last_outcomes(served.instance, checks)
    return Document(
        {
            "checks": [
                {
                    "asset": spec.asset_key.to_user_string(),
                    "check": spec.name,
                    "description": spec.description,
                    "blocking": spec.blocking,
                    "last": last.get(spec.key),
                }
                for spec in checks
            ],
            "quarantine": [
                {"table": state.declaration.table, "asset": state.asset, "refused": state.refused}
                for state in served.states(declarations)
            ],
        }
    )


def _last_outcomes(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckSpec]
) -> Mapping[dg.AssetCheckKey, dict[str, Any]]:
    found: dict[dg.AssetCheckKey, dict[str, Any]] = {}
    for spec in checks:
        record = _last_finished(instance, spec.key)
        evaluation = record.evaluation if record is not None else None
        if record is None or evaluation is None:
            continue
        values = {name: value.value for name, value in evaluation.metadata.items() if name.startswith("cascade/")}
        found[spec.key] = {
            "passed": evaluation.passed,
            "severity": evaluation.severity.value.lower(),
            "message": evaluation.description,
            "judged": values.get("cascade/judged"),
            "rows": values.get("cascade/rows"),
            "failing": values.get("cascade/failing"),
            "at": datetime.fromtimestamp(record.create_timestamp, UTC),
            "run_id": record.run_id,
            "partition": None,
        }
    runs = run_records(instance, {outcome["run_id"] for outcome in found.values()})
    for outcome in found.values():
        if outcome["run_id"] in runs:
            outcome["partition"] = runs[outcome["run_id"]].dagster_run.tags.get("dagster/partition")
    return found


def _last_finished(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> AssetCheckExecutionRecord | None:
    """Return the last result of a check. One that is planned, or was and never ran, has none."""
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Status

    record = instance.get_latest_asset_check_evaluation_record(key)
    if record is None or record.status != Status.PLANNED:
        return record
    finished = {Status.SUCCEEDED, Status.FAILED}
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=finished)
    return next(iter(history), None)
