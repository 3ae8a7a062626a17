"""Validation by pydantic models: what lands, what is refused, and the reasons."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import pyarrow as pa
import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from cascade.exceptions import MissingColumnError
from cascade.schemas import declared_schema, validator_for
from cascade.schemas.conftest import Observation, one_refused, row, validated

UTC = dt.UTC


def test_the_validated_values_land_under_the_names_of_the_fields() -> None:
    wind = {"wind speed": "3.5"}
    result = validated(Observation, row(id="7", celsius=1, wind=wind, tags=("x",), seen="2013-01-01T00:00:00-05:00"))
    assert result.refused == ()
    assert result.good.schema.equals(declared_schema(Observation).arrow, check_metadata=True)
    assert result.good.to_pylist() == [
        {
            "id": 7,
            "station": "KJFK",
            "seen": dt.datetime(2013, 1, 1, 5, tzinfo=UTC),
            "celsius": 1.0,
            "kind": "a",
            "wind": {"speed": 3.5, "gust": None},
            "tags": ["x"],
        }
    ]


def test_a_bad_row_does_not_affect_its_neighbors_or_their_order() -> None:
    result = validated(Observation, row(id=1), row(id=-1), row(id=3), row(id="x"), row(id=5))
    assert result.good["id"].to_pylist() == [1, 3, 5]
    assert [(refused.rule, refused.field, refused.row["id"]) for refused in result.refused] == [
        ("greater_than", "id", -1),
        ("int_parsing", "id", "x"),
    ]


def test_a_refused_row_is_the_source_row_with_every_reason() -> None:
    given = row(id=0, stationId="TOOLONG", wind={"wind speed": -1}, extra=object())
    refused = one_refused(Observation, given)
    assert refused.row is given
    assert (refused.rule, refused.field) == ("greater_than", "id")
    assert refused.message == (
        "id: Input should be greater than 0; stationId: String should have at most 4 characters; "
        "wind.wind speed: Input should be greater than or equal to 0"
    )


def test_a_single_reason_has_pydantics_wording() -> None:
    assert one_refused(Observation, row(id=0)).message == "Input should be greater than 0"


def test_fields_that_the_model_lacks_are_dropped_and_named_once() -> None:
    result = validated(Observation, row(b=1), row(a=1, b=2))
    assert result.good.num_rows == 2
    assert result.dropped_fields == ("b", "a")


def test_an_excluded_field_is_not_reported_as_dropped() -> None:
    class Model(BaseModel):
        id: int
        raw: dict[str, int] = Field(exclude=True, alias="RAW")

    result = validated(Model, {"id": 1, "RAW": {"a": 1}}, {"id": 2, "RAW": 5})
    assert result.good.to_pylist() == [{"id": 1}]
    assert result.dropped_fields == ()
    assert result.refused[0].rule == "dict_type"


def test_a_model_that_forbids_extra_fields_refuses_rows_with_them() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(extra="forbid")
        id: int

    result = validated(Model, {"id": 1}, {"id": 2, "x": 1})
    assert result.good.to_pylist() == [{"id": 1}]
    assert (result.refused[0].rule, result.refused[0].field) == ("extra_forbidden", "x")
    assert result.dropped_fields == ()


def test_extra_fields_that_a_model_allows_are_dropped_too() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(extra="allow")
        id: int

    result = validated(Model, {"id": 1, "x": 2})
    assert result.good.to_pylist() == [{"id": 1}]
    assert result.dropped_fields == ("x",)


def test_aliases_choices_and_paths_are_read_as_pydantic_reads_them() -> None:
    class Model(BaseModel):
        a: int = Field(validation_alias=AliasChoices("x", "y"))
        b: int = Field(validation_alias=AliasPath("deep", "er", 0))

    result = validated(Model, {"x": 1, "deep": {"er": [5]}}, {"y": 2, "deep": {"er": [6]}, "a": 9})
    assert result.good.to_pylist() == [{"a": 1, "b": 5}, {"a": 2, "b": 6}]
    assert result.dropped_fields == ("a",)


def test_no_rows_give_an_empty_table_of_the_schema() -> None:
    declared = declared_schema(Observation)
    batches: list[Any] = [[], pa.table({"id": pa.array([], pa.int64())})]
    for batch in batches:
        result = validator_for(Observation, unique_key=("id",)).validate(batch)
        assert result.good.schema.equals(declared.arrow, check_metadata=True)
        assert (result.good.num_rows, result.refused) == (0, ())


def test_a_batch_with_only_refused_rows_gives_an_empty_table() -> None:
    assert validated(Observation, row(id=0)).good.schema == declared_schema(Observation).arrow


# Keys


def test_a_null_key_is_a_refused_row() -> None:
    refused = one_refused(Observation, row(stationId=None), key=("id", "station"))
    assert (refused.rule, refused.field) == ("unique_key", "stationId")
    assert refused.message == "A field of the unique key is null"


def test_a_key_that_a_validator_sets_to_null_is_a_refused_row() -> None:
    class Model(BaseModel):
        id: Annotated[int, AfterValidator(lambda value: value or None)]

    result = validated(Model, {"id": 0}, {"id": 1}, key=("id",))
    assert result.good.to_pylist() == [{"id": 1}]
    assert result.refused[0].rule == "unique_key"


def test_a_key_that_is_invalid_for_another_reason_keeps_pydantics_rule() -> None:
    assert one_refused(Observation, row(id="x"), key=("id",)).rule == "int_parsing"


# Absent columns


def test_a_required_field_that_no_row_has_is_an_error() -> None:
    with pytest.raises(MissingColumnError) as caught:
        validated(Observation, *({"id": 1, "station_id": "KJFK", "seen": "2013-01-01T05:00:00Z"},) * 3)
    assert str(caught.value).endswith(
        'Observation requires the field "stationId" (column station), but no row of the batch has it. '
        'The nearest source field is "station_id".\n'
        'Rename it in the workflow, or read it by an alias: Field(validation_alias="station_id").'
    )


def test_a_required_field_that_some_rows_lack_refuses_those_rows() -> None:
    result = validated(Observation, row(), {"id": 2, "seen": "2013-01-01T05:00:00Z"})
    assert result.good.num_rows == 1
    assert result.refused[0].rule == "missing"


def test_a_required_field_that_a_validator_provides_can_be_absent() -> None:
    class Model(BaseModel):
        id: int
        double: int

        @model_validator(mode="before")
        @classmethod
        def fill(cls, data: Any) -> Any:
            return {**data, "double": data["id"] * 2}

    assert validated(Model, {"id": 2}).good.to_pylist() == [{"id": 2, "double": 4}]


def test_rows_without_any_field_are_an_error() -> None:
    with pytest.raises(MissingColumnError, match="The source rows have no fields"):
        validated(Observation, {}, {})


def test_a_batch_of_many_steps_keeps_its_order_and_refused_rows() -> None:
    rows = [row(id=n % 1000) for n in range(10_000)]
    result = validated(Observation, *rows)
    assert result.good["id"].to_pylist() == [n % 1000 for n in range(10_000) if n % 1000]
    assert result.good["id"].num_chunks == 1
    assert [id(refused.row) for refused in result.refused] == [id(rows[n]) for n in range(0, 10_000, 1000)]


def test_a_field_that_only_a_later_step_has_is_not_absent() -> None:
    lacking: list[dict[str, object]] = [{"id": 1}] * 5000
    with pytest.raises(MissingColumnError):
        validated(Observation, *lacking)
    result = validated(Observation, *lacking, row())
    assert (result.good.num_rows, len(result.refused)) == (1, 5000)


@pytest.mark.filterwarnings("ignore:Field name")
def test_a_field_can_have_the_name_of_a_pydantic_method() -> None:
    class Inner(BaseModel):
        copy: int  # type: ignore[assignment]
        model_fields_x: int = Field(alias="x")

    class Model(BaseModel):
        json: int  # type: ignore[assignment]
        inner: Inner

    for validate in (True, False):
        result = validated(Model, {"json": 1, "inner": {"copy": 2, "x": 3}}, validate=validate)
        assert result.good.to_pylist() == [{"json": 1, "inner": {"copy": 2, "model_fields_x": 3}}]


def test_a_value_that_is_not_a_row_is_refused() -> None:
    result = validator_for(Observation, unique_key=()).validate([row(), 5])
    assert result.good.num_rows == 1
    assert (result.refused[0].rule, result.refused[0].row) == ("model_type", {"value": 5})


def test_a_pydantic_validator_does_not_need_the_whole_partition() -> None:
    assert not validator_for(Observation, unique_key=("id",)).needs_whole_partition
