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
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cascade.exceptions import CascadeError, SourceError, SourceLocation
from cascade.fault_points import FaultPoint, reach
from cascade.runs.null_cursors import read_past_null_cursors

if TYPE_CHECKING:
    from dlt.extract import DltResource, DltSource
    from dlt.pipeline.pipeline import Pipeline

_WORK_PREFIX = "work-"
_KEPT_PREFIX = "kept-"
_CURRENT = "current"
_STALE_SECONDS = 24 * 60 * 60


class DeclaredSource(Protocol):
    """The part of a declaration that a dlt run needs. `IngestionDeclaration` has it."""

    @property
    def op_name(self) -> str:
        """Name of dlt's pipeline."""
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
    """Turn off dlt's telemetry and keep its files in the project, unless the user chose otherwise."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("DLT_DATA_DIR", str(directory / "data"))


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
    session = DltSession(declaration, directory / declaration.op_name / _slug(partition))
    try:
        yield session
    finally:
        session.close()


@dataclass
class DltSession:
    """One run of dlt for one asset and partition.

    Args:
        declaration: the workflow's declaration.
        home: directory of the state of this asset and partition.
    """

    declaration: DeclaredSource
    home: Path
    _work: Path | None = field(default=None, init=False)

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
        pipe = selected_resource(data, self.declaration)._pipe
        capture = _capture_step(consume)
        pipe.append_step(capture)
        pipeline = dlt.pipeline(pipeline_name=self.declaration.op_name, pipelines_dir=str(self._working_copy()))
        try:
            self._extract(pipeline, data)
        finally:
            pipe.steps.remove(capture)
            pipeline.deactivate()

    def keep(self) -> None:
        """Keep the state of this session. Call it after the rows are committed."""
        if self._work is None:
            reach(FaultPoint.STATE, self.declaration.table)
            return
        for leftover in self._work.glob("*/normalize"):
            shutil.rmtree(leftover)
        for trace in self._work.glob("*/trace.pickle"):
            trace.unlink()
        kept = self.home / (_KEPT_PREFIX + self._work.name.removeprefix(_WORK_PREFIX))
        before = self._kept()
        self._work.rename(kept)
        self._work = None
        pointer = self.home / f".{kept.name}"
        pointer.write_text(kept.name)
        reach(FaultPoint.STATE, self.declaration.table)
        # Renaming this small file activates the new state.
        pointer.replace(self.home / _CURRENT)
        if before is not None:
            shutil.rmtree(before, ignore_errors=True)

    def close(self) -> None:
        """Discard a state that was not kept, and working copies left behind by killed processes."""
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
            self._work = None
        if self.home.is_dir():
            for left in self.home.glob(f"{_WORK_PREFIX}*"):
                if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)

    def _extract(self, pipeline: Pipeline, data: Any) -> None:
        from dlt.pipeline.exceptions import PipelineStepFailed

        try:
            pipeline.extract(data)
        except PipelineStepFailed as error:
            raise _cause_of(error) from error

    def _working_copy(self) -> Path:
        if self._work is None:
            self.home.mkdir(parents=True, exist_ok=True)
            self._work = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=self.home))
            kept = self._kept()
            if kept is not None:
                shutil.copytree(kept, self._work, dirs_exist_ok=True)
        return self._work

    def _kept(self) -> Path | None:
        try:
            kept = self.home / (self.home / _CURRENT).read_text().strip()
        except FileNotFoundError:
            return None
        return kept if kept.is_dir() else None


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


def _cause_of(error: BaseException) -> BaseException:
    """Return the error that a workflow or Cascade raised, without the errors that dlt wraps around it."""
    from dlt.common.exceptions import DltException

    cause: BaseException | None = error
    while isinstance(cause, DltException) and (cause.__cause__ or cause.__context__) is not None:
        cause = cause.__cause__ or cause.__context__
    chain = cause
    while chain is not None:
        if isinstance(chain, CascadeError):
            return chain
        chain = chain.__cause__ or chain.__context__
    return cause or error


def _slug(partition: str | None) -> str:
    """Return a directory name for a partition: readable, and unique for each key."""
    if partition is None:
        return "whole"
    readable = re.sub(r"[^A-Za-z0-9-]+", "_", partition)
    return readable if readable == partition else f"{readable}-{hashlib.sha256(partition.encode()).hexdigest()[:8]}"
