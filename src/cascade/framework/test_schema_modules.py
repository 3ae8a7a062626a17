"""Which classes of a module are the schemas of tables."""

from __future__ import annotations

import importlib

from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.schema_modules import schemas_in, unusable_schemas

MODELS = """
    from typing import Any, Generic, TypeVar
    import pandera.polars as pa
    import pydantic
    from pydantic import BaseModel, RootModel

    T = TypeVar("T")

    class Base(BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")

    class Row(Base):
        id: int

    class Page(BaseModel, Generic[T]):
        rows: list[T]

    class Tags(RootModel[list[str]]): ...

    class _Answer(BaseModel):
        raw: dict[str, Any]

    class Frame(pa.DataFrameModel):
        id: int

    class Wrong(BaseModel):
        raw: dict[str, Any]

    Again = Wrong
"""


def test_models_that_can_be_tables_are_schemas(project: SampleProject) -> None:
    project.write("models.py", MODELS)
    module = importlib.import_module(project.module("models"))
    assert [schema.__name__ for schema in schemas_in(module)] == ["Row", "Frame", "Wrong"]
    errors = {str(error) for error in unusable_schemas([module])}
    (error,) = errors
    assert ":26: Wrong.raw: dict[str, Any] has no fixed fields" in error


def test_other_models_of_a_module_with_a_workflow_are_not_schemas(project: SampleProject) -> None:
    project.write("things.py", THINGS + "\n    class Answer(BaseModel):\n        raw: dict\n")
    project.write("user.py", f"from {project.package}.things import Thing\n")
    assert schemas_in(importlib.import_module(project.module("things"))) == []
    assert schemas_in(importlib.import_module(project.module("user"))) == []
