"""JSON documents for scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from cascade.terminal.documents import json_value


def test_values_that_json_does_not_have() -> None:
    assert json_value(datetime(2024, 1, 1, tzinfo=UTC)) == "2024-01-01T00:00:00+00:00"
    assert json_value(Decimal("1.10")) == "1.10"
    assert json_value({2, 1}) == [1, 2]
    assert json_value(b"\x01") == "01"
