"""Run a dlt source: take its rows, and keep its state only after the Iceberg commit.

dlt only extracts: it handles pages, retries and incremental cursors. A last step in the resource's pipe takes out every
item before dlt types, renames or stores it. Rows reach validation as the source returned them, and no load package with
rows can stay pending. dlt writes its state in a working copy of the pipeline's directory, which replaces the kept one
only after the Iceberg commit: a cursor is never ahead of the table (G9).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cascade.exceptions import CascadeError, SourceError, SourceLocation
from cascade.fault_points import FaultPoint, reach
from cascade.runs.dlt_state import StateDirectory, copy_states
from cascade.runs.http_retries import tell_retries
from cascade.runs.null_cursors import read_past_null_cursors

if TYPE_CHECKING:
    from dlt.extract import DltResource, DltSource
    from dlt.pipeline.pipeline import Pipeline

    from cascade.iceberg import Lakehouse
    from cascade.table_ref import TableRef


class DeclaredSource(Protocol):
    """The part of a declaration that a dlt run needs. `IngestionDeclaration` has it."""

    @property
    def op_name(self) -> str:
        """Name of dlt's pipeline."""
        ...

    @property
    def table_ref(self) -> TableRef:
        """The table."""
        ...

    @property
    def table(self) -> str:
        """Full name of the table."""
        ...

    @property
    def location(self) -> SourceLocation:
        """The workflow's function."""
        ...


def quiet_dlt(directory: Path) -> None:
    """Turn off dlt's telemetry and keep its files in the project, unless the user set others. Let it tell retries."""
    tell_retries()
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("DLT_DATA_DIR", str(directory / "data"))


def states_of(directory: Path, table: TableRef) -> Path:
    """Return where the states of all partitions of a table are.

    Args:
        directory: where dlt keeps the state of all assets.
        table: the table.
    """
    return directory / table.op_name


def states_for_branch(lakehouse: Lakehouse, table: TableRef) -> None:
    """Let sources continue on a branch where they continue on `main`. Call it before the table has the branch.

    The rows that a cursor has passed are then on `main` when the branch starts there (G9). What an earlier branch of
    the same name left behind is removed.

    Args:
        lakehouse: the lakehouse.
        table: the table.
    """
    if lakehouse.origin is None:
        return
    found = lakehouse.load(table)
    if found is None or lakehouse.branch not in found.metadata.refs:
        copy_states(states_of(lakehouse.origin, table), states_of(lakehouse.dlt_directory, table))


@contextmanager
def dlt_session(declaration: DeclaredSource, directory: Path, partition: str | None) -> Iterator[DltSession]:
    """Open the dlt state of one asset and partition.

    Args:
        declaration: the workflow's declaration.
        directory: where dlt keeps the state of all assets.
        partition: key of the partition; None for a table without partitions.

    Yields:
        The session. Changes to the state are discarded unless `keep` is called.
    """
    state = StateDirectory(states_of(directory, declaration.table_ref) / _slug(partition))
    try:
        yield DltSession(declaration, state)
    finally:
        state.close()


@dataclass
class DltSession:
    """One run of dlt for one asset and partition.

    Args:
        declaration: the workflow's declaration.
        state: the directory of the state of this asset and partition.

    Attributes:
        is_incremental: whether a source returned only what is new since an earlier run, as far as dlt's state shows.
        continues_later: whether it did, or the next run will, because it keeps a cursor or another state.
    """

    declaration: DeclaredSource
    state: StateDirectory
    is_incremental: bool = field(default=False, init=False)
    continues_later: bool = field(default=False, init=False)
    _at_start: dict[str, Any] | None = field(default=None, init=False)

    def extract(self, data: DltSource | DltResource, consume: Callable[[object], None]) -> None:
        """Extract a source or resource, and pass on every item.

        Args:
            data: a dlt source with one selected resource, or a resource.
            consume: takes each item: a dict, a list of dicts, an Arrow table or a frame.

        Raises:
            SourceError: the source has several selected resources, or none.
            CascadeError: what `consume` raised.
        """
        import dlt

        read_past_null_cursors()
        # The function may have imported dlt only now.
        tell_retries()
        pipe = selected_resource(data, self.declaration)._pipe
        if self._at_start is None:
            self._at_start = self.state.sources()
        capture = _capture_step(consume)
        pipe.append_step(capture)
        pipeline = dlt.pipeline(pipeline_name=self.declaration.op_name, pipelines_dir=str(self.state.working_copy()))
        try:
            self._extract(pipeline, data)
        finally:
            pipe.steps.remove(capture)
            pipeline.deactivate()
        # dlt creates the cursor of a resource while it extracts.
        self.is_incremental |= _continues(self._at_start, pipe)
        self.continues_later |= self.is_incremental or _continues(self.state.sources(), pipe)

    @property
    def since(self) -> str | None:
        """What identifies the state from which a source that continues started; None for any other source."""
        return (self.state.version or "the beginning") if self.continues_later else None

    def keep(self) -> None:
        """Keep the state of this session. Call it after the rows are committed."""

        def reached() -> None:
            reach(FaultPoint.STATE, self.declaration.table)

        if self.state.has_copy:
            self.state.keep(reached)
        else:
            reached()

    def _extract(self, pipeline: Pipeline, data: Any) -> None:
        from dlt.pipeline.exceptions import PipelineStepFailed

        try:
            pipeline.extract(data)
        except PipelineStepFailed as error:
            raise _cause_of(error) from error


def selected_resource(data: DltSource | DltResource, declaration: DeclaredSource) -> DltResource:
    """Return the one selected resource of a source.

    Args:
        data: a source, or a resource, which is returned unchanged.
        declaration: the workflow's declaration, for errors.

    Raises:
        SourceError: several resources are selected, or none. The message lists them and explains how to choose one.
    """
    from dlt.extract import DltSource

    if not isinstance(data, DltSource):
        return data
    selected = list(data.resources.selected.values())
    if len(selected) == 1:
        return selected[0]
    names = ", ".join(data.resources.selected or data.resources)
    problem = (
        f"has {len(selected)} selected resources ({names})" if selected else f"has no selected resource (of {names})"
    )
    example = next(iter(data.resources), "x")
    raise SourceError(
        f'{declaration.table}: the dlt source "{data.name}" {problem}, but a table takes exactly one.',
        location=declaration.location,
        hint=f'Return it with one resource selected: .with_resources("{example}").',
    )


def _capture_step(consume: Callable[[object], None]) -> Any:
    """Create a step that takes every item out of a pipe. The class is defined here, so that dlt is imported on use."""
    from dlt.extract.items_transform import ItemTransform

    class Capture(ItemTransform[Any, Any]):
        # After every other step: incremental cursors, limits and the user's own steps.
        placement_affinity = 1000.0

        def __call__(self, item: Any, meta: Any = None) -> None:
            consume(item)

    return Capture(lambda item: None)


def _continues(sources: dict[str, Any], pipe: Any) -> bool:
    """Return whether a source starts where an earlier run ended, as its state and its cursor show."""
    has_cursor = _has_open_cursor(pipe)
    for state in sources.values():
        for resource in state.get("resources", {}).values():
            if any(value and (has_cursor or key != "incremental") for key, value in resource.items()):
                return True
        if any(value for key, value in state.items() if key != "resources"):
            return True
    return False


def _has_open_cursor(pipe: Any) -> bool:
    """Return whether a pipe, or one that feeds it, has a cursor without an end. Only such a cursor has a state."""
    while pipe is not None:
        for step in pipe.steps:
            cursor = getattr(step, "incremental", step)
            if hasattr(cursor, "cursor_path") and cursor.end_value is None:
                return True
        pipe = pipe.parent
    return False


def _cause_of(error: BaseException) -> BaseException:
    """Return the error that a workflow, Cascade or a part of dlt raised, without those that dlt wraps around any error.

    dlt's own errors explain what their cause does not: which cursor or key of which resource is wrong.
    """
    from dlt.extract.exceptions import PipeItemProcessingError, ResourceExtractionError
    from dlt.pipeline.exceptions import PipelineStepFailed

    wrappers = (PipelineStepFailed, ResourceExtractionError, PipeItemProcessingError)
    cause = error
    while isinstance(cause, wrappers) and (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    chain: BaseException | None = cause
    while chain is not None:
        if isinstance(chain, CascadeError):
            return chain
        chain = chain.__cause__ or chain.__context__
    return cause


def _slug(partition: str | None) -> str:
    """Return a directory name for a partition: readable, and unique for each key."""
    if partition is None:
        return "whole"
    readable = re.sub(r"[^A-Za-z0-9-]+", "_", partition)
    return readable if readable == partition else f"{readable}-{hashlib.sha256(partition.encode()).hexdigest()[:8]}"
