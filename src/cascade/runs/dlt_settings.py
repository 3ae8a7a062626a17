"""Report settings that a workflow reads through dlt but that are not set, such as a password or a server's address."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cascade.exceptions import ConfigError, SourceLocation


@contextmanager
def missing_settings_named(location: SourceLocation) -> Iterator[None]:
    """Report dlt's missing settings and where to set them, in two lines instead of dlt's twenty.

    Args:
        location: the workflow's function.

    Yields:
        Nothing. The source runs inside the block.

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
            f"The workflow reads {' and '.join(missing)} through dlt, which is not set.",
            location=location,
            hint=f"Set {' and '.join(missing.values())} in the environment or in .env.",
        ) from error


def _missing_settings(error: BaseException | None) -> dict[str, str]:
    """Find the environment variable of each missing setting, in an error or its causes."""
    if "dlt" not in sys.modules:
        return {}
    from dlt.common.configuration.exceptions import ConfigFieldMissingException

    # An error that was raised again while it was handled can appear in the chain of its own causes.
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, ConfigFieldMissingException):
            return {name: key for name, traces in error.traces.items() if (key := _variable(traces))}
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return {}


def _variable(traces: Any) -> str | None:
    # dlt tries each part of a composite setting, which results in a trace of traces.
    flat = [trace for trace in traces if hasattr(trace, "provider")]
    nested = [part for trace in traces for part in getattr(trace, "traces", {}).values()]
    found = next((trace.key for trace in flat if trace.provider == "Environment Variables"), None)
    return found or next((key for part in nested if (key := _variable(part))), None)
