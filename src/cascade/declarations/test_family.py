"""What every kind of declaration has, shown by a second kind, and the one list of the arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Never, Required, get_type_hints

import pytest

from cascade.declarations import (
    Declaration,
    DecoratedFunction,
    IngestionArguments,
    IngestionDeclaration,
    argument,
    arguments_of,
    collecting_problems,
    decorator_of,
    is_broken,
    values,
)
from cascade.exceptions import DeclarationError
from cascade.ingestion import cascade_ingestion

DOCS = Path(__file__).parents[3] / "docs"


@dataclass(frozen=True, kw_only=True, eq=False)
class SoundnessDeclaration(Declaration):
    decorator: ClassVar[str] = "cascade_soundness"

    table: str = field(metadata=argument(values.name, required=True))
    severity: str = field(default="warn", metadata=argument(values.one_of("warn", "error")))

    @classmethod
    def passed(cls, checked: Mapping[str, Any]) -> tuple[str, ...]:
        return ("rows", *super().passed(checked))


def cascade_soundness(*misplaced: Never, **arguments: object) -> Any:
    return decorator_of(SoundnessDeclaration, DecoratedFunction[SoundnessDeclaration, ..., Any], misplaced, arguments)


def sound(rows: list[int]) -> bool:
    """Compare the rows."""
    return bool(rows)


def test_a_second_kind_records_its_arguments() -> None:
    decorated = cascade_soundness(table="readings", severity="error", owners=["team:data"])(sound)
    declaration = decorated.declaration
    assert (declaration.table, declaration.severity, declaration.owners) == ("readings", "error", ("team:data",))
    assert (declaration.group, declaration.description) == ("declarations", "Compare the rows.")
    assert decorated([1]) is True and decorated.__wrapped__ is sound
    with pytest.raises(AttributeError, match="frozen"):
        decorated.declaration = declaration


def test_a_second_kind_reports_its_problems_under_its_own_name() -> None:
    def wrong(rows: list[int], factor: int) -> None: ...

    with pytest.raises(DeclarationError) as caught:
        cascade_soundness(tabel="readings", severity="eror", tags=["x"])(wrong)
    unknown, severity, tags, function = caught.value.problems
    assert unknown == 'there is no argument "tabel". Did you mean "table"?'
    assert severity == 'severity: must be one of "warn", "error", not \'eror\'. Did you mean "error"?'
    assert tags == "tags: must be a mapping of strings to strings, not ['x']."
    assert function.startswith("the function requires factor, but it can take only rows, context, and resources")
    assert caught.value.decorator == "cascade_soundness"
    assert str(caught.value).startswith(f"{__file__}:{wrong.__code__.co_firstlineno}: @cascade_soundness: ")


def test_a_second_kind_names_itself_in_later_errors() -> None:
    error = cascade_soundness(table="readings")(sound).declaration.error("two are the same.")
    assert error.message == "@cascade_soundness: two are the same."
    assert error.location is not None and error.location.file == __file__


def test_a_second_kind_needs_a_call_with_names() -> None:
    with pytest.raises(DeclarationError, match=r"it needs arguments: @cascade_soundness\(table=\.\.\.\)\."):
        cascade_soundness(sound)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="pass every argument by name; 'readings' has no name") as caught:
        cascade_soundness("readings")  # type: ignore[arg-type]
    assert caught.value.location is not None and caught.value.location.file == __file__


def test_problems_of_both_kinds_are_collected() -> None:
    def mine() -> None: ...
    def theirs() -> None: ...

    with collecting_problems() as problems:
        wrong = cascade_soundness(table="a b")(mine)
        also_wrong = cascade_ingestion(table_name="a b")(theirs)  # type: ignore[call-arg]
        not_a_function = cascade_soundness(table="readings")(3)
    assert [error.decorator for error in problems] == ["cascade_soundness", "cascade_ingestion", "cascade_soundness"]
    assert is_broken(wrong) and is_broken(also_wrong) and not is_broken(not_a_function)
    assert problems[2].location is not None and problems[2].location.file == __file__


def test_type_checkers_know_the_arguments_that_are_checked() -> None:
    hints = get_type_hints(IngestionArguments, include_extras=True)
    checked = arguments_of(IngestionDeclaration)
    assert sorted(hints) == sorted(checked)
    required = {name for name, hint in hints.items() if getattr(hint, "__origin__", None) is Required}
    assert required == {name for name, argument in checked.items() if argument.required}
    optional = {name for name, hint in get_type_hints(IngestionArguments).items() if type(None) in _members(hint)}
    assert optional == {name for name, argument in checked.items() if argument.may_be_none}


def test_the_decorator_documents_the_arguments_that_are_checked() -> None:
    text = cascade_ingestion.__doc__ or ""
    listed = re.findall(r"^        (\w+): ", text[text.index("Args:") : text.index("Returns:")], re.MULTILINE)
    assert sorted(listed) == sorted(arguments_of(IngestionDeclaration))
    assert ".. autofunction:: cascade.cascade_ingestion" in (DOCS / "reference/python.md").read_text(encoding="utf-8")


def test_the_guide_lists_the_arguments_that_are_checked() -> None:
    guide = (DOCS / "guides/workflows.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| argument \| meaning \|\n((?:\|.*\n)+)", guide, re.MULTILINE)
    listed = re.findall(r"`(\w+)", "".join(row.split("|")[1] for row in table.splitlines()))
    assert sorted(listed) == sorted(arguments_of(IngestionDeclaration))


def _members(hint: object) -> tuple[object, ...]:
    return getattr(hint, "__args__", ())
