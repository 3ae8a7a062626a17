"""One check for each kind of argument. Each returns the value in the form that a declaration keeps.

A check raises ValueError with one sentence that contains the value given and the value expected. The name of the
argument comes before the sentence: "table_name: must be a string, not 3."
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from cascade.declarations import layouts
from cascade.declarations.problems import is_broken
from cascade.spelling import did_you_mean

_NAME = re.compile(r"^[A-Za-z0-9_]+$")
# The name of a directory has at most 255 characters, and joins the namespace, the table and a few more.
_LONGEST_NAME = 120
_EMAIL = re.compile(r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}$")
_TAG_KEY = re.compile(r"^([A-Za-z0-9_.-]{1,63}/)?[A-Za-z0-9_.-]{1,63}$")
_TAG_VALUE = re.compile(r"^[A-Za-z0-9_.-]{0,63}$")
_OFFSET = re.compile(r"(?:UTC|GMT|Z)? ?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?", re.IGNORECASE)


def name(value: object) -> str:
    """Check a name that Dagster, Iceberg and file systems accept: letters, digits and underscores."""
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {value!r}.")
    if not _NAME.fullmatch(value):
        fixed = re.sub(r"[^A-Za-z0-9_]+", "_", value).strip("_")
        meant = f' Did you mean "{fixed}"?' if fixed else ""
        raise ValueError(f"{value!r} may contain only letters, digits and underscores.{meant}")
    if len(value) > _LONGEST_NAME:
        raise ValueError(f'"{value[:20]}..." has {len(value)} characters; at most {_LONGEST_NAME} are possible.')
    return value


def names(value: object) -> tuple[str, ...]:
    """Check the name of a field or a list of distinct names, at least one."""
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, Sequence) or not found or not all(isinstance(item, str) and item for item in found):
        raise ValueError(f"must be the name of a field or a list of names, not {value!r}.")
    if len(set(found)) != len(found):
        raise ValueError(f"{value!r} names a field twice.")
    return tuple(found)


def field_name(value: object) -> str:
    """Check the name of one field."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be the name of a field, not {value!r}.")
    return value


def one_of(*choices: str) -> Callable[[object], str]:
    """Return a check that accepts one of the given strings."""

    def check(value: object) -> str:
        if value not in choices:
            listed = ", ".join(f'"{choice}"' for choice in choices)
            raise ValueError(f"must be one of {listed}, not {value!r}.{did_you_mean(value, choices)}")
        return str(value)

    return check


def boolean(value: object) -> bool:
    """Check for True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"must be True or False, not {value!r}.")
    return value


def number(*, least: float, integer: bool = False) -> Callable[[Any], Any]:
    """Return a check that accepts a finite number of at least `least`."""
    kind = "a whole number" if integer else "a number"

    def check(value: Any) -> Any:
        allowed = int if integer else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed) or not least <= value < float("inf"):
            raise ValueError(f"must be {kind} of at least {least:g}, not {value!r}.")
        return value

    return check


def refusal_limit(value: object) -> float:
    """Check how many rows may be refused: a whole number of rows, or a share of all rows between 0 and 1."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and ((isinstance(value, int) and value >= 0) or 0 <= value < 1):  # type: ignore[operator]
        return value  # type: ignore[return-value]
    meant = ""
    if isinstance(value, float) and value.is_integer() and value > 0:
        meant = f" Did you mean {int(value)}?"
    elif is_number and 1 < value < 100:  # type: ignore[operator]
        meant = f" Did you mean {value / 100:g}, for {value:g} %?"  # type: ignore[operator]
    raise ValueError(
        f"must be a share of the rows below 1, such as 0.05, or a whole number of rows, not {value!r}.{meant}"
    )


def cron(value: object) -> str:
    """Check a cron expression of five fields, or a shorthand such as `@daily`."""
    if not isinstance(value, str):
        raise ValueError(f'must be a cron expression such as "0 6 * * *", not {value!r}.')
    if not value.startswith("@") and len(value.split()) != 5:
        raise ValueError(
            f'{value!r} has {len(value.split())} fields; a cron expression has five, "minute hour day month weekday".'
        )
    if _is_plain_cron(value):
        return value
    from croniter import CroniterError, croniter

    try:
        croniter(value).get_next(float)
    except (CroniterError, ValueError) as error:
        raise ValueError(f'{value!r} is not a cron expression ({error}). An example is "0 6 * * *".') from None
    return value


def _is_plain_cron(value: str) -> bool:
    """Return whether an expression has only numbers and `*`, which needs no library to check."""
    limits = ((0, 59), (0, 23), (1, 28), (1, 12), (0, 6))
    fields = value.split()
    return len(fields) == len(limits) and all(
        each == "*" or (each.isascii() and each.isdigit() and low <= int(each) <= high)
        for each, (low, high) in zip(fields, limits, strict=True)
    )


def freshness(value: object) -> tuple[float | None, float]:
    """Check the hours after which an asset is stale: `fail`, or `(warn, fail)`, where warn may be None."""
    pair = value if isinstance(value, (tuple, list)) else (None, value)
    hours = number(least=1 / 60)
    try:
        warn, fail = pair
        warn = None if warn is None else hours(warn)
        fail = hours(fail)
    except (TypeError, ValueError):
        raise ValueError(f"must be (warn, fail) in hours, each at least a minute (1/60), not {value!r}.") from None
    if warn is not None and warn >= fail:
        raise ValueError(f"warn must be less than fail, but {warn:g} hours is not less than {fail:g}.")
    return warn, fail


def timezone(value: object) -> str:
    """Check the IANA name of a time zone."""
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(str(value))
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        meant = _zone_of_offset(str(value)) or did_you_mean(value, zoneinfo.available_timezones())
        raise ValueError(f'{value!r} is not an IANA time zone such as "America/New_York".{meant}') from None
    return str(value)


def _zone_of_offset(text: str) -> str | None:
    """Return what to write in place of an offset such as `GMT+1`, or None for another text."""
    offset = _OFFSET.fullmatch(text)
    if offset is None:
        return None
    hours, minutes = int(offset["hours"]), int(offset["minutes"] or 0)
    if minutes or hours > (12 if offset["sign"] == "-" else 14):
        return ' An offset of this size has no zone of its own: name a place that has it, such as "Asia/Kolkata".'
    zone = f"Etc/GMT{'-' if offset['sign'] == '+' else '+'}{hours}" if hours else "UTC"
    signs = " (its sign is the reverse, because POSIX counts the hours west of Greenwich)" if hours else ""
    return f' Write "{zone}"{signs}, or name a place, such as "Europe/Berlin", to follow its clock changes.'


def moment(value: object) -> date | datetime:
    """Check a date, a datetime, or an ISO string of either."""
    if isinstance(value, date):
        return value
    try:
        text = str(value)
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'must be a date such as date(2024, 1, 1) or "2024-01-01", not {value!r}.') from None


def texts(value: object) -> tuple[str, ...]:
    """Check a list of strings."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"must be a list of strings, not {value!r}.")
    return tuple(value)


def owners(value: object) -> tuple[str, ...]:
    """Check owners in Dagster's form: e-mail addresses or `team:<name>`."""
    for owner in texts(value):
        if not _EMAIL.match(owner) and not (owner.startswith("team:") and len(owner) > len("team:")):
            raise ValueError(f'{owner!r} must be an e-mail address or "team:<name>".')
    return texts(value)


def tags(value: object) -> dict[str, str]:
    """Check that tags are in the form that Dagster accepts."""
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a mapping of strings to strings, not {value!r}.")
    for key, text in value.items():
        if not isinstance(key, str) or not _TAG_KEY.match(key):
            raise ValueError(f"the tag {key!r} may contain only letters, digits, underscores, dots and dashes.")
        if not isinstance(text, str) or not _TAG_VALUE.match(text):
            raise ValueError(
                f"the value {text!r} of the tag {key!r} must be a string of at most 63 letters, digits, underscores, "
                "dots and dashes."
            )
    return dict(value)


def text(value: object) -> str:
    """Check for a string."""
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {value!r}.")
    return value


def partition_spec(value: object) -> tuple[tuple[str, str], ...]:
    """Check columns with Iceberg transforms. A column name alone means `identity`."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f'must be a list such as [("observed_at", "month"), "station"], not {value!r}.')
    fields = []
    for item in value:
        pair = (item, "identity") if isinstance(item, str) else item
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise ValueError(f'{item!r} must be a column or (column, transform), such as ("observed_at", "month").')
        column, transform = pair
        fields.append((column, layouts.transform(transform)))
    return tuple(fields)


def dependencies(value: object) -> tuple[object, ...]:
    """Check workflows, Dagster assets and asset keys, which are kept unchanged."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"must be a list of workflows, assets or asset keys, not {value!r}.")
    for item in value:
        if not _is_dependency(item):
            raise ValueError(f"{item!r} is not a workflow, a Dagster asset or an asset key.")
    return tuple(value)


def _is_dependency(item: object) -> bool:
    if isinstance(item, str):
        return bool(item)
    # Dagster's assets, specs, deps and keys all come from its own package, so they are recognized without importing it.
    # Its keys are tuples, so they are checked before tuples.
    if hasattr(item, "declaration") or is_broken(item) or type(item).__module__.split(".")[0] == "dagster":
        return True
    return isinstance(item, (list, tuple)) and bool(item) and all(isinstance(part, str) and part for part in item)
