"""A new project: its request, its names, and its rendered files."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from cascade.scaffold.environment import docstring, environment, in_words
from cascade.scaffold.examples import BROKEN, DOMAIN, Example, example, example_request, example_table
from cascade.scaffold.names import suggest, without_accents
from cascade.scaffold.project_layout import (
    DEFS,
    EXAMPLES,
    SHARED_PACKAGES,
    STACKS,
    TEMPLATES,
    commands_for,
    templates_of,
)
from cascade.scaffold.project_pants import PantsPlace, build_files, example_build_files
from cascade.scaffold.quality import QualityRequest, render_quality
from cascade.scaffold.render import render_ingestion
from cascade.scaffold.request import choice_problems, raise_if_any

_BETWEEN_WORDS = re.compile(r"[^A-Za-z0-9]+")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/\ud800-\udfff]')
_LONGEST = 100

TAKEN_NAMES = frozenset(
    {
        *("cascade", "cascade-workflows", "cascade-pants-plugin", "cascade-pants", "workflows", "tests", "transforms"),
        *("dagster", "dagster-webserver", "dagster-dbt", "dagster-dg-cli", "dagster-postgres", "dlt", "pyiceberg"),
        *("polars", "pandas", "pandera", "pyarrow", "numpy", "pydantic", "pydantic-settings", "sqlalchemy", "croniter"),
        *("click", "rich", "jinja2", "requests", "responses", "watchfiles", "psutil", "tzdata", "python-dotenv"),
        *(
            "dbt",
            "dbt-core",
            "dbt-duckdb",
            "dbt-trino",
            "duckdb",
            "openlineage",
            "openlineage-python",
            "prometheus-client",
            "trino",
            "s3fs",
            "pytest",
            "ruff",
            "mypy",
            "pip",
            "uv",
        ),
    }
)
"""The names of packages that a project installs or imports. A distribution with one of these names would clash."""

_RUNTIME = "cascade-workflows"
_MINIMAL_STATIONS = ("Castle Street", "Harbour")
_RELEASE = re.compile(r"[0-9][0-9A-Za-z.]*")


@dataclass(frozen=True, kw_only=True)
class ProjectRequest:
    """A project to write.

    Args:
        name: the name of its directory.
        template: one of `TEMPLATES`.
        runtime_version: the minimum version of Cascade. A version that is not a release sets no minimum.
        pants: the project's place in a Pants repository, or None without Pants.
        stack: one of `STACKS`.
        example: one of `EXAMPLES`, whose files take the place of the template's, or None.

    Raises:
        UsageError: an argument is wrong; the message lists every problem.
    """

    name: str
    template: str = next(iter(TEMPLATES))
    runtime_version: str = ""
    pants: PantsPlace | None = None
    stack: str = next(iter(STACKS))
    example: str | None = None

    def __post_init__(self) -> None:
        raise_if_any(tuple(self._problems()))

    def _problems(self) -> Iterator[str]:
        yield from directory_problems(self.name)
        yield from choice_problems("template", self.template, TEMPLATES)
        yield from choice_problems("stack", self.stack, STACKS)
        if self.example is not None:
            yield from choice_problems("example", self.example, EXAMPLES)

    @property
    def distribution(self) -> str:
        """The name of the project's distribution, and of its code location in Dagster."""
        return distribution_name(self.name)

    def requirement(self, *extras: str) -> str:
        """Return the requirement on Cascade.

        Args:
            extras: the extras to require, in addition to those that the workflows import.
        """
        # Both schemas and models are in the example.
        extras = tuple(sorted({*extras, *(("dbt", "pandera") if self.example else ())}))
        return requirement_on_runtime(self.runtime_version, *extras)

    @property
    def first_runs(self) -> tuple[tuple[str, str | None], ...]:
        """The first runs, in order: an asset, and a partition with rows or None for an unpartitioned asset."""
        if self.example:
            return (("weather_observations", "2013-01-15"),)
        observations = (example_request().table_name, example().first_day)
        return (("stations", None), observations) if self.template == "advanced" else (observations,)


def requirement_on_runtime(version: str, *extras: str) -> str:
    """Return the requirement on Cascade.

    Args:
        version: the minimum version. A version that is not a release sets no minimum.
        extras: the extras to require.
    """
    # A build between two releases has a local version after a +, which a lower bound must not have.
    release = version.partition("+")[0]
    bound = f">={release}" if _RELEASE.fullmatch(release) and release != "0" else ""
    return _RUNTIME + (f"[{','.join(extras)}]" if extras else "") + bound


def render_project(request: ProjectRequest) -> dict[str, str]:
    """Render the files of a project. Those of an example are not among them: see `example_files`.

    Args:
        request: the project.

    Returns:
        The text of each file by its path from the root of the project, with forward slashes, sorted.
    """
    files: dict[str, str] = {}
    if request.template != "minimal" and not request.example:
        files.update(render_ingestion(example_request(), _example(request)))
        files.update(render_quality(_quality_request()))
    context = _context(request)
    for path, template in templates_of(
        request.template, example=request.example, in_pants=request.pants is not None
    ).items():
        files[path] = environment().get_template(f"project/{template}.jinja").render(context)
    files = {**_packages(request, files), **files}
    if request.pants is not None:
        files.update(example_build_files(request.pants) if request.example else build_files(request.pants, files))
    return dict(sorted(files.items()))


def _quality_request() -> QualityRequest:
    return QualityRequest(
        package="workflows.quality", directory="workflows/quality", domain=DOMAIN, table=example_table()
    )


def _example(request: ProjectRequest) -> Example:
    return example(with_a_broken_instrument=request.template == "advanced")


def _context(request: ProjectRequest) -> dict[str, object]:
    rows, first_day = example().rows, example().first_day
    return {
        "project": request.distribution,
        "dbt_name": dbt_name(request.distribution),
        "template": request.template,
        "example": request.example,
        "dbt_directory": "transforms" if request.example else "transforms/dbt",
        "stack": request.stack,
        "dagster_commands": _has_dagster_commands(request),
        "in_pants": request.pants is not None,
        "commands": commands_for(request.pants),
        "first_runs": request.first_runs,
        "requirement": request.requirement,
        "development": _development(request),
        "table": example_request().table_name,
        "first_day": first_day,
        "broken_day": BROKEN[0],
        "broken_station": BROKEN[1],
        "stations": sorted({row["station"] for row in rows}, key=str),
        "rows": [
            {name: row[name] for name in ("station", "observed_on", "pm25")}
            for row in rows
            if row["station"] in _MINIMAL_STATIONS
        ],
    }


def _has_dagster_commands(request: ProjectRequest) -> bool:
    # Under Pants, Pants starts Dagster.
    return (request.example is not None or request.template != "minimal") and request.pants is None


def _development(request: ProjectRequest) -> list[str]:
    """List the requirements for development of the project."""
    # The extra trino contains dbt.
    stack = ("postgres", "services", "testing", "trino") if request.stack == "production" else ()
    if request.template == "minimal" and not request.example:
        return [request.requirement(*(stack or ("testing",))), "mypy", "ruff"]
    dagster = ["dagster-dg-cli"] if _has_dagster_commands(request) else []
    return [request.requirement(*(stack or ("dbt", "testing"))), *dagster, "mypy", "ruff"]


def _packages(request: ProjectRequest, files: Iterable[str]) -> dict[str, str]:
    """Render the `__init__.py` of each package among the files."""
    packages = {
        parent.as_posix()
        for path in (*files, *(["workflows/conftest.py"] if request.example else []))
        if path.startswith("workflows/") and path.endswith(".py")
        for parent in PurePosixPath(path).parents
        if parent.parts
    }
    if request.pants is not None:
        # Other source roots of the repository may have these directories too. A package here would hide them.
        packages -= {*SHARED_PACKAGES}
    texts = {
        f"{package}/__init__.py": ""
        if package in SHARED_PACKAGES
        else docstring(f"The {in_words(package.rpartition('/')[2])} workflow.")
        for package in packages
    }
    if _has_dagster_commands(request):
        texts[DEFS] = docstring("Dagster definitions next to the workflows, as `dg scaffold defs` writes them.")
    return texts


def directory_problems(name: str) -> Iterator[str]:
    """Yield a sentence if a name cannot be that of a project's directory and distribution.

    Args:
        name: the name of the directory, without its parents.
    """
    if _FORBIDDEN.search(name) or name != name.strip() or name.startswith(("-", ".")) or name.endswith("."):
        yield (
            f"{name!r} is not a valid directory name on every system: use letters, digits, dashes and underscores, and "
            f"begin with a letter. Use {_suggestion(name)!r}, for example."
        )
    elif not re.search(r"[A-Za-z]", name):
        yield f"{name!r} cannot be a package name, because it has no letter from a to z. Use {_suggestion(name)!r}."
    elif len(name) > _LONGEST:
        yield f"The name has {len(name)} characters. At most {_LONGEST} are allowed."


def normal_form(name: str) -> str:
    """Normalize a name as package indexes do: lower case, no accents, and words joined by dashes.

    Args:
        name: any string.
    """
    return _BETWEEN_WORDS.sub("-", without_accents(name)).strip("-").lower()


def distribution_name(name: str) -> str:
    """Derive the name of a project's distribution.

    Args:
        name: a directory name that `directory_problems` accepts.

    Returns:
        The normal form, followed by `-project` if Python itself or a package of the project already has that name.
    """
    derived = normal_form(name)
    taken = derived in TAKEN_NAMES or derived.replace("-", "_") in sys.stdlib_module_names
    return f"{derived}-project" if taken else derived


def dbt_name(distribution: str) -> str:
    """Derive the name of a dbt project, an identifier.

    Args:
        distribution: the name from `distribution_name`.
    """
    return suggest(distribution, prefix="project")


def _suggestion(name: str) -> str:
    words = normal_form(name)[:_LONGEST]
    return words if re.search(r"[a-z]", words) else "-".join(filter(None, ("project", words)))
