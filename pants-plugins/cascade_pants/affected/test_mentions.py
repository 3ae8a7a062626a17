"""Which files may have used a file that is gone."""

from __future__ import annotations

import pytest

from cascade_pants.affected.macros import defines_macros, may_replace_a_macro
from cascade_pants.affected.mentions import gone_dbt_file, gone_module, words_of


@pytest.mark.parametrize(
    ("path", "text", "uses"),
    [
        ("src/a/x.py", "from flights.schema import Row", True),
        ("src/a/x.py", "import flights.schema as s", True),
        ("src/a/x.py", "from flights import (\n    schema,\n)", True),
        ("src/a/x.py", "load('flights.schema')", True),
        ("src/flights/deep/x.py", "from ..schema import Row", True),
        ("src/flights/x.py", "from . import schema", True),
        ("src/a/x.py", "from .schema import Row", False),
        ("src/a/x.py", "from flights.schemas import Row", False),
    ],
)
def test_imports_of_a_module(path: str, text: str, uses: bool) -> None:
    gone = gone_module("src/flights/schema.py", lambda directory: directory == "src")
    assert gone.may_be_used_by(path, words_of(text.encode())) is uses


@pytest.mark.parametrize("path", ["src/flights.py", "src/flights/__init__.py"])
def test_imports_of_a_module_in_a_source_root(path: str) -> None:
    gone = gone_module(path, lambda directory: directory == "src")
    assert gone.may_be_used_by("other/x.py", words_of(b"import flights"))


def test_references_to_a_model() -> None:
    gone = gone_dbt_file("dbt/models/delays.sql", b"select 1")
    assert gone is not None
    assert gone.may_be_used_by("dbt/models/top.sql", words_of(b"select * from {{ ref('delays') }}"))
    assert not gone.may_be_used_by("dbt/models/top.sql", words_of(b"select delay"))


def test_a_snapshot_has_a_name_of_its_own() -> None:
    gone = gone_dbt_file("dbt/snapshots/all.sql", b"{% snapshot flights_history %}{% endsnapshot %}")
    assert gone is not None
    assert gone.may_be_used_by("dbt/models/top.sql", words_of(b"{{ ref('flights_history') }}"))


@pytest.mark.parametrize(("path", "text"), [("m.sql", b"{%- macro cents(x) %}"), ("models/schema.yml", b"version: 2")])
def test_what_any_file_of_a_dbt_project_may_have_used(path: str, text: bytes) -> None:
    assert gone_dbt_file(path, text) is None


def test_macros_that_dbt_calls_by_itself() -> None:
    assert may_replace_a_macro(None, b"{% macro generate_schema_name(a, b) %}")
    assert may_replace_a_macro(b"{% macro default__cents() %}", None)
    assert may_replace_a_macro(b"{% materialization merge, default %}", b"")
    assert not may_replace_a_macro(b"{% macro cents(x) %}")
    assert defines_macros(b"{% macro cents(x) %}", None)
    assert not defines_macros(b"select 1", None)
