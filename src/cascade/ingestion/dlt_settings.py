"""What a workflow asks dlt for and nobody has set: a password, an address of a database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cascade.exceptions import ConfigError, SourceLocation


@contextmanager
def missing_settings_named(location: SourceLocation) -> Iterator[None]:
    """Say in two lines which of dlt's settings are missing and where to set them, in the place of dlt's twenty.

    Args:
        location: of the workflow.

    Raises:
        ConfigError: a setting is missing.
    """
    try:
        yield
    except Exception as error:
        missing = _missing_settings(error)
        if not missing:
            raise
        raise ConfigError(
            f"The workflow asks dlt for {' and '.join(missing)}, which nothing sets.",
            location=location,
            hint=f"Set {' and '.join(missing.values())} in the environment or in .env.",
        ) from error


def _missing_settings(error: BaseException | None) -> dict[str, str]:
    """Find the variable of the environment for each missing setting, in an error or in what it was raised from."""
    if "dlt" not in sys.modules:
        return {}
    from dlt.common.configuration.exceptions import ConfigFieldMissingException

    # An error that was raised again while it was handled can be in the chain of its own causes.
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, ConfigFieldMissingException):
            return {name: key for name, traces in error.traces.items() if (key := _variable(traces))}
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return {}


def _variable(traces: Any) -> str | None:
    # Of a setting with parts dlt tries each part, and so has a trace of traces.
    flat = [trace for trace in traces if hasattr(trace, "provider")]
    nested = [part for trace in traces for part in getattr(trace, "traces", {}).values()]
    found = next((trace.key for trace in flat if trace.provider == "Environment Variables"), None)
    return found or next((key for part in nested if (key := _variable(part))), None)
