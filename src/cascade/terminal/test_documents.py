"""JSON documents for scripts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cascade.terminal.documents import json_value, print_document


def test_numbers_that_json_does_not_have_are_strings(capsys: pytest.CaptureFixture[str]) -> None:
    print_document({"rows": [{"share": float("nan"), "top": (float("inf"), 1.5)}]})
    assert json.loads(capsys.readouterr().out) == {"rows": [{"share": "nan", "top": ["inf", 1.5]}]}


def test_values_that_json_does_not_have() -> None:
    assert json_value(datetime(2024, 1, 1, tzinfo=UTC)) == "2024-01-01T00:00:00+00:00"
    assert json_value(Decimal("1.10")) == "1.10"
    assert json_value(Decimal("0E-9")) == "0.000000000" and json_value(Decimal("-1E-9")) == "-0.000000001"
    assert json_value({2, 1}) == [1, 2]
    assert json_value(b"\x01") == "01"
