"""The directory that keeps dlt's state of one asset and partition from one run to the next.

    current             the name of the state that applies
    kept-<name>         a state
    work-<name>         the copy of a state that a run is changing
    .lock               locked by every run that has a copy

A process that is killed leaves its copy behind, and the operating system releases its lock. A run that can lock the
directory for itself alone therefore knows that no process owns what it finds there, and removes it.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from cascade.exceptions import CascadeError

_WORK_PREFIX = "work-"
_KEPT_PREFIX = "kept-"
CURRENT = "current"
LOCK = ".lock"


def copy_states(source: Path, target: Path) -> None:
    """Let a directory have the states of all partitions of a table that apply in another one, and no others.

    Args:
        source: the directory with the states of all partitions of a table. It stays as it is.
        target: the directory that gets them.

    Raises:
        CascadeError: a state is damaged.
    """
    shutil.rmtree(target, ignore_errors=True)
    for home in sorted(source.iterdir()) if source.is_dir() else ():
        if not (home / CURRENT).is_file():
            continue
        with (home / LOCK).open("a") as lock:
            with suppress(OSError):
                # A run that has the lock for itself alone removes what does not apply.
                fcntl.flock(lock, fcntl.LOCK_SH)
            kept = StateDirectory(home)._kept()
            if kept is not None:
                shutil.copytree(kept, target / home.name / kept.name)
                (target / home.name / CURRENT).write_text(kept.name)


@dataclass
class StateDirectory:
    """The state of one asset and partition, as one run sees it.

    Args:
        home: the directory. It is created when the run asks for its copy.
    """

    home: Path
    _work: Path | None = field(default=None, init=False)
    _lock: IO[str] | None = field(default=None, init=False)

    version: str | None = field(default=None, init=False)
    """The state that this run's copy was made from, under a name that no other state has; None if there was none."""

    @property
    def has_copy(self) -> bool:
        """Whether this run has a copy, which it may have changed."""
        return self._work is not None

    def working_copy(self) -> Path:
        """Return this run's copy of the state that applies, and make it first if there is none.

        Raises:
            CascadeError: the state is damaged.
        """
        if self._work is None:
            self.home.mkdir(parents=True, exist_ok=True)
            self._lock = (self.home / LOCK).open("a")
            if self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                self._sweep()
            # Others may work in their own copies at the same time.
            self._locked(fcntl.LOCK_SH)
            self._work = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=self.home))
            kept = self._kept()
            if kept is not None:
                self.version = kept.name
                shutil.copytree(kept, self._work, dirs_exist_ok=True)
        return self._work

    def sources(self) -> dict[str, Any]:
        """Return dlt's state of each source in this run's copy, by the name of the source.

        Raises:
            CascadeError: the state is damaged.
        """
        found: dict[str, Any] = {}
        for file in self.working_copy().glob("*/state.json"):
            try:
                found |= json.loads(file.read_bytes()).get("sources") or {}
            except ValueError as error:
                # The copy is as damaged as what it was made from.
                kept = self.home / self.version / file.relative_to(self._work) if self.version and self._work else file
                raise self._damaged(kept) from error
        return found

    def keep(self, before_it_applies: Callable[[], None]) -> None:
        """Let this run's copy replace the state that applies.

        Args:
            before_it_applies: called when everything is written, and the old state still applies.
        """
        assert self._work is not None, "there is no copy to keep"
        for leftover in self._work.glob("*/normalize"):
            shutil.rmtree(leftover)
        for trace in self._work.glob("*/trace.pickle"):
            trace.unlink()
        kept = self.home / (_KEPT_PREFIX + self._work.name.removeprefix(_WORK_PREFIX))
        self._work.rename(kept)
        self._work = None
        pointer = self.home / f".{kept.name}"
        pointer.write_text(kept.name)
        before_it_applies()
        # Renaming this small file activates the new state.
        pointer.replace(self.home / CURRENT)

    def close(self) -> None:
        """Discard a copy that was not kept, and remove what no process owns."""
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
            self._work = None
        if self._lock is not None:
            if self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                # Of a damaged state, everything stays for whoever restores it.
                with suppress(CascadeError):
                    self._sweep()
            self._lock.close()
            self._lock = None

    def _locked(self, kind: int) -> bool:
        """Lock the directory. Return False if other runs have copies, or if the file system has no locks."""
        assert self._lock is not None
        try:
            fcntl.flock(self._lock, kind)
        except OSError:
            return False
        return True

    def _sweep(self) -> None:
        """Remove every copy, and every state that does not apply. The directory is locked for this run alone."""
        kept = self._kept()
        for left in self.home.iterdir():
            if left.name.startswith((_WORK_PREFIX, _KEPT_PREFIX)) and left != kept:
                shutil.rmtree(left, ignore_errors=True)
            elif left.name.startswith(f".{_KEPT_PREFIX}"):
                left.unlink(missing_ok=True)

    def _kept(self) -> Path | None:
        try:
            name = (self.home / CURRENT).read_bytes().decode(errors="replace").strip()
        except FileNotFoundError:
            return None
        # A disk that lost its power can leave a file empty or full of zeros.
        kept = self.home / name if re.fullmatch(rf"{_KEPT_PREFIX}\w+", name) else None
        if kept is None or not kept.is_dir():
            raise self._damaged(self.home / CURRENT)
        return kept

    def _damaged(self, file: Path) -> CascadeError:
        return CascadeError(
            f"dlt's state is damaged: {file}. It says how far the source has been read.",
            hint=f"Restore it, or remove {self.home}: the next run then reads the source from its beginning.",
        )
