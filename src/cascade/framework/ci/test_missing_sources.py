"""Models that read a table which nobody has published yet."""

from __future__ import annotations

from typing import Any

import pytest

from cascade.framework.ci.missing_sources import models_without_sources

SOURCE, MODEL, READER, TEST = "source.shop.raw.rivers", "model.shop.levels", "model.shop.floods", "test.shop.wet"


def manifest(**source: Any) -> dict[str, Any]:
    known = {"source_name": "raw", "name": "rivers", "schema": "raw", "identifier": "rivers", "database": "file"}
    place = {"original_file_path": "models/sources.yml"}
    node = {
        "resource_type": "model",
        "name": "levels",
        "schema": "main",
        "original_file_path": "a.sql",
        "database": "file",
    }
    return {
        "nodes": {MODEL: {**node, "depends_on": {"nodes": []}}},
        "sources": {SOURCE: {**known, **place, **source}},
        "child_map": {SOURCE: [MODEL, TEST], MODEL: [READER], READER: []},
    }


def test_models_wait_for_the_table_of_another_project_with_what_reads_them() -> None:
    found = models_without_sources(manifest(), ["raw.lakes"], [("lakes",)], lambda ref: False)
    assert {*found} == {MODEL, READER, TEST}
    assert found[READER] == "it reads raw.rivers, which does not exist, and no workflow of this project fills it"


@pytest.mark.parametrize(
    ("source", "filled", "assets", "exists"),
    [
        ({}, [], [], True),
        ({}, ["raw.rivers"], [], False),
        ({"identifier": "rivers__quarantine"}, ["raw.rivers"], [], False),
        ({"meta": {"cascade": {"external": True}}}, [], [], False),
        ({"meta": {"dagster": {"asset_key": ["rivers"]}}}, [], [("rivers",)], False),
        ({"schema": "", "identifier": "rivers"}, [], [], False),
        ({"database": "elsewhere"}, [], [], False),
    ],
)
def test_what_the_project_fills_and_what_exists_can_be_read(
    source: dict[str, Any], filled: list[str], assets: list[tuple[str, ...]], exists: bool
) -> None:
    assert models_without_sources(manifest(**source), filled, assets, lambda ref: exists) == {}
