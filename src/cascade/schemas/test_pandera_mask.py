"""Rows that pass every check are cleared by the mask alone, and everything else goes to pandera."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandera.polars as pandera
import polars as pl
import pyarrow as pa
import pytest
from pandera.engines.polars_engine import Category

from cascade.schemas import ValidationResult, validator_for
from cascade.schemas.from_pandera import pandera_schema
from cascade.schemas.pandera_mask import mask_of
from cascade.schemas.validate_pandera import PanderaValidator


class Plain(pandera.DataFrameModel):
    id: int = pandera.Field(gt=0)
    name: str = pandera.Field(str_matches="^[a-z]+$", nullable=True)
    level: float


class Coerced(Plain):
    class Config:
        coerce = True
        strict = True
        ordered = True


class Unique(pandera.DataFrameModel):
    id: int = pandera.Field(unique=True)
    level: float

    class Config:
        unique = ("id", "level")


class Checked(Plain):
    @pandera.check("id", element_wise=True)
    def is_small(cls, value: int) -> bool:
        return value < 100

    @pandera.dataframe_check
    def has_rows(cls, data: Any) -> Any:  # type: ignore[misc]
        return data.lazyframe.select(pl.len() > 0)


CLEAN: list[dict[str, object]] = [{"id": number, "name": "a", "level": 0.5} for number in range(1, 6)]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the number of rows of each frame that pandera validates as a whole."""
    heights: list[int] = []
    run = PanderaValidator._run

    def recorded(self: PanderaValidator, frame: pl.DataFrame) -> Any:
        heights.append(frame.height)
        return run(self, frame)

    monkeypatch.setattr(PanderaValidator, "_run", recorded)
    return heights


def validated(model: Any, rows: list[dict[str, object]]) -> ValidationResult:
    return validator_for(model, unique_key=()).validate(rows)


@pytest.mark.parametrize("model", [Plain, Coerced, Unique, Checked])
def test_valid_rows_need_only_the_checks(judged: list[int], model: Any) -> None:
    rows = [{name: row[name] for name in model.to_schema().columns} for row in CLEAN]
    result = validated(model, rows)
    assert result.good.to_pylist() == rows
    assert result.refused == ()
    assert judged == []


def test_pandera_judges_only_rows_that_fail(judged: list[int]) -> None:
    bad: list[dict[str, object]] = [
        {"id": 0, "name": "a", "level": 0.5},
        {"id": 1, "name": "A", "level": 0.5},
        {"id": 1, "name": "a", "level": float("nan")},
        {"id": 1, "name": "a", "level": None},
    ]
    result = validated(Plain, [*CLEAN[:2], *bad, *CLEAN[2:]])
    assert result.good.to_pylist() == CLEAN
    assert [(row.rule, row.field, row.position) for row in result.refused] == [
        ("greater_than", "id", 2),
        ("str_matches", "name", 3),
        ("not_nullable", "level", 4),
        ("not_nullable", "level", 5),
    ]
    assert judged == [4]


@pytest.mark.parametrize(("model", "change"), [(Unique, {"id": 2}), (Checked, {"id": 100})])
def test_pandera_judges_all_rows_if_they_may_depend_on_each_other(
    judged: list[int], model: Any, change: dict[str, object]
) -> None:
    result = validated(model, [{**CLEAN[0], **change}, *CLEAN[1:]])
    assert result.good["id"].to_pylist() == ([3, 4, 5] if model is Unique else [2, 3, 4, 5])
    assert judged[0] == 5


def test_a_value_lands_as_its_dtype_holds_it(judged: list[int]) -> None:
    moment = dt.datetime(2013, 1, 1, microsecond=1500)
    model = _model(at=pandera.Column(pl.Datetime("ms")), id=pandera.Column(pl.Int8))
    result = validated(model, [{"at": moment, "id": 5}])
    assert result.good.to_pylist() == [{"at": moment.replace(microsecond=1000), "id": 5}]
    assert judged == []


def test_a_slice_of_a_table_lands_its_own_rows() -> None:
    table = pa.Table.from_pylist(CLEAN).slice(2, 2)
    assert validator_for(Plain, unique_key=("id",)).validate(table).good.to_pylist() == CLEAN[2:4]


class Column(pandera.Column):
    """A column that may do anything."""


def _model(**columns: pandera.Column) -> Any:
    schema = pandera.DataFrameSchema(columns)
    return type("Model", (pandera.DataFrameModel,), {"to_schema": classmethod(lambda cls: schema)})


@pytest.mark.parametrize(
    "column",
    [
        pandera.Column(int, default=5),
        pandera.Column(Category(["a"]), coerce=True),  # type: ignore[arg-type]
        Column(int),
    ],
)
def test_pandera_judges_schemas_that_may_change_values(column: pandera.Column) -> None:
    assert mask_of(pandera_schema(_model(x=pandera.Column(int)))) is not None
    assert mask_of(pandera_schema(_model(x=column))) is None


@pytest.mark.parametrize("where", ["schema", "column"])
def test_pandera_judges_schemas_with_unknown_settings(where: str) -> None:
    schema = pandera_schema(Plain)
    (schema if where == "schema" else schema.columns["id"]).sorted = True
    assert mask_of(schema) is None


def test_pandera_judges_by_a_back_end_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = pandera_schema(Plain)
    backend = type("DataFrameSchemaBackend", (type(schema.get_backend(pl.DataFrame())),), {})
    monkeypatch.setattr(schema, "get_backend", lambda frame: backend(), raising=False)
    assert mask_of(schema) is None


def test_the_name_of_a_check_does_not_make_it_one_of_pandera() -> None:
    own = pandera.Check(lambda data: data.lazyframe.select(pl.col("x").is_duplicated()), name="isin")
    renamed = pandera.Check.isin([1], name="known")
    assert validator_for(_model(x=pandera.Column(int, own)), unique_key=()).needs_whole_partition
    assert not validator_for(_model(x=pandera.Column(int, renamed)), unique_key=()).needs_whole_partition
