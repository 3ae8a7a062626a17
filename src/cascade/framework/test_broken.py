"""Workflows whose module does not load."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from textwrap import dedent

import dagster as dg
import pytest
from dagster._core.libraries import DagsterLibraryRegistry

from cascade.config import CascadeConfig
from cascade.exceptions import DeclarationError, DiscoveryError
from cascade.framework.conftest import SampleProject
from cascade.framework.contents import load_contents
from cascade.framework.definitions import build_definitions

HEAD = """\
from pydantic import BaseModel
from cascade.ingestion import cascade_ingestion

class Row(BaseModel):
    id: int

"""
GOOD = HEAD + dedent("""
    @cascade_ingestion(table_name="good", unique_key="id", group="g", validation_schema=Row, partitions=None)
    def good():
        return [{"id": 1}]
""")
BROKEN = dedent("""
    from cascade.ingestion import cascade_ingestion
    from missing_library import Row

    @cascade_ingestion(
        table_name="broken", unique_key="id", group="water", owners=["team:hydro"], tags={"source": "gauge"},
        partitions="hourly", partition_start="2024-02-01", partition_timezone="Europe/Oslo", validation_schema=Row,
        deps=["good"], cron="0 6 * * *",
    )
    def rows(partition_date):
        return []
""").lstrip()


@pytest.fixture
def dev(project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dg.Definitions]:
    """Return a function that loads the project as `dev` does, from its directory or a manifest."""
    monkeypatch.setenv("CASCADE_KEEP_GOING", "1")

    def load(*modules: str) -> dg.Definitions:
        if not modules:
            return build_definitions()
        monkeypatch.setenv("CASCADE_PROJECT_NAME", "p")
        return build_definitions(
            {"version": 1, "name": "p", "address": "//:p", "module": "p_manifest", "modules": list(modules)}
        )

    return load


def spec(definitions: dg.Definitions, key: str) -> dg.AssetSpec:
    return definitions.resolve_asset_graph().get(dg.AssetKey.from_user_string(key)).to_asset_spec()


def keys(definitions: dg.Definitions) -> set[str]:
    return {key.to_user_string() for key in definitions.resolve_asset_graph().materializable_asset_keys}


@pytest.mark.parametrize("listed", [False, True], ids=["standalone", "manifest"])
def test_a_workflow_whose_module_fails_stays_in_the_lineage(
    project: SampleProject, dev: Callable[..., dg.Definitions], listed: bool
) -> None:
    project.write("good.py", GOOD)
    path = project.write("broken.py", BROKEN)
    definitions = dev(*(project.module(name) for name in ("broken", "good"))) if listed else dev()
    assert keys(definitions) == {"good", "broken"}
    broken = spec(definitions, "broken")
    assert broken.kinds == {"python", "iceberg", "broken"}
    assert broken.group_name == "water"
    assert [*broken.owners] == ["team:hydro"]
    assert broken.tags["source"] == "gauge"
    assert [dep.asset_key for dep in broken.deps] == [dg.AssetKey("good")]
    partitions = broken.partitions_def
    assert isinstance(partitions, dg.HourlyPartitionsDefinition)
    assert partitions.timezone == "Europe/Oslo"
    assert partitions.start.replace(tzinfo=None) == datetime(2024, 2, 1)
    first_line = (broken.description or "").partition("\n")[0]
    assert "No module named 'missing_library'" in first_line
    assert "(broken.py:2)" in first_line
    assert f"{path}:2" in (broken.description or "")
    references = broken.metadata["dagster/code_references"]
    assert isinstance(references, dg.CodeReferencesMetadataValue)
    assert {reference.line_number for reference in references.code_references} == {2, 4}  # type: ignore[union-attr]


def test_a_run_of_a_broken_workflow_fails_with_the_error(
    project: SampleProject, dev: Callable[..., dg.Definitions]
) -> None:
    path = project.write("broken.py", BROKEN)
    job = dev().resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance,
            partition_key="2024-02-01-03:00",
            asset_selection=[dg.AssetKey("broken")],
            raise_on_error=False,
        )
    (failure,) = (event.step_failure_data for event in result.all_events if event.is_step_failure)
    assert failure.user_failure_data is not None
    assert str(failure.user_failure_data.description).startswith(f"{path}:2: ")


def test_the_page_of_the_code_location_lists_what_did_not_load(
    project: SampleProject, dev: Callable[..., dg.Definitions]
) -> None:
    project.write("broken.py", BROKEN)
    project.write("computed.py", HEAD + "@cascade_ingestion(table_name=str(Row), unique_key='id')\ndef rows(): ...\n")
    assert keys(dev()) == {"broken"}
    shown = DagsterLibraryRegistry.get()
    assert shown["cascade-workflows"]
    assert "missing_library" in shown[f"not loaded: {project.package}/broken.py:2"]
    assert "validation_schema" in shown[f"not loaded: {project.package}/computed.py:7"]


def test_a_failing_package_breaks_the_workflows_below_it_and_runs_once(
    project: SampleProject, dev: Callable[..., dg.Definitions]
) -> None:
    project.write("area/__init__.py", "open('runs', 'a').write('.')\nraise RuntimeError('no luck')\n")
    project.write("area/inner/__init__.py", "")
    project.write("area/inner/good.py", GOOD)
    assert keys(dev()) == {"good"}
    assert "no luck" in str(spec(dev(), "good").description)
    project.root.joinpath("runs").unlink()
    load_contents(None, CascadeConfig.from_user_config())
    assert project.root.joinpath("runs").read_text() == "."


def test_dependents_of_a_broken_workflow_stay_linked(
    project: SampleProject, dev: Callable[..., dg.Definitions]
) -> None:
    project.write("broken.py", BROKEN.replace('deps=["good"], ', ""))
    project.write("by_key.py", GOOD.replace("partitions=None", "partitions=None, deps=['broken']"))
    for name, written in (("a", "rows"), ("b", "rows.asset"), ("c", "dg.AssetKey(['broken'])")):
        project.write(
            f"{name}.py",
            "import dagster as dg\n"
            + GOOD.replace('"good"', f'"{name}"')
            .replace("partitions=None", f"partitions=None, deps=[{written}]")
            .replace(HEAD, HEAD + "from .broken import rows\n"),
        )
    project.write(
        "plain.py", "import dagster as dg\nfrom .broken import rows\n\n@dg.asset(deps=[rows])\ndef own(): ...\n"
    )
    definitions = dev()
    graph = definitions.resolve_asset_graph()
    children = {key.to_user_string() for key in graph.get(dg.AssetKey("broken")).child_keys}
    assert children == {"good", "a", "b", "c", "own"}
    assert spec(definitions, "own").kinds == {"python", "broken"}


def test_a_broken_workflow_depends_on_one_that_loads(
    project: SampleProject, dev: Callable[..., dg.Definitions]
) -> None:
    project.write("good.py", GOOD)
    project.write(
        "broken.py",
        BROKEN.replace('deps=["good"]', "deps=[good]").replace(
            "missing", "from_good\nfrom .good import good\nfrom missing", 1
        ),
    )
    broken = spec(dev(), "broken")
    assert [dep.asset_key for dep in broken.deps] == [dg.AssetKey("good")]


def test_a_wrong_decorator_breaks_only_what_its_module_declares(
    project: SampleProject, dev: Callable[..., dg.Definitions]
) -> None:
    project.write("good.py", GOOD)
    project.write(
        "wrong.py",
        GOOD.replace("good", "first")
        + GOOD.replace(HEAD, "").replace("good", "second").replace("partitions=None", "partitions='yearly'"),
    )
    definitions = dev()
    assert keys(definitions) == {"good", "first", "second"}
    assert "yearly" in str(spec(definitions, "second").description)
    assert spec(definitions, "second").partitions_def is not None
    assert spec(definitions, "first").partitions_def is None
    assert "broken" not in spec(definitions, "good").kinds


@pytest.mark.parametrize(
    ("argument", "kinds"),
    [("freshness_hours=0.001", {"python", "iceberg", "broken"}), ("deps=[dg.Definitions()]", {"broken"})],
    ids=["stand-in with all that is known", "stand-in with nothing but the key"],
)
def test_a_workflow_that_dagster_refuses_stays_in_the_lineage(
    project: SampleProject, dev: Callable[..., dg.Definitions], argument: str, kinds: set[str]
) -> None:
    text = "import dagster as dg\n" + GOOD.replace("partitions=None", f"partitions=None, {argument}")
    path = project.write("good.py", text)
    assert spec(dev(), "good").kinds == kinds
    with pytest.raises(DeclarationError) as caught:
        build_definitions_strictly()
    assert str(caught.value.location) == f"{path}:9"


def build_definitions_strictly() -> dg.Definitions:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CASCADE_KEEP_GOING")
        return build_definitions()


def test_a_key_that_another_asset_has_is_not_taken(project: SampleProject, dev: Callable[..., dg.Definitions]) -> None:
    project.write("broken.py", BROKEN)
    project.write("plain.py", "import dagster as dg\n\n@dg.asset\ndef broken(): ...\n")
    assert "broken" not in spec(dev(), "broken").kinds


@pytest.mark.parametrize(
    ("right", "wrong", "shown"),
    [
        ('"broken"', '"a-b"', set()),
        ('"broken"', '"broken__quarantine"', set()),
        ('tags={"source": "gauge"}', 'tags="gauge"', {"broken"}),
        ('partition_start="2024-02-01"', 'partition_start="soon"', {"broken"}),
        ('group="water"', 'group="w a"', {"broken"}),
        ('deps=["good"]', 'deps="good"', {"broken"}),
    ],
)
def test_a_wrong_argument_does_not_hide_the_other_workflows(
    project: SampleProject, dev: Callable[..., dg.Definitions], right: str, wrong: str, shown: set[str]
) -> None:
    project.write("good.py", GOOD)
    project.write("broken.py", BROKEN.replace(right, wrong))
    assert keys(dev()) == {"good", *shown}


def test_broken_workflows_in_a_cycle_are_shown_without_their_dependencies(
    project: SampleProject, dev: Callable[..., dg.Definitions]
) -> None:
    project.write("broken.py", BROKEN)
    project.write("other.py", BROKEN.replace('"broken"', '"good"').replace('deps=["good"]', 'deps=["broken"]'))
    definitions = dev()
    assert keys(definitions) == {"good", "broken"}
    assert not [*spec(definitions, "broken").deps]


def test_without_dev_a_broken_module_is_an_error(project: SampleProject) -> None:
    project.write("broken.py", BROKEN)
    with pytest.raises(DiscoveryError, match="missing_library"):
        build_definitions()
