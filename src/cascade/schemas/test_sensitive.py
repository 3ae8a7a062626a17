"""Sensitive columns are found however a schema marks them, and leave refused rows."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pandera.pandas as pandas_models
import pandera.polars as polars_models
import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, field_validator, model_validator

from cascade.declarations.sensitive import Sensitive, sensitive_columns
from cascade.schemas import declared_schema, validator_for
from cascade.schemas.rows import RefusedRow
from cascade.schemas.sensitive import LEFT_OUT, Redaction, without_sensitive

Secret = Annotated[str, Sensitive]


class Address(BaseModel):
    street: Annotated[str, Sensitive()]
    city: str


class Patient(BaseModel):
    id: int
    name: Annotated[str, Field(min_length=2), Sensitive] = Field(alias="Name")
    email: str = Field("x", json_schema_extra={"sensitive": True})
    city: str | None = Field(None, json_schema_extra={"sensitive": False})
    nick: Secret | None = None
    tags: list[Secret] = []
    home: Address | None = None
    homes: list[Address] = []
    born: int = Field(0, exclude=True)
    pin: Annotated[int, Sensitive] = Field(0, exclude=True)
    # A nested model that contains itself must not be searched for ever.
    age: int = Field(0, lt=150)

    @field_validator("city")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value == "nowhere":
            raise ValueError("no city")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Patient:
        if self.nick == "wrong":
            raise ValueError(f"the nick {self.nick} is wrong")
        return self


class Early(BaseModel):
    id: int
    name: Late
    phone: Phone = ""


class Late(BaseModel):
    later: Latest


class Latest(BaseModel):
    value: Annotated[str, Sensitive]


Phone = Annotated[str, Sensitive]


class Node(BaseModel):
    id: int
    next: Node | None = None


class OfPolars(polars_models.DataFrameModel):
    id: int
    name: str = polars_models.Field(metadata={"sensitive": True}, str_length=3)
    city: str = polars_models.Field(metadata={"owner": "me"}, nullable=True)


class OfPandas(pandas_models.DataFrameModel):
    id: int
    name: str = pandas_models.Field(metadata={"sensitive": True}, alias="Name")


@pytest.mark.parametrize(
    ("schema", "columns"),
    [
        (Patient, {"name", "email", "nick", "tags", "home", "homes", "pin"}),
        (Node, set()),
        (Early, {"name", "phone"}),
        (OfPolars, {"name"}),
        (OfPandas, {"Name"}),
    ],
)
def test_marked_columns_are_found(schema: type, columns: set[str]) -> None:
    assert sensitive_columns(schema) == columns
    assert (Redaction.of(schema) is None) == (not columns)


def test_a_mark_does_not_change_columns_and_validation() -> None:
    arrow = declared_schema(Patient).arrow
    assert arrow.field("name").type == pa.string() and arrow.field("nick").nullable
    rows: Any = [{"id": 1, "Name": "Ann"}, {"id": 2, "Name": "B"}]
    result = validator_for(Patient, unique_key=("id",)).validate(rows)
    assert (result.good.num_rows, [row.rule for row in result.refused]) == (1, ["string_too_short"])


def test_rows_to_show_lack_sensitive_columns() -> None:
    rows = pa.table({"id": [1], "name": ["Ann"], "city": ["Bern"]})
    assert without_sensitive(rows, Patient).to_pylist() == [{"id": 1, "city": "Bern"}]
    assert without_sensitive(rows, Node) is rows


def redacted(schema: type, row: dict[str, object]) -> RefusedRow:
    (refused,) = validator_for(schema, unique_key=("id",)).validate([row]).refused
    redaction = Redaction.of(schema)
    assert redaction is not None
    return redaction.apply(refused)


def test_a_refused_row_keeps_what_is_declared_and_not_sensitive() -> None:
    found = redacted(
        Patient, {"id": 1, "Name": "Secret", "emial": "s@x", "city": "Bern", "age": 200, "home": {"street": "1 Way"}}
    )
    assert json.loads(found.row_json) == {
        "id": 1,
        "city": "Bern",
        "age": 200,
        LEFT_OUT: ["Name", "emial", "home"],
    }
    assert "1 Way" not in found.message and "Secret" not in found.message
    assert "age: Input should be less than 150" in found.message


@pytest.mark.parametrize(
    ("row", "rule", "field"),
    [
        ({"id": 1, "Name": "X"}, "string_too_short", "Name"),
        ({"id": 1, "Name": "Ann", "nick": "wrong"}, "value_error", None),
        ({"id": 1, "Name": "Ann", "homes": [{"street": 5}]}, "string_type", "homes.0.street"),
    ],
)
def test_messages_about_sensitive_fields_and_whole_rows_lack_values(
    row: dict[str, object], rule: str, field: str | None
) -> None:
    found = redacted(Patient, row)
    assert (found.rule, found.field) == (rule, field)
    assert "sensitive" in found.message and "wrong" not in found.message


def test_messages_about_other_fields_stay() -> None:
    found = redacted(Patient, {"id": 1, "Name": "Ann", "city": "nowhere"})
    assert found.message == "Value error, no city"


def test_a_frame_is_redacted_too_and_a_line_that_was_no_row() -> None:
    found = redacted(OfPolars, {"id": 1, "name": "secret", "city": None})
    assert json.loads(found.row_json) == {"id": 1, "city": None, LEFT_OUT: ["name"]}
    assert "secret" not in found.message
    redaction = Redaction.of(OfPolars)
    assert redaction is not None
    line = redaction.apply(RefusedRow("malformed_line", None, "file.csv, line 3: secret", {"line": "1,secret"}, 7))
    assert json.loads(line.row_json) == {LEFT_OUT: ["line"]}
    assert (line.rule, line.position, "secret" in line.message) == ("malformed_line", 7, False)
