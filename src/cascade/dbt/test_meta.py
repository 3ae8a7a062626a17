"""Mistakes in what models and sources say to Cascade."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cascade.dbt.conftest import write_files
from cascade.dbt.meta import meta_problems

YAML = """\
models:
  - name: other
    config: {meta: {cascade: {publish: postgres}}}
  - name: daily
    config:
      meta:
        cascade:
          publsh: postgres
          publish: postgre
sources:
  - name: raw
    tables:
      - name: things
        meta: {cascade: {externl: true, external: "yes"}}
"""


def node(kind: str, name: str, cascade: Any, **more: Any) -> dict[str, Any]:
    return {
        "unique_id": f"{kind}.shop.{name}",
        "resource_type": kind,
        "name": name,
        "schema": "main",
        "fqn": ["shop", name],
        "package_name": "shop",
        "original_file_path": f"models/{name}.sql",
        "patch_path": "shop://models/all.yml" if kind == "model" else None,
        "config": {"meta": {} if cascade is None else {"cascade": cascade}},
        **more,
    }


def problems(root: Path, *nodes: dict[str, Any]) -> list[str]:
    by_kind = {
        "nodes": {each["unique_id"]: each for each in nodes if each["resource_type"] != "source"},
        "sources": {each["unique_id"]: each for each in nodes if each["resource_type"] == "source"},
    }
    found = meta_problems({**by_kind, "metadata": {"project_name": "shop"}}, root)
    return [f"{problem.file.relative_to(root)}:{problem.line}: {problem.message}" for problem in found]


def test_unknown_options_and_values_have_a_line_and_a_suggestion(tmp_path: Path) -> None:
    write_files(tmp_path, {"models/all.yml": YAML})
    raw = {"source_name": "raw", "original_file_path": "models/all.yml"}
    assert problems(
        tmp_path,
        node("model", "other", {"publish": "postgres"}),
        node("model", "plain", None),
        node("model", "daily", {"publsh": "postgres", "publish": "postgre"}),
        node("source", "things", {"externl": True, "external": "yes"}, **raw),
    ) == [
        'models/all.yml:8: dbt: meta.cascade of the model daily: "publsh" is not an option. Did you mean "publish"?',
        'models/all.yml:9: dbt: meta.cascade.publish of the model daily: "postgre" is not a place to publish to. '
        'The only one is "postgres".',
        'models/all.yml:14: dbt: meta.cascade of the source raw.things: "externl" is not an option. '
        'Did you mean "external"?',
        "models/all.yml:14: dbt: meta.cascade of the source raw.things: external is 'yes'. Write true or false.",
    ]


def test_the_sql_of_a_model_has_the_line_if_it_says_so_itself(tmp_path: Path) -> None:
    write_files(tmp_path, {"models/daily.sql": "{{ config(\n  meta={'cascade': {'publis': 'postgres'}}) }}\nselect 1"})
    (found,) = problems(tmp_path, node("model", "daily", {"publis": "postgres"}, patch_path=None))
    assert found.startswith("models/daily.sql:2: dbt: meta.cascade of the model daily")


@pytest.mark.parametrize("said", ["postgres", True, ["publish"]])
def test_what_is_no_mapping(tmp_path: Path, said: object) -> None:
    (found,) = problems(tmp_path, node("model", "daily", said))
    assert found == f"models/daily.sql:1: dbt: meta.cascade of the model daily: {said!r} is not a mapping of options."


def test_what_packages_say_is_theirs(tmp_path: Path) -> None:
    assert problems(tmp_path, node("model", "daily", {"publsh": 1}, package_name="other")) == []
