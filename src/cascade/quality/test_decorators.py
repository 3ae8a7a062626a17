"""The decorators record checks, and report everything that is wrong with file and line."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Required, get_type_hints

import polars as pl
import pyarrow as pa
import pytest

import cascade.quality
from cascade.declarations import (
    CheckArguments,
    CheckDeclaration,
    QualityArguments,
    QualityDeclaration,
    arguments_of,
    collecting_problems,
)
from cascade.declarations.checks import Check
from cascade.exceptions import DeclarationError
from cascade.ingestion import cascade_ingestion
from cascade.quality import (
    Drift,
    ForeignKey,
    Freshness,
    HasSchema,
    Length,
    MatchesSchema,
    NotNull,
    OneOf,
    Pattern,
    QualityChecks,
    Range,
    Reconcile,
    RowCount,
    RowCountChange,
    Sql,
    TableCheck,
    Unique,
    cascade_check,
    cascade_quality,
)
from cascade.quality.conftest import Reading


def plausible() -> None:
    """Plausible readings."""


def problems_of(decorate: Any, function: Any = plausible, /, **arguments: Any) -> list[str]:
    with pytest.raises(DeclarationError) as caught:
        decorate(**arguments)(function)
    assert caught.value.location is not None and caught.value.location.file == __file__
    return list(caught.value.problems)


def test_checks_are_recorded() -> None:
    decorated = cascade_quality(table="readings", checks=[NotNull("id"), Range("celsius", -90, 60, name="hot")])(
        plausible
    )
    declaration = decorated.declaration
    assert isinstance(decorated, QualityChecks)
    assert (declaration.table, declaration.asset_key, declaration.name) == ("raw.readings", ("readings",), "plausible")
    assert (declaration.blocking, declaration.group, declaration.description) == (
        True,
        "quality",
        "Plausible readings.",
    )
    assert declaration.check_names == ("plausible__not_null_id", "plausible__hot")
    assert str(declaration) == "checks plausible of raw.readings"


def test_a_table_is_a_name_or_a_workflow() -> None:
    @cascade_ingestion(table_name="readings", namespace="lab", unique_key="id", validation_schema=Reading)
    def readings() -> None: ...

    for table, name in (("a", "raw.a"), ("mart.a", "mart.a"), (readings, "lab.readings")):
        assert cascade_quality(table=table, checks=[NotNull("id")])(plausible).declaration.table == name


def test_the_checks_of_a_workflow_whose_decorator_is_wrong_are_not_reported_too() -> None:
    with collecting_problems() as problems:

        @cascade_ingestion(table_name="a b", unique_key="id", validation_schema=Reading)
        def readings() -> None: ...

        cascade_quality(table=readings, checks=[NotNull("id")])(plausible)
    assert [problem.decorator for problem in problems] == ["cascade_ingestion"]


def test_all_problems_come_at_once() -> None:
    def takes(rows: Any) -> None: ...

    found = problems_of(
        cascade_quality,
        takes,
        table=3,
        cheks=[NotNull("id")],
        blocking="yes",
        warn_threshold=0.5,
        fail_threshold=0.1,
        owners=["nobody"],
    )
    assert found[0] == 'there is no argument "cheks". Did you mean "checks"?'
    assert found[1] == "table: must be a workflow or the name of a table, not 3."
    assert found[2] == "blocking: must be True or False, not 'yes'."
    assert "owners" in found[3]
    assert found[4].startswith("the function takes rows, but is not called: only its name and its docstring count.")
    assert found[5] == "warn_threshold: 0.5 is not less than the fail_threshold, 0.1, so nothing would only warn."


@pytest.mark.parametrize("share", [-0.1, 2, True, "1", float("nan")])
def test_a_threshold_is_a_share(share: Any) -> None:
    (problem,) = problems_of(cascade_quality, table="a", checks=[NotNull("id")], fail_threshold=share)
    assert problem == f"fail_threshold: must be a share of the rows, from 0 to 1, not {share!r}."


@pytest.mark.parametrize(
    ("checks", "sentence"),
    [
        ([], "must be a list of checks such as NotNull('id'), not []."),
        (NotNull("id"), "must be a list of checks such as NotNull('id'), not NotNull("),
        ([NotNull], "NotNull (number 1) needs its arguments: NotNull(...)."),
        (["id"], "'id' (number 1) is not a check of cascade.quality"),
        ([Range("a", 1), Range("a", 2)], 'numbers 1 and 2 are both called "range_a". Pass name="..." to one of them.'),
        ([NotNull("a", scope="partitions")], 'NotNull (number 1): scope must be "partition" or "table"'),  # type: ignore[arg-type]
        ([NotNull("a", name="a b")], "name may contain only letters, digits and underscores, not 'a b'."),
        ([NotNull(3)], "a column must be a name, not 3."),  # type: ignore[arg-type]
        ([Range("a")], "Range (number 1): it needs min, max or both."),
        ([Range("a", 2, 1)], "min 2 is greater than max 1."),
        ([Range("a", 2, "x")], "min 2 and max 'x' cannot be compared."),
        ([Range("a", object())], "is not a value that a column can be compared with."),
        ([OneOf("a", "abc")], "values must be a collection of values, not 'abc'."),
        ([OneOf("a", [])], "values must be a collection of values, not []."),
        ([OneOf("a", ["x", None])], "values contains None, but nulls always pass."),
        ([Pattern("a", "(")], "pattern '(' is not a regular expression"),
        ([Pattern("a", "(?=x)")], "has a lookaround or a backreference, which RE2 does not support."),
        ([Length("a")], "it needs min, max or both."),
        ([Length("a", -1)], "min must be a whole number of at least 0, not -1."),
        ([Length("a", 2, 1)], "min 2 is greater than max 1."),
        ([Freshness("a", hours=0)], "hours must be a number greater than 0, not 0."),
        ([RowCount()], "it needs min, max or both."),
        ([RowCount(min=1.5)], "min must be a whole number of at least 0, not 1.5."),  # type: ignore[arg-type]
        ([RowCountChange(min=None, max=None)], "it needs min, max or both."),
        ([RowCountChange(scope="table")], 'scope must be "partition": earlier partitions are in the same table.'),
        ([RowCountChange(partitions=0)], "partitions must be a whole number of at least 1, not 0."),
        ([RowCountChange(min=3)], "min 3 is greater than max 2."),
        ([Unique([])], "columns must be the name of a column or a list of names, not []."),
        ([ForeignKey("a", "b", ["c", "d"])], "references must have as many columns as columns, 1, not ['c', 'd']."),
        ([ForeignKey("a", "")], "table must be the name of a table, not ''."),
        ([Reconcile("b", count_rows=False)], "it compares nothing: pass sums, or leave count_rows True."),
        ([Reconcile("b", tolerance=2)], "tolerance must be a share from 0 to 1, not 2."),
        ([Reconcile("b", scope="partition")], 'scope="partition" needs by'),
        ([Drift("a", max_psi=0)], "max_psi must be a number greater than 0, not 0."),
        ([Drift("a", bins=1)], "bins must be a whole number of at least 2, not 1."),
        ([Sql(" ")], "query must be a SELECT statement, not ' '."),
        ([HasSchema({})], "columns must be a mapping of columns to types, or a model, not {}."),
        ([HasSchema({"a": "lnog"})], '"a" has the type \'lnog\', which Iceberg does not have. Did you mean "long"?'),
        ([MatchesSchema(int)], "schema must be a pydantic model or a pandera DataFrameModel (the class)"),
    ],
)
def test_wrong_checks_are_problems_of_the_decorator(checks: Any, sentence: str) -> None:
    (problem,) = problems_of(cascade_quality, table="a", checks=checks)
    assert problem.startswith("checks: ") and sentence in problem


def test_every_check_has_a_name_for_dagster() -> None:
    checks = [
        Unique(["a", "b"]),
        Reconcile("mart.b"),
        MatchesSchema(Reading),
        NotNull("über weg"),
        NotNull("x" * 99),
        RowCount(1),
    ]
    assert [check.label for check in checks] == [
        "unique_a_b",
        "reconcile_mart_b",
        "matches_schema",
        "not_null_ber_weg",
        f"not_null_{'x' * 51}",
        "row_count",
    ]


def no_argument() -> None: ...
def two(rows: pa.Table, more: int) -> None: ...
def unannotated(rows) -> None: ...  # type: ignore[no-untyped-def]
def wrong(rows: dict[str, int]) -> None: ...
def fine(rows: pl.DataFrame, limit: int = 3) -> None: ...
async def asynchronous(rows: pa.Table) -> None: ...


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (no_argument, "the function must take one argument, the rows, not none."),
        (two, "the function must take one argument, the rows, not rows, more."),
        (unannotated, "the parameter rows must be annotated with what it takes: pyarrow.Table"),
        (wrong, "the parameter rows must be annotated with what it takes: pyarrow.Table"),
        (asynchronous, "the function is `async`; write it with a plain `def`."),
        (int, "decorate a function, not <class 'int'>."),
    ],
)
def test_a_function_takes_the_rows_alone(function: Any, sentence: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        cascade_check(table="a", group="b")(function)
    (problem,) = caught.value.problems
    assert problem.startswith(sentence)


def test_a_function_is_recorded_and_can_be_called() -> None:
    decorated = cascade_check(table="a", scope="table", blocking=False)(fine)
    declaration = decorated.declaration
    assert isinstance(decorated, TableCheck)
    assert (declaration.takes, declaration.scope, declaration.check_names) == ("polars", "table", ("fine",))
    assert declaration.resources == {} and not declaration.blocking
    (problem,) = problems_of(cascade_check, fine, table="a", scope="tabel")
    assert problem.endswith('Did you mean "table"?')


@pytest.mark.parametrize(
    ("decorator", "arguments", "declaration"),
    [(cascade_quality, QualityArguments, QualityDeclaration), (cascade_check, CheckArguments, CheckDeclaration)],
)
def test_type_checkers_and_the_docstring_know_the_arguments(decorator: Any, arguments: Any, declaration: Any) -> None:
    checked = arguments_of(declaration)
    hints = get_type_hints(arguments, include_extras=True)
    assert sorted(hints) == sorted(checked)
    required = {name for name, hint in hints.items() if getattr(hint, "__origin__", None) is Required}
    assert required == {name for name, argument in checked.items() if argument.required}
    text = decorator.__doc__
    listed = re.findall(
        r"^        (\w+): ", text[text.index("Args:") : text.index("Returns:\n        A")], re.MULTILINE
    )
    assert sorted(listed) == sorted(checked)


def test_every_check_documents_its_arguments_and_defaults() -> None:
    checks = [value for name in cascade.quality.__all__ if _is_check(value := getattr(cascade.quality, name))]
    assert len(checks) == 15
    for check in checks:
        text = check.__doc__ or ""
        listed = re.findall(r"^        (\w+): ", text[text.index("Args:") :], re.MULTILINE)
        assert sorted(listed) == sorted(field.name for field in fields(check)), check
        if check is not HasSchema:
            assert re.search(rf'scope: .*"{check.default_scope}"', text), check
        assert f"{check.kind}" in text, check


def _is_check(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Check)


def test_importing_checks_loads_no_data_library() -> None:
    source = Path(cascade.quality.__file__).parent
    for file in ("row_checks", "keys", "counts", "drift", "freshness", "reconcile", "sql_check", "decorators", "kinds"):
        head = (source / f"{file}.py").read_text().split("\nclass ")[0]
        assert not re.search(r"^(?:import|from) (?:duckdb|pyarrow|polars|dagster|pyiceberg)", head, re.MULTILINE)
