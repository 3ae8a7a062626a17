"""Apply a migration so that a crash loses nothing: the next one finishes what was begun.

All new content is first written to `.cascade/migration` in the project, and then a journal that lists what goes where.
Until the journal exists, the project is unchanged. From then on, each file is put into its place by one rename. After a
crash, `finish` does the rest, whichever part was done.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cascade.exceptions import CascadeError, UsageError
from cascade.migration.plan import Decision, Plan

_STAGING = ".cascade/migration"
_JOURNAL = "journal.json"


@dataclass(frozen=True)
class _Step:
    """A file to put into its place, or to remove.

    Args:
        path: the place, from the root.
        staged: the name of the new content among the staged files; None to remove the file.
        before: the digest of the file that is there, or None if there is none.
    """

    path: str
    staged: str | None
    before: str | None


def is_interrupted(root: Path) -> bool:
    """Return whether a migration of a project began to change files and did not end."""
    return (root / _STAGING / _JOURNAL).is_file()


def apply(plan: Plan) -> None:
    """Change the files of a project as planned.

    Args:
        plan: the migration.

    Raises:
        UsageError: a path leads out of the project through a symbolic link, or cannot be written. Nothing was changed.
        CascadeError: the system refused to change a file. `finish` continues.
    """
    _refuse(plan)
    staging = plan.into / _STAGING
    missing = [place for place in (staging, *staging.parents) if not place.exists()]
    try:
        shutil.rmtree(staging, ignore_errors=True)
        staging.parent.mkdir(parents=True, exist_ok=True)
        # It gets copies of `.env`, each with its own mode only after it is written.
        staging.mkdir(mode=0o700)
        _write_journal(staging, list(_staged(plan, staging)), plan.decisions)
    except BaseException as error:
        # Ctrl-C too. A directory that is not empty is another's.
        shutil.rmtree(staging, ignore_errors=True)
        _remove_empty(missing)
        if isinstance(error, OSError):
            raise CascadeError(
                f"{error.filename or plan.into} cannot be written: {error.strerror}.", hint="All files are unchanged."
            ) from error
        raise
    try:
        finish(plan.into)
    except KeyboardInterrupt:
        finish(plan.into)
        raise
    _remove_empty(missing)


def finish(root: Path) -> tuple[Decision, ...]:
    """Finish a migration whose journal was written. Without one, do nothing.

    Args:
        root: the project.

    Returns:
        What it left to a person.

    Raises:
        UsageError: someone has changed a file since then. Nothing was changed.
        CascadeError: the system refused to change a file.
    """
    staging = root / _STAGING
    if not is_interrupted(root):
        return ()
    journal = json.loads((staging / _JOURNAL).read_text("utf-8"))
    steps = [_Step(**each) for each in journal["steps"]]
    open_steps = [step for step in steps if step.staged is None or (staging / step.staged).exists()]
    _refuse_changed(root, open_steps)
    current = root
    try:
        for step in open_steps:
            current = root / step.path
            if step.staged is None:
                current.unlink(missing_ok=True)
            else:
                current.parent.mkdir(parents=True, exist_ok=True)
                os.replace(staging / step.staged, current)
        _remove_abandoned(root, (root / step.path for step in steps if step.staged is None))
        current = staging / _JOURNAL
        current.unlink()
    except OSError as error:
        raise CascadeError(
            f"{current} cannot be changed: {error.strerror}.",
            hint="Nothing is lost. Remove the cause and continue: cascade migrate --apply",
        ) from error
    shutil.rmtree(staging, ignore_errors=True)
    return tuple(Decision(**each) for each in journal["decisions"])


def _refuse(plan: Plan) -> None:
    read = [each.old for each in plan.changes if each.old is not None]
    written = [_STAGING, *(each.new for each in plan.changes if each.new is not None), *plan.removals()]
    sentences = [sentence for path in read for sentence in _leaving(plan.root, path)]
    sentences += [sentence for path in written for sentence in _leaving(plan.into, path)]
    sentences = sentences or [sentence for path in written for sentence in _obstacles(plan.into / path)]
    old = {each.old for each in plan.changes} if plan.in_place else set()
    sentences += [
        f"{plan.into / each.new} exists, and the migration would write another file there."
        for each in plan.writes()
        if each.new is not None and each.new not in old and os.path.lexists(plan.into / each.new)
    ]
    if sentences:
        raise UsageError("\n".join(dict.fromkeys(sentences)), hint="Nothing was changed.")


def _leaving(root: Path, path: str) -> Iterator[str]:
    """Yield a sentence if a symbolic link leads out of the project."""
    place = root / path
    try:
        real, inside = place.resolve(), root.resolve()
    except (OSError, RuntimeError) as error:
        yield f"{place} cannot be followed: {error}."
        return
    if not real.is_relative_to(inside):
        yield f"{place} leads to {real}, which is outside {root}. A migration changes only files inside the project."


def _obstacles(place: Path) -> Iterator[str]:
    there = next(each for each in place.parents if each.exists())
    if not there.is_dir():
        yield f"{there} is a file, but must be a directory."
    elif not os.access(there, os.W_OK | os.X_OK):
        yield f"{there} cannot be written."


def _staged(plan: Plan, staging: Path) -> Iterator[_Step]:
    for number, change in enumerate(plan.writes()):
        assert change.new is not None
        staged = staging / str(number)
        origin = plan.root / change.old if change.old is not None else None
        if change.content is None:
            assert origin is not None
            # A copy and not a link: the file may be edited until it is in its place.
            shutil.copy2(origin, staged)
        else:
            staged.write_bytes(change.content)
            if origin is not None:
                shutil.copymode(origin, staged)
        if plan.in_place:
            # The original is removed soon, and a power failure must not take the copy.
            _flush(staged)
        yield _Step(change.new, staged.name, _digest(plan.into / change.new))
    for path in plan.removals():
        yield _Step(path, None, _digest(plan.into / path))


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _write_journal(staging: Path, steps: Sequence[_Step], decisions: Sequence[Decision]) -> None:
    text = json.dumps({"steps": [asdict(step) for step in steps], "decisions": [asdict(each) for each in decisions]})
    temporary = staging / f"{_JOURNAL}.tmp"
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(staging / _JOURNAL)


def _refuse_changed(root: Path, steps: Iterable[_Step]) -> None:
    changed = [root / step.path for step in steps if _digest(root / step.path) not in (step.before, None)]
    if changed:
        raise UsageError(
            "An interrupted migration cannot be finished, because these files have changed since:"
            + "".join(f"\n  {path}" for path in changed),
            hint=f"Nothing was changed. Restore them, or give up the rest of it: rm -r {root / _STAGING}",
        )


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        # Somebody has put it there since then.
        return "a directory"


def _remove_abandoned(root: Path, removed: Iterable[Path]) -> None:
    """Remove the directories that the migration has emptied, with the bytecode in them."""
    for directory in sorted({parent for path in removed for parent in path.parents}, key=lambda each: -len(each.parts)):
        if directory == root or root not in directory.parents or not directory.is_dir():
            continue
        if {each.name for each in directory.iterdir()} <= {"__pycache__"}:
            shutil.rmtree(directory / "__pycache__", ignore_errors=True)
            directory.rmdir()


def _remove_empty(directories: Iterable[Path]) -> None:
    for directory in directories:
        with suppress(OSError):
            directory.rmdir()
