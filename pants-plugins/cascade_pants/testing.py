"""What the tests of the backend share: a small repository with a stub of the runtime, and a rule runner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import dedent
from typing import Any

from pants.backend.python import target_types_rules as python_target_types
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.macros.python_artifact import PythonArtifact
from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.internals.parametrize import Parametrize
from pants.engine.target import Target
from pants.testutil.option_util import create_subsystem
from pants.testutil.rule_runner import RuleRunner

from cascade_pants import register
from cascade_pants.dependency_inference import project as project_dependencies
from cascade_pants.util_rules import (
    all_workflows,
    locked_versions,
    manifest,
    project,
    project_code,
    runtime,
    workflow_facts,
    workflow_targets,
)

RUNTIME: Mapping[str, str] = {
    "src/cascade/BUILD": "python_sources(sources=['**/*.py'])",
    "src/cascade/__init__.py": "",
    "src/cascade/cli/__init__.py": "",
    "src/cascade/cli/main.py": "def run_project(manifest): print(manifest)\n",
    "src/cascade/framework/__init__.py": "",
    "src/cascade/framework/definitions.py": "def build_definitions(modules): return modules\n",
    "src/cascade/ingestion.py": "def cascade_ingestion(**arguments): return lambda function: function\n",
}
"""A stub of the runtime: the modules and names that Pants needs to see."""

# Set by environment variables, because Pants ignores those that the rules of a test do not know.
_ENVIRONMENT = {
    "PANTS_SOURCE_ROOT_PATTERNS": "['src']",
    "PANTS_PYTHON_INTERPRETER_CONSTRAINTS": "['>=3.9,<3.14']",
    "PANTS_PYTHON_TAILOR_SOURCE_TARGETS": "false",
    # The other parser of imports runs in a process, which needs a download.
    "PANTS_PYTHON_INFER_USE_RUST_PARSER": "true",
}


def ingestion(table: str, *, function: str = "load", imports: str = "", **arguments: str) -> str:
    """Write a module with one ingestion.

    Args:
        table: its `table_name`.
        function: the name of its function.
        imports: a line to add to the imports.
        arguments: further arguments of the decorator, as source.
    """
    more = "".join(f", {name}={source}" for name, source in arguments.items())
    return dedent(
        f"""\
        from cascade.ingestion import cascade_ingestion
        {imports}

        @cascade_ingestion(table_name={table!r}{more})
        def {function}():
            return []
        """
    )


def workflow(name: str, table: str, *, build: str = "cascade_workflow()") -> dict[str, str]:
    """Return the files of a workflow under `src/workflows`.

    Args:
        name: its directory.
        table: its table.
        build: its BUILD file.
    """
    directory = f"src/workflows/{name}"
    return {
        f"{directory}/BUILD": build,
        f"{directory}/observations.py": ingestion(table, imports=f"from workflows.{name}.schema import Row"),
        f"{directory}/schema.py": "class Row: ...\n",
        f"{directory}/test_observations.py": f"from workflows.{name}.observations import load\n\ndef test(): load()\n",
    }


def project_rules() -> list[Any]:
    """Return the rules that find a project, with Pants' inference for Python but without the goals."""
    return [
        *all_workflows.rules(),
        *locked_versions.rules(),
        *manifest.rules(),
        *project.rules(),
        *project_code.rules(),
        *project_dependencies.rules(),
        *python_inference.rules(),  # type: ignore[no-untyped-call]
        *python_target_types.rules(),  # type: ignore[no-untyped-call]
        *runtime.rules(),
        *workflow_facts.rules(),
        *workflow_targets.rules(),
    ]


def rule_runner(rules: Iterable[Any], target_types: Iterable[type[Target]] = ()) -> RuleRunner:
    """Create a rule runner that knows all targets.

    Args:
        rules: only the rules that a test needs, because solving the graph of the whole backend takes seconds.
        target_types: those of Pants that no backend registers.
    """
    runner = RuleRunner(
        rules=list(rules),
        target_types=[*register.target_types(), *target_types],
        objects={"parametrize": Parametrize, "python_artifact": PythonArtifact},
    )
    set_options(runner)
    return runner


def set_options(runner: RuleRunner, **options: str) -> None:
    """Set the options of a repository.

    Args:
        runner: the rule runner.
        options: further options, by the name of their environment variable without `PANTS_`.
    """
    runner.set_options(
        [],
        env={**_ENVIRONMENT, **{f"PANTS_{name}": value for name, value in options.items()}},
        env_inherit={"PATH", "PYENV_ROOT", "HOME", "LANG"},
    )


def python_setup(**options: object) -> PythonSetup:
    """Create the options of `[python]` without a rule runner.

    Args:
        options: the options that matter to a test. Others that versions of Pants read have a value without meaning.
    """
    given: dict[str, Any] = {
        "default_resolve": "python-default",
        "default_to_resolve_interpreter_constraints": False,
        "enable_resolves": False,
        "interpreter_constraints": [">=3.11"],
        "interpreter_versions_universe": ["3.11", "3.12", "3.13"],
        "resolves": {},
        "resolves_to_interpreter_constraints": {},
        "warn_on_python2_usage": False,
        **options,
    }
    return create_subsystem(PythonSetup, **given)


def result_of(rule: Any, *arguments: object) -> object:
    """Run a rule whose calls of the engine are replaced, so that nothing suspends it.

    Args:
        rule: the rule, or a function that a rule awaits.
        arguments: what it takes.

    Returns:
        What it returns.
    """
    # Calling the rule itself would call the engine.
    function = rule.rule.func if hasattr(rule, "rule") else rule
    coroutine = function(*arguments)
    try:
        coroutine.send(None)
    except StopIteration as stopped:
        return stopped.value
    raise AssertionError("The rule called the engine.")


def two_resolves(runner: RuleRunner) -> None:
    """Set up the resolves `a`, which is the default, and `b`."""
    set_options(
        runner,
        PYTHON_ENABLE_RESOLVES="true",
        PYTHON_RESOLVES="{'a': '3rdparty/a.lock', 'b': '3rdparty/b.lock'}",
        PYTHON_DEFAULT_RESOLVE="a",
    )
