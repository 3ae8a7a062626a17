"""Find the encoding of a file by all of its bytes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.notices import CascadeNotice
from cascade.sources.conftest import Write, rows_of, split
from cascade.sources.encodings import Encoding, encoding_of
from cascade.sources.files import read_csv


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("7;Köln;1,5\n", "cp1252"),
        ("Köln;Münster;Straße\nGrößere Übung für Ärzte\n", "cp1252"),
        ("Référence;Désignation\nÉté à Orléans, déjà vendu\n", "cp1252"),
        ("Año;Señor Muñoz\nEspaña está aquí\n", "cp1252"),
        ("5 € für “Größe”\n", "cp1252"),
        ("Łódź;Kraków;Gdańsk\nZażółć gęślą jaźń, wszyscy ludzie rodzą się wolni\n", "cp1250"),
        ("Москва;Санкт-Петербург;Новосибирск\nВсе люди рождаются свободными\n", "cp1251"),  # noqa: RUF001
        ("Αθήνα;Θεσσαλονίκη\nΌλοι οι άνθρωποι γεννιούνται ελεύθεροι\n", "cp1253"),  # noqa: RUF001
        ("すべての人間は、生まれながらにして自由であり、東京;大阪;京都\n" * 20, "cp932"),
        ("人人生而自由,在尊严和权利上一律平等;北京;上海;广州\n" * 20, "gb18030"),
    ],
)
def test_the_encoding_of_a_language_is_guessed(text: str, encoding: str) -> None:
    assert encoding_of(io.BytesIO(text.encode(encoding))) == Encoding(encoding, guessed=True)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"", Encoding("utf-8")),
        (b"plain", Encoding("utf-8")),
        ("Köln".encode(), Encoding("utf-8")),
        ("Köln".encode("utf-8-sig"), Encoding("utf-8", mark=3)),
        (b"\xff\xfea\x00", Encoding("utf-16-le", mark=2)),
        (b"\xfe\xff\x00a", Encoding("utf-16-be", mark=2)),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", Encoding("utf-32-le", mark=4)),
        (b"a\x00,\x00b\x00", Encoding("utf-16-le", guessed=True)),
        (b"\x00a\x00\n", Encoding("utf-16-be", guessed=True)),
        ("北京,上海\n广州,深圳\n".encode("utf-16-le"), Encoding("utf-16-le", guessed=True)),
        (b"a,b\n1,x\x00y\n2,z\x00\n", Encoding("utf-8")),
    ],
)
def test_marks_and_zero_bytes_tell_the_encoding(content: bytes, encoding: Encoding) -> None:
    assert encoding_of(io.BytesIO(content)) == encoding


@given(st.binary(max_size=64))
def test_an_encoding_is_found_for_any_bytes(content: bytes) -> None:
    found = encoding_of(io.BytesIO(content))
    content[found.mark :].decode(found.name, "replace")
    assert found.guessed or found.name == "utf-8" or found.mark


@pytest.mark.parametrize("lines", [1, 30_000])
def test_the_first_lines_do_not_decide(lines: int) -> None:
    plain = b"1;plain\n" * lines * 10
    assert encoding_of(io.BytesIO(plain + "Köln\n".encode("cp1252"))) == Encoding("cp1252", guessed=True)
    assert encoding_of(io.BytesIO(plain + "Köln\n".encode() * 2 + b"\xff\n")) == Encoding("utf-8")


def test_a_character_at_the_border_of_two_pieces_is_whole() -> None:
    for before in range((1 << 16) - 4, (1 << 16) + 1):
        assert encoding_of(io.BytesIO(b"x" * before + "ö".encode())) == Encoding("utf-8")


@pytest.mark.parametrize(
    ("content", "declared", "text"),
    [
        ("a\nö\n".encode("cp1252"), "latin1", "ö"),
        ("a\nö\n".encode("utf-16"), "utf-16", "ö"),
        ("a\nö\n".encode("utf-16-le"), "utf-16", "ö"),
        ("a\nö\n".encode("utf-16-be"), "UTF-16BE", "ö"),
        ("a\nö\n".encode("utf-8-sig"), "utf-8", "ö"),
        ("a\nö\n".encode(), "utf-8-sig", "ö"),
        ("a\nö\n".encode(), "cp1252", "Ã¶"),
    ],
)
def test_a_declared_encoding_is_used(write: Write, content: bytes, declared: str, text: str) -> None:
    assert rows_of(read_csv(write("rows.csv", content), encoding=declared)) == [{"a": text}]


def test_a_byte_that_a_declared_encoding_lacks_refuses_its_line(write: Write) -> None:
    rows, (refused,) = split(read_csv(write("rows.csv", b"a,b\n1,\xf6\n2,\x81\n3,x\n"), encoding="cp1252"))
    assert rows == [{"a": "1", "b": "ö"}, {"a": "3", "b": "x"}]
    assert refused.message.endswith("line 3: it holds bytes that are not cp1252")


def test_a_guess_is_a_warning_that_says_how_to_settle_it(write: Write) -> None:
    path = write("rows.csv", "a\nKöln\n".encode("cp1252"))
    with pytest.warns(
        CascadeNotice, match=r"is not in UTF-8, so it is read as cp1252, which is a guess. Pass encoding="
    ):
        assert rows_of(read_csv(path)) == [{"a": "Köln"}]
