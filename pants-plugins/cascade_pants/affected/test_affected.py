"""What changes of a small repository touch, rule by rule."""

from __future__ import annotations

import pytest

from cascade_pants.affected.testing import Place, names, place, reason
from cascade_pants.testing import RUNTIME, ingestion, workflow

WEATHER, RIVERS, BOTH = "//:weather", "//:rivers", ["//:all", "//:rivers"]
FILES = {
    **RUNTIME,
    **workflow("weather", "weather"),
    **workflow("rivers", "rivers"),
    "BUILD": (
        "cascade_project(name='all')\n"
        "cascade_project(name='weather', workflows=['src/workflows/weather'])\n"
        "cascade_project(name='rivers', workflows=['src/workflows::', '!src/workflows/weather'])\n"
    ),
    "README.md": "",
    "src/shared/BUILD": "python_sources()",
    "src/shared/units.py": "METRES = 1\n",
    "src/workflows/rivers/schema.py": "from shared.units import METRES\n\nclass Row: ...\n",
    "src/workflows/rivers/query.sql": "select 1",
}


@pytest.fixture(scope="module")
def shared() -> Place:
    return place(FILES)


def test_a_file_touches_what_imports_it(repository: Place) -> None:
    found = repository.change({"src/shared/units.py": "METRES = 2\n"})
    assert names(found, "projects") == ["//:all", "//:rivers"]
    assert names(found, "assets") == ["raw.rivers"]
    assert names(found, "tests") == ["src/workflows/rivers/test_observations.py"]
    assert names(found, "artifacts") == ["//:all", "//:rivers"]
    assert reason(found, "projects", "//:rivers") == (
        "src/shared/units.py [modified] > src/shared/units.py [belongs to it]"
        " > src/workflows/rivers/schema.py [depends on it] > src/workflows/rivers/observations.py [depends on it]"
        " > //:rivers [loads it]"
    )


def test_a_project_and_a_base_touch_an_image(repository: Place) -> None:
    build = (
        f"{FILES['BUILD']}file(name='base', source='base.tar')\n"
        "cascade_image(name='image', project=':rivers', base=':base')\n"
    )
    with repository.committed({"BUILD": build, "base.tar": "old"}):
        found = repository.change({"src/shared/units.py": "METRES = 2\n"})
        assert names(found, "artifacts") == ["//:all", "//:image", "//:rivers"]
        image = next(item for item in found.report().items["artifacts"] if item.name == "//:image")
        assert image.fields == {"address": "//:image", "type": "cascade_image", "output": "dist/image.oci"}
        repository.reset()
        assert names(repository.change({"base.tar": "new"}), "artifacts") == ["//:image"]
        repository.reset()
        found = repository.change({"src/workflows/weather/schema.py": "class Row: x: int\n"})
        assert "//:image" not in names(found, "artifacts")


def test_a_file_without_a_target_touches_nothing(repository: Place) -> None:
    report = repository.change({"README.md": "new", "other file.txt": "untracked"}).report()
    assert not any(report.items.values())
    assert report.untouching == {"README.md": "no target owns it", "other file.txt": "no target owns it"}


@pytest.mark.parametrize("path", ["src/shared/units.py", "src/workflows/rivers/query.sql"])
def test_a_deleted_file_touches_what_used_it(repository: Place, path: str) -> None:
    found = repository.change({path: None})
    assert names(found, "projects") == ["//:all", "//:rivers"]
    assert names(found, "assets") == ["raw.rivers"]


def test_a_deleted_file_of_which_the_name_is_common(repository: Place) -> None:
    # The other workflow has a `schema` too.
    assert names(repository.change({"src/workflows/rivers/schema.py": None}), "projects") == ["//:all", "//:rivers"]


def test_a_contract_touches_no_asset_and_is_compared_when_its_workflow_changes(repository: Place) -> None:
    contract = "src/workflows/rivers/contracts/raw.rivers.yml"
    with repository.committed({contract: "format: 1\n"}):
        found = repository.change({contract: "format: 1\n# changed\n"})
        assert names(found, "checks") == ["contract of raw.rivers"]
        assert not any(names(found, kind) for kind in ("projects", "assets", "tests", "artifacts"))
        repository.reset()
        found = repository.change({"src/workflows/rivers/schema.py": "class Row: x: int\n"})
        assert names(found, "checks") == ["contract of raw.rivers"]
        assert reason(found, "checks", "contract of raw.rivers").endswith("[is the contract of raw.rivers]")
        repository.reset()
        found = repository.change({contract: None})
        assert not any(names(found, kind) for kind in ("projects", "assets", "tests", "artifacts"))


def test_a_deleted_package_touches_what_is_below(repository: Place) -> None:
    with repository.committed({"src/workflows/rivers/__init__.py": ""}):
        found = repository.change({"src/workflows/rivers/__init__.py": None})
        assert names(found, "assets") == ["raw.rivers"]


@pytest.mark.parametrize(
    "files",
    [
        {"src/workflows/rivers/observations.py": None, "src/workflows/rivers/test_observations.py": None},
        {"src/workflows/rivers/observations.py": "def load(): ...\n"},
        {"src/workflows/rivers/BUILD": None},
        {path: None for path in FILES if path.startswith("src/workflows/rivers/")},
        {"src/workflows/rivers/BUILD": "cascade_workflow(sources=['**/*.py', '!observations.py'])"},
    ],
    ids=["module", "decorator", "build", "directory", "sources"],
)
def test_a_project_that_loads_less(repository: Place, files: dict[str, str | None]) -> None:
    # A workflow remains that `rivers` loads.
    found = repository.change({**workflow("lakes", "lakes"), **files})
    assert set(names(found, "projects")) == {"//:all", "//:rivers"}


def test_a_moved_workflow(repository: Place) -> None:
    moved = {path.replace("/weather/", "/climate/"): text for path, text in workflow("weather", "weather").items()}
    moved = {path: text.replace("workflows.weather", "workflows.climate") for path, text in moved.items()}
    build = {"BUILD": FILES["BUILD"].replace("src/workflows/weather", "src/workflows/climate")}
    gone: dict[str, str | None] = {path: None for path in workflow("weather", "weather")}
    found = repository.change({**build, **moved, **gone})
    assert names(found, "projects") == ["//:all", "//:rivers", "//:weather"]
    assert names(found, "assets") == ["raw.weather"]


def test_a_decorator_that_another_module_no_longer_passes_on(repository: Place) -> None:
    uses = "from workflows.lakes.decorators import ours\n\n@ours(table_name='lakes')\ndef load(): return []\n"
    base = {
        "src/workflows/lakes/BUILD": "cascade_workflow()",
        "src/workflows/lakes/decorators.py": "from cascade.ingestion import cascade_ingestion as ours\n",
        "src/workflows/lakes/observations.py": uses,
    }
    with repository.committed(base):
        found = repository.change({"src/workflows/lakes/decorators.py": "def ours(**_): return lambda one: one\n"})
        assert names(found, "projects") == ["//:all", "//:rivers"]
        assert "no longer lets it load src/workflows/lakes/observations.py" in reason(found, "projects", "//:all")


def test_a_build_file_touches_the_targets_that_it_defines_otherwise(repository: Place) -> None:
    build = FILES["BUILD"].replace("name='weather', ", "name='weather',  # all of it\n ")
    report = repository.change({"BUILD": build}).report()
    assert not any(report.items.values())
    assert report.untouching == {"BUILD": "differs in comments or layout only"}
    found = repository.change({"BUILD": FILES["BUILD"].replace("name='weather',", "name='weather', layout='loose',")})
    assert names(found, "projects") == ["//:weather"]
    assert not names(found, "assets")


def test_defaults_touch_all_directories_below(repository: Place) -> None:
    found = repository.change({"src/workflows/BUILD": "__defaults__(all=dict(tags=['x']))"})
    assert names(found, "assets") == ["raw.rivers", "raw.weather"]
    assert names(found, "projects") == ["//:all", "//:rivers", "//:weather"]


@pytest.mark.parametrize("file", ["cascade_config.py", "pyproject.toml"])
def test_settings_touch_all_that_a_project_loads(repository: Place, file: str) -> None:
    # No target owns the file.
    text = "[tool.cascade]\nnamespace = 'x'\n"
    found = repository.change({file: text, f"src/workflows/{file}": text})
    assert names(found, "projects") == ["//:all", "//:rivers", "//:weather"]
    assert names(found, "assets") == ["raw.rivers", "raw.weather"]
    assert reason(found, "assets", "raw.weather").endswith(
        "//:all [has its settings] > src/workflows/weather/observations.py [runs with these settings]"
    )


def test_other_tools_may_change_pyproject(repository: Place) -> None:
    assert not names(repository.change({"pyproject.toml": "[project]\nname = 'x'\n"}), "projects")


def test_pants_itself_touches_everything(repository: Place) -> None:
    found = repository.change({"pants.toml": "[GLOBAL]\npants_version = '2.17.1'\n"})
    assert names(found, "assets") == ["raw.rivers", "raw.weather"]
    assert "configures Pants, so anything may depend on it" in reason(found, "assets", "raw.rivers")


def test_a_link_to_a_file(repository: Place) -> None:
    (repository.root / "src/workflows/rivers/linked.py").symlink_to("../../other.py")
    linked = ingestion("rivers", imports="import workflows.rivers.linked")
    with repository.committed({"src/other.py": "", "src/workflows/rivers/observations.py": linked}):
        assert names(repository.change({"src/other.py": "X = 1\n"}), "assets") == ["raw.rivers"]


def test_checks_of_a_table_that_is_touched(repository: Place) -> None:
    check = (
        "from cascade.quality import cascade_quality\n\n\n"
        "@cascade_quality(table='rivers')\ndef no_gaps(): return 'true'\n"
    )
    repository.change({"src/workflows/weather/checks.py": check})
    found = repository.change({"src/workflows/rivers/observations.py": ingestion("rivers", cron="'@daily'")})
    assert names(found, "checks") == ["no_gaps"]


def test_why_something_is_affected(repository: Place) -> None:
    found = repository.change({"src/shared/units.py": "METRES = 2\n", "src/workflows/rivers/query.sql": "select 2"})
    paths = found.paths_to("raw.rivers")
    assert paths is not None
    assert [steps[0].what for steps in paths] == ["src/shared/units.py", "src/workflows/rivers/query.sql"]
    assert found.paths_to("weather") == []
    assert found.paths_to("wether") is None
