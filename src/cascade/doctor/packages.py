"""The packages that Cascade needs, and those that it can use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING

from cascade.doctor.finding import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "cascade-workflows"

_TOGETHER = "all"
"""The extra that is all the others."""


def installed_version(distribution: str) -> str | None:
    """Gives the version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def own_requirements(distribution: str = DISTRIBUTION) -> tuple[Requirement, ...] | None:
    """Reads what the installed Cascade requires, extras included.

    Returns:
        The requirements, or None where Cascade runs from its sources, which say nothing of the kind.
    """
    from packaging.requirements import Requirement

    try:
        return tuple(Requirement(text) for text in metadata.requires(distribution) or ())
    except metadata.PackageNotFoundError:
        return None


def check_required(
    requirements: Iterable[Requirement] | None, installed: Callable[[str], str | None] = installed_version
) -> list[Finding]:
    """Compares the packages that Cascade cannot do without with what is installed.

    Args:
        requirements: what `own_requirements` gives.
        installed: gives the version of an installed distribution, or None.
    """
    if requirements is None:
        return [Finding("packages", "ok", "Cascade runs from its sources, so that its requirements are not known here")]
    wanted = [requirement for requirement in requirements if _applies(requirement, "")]
    wrong = [finding for requirement in wanted if (finding := _compared(requirement, installed))]
    return wrong or [Finding("packages", "ok", f"{len(wanted)} required packages are there, in their ranges")]


def check_extras(
    requirements: Iterable[Requirement] | None, installed: Callable[[str], str | None] = installed_version
) -> list[Finding]:
    """Lists the extras that are installed and those that are not, which is no fault.

    Args:
        requirements: what `own_requirements` gives.
        installed: gives the version of an installed distribution, or None.
    """
    extras = extras_of(requirements or ())
    if not extras:
        return []
    there, outdated = [], []
    for extra, packages in extras.items():
        if all(installed(package.name) for package in packages):
            there.append(extra)
            outdated += [finding for package in packages if (finding := _compared(package, installed, extra))]
    missing = [extra for extra in extras if extra not in there]
    detail = f"installed: {', '.join(there) or 'none'}"
    if not missing:
        return [Finding("extras", "ok", detail), *outdated]
    detail += f"; not installed, and not needed unless you use it: {', '.join(missing)}"
    return [Finding("extras", "ok", detail, f"pip install '{DISTRIBUTION}[{','.join(missing)}]'"), *outdated]


def check_pytest(installed: Callable[[str], str | None] = installed_version) -> Finding:
    """Tells whether tests can be run.

    Args:
        installed: gives the version of an installed distribution, or None.
    """
    version = installed("pytest")
    if version is not None:
        return Finding("pytest", "ok", version)
    detail = "not installed, so that the project's tests cannot be run"
    return Finding("pytest", "warning", detail, f"Type: pip install '{DISTRIBUTION}[testing]'")


def extras_of(requirements: Iterable[Requirement]) -> Mapping[str, list[Requirement]]:
    """Sorts requirements by the extra that they belong to, without the extra of all."""
    found: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        for extra in _extras_in(str(requirement.marker or "")):
            if extra != _TOGETHER and _applies(requirement, extra):
                found.setdefault(extra, []).append(requirement)
    return dict(sorted(found.items()))


def _extras_in(marker: str) -> list[str]:
    import re

    return re.findall(r"""extra\s*==\s*["']([\w.-]+)["']""", marker)


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _compared(
    requirement: Requirement, installed: Callable[[str], str | None], extra: str | None = None
) -> Finding | None:
    version = installed(requirement.name)
    if version is not None and requirement.specifier.contains(version, prereleases=True):
        return None
    needed = f"{requirement.name}{requirement.specifier}"
    found = f"{version} is installed" if version else "it is not installed"
    whose = f"the extra {extra}" if extra else "Cascade"
    return Finding(
        f"package {requirement.name}",
        "warning" if extra else "problem",
        f"{found}, and {whose} needs {needed}",
        f"Type: pip install '{needed}'",
    )
