from __future__ import annotations

import functools
import importlib
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cascade.declarations import Declaration
from cascade.declarations.code_sources import read_file
from cascade.declarations.code_version import code_version
from cascade.declarations.installed import requirements_of

SOURCE = "def rows():\n    return []\n"
Version = Callable[[str], str]


class Declared(Declaration):
    decorator = "declared"


def version_of(function: object) -> str:
    return code_version(Declared.declare(function, {"group": "weather"}))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Version]:
    """Return what imports a module of the working directory anew, and returns the version of its `rows`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def version(module: str) -> str:
        forget()
        return version_of(importlib.import_module(module).rows)

    def forget() -> None:
        importlib.invalidate_caches()
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None) or tmp_path).startswith(str(tmp_path)):
                del sys.modules[name]

    yield version
    forget()


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


FILES = {
    "flows/weather/rows.py": (
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
        "import flows.common.units\nfrom . import schema\nfrom .. import __name__ as home\n"
        "if TYPE_CHECKING:\n    import flows.typed\n\n"
        "def rows():\n    from ..late import late\n    return [schema, late]\n"
    ),
    "flows/weather/schema.py": "from lib_of_ours import KEY\nat = KEY\n",
    "flows/weather/other.py": "def rows(): return 1\n",
    "flows/weather/query.sql": "select 1",
    "flows/weather/sql/deep/query.sql": "select 2",
    "flows/__init__.py": "",
    "flows/common/units.py": "hot = 40\n",
    "flows/late/__init__.py": "late = 1\n",
    "flows/typed.py": "x = 1\n",
    "flows/ocean/rows.py": "import flows.weather.rows\ndef rows(): return 2\n",
    "flows/ocean/ocean.csv": "1",
    "lib_of_ours.py": "KEY = 'at'\n",
}
AFTER = {
    "flows/weather/rows.py": (FILES["flows/weather/rows.py"] + "X = 1\n", True),
    "flows/weather/schema.py": ("from lib_of_ours import KEY as at\n", True),
    "flows/weather/query.sql": ("select 1 -- why", True),
    "flows/weather/sql/deep/query.sql": ("select 3", True),
    "flows/weather/sql/new.yaml": ("a: 1", True),
    "flows/weather/testdata/weather.jsonl": ("{}", False),
    "flows/__init__.py": ("print", True),
    "flows/common/units.py": ("hot = 41\n", True),
    "flows/late/__init__.py": ("late = 2\n", True),
    "lib_of_ours.py": ("KEY = 'id'\n", True),
    "flows/weather/other.py": ("def rows(): return 2\n", False),
    "flows/weather/notes.log": ("text", False),
    "flows/typed.py": ("x = 2\n", False),
    "flows/ocean/rows.py": ("def rows(): return 3\n", False),
    "flows/ocean/ocean.csv": ("2", False),
    "flows/common/other.py": ("x = 1\n", False),
}


@pytest.mark.parametrize("path", AFTER)
def test_what_a_workflow_imports_and_reads_counts_and_nothing_else(project: Version, path: str) -> None:
    write(FILES)
    before = project("flows.weather.rows")
    assert len(before) == 12
    text, counts = AFTER[path]
    write({path: text})
    assert (project("flows.weather.rows") != before) is counts


def test_the_import_of_another_workflow_counts(project: Version) -> None:
    write(FILES)
    before = project("flows.ocean.rows")
    write({"flows/weather/schema.py": "at = 1\n"})
    assert project("flows.ocean.rows") != before


def test_nothing_below_the_directory_of_a_project_counts(project: Version) -> None:
    write({"rows_alone.py": SOURCE, "query.sql": "1", "readings/day.csv": "1"})
    before = project("rows_alone")
    write({"readings/day.csv": "2", "readings/next.csv": "1"})
    assert project("rows_alone") == before
    write({"query.sql": "2"})
    assert project("rows_alone") != before


def test_comments_docstrings_and_formatting_do_not_count(project: Version) -> None:
    write(FILES)
    before = project("flows.weather.rows")
    for path in ("flows/weather/rows.py", "flows/weather/schema.py", "lib_of_ours.py"):
        write({path: f'"""Docs."""\r\n\r\n# why\r\n{FILES[path]}'})
    assert project("flows.weather.rows") == before


def test_the_module_that_calls_a_factory_counts(project: Version) -> None:
    factory = "def make(n):\n    def rows():\n        return n\n    return declared(rows)\n"
    start = "from flows.test_declared import declared\n"
    write({"flows/test_declared.py": DECLARED, "flows/factory.py": start + factory})
    write({"flows/many.py": "from flows.factory import make\nrows = make(1)\n"})
    importlib.invalidate_caches()
    versions = []
    for change in ({}, {"flows/many.py": "from flows.factory import make\nrows = make(2)\n"}, {"flows/x.json": "1"}):
        write(change)
        project_forget()
        versions.append(code_version(importlib.import_module("flows.many").rows))
    assert len(set(versions)) == 3
    write({"flows/factory.py": start + factory.replace("return n", "return -n")})
    project_forget()
    assert code_version(importlib.import_module("flows.many").rows) not in versions


DECLARED = (
    "from cascade.declarations import Declaration\n"
    "class Declared(Declaration):\n    decorator = 'declared'\n"
    "def declared(function):\n    return Declared.declare(function, {'group': 'weather'})\n"
)


def project_forget() -> None:
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "flows"]:
        del sys.modules[name]


def test_the_version_of_an_imported_distribution_counts(project: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"flows/a.py": f"import pluggy._hooks, os\n{SOURCE}"})
    before = project("flows.a")
    monkeypatch.setattr("cascade.declarations.installed._version", {"pluggy": "1"}.get)
    assert project("flows.a") != before


def test_the_distributions_of_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    found = requirements_of(["pluggy", "_pytest", "not_installed_at_all"])
    assert [one.partition("==")[0] for one in found] == ["pluggy", "pytest"]
    monkeypatch.setattr("cascade.declarations.installed._version", {"PyYAML": "6.0"}.get)
    assert requirements_of(["yaml"]) == ["PyYAML==6.0"]


def test_a_wrapper_has_the_version_of_what_it_wraps(project: Version) -> None:
    write({"flows/a.py": SOURCE})
    version, function = project("flows.a"), sys.modules["flows.a"].rows

    @functools.wraps(function)
    def stand_in() -> object:
        return None

    assert version_of(stand_in) == version_of(functools.partial(function)) == version


def test_it_is_read_from_a_zip_file(tmp_path: Path, project: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"zipped_rows.py": SOURCE})
    versions = []
    for number, text in enumerate((SOURCE, f"# why\n{SOURCE}", f"x = 1\n{SOURCE}")):
        with zipfile.ZipFile(tmp_path / f"{number}.zip", "w") as archive:
            archive.writestr("zipped_rows.py", text)
        with monkeypatch.context() as patched:
            patched.syspath_prepend(str(tmp_path / f"{number}.zip"))
            versions.append(project("zipped_rows"))
    assert versions[0] == versions[1] != versions[2] and len(versions[0]) == 12


def test_an_installed_project_does_not_read_other_distributions(project: Version, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    write({"site-packages/flows/a.py": f"import lib, flows.b\n{SOURCE}", "site-packages/flows/b.py": "x = 1"})
    write({"site-packages/lib.py": "y = 1"})
    sys.path.insert(0, str(site))
    before = project("flows.a")
    write({"site-packages/lib.py": "y = 2"})
    assert project("flows.a") == before
    write({"site-packages/flows/b.py": "x = 2"})
    assert project("flows.a") != before


def test_code_without_a_source_has_no_version() -> None:
    names: dict[str, Any] = {}
    exec(compile(SOURCE, "<stdin>", "exec"), names)
    assert version_of(names["rows"]) == ""
    assert version_of(print) == ""


def test_source_that_this_python_cannot_parse_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\ndef f(:\n", "utf-8")
    assert read_file(str(tmp_path / "a.py"), "a")[1] == ()
