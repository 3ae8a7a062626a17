"""The code of a project, as the manifest has it."""

from __future__ import annotations

import pytest
from pants.backend.python.target_types import PythonRequirementTarget
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from cascade_pants.reader.fingerprint import fingerprint
from cascade_pants.testing import RUNTIME, ingestion, project_rules, rule_runner, set_options
from cascade_pants.util_rules.project_code import (
    BYTES,
    ProjectCode,
    ProjectCodeRequest,
    fingerprint_of,
    requirements_of,
)

ROWS = "from lib.units import hot\nimport yaml\nimport numpy\n" + ingestion("weather")
FILES = {
    **RUNTIME,
    "src/workflows/weather/BUILD": "cascade_workflow()",
    "src/workflows/weather/rows.py": ROWS,
    "src/workflows/weather/query.sql": "select 1",
    "src/workflows/weather/testdata/weather.jsonl": "{}",
    "src/workflows/weather/test_rows.py": "from workflows.weather.rows import load\n",
    "src/workflows/ocean/BUILD": "cascade_workflow()",
    "src/workflows/ocean/rows.py": ingestion("ocean"),
    "src/lib/BUILD": "python_sources()",
    "src/lib/units.py": "from lib import more\nhot = 1\n",
    "src/lib/more.py": "from cascade.framework import definitions\nimport lib.units\n",
    "3rdparty/a.lock": "pyyaml==6.0.2 \\\n    --hash=sha256:00\nnumpy==1.26.4 ; python_version < '3.12'\nnumpy==2.1\n",
    "3rdparty/BUILD": (
        "python_requirement(name='yaml', requirements=['PyYAML>=6'], modules=['yaml'])\n"
        "python_requirement(name='numpy', requirements=['numpy'])\n"
    ),
}
NAMES = ("weather", "ocean")
REQUEST = ProjectCodeRequest(
    tuple(Address(f"src/workflows/{name}", relative_file_path="rows.py") for name in NAMES),
    tuple(f"workflows.{name}.rows" for name in NAMES),
    "a",
)


@pytest.fixture(scope="module")
def runner() -> RuleRunner:
    runner = rule_runner([*project_rules(), QueryRule(ProjectCode, [ProjectCodeRequest])])
    set_options(
        runner,
        PYTHON_ENABLE_RESOLVES="true",
        PYTHON_RESOLVES="{'a': '3rdparty/a.lock'}",
        PYTHON_DEFAULT_RESOLVE="a",
    )
    return runner


def code(runner: RuleRunner, files: dict[str, str]) -> ProjectCode:
    runner.write_files({**FILES, **files})
    return runner.request(ProjectCode, [REQUEST])


def test_a_module_has_the_files_and_requirements_that_it_reaches(runner: RuleRunner) -> None:
    found = code(runner, {})
    paths = list(found.files)
    files = {module: [paths[place] for place in places] for module, places in found.closures.items()}
    assert files == {
        "workflows.weather.rows": [
            "lib/more.py",
            "lib/units.py",
            "workflows/weather/query.sql",
            "workflows/weather/rows.py",
        ],
        "workflows.ocean.rows": ["workflows/ocean/rows.py"],
    }
    assert "workflows/weather/testdata/weather.jsonl" not in paths
    assert found.requirements["workflows.weather.rows"] == ("numpy==1.26.4,2.1", "pyyaml==6.0.2")
    assert found.requirements["workflows.ocean.rows"] == ()
    # Comments do not count, and bytes do.
    again = code(runner, {"src/workflows/weather/rows.py": f"# why\n{ROWS}", "src/workflows/weather/query.sql": "2"})
    changed = {path for path in paths if again.files[path] != found.files[path]}
    assert changed == {"workflows/weather/query.sql"}
    assert again.manifest_field()["requirements"] == {"workflows.weather.rows": ["numpy==1.26.4,2.1", "pyyaml==6.0.2"]}


def test_source_that_pants_cannot_parse_is_marked() -> None:
    content = b"def f(:\n"
    assert fingerprint_of(content, is_python=True) == BYTES + fingerprint(content, is_python=False)
    assert fingerprint_of(b"x = 1", is_python=True) == fingerprint(b"x = 1", is_python=True)


def test_requirements_without_a_locked_version_are_taken_as_written() -> None:
    given = ["Py_YAML>=6", "a @ https://example.com/a.zip", "cascade.workflows==1.0", "b==1"]
    target = PythonRequirementTarget({"requirements": given}, Address("3rdparty", target_name="x"))
    found = requirements_of(target, {"py-yaml": ("6.0",)}, "cascade-workflows")
    assert found[0] == "py-yaml==6.0" and found[1].startswith("a@") and found[2:] == ("b==1",)
