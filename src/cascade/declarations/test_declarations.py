from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Optional

import pytest
from pydantic import BaseModel, Field

from cascade.declarations import (
    IngestionDeclaration,
    collecting_problems,
    is_broken,
)
from cascade.exceptions import DeclarationError
from cascade.ingestion import IngestionWorkflow, cascade_ingestion
from cascade.table_ref import TableRef


class Reading(BaseModel):
    station: str
    hour: int
    celsius: float
    note: str | None = None
    old_style: Optional[int] = None  # noqa: UP045
    in_annotated: Annotated[float, Field(gt=0)] = 1.0
    renamed: int = Field(alias="renamedAtSource", default=0)


GOOD: dict[str, Any] = {
    "table_name": "readings",
    "unique_key": "station",
    "group": "weather",
    "validation_schema": Reading,
}


def fetch(partition_date: str) -> list[str]:
    """Fetch the readings of a day."""
    return [partition_date]


def declared(function: Callable[..., object] = fetch, **arguments: Any) -> IngestionDeclaration:
    return cascade_ingestion(**{**GOOD, **arguments})(function).declaration


def problems_of(function: Callable[..., object] = fetch, **arguments: Any) -> str:
    with pytest.raises(DeclarationError) as caught:
        declared(function, **arguments)
    return "\n".join(caught.value.problems)


def test_a_workflow_is_still_the_function() -> None:
    workflow = cascade_ingestion(**GOOD)(fetch)
    assert workflow("2013-01-15") == ["2013-01-15"]
    assert workflow.__wrapped__ is fetch  # type: ignore[attr-defined]
    assert workflow.__name__ == "fetch"  # type: ignore[attr-defined]
    assert workflow.declaration.description == "Fetch the readings of a day."


def test_a_workflow_is_frozen() -> None:
    workflow = cascade_ingestion(**GOOD)(fetch)
    with pytest.raises(AttributeError, match="frozen"):
        workflow.declaration = workflow.declaration


def test_names_leave_out_the_namespace_raw() -> None:
    raw, other = declared(), declared(namespace="lab")
    assert (raw.asset_key, raw.op_name, raw.table) == (
        ("readings",),
        "dlt_readings",
        "raw.readings",
    )
    assert (other.asset_key, other.op_name, other.table) == (
        ("lab", "readings"),
        "dlt_lab__readings",
        "lab.readings",
    )
    assert other.table_ref == TableRef("lab", "readings")
    assert other.table_ref.identifier == ("lab", "readings")
    assert other.table_ref.quarantine.identifier == ("lab", "readings__quarantine")


def test_a_missing_argument_is_reported() -> None:
    with pytest.raises(DeclarationError) as caught:
        cascade_ingestion(table_name="x", unique_keys="id")(fetch)  # type: ignore[call-arg]
    assert caught.value.problems == (
        'there is no argument "unique_keys". Did you mean "unique_key"?',
        'the required argument "validation_schema" is missing.',
    )


def test_one_error_has_all_problems_of_a_decorator_and_its_line() -> None:
    with pytest.raises(DeclarationError) as caught:
        cascade_ingestion(
            tabel_name="x",
            unique_key="staton",
            validation_schema=Reading,
            cron="0 25 * * *",
        )(fetch)  # type: ignore[call-arg]
    assert caught.value.problems[0] == 'there is no argument "tabel_name". Did you mean "table_name"?'
    assert caught.value.problems[1].startswith("cron: '0 25 * * *' is not a cron expression")
    assert caught.value.problems[2] == 'unique_key: "staton" is not a field of Reading. Did you mean "station"?'
    assert len(caught.value.problems) == 3
    location = caught.value.location
    assert location is not None and location.file == __file__
    assert location.line == fetch.__code__.co_firstlineno


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"table_name": "my-table"}, 'Did you mean "my_table"?'),
        (
            {"table_name": "t" * 121},
            'table_name: "tttttttttttttttttttt..." has 121 characters; at most 120 are possible.',
        ),
        ({"namespace": "n" * 300}, "has 300 characters"),
        ({"validation_schema": BaseModel, "unique_key": "id"}, '"id" is not a field of BaseModel. It has no fields.'),
        ({"table_name": "x__quarantine"}, "reserved for tables of refused rows"),
        (
            {"group": "a b"},
            "group: 'a b' may contain only letters, digits and underscores. Did you mean \"a_b\"?",
        ),
        ({"unique_key": []}, "unique_key: must be the name of a field"),
        ({"unique_key": ["hour", "hour"]}, "twice"),
        ({"unique_key": ["celsius"]}, '"celsius" is a float'),
        ({"unique_key": ["in_annotated"]}, '"in_annotated" is a float'),
        ({"unique_key": ["note"]}, '"note" may be null'),
        ({"unique_key": ["old_style"]}, '"old_style" may be null'),
        ({"unique_key": ["renamedAtSource"]}, 'its column is "renamed"'),
        ({"validation_schema": Reading(station="a", hour=1, celsius=1)}, "(the class)"),
        ({"cron": "0 6 * *"}, "has 4 fields; a cron expression has five"),
        ({"cron": "0 0 31 2 *"}, "is not a cron expression"),
        ({"freshness_hours": (24, 12)}, "24 hours is not less than 12"),
        ({"freshness_hours": (24, None)}, "must be (warn, fail) in hours"),
        ({"partitions": "dayly"}, 'Did you mean "daily"?'),
        ({"partition_timezone": "America/New_Yrk"}, 'Did you mean "America/New_York"?'),
        ({"partition_start": "15.1.2013"}, "partition_start: must be a date"),
        (
            {"partition_start": date(2014, 1, 1), "partition_end": date(2013, 1, 1)},
            "is not after partition_start",
        ),
        ({"partition_spec": [("hour", "days")]}, 'Did you mean "day"?'),
        (
            {"partition_spec": ["hours"]},
            'partition_spec: "hours" is not a field of Reading. Did you mean "hour"?',
        ),
        ({"deps": [3]}, "deps: 3 is not a workflow"),
        ({"deps": "upstream"}, "deps: must be a list"),
        ({"owners": ["data"]}, "'data' must be an e-mail address"),
        ({"tags": {"a b": "c"}}, "the tag 'a b'"),
        ({"tags": {"a": "b c"}}, "the value 'b c' of the tag 'a'"),
        (
            {"max_runtime_seconds": 0},
            "max_runtime_seconds: must be a whole number of at least 1",
        ),
        ({"max_retries": 1.5}, "max_retries: must be a whole number"),
        ({"retry_delay_seconds": float("inf")}, "retry_delay_seconds: must be a number"),
        ({"validate": "no"}, "validate: must be True or False"),
        ({"on_invalid": "failed"}, 'Did you mean "fail"?'),
        ({"refuse_over": 5.0}, "a whole number of rows, not 5.0. Did you mean 5?"),
        (
            {"refuse_over": 1.5},
            "below 1, such as 0.05, or a whole number of rows, not 1.5. Did you mean 0.015, for 1.5 %?",
        ),
        ({"refuse_over": -1}, "refuse_over: must be a share of the rows below 1"),
        ({"refuse_over": True}, "refuse_over: must be a share of the rows below 1"),
        ({"refuse_over": float("nan")}, "refuse_over: must be a share of the rows below 1"),
        ({"refuse_over": "5%"}, "not '5%'"),
        ({"refuse_over": 0.05, "on_invalid": "fail"}, 'refuse_over: has no effect with on_invalid="fail"'),
        ({"description": 3}, "description: must be a string"),
        ({"partition_timezone": "GMT+1"}, 'Write "Etc/GMT-1" (its sign is the reverse'),
        ({"partition_timezone": "UTC-05:00"}, 'Write "Etc/GMT+5" (its sign is the reverse'),
        ({"partition_timezone": "+0000"}, 'Write "UTC", or name a place'),
        ({"partition_timezone": "UTC+5:30"}, 'name a place that has it, such as "Asia/Kolkata"'),
        ({"partition_timezone": "GMT-13"}, "name a place that has it"),
        ({"partition_timezone": "Berlin"}, 'Did you mean "Europe/Berlin"?'),
        ({"write_disposition": "mrege"}, 'Did you mean "merge"?'),
    ],
)
def test_an_error_has_the_value_given_and_the_value_expected(arguments: dict[str, Any], said: str) -> None:
    assert said in problems_of(**arguments)


def test_dates_may_be_strings() -> None:
    declaration = declared(partition_start="2013-01-01", partition_end="2014-01-01T00:00:00")
    assert declaration.partition_start == date(2013, 1, 1)
    assert declaration.partition_end == datetime(2014, 1, 1)


def test_a_pandera_schema_is_checked_too() -> None:
    import pandera.polars as pa

    class Frame(pa.DataFrameModel):
        station: str
        celsius: float
        note: str = pa.Field(nullable=True)

    said = problems_of(validation_schema=Frame, unique_key=["station", "celsius", "note", "stations"])
    assert '"celsius" is a float in Frame' in said
    assert '"note" may be null in Frame' in said
    assert '"stations" is not a field of Frame. Did you mean "station"?' in said
    assert '"station" ' not in said


def test_a_function_that_cannot_be_called_is_refused() -> None:
    def needs(day: str) -> None: ...
    def optional(day: str = "") -> None: ...
    async def waits() -> None: ...

    assert problems_of(needs).startswith("the function requires day, but it can take only partition_date, window, ")
    assert "async" in problems_of(waits)
    assert "requires partition_date, but it can take only context, and" in problems_of(fetch, partitions=None)
    assert declared(optional).wants == frozenset()


def test_a_declaration_knows_what_its_function_takes() -> None:
    def both(partition_date: str, window: object) -> None: ...
    def unused(partition_date: str | None = None) -> None: ...
    def native(context: object) -> None: ...

    assert declared(both).wants == {"partition_date", "window"}
    assert declared(unused, partitions=None).wants == frozenset()
    assert declared(native, partitions=None).takes_context
    assert not declared(both).takes_context


def test_a_parameter_of_an_unknown_type_is_left_for_later() -> None:
    def later(api: NotYetDefined) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    (problem,) = declared(later).unclear_parameters()
    assert problem.startswith('the parameter api is annotated with "NotYetDefined", which is not defined at run time.')
    assert declared(lambda limit=3: None).unclear_parameters() == []


def test_merge_is_how_rows_are_written() -> None:
    assert declared().write_disposition == declared(write_disposition="merge").write_disposition == "merge"


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("/p/workflows/weather/rows.py", "weather"),
        ("/p/workflows/my-data/rows.py", "my_data"),
        ("/p/workflows/données 2024/rows.py", "donn_es_2024"),
    ],
)
def test_the_group_is_the_directory_unless_given(file: str, group: str) -> None:
    arguments = {name: value for name, value in GOOD.items() if name != "group"}
    names: dict[str, Any] = {}
    exec(compile("def rows(): ...", file, "exec"), names)
    assert cascade_ingestion(**arguments)(names["rows"]).declaration.group == group
    assert cascade_ingestion(**arguments, group=None)(names["rows"]).declaration.group == group
    assert cascade_ingestion(**arguments, group="given")(names["rows"]).declaration.group == "given"


def test_code_without_a_file_needs_a_group() -> None:
    names: dict[str, Any] = {}
    exec("def rows(): ...", names)
    assert problems_of(names["rows"], group=None).startswith("group: the code is not in a file")


def test_a_directory_that_names_no_group_needs_one_given() -> None:
    names: dict[str, Any] = {}
    exec(compile("def rows(): ...", "/p/workflows/日本/rows.py", "exec"), names)
    assert "the name of the file's directory has no letter" in problems_of(names["rows"], group=None)


def test_a_parameter_that_cannot_be_passed_by_name_is_refused() -> None:
    def rows(partition_date: str, /) -> None: ...

    assert problems_of(rows) == (
        "the parameter partition_date is positional-only, but is passed by name. Remove the `/`."
    )


def test_a_name_with_a_line_break_is_refused() -> None:
    assert 'Did you mean "readings"?' in problems_of(table_name="readings\n")


def test_partition_bounds_need_partitions() -> None:
    def whole() -> None: ...

    assert "partition_start: has no effect" in problems_of(whole, partitions=None, partition_start="2013-01-01")


def test_the_decorator_needs_a_call() -> None:
    with pytest.raises(DeclarationError, match="it needs arguments") as caught:
        cascade_ingestion(fetch)  # type: ignore[arg-type, call-arg]
    assert caught.value.location is not None and caught.value.location.file == __file__


def test_positional_arguments_are_refused_at_the_line_of_the_call() -> None:
    with pytest.raises(DeclarationError, match="by name; 'readings' has no name") as caught:
        cascade_ingestion("readings")  # type: ignore[arg-type, call-arg]
    assert caught.value.location is not None and caught.value.location.file == __file__


def test_collecting_lets_the_rest_of_a_module_load() -> None:
    with collecting_problems() as problems:
        wrong = cascade_ingestion(**{**GOOD, "cron": "never"})(fetch)
        bare = cascade_ingestion(fetch)  # type: ignore[arg-type, call-arg]
        right = cascade_ingestion(**{**GOOD, "deps": [wrong]})(lambda: None)
    assert len(problems) == 2
    assert is_broken(wrong) and is_broken(bare) and not is_broken(right)
    assert isinstance(right, IngestionWorkflow)
    with pytest.raises(DeclarationError):
        cascade_ingestion(**{**GOOD, "cron": "never"})(fetch)


def test_declaring_imports_nothing_heavy() -> None:
    program = (
        "import sys, cascade.ingestion; from cascade.ingestion import cascade_ingestion\n"
        "heavy = {'dagster', 'dlt', 'pyiceberg', 'pyarrow', 'polars', 'pandas', 'pandera', 'pydantic', 'rich'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
