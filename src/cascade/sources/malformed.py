"""Lines and rows that a reader cannot use, as refused rows."""

from __future__ import annotations

from collections.abc import Mapping

from cascade.schemas.rows import RefusedRow

RULE_LINE = "malformed_line"
RULE_PARTITION = "partition_unknown"
_LONGEST_TEXT = 1 << 16


def malformed_line(file: str, line: int, text: str, problem: str, last_line: int | None = None) -> RefusedRow:
    """Build the refused row of a line that is not a row.

    Args:
        file: path of the file, as the user knows it.
        line: number of the line, from 1.
        text: the line.
        problem: what is wrong with it, such as `it has 4 values, but the header has 3`.
        last_line: number of the last line, if a quote joins several.
    """
    lines = f"line {line}" if last_line in (None, line) else f"lines {line} to {last_line}"
    # A single line can be as long as its file, and the quarantine names the place.
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."
    # The names are below one name, because a table can have a column `line` of its own.
    row = {RULE_LINE: {"file": file, "line": line, "text": shown}}
    return RefusedRow(RULE_LINE, None, f"{file}, {lines}: {problem}", row)


def unknown_partition(file: str, column: str, row: Mapping[str, object], value: object, advice: str) -> RefusedRow:
    """Build the refused row of a row whose value does not say which partition it belongs to.

    Args:
        file: path of the file, as the user knows it.
        column: the field that the partition is read from.
        row: the row.
        value: its value in that field.
        advice: what to do, in a whole sentence; empty if there is nothing to advise.
    """
    said = f'"{value}" is not a date or a time' if value is not None else "the value is null"
    message = f"{file}: {said}, so the partition of the row is unknown. {advice}".rstrip()
    return RefusedRow(RULE_PARTITION, column, message, row)
