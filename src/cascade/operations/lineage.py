"""Send the lineage of runs as OpenLineage events.

Each asset of a Dagster run is a run of a job of its own, with the Dagster run as its parent: START when the run starts,
then COMPLETE with the table, its schema, the lineage of its columns and its statistics, or FAIL or ABORT.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
from openlineage.client import facet_v2 as facets
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from cascade.config.operations import with_path
from cascade.config.secrets import mask_secrets
from cascade.operations.datasets import DatasetNames, dataset_name, lakehouse_namespace
from cascade.operations.failures import cause_of
from cascade.operations.sending import Sender, post
from cascade.runs.report import RunReport
from cascade.version import __version__

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

# OpenLineage wants a URI with a host, of the program that sends. It is a name only, and nobody resolves it.
_PRODUCER = "cascade://cascade-workflows"
_INPUT_TAG = "dagster/input_data_version/"
_PATH = "/api/v1/lineage"
_ENDED = {"PIPELINE_FAILURE": RunState.FAIL, "PIPELINE_CANCELED": RunState.ABORT, "PIPELINE_SUCCESS": RunState.ABORT}
"""What became of the assets that a run has not materialized when it ends."""


class Lineage:
    """Sends OpenLineage events.

    Args:
        config: the settings.
    """

    def __init__(self, config: CascadeConfig) -> None:
        assert config.openlineage_url is not None
        self._url = with_path(config.openlineage_url, _PATH)
        key = config.openlineage_api_key
        self._headers = {"Content-Type": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key.get_secret_value()}"
        self._sender = Sender("The server of OpenLineage", (self._url,))
        self._jobs = config.openlineage_namespace or config.project_name
        self._tables = lakehouse_namespace(config)
        self._project = config.project_name

    def receive(self, entry: Any, instance: dg.DagsterInstance) -> None:
        """Send the OpenLineage events of an event.

        Args:
            entry: Dagster's `EventLogEntry`.
            instance: where it was recorded.
        """
        for event in self._events(entry, DatasetNames(instance), instance):
            body = Serde.to_json(event).encode()
            self._sender.send(lambda body=body: post(self._url, body=body, headers=self._headers))  # type: ignore[misc]

    def _events(self, entry: Any, names: DatasetNames, instance: dg.DagsterInstance) -> Iterator[RunEvent]:
        kind, run_id = entry.dagster_event.event_type_value, entry.run_id
        at = datetime.fromtimestamp(entry.timestamp, UTC).isoformat(timespec="milliseconds")
        if kind == "ASSET_MATERIALIZATION":
            if run_id:
                made = entry.dagster_event.step_materialization_data.materialization
                yield self._completed(at, run_id, made, names)
        elif kind == "PIPELINE_START":
            for key, partition in sorted(planned(instance, run_id), key=str):
                yield self._event(RunState.START, at, run_id, key, partition, table=names.of(key))
        elif kind in _ENDED:
            message = _message(entry) if kind == "PIPELINE_FAILURE" else None
            for key, partition in sorted(planned(instance, run_id) - materialized(instance, run_id), key=str):
                yield self._event(_ENDED[kind], at, run_id, key, partition, table=names.of(key), error=message)

    def _completed(self, at: str, run_id: str, made: dg.AssetMaterialization, names: DatasetNames) -> RunEvent:
        inputs = [
            dg.AssetKey.from_user_string(tag.removeprefix(_INPUT_TAG))
            for tag in made.tags or {}
            if tag.startswith(_INPUT_TAG)
        ]
        return self._event(
            RunState.COMPLETE,
            at,
            run_id,
            made.asset_key,
            made.partition,
            table=dataset_name(made.asset_key, made.metadata),
            inputs=[InputDataset(self._tables, names.of_input(key)) for key in inputs],
            described=dict(self._facets_of(made.metadata, names)),
            statistics=_statistics(made.metadata),
        )

    def _event(
        self,
        state: RunState,
        at: str,
        run_id: str,
        key: dg.AssetKey,
        partition: str | None,
        *,
        table: str | None,
        inputs: list[InputDataset] | None = None,
        described: Mapping[str, Any] | None = None,
        statistics: facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet | None = None,
        error: str | None = None,
    ) -> RunEvent:
        run: dict[str, Any] = {
            "parent": facets.parent_run.ParentRunFacet(
                run=facets.parent_run.Run(runId=run_id),
                job=facets.parent_run.Job(namespace=self._jobs, name=self._project),
                producer=_PRODUCER,
            ),
            "processing_engine": facets.processing_engine_run.ProcessingEngineRunFacet(
                version=dg.__version__, name="Dagster", openlineageAdapterVersion=__version__, producer=_PRODUCER
            ),
        }
        if (start := _start_of(partition)) is not None:
            run["nominalTime"] = facets.nominal_time_run.NominalTimeRunFacet(nominalStartTime=start, producer=_PRODUCER)
        if error is not None:
            run["errorMessage"] = facets.error_message_run.ErrorMessageRunFacet(
                message=error, programmingLanguage="PYTHON", producer=_PRODUCER
            )
        job = facets.job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="CASCADE", jobType="ASSET", producer=_PRODUCER
        )
        output: dict[str, Any] = {} if statistics is None else {"outputStatistics": statistics}
        # Before its first run, nothing tells which table the asset has.
        outputs = (
            [OutputDataset(self._tables, table, facets=dict(described or {}), outputFacets=output)] if table else []
        )
        return RunEvent(
            eventType=state,
            eventTime=at,
            run=Run(_asset_run(run_id, key, partition), facets=run),
            job=Job(self._jobs, ".".join(key.path), facets={"jobType": job}),
            inputs=inputs or [],
            outputs=outputs,
            producer=_PRODUCER,
        )

    def _facets_of(self, metadata: Mapping[str, Any], names: DatasetNames) -> Iterator[tuple[str, Any]]:
        schema = getattr(metadata.get("dagster/column_schema"), "value", None)
        if schema is not None:
            fields = [
                facets.schema_dataset.SchemaDatasetFacetFields(
                    name=column.name, type=column.type, description=column.description
                )
                for column in schema.columns
            ]
            yield "schema", facets.schema_dataset.SchemaDatasetFacet(fields=fields, producer=_PRODUCER)
        lineage = getattr(metadata.get("dagster/column_lineage"), "value", None)
        if lineage is not None:
            columns = facets.column_lineage_dataset
            yield (
                "columnLineage",
                columns.ColumnLineageDatasetFacet(
                    fields={
                        column: columns.Fields(
                            inputFields=[
                                columns.InputField(self._tables, names.of_input(dep.asset_key), dep.column_name)
                                for dep in deps
                            ]
                        )
                        for column, deps in lineage.deps_by_column.items()
                    },
                    producer=_PRODUCER,
                ),
            )


def planned(instance: dg.DagsterInstance, run_id: str) -> set[tuple[dg.AssetKey, str | None]]:
    """Return the assets and partitions that a run was to materialize.

    Args:
        instance: where it is recorded.
        run_id: the run.
    """
    found = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    events = [entry.dagster_event for entry in found if entry.dagster_event is not None]
    return {(event.asset_key, event.partition) for event in events if event.asset_key is not None}


def materialized(instance: dg.DagsterInstance, run_id: str) -> set[tuple[dg.AssetKey, str | None]]:
    """Return the assets and partitions that a run has materialized.

    Args:
        instance: where it is recorded.
        run_id: the run.
    """
    found = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    made = [entry.asset_materialization for entry in found]
    return {(each.asset_key, each.partition) for each in made if each is not None}


def _asset_run(run_id: str, key: dg.AssetKey, partition: str | None) -> str:
    """Return the id of what a Dagster run did to one asset. Every process that tells of it makes the same one."""
    return str(uuid.uuid5(uuid.UUID(run_id), f"{key.to_user_string()}|{partition or ''}"))


def _statistics(
    metadata: Mapping[str, Any],
) -> facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet | None:
    report = RunReport.from_metadata(metadata)
    rows: int | None
    size: int | None
    if report is not None:
        rows, size = report.rows_inserted + report.rows_updated, report.table_bytes
    else:
        rows, size = getattr(metadata.get("dagster/row_count"), "value", None), None
    if rows is None:
        return None
    return facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=rows, size=size, producer=_PRODUCER
    )


def _start_of(partition: str | None) -> str | None:
    try:
        start = datetime.fromisoformat(partition or "")
    except ValueError:
        # The key of a partition need not be a time.
        return None
    return (start if start.tzinfo else start.replace(tzinfo=UTC)).isoformat()


def _message(entry: Any) -> str:
    cause = cause_of(entry)
    text = str(cause) if cause is not None else entry.dagster_event.message or ""
    return mask_secrets(next(iter(text.splitlines()), ""))
