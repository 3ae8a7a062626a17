"""Existing Dagster code: what its `Definitions` hold and do not hold."""

from __future__ import annotations

from textwrap import dedent

import dagster as dg
import pytest

from cascade.config import CascadeConfig
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.contents import load_contents
from cascade.framework.definitions import build_definitions
from cascade.framework.validate import find_problems

ASSETS = """
    import dagster as dg

    @dg.asset
    def first(): ...

    @dg.asset(deps=[first])
    def second(): ...

    @dg.multi_asset(specs=[dg.AssetSpec("third"), dg.AssetSpec("fourth")])
    def several(): ...

    outside = dg.AssetSpec("outside")
"""

HEAD = """
    import dagster as dg
    from {package} import assets
"""


def keys(definitions: dg.Definitions) -> set[str]:
    dg.Definitions.validate_loadable(definitions)
    return {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}


def location(project: SampleProject, definitions: str, assets: str = ASSETS) -> dg.Definitions:
    """Build a code location of the usual shape: `assets.py` beside `definitions.py`."""
    project.write("assets.py", assets)
    project.write("definitions.py", dedent(HEAD).format(package=project.package) + dedent(definitions))
    return build_definitions()


NAMES = {"first", "second", "third", "fourth", "outside"}
PREFIXED = {f"pre/{name}" for name in NAMES - {"outside"}}


@pytest.mark.parametrize(
    ("definitions", "expected"),
    [
        ("defs = dg.Definitions(assets=dg.load_assets_from_modules([assets], include_specs=True))", NAMES),
        (
            "defs = dg.Definitions(assets=dg.load_assets_from_modules([assets], key_prefix='pre', include_specs=True))",
            PREFIXED | {"outside"},
        ),
        # Without `include_specs`, Dagster loads no specs.
        ("defs = dg.Definitions(assets=dg.load_assets_from_modules([assets], key_prefix='pre'))", PREFIXED),
        (
            "defs = dg.Definitions(assets=dg.load_assets_from_modules([assets])).map_resolved_asset_specs(\n"
            "    func=lambda spec: spec.replace_attributes(group_name='mapped'))",
            NAMES - {"outside"},
        ),
        (
            "defs = dg.Definitions(assets=[x.with_attributes(group_names_by_key={k: 'g' for k in x.keys})\n"
            "    for x in dg.load_assets_from_modules([assets])] + [assets.outside.replace_attributes(\n"
            "    key=dg.AssetKey(['pre', 'outside']))])",
            NAMES - {"outside"} | {"pre/outside"},
        ),
        (
            "@dg.definitions\ndef defs():\n"
            "    return dg.Definitions(assets=dg.load_assets_from_modules([assets], key_prefix='pre'))",
            PREFIXED,
        ),
        (
            "repo = dg.create_repository_using_definitions_args(\n"
            "    'repo', assets=dg.load_assets_from_modules([assets], key_prefix='pre'))",
            PREFIXED,
        ),
        ("@dg.repository\ndef repo():\n    return dg.load_assets_from_modules([assets], key_prefix='pre')", PREFIXED),
        (
            "one = dg.Definitions(assets=dg.load_assets_from_modules([assets], key_prefix='pre'))\n"
            "defs = dg.Definitions.merge(one, dg.Definitions(resources={'db': 1}))",
            PREFIXED,
        ),
    ],
)
def test_what_the_definitions_of_a_package_hold_is_collected_once(
    project: SampleProject, definitions: str, expected: set[str]
) -> None:
    assert keys(location(project, definitions)) == expected


def test_an_asset_that_the_package_does_not_list_stays_out_and_the_reason_is_shown(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CASCADE_KEEP_GOING", "1")
    project.write(
        "unused.py", "import dagster as dg\n\n@dg.asset(required_resource_keys={'gone'})\ndef unused(): ...\n"
    )
    assert keys(location(project, "defs = dg.Definitions(assets=[assets.first])")) == {"first"}
    shown = capsys.readouterr().err
    assert f"note: second in {project.package}.assets is left out" in shown
    assert f"the Definitions in {project.package}.definitions does not list it" in shown
    assert "unused" in shown


def test_code_of_the_package_that_dagster_never_loads_stays_out(project: SampleProject) -> None:
    project.write(
        "old.py",
        "import dagster as dg\n\n@dg.schedule(job_name='gone', cron_schedule='@daily')\ndef old():\n    return None\n",
    )
    made = location(project, "defs = dg.Definitions(assets=dg.load_assets_from_modules([assets]))")
    assert keys(made) == NAMES - {"outside"}
    assert list(made.get_repository_def().schedule_defs) == []


def test_definitions_of_resources_decide_nothing(project: SampleProject) -> None:
    assert keys(location(project, "defs = dg.Definitions(resources={'db': 1})")) == NAMES


def test_definitions_of_jobs_do_not_decide_about_assets(project: SampleProject) -> None:
    made = location(project, "job = dg.define_asset_job('nightly', '*')\ndefs = dg.Definitions(jobs=[job])")
    assert keys(made) == NAMES
    assert made.get_repository_def().has_job("nightly")


def test_definitions_in_one_package_do_not_decide_about_another(project: SampleProject) -> None:
    project.write("other/__init__.py", "")
    project.write("other/assets.py", "import dagster as dg\n\n@dg.asset\ndef elsewhere(): ...\n")
    project.write("one/__init__.py", "from . import assets\nimport dagster as dg\ndefs = dg.Definitions([assets.a])\n")
    project.write("one/assets.py", "import dagster as dg\n\n@dg.asset\ndef a(): ...\n\n@dg.asset\ndef b(): ...\n")
    assert keys(build_definitions()) == {"a", "elsewhere"}


def test_workflows_stay_whatever_the_definitions_of_their_package_list(project: SampleProject) -> None:
    project.write("things.py", THINGS)
    assert keys(location(project, "defs = dg.Definitions(assets=[assets.first])")) == {"first", "things"}


def test_jobs_schedules_and_sensors_of_the_same_name_are_collected_once(project: SampleProject) -> None:
    project.write(
        "timing.py",
        """
        import dagster as dg

        @dg.op
        def work(): ...

        @dg.graph
        def steps():
            work()

        nightly = steps.to_job(name="nightly")
        schedule = dg.ScheduleDefinition(job=nightly, cron_schedule="0 0 * * *", name="every_night")
        """,
    )
    definitions = f"""
        from {project.package} import timing
        nightly = timing.steps.to_job(name="nightly", tags={{"a": "b"}})
        schedule = dg.ScheduleDefinition(job=nightly, cron_schedule="0 0 * * *", name="every_night")
        defs = dg.Definitions(jobs=[nightly], schedules=[schedule], assets=dg.load_assets_from_modules([assets]))
        """
    repository = location(project, definitions).get_repository_def()
    assert repository.get_job("nightly").tags == {"a": "b"}
    assert [one.name for one in repository.schedule_defs] == ["every_night"]


def test_a_repository_brings_its_jobs_schedules_checks_and_resources(project: SampleProject) -> None:
    definitions = """
        @dg.asset(required_resource_keys={"db"})
        def uses(): ...

        @dg.asset_check(asset=uses)
        def fine(): ...

        job = dg.define_asset_job("nightly", "uses")
        schedule = dg.ScheduleDefinition(job=job, cron_schedule="0 0 * * *", name="every_night")
        repo = dg.create_repository_using_definitions_args(
            "repo", assets=[uses], jobs=[job], schedules=[schedule], asset_checks=[fine], resources={"db": 1})
        """
    made = location(project, definitions, assets="")
    repository = made.get_repository_def()
    assert keys(made) == {"uses"}
    assert repository.has_job("nightly")
    assert [one.name for one in repository.schedule_defs] == ["every_night"]
    assert len(made.resolve_asset_graph().asset_check_keys) == 1


def test_the_merged_definitions_of_a_package_and_of_its_parts(project: SampleProject) -> None:
    for part in ("one", "two"):
        project.write(f"{part}/__init__.py", "")
        project.write(f"{part}/assets.py", f"import dagster as dg\n\n@dg.asset\ndef {part}(): ...\n")
        project.write(
            f"{part}/definitions.py",
            f"import dagster as dg\nfrom . import assets\n\ndefs = dg.Definitions(\n"
            f"    assets=[assets.{part}], resources={{'{part}': 1}}, jobs=[dg.define_asset_job('{part}_job', '*')])\n",
        )
    project.write(
        "definitions.py",
        f"import dagster as dg\nfrom {project.package}.one import definitions as one\n"
        f"from {project.package}.two import definitions as two\n\ndefs = dg.Definitions.merge(one.defs, two.defs)\n",
    )
    contents = load_contents(None, CascadeConfig.from_user_config())
    assert [contents.collected.home(one) for one in contents.collected.definitions] == [project.module("definitions")]
    assert keys(build_definitions()) == {"one", "two"}


def test_a_folder_that_dagsters_loader_reads_is_loaded_once(project: SampleProject) -> None:
    (project.root / "pyproject.toml").write_text(
        f'[tool.cascade]\nworkflows_path = "{project.package}"\n[tool.dg]\ndirectory_type = "project"\n'
        f'[tool.dg.project]\nroot_module = "{project.package}"\n'
    )
    project.write("__init__.py", "")
    project.write("defs/__init__.py", "")
    project.write("defs/assets.py", "import dagster as dg\n\n@dg.asset\ndef native(): ...\n")
    project.write(
        "defs/made.py",
        """
        import dagster as dg

        @dg.definitions
        def defs(context: dg.ComponentLoadContext) -> dg.Definitions:
            return dg.Definitions(assets=[dg.AssetSpec("of_a_context")])
        """,
    )
    project.write("defs/part/defs.yaml", f"type: {project.package}.parts.Part\nattributes:\n  key: of_a_component\n")
    project.write(
        "parts.py",
        """
        import dagster as dg

        class Part(dg.Component, dg.Resolvable, dg.Model):
            key: str

            def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
                return dg.Definitions(assets=[dg.AssetSpec(self.key)])
        """,
    )
    project.write(
        "definitions.py",
        """
        from pathlib import Path
        import dagster as dg

        defs = dg.Definitions.merge(
            dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
            dg.Definitions(resources={"db": 1}),
        )
        """,
    )
    expected = {"native", "of_a_context", "of_a_component"}
    assert keys(build_definitions()) == expected
    # Under Pants, the manifest lists the modules of the folder too.
    names = ["definitions", "defs.assets", "defs.made", "parts"]
    assert keys(build_definitions([project.module(name) for name in names])) == expected
    assert find_problems([project.module(name) for name in names]) == ()
