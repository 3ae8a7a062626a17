"""The names of the schemas in which dbt builds the models of branches on Trino."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

from cascade.config import CascadeConfig
from cascade.dbt.trino_schema import branch_schema, ci_branch_of, is_within, trino_schema
from cascade.table_ref import ci_branch_age, ci_branch_name


def settings(tmp_path: Path, branch: str = "main") -> CascadeConfig:
    return CascadeConfig(project_root=tmp_path, trino_host="trino", trino_schema="Marts", branch=branch)


def test_main_builds_in_the_schema_of_the_settings(tmp_path: Path) -> None:
    assert trino_schema(settings(tmp_path)) == "Marts"


def test_no_branch_has_a_schema_of_main_or_of_another_branch(tmp_path: Path) -> None:
    config = settings(tmp_path)
    names = ["me", "Me", "me_gold", "me-gold", "gold", "x" * 64, "x" * 63, ci_branch_name(), ci_branch_name()]
    schemas = [branch_schema(config, name) for name in names]
    # dbt names the schema of a model that sets `schema: gold` like this.
    of_main = ["marts", "marts_gold", "marts_me", "marts_me_gold"]
    assert not any(is_within(schema, own) for own in schemas for schema in of_main)
    for one, other in permutations(schemas, 2):
        assert not is_within(one, other) and not is_within(f"{one}_gold", other)
    assert all(is_within(own, own) and is_within(f"{own.upper()}_gold", own) for own in schemas)
    assert all(own.isascii() and own == own.lower() and len(own) < 128 for own in schemas)


def test_the_schema_of_a_run_of_ci_says_when_it_began(tmp_path: Path) -> None:
    branch = ci_branch_name()
    config = settings(tmp_path, branch)
    for schema in (trino_schema(config), f"{trino_schema(config)}_gold"):
        found = ci_branch_of(config, schema)
        assert found == branch.lower()
        assert ci_branch_age(found, 0.0) == ci_branch_age(branch, 0.0) is not None
    for other in ("marts", "marts_ci_gold", "marts__ci_gold", f"other__{branch.lower()}", branch_schema(config, "me")):
        assert ci_branch_of(config, other) is None
