"""The JSON document that a command prints under `--json`.

Standard output contains only that document. Anything else that is written there, for example by a workflow's own
`print`, goes to standard error.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import click

from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError
from cascade.terminal.output import Output

_PRINTED = "cascade.document_printed"


@contextmanager
def only_json(out: Output) -> Iterator[None]:
    """Send everything written to standard output to standard error, and print the command's document at the end."""
    stdout = sys.stdout
    kept = _redirect_descriptor(stdout)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = stdout
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)
        if out.document is not None:
            print_document(out.document)


def print_document(document: object) -> None:
    """Print the JSON document of a command, unless the command has printed one already."""
    context = click.get_current_context(silent=True)
    shared = context.meta if context is not None else {}
    if shared.setdefault(_PRINTED, document) is document:
        click.echo(json.dumps(without_infinities(document), indent=2, default=json_value, ensure_ascii=False))


def without_infinities(value: Any) -> Any:
    """Replace the numbers that JSON does not have, such as NaN, with strings.

    Args:
        value: the value of a document, with all that is in it.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {key: without_infinities(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_infinities(inner) for inner in value]
    return value


def error_document(error: Exception) -> dict[str, object]:
    """Return the document that a failed command prints instead of its usual one."""
    place = error.location if isinstance(error, CascadeError) else None
    message = error.format_message() if isinstance(error, click.ClickException) else mask_secrets(str(error))
    return {
        "error": {
            "type": type(error).__name__,
            "message": error.message if isinstance(error, CascadeError) else message,
            "location": {"file": place.file, "line": place.line} if place else None,
            "hint": error.hint if isinstance(error, CascadeError) else None,
        }
    }


def json_value(value: object) -> object:
    """Convert a value that JSON cannot represent to a string or a list."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Decimal):
        # A small number would have an exponent otherwise, and zero too: 0E-9.
        return f"{value:f}"
    return str(value)


def _redirect_descriptor(stdout: Any) -> int | None:
    """Point descriptor 1, which C libraries and child processes write to, at standard error."""
    try:
        if stdout.fileno() != 1:
            return None
    except (OSError, ValueError):
        return None
    stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    return kept
