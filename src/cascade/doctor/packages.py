"""Check Python, the packages and the extras against the requirements in Cascade's metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from cascade.doctor.finding import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "cascade-workflows"

_EVERY_EXTRA = "all"
"""The extra that combines the others."""


@dataclass(frozen=True)
class Requirements:
    """What a distribution requires.

    Args:
        python: the versions of Python, such as `>=3.11,<3.15`.
        packages: the packages it always needs.
        extras: the packages of each extra, without the extra that combines the others. An extra without packages is not
            for the Python that is running.
    """

    python: str
    packages: tuple[Requirement, ...]
    extras: Mapping[str, tuple[Requirement, ...]]


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def own_requirements(distribution: str = DISTRIBUTION) -> Requirements | None:
    """Read what the installed Cascade requires from its metadata.

    Returns:
        The requirements, or None if Cascade runs from its sources, which have no metadata.
    """
    try:
        return read_requirements(metadata.metadata(distribution))
    except metadata.PackageNotFoundError:
        return None


def read_requirements(described: metadata.PackageMetadata) -> Requirements:
    """Read the requirements from the metadata of a distribution."""
    from packaging.requirements import Requirement

    listed = [Requirement(text) for text in described.get_all("Requires-Dist") or ()]
    always = tuple(requirement for requirement in listed if _applies(requirement, ""))
    extras = {
        extra: tuple(each for each in listed if each not in always and _applies(each, extra))
        for extra in sorted(described.get_all("Provides-Extra") or ())
        if extra != _EVERY_EXTRA
    }
    return Requirements(",".join(described.get_all("Requires-Python") or ()), always, extras)


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def check_python(version: str, requirements: Requirements | None) -> Finding:
    """Compare the version of Python with the versions that Cascade supports.

    Args:
        version: the version, such as `3.11.9`.
        requirements: the result of `own_requirements`.
    """
    from packaging.specifiers import SpecifierSet

    if requirements is None:
        return Finding("Python", "ok", version)
    supported = requirements.python
    if SpecifierSet(supported).contains(version, prereleases=True):
        return Finding("Python", "ok", f"{version}, supported ({supported})")
    return Finding(
        "Python",
        "problem",
        f"{version}, but Cascade needs {supported}",
        "Create an environment with another version, for example: uv venv --python 3.12",
    )


def check_required(
    requirements: Requirements | None, installed: Callable[[str], str | None] = installed_version
) -> list[Finding]:
    """Compare the packages that Cascade always needs with the installed ones.

    Args:
        requirements: the result of `own_requirements`.
        installed: returns the version of an installed distribution, or None.
    """
    if requirements is None:
        return [Finding("packages", "ok", "not compared, because Cascade runs from its sources")]
    wrong = [finding for each in requirements.packages if (finding := _compared(each, installed))]
    count = len(requirements.packages)
    return wrong or [Finding("packages", "ok", f"{count} required packages are installed in supported versions")]


def check_extras(
    requirements: Requirements | None, installed: Callable[[str], str | None] = installed_version
) -> list[Finding]:
    """List the extras that are installed and those that are not. A missing extra is fine.

    Args:
        requirements: the result of `own_requirements`.
        installed: returns the version of an installed distribution, or None.
    """
    if requirements is None or not requirements.extras:
        return []
    present, outdated = [], []
    for extra, packages in requirements.extras.items():
        if packages and all(installed(package.name) for package in packages):
            present.append(extra)
            outdated += [finding for package in packages if (finding := _compared(package, installed, extra))]
    foreign = [extra for extra, packages in requirements.extras.items() if not packages]
    missing = [extra for extra in requirements.extras if extra not in present and extra not in foreign]
    detail = f"installed: {', '.join(present) or 'none'}"
    if foreign:
        detail += f"; not available on this version of Python: {', '.join(foreign)}"
    if not missing:
        return [Finding("extras", "ok", detail), *outdated]
    detail += f"; not installed, and needed only if you use them: {', '.join(missing)}"
    return [Finding("extras", "ok", detail, f"Type: pip install '{DISTRIBUTION}[{','.join(missing)}]'"), *outdated]


def check_pytest(installed: Callable[[str], str | None] = installed_version) -> Finding:
    """Check that pytest is installed.

    Args:
        installed: returns the version of an installed distribution, or None.
    """
    version = installed("pytest")
    if version is not None:
        return Finding("pytest", "ok", version)
    detail = "not installed, but the project's tests need it"
    return Finding("pytest", "warning", detail, f"Type: pip install '{DISTRIBUTION}[testing]'")


def _compared(
    requirement: Requirement, installed: Callable[[str], str | None], extra: str | None = None
) -> Finding | None:
    version = installed(requirement.name)
    if version is not None and requirement.specifier.contains(version, prereleases=True):
        return None
    needed = f"{requirement.name}{requirement.specifier}"
    found = f"{version} is installed" if version else "it is not installed"
    needs = f"the extra {extra} needs" if extra else "Cascade needs"
    return Finding(
        f"package {requirement.name}",
        "warning" if extra else "problem",
        f"{found}, but {needs} {needed}",
        f"Type: pip install '{needed}'",
    )
