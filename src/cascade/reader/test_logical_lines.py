"""Logical lines: statements that span physical lines, strings, comments, scopes, and source that is not Python."""

from __future__ import annotations

from textwrap import dedent

import pytest

from .logical_lines import BrokenSourceError, LogicalLine, decode, logical_lines


def lines(source: str) -> list[LogicalLine]:
    return list(logical_lines(dedent(source)))


def test_a_statement_over_several_lines_with_its_first_one() -> None:
    found = lines(
        """\
        # A comment (with a bracket.

        x = call(  # another )
            "a # string", '''
        and its (
        rest''',
        )  # the end
        y = 1 + \\
            2
        """
    )
    assert [line.line for line in found] == [3, 8]
    assert found[0].text.startswith("x = call(  # another )\n") and found[0].text.endswith("\n)")
    assert found[1].text == "y = 1 + \\\n    2"


@pytest.mark.parametrize(
    "string",
    [
        "'\\''",
        '"\\\\"',
        "r'\\''",
        '""',
        "''''a'''",
        '"""a "quoted" \\""" word"""',
        "f'{x[\"a\"]}'",
        'f"{x["a"]}"',
        'f"{a["("]}"',
        'f"{a["#"]}"',
        "rf'{a['[']}'",
        'T"{f"{f"{a[")"]}"}"}"',
        'f"{x:{w["("]}}"',
        'f"{{(" f"}}"',
        'f"{x!r:>{len("(")}}"',
        "f'{\n  a['(']  # it\\'s (\n}'",
        'f"""{a["("]} "(" {b}"""',
        'f"{(lambda: {1: "("})()}"',
        'f"\\"("',
        '"{" "("',
        "'''\n\"\"\"\n'''",
    ],
)
def test_strings_hide_what_is_in_them(string: str) -> None:
    assert [line.text for line in lines(f"x = {string}\ny = 1\n")] == [f"x = {string}", "y = 1"]


def test_what_is_in_a_function_or_class_is_in_scope() -> None:
    found = lines(
        """\
        if a:
            b
        async def f():
            if c:
                d
            # comment
          # comment
            e
        class G: ...
        g
        def h(
            i
        ):
        \tj
        k
        """
    )
    assert [line.text[:1] for line in found if line.in_scope] == ["i", "d", "e", "j"]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("a\nb = f'{(\nc\n", 2),
        ("a\nb = c \\ d\n", 2),
        ("a\nb = (\nc\n", 2),
        ("a\nb = 'c\n", 2),
        ("a\n\nb)\n", 3),
        ('a\n"""b\n"\n', 2),
    ],
)
def test_source_that_is_not_python_ends_the_reading(source: str, line: int) -> None:
    found: list[LogicalLine] = []
    with pytest.raises(BrokenSourceError) as error:
        found.extend(logical_lines(source))
    assert error.value.line == line


def test_decoding_never_fails() -> None:
    assert decode(b"\xef\xbb\xbfa\r\nb\rc") == "a\nb\nc"
    assert decode("# coding: latin-1\n'\xe9'".encode("latin-1")).endswith("'\xe9'")
    assert decode(b"# coding: unknown\n\xff") == "# coding: unknown\n\ufffd"


@pytest.mark.parametrize("coding", ["rot13", "base64", "hex", "zlib", "bz2", "undefined", "idna", "punycode"])
def test_a_coding_that_is_no_encoding_of_text_is_read_as_utf_8(coding: str) -> None:
    source = f"# coding: {coding}\nimport cascade  # \xe9\n"
    assert decode(source.encode()) in (source, source.replace("\xe9", "\ufffd\ufffd"))


def test_an_f_string_without_an_end_ends_at_its_next_quote() -> None:
    assert [line.text for line in lines("x = f'{a'\ny = 1\n")] == ["x = f'{a'", "y = 1"]
