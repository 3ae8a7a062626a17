"""The versions of the code of a project of Pants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cascade.declarations.packed_code import PackedCode
from cascade.reader.fingerprint import VERSION, fingerprint

FILES = {
    "flows/__init__.py": "",
    "flows/a.py": "from flows.lib import x\n",
    "flows/b.py": "",
    "flows/new.py": "from flows import newer\n",
    "flows/newer.py": "y = 1\n",
    "flows/lib/__init__.py": "x = 1\n",
    "flows/a.sql": "select 1\n",
    "elsewhere/data.csv": "1\n",
    "flows/old.py": "def f(:",
}
# What Pants would write: it leaves out the empty file of the package.
PATHS = ["elsewhere/data.csv", "flows/a.py", "flows/a.sql", "flows/b.py", "flows/lib/__init__.py", "flows/old.py"]


def fields(**given: Any) -> dict[str, Any]:
    found = {path: fingerprint(FILES[path].encode(), is_python=path.endswith(".py")) for path in PATHS}
    found["flows/old.py"] = "bytes:" + fingerprint(FILES["flows/old.py"].encode(), is_python=False)
    return {
        "rules": VERSION,
        "files": found,
        "closures": {"flows.a": [0, 1, 2, 4, 5], "flows.b": [3]},
        "requirements": {"flows.a": ["yaml==1"]},
        **given,
    }


def version(module: str, *, live: bool = False, **given: Any) -> str | None:
    code = PackedCode.from_dict(fields(**given), live=live)
    assert code is not None
    return code.version(module)


@pytest.fixture(autouse=True)
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    monkeypatch.chdir(tmp_path)
    for path, text in FILES.items():
        write(path, text)
    # A `file` is not under a source root.
    Path("src/elsewhere/data.csv").unlink()


def write(path: str, text: str) -> None:
    file = Path("src", path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_files_and_requirements_count() -> None:
    before = version("flows.a")
    assert before and len(before) == 12 and before != version("flows.b")
    assert version("flows.none") is None
    assert version("flows.a", requirements={}) != before
    assert version("flows.b", requirements={}) == version("flows.b")
    assert version("flows.a", files={**fields()["files"], "flows/a.sql": "other"}) != before
    assert version("flows.a", files={**fields()["files"], "flows/b.py": "other"}) == before


def test_an_edit_counts_only_while_the_sources_are_live() -> None:
    before = version("flows.a")
    assert version("flows.a", live=True) == before
    write("flows/lib/__init__.py", "x = 22\n")
    assert version("flows.a") == before
    assert version("flows.a", live=True) != before
    # Fingerprints of other rules cannot be compared.
    assert version("flows.a", live=True, rules=VERSION + 1) == before
    write("flows/lib/__init__.py", "# why\nx = 1\n")
    assert version("flows.a", live=True) == before
    write("flows/a.sql", "select 2\n")
    assert version("flows.a", live=True) != before


def test_source_that_pants_cannot_parse_counts_by_its_bytes() -> None:
    before = version("flows.a")
    write("flows/old.py", "def f(:# why")
    assert version("flows.a", live=True) != before


def test_a_new_import_gives_the_version_that_the_next_manifest_has() -> None:
    write("flows/a.py", "from flows.lib import x\nimport flows.new\n")
    paths = sorted([*PATHS, "flows/new.py", "flows/newer.py"])
    found = fields()["files"]
    found.update(
        {
            path: fingerprint(Path("src", path).read_bytes(), is_python=True)
            for path in ("flows/a.py", "flows/new.py", "flows/newer.py")
        }
    )
    closure = [place for place, path in enumerate(paths) if path != "flows/b.py"]
    files = {path: found[path] for path in paths}
    assert version("flows.a", live=True) == version("flows.a", files=files, closures={"flows.a": closure})


@pytest.mark.parametrize("values", [None, [], {}, {**fields(), "rules": None}, {**fields(), "files": []}])
def test_a_manifest_without_code_or_of_another_form_is_no_error(values: object) -> None:
    assert PackedCode.from_dict(values) is None
