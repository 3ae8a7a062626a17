"""Source that is unusual, newer than the interpreter, or very long."""

from __future__ import annotations

import ast
import textwrap

import pytest

from .declarations import Declaration
from .modules import declarations_in


def found(source: str) -> tuple[Declaration, ...]:
    return declarations_in(textwrap.dedent(source).encode())


@pytest.mark.parametrize(
    "decorator",
    [
        "@(cascade_ingestion)(table_name='t')",
        "@( (cascade.cascade_ingestion) )(table_name='t')",
        "@(cascade_ingestion(table_name='t'))",
        "@(\n    cascade_ingestion\n)(\n    table_name='t',\n)",
    ],
)
def test_a_decorator_in_brackets(decorator: str) -> None:
    (declared,) = found(f"import cascade\nfrom cascade import cascade_ingestion\n{decorator}\ndef f(): ...\n")
    assert (declared.table, declared.name) == ("raw.t", "f")


def test_quotes_nested_in_an_f_string_hide_no_workflow() -> None:
    first, second = found(
        """\
        from cascade import cascade_ingestion

        TITLE = f"{NAMES["("]}"

        @cascade_ingestion(table_name="t", description=f"{NAMES["("]}")
        def f(): ...

        @cascade_ingestion(table_name="u")
        def g(): ...
        """
    )
    assert (first.name, second.table) == ("f", "raw.u")


def test_a_coding_line_that_python_refuses_hides_no_workflow() -> None:
    (declared,) = declarations_in(
        b"# coding: rot13\nimport cascade\n@cascade.cascade_ingestion(table_name='t')\ndef f(): ...\n"
    )
    assert declared.table == "raw.t"


def test_statements_that_no_declaration_uses_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = ast.parse

    def counted(source: str, **options: str) -> ast.AST:
        parsed.append(source)
        return parse(source, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(ast, "parse", counted)
    data = "".join(f"x{number} = [{number}, call({number})]\n" for number in range(1000))
    head = "from cascade import cascade_ingestion\n"
    (declared,) = found(f"{head}{data}TABLE = 't'\n{data}@cascade_ingestion(table_name=TABLE)\ndef f(): ...\n")
    assert declared.table == "raw.t"
    assert parsed == [head.strip(), "(cascade_ingestion(table_name=TABLE)\n)", "TABLE = 't'"]
