"""One run of one workflow, stage by stage, from its function to rows in its table. It does not depend on Dagster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Protocol

from cascade.clock import Clock
from cascade.declarations import IngestionDeclaration
from cascade.declarations.code_version import code_version
from cascade.declarations.sensitive import sensitive_columns
from cascade.exceptions import ChecksFailedError
from cascade.iceberg import Lakehouse, ensure_table
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.hidden import hidden_properties
from cascade.iceberg.large import LARGE_BYTES
from cascade.iceberg.ledger import UNPARTITIONED, LedgerEntry, Scheme
from cascade.ingestion.dispositions import (
    check_source,
    disposition_of,
    in_window,
    key_reader,
    table_schema,
    version_reader,
)
from cascade.ingestion.refusals import set_aside
from cascade.legacy.active import active_project
from cascade.notices import notices_to
from cascade.partitions import PartitionWindow
from cascade.runs.candidate import Candidate, RunGate
from cascade.runs.deadline import deadline
from cascade.runs.dlt_session import DltSession, dlt_session, states_for_branch
from cascade.runs.extract import Extracted, extract
from cascade.runs.old_field_names import with_old_names
from cascade.runs.publish import Check, Landed, SameStart, Target, audit, publish, settle_quarantine
from cascade.runs.report import RunReport
from cascade.runs.staging import Staged, Staging, staging
from cascade.runs.validate import Validated, Validation, rows_refused
from cascade.schemas import ValidationResult, declared_schema, validator_for
from cascade.schemas.sensitive import Redaction
from cascade.table_ref import TableRef


class Judge(Protocol):
    """Judges the table with the rows of a run."""

    @property
    def blocks(self) -> bool:
        """Whether it can keep the rows from being published."""
        ...

    def judge(self, candidate: Candidate) -> None:
        """Judge the table.

        Args:
            candidate: the table, as readers will see it.

        Raises:
            ChecksFailedError: the rows must not be published.
        """
        ...


class Unset(Enum):
    """Stands for an argument that was not given, where None is a value."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


def run_ingestion(
    declaration: IngestionDeclaration,
    *,
    lakehouse: Lakehouse,
    window: PartitionWindow | None,
    run_id: str,
    ref: TableRef | None = None,
    data: object = UNSET,
    arguments: Mapping[str, object] = MappingProxyType({}),
    checks: Sequence[Check] = (),
    judge: Judge | None = None,
    large_bytes: int = LARGE_BYTES,
    log: Callable[[str], None] = lambda line: None,
    warn: Callable[[str], None] = lambda line: None,
) -> RunReport:
    """Run a workflow once.

    Args:
        declaration: the workflow's declaration.
        lakehouse: the lakehouse that holds its table.
        window: the partition; None for a workflow without partitions.
        run_id: the run, for the snapshot's summary and the quarantine.
        ref: the table and branch to write; the declared table on `main` if absent.
        data: used in place of what the function returns. The function is then not called.
        arguments: further arguments of the function, by the names of its parameters.
        checks: checks of the validated rows, which raise to keep them from being written.
        judge: judges the table with the rows of the run. If it blocks, it does so before readers see them, and raises
            to keep them from being published (G6). They then stay on a branch; see `cascade.iceberg.publishing`.
        large_bytes: size of the rows from which they are landed chunk by chunk, since they do not fit in memory.
        log: called with each line for the user.
        warn: called with each warning for the user.

    Returns:
        What the run did.

    Raises:
        CascadeError: see `cascade.exceptions`. The table then contains nothing of the run.
    """
    schema = declared_schema(declaration.validation_schema)
    clock = Clock()

    def judged(candidate: Candidate) -> None:
        assert judge is not None
        with clock.timed("check"):
            judge.judge(candidate)

    target = Target(
        lakehouse,
        declaration.table_ref if ref is None else ref,
        run_id,
        None if window is None else window.key,
        disposition_of(declaration, schema, window),
        gate=RunGate(AuditBranch.of(run_id, lakehouse.branch_retention, lakehouse.branch), judged)
        if judge and judge.blocks
        else None,
        ledger=LedgerEntry(
            run_id,
            Scheme(declaration.partitions, declaration.partition_timezone) if declaration.partitions else UNPARTITIONED,
            None if window is None else window.key,
            code_version(declaration),
        ),
        sensitive=sensitive_columns(declaration.validation_schema),
    )
    keys = key_reader(declaration, schema)
    notices: list[str] = []

    def noticed(text: str) -> None:
        notices.append(" ".join(text.split()))
        warn(text)

    def source() -> object:
        return _call(declaration, window, arguments) if data is UNSET else data

    with notices_to(noticed), deadline(declaration.max_runtime_seconds, declaration.table, declaration.location):
        with clock.timed("open"):
            states_for_branch(lakehouse, target.ref)
            # Drift is refused before any request to the source.
            ensure_table(
                lakehouse,
                target.ref,
                table_schema(declaration),
                partition_spec=declaration.partition_spec,
                properties=hidden_properties() if declaration.write_disposition == "append" else None,
            )
        with (
            dlt_session(declaration, lakehouse.dlt_directory, target.partition) as session,
            staging(
                schema.arrow,
                keys,
                clock,
                version_reader(declaration, schema),
                Redaction.of(declaration.validation_schema),
            ) as stage,
        ):
            extracted, validated, staged = _staged(declaration, window, source, lakehouse, session, stage, clock)
            check_source(declaration, session)
            if validated.dropped_fields:
                log(f"Fields that the schema lacks are dropped: {', '.join(validated.dropped_fields)}.")
            if staged.rows_refused and declaration.on_invalid == "fail":
                consequence = 'and on_invalid="fail" keeps the whole run out of the table'
                raise rows_refused(declaration.table, extracted.rows, staged, consequence)
            audit(staged, checks, clock)
            set_aside(declaration, target, staged, extracted.rows, session, clock)
            if staged.rows_superseded:
                log(f"{staged.rows_superseded} rows do not land: a newer row with the same key was refused.")
            try:
                published = publish(
                    target,
                    staged,
                    session,
                    clock,
                    is_none=extracted.is_none,
                    large_bytes=large_bytes,
                    judge=judged if judge and not judge.blocks else None,
                )
            except ChecksFailedError as error:
                error.rows_in, error.rows_refused = extracted.rows, staged.rows_refused
                raise
            # None stands for "nothing is known", and changes nothing. A source that is empty has no refused rows.
            since = session.since if keys is None else None
            if not extracted.is_none and not session.is_incremental:
                settle_quarantine(target, staged, None, clock, since)
            elif published.decided and keys is not None:
                settle_quarantine(target, staged, Landed(published.decided_parts, keys), clock)
            elif since is not None:
                settle_quarantine(target, staged, SameStart(since), clock, since)
            with clock.timed("state"):
                session.keep()
    return RunReport(
        ref=lakehouse.target(target.ref),
        partition=target.partition,
        run_id=run_id,
        rows_in=extracted.rows,
        rows_good=staged.rows_good,
        rows_refused=staged.rows_refused,
        rows_inserted=published.rows_inserted,
        rows_updated=published.rows_updated,
        rows_removed=published.rows_removed,
        snapshot_id=published.snapshot_id,
        committed=published.committed,
        partition_rows=published.partition_rows,
        table_rows=published.table_rows,
        seconds=clock.total,
        refused=staged.first_refused,
        dropped_fields=validated.dropped_fields,
        notices=tuple(notices),
        sample=published.sample,
        timings=clock.timings,
        table_bytes=published.table_bytes,
        table_snapshots=published.table_snapshots,
        overwritten=published.overwritten
        if published.overwritten is None or not target.sensitive.intersection(declaration.unique_key)
        else replace(published.overwritten, key="one whose values are sensitive"),
    )


def _staged(
    declaration: IngestionDeclaration,
    window: PartitionWindow | None,
    source: Callable[[], object],
    lakehouse: Lakehouse,
    session: DltSession,
    stage: Staging,
    clock: Clock,
) -> tuple[Extracted, Validated, Staged]:
    """Extract, validate and stage, one batch at a time."""
    validator = validator_for(
        declaration.validation_schema, unique_key=declaration.unique_key, validate=declaration.validate
    )
    schema = declared_schema(declaration.validation_schema)
    validator = in_window(declaration, validator, schema, window)
    validation = Validation(validator, stage.add, table=declaration.table, clock=clock)
    no_rows = schema.empty()
    extracted = extract(
        source,
        validation.take if active_project() is None else with_old_names(validation.take, validator.reads),
        refuse=lambda refused: stage.add(ValidationResult(no_rows, tuple(refused), ())),
        session=session,
        dlt_directory=lakehouse.dlt_directory,
        table=declaration.table,
        location=declaration.location,
        clock=clock,
        reads=validator.reads,
    )
    return extracted, validation.finish(), stage.finish()


def _call(declaration: IngestionDeclaration, window: PartitionWindow | None, arguments: Mapping[str, object]) -> object:
    given: dict[str, Any] = {}
    if window is not None:
        given = {"partition_date": window.key, "window": window}
    wanted = declaration.wants
    return declaration.function(**{name: value for name, value in given.items() if name in wanted}, **arguments)
