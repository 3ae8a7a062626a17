"""What a list of the dbt project shows, with and without a parse of its current files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cascade.config import CascadeConfig
from cascade.dbt import packed_parse, parse
from cascade.dbt.conftest import write_files
from cascade.dbt.listing import DbtListing, DbtNode, list_nodes
from cascade.dbt.manifest import current_manifest
from cascade.dbt.translated import Translated
from cascade.exceptions import CascadeError, ConfigError

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
            "sql/more/inner.sql": "{{ config(materialized='ephemeral') }} select 1",
            "sql/more/off.sql": "{{ config(enabled=false) }} select 1",
            "sql/more/both_v2.sql": "{{ config(schema='ignored') }} select 1",
            "sql/more/top.yml": """
models:
  - {name: top, description: The top., config: {schema: raw-data, meta: {dagster: {group: own}}}}
  - {name: both, versions: [{v: 2}]}
""",
            "data/names.csv": "a",
            "snapshots/kept.sql": "{% snapshot kept %}{% endsnapshot %}{% snapshot also %}{% endsnapshot %}",
            "snapshots/yaml.yml": """
snapshots: [{name: in_yaml, relation: ref('top'), config: {schema: "{{ target.name }}"}}]
""",
        },
    )
    files = (
        DbtNode("model", "both_v2", None, "sql/more/both_v2.sql"),
        DbtNode("model", "daily", "silver", "models/silver/daily.sql"),
        DbtNode("model", "raw_data/top", "own", "sql/more/top.sql", "The top."),
        DbtNode("seed", "names", None, "data/names.csv"),
        DbtNode("snapshot", "also", None, "snapshots/kept.sql"),
        DbtNode("snapshot", "in_yaml", None, "snapshots/yaml.yml"),
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


def test_a_project_file_that_cannot_be_read_lists_nothing(config: CascadeConfig) -> None:
    write_files(config.dbt_project_directory, {"dbt_project.yml": "name: ["})
    assert list_nodes(config) == DbtListing((), is_parsed=False)


def test_what_the_translator_of_the_user_says_is_listed(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dagster_dbt")
    import dagster as dg

    from cascade.dbt import CascadeDbtTranslator

    class Mine(CascadeDbtTranslator):
        def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
            return super().get_asset_key(dbt_resource_props).with_prefix("shop")

        def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
            return "/".join(self.tables["raw", "things"]) if dbt_resource_props["name"] == "by_day" else None

    class Failing(CascadeDbtTranslator):
        def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
            return dg.AssetKey(dbt_resource_props["none such"])

    def translated(name: str) -> Translated:
        own = CascadeConfig(project_root=config.project_root, dbt_translator=f"flows_dbt:{name}")
        return Translated(own, {("raw", "things"): ("things",)})

    module = ModuleType("flows_dbt")
    module.__dict__.update(Mine=Mine, Failing=Failing)
    monkeypatch.setitem(sys.modules, "flows_dbt", module)
    model = node("model", "by_day", depends_on={}, unique_id="model.shop.by_day", columns={}, tags=[])
    monkeypatch.setenv("FAKE_MANIFEST", json.dumps({"nodes": {"model.shop.by_day": model}}))
    # Of a project that dbt has not parsed, a translator knows nothing.
    assert list_nodes(config, translated("Nothing")).nodes == list_nodes(config).nodes
    current_manifest(config)
    assert list_nodes(config, translated("Mine")).nodes == (
        DbtNode("model", "shop/by_day", "things", "models/by_day.sql"),
    )
    with pytest.raises(
        CascadeError, match=r"^flows_dbt:Failing failed for model\.shop\.by_day: KeyError: 'none such'$"
    ):
        list_nodes(config, translated("Failing"))
    with pytest.raises(ConfigError, match="dbt_translator is 'flows_dbt:Nothing'"):
        list_nodes(config, translated("Nothing"))


def test_without_a_dbt_project_nothing_is_listed(config: CascadeConfig, tmp_path: Path) -> None:
    (config.dbt_project_directory / "dbt_project.yml").unlink()
    assert list_nodes(config).nodes == ()
