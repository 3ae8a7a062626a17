"""One check for each kind of argument: each returns the value in the form that a declaration keeps.

A check raises ValueError with one sentence that says what was given and what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from cascade.declarations.arguments import did_you_mean
from cascade.declarations.problems import is_broken

_NAME = re.compile(r"^[A-Za-z0-9_]+$")
_EMAIL = re.compile(r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}$")
_TAG_KEY = re.compile(r"^([A-Za-z0-9_.-]{1,63}/)?[A-Za-z0-9_.-]{1,63}$")
_TAG_VALUE = re.compile(r"^[A-Za-z0-9_.-]{0,63}$")
_TRANSFORM = re.compile(r"^(identity|year|month|day|hour|(bucket|truncate)\[[1-9][0-9]*\])$")


def name(value: object) -> str:
    """A name that Dagster and Iceberg take as it is: letters, digits and underscores."""
    if not isinstance(value, str):
        raise ValueError(f"give a text, not {value!r}.")
    if not _NAME.match(value):
        fixed = re.sub(r"[^A-Za-z0-9_]+", "_", value).strip("_")
        meant = f' Did you mean "{fixed}"?' if fixed else ""
        raise ValueError(f"{value!r} may hold letters, digits and underscores only.{meant}")
    return value


def names(value: object) -> tuple[str, ...]:
    """One text or a sequence of different texts, at least one."""
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, Sequence) or not found or not all(isinstance(item, str) and item for item in found):
        raise ValueError(f"give the name of a field or a list of names, not {value!r}.")
    if len(set(found)) != len(found):
        raise ValueError(f"{value!r} names a field twice.")
    return tuple(found)


def one_of(*choices: str) -> Callable[[object], str]:
    """Return a check that takes one of the given texts."""

    def check(value: object) -> str:
        if value not in choices:
            listed = ", ".join(f'"{choice}"' for choice in choices)
            raise ValueError(f"{value!r} is none of {listed}.{did_you_mean(value, choices)}")
        return str(value)

    return check


def boolean(value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"give True or False, not {value!r}.")
    return value


def number(*, least: float, integer: bool = False) -> Callable[[Any], Any]:
    """Return a check that takes a finite number of at least `least`."""
    kind = "a whole number" if integer else "a number"

    def check(value: Any) -> Any:
        allowed = int if integer else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed) or not least <= value < float("inf"):
            raise ValueError(f"give {kind} of at least {least:g}, not {value!r}.")
        return value

    return check


def cron(value: object) -> str:
    """A cron line of five fields, or a shorthand such as `@daily`."""
    from croniter import CroniterError, croniter

    if not isinstance(value, str):
        raise ValueError(f'give a cron line such as "0 6 * * *", not {value!r}.')
    if not value.startswith("@") and len(value.split()) != 5:
        raise ValueError(
            f'{value!r} has {len(value.split())} fields; a cron line has five, "minute hour day month weekday".'
        )
    try:
        croniter(value).get_next(float)
    except (CroniterError, ValueError) as error:
        raise ValueError(f'{value!r} is not a cron line ({error}). An example is "0 6 * * *".') from None
    return value


def freshness(value: object) -> tuple[float | None, float]:
    """Hours after which an asset is stale: `fail`, or `(warn, fail)`, where warn may be None."""
    pair = value if isinstance(value, (tuple, list)) else (None, value)
    hours = number(least=1 / 60)
    try:
        warn, fail = pair
        warn = None if warn is None else hours(warn)
        fail = hours(fail)
    except (TypeError, ValueError):
        raise ValueError(f"give (warn, fail) in hours, each at least a minute (1/60), not {value!r}.") from None
    if warn is not None and warn >= fail:
        raise ValueError(f"warn must come before fail, and {warn:g} hours is not less than {fail:g}.")
    return warn, fail


def timezone(value: object) -> str:
    """The IANA name of a time zone."""
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(str(value))
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        meant = did_you_mean(value, zoneinfo.available_timezones())
        raise ValueError(f'{value!r} is not an IANA time zone such as "America/New_York".{meant}') from None
    return str(value)


def moment(value: object) -> date | datetime:
    """A date, a datetime or an ISO text of either."""
    if isinstance(value, date):
        return value
    try:
        text = str(value)
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'give a date such as date(2024, 1, 1) or "2024-01-01", not {value!r}.') from None


def texts(value: object) -> tuple[str, ...]:
    """A sequence of texts."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"give a list of texts, not {value!r}.")
    return tuple(value)


def owners(value: object) -> tuple[str, ...]:
    """Owners as Dagster knows them: e-mail addresses or `team:<name>`."""
    for owner in texts(value):
        if not _EMAIL.match(owner) and not (owner.startswith("team:") and len(owner) > len("team:")):
            raise ValueError(f'{owner!r} is neither an e-mail address nor "team:<name>".')
    return texts(value)


def tags(value: object) -> dict[str, str]:
    """Tags as Dagster takes them."""
    if not isinstance(value, Mapping):
        raise ValueError(f"give a mapping of texts, not {value!r}.")
    for key, text in value.items():
        if not isinstance(key, str) or not _TAG_KEY.match(key):
            raise ValueError(f"the tag {key!r} may hold letters, digits, underscores, dots and dashes only.")
        if not isinstance(text, str) or not _TAG_VALUE.match(text):
            raise ValueError(
                f"the value {text!r} of the tag {key!r} may be a text of up to 63 letters, digits, underscores, "
                "dots and dashes only."
            )
    return dict(value)


def text(value: object) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise ValueError(f"give a text, not {value!r}.")
    return value


def partition_spec(value: object) -> tuple[tuple[str, str], ...]:
    """Columns with Iceberg transforms: a column's name alone means `identity`."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f'give a list such as [("observed_at", "month"), "station"], not {value!r}.')
    fields = []
    for item in value:
        pair = (item, "identity") if isinstance(item, str) else item
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise ValueError(f'give a column or (column, transform), such as ("observed_at", "month"), not {item!r}.')
        column, transform = pair
        if not _TRANSFORM.match(transform):
            known = (
                "identity",
                "year",
                "month",
                "day",
                "hour",
                "bucket[16]",
                "truncate[4]",
            )
            raise ValueError(
                f"{transform!r} is not an Iceberg transform ({', '.join(known)}).{did_you_mean(transform, known)}"
            )
        fields.append((column, transform))
    return tuple(fields)


def dependencies(value: object) -> tuple[object, ...]:
    """Workflows, Dagster assets, and asset keys, which are kept as they were given."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"give a list of workflows, assets or asset keys, not {value!r}.")
    for item in value:
        if not _is_dependency(item):
            raise ValueError(f"{item!r} is neither a workflow, a Dagster asset nor an asset key.")
    return tuple(value)


def _is_dependency(item: object) -> bool:
    if isinstance(item, str):
        return bool(item)
    # Dagster is not imported to find out: its assets, specs, deps and keys all come from its own package. It comes
    # before the tuples, since its keys are some.
    if hasattr(item, "declaration") or is_broken(item) or type(item).__module__.split(".")[0] == "dagster":
        return True
    return isinstance(item, (list, tuple)) and bool(item) and all(isinstance(part, str) and part for part in item)
