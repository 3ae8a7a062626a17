"""The goal that prints what a change touches."""

from __future__ import annotations

import json

import pytest

from cascade_pants.affected.testing import Place, affected_rules
from cascade_pants.goals import affected
from cascade_pants.goals.affected import CascadeAffected
from cascade_pants.goals.projects import WRONG_USE
from cascade_pants.testing import RUNTIME, rule_runner, workflow

OPTIONS = [
    "--source-root-patterns=['src']",
    "--python-interpreter-constraints=['>=3.9,<3.14']",
    "--python-infer-use-rust-parser=true",
]
SCHEMA = "src/workflows/weather/schema.py"


@pytest.fixture(scope="module")
def repository() -> Place:
    files = {**RUNTIME, **workflow("weather", "weather"), "BUILD": "cascade_project(name='dev')", "README.md": ""}
    made = Place(rule_runner([*affected_rules(), *affected.rules()]), files)
    made.runner.write_files({SCHEMA: "class Row: x: int\n", "README.md": "a|b"})
    return made


def run(repository: Place, *arguments: str) -> tuple[int, str, str]:
    done = repository.runner.run_goal_rule(CascadeAffected, args=arguments, global_args=OPTIONS)
    return done.exit_code, done.stdout, done.stderr


def test_as_json(repository: Place) -> None:
    code, out, _ = run(repository, "--since=main", "--format=json")
    assert code == 0
    document = json.loads(out)
    assert (document["version"], document["since"], len(document["base"])) == (1, "main", 40)
    assert document["changes"] == [
        {"path": "README.md", "status": "modified", "untouching": "no target owns it"},
        {"path": SCHEMA, "status": "modified", "untouching": None},
    ]
    (project,) = document["projects"]
    assert (project["address"], project["name"], project["pex"]) == ("//:dev", "dev", "dist/dev.pex")
    assert project["reasons"] == [
        {"what": SCHEMA, "how": "modified"},
        {"what": SCHEMA, "how": "belongs to it"},
        {"what": "src/workflows/weather/observations.py", "how": "depends on it"},
        {"what": "//:dev", "how": "loads it"},
    ]
    (asset,) = document["assets"]
    assert (asset["table"], asset["key"], asset["projects"]) == ("raw.weather", "weather", ["//:dev"])
    assert asset["place"] == "src/workflows/weather/observations.py:4"


def test_as_text(repository: Place) -> None:
    _, out, _ = run(repository, "--since=main")
    first, *lines = out.splitlines()
    assert first.startswith("2 files differ from main, ")
    assert first.endswith(". Affected: 1 project, 1 asset, 1 test.")
    assert lines[:4] == [
        "",
        "Projects (1)",
        "  //:dev (dist/dev.pex)",
        f"    {SCHEMA} (modified) > src/workflows/weather/observations.py > //:dev",
    ]
    assert lines[-1] == "  README.md: no target owns it"


def test_as_markdown(repository: Place) -> None:
    _, out, _ = run(repository, "--since=main", "--format=markdown")
    reasons = f"{SCHEMA} (modified) > src/workflows/weather/observations.py"
    assert f"| assets (1) | because |\n|---|---|\n| `raw.weather` | {reasons} |\n" in out


@pytest.mark.parametrize("name", ["raw.weather", "weather"])
def test_why(repository: Place, name: str) -> None:
    code, out, _ = run(repository, "--since=main", f"--explain={name}")
    assert code == 0
    assert out.splitlines() == [
        f"{name} is affected by 1 changed file.",
        "",
        f"  {SCHEMA} (modified)",
        f"    {SCHEMA}: belongs to it",
        "    src/workflows/weather/observations.py: depends on it",
    ]


def test_why_not(repository: Place) -> None:
    assert run(repository, "--since=main", "--explain=src/cascade/ingestion.py") == (
        0,
        "src/cascade/ingestion.py is not affected.\n",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Say what to compare with, such as"),
        (("--since=origin/main",), "--since='origin/main' names no commit of this repository"),
        (("--since=main", "--explain=raw.wether"), "names nothing in this repository"),
        (("--since=main", "--explain=raw.wether"), "Did you mean 'raw.weather'?"),
    ],
)
def test_wrong_use(repository: Place, arguments: tuple[str, ...], message: str) -> None:
    code, out, error = run(repository, *arguments)
    assert (code, out) == (WRONG_USE, "")
    assert message in error
