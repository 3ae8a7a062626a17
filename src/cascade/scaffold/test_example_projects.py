"""The files of an example are those of the repository, without what only the repository needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.exceptions import UsageError
from cascade.scaffold import example_projects
from cascade.scaffold.example_projects import PARTS, example_files
from cascade.scaffold.project_layout import EXAMPLES


def write(source: Path, *paths: str) -> None:
    for path in paths:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(path.encode())


def test_every_example_has_parts() -> None:
    assert list(PARTS) == list(EXAMPLES)


def test_files_are_read_byte_for_byte_by_their_path_in_the_project(tmp_path: Path) -> None:
    paths = [
        "transforms/dbt_project.yml",
        "transforms/models/gold/délais.sql",
        "workflows/conftest.py",
        "workflows/nyc_flights/data/flights.parquet",
        "workflows/nyc_flights/testdata/flights.jsonl",
    ]
    write(tmp_path, *paths)
    (tmp_path / paths[3]).write_bytes(b"PAR1\x00\xff\r\n")
    found = example_files("nyc", source=tmp_path)
    assert list(found) == paths
    assert found[paths[3]] == b"PAR1\x00\xff\r\n"
    assert found[paths[1]] == paths[1].encode()


def test_what_tools_leave_beside_the_sources_and_what_the_repository_alone_needs_stays_behind(tmp_path: Path) -> None:
    write(
        tmp_path,
        "transforms/BUILD",
        "transforms/.user.yml",
        "transforms/dbt_packages/dbt_utils/macros/star.sql",
        "transforms/logs/dbt.log",
        "transforms/target/manifest.json",
        "transforms/target/compiled/model.sql",
        "transforms/test_graph.py",
        "workflows/nyc_flights/.cascade/catalog.db",
        "workflows/nyc_flights/__pycache__/flights.cpython-311.pyc",
        "workflows/nyc_flights/flights.py",
        "workflows/weather/observations.py",
        "somewhere/else.py",
    )
    assert list(example_files("nyc", source=tmp_path)) == ["workflows/nyc_flights/flights.py"]


def test_an_installation_without_the_example_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_projects, "_source", lambda name: None)
    with pytest.raises(UsageError) as caught:
        example_files("nyc")
    assert "does not contain the example nyc" in caught.value.message
    assert "pip install --force-reinstall" in str(caught.value.hint)
