"""Read values as dates and times: those of Python, text in ISO 8601 or in a declared format, and Unix time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from cascade.exceptions import UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Moment: TypeAlias = date | datetime

_REMEMBERED = 100_000
_OF_A_CLOCK = re.compile(r"%[HIpMSfzZcX]")
_NUMBER = re.compile(r"\s*[-+]?\d+(\.\d*)?\s*")
# As Unix time, smaller numbers are before 1973, and are more likely days such as 20240131.
_SMALLEST_UNIX_TIME = 10**8


def check_formats(formats: Mapping[str, str]) -> Mapping[str, str]:
    """Return the formats of columns that the user declared.

    Raises:
        UsageError: a format is not one of `strptime`.
    """
    for column, form in formats.items():
        shown = datetime(2024, 1, 31, 13, 5, 6, tzinfo=UTC).strftime(form)
        try:
            datetime.strptime(shown, form)
        except (ValueError, re.error) as error:
            raise UsageError(
                f'formats: "{form}" of "{column}" is not a format of a date or time: {error}.',
                hint='Write it with the directives of strptime, such as "%d.%m.%Y" or "%Y%m%d %H:%M".',
            ) from None
    return formats


class Reformatter:
    """Rewrites text of a declared format as ISO 8601, which every schema reads. Other text stays as it is.

    Args:
        form: the format, with the directives of `strptime`.
    """

    def __init__(self, form: str) -> None:
        self._form = form
        self._has_clock = _OF_A_CLOCK.search(form) is not None
        self._known: dict[object, object] = {}

    def __call__(self, value: object) -> object:
        """Return the value in ISO 8601."""
        if isinstance(value, float) and value.is_integer():
            # pandas writes whole numbers as floats where one is missing.
            value = int(value)
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            return value
        if value not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[value] = self._rewritten(value)
        return self._known[value]

    def _rewritten(self, value: str | int) -> object:
        try:
            moment = datetime.strptime(str(value).strip(), self._form)
        except ValueError:
            return value
        return moment.isoformat() if self._has_clock else moment.date().isoformat()


class MomentReader:
    """Reads values as moments, as pydantic does."""

    def __init__(self) -> None:
        self._known: dict[object, Moment | None] = {}

    def __call__(self, value: object) -> Moment | None:
        """Return the moment that a value states, or None if it states none."""
        if isinstance(value, date):
            return value
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            return None
        if value not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[value] = self._read(value)
        return self._known[value]

    def _read(self, value: str | float) -> Moment | None:
        import pydantic

        if isinstance(value, str):
            if _NUMBER.fullmatch(value):
                return None
        elif not abs(value) >= _SMALLEST_UNIX_TIME:
            return None
        try:
            return self._adapter.validate_python(value.strip() if isinstance(value, str) else value)
        except pydantic.ValidationError:
            return None

    @cached_property
    def _adapter(self) -> TypeAdapter[datetime]:
        import pydantic

        return pydantic.TypeAdapter(datetime)


def naive(moment: Moment) -> datetime:
    """Return what the calendar and the clock show at a moment."""
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return datetime.combine(moment, time())
