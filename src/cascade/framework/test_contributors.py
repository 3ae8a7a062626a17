"""Plugins contribute to a project, and one that fails stops neither the project nor the others."""

from __future__ import annotations

import shutil

import dagster as dg
import pytest

from cascade.framework.conftest import THINGS, Plugins, SampleProject
from cascade.framework.definitions import build_definitions
from cascade.framework.validate import find_problems
from cascade.plugins import find_plugins, has_plugins

LINEAGE = """
    import dagster as dg
    from cascade.contributor import Contribution, Contributor, LoadedProject, Problem

    class Lineage(Contributor):
        def contribute(self, project: LoadedProject) -> Contribution:
            seen = [workflow.declaration.table for workflow in project.workflows]

            @dg.asset(name="{asset}", metadata={{"seen": seen}})
            def lineage(): ...

            @dg.asset_check(asset=lineage, name="is_whole")
            def check():
                return dg.AssetCheckResult(passed=True)

            job = dg.define_asset_job("{asset}_job", selection=[lineage])
            return Contribution(
                assets=(lineage,), asset_checks=(check,), jobs=(job,), resources={{"{asset}_client": "client"}}
            )

        def problems(self, project: LoadedProject):
            for workflow in project.workflows:
                if not workflow.declaration.owners:
                    yield Problem("A workflow needs an owner.", "NoOwner", workflow.declaration.location)
"""
BROKEN = "raise RuntimeError('no license')\n"


@pytest.fixture(autouse=True)
def things(project: SampleProject) -> None:
    project.write("things.py", THINGS)


def keys(definitions: dg.Definitions) -> set[str]:
    return {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}


def not_loaded(definitions: dg.Definitions) -> str:
    return str((definitions.metadata or {})["cascade/not_loaded"].value)


def test_a_plugin_contributes_every_kind_of_definition(plugins: Plugins) -> None:
    plugins.install("acme-lineage", "contributors", "lineage", "acme_lineage:Lineage", LINEAGE.format(asset="lineage"))
    definitions = build_definitions()
    assert keys(definitions) == {"things", "lineage"}
    lineage = definitions.resolve_asset_graph().get(dg.AssetKey("lineage"))
    assert lineage.metadata["seen"] == ["raw.things"]
    assert definitions.get_repository_def().has_job("lineage_job")
    checks = {key.name for key in definitions.resolve_asset_graph().asset_check_keys}
    assert checks == {"is_whole", "validation"}
    assert sorted(definitions.resources or {}) == ["lakehouse", "lineage_client"]


def test_the_problems_of_a_plugin_are_reported(project: SampleProject, plugins: Plugins) -> None:
    plugins.install("acme-lineage", "contributors", "lineage", "acme_lineage:Lineage", LINEAGE.format(asset="lineage"))
    (problem,) = find_problems([project.module("things")])
    assert problem.render(project.root) == f"{project.package}/things.py:9: A workflow needs an owner."
    assert problem.kind == "NoOwner"


def test_a_plugin_that_does_not_import_is_reported_and_stops_nothing(
    project: SampleProject, plugins: Plugins, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins.install("acme-broken", "contributors", "broken", "acme_broken:Broken", BROKEN)
    plugins.install("acme-lineage", "contributors", "lineage", "acme_lineage:Lineage", LINEAGE.format(asset="lineage"))
    definitions = build_definitions()
    assert keys(definitions) == {"things", "lineage"}
    message = (
        f'{plugins.site}/acme_broken.py:1: The contributor "broken" of acme-broken does not load: '
        "RuntimeError: no license."
    )
    assert message in not_loaded(definitions)
    assert f"warning: not loaded: {message}" in capsys.readouterr().err
    problems = find_problems([project.module("things")])
    assert [problem.kind for problem in problems].count("PluginError") == 1
    assert any("no license" in problem.message for problem in problems)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "class Wrong: ...\n",
            "is not a cascade.contributor.Contributor: it lacks contribute and problems.",
        ),
        (
            "from cascade.contributor import Contributor\nclass Wrong(Contributor):\n"
            "    def contribute(self, project): return [1]\n",
            "returns list from contribute, which must return a Contribution.",
        ),
        (
            "from cascade.contributor import Contributor\nclass Wrong(Contributor):\n"
            "    def contribute(self, project): raise SystemExit(3)\n",
            "fails: SystemExit: 3.",
        ),
        (
            "import pytest\nWrong = pytest.skip('no server', allow_module_level=True)\n",
            "does not load: Skipped: no server.",
        ),
        ("", "does not load: AttributeError: module 'acme_wrong' has no attribute 'Wrong'."),
    ],
)
def test_a_contributor_that_is_wrong_is_reported_with_the_reason(plugins: Plugins, source: str, reason: str) -> None:
    plugins.install("acme-wrong", "contributors", "wrong", "acme_wrong:Wrong", source)
    definitions = build_definitions()
    assert keys(definitions) == {"things"}
    assert f'The contributor "wrong" of acme-wrong {reason}' in not_loaded(definitions)


def test_a_plugin_cannot_take_a_name_of_the_project(plugins: Plugins) -> None:
    plugins.install("acme-lineage", "contributors", "lineage", "acme_lineage:Lineage", LINEAGE.format(asset="things"))
    plugins.install("acme-store", "resources", "lakehouse", "acme_store:STORE", "STORE = lambda config: 1\n")
    definitions = build_definitions()
    assert keys(definitions) == {"things"}
    assert 'of acme-lineage is left out, because the asset "things" already exists' in not_loaded(definitions)
    assert 'of acme-store is left out, because the resource "lakehouse" already exists' in not_loaded(definitions)


def test_a_resource_of_a_plugin_does_not_replace_a_variable_of_the_project(
    project: SampleProject, plugins: Plugins, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(
        "rows.py",
        """
        import dagster as dg
        from pydantic import BaseModel
        from cascade import cascade_ingestion

        class Api(dg.ConfigurableResource):
            url: str

        class Row(BaseModel):
            url: str

        api = Api(url="ours")

        @cascade_ingestion(table_name="rows", unique_key="url", validation_schema=Row, partitions=None)
        def rows(api: Api):
            return [{"url": api.url}]
        """,
    )
    plugins.install(
        "acme-api", "resources", "api", "acme_api:api", "import dagster as dg\n\n\n@dg.resource\ndef api(): ...\n"
    )
    definitions = build_definitions()
    said = 'The resource "api" of acme-api is left out, because the resource "api" already exists in the project'
    assert said in capsys.readouterr().err
    assert (definitions.resources or {})["api"].url == "ours"


def test_resources_are_dagsters_or_made_from_the_settings(plugins: Plugins) -> None:
    source = """
        import dagster as dg

        class Store(dg.ConfigurableResource):
            url: str

        STORE = Store(url="s3://acme")

        def made(config):
            return Store(url=config.project_root.as_uri())

        def failing(config):
            raise ValueError("no such store")
    """
    plugins.install("acme-a", "resources", "a", "acme_a:STORE", source)
    plugins.install("acme-b", "resources", "b", "acme_b:made", source)
    plugins.install("acme-c", "resources", "c", "acme_c:failing", source)
    plugins.install("acme-d", "resources", "d", "acme_d:__name__", source)
    definitions = build_definitions()
    assert sorted(definitions.resources or {}) == ["a", "b", "lakehouse"]
    assert 'The resource "c" of acme-c fails: ValueError: no such store.' in not_loaded(definitions)
    assert (
        'The resource "d" of acme-d is of the type str, not a Dagster resource or a function of CascadeConfig.'
        in not_loaded(definitions)
    )


def test_a_workflow_whose_asset_cannot_be_built_hides_no_other_in_dev(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.write("wrong.py", THINGS.replace('"things"', '"wrong", owners=["nobody"]'))
    monkeypatch.setenv("CASCADE_KEEP_GOING", "1")
    definitions = build_definitions()
    assert keys(definitions) == {"things", "wrong"}
    assert f"{path}:9: @cascade_ingestion: " in not_loaded(definitions)


CONTRIBUTES = """
    import dagster as dg
    from cascade.contributor import Contribution, Contributor, Problem

    class Unprintable(Exception):
        def __str__(self):
            raise ValueError

    @dg.asset(required_resource_keys={{"absent"}})
    def needs(): ...

    @dg.asset(name="twice")
    def one(): ...

    @dg.asset(name="twice")
    def two(): ...

    class Wrong(Contributor):
        def contribute(self, project):
            {statement}
"""


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("raise Unprintable", "fails: Unprintable: its message could not be rendered (ValueError)."),
        ("return Contribution(assets=3)", "returns a Contribution that cannot be read: TypeError: "),
        ("return Contribution(assets=[3])", "returns a Contribution that cannot be read: AttributeError: "),
        ("return Contribution(failures=['x'])", "cannot be read: TypeError: 'x' among its failures is not a Casc"),
        ("return Contribution(assets=[needs])", "is left out, because its definitions are refused: resource with key"),
        ("return Contribution(assets=[one, two])", "is left out, because its definitions are refused: Duplicate asset"),
    ],
)
def test_whatever_a_plugin_contributes_stops_nothing(plugins: Plugins, statement: str, reason: str) -> None:
    plugins.install("acme-wrong", "contributors", "wrong", "acme_wrong:Wrong", CONTRIBUTES.format(statement=statement))
    plugins.install("zeta-lineage", "contributors", "lineage", "zeta_lineage:Lineage", LINEAGE.format(asset="lineage"))
    definitions = build_definitions()
    dg.Definitions.validate_loadable(definitions)
    assert keys(definitions) == {"things", "lineage"}
    assert 'The contributor "wrong" of acme-wrong ' in not_loaded(definitions)
    assert reason in not_loaded(definitions)


def test_problems_of_a_plugin_that_are_none_are_reported(project: SampleProject, plugins: Plugins) -> None:
    source = (
        "from cascade.contributor import Contributor\nclass Wrong(Contributor):\n"
        "    def problems(self, project): return ['x']\n"
    )
    plugins.install("acme-wrong", "contributors", "wrong", "acme_wrong:Wrong", source)
    (problem,) = find_problems([project.module("things")])
    assert "returns str from problems, which must return Problem objects." in problem.message


def test_a_distribution_without_a_name_stops_nothing(plugins: Plugins) -> None:
    plugins.install("acme-lineage", "contributors", "lineage", "acme_lineage:Lineage", LINEAGE.format(asset="lineage"))
    plugins.install("acme-nameless", "contributors", "broken", "acme_nameless:Broken", BROKEN)
    (plugins.site / "acme_nameless-1.0.dist-info" / "METADATA").unlink()
    definitions = build_definitions()
    assert keys(definitions) == {"things", "lineage"}
    assert 'The contributor "broken" of an unknown package does not load' in not_loaded(definitions)


def test_a_plugin_that_is_installed_or_removed_while_the_process_runs_is_noticed(plugins: Plugins) -> None:
    assert find_plugins("resource") == ()
    plugins.install("acme", "resources", "acme", "acme:thing", "thing = 1")
    assert [plugin.distribution for plugin in find_plugins("resource")] == ["acme"]
    assert has_plugins("command", "resource")
    shutil.rmtree(plugins.site / "acme-1.0.dist-info")
    assert find_plugins("resource") == ()
    assert not has_plugins("command", "resource")
