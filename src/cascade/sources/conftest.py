"""Write a file, read it, and look at its rows and refused rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pytest

from cascade.partitions import PartitionWindow
from cascade.schemas.rows import RefusedRow

Write: TypeAlias = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a file of a name, and returns its path."""

    def write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return write


def rows_of(read: Iterator[Any]) -> list[dict[str, Any]]:
    """Return all rows, and check that none is refused."""
    rows, refused = split(read)
    assert refused == []
    return rows


def split(read: Iterator[Any]) -> tuple[list[dict[str, Any]], list[RefusedRow]]:
    """Return the rows, and the refused rows."""
    rows: list[dict[str, Any]] = []
    refused: list[RefusedRow] = []
    for piece in read:
        if isinstance(piece, RefusedRow):
            refused.append(piece)
        else:
            rows += [piece] if isinstance(piece, dict) else piece.to_pylist()
    return rows, refused


def line_of(refused: RefusedRow) -> dict[str, Any]:
    """Return the file, the number and the text of a malformed line."""
    (line,) = refused.row.values()
    assert isinstance(line, dict)
    return line


def day(text: str, zone: str = "UTC") -> PartitionWindow:
    """Return the partition of a day."""
    start = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return PartitionWindow(text, start, start + timedelta(days=1))
