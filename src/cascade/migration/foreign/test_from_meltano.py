"""What becomes of a Meltano project, as far as the written text shows. `cascade.cli` tests that it runs."""

from __future__ import annotations

import json

import pytest

from cascade.exceptions import UsageError
from cascade.migration.foreign.conftest import Other

PROJECT = """
    version: 1
    default_environment: dev
    include_paths: [./extract/*.meltano.yml]
    plugins:
      extractors:
      - name: tap-github
        config: {start_date: '2024-01-01', auth_token: $TOKEN}
        select: [issues.*, '!issues.body']
      - name: tap-github-two
        inherit_from: tap-github
        select: [users.*]
      loaders:
      - name: target-postgres
      mappers:
      - name: hide-mails
    jobs:
    - name: github_el
      tasks: [tap-github target-postgres dbt-postgres:run]
    schedules:
    - {name: often, interval: '0 * * * *', job: github_el}
    - {name: two, interval: '@daily', extractor: tap-github-two, loader: target-postgres}
    - {name: report, interval: '@weekly', job: nothing}
    environments:
    - name: dev
      config:
        plugins:
          extractors:
          - name: tap-github-two
            select: [teams.*]
"""

CATALOG = {
    "streams": [
        {
            "tap_stream_id": "issues",
            "key_properties": ["id"],
            "schema": {
                "properties": {
                    "id": {"type": "integer"},
                    "created_at": {"type": ["null", "string"], "format": "date-time"},
                    "body": {"type": "string"},
                    "score": {"type": ["number", "null"], "description": "How good."},
                    "labels": {"type": "array", "items": {"type": ["string"]}},
                    "user": {"type": "object"},
                }
            },
        },
        {"tap_stream_id": "users", "schema": {"properties": {"id": {"type": "integer"}}}},
    ]
}


def test_selected_streams_become_workflows_with_their_schedules(other: Other) -> None:
    other.write("meltano.yml", PROJECT)
    files = other.migrate("meltano")
    issues = files["ingestion/github/issues.py"]
    assert 'return read_singer(["meltano", "invoke", "tap-github"], stream="issues")' in issues
    assert 'cron="0 * * * *"' in issues and 'write_disposition="replace"' in issues
    teams = files["ingestion/github_two/teams.py"]
    assert '["meltano", "invoke", "tap-github-two"]' in teams and 'cron="@daily"' in teams
    assert not any("users" in path for path in files)
    said = "\n".join(other.decisions)
    assert "../other/meltano.yml:13: target-postgres is not needed" in said
    assert "../other/meltano.yml:15: hide-mails has no equivalent" in said
    assert "The schedule report runs no extractor" in said
    assert "set MELTANO_PROJECT_ROOT" in said


def test_a_catalog_gives_columns_and_keys(other: Other) -> None:
    other.write("meltano.yml", PROJECT)
    other.write("tap-github.catalog.json", json.dumps(CATALOG))
    files = other.migrate("meltano")
    assert 'unique_key="id"' in files["ingestion/github/issues.py"]
    assert files["schemas/github.py"].endswith(
        '    """A row of issues."""\n\n'
        "    id: int\n"
        "    created_at: AwareDatetime | None = None\n"
        '    score: float | None = Field(default=None, description="How good.")\n'
        "    labels: list[str] | None = None\n"
    )
    assert any("leaves out the nested user" in each for each in other.decisions)


def test_databases_are_read_by_dlt(other: Other) -> None:
    other.write(
        "meltano.yml",
        """
        plugins:
          extractors:
          - name: tap-postgres
            config: {host: db.example.com, user: reader, password: very-secret, dbname: shop}
            select: [public-orders.*, users.*]
        """,
    )
    files = other.migrate("meltano")
    assert "    return sql_table(\n" in files["ingestion/postgres/orders.py"]
    assert '        credentials=dlt.secrets["sources.postgres.credentials"],\n' in files["ingestion/postgres/orders.py"]
    assert '        table="orders",\n        schema="public",\n' in files["ingestion/postgres/orders.py"]
    assert 'table="users"' in files["ingestion/postgres/users.py"]
    said = "\n".join(other.decisions)
    assert "SOURCES__POSTGRES__CREDENTIALS=postgresql+psycopg2://reader:password@db.example.com/shop" in said
    assert "very-secret" not in said + "".join(files.values())


def test_files_that_are_included_count_and_others_outside_do_not(other: Other) -> None:
    other.write("meltano.yml", "include_paths: [./extract/*.yml, ../outside.yml]\n")
    other.write("extract/taps.yml", "plugins:\n  extractors:\n  - name: tap-x\n    select: [a.*]\n")
    other.write("../outside.yml", "plugins:\n  extractors:\n  - name: tap-y\n    select: [b.*]\n")
    files = other.migrate("meltano")
    assert "ingestion/x/a.py" in files and "ingestion/y/b.py" not in files


def test_streams_that_only_the_tap_knows_are_left_to_a_person(other: Other) -> None:
    other.write("meltano.yml", "plugins:\n  extractors:\n  - name: tap-x\n  - name: tap-y\n    select: ['*.*']\n")
    assert other.migrate("meltano") == {}
    assert [each.partition(" Type")[0] for each in other.decisions] == [
        "../other/meltano.yml:3: Only tap-x itself knows its streams.",
        "../other/meltano.yml:4: Only tap-y itself knows its streams.",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("plugins: [\n", r"meltano\.yml:2: this is not valid YAML"),
        ("- a\n", "is not a mapping"),
        ("plugins: {loaders: [{name: x}]}\n", "without extractors"),
        ("plugins: {extractors: 3}\nschedules: 4\njobs: [5]\nenvironments: 6\n", "without extractors"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(other: Other, text: str, why: str) -> None:
    other.write("meltano.yml", text)
    with pytest.raises(UsageError, match=why):
        other.migrate("meltano")


def test_a_path_without_a_project_is_refused(other: Other) -> None:
    with pytest.raises(UsageError, match=r"has no meltano\.yml"):
        other.migrate("meltano")


def test_csv_files_of_one_name_are_copied_apart(other: Other) -> None:
    entries = [{"entity": name, "path": f"extract/{name}/rows.csv", "keys": ["id"]} for name in ("cats", "dogs")]
    plugin = {"name": "tap-csv", "config": {"files": entries}}
    other.write("meltano.yml", json.dumps({"version": 1, "plugins": {"extractors": [plugin]}}))
    for name in ("cats", "dogs"):
        other.write(f"extract/{name}/rows.csv", f"id\n{name}\n")
    files = other.migrate("meltano")
    for table, copy in {"cats": "rows.csv", "dogs": "extract_dogs_rows.csv"}.items():
        assert f'"data" / "{copy}"' in files[f"ingestion/csv/{table}.py"]
        assert files[f"ingestion/csv/data/{copy}"] == f"id\n{table}\n"
