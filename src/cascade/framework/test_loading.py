"""Loading modules, and the errors of those that fail."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from dagster import DagsterExecutionInterruptedError

from cascade.exceptions import CascadeError, DeclarationError, DiscoveryError
from cascade.framework.conftest import SampleProject
from cascade.framework.definitions import build_definitions
from cascade.framework.discovery import find_modules
from cascade.framework.loading import LoadedModules, load_modules


def load(project: SampleProject) -> LoadedModules:
    return load_modules(find_modules(project.root / project.package))


def only_failure(project: SampleProject) -> CascadeError:
    (failure,) = load(project).failures
    return failure


def test_two_modules_of_one_name_both_load(project: SampleProject) -> None:
    project.write("weather/observations.py", "x = 1")
    project.write("traffic/observations.py", "x = 2")
    loaded = load(project)
    assert [module.x for module in loaded.modules.values()] == [2, 1]


def test_a_failing_module_does_not_hide_the_others_and_names_the_users_line(project: SampleProject) -> None:
    project.write("good.py", "")
    helper = project.write("helper.py", "def load():\n    raise RuntimeError('no luck')\n")
    project.write("bad.py", f"from {project.package}.helper import load\n\nload()\n")
    broken = project.write("broken.py", "def f(:\n")
    loaded = load(project)

    assert [*loaded.modules] == [project.module("good"), project.module("helper")]
    bad, syntax = loaded.failures
    assert str(bad.location) == f"{helper}:2"
    assert "RuntimeError: no luck" in str(bad)
    assert str(syntax.location) == f"{broken}:1"


def test_a_missing_import_differs_from_a_missing_module(project: SampleProject) -> None:
    path = project.write("needs.py", "import not_installed_anywhere\n")
    names = find_modules(project.root / project.package)
    missing, absent = load_modules([*names, project.module("gone")]).failures
    assert str(missing.location) == f"{path}:1"
    assert absent.location is None
    assert f"There is no module {project.module('gone')}" in str(absent)


def test_a_module_that_exits_is_a_failure(project: SampleProject) -> None:
    path = project.write("leaves.py", "import sys\nsys.exit(3)\n")
    failure = only_failure(project)
    assert str(failure.location) == f"{path}:2"
    assert "SystemExit: 3" in failure.message
    assert "__main__" in str(failure.hint)


def test_a_module_that_needs_an_extra_is_a_failure_with_its_name(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandera", None)
    project.write("frames.py", "import pandera\n")
    assert only_failure(project).hint == "Type: pip install 'cascade-workflows[pandera]'"


def test_a_module_that_raises_a_base_exception_is_a_failure(project: SampleProject) -> None:
    path = project.write("base.py", "class Odd(BaseException): ...\n\n\nraise Odd\n")
    failure = only_failure(project)
    assert str(failure.location) == f"{path}:4"
    assert "Odd: no message" in failure.message


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, DagsterExecutionInterruptedError])
def test_an_interrupt_is_raised(project: SampleProject, interrupt: type[BaseException]) -> None:
    project.write("interrupted.py", f"from {interrupt.__module__} import {interrupt.__name__} as end\n\nraise end\n")
    with pytest.raises(interrupt):
        load(project)


def test_a_package_that_fails_is_reported_once_for_all_its_modules(project: SampleProject) -> None:
    path = project.write("weather/__init__.py", "import no_such_thing\n")
    for name in ("weather/a.py", "weather/b.py", "weather/hourly/c.py", "other.py"):
        project.write(name, "")
    loaded = load(project)
    assert [*loaded.modules] == [project.module("other")]
    (failure,) = loaded.failures
    assert str(failure.location) == f"{path}:1"


def test_a_wrong_declaration_is_reported_once_with_its_importers(project: SampleProject) -> None:
    declaration = (
        "from cascade.ingestion import cascade_ingestion\n\n\n@cascade_ingestion(table_name='t')\ndef t(): ...\n"
    )
    path = project.write("b.py", declaration)
    project.write("a.py", f"from {project.package}.b import t\n")
    wrong = only_failure(project)
    assert isinstance(wrong, DeclarationError)
    assert wrong.location is not None
    assert wrong.location.file == str(path)
    assert str(wrong).endswith(f"This also keeps {project.module('a')} from loading.")


@pytest.mark.parametrize(
    "fault", ["raise RuntimeError('no luck')", "import not_installed_anywhere", "1 / 0", "def f(:"]
)
def test_a_fault_is_reported_once_for_all_modules_that_import_it(project: SampleProject, fault: str) -> None:
    """The module with the line at fault names the error, whichever of them was loaded first."""
    path = project.write("m.py", f"{fault}\n")
    for name in ("a.py", "b.py", "z.py"):
        project.write(name, f"from {project.package}.m import thing\n")
    project.write("y.py", f"from {project.package}.z import thing\n")
    project.write("other.py", "raise RuntimeError('no luck')\n")
    loaded = load(project)
    failure, other = loaded.failures
    assert str(failure.location) == f"{path}:1"
    assert failure.message.startswith(f"The module {project.module('m')} does not import: ")
    importers = [project.module(name) for name in "abyz"]
    assert failure.hint == f"This also keeps {', '.join(importers)} from loading."
    assert str(other.location).endswith("other.py:1")
    assert other.hint is None
    assert [name for name, error in loaded.failed.items() if error is failure] == sorted(
        [*importers, project.module("m")]
    )


def test_a_fault_in_a_module_that_is_not_listed_is_reported_once(project: SampleProject) -> None:
    path = project.write("_shared.py", "raise RuntimeError('no luck')\n")
    for number in range(12):
        project.write(f"m{number:02}.py", f"import {project.package}._shared\n")
    failure = only_failure(project)
    assert str(failure.location) == f"{path}:1"
    assert failure.message.startswith(f"The module {project.module('m00')} does not import: ")
    assert str(failure.hint).endswith(f"{project.module('m08')} and 3 more from loading.")


def test_modules_that_fail_at_one_line_for_different_reasons_are_reported_each(project: SampleProject) -> None:
    project.write("helper.py", "def load(name):\n    raise RuntimeError(name)\n")
    for name in "ab":
        project.write(f"{name}.py", f"from {project.package}.helper import load\n\nload(__name__)\n")
    assert len(load(project).failures) == 2


def test_a_syntax_error_in_code_compiled_from_a_string_is_at_the_line_that_compiles_it(project: SampleProject) -> None:
    path = project.write("evals.py", "import ast\n\nast.literal_eval('1 +')\n")
    assert str(only_failure(project).location) == f"{path}:3"


def test_a_file_that_is_not_source_is_reported_at_its_first_line(project: SampleProject) -> None:
    path = project.write("zeros.py", "")
    path.write_bytes(b"x = 1\0\n")
    location = only_failure(project).location
    assert location is not None
    assert location.file == str(path)


def test_a_file_with_a_dot_in_its_name_is_reported(project: SampleProject) -> None:
    path = project.write("weather/obs.v2.py", "")
    failure = only_failure(project)
    assert str(failure.location) == f"{path}:1"
    assert "its name contains a dot" in failure.message
    assert "obs_v2.py" in str(failure.hint)


def test_a_file_that_hides_a_directory_of_its_name_is_reported(project: SampleProject) -> None:
    project.write("weather/a.py", "")
    path = project.write("weather.py", "")
    failure = only_failure(project)
    assert str(failure.location) == f"{path}:1"
    assert f"{project.module('weather.a')} is hidden by" in failure.message


def test_a_link_to_a_deleted_file_is_reported(project: SampleProject, tmp_path: Path) -> None:
    path = project.write("a.py", "").with_name("b.py")
    path.symlink_to(tmp_path / "gone.py")
    failure = only_failure(project)
    assert str(failure.location) == f"{path}:1"
    assert "a symbolic link to a file that does not exist" in failure.message


def test_import_times_are_recorded(project: SampleProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("slow.py", "import time\n\ntime.sleep(0.05)\n")
    begun = time.monotonic()
    assert 0.05 <= load(project).seconds[project.module("slow")] <= time.monotonic() - begun
    # What is loaded already took no time of this call.
    assert load(project).seconds == {}


def test_an_exception_whose_message_cannot_be_rendered_is_a_failure(project: SampleProject) -> None:
    path = project.write(
        "mute.py", "class Mute(Exception):\n    def __str__(self):\n        return 1\n\n\nraise Mute\n"
    )
    failure = only_failure(project)
    assert str(failure.location) == f"{path}:6"
    assert "Mute: its message could not be rendered (TypeError)" in failure.message


@pytest.mark.parametrize("where", ["defs = {}\n", "@dg.definitions\ndef defs():\n    return {}\n"])
@pytest.mark.parametrize(
    "call", ["dg.load_from_defs_folder(path_within_project=HERE)", "dg.components.load_defs({package}.defs)"]
)
def test_a_folder_of_dagster_without_the_file_of_its_project(where: str, call: str, project: SampleProject) -> None:
    (project.root / "pyproject.toml").unlink()
    project.write("__init__.py", "")
    project.write("defs/__init__.py", "")
    code = where.format(call.format(package=project.package))
    head = (
        f"import dagster as dg\nfrom pathlib import Path\nimport {project.package}.defs\nHERE = Path(__file__).parent\n"
    )
    project.write("definitions.py", f"{head}\n{code}")
    with pytest.raises(DiscoveryError) as caught:
        build_definitions([project.module("definitions")])
    assert 'data=["pyproject.toml"]' in str(caught.value.hint)
