"""Which requirements a change of a lockfile concerns. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cascade_pants.lockfiles import read_lock


@dataclass(frozen=True)
class LockChange:
    """What differs between two versions of a lockfile.

    Args:
        changed: the names of the requirements that are locked otherwise.
        users: these, and all requirements that need them. None if the lockfile does not show it.
        why_all: why it does not.
    """

    changed: frozenset[str] = frozenset()
    users: frozenset[str] | None = frozenset()
    why_all: str = ""


def compare(before: bytes | None, after: bytes | None) -> LockChange:
    """Compare two versions of a lockfile.

    Args:
        before: the file at the base, or None if there was none.
        after: the file now, or None if there is none.
    """
    if before is None or after is None:
        return LockChange(users=None, why_all="the lockfile is new" if before is None else "the lockfile is gone")
    old, new = read_lock(before), read_lock(after)
    if not (old.is_read and new.is_read):
        return LockChange(users=None, why_all="the lockfile is neither one of Pex nor a list of pins")
    if old.settings != new.settings:
        return LockChange(users=None, why_all="a setting of the lockfile has changed")
    changed = frozenset(name for name in old.pins.keys() | new.pins.keys() if old.pins.get(name) != new.pins.get(name))
    if not changed:
        return LockChange()
    if not (old.has_edges and new.has_edges):
        return LockChange(changed, None, "the lockfile does not say what requires what")
    return LockChange(changed, frozenset(old.using(changed) | new.using(changed)))
