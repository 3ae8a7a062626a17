"""When the dbt project adds assets to a project, and which translator makes them."""

from __future__ import annotations

import gc
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import pytest

from cascade.config import CascadeConfig
from cascade.contributor import Contribution, LoadedProject
from cascade.dbt import contributor
from cascade.dbt.contributor import DbtContributor, has_nodes
from cascade.exceptions import CascadeError, ConfigError

needs_dagster_dbt = pytest.mark.skipif(
    importlib.util.find_spec("dagster_dbt") is None, reason="dagster-dbt is not installed"
)


def project_of(config: CascadeConfig, **more: Any) -> LoadedProject:
    return LoadedProject(config, dbt_assets_directory=config.dbt_project_directory, **more)


def forbid_assets(monkeypatch: pytest.MonkeyPatch) -> None:
    # Importing it would be a failure.
    monkeypatch.setitem(sys.modules, "cascade.dbt.assets", None)


def test_a_project_without_a_model_does_not_load_dbt(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_assets(monkeypatch)
    for file in list(config.dbt_project_directory.glob("models/*/*")):
        file.unlink()
    assert not has_nodes(config.dbt_project_directory)
    assert DbtContributor().contribute(project_of(config)) == Contribution()


def test_without_dbt_there_are_no_assets(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_assets(monkeypatch)
    monkeypatch.setattr(contributor, "can_build_assets", lambda: False)
    assert DbtContributor().contribute(project_of(config)) == Contribution()


def test_a_check_adds_no_assets(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_assets(monkeypatch)
    checked = LoadedProject(config, dbt_directory=config.dbt_project_directory)
    assert DbtContributor().contribute(checked) == Contribution()


@pytest.mark.parametrize("whole", [False, True])
def test_assets_that_the_project_makes_with_dagster_dbt_stay_alone(
    config: CascadeConfig, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    @dg.asset(metadata={"dagster_dbt/manifest": "m"})
    def daily() -> None: ...

    forbid_assets(monkeypatch)
    monkeypatch.setattr(contributor, "can_build_assets", lambda: True)
    monkeypatch.setitem(sys.modules, "dagster_dbt", ModuleType("dagster_dbt"))
    module = ModuleType("flows")
    module.__dict__["made"] = dg.Definitions([daily]) if whole else daily
    assert DbtContributor().contribute(project_of(config, modules={"flows": module})) == Contribution()


@pytest.mark.parametrize("error", [CascadeError("dbt: wrong"), ValueError("wrong")])
def test_a_project_that_dbt_refuses_is_a_failure_and_leaves_the_rest(
    config: CascadeConfig, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def build(*arguments: object) -> None:
        raise error

    fake = ModuleType("cascade.dbt.assets")
    fake.__dict__["build_dbt_assets"] = build
    monkeypatch.setitem(sys.modules, "cascade.dbt.assets", fake)
    monkeypatch.setattr(contributor, "can_build_assets", lambda: True)
    contribution = DbtContributor().contribute(project_of(config))
    (failure,) = contribution.failures
    assert contribution.assets == ()
    assert "wrong" in failure.message


def test_the_assets_are_made_without_the_garbage_collector(
    config: CascadeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[bool] = []
    fake = ModuleType("cascade.dbt.assets")
    fake.__dict__["build_dbt_assets"] = lambda *_: collected.append(gc.isenabled())
    monkeypatch.setitem(sys.modules, "cascade.dbt.assets", fake)
    monkeypatch.setattr(contributor, "can_build_assets", lambda: True)
    monkeypatch.setattr(contributor, "_marts", lambda *_: (None, ()))
    gc.enable()
    DbtContributor().contribute(project_of(config))
    assert (collected, gc.isenabled()) == ([False], True)


@needs_dagster_dbt
def test_a_source_is_the_asset_of_the_workflow_that_fills_its_table() -> None:
    from cascade.dbt import CascadeDbtTranslator

    translator = CascadeDbtTranslator({("raw", "things"): ("things",), ("lake", "things"): ("lake", "things")})
    source = {"resource_type": "source", "source_name": "s", "name": "t", "identifier": "things", "schema": "raw"}
    assert translator.get_asset_key(source) == dg.AssetKey("things")
    assert translator.get_asset_key({**source, "schema": "lake"}) == dg.AssetKey(["lake", "things"])
    assert translator.get_asset_key({**source, "schema": "other"}) == dg.AssetKey(["s", "t"])
    named = {**source, "meta": {"dagster": {"asset_key": ["mine"]}}}
    assert translator.get_asset_key(named) == dg.AssetKey("mine")


@needs_dagster_dbt
def test_the_key_of_a_model_is_one_that_dagster_takes() -> None:
    from cascade.dbt import CascadeDbtTranslator

    model = {"resource_type": "model", "name": "by-day", "config": {"schema": "raw-data"}}
    assert CascadeDbtTranslator().get_asset_key(model).path == ["raw_data", "by_day"]


@needs_dagster_dbt
def test_the_group_is_the_first_folder_unless_the_yaml_sets_one() -> None:
    from cascade.dbt import CascadeDbtTranslator

    translator = CascadeDbtTranslator()
    model = {"resource_type": "model", "fqn": ["shop", "silver-1", "deep", "daily"]}
    assert translator.get_group_name(model) == "silver_1"
    assert translator.get_group_name({**model, "config": {"group": "finance-team"}}) == "finance_team"
    assert translator.get_group_name({**model, "config": {"group": "sales"}}) == "sales"
    assert translator.get_group_name({**model, "fqn": ["shop", "daily"]}) is None


@needs_dagster_dbt
def test_the_translator_of_the_user_is_taken(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster_dbt import DagsterDbtTranslator

    from cascade.dbt import CascadeDbtTranslator
    from cascade.dbt.user_translator import find_translator

    class Linked(CascadeDbtTranslator):
        pass

    class Plain(DagsterDbtTranslator):
        pass

    module = ModuleType("flows_dbt")
    module.__dict__.update(Linked=Linked, Plain=Plain, made=Plain(), other=object)
    monkeypatch.setitem(sys.modules, "flows_dbt", module)

    def found(name: str | None) -> DagsterDbtTranslator:
        given = CascadeConfig(project_root=config.project_root, dbt_translator=name)
        return find_translator(given, {("raw", "things"): ("things",)})

    assert type(found(None)) is CascadeDbtTranslator
    linked = found("flows_dbt:Linked")
    assert isinstance(linked, Linked) and linked.tables == {("raw", "things"): ("things",)}
    assert isinstance(found("flows_dbt:Plain"), Plain)
    assert found("flows_dbt:made") is module.made
    for wrong in ("flows_dbt:other", "flows_dbt:missing", "nowhere:Mine", "flows_dbt"):
        with pytest.raises(ConfigError, match="dbt_translator is"):
            found(wrong)


def test_nodes_are_files_other_than_the_project_file(tmp_path: Path) -> None:
    assert not has_nodes(tmp_path)
    (tmp_path / "dbt_project.yml").write_text("name: shop")
    (tmp_path / "dbt_packages").mkdir()
    (tmp_path / "dbt_packages/m.sql").touch()
    assert not has_nodes(tmp_path)
    (tmp_path / "names.csv").touch()
    assert has_nodes(tmp_path)
