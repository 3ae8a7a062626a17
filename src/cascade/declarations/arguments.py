"""The names and types of a decorator's arguments, and the help that an unknown name gets."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal, Required, TypedDict

PartitionKind = Literal["hourly", "daily", "weekly", "monthly"]
OnInvalid = Literal["quarantine", "fail"]

REQUIRED = ("table_name", "unique_key", "group", "validation_schema")


class IngestionArguments(TypedDict, total=False):
    """The arguments of `@cascade_ingestion`."""

    table_name: Required[str]
    unique_key: Required[str | Sequence[str]]
    group: Required[str]
    validation_schema: Required[type]
    namespace: str
    cron: str | None
    freshness_hours: float | tuple[float | None, float | None] | None
    partitions: PartitionKind | None
    partition_start: date | datetime | str | None
    partition_end: date | datetime | str | None
    partition_timezone: str
    partition_spec: Sequence[str | tuple[str, str]]
    deps: Sequence[object]
    owners: Sequence[str]
    tags: Mapping[str, str]
    description: str | None
    max_runtime_seconds: int | None
    max_retries: int
    retry_delay_seconds: float
    validate: bool
    on_invalid: OnInvalid


NAMES = tuple(IngestionArguments.__annotations__)


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """Return ` Did you mean "x"?` for the nearest known name, or nothing when none is near."""
    near = difflib.get_close_matches(str(given), list(known), n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""


def wrong_names(given: Iterable[str]) -> list[str]:
    """Return one sentence for each unknown argument and for each required one that is missing."""
    names = set(given)
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in given if name not in NAMES]
    sentences = []
    for name in unknown:
        # A misspelt required argument is one mistake, not two.
        meant = difflib.get_close_matches(name, missing, n=1, cutoff=0.6)
        if meant:
            missing.remove(meant[0])
        sentences.append(f'there is no argument "{name}".{did_you_mean(name, meant or NAMES)}')
    return sentences + [f'the required argument "{name}" is missing.' for name in missing]
