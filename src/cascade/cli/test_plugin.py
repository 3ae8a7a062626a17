"""`plugin` loads what is installed, and says what each plugin adds or what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cascade.cli.conftest import Cascade, cascade
from cascade.framework.conftest import THINGS, Plugins, SampleProject, plugins, project

__all__ = ["cascade", "plugins", "project"]

KAFKA = '''
    from cascade.plugins import SourceFiles, SourceRequest

    class Kafka:
        description = "topics of Kafka"

        def render(self, request: SourceRequest) -> SourceFiles:
            asset = f"""\\
    from __future__ import annotations

    from cascade import cascade_ingestion

    from {request.schema_module} import {request.schema}


    {request.decorator}
    def {request.asset}(partition_date: str) -> list[dict[str, object]]:
        \\'\\'\\'The rows of a day.\\'\\'\\'
        return [row for row in {list(request.rows)!r} if row[{request.day_column!r}] == partition_date]
    """
            test = f"""\\
    from __future__ import annotations

    from cascade.testing import test_workflow

    from {request.asset_module} import {request.asset}


    def test_rows_land() -> None:
        assert test_workflow({request.asset}, partition="{request.first_day}").rows.num_rows == {len(request.rows)}
    """
            return SourceFiles(asset, test, {"topics.txt": "quotes"})
'''
RULES = """
    from cascade.quality import NotNull, Range

    class Rules:
        '''Every key is set.'''

        blocking = {blocking}

        def checks(self, table):
            return [*map(NotNull, table.unique_key), Range({column!r}, min={minimum})]
"""
VAULT = """
    from pyiceberg.catalog import load_catalog

    def open(name, properties):
        file = properties["uri"].removeprefix("vault://")
        return load_catalog(name, type="sql", uri=f"sqlite:///{file}", warehouse=properties["warehouse"])
"""


def install_all(plugins: Plugins) -> None:
    plugins.install("acme-kafka", "sources", "kafka", "acme_kafka:Kafka", KAFKA)
    plugins.install("acme-rules", "quality", "rules", "acme_rules:Rules", rules())
    plugins.install("acme-vault", "catalogs", "vault", "acme_vault:open", VAULT)
    lineage = "from cascade.contributor import Contributor\n\nclass Lineage(Contributor): ...\n"
    plugins.install("acme-lineage", "transforms", "lineage", "acme_lineage:Lineage", lineage)
    count = "import click\n\n@click.command(short_help='Count.')\ndef count(): ...\n"
    plugins.install("acme-count", "commands", "count", "acme_count:count", count)
    plugins.install("acme-api", "resources", "api", "acme_api:api", "def api(config): return 1\n")


def rules(blocking: bool = True, column: str = "value", minimum: int = 0) -> str:
    return RULES.format(blocking=blocking, column=column, minimum=minimum)


def test_every_kind_of_plugin_is_listed_with_what_it_adds(cascade: Cascade, plugins: Plugins) -> None:
    install_all(plugins)
    found = {each["name"]: each for each in cascade.json("plugin", "list")["plugins"]}
    assert {name: (each["kind"], each["state"], each["adds"]) for name, each in found.items()} == {
        "kafka": ("source", "ok", "create-workflow --source kafka: topics of Kafka"),
        "rules": ("quality", "ok", "checks of tables, which block: Every key is set"),
        "vault": ("catalog", "ok", "catalogs at vault://"),
        "lineage": ("contributor", "ok", "definitions and problems"),
        "count": ("command", "ok", "the command count: Count."),
        "api": ("resource", "ok", "the resource api"),
    }
    assert found["kafka"]["distribution"] == "acme-kafka"
    assert found["kafka"]["version"] == "1.0"
    assert found["kafka"]["group"] == "cascade.plugins.sources"
    checked = cascade("plugin", "check")
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert checked.stdout.endswith("6 plugins work.\n")
    shown = cascade("plugin", "info", "Acme.Kafka")
    assert shown.exit_code == 0
    assert "object        acme_kafka:Kafka\n" in shown.stdout


def test_a_broken_plugin_is_named_and_hides_no_other(cascade: Cascade, plugins: Plugins) -> None:
    install_all(plugins)
    plugins.install(
        "acme-broken", "sources", "broken", "acme_broken:Broken", "raise RuntimeError('?password=hunter2')\n"
    )
    listed = cascade("plugin", "list")
    assert listed.exit_code == 0
    assert 'The source "broken" of acme-broken does not load: RuntimeError: ?password=****' in listed.stderr
    assert "hunter2" not in listed.output
    assert "acme-kafka" in listed.stdout
    checked = cascade("plugin", "check")
    assert checked.exit_code == 1
    assert "ok      acme-kafka: source kafka\n" in checked.stdout
    assert "acme_broken.py:1" in checked.stderr
    assert cascade("plugin", "check", "kafka").exit_code == 0
    assert cascade("plugin", "check", "acme-broken").exit_code == 1
    assert cascade.json("plugin", "check")["state"] == "broken"


@pytest.mark.parametrize(
    ("group", "name", "source", "reason"),
    [
        ("sources", "file", "x = 1", "is left out, because Cascade has a source or a type of that name"),
        ("sources", "My_Source", "x = 1", "small letters, digits and hyphens"),
        ("sources", "kafka", "x = 1", "is not a cascade.plugins.SourcePlugin: it needs a description and render()"),
        ("quality", "rules", "class x: blocking = True", "is not a cascade.plugins.QualityPlugin: it lacks checks"),
        ("quality", "rules", "class x:\n    blocking = 1\n    def checks(self, table): ...", "not True or False"),
        ("quality", "rules", "class x:\n    def __init__(self, a): ...", "cannot be created: TypeError: "),
        ("catalogs", "sqlite", "def x(name, properties): ...", "Cascade opens catalogs at sqlite: itself"),
        ("catalogs", "vault", "x = 1", "is of the type int, not a function that opens a catalog"),
        ("transforms", "lineage", "x = 1", "is not a cascade.contributor.Contributor: it lacks contribute"),
        ("commands", "list", "import click\nx = click.Command('x')", "Cascade has a command of that name"),
        ("commands", "two words", "import click\nx = click.Command('x')", "cannot be typed as one word"),
        ("commands", "--force", "import click\nx = click.Command('x')", "cannot be typed as one word"),
        ("resources", "lakehouse", "def x(config): ...", "Cascade has a resource of that name"),
        ("resources", "api", "x = 1", "is of the type int, not a Dagster resource or a function of CascadeConfig"),
    ],
)
def test_what_is_wrong_with_a_plugin_is_said(
    cascade: Cascade, plugins: Plugins, group: str, name: str, source: str, reason: str
) -> None:
    plugins.install("acme", group, name, "acme_wrong:x", f"{source}\n")
    result = cascade("plugin", "check")
    assert result.exit_code == 1
    assert f'"{name}" of acme ' in result.stderr
    assert reason in result.stderr


def test_a_group_that_nothing_reads_is_an_error_of_the_check(cascade: Cascade, plugins: Plugins) -> None:
    plugins.install("acme", "source", "kafka", "acme_wrong:x", "x = 1\n")
    result = cascade("plugin", "check")
    assert result.exit_code == 1
    assert "acme has entry points in the group cascade.plugins.source, which Cascade does not read." in result.stderr
    assert 'Did you mean "cascade.plugins.sources"?' in result.stderr
    assert cascade("plugin", "list").exit_code == 0


def test_an_unknown_name_is_answered_with_the_nearest(cascade: Cascade, plugins: Plugins) -> None:
    assert cascade("plugin", "list").stdout == "No plugin is installed in this environment.\n"
    install_all(plugins)
    result = cascade("plugin", "info", "kafak")
    assert result.exit_code == 2
    assert 'Did you mean "kafka"?' in result.stderr


def test_a_workflow_from_the_source_of_a_plugin(cascade: Cascade, project: SampleProject, plugins: Plugins) -> None:
    install_all(plugins)
    words = ("create-workflow", "--source", "kafka", "--domain", "quotes", "--key", "symbol")
    made = cascade(*words)
    assert made.exit_code == 0, made.output
    directory = project.root / project.package / "ingestion/quotes"
    assert (directory / "topics.txt").read_text() == "quotes"
    assert "class QuotesObservation" in (project.root / project.package / "schemas/quotes.py").read_text()
    assert made.stdout.rstrip().endswith("test --workflow quotes")
    (workflow,) = cascade.json("list")["workflows"]
    assert workflow["table"] == "raw.quotes_observations"
    assert workflow["unique_key"] == ["symbol"]
    done = cascade("materialize", "quotes_observations", "--partition", "2024-01-01")
    assert done.exit_code == 0, done.output
    assert "Did you mean 'kafka'" in cascade(*words[:1], "--source", "kafak", "--domain", "a").stderr.replace('"', "'")
    assert cascade(*words[:1], "--type", "kafka", "--domain", "b", "--dry-run").exit_code == 0


@pytest.mark.parametrize(
    ("render", "reason"),
    [
        ("raise ValueError('no topics')", "fails: ValueError: no topics"),
        ("return 1", "returns int from render, which must return SourceFiles"),
        ("return SourceFiles('def', '')", "writes Python for the asset that does not compile"),
        ("return SourceFiles('', '', {'../../x': ''})", "not a path below the directory of the workflow"),
        ("return SourceFiles('', '', {'/etc/x': ''})", "not a path below the directory of the workflow"),
        ("return SourceFiles('', '', {'x.py': ''})", "its Python goes into the asset and the test"),
    ],
)
def test_a_source_that_fails_writes_nothing(
    cascade: Cascade, project: SampleProject, plugins: Plugins, render: str, reason: str
) -> None:
    source = f"""
        from cascade.plugins import SourceFiles

        class Wrong:
            description = "wrong"

            def render(self, request):
                {render}
    """
    plugins.install("acme-wrong", "sources", "wrong", "acme_wrong:Wrong", source)
    before = sorted(project.root.rglob("*"))
    result = cascade("create-workflow", "--source", "wrong", "--domain", "quotes")
    assert result.exit_code == 1
    assert f'The source "wrong" of acme-wrong {reason}' in result.stderr or reason in result.stderr
    assert sorted(project.root.rglob("*")) == before


def test_the_checks_of_a_plugin_judge_every_table(cascade: Cascade, project: SampleProject, plugins: Plugins) -> None:
    project.write("things.py", THINGS)
    plugins.install("acme-rules", "quality", "acme-rules", "acme_rules:Rules", rules(column="id", minimum=10_000))
    refused = cascade("materialize", "things", "--partition", "2024-01-01")
    assert refused.exit_code == 1
    assert "acme_rules__range_id" in refused.output
    assert "acme_rules__not_null_id" in cascade("materialize", "things", "--partition", "2024-01-01", "--json").stdout


def test_a_check_of_a_plugin_that_does_not_block_lets_the_rows_land(
    cascade: Cascade, project: SampleProject, plugins: Plugins
) -> None:
    project.write("things.py", THINGS)
    plugins.install("acme-rules", "quality", "rules", "acme_rules:Rules", rules(False, "id", 10_000))
    done = cascade("materialize", "things", "--partition", "2024-01-01")
    assert done.exit_code == 0, done.output
    assert "rules__range_id" in done.output


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (rules(column="celsius"), "returns wrong checks for raw.things: "),
        (
            "class Rules:\n    blocking = True\n    def checks(self, table): return [1]\n",
            "is not a check of cascade.qual",
        ),
        (
            "class Rules:\n    blocking = True\n    def checks(self, table): raise KeyError(1)\n",
            "fails for raw.things: Key",
        ),
        (
            "class Rules:\n    blocking = True\n    def checks(self, table): return 1\n",
            "fails for raw.things: TypeError",
        ),
        ("raise RuntimeError('no license')\n", "does not load: RuntimeError: no license"),
    ],
)
def test_checks_of_a_plugin_that_fail_to_load_lose_no_run(
    cascade: Cascade, project: SampleProject, plugins: Plugins, source: str, reason: str
) -> None:
    project.write("things.py", THINGS)
    plugins.install("acme-rules", "quality", "rules", "acme_rules:Rules", source)
    done = cascade("materialize", "things", "--partition", "2024-01-01")
    assert done.exit_code == 0, done.output
    assert "warning: not loaded: " in done.stderr
    assert 'quality plugin "rules" of acme-rules ' in done.stderr
    assert reason in done.stderr
    assert 'quality plugin "rules" of acme-rules ' in cascade("validate").stdout


def test_checks_that_fail_for_one_table_still_judge_the_others(
    cascade: Cascade, project: SampleProject, plugins: Plugins
) -> None:
    project.write("things.py", THINGS)
    project.write("more.py", THINGS.replace('"things"', '"more"'))
    source = rules(column="id", minimum=10_000).replace(
        "return [", "if table.table_name == 'more':\n                raise KeyError('x')\n            return ["
    )
    plugins.install("acme-rules", "quality", "rules", "acme_rules:Rules", source)
    assert cascade("materialize", "more", "--partition", "2024-01-01").exit_code == 0
    refused = cascade("materialize", "things", "--partition", "2024-01-01")
    assert refused.exit_code == 1
    assert "fails for raw.more: KeyError: 'x'" in refused.stderr


def test_a_catalog_of_a_plugin_holds_the_tables(
    cascade: Cascade, project: SampleProject, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("things.py", THINGS)
    plugins.install("acme-vault", "catalogs", "vault", "acme_vault:open", VAULT)
    monkeypatch.setenv("CASCADE_ICEBERG_CATALOG", f"vault://{project.root}/vault.db")
    monkeypatch.setenv("CASCADE_ICEBERG_WAREHOUSE", str(project.root / "house"))
    done = cascade("materialize", "things", "--partition", "2024-01-01")
    assert done.exit_code == 0, done.output
    assert (project.root / "vault.db").is_file()
    assert "raw.things" in cascade("table", "list").stdout
    assert "ok" in cascade("doctor").stdout


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise OSError('refused')", "cannot open the catalog: OSError: refused"),
        ("return 1", "returns int, not a pyiceberg Catalog"),
    ],
)
def test_a_catalog_that_does_not_open_is_an_error_with_the_distribution(
    cascade: Cascade,
    project: SampleProject,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    reason: str,
) -> None:
    plugins.install("acme-vault", "catalogs", "vault", "acme_vault:open", f"def open(name, properties):\n    {body}\n")
    monkeypatch.setenv("CASCADE_ICEBERG_CATALOG", "vault://x:secret@host")
    result = cascade("table", "list")
    assert result.exit_code == 1
    assert f'The catalog "vault" of acme-vault {reason}' in result.stderr
    assert "Correct CASCADE_ICEBERG_CATALOG" in result.stderr
    assert "secret" not in result.output


def test_a_new_plugin_is_written_once(cascade: Cascade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "ein Ort"
    place.mkdir()
    monkeypatch.chdir(place)
    shown = cascade("plugin", "new", "acme-cascade", "--dry-run")
    assert shown.exit_code == 0
    assert '[project.entry-points."cascade.plugins.commands"]' in shown.stdout
    assert not any(place.iterdir())
    made = cascade.json("plugin", "new", "acme-cascade", "--kind", "quality", "--kind", "quality", "--kind", "source")
    assert made["kinds"] == ["quality", "source"]
    assert made["next"][0] == "cd acme-cascade"
    assert (place / "acme-cascade/src/acme_cascade/quality.py").is_file()
    again = cascade("plugin", "new", "acme-cascade")
    assert again.exit_code == 2
    assert f"The directory {place}/acme-cascade is not empty." in again.stderr
    forced = cascade("plugin", "new", "acme-cascade", "--kind", "quality", "--kind", "source", "--force")
    assert forced.exit_code == 0
    assert "Unchanged: acme-cascade/pyproject.toml" in forced.stdout


def test_a_new_plugin_in_a_repository_of_pants_has_build_files(
    cascade: Cascade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pants.toml").touch()
    (tmp_path / "pants").touch()
    monkeypatch.chdir(tmp_path)
    made = cascade("plugin", "new", "libs/acme-cascade", "--kind", "source", "--kind", "quality")
    assert made.exit_code == 0, made.output
    assert made.stdout.endswith("\nNext:\n  ./pants test libs/acme-cascade::\n")
    assert 'cascade_project(..., plugins=["libs/acme-cascade:dist"])' in made.stdout
    root = tmp_path / "libs/acme-cascade"
    calls: dict[str, dict[str, Any]] = {}
    names = {"python_distribution": lambda **given: calls.update(dist=given), "python_artifact": dict}
    exec((root / "BUILD").read_text(), names)
    assert calls["dist"]["provides"] == {"name": "acme-cascade", "version": "0.1.0"}
    assert calls["dist"]["entry_points"] == {
        "cascade.plugins.sources": {"acme": "acme_cascade.source:Source"},
        "cascade.plugins.quality": {"acme": "acme_cascade.quality:Quality"},
    }
    assert (root / "src/acme_cascade/BUILD").read_text() == "python_sources()\n"


@pytest.mark.parametrize("name", ["dagster", "-x", "a\x00b", "日本"])
def test_a_name_that_no_distribution_can_have_is_refused(
    cascade: Cascade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place = tmp_path / ".hidden"
    place.mkdir()
    monkeypatch.chdir(place)
    result = cascade("plugin", "new", "--", name)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert not any(place.iterdir())


def test_an_empty_name_is_not_that_of_this_directory(
    cascade: Cascade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    result = cascade("plugin", "new", "")
    assert result.exit_code == 2 and "needs a name" in result.stderr
    assert not any(place.iterdir())


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("cascade-list", "command", 'cascade-list = "cascade_list.command:command"'),
        ("cascade-glue", "catalog", 'cascade-glue = "cascade_glue.catalog:open_catalog"'),
        ("cascade-lakehouse", "resource", 'cascade_lakehouse = "cascade_lakehouse.resource:api"'),
    ],
)
def test_a_new_plugin_does_not_take_a_name_of_cascade(
    cascade: Cascade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert line in cascade("plugin", "new", name, "--kind", kind, "--dry-run").stdout


def test_a_file_in_the_way_is_an_error(cascade: Cascade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme").write_text("mine")
    result = cascade("plugin", "new", "acme")
    assert result.exit_code == 2
    assert "Nothing was written." in result.stderr
    assert (tmp_path / "acme").read_text() == "mine"
