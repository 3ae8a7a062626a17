"""What a change touches, in the terms of a reader: projects, assets, models, checks, tests, artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cascade_pants.git import Change

VERSION = 1
"""The version of the JSON document. Raised when a field changes its meaning or goes, and not when one is added."""

KINDS = ("projects", "assets", "models", "checks", "tests", "artifacts")
"""The kinds of what a change may touch, in the order of the report."""


@dataclass(frozen=True)
class Step:
    """One step of a reason.

    Args:
        what: a file in the first step, and the address of a target in the others.
        how: what happened to the file, or how the target comes from the step before, such as `loads it`.
    """

    what: str
    how: str


@dataclass(frozen=True)
class Item:
    """Something that a change touches.

    Args:
        name: what it is called: an address, a table, an asset key or a model.
        steps: a shortest path from a changed file to it.
        fields: what else the JSON says about it.
        also: other names that `--explain` takes for it.
    """

    name: str
    steps: tuple[Step, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a change touches.

    Args:
        since: what the user compares with.
        base: the id of the commit that this means.
        changes: the changed files.
        untouching: why a changed file touches nothing, by path.
        items: what the change touches, by kind.
    """

    since: str
    base: str
    changes: tuple[Change, ...]
    untouching: Mapping[str, str]
    items: Mapping[str, tuple[Item, ...]]

    def document(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {
            "version": VERSION,
            "since": self.since,
            "base": self.base,
            "changes": [
                {"path": one.path, "status": one.status, "untouching": self.untouching.get(one.path)}
                for one in self.changes
            ],
            **{kind: [_document(one) for one in self.items[kind]] for kind in KINDS},
        }


def _document(item: Item) -> dict[str, Any]:
    return {**item.fields, "reasons": [{"what": step.what, "how": step.how} for step in item.steps]}
