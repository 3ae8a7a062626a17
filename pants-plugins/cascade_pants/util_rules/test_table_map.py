"""The map from tables to the workflows that declare them."""

from __future__ import annotations

from pants.testutil.rule_runner import QueryRule

from cascade_pants.testing import RUNTIME, project_rules, rule_runner, workflow
from cascade_pants.util_rules import table_map
from cascade_pants.util_rules.table_map import TableMap


def test_every_table_of_the_repository_with_its_places_and_projects() -> None:
    runner = rule_runner([*project_rules(), *table_map.rules(), QueryRule(TableMap, [])])
    runner.write_files(
        {
            "BUILD": "cascade_project(name='all')\ncascade_project(name='b', workflows=['src/workflows/b'])\n"
            "cascade_project(name='wrong', workflows=['src/workflows/missing'])\n",
            **RUNTIME,
            **workflow("a", "shared"),
            **workflow("b", "shared"),
            **workflow("c", "own"),
        }
    )
    tables = runner.request(TableMap, [])
    found = {table: [str(one) for one in places] for table, places in tables.by_table.items()}
    assert found == {
        "raw.own": ["src/workflows/c/observations.py:4 (src/workflows/c:c)"],
        "raw.shared": [
            "src/workflows/a/observations.py:4 (src/workflows/a:a)",
            "src/workflows/b/observations.py:4 (src/workflows/b:b)",
        ],
    }
    first, second = tables.by_table["raw.shared"]
    assert [str(project) for project in first.projects] == ["//:all"]
    assert [str(project) for project in second.projects] == ["//:all", "//:b"]
    assert tables.places(outside="src/workflows/a") == {
        "raw.own": "src/workflows/c/observations.py:4 (//:all)",
        "raw.shared": "src/workflows/b/observations.py:4 (//:all, //:b)",
    }
