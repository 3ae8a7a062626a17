from __future__ import annotations

import functools
import importlib.util
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cascade.declarations.code_version import code_version

SOURCE = "def rows():\n    return []\n"


def function_in(path: Path, source: str) -> Callable[..., Any]:
    path.write_bytes(source.encode())
    spec = importlib.util.spec_from_file_location("rows_module", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., Any] = module.rows
    return found


def test_it_changes_with_the_source_of_the_module_alone(tmp_path: Path) -> None:
    version = code_version(function_in(tmp_path / "a.py", SOURCE))
    assert len(version) == 12
    assert code_version(function_in(tmp_path / "b.py", SOURCE)) == version
    assert code_version(function_in(tmp_path / "c.py", SOURCE.replace("\n", "\r\n"))) == version
    assert code_version(function_in(tmp_path / "d.py", f"{SOURCE}# changed\n")) != version


def test_a_wrapper_has_the_version_of_what_it_wraps(tmp_path: Path) -> None:
    function = function_in(tmp_path / "a.py", SOURCE)

    @functools.wraps(function)
    def stand_in() -> object:
        return None

    assert code_version(stand_in) == code_version(function) == code_version(functools.partial(function))


def test_it_is_read_from_a_zip_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("zipped_rows.py", SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path / "code.zip"))
    module = importlib.import_module("zipped_rows")
    monkeypatch.delitem(sys.modules, "zipped_rows")
    assert code_version(module.rows) == code_version(function_in(tmp_path / "a.py", SOURCE))


def test_code_without_a_source_has_no_version() -> None:
    names: dict[str, Any] = {}
    exec(compile(SOURCE, "<stdin>", "exec"), names)
    assert code_version(names["rows"]) == ""
    assert code_version(len) == ""
