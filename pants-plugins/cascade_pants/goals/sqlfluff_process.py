"""The process of sqlfluff for some files of a dbt project."""

from __future__ import annotations

import glob
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonRequirementsField, PythonResolveField
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.engine.addresses import Address
from pants.engine.env_vars import EnvironmentVarsRequest
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    FileContent,
    GlobMatchErrorBehavior,
    MergeDigests,
    PathGlobs,
)
from pants.engine.target import AllTargets, Target
from pants.util.logging import LogLevel
from pants.util.strutil import pluralize

from cascade_pants import engine
from cascade_pants.engine.sandbox_paths import without_sandbox_paths
from cascade_pants.requirement_names import requirement_name
from cascade_pants.util_rules.dbt_graph import PROJECT_FILE, DbtGraphRequest, owners_by_path
from cascade_pants.util_rules.dbt_parse import PACKAGES_HINT
from cascade_pants.util_rules.dbt_profile import PROFILES_FILE
from cascade_pants.util_rules.sqlfluff_config import SqlfluffConfig, find_sqlfluff_config, generated_profile

DBT_TEMPLATER = "sqlfluff-templater-dbt"
# A plugin of sqlfluff is named after it.
_TOOL = re.compile(r"sqlfluff(-|$)")
_DBT = re.compile(r"dbt-")
_PROFILES = "__cascade_dbt_profiles"
# dbt needs to know a seed, but not its rows.
_WITHOUT_CONTENT = ".csv"


@dataclass(frozen=True)
class SqlfluffRun:
    """What the files of a process share.

    Args:
        project: the dbt project.
        resolve: the name of the resolve with sqlfluff.
    """

    project: DbtGraphRequest
    resolve: str

    @property
    def description(self) -> str:
        """The dbt project, which Pants shows with a result."""
        return self.project.address.spec

    @property
    def directory(self) -> str:
        """That of the dbt project."""
        return self.project.address.spec_path


@dataclass(frozen=True)
class SqlfluffOptions:
    """What the user chose.

    Args:
        arguments: further arguments of the command.
        variables: the environment variables to pass on.
    """

    arguments: tuple[str, ...]
    variables: tuple[str, ...]


@dataclass(frozen=True)
class SqlfluffResult:
    """What became of a process.

    Args:
        exit_code: its exit code.
        stdout: what it printed.
        stderr: what it printed on standard error, and what to do.
        files: the files as it left them.
    """

    exit_code: int
    stdout: str
    stderr: str
    files: Digest


def tool_requirements(targets: Iterable[Target], resolve: str, python_setup: PythonSetup) -> dict[Address, str]:
    """Return the targets of a resolve that provide sqlfluff, its plugins, dbt and its adapters, with their names.

    Args:
        targets: all targets of the repository.
        resolve: the name of the resolve.
        python_setup: the options of `[python]`.
    """
    found = {}
    for target in targets:
        if target.has_field(PythonRequirementsField):
            names = [requirement_name(one) or "" for one in target[PythonRequirementsField].value]
            name = next((one for one in names if _TOOL.match(one) or _DBT.match(one)), None)
            if name and target[PythonResolveField].normalized_value(python_setup) == resolve:
                found[target.address] = name
    return found


def has_sqlfluff(requirements: Iterable[str]) -> bool:
    """Return whether sqlfluff is among requirements."""
    return any(_TOOL.match(name) for name in requirements)


async def _read(paths: Iterable[str]) -> list[FileContent]:
    globs = PathGlobs(sorted(paths), glob_match_error_behavior=GlobMatchErrorBehavior.ignore)
    return list(await engine.path_globs_contents(globs))


async def _dbt_files(run: SqlfluffRun, config: SqlfluffConfig, targets: AllTargets) -> list[FileContent]:
    """Return what dbt needs: all files of the project, and a profile if the team has none."""
    owned = sorted(owners_by_path(run.project, targets))
    files = await _read(glob.escape(path) for path in owned if not path.endswith(_WITHOUT_CONTENT))
    files += [FileContent(path, b"") for path in owned if path.endswith(_WITHOUT_CONTENT)]
    if config.has_profiles or posixpath.join(run.directory, PROFILES_FILE) in owned:
        return files
    project = next((one.content for one in files if one.path == posixpath.join(run.directory, PROJECT_FILE)), b"")
    profile = generated_profile(project, config, run.project.target)
    return [*files, FileContent(f"{_PROFILES}/{PROFILES_FILE}", profile)]


def _environment(run: SqlfluffRun, config: SqlfluffConfig, files: Iterable[FileContent]) -> dict[str, str]:
    # Without a home, sqlfluff would read the settings of the user. It reads those from the home down to its directory.
    environment = {"HOME": "{chroot}", "PYTHONDONTWRITEBYTECODE": "1"}
    if config.templater == "dbt":
        up = posixpath.relpath(".", run.directory or ".")
        generated = any(one.path.startswith(f"{_PROFILES}/") for one in files)
        environment["DBT_PROFILES_DIR"] = f"{up}/{_PROFILES}" if generated else "."
        environment["DBT_TARGET"] = run.project.target
        environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    return environment


def from_root(output: bytes, directory: str, files: Iterable[str]) -> str:
    """Name files in an output as they are seen from the root of the repository.

    Args:
        output: what sqlfluff printed.
        directory: the directory that it ran in.
        files: the files, from that directory.
    """
    text = without_sandbox_paths(output)
    if not directory:
        return text
    known = "|".join(re.escape(file) for file in sorted(files, key=len, reverse=True))
    return re.sub(rf"(?<![\w./-])(?:{known})(?![\w/-])", lambda found: f"{directory}/{found[0]}", text)


async def run_sqlfluff(
    run: SqlfluffRun,
    command: str,
    options: SqlfluffOptions,
    files: Sequence[str],
    contents: Digest,
    targets: AllTargets,
    python_setup: PythonSetup,
) -> SqlfluffResult:
    """Run sqlfluff on some files of a dbt project, in its directory, as people do.

    Args:
        run: what the files share.
        command: the command of sqlfluff, such as `lint`.
        options: what the user chose.
        files: their paths.
        contents: the files.
        targets: all targets of the repository.
        python_setup: the options of `[python]`.
    """
    config = await find_sqlfluff_config(run.directory)
    assert config is not None, "A project without a configuration has no partition."
    needs_dbt = config.templater == "dbt"
    more = await _read(config.globs)
    if needs_dbt:
        more += await _dbt_files(run, config, targets)
    given = {file.path: file for file in (*more, *config.files) if file.path not in files}
    requirements = tool_requirements(targets, run.resolve, python_setup)
    others, environment, venv = await engine.concurrently(
        engine.create_digest(CreateDigest(given.values())),
        engine.env_vars(EnvironmentVarsRequest(options.variables)),
        engine.venv_pex_from_targets(
            PexFromTargetsRequest(
                sorted(
                    address
                    for address, name in requirements.items()
                    if needs_dbt or (_TOOL.match(name) and name != DBT_TEMPLATER)
                ),
                output_filename="cascade_sqlfluff.pex",
                internal_only=True,
                include_source_files=False,
            )
        ),
    )
    # Relative, because sqlfluff and dbt resolve symbolic links in absolute ones.
    names = tuple(posixpath.relpath(file, run.directory or ".") for file in files)
    result = await engine.run_venv_pex(
        VenvPexProcess(
            venv,
            argv=("-m", "sqlfluff", command, "--processes", "{pants_concurrency}", *options.arguments, "--", *names),
            input_digest=await engine.merge_digests(MergeDigests([contents, others])),
            working_directory=run.directory or None,
            output_files=names,
            extra_env={**environment, **_environment(run, config, more)},
            concurrency_available=len(files),
            description=f"Run `sqlfluff {command}` on {pluralize(len(files), 'file')} of {run.description}",
            level=LogLevel.DEBUG,
        )
    )
    said, errors = (from_root(one, run.directory, names) for one in (result.stdout, result.stderr))
    return SqlfluffResult(
        result.exit_code,
        said,
        errors + hint(run, said + errors, requirements.values()),
        await engine.add_prefix(AddPrefix(result.output_digest, run.directory)),
    )


def hint(run: SqlfluffRun, said: str, requirements: Iterable[str]) -> str:
    """Return what to do about a failure that sqlfluff explains by what is installed; empty if there is nothing.

    Args:
        run: what the files share.
        said: what sqlfluff said.
        requirements: those of the resolve.
    """
    if "'dbt'" in said and "not currently available" in said and DBT_TEMPLATER not in requirements:
        return f"Add `{DBT_TEMPLATER}` to the requirements of the resolve `{run.resolve}`, and lock it again.\n"
    return f"{PACKAGES_HINT}\n" if "dbt deps" in said else ""
