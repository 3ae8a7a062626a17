"""Which parts of YAML dbt sees, and the lines of tests in it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from cascade.testing.dbt_batch.building import _lacks_local_packages
from cascade.testing.dbt_batch.places import line_of_test
from cascade.testing.dbt_batch.subset import copy_files

YAML = """\
version: 2
models:
  - name: here
    description: "{{ doc('somewhere') }}"
  - {name: gone}
  - {name: versioned, versions: [{v: 1}, {v: 2, defined_in: second}]}
snapshots:
  - {name: of_here}
  - {name: of_gone}
  - {name: in_yaml, relation: ref('here')}
sources:
  - {name: raw, tables: [{name: any}]}
metrics: [{name: m}]
unit_tests:
  - {name: t, model: here}
  - {name: u, model: gone}
"""
TESTS = """\
models:
  - name: a
    data_tests:
      - shop.together: {arguments: {columns: [x, y]}}
    columns:
      - {name: x, tests: [not_null]}
      - name: y
        data_tests:
          - unique
          - accepted_values:
              arguments: {values: [1]}
unit_tests:
  - name: t
    model: a
"""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sql").mkdir()
    return tmp_path


def copied(files: dict[str, str]) -> str:
    for path, text in files.items():
        Path(path).write_text(text)
    copy_files(files, Path("copy"))
    assert sorted(str(path.relative_to("copy")) for path in Path("copy").rglob("*.*")) == sorted(files)
    return Path("copy/sql/p.yml").read_text()


def test_yaml_describes_only_what_is_there() -> None:
    snapshot = "{% snapshot of_here %}select 1{% endsnapshot %}"
    kept = yaml.safe_load(
        copied({"sql/p.yml": YAML, "sql/here.sql": "", "sql/versioned_v1.sql": "", "sql/snaps.sql": snapshot})
    )
    assert [one["name"] for one in kept["models"]] == ["here", "versioned"]
    # dbt would look for the missing block.
    assert kept["models"][0] == {"name": "here"}
    assert [one["name"] for one in kept["snapshots"]] == ["of_here", "in_yaml"]
    assert [one["name"] for one in kept["unit_tests"]] == ["t"]
    assert kept["sources"] == [{"name": "raw", "tables": [{"name": "any"}]}]
    assert "metrics" not in kept


def test_descriptions_stay_with_the_blocks_that_they_name() -> None:
    text = "models: [{name: here, description: \"{{ doc('here') }} and {{ doc('shop', 'there') }}\"}]\n"
    docs = "{% docs here %}x{% enddocs %} {% docs there %}y{% enddocs %}"
    files = {"sql/p.yml": text, "sql/here.sql": ""}
    assert copied({**files, "sql/d.md": docs}) == text


@pytest.mark.parametrize("text", ["models:\n- name:   here  # Kept.\n", "models: [", "- a\n", ""])
def test_yaml_without_anything_else_stays_as_it_is(text: str) -> None:
    assert copied({"sql/p.yml": text, "sql/here.sql": ""}) == text


def test_settings_are_no_properties() -> None:
    settings = "models: [{name: gone}]\n"
    copied({"sql/dbt_project.yml": settings, "sql/p.yml": ""})
    assert Path("copy/sql/dbt_project.yml").read_text() == settings


@pytest.mark.parametrize(
    ("kind", "name", "column", "line"),
    [
        ("test", "together", None, 4),
        ("test", "not_null", "x", 6),
        ("test", "unique", "y", 9),
        ("test", "accepted_values", "y", 10),
        ("test", "unknown", "y", 7),
        ("unit_test", "t", None, 13),
    ],
)
def test_the_line_of_a_test(kind: str, name: str, column: str | None, line: int) -> None:
    Path("p.yml").write_text(TESTS)
    metadata = SimpleNamespace(name=name)
    node = SimpleNamespace(resource_type=kind, name=name, column_name=column, test_metadata=metadata)
    assert line_of_test(Path("p.yml"), node, ("a",)) == line


@pytest.mark.parametrize("text", ["models: [", ""])
def test_the_line_of_a_test_in_a_file_that_cannot_be_read(text: str) -> None:
    Path("p.yml").write_text(text)
    node = SimpleNamespace(resource_type="test", name="x", column_name=None, test_metadata=None)
    assert line_of_test(Path("p.yml"), node, ("a",)) == 1
    assert line_of_test(Path("a.sql"), node, None) == 1


@pytest.mark.parametrize(
    ("packages", "vendored", "lacks"),
    [
        ("packages: [{local: ../base}]\n", False, True),
        ("packages: [{local: ../base}]\n", True, False),
        # dbt would download it.
        ("packages: [{local: ../base}, {package: lab/utils, version: 1.0.0}]\n", False, False),
        ("packages: [\n", False, False),
        ("", False, False),
    ],
)
def test_links_to_local_packages_are_made_and_nothing_is_downloaded(packages: str, vendored: bool, lacks: bool) -> None:
    Path("sql/packages.yml").write_text(packages)
    if vendored:
        Path("sql/dbt_packages").mkdir()
    assert _lacks_local_packages(Path("sql")) is lacks
