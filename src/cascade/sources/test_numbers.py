from __future__ import annotations

import pytest

from cascade.exceptions import UsageError
from cascade.sources.conftest import Write, rows_of
from cascade.sources.files import read_csv
from cascade.sources.numbers import with_point


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("1,5", "1.5"),
        (" -0,50 ", "-0.50"),
        ("+7", "+7"),
        ("1.234,5", "1234.5"),
        ("1.234.567", "1234567"),
        ("1 234\u00a0567,5", "1 234\u00a0567,5"),
        ("1\u202f234\u202f567,5", "1234567.5"),
        ("1'234,5", "1234.5"),
        ("1234567,5", "1234567.5"),
        # None of these is written as the columns of the argument are, so the schema decides.
        ("1.5", "1.5"),
        ("12.34,5", "12.34,5"),
        ("1,5,5", "1,5,5"),
        ("1,", "1,"),
        (",5", ",5"),
        ("n/a", "n/a"),
        ("", ""),
        (None, None),
    ],
)
def test_numbers_with_a_decimal_comma(given: str | None, read: str | None) -> None:
    assert with_point(given) == read


def test_only_the_named_columns_are_rewritten(write: Write) -> None:
    content = b"name;kwh\n1,5;1.234,5\n1,6;\n"
    rows = rows_of(read_csv(write("rows.csv", content), decimal_commas=["kwh", "absent"]))
    assert rows == [{"name": "1,5", "kwh": "1234.5"}, {"name": "1,6", "kwh": None}]


def test_the_columns_are_a_list(write: Write) -> None:
    with pytest.raises(UsageError, match="take a list of texts, not one text"):
        read_csv(write("rows.csv", b"a\n1\n"), decimal_commas="a")
