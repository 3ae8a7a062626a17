from __future__ import annotations

import pytest

from cascade.exceptions import SourceError
from cascade.sources.conftest import Write, rows_of
from cascade.sources.files import read_csv


@pytest.mark.parametrize("value", ["'q'", "''", "'tis", "rock 'n' roll"])
@pytest.mark.parametrize("before", [0, 1, 200])
def test_apostrophes_around_a_value_are_text(write: Write, value: str, before: int) -> None:
    lines = ["id,name", *(f"{number},x" for number in range(before)), f"900,{value}"]
    assert rows_of(read_csv(write("rows.csv", "\n".join(lines).encode())))[-1] == {"id": "900", "name": value}


def test_single_quotes_around_the_names_quote_the_values(write: Write) -> None:
    content = b"'id','name'\n'1','x,y'\n'2','it''s'\n"
    assert rows_of(read_csv(write("rows.csv", content))) == [{"id": "1", "name": "x,y"}, {"id": "2", "name": "it's"}]


@pytest.mark.parametrize("content", ['[{"a": 1}, {"a": 2}]', '{"a": 1}\n{"a": 2}\n', '[\n  {"a": 1}\n]\n', "{\n", "[]"])
def test_json_is_not_read_as_the_names_of_columns(write: Write, content: str) -> None:
    with pytest.raises(SourceError, match=r"rows\.csv looks like JSON, not CSV") as raised:
        list(read_csv(write("rows.csv", content.encode())))
    assert "read_jsonl" in str(raised.value)


def test_names_of_columns_may_have_brackets(write: Write) -> None:
    assert rows_of(read_csv(write("rows.csv", b"[id],{name}\n1,x\n"))) == [{"[id]": "1", "{name}": "x"}]
