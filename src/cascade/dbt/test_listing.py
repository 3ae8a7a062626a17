"""What a list of the dbt project shows, with and without a parse of its current files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cascade.config import CascadeConfig
from cascade.dbt import packed_parse, parse
from cascade.dbt.conftest import write_files
from cascade.dbt.listing import DbtNode, list_nodes
from cascade.dbt.manifest import current_manifest

_FAKE = """
import os, pathlib, sys
target = pathlib.Path(sys.argv[sys.argv.index("--target-path") + 1])
(target / "manifest.json").write_text(os.environ["FAKE_MANIFEST"])
"""


def node(kind: str, name: str, **more: Any) -> dict[str, Any]:
    plain = {"fqn": ["shop", name], "config": {}, "original_file_path": f"{kind}s/{name}.sql", "description": ""}
    return {"resource_type": kind, "name": name, **plain, **more}


NODES = [
    node("model", "daily", fqn=["shop", "1 silver", "deep", "daily"], description="All days."),
    node("model", "marts", fqn=["shop", "gold", "marts"], config={"group": "finance"}),
    node(
        "model",
        "named",
        fqn=["shop", "gold", "named"],
        config={"meta": {"dagster": {"group": "own", "asset_key": "renamed"}}},
    ),
    node("model", "both", version=2, alias="both_v2", config={"group": "finance-team"}),
    node("model", "inner", config={"materialized": "ephemeral"}),
    node("seed", "names", fqn=["shop", "lists", "names"]),
    node("snapshot", "kept", config={"schema": "raw-data"}),
    node("test", "not_null"),
]


@pytest.fixture(autouse=True)
def parsed(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"nodes": {str(number): each for number, each in enumerate(NODES)}}
    monkeypatch.setattr(parse, "START", _FAKE)
    monkeypatch.setattr(packed_parse, "version", lambda name: "1.11.0")
    monkeypatch.setenv("FAKE_MANIFEST", json.dumps(document))


def test_what_dbt_parsed_is_listed_with_its_groups(config: CascadeConfig) -> None:
    current_manifest(config)
    found = list_nodes(config)
    assert found.is_parsed
    assert found.nodes == (
        DbtNode("model", "both_v2", "finance_team", "models/both.sql"),
        DbtNode("model", "daily", "1_silver", "models/daily.sql", "All days."),
        DbtNode("model", "marts", "finance", "models/marts.sql"),
        DbtNode("model", "renamed", "own", "models/named.sql"),
        DbtNode("seed", "names", None, "seeds/names.sql"),
        DbtNode("snapshot", "raw_data/kept", None, "snapshots/kept.sql"),
    )


def test_without_a_parse_of_the_current_files_these_are_listed(config: CascadeConfig) -> None:
    write_files(
        config.dbt_project_directory,
        {
            "dbt_project.yml": "name: shop\nmodel-paths: [models, sql/more]\nseed-paths: [data]\n",
            "sql/more/top.sql": "select 1",
            "data/names.csv": "a",
            "snapshots/kept.sql": "{% snapshot kept %}{% endsnapshot %}",
        },
    )
    files = (
        DbtNode("model", "daily", "silver", "models/silver/daily.sql"),
        DbtNode("model", "top", None, "sql/more/top.sql"),
        DbtNode("seed", "names", None, "data/names.csv"),
        DbtNode("snapshot", "kept", None, "snapshots/kept.sql"),
    )
    found = list_nodes(config)
    assert (found.nodes, found.is_parsed) == (files, False)
    # Nothing is written for an answer.
    assert not config.state_directory.exists()
    current_manifest(config)
    assert list_nodes(config).is_parsed
    write_files(config.dbt_project_directory, {"models/new.sql": "select 1"})
    found = list_nodes(config)
    assert not found.is_parsed and DbtNode("model", "new", None, "models/new.sql") in found.nodes


def test_without_a_dbt_project_nothing_is_listed(config: CascadeConfig, tmp_path: Path) -> None:
    (config.dbt_project_directory / "dbt_project.yml").unlink()
    assert list_nodes(config).nodes == ()
