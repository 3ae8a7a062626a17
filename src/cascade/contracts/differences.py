"""The differences between two contracts of a table, and which of them break its readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cascade.contracts.model import ALL_COLUMNS, Column, Contract, Element
from cascade.iceberg.drift import widens


class Effect(IntEnum):
    """What a difference means to readers, the worst last."""

    NOTE = 0
    """Nothing: only documentation, owners or readers differ."""
    COMPATIBLE = 1
    """Whatever relied on the table still can."""
    BREAKING = 2
    """What relied on the table may fail, or read other rows or values."""


@dataclass(frozen=True)
class Difference:
    """One difference.

    Args:
        what: what differs, with both values.
        effect: what it means to readers.
        column: the column of the table that it is about, if it is about one.
    """

    what: str
    effect: Effect
    column: str | None = None

    @property
    def is_breaking(self) -> bool:
        """Whether it breaks readers."""
        return self.effect is Effect.BREAKING


def differences(old: Contract, new: Contract) -> tuple[Difference, ...]:
    """Compare two contracts of a table. Their versions do not count.

    What Iceberg does not apply to a table that exists is breaking (G4), and so is whatever takes something away that
    readers may rely on. `docs/guides/contracts.md` has the rules as a table.

    Args:
        old: the contract that was agreed on.
        new: the one that the workflow declares.

    Returns:
        The breaking differences first.
    """
    found = [*_of_table(old, new), *_columns(old.columns, new.columns, "", None), *_notes(old, new)]
    return tuple(sorted(found, key=lambda one: -one.effect))


def next_version(version: str, found: Sequence[Difference]) -> str:
    """Return the version of a contract after some differences, by the rules of semantic versioning.

    Args:
        version: the version before.
        found: the differences.

    Returns:
        The version with its first number raised if one breaks readers, its second one if one is compatible. Notes raise
        nothing, so that two git branches which only add readers can be merged.
    """
    major, minor, _ = map(int, version.split("."))
    worst = max((one.effect for one in found), default=Effect.NOTE)
    if worst is Effect.BREAKING:
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if worst is Effect.COMPATIBLE else version


def _of_table(old: Contract, new: Contract) -> Iterator[Difference]:
    for name in ("table", "write_disposition", "partitions", "partition_timezone"):
        yield from _changed(name, getattr(old, name), getattr(new, name), Effect.BREAKING)
    same_columns = set(old.unique_key) == set(new.unique_key)
    yield from _changed(
        "unique_key", _listed(old.unique_key), _listed(new.unique_key), Effect.NOTE if same_columns else Effect.BREAKING
    )
    if old.partitions is not None and new.partitions is not None:
        yield from _bounds(old, new)
    yield from _changed(
        "partition_spec",
        ", ".join(f"{transform}({column})" for column, transform in old.partition_spec.items()),
        ", ".join(f"{transform}({column})" for column, transform in new.partition_spec.items()),
        Effect.COMPATIBLE,
    )
    for name in ("warn", "fail"):
        before = getattr(old.freshness_hours, name, None)
        after = getattr(new.freshness_hours, name, None)
        stricter = before is None or (after is not None and after <= before)
        yield from _changed(
            f"freshness_hours ({name})", before, after, Effect.COMPATIBLE if stricter else Effect.BREAKING
        )


def _bounds(old: Contract, new: Contract) -> Iterator[Difference]:
    """Compare the bounds of the partitions: none of those that were there may go."""
    for name in ("partition_start", "partition_end"):
        before, after = getattr(old, name), getattr(new, name)
        earlier, later = _moment(before, old), _moment(after, new)
        if name == "partition_start":
            # Without one, the configured start counts, which is not known here.
            wider = earlier is not None and later is not None and later <= earlier
        else:
            wider = after is None or (earlier is not None and later is not None and later >= earlier)
        yield from _changed(name, before, after, Effect.COMPATIBLE if wider else Effect.BREAKING)


def _moment(text: str | None, contract: Contract) -> datetime | None:
    """Return a bound as a moment, or None if there is none or it cannot be read."""
    try:
        moment = datetime.fromisoformat(text) if text else None
        zone = ZoneInfo(contract.partition_timezone or "UTC")
    except (ValueError, ZoneInfoNotFoundError):
        return None
    return moment.replace(tzinfo=zone) if moment is not None and moment.tzinfo is None else moment


def _notes(old: Contract, new: Contract) -> Iterator[Difference]:
    if old.description != new.description:
        yield Difference("description: another text", Effect.NOTE)
    yield from _changed("group", old.group, new.group, Effect.NOTE)
    yield from _changed("owners", _listed(old.owners), _listed(new.owners), Effect.NOTE)
    names = [column.name for column in old.columns if column.name in {one.name for one in new.columns}]
    if names != [column.name for column in new.columns if column.name in names]:
        yield Difference("columns: in another order", Effect.NOTE)
    yield from _readers(old, new)


def _readers(old: Contract, new: Contract) -> Iterator[Difference]:
    # Who named a column that is gone is told by the difference about the column.
    kept = {ALL_COLUMNS, *(column.name for column in new.columns)}
    left = [one.model_copy(update={"columns": tuple(c for c in one.columns if c in kept)}) for one in old.read_by]
    before = {(reader.kind, reader.name, reader.projects): reader for reader in left}
    after = {(reader.kind, reader.name, reader.projects): reader for reader in new.read_by}
    for key, reader in before.items():
        if key not in after:
            yield Difference(f"read_by: no longer {reader}", Effect.NOTE)
        elif reader != after[key]:
            yield Difference(f"read_by: {reader} -> {after[key]}", Effect.NOTE)
    for key, reader in after.items():
        if key not in before:
            yield Difference(f"read_by: now {reader}", Effect.NOTE)


def _columns(old: Sequence[Column], new: Sequence[Column], prefix: str, top: str | None) -> Iterator[Difference]:
    before = {column.name: column for column in old}
    after = {column.name: column for column in new}
    added = [column for column in new if column.name not in before]
    for name, column in before.items():
        column_of_table = top or name
        if name in after:
            yield from _column(column, after[name], prefix + name, column_of_table)
        else:
            yield Difference(f"{prefix}{name}: removed{_renamed(column, old, added)}", Effect.BREAKING, column_of_table)
    for column in added:
        effect = Effect.BREAKING if column.required else Effect.COMPATIBLE
        why = "; rows that exist have no value for it" if column.required else ""
        yield Difference(f"{prefix}{column.name}: new, {_kind(column)}{why}", effect, top or column.name)


def _renamed(column: Column, old: Sequence[Column], added: Sequence[Column]) -> str:
    """Return the sentence about a new column that is like a removed one, if there is just one."""
    alike = [
        one for one in added if (one.type, one.fields, one.element) == (column.type, column.fields, column.element)
    ]
    if len(alike) != 1:
        return f" (was {_kind(column)})"
    return f' (was {_kind(column)}); if "{alike[0].name}" is its new name, readers still ask for the old one'


def _column(old: Column, new: Column, path: str, top: str) -> Iterator[Difference]:
    yield from _value(old, new, path, top)
    if old.sensitive != new.sensitive:
        # Without the mark, its values appear where they were hidden.
        effect = Effect.COMPATIBLE if new.sensitive else Effect.BREAKING
        yield Difference(f"{path}: {'now' if new.sensitive else 'no longer'} marked as sensitive", effect, top)
    if old.description != new.description:
        yield Difference(f"{path}: another description", Effect.NOTE, top)


def _value(old: Column | Element, new: Column | Element, path: str, top: str) -> Iterator[Difference]:
    if old.required and not new.required:
        yield Difference(f"{path}: was never null, may be null now", Effect.BREAKING, top)
    elif new.required and not old.required:
        what = f"{path}: may be null in rows that exist, required now"
        yield Difference(what, Effect.BREAKING, top)
    if old.type != new.type:
        effect = Effect.COMPATIBLE if _widens(old.type, new.type) else Effect.BREAKING
        yield Difference(f"{path}: type {old.type} -> {new.type}", effect, top)
        return
    yield from _columns(old.fields, new.fields, f"{path}.", top)
    if old.element is not None and new.element is not None:
        yield from _value(old.element, new.element, f"{path}[]", top)


def _widens(old: str, new: str) -> bool:
    from pyiceberg.types import IcebergType

    try:
        return widens(IcebergType.model_validate(old), IcebergType.model_validate(new))
    except ValueError:
        # A struct, a list, or a name that somebody wrote by hand.
        return False


def _kind(column: Column) -> str:
    return f"{'required' if column.required else 'optional'} {column.type}"


def _changed(name: str, old: object, new: object, effect: Effect) -> Iterator[Difference]:
    if old != new:
        yield Difference(f"{name}: {_shown(old)} -> {_shown(new)}", effect)


def _shown(value: object) -> str:
    return "none" if value is None or value == "" else f"{value:g}" if isinstance(value, float) else str(value)


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values)
