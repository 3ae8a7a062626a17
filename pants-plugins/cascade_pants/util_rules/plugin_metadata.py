"""The entry points of a `python_distribution`, as metadata by which Python finds them without its wheel."""

from __future__ import annotations

import re

from pants.backend.python.target_types import PythonDistributionEntryPointsField, PythonProvidesField
from pants.engine.target import Target

GROUP = "cascade.plugins."
"""What the groups of entry points begin with that the runtime reads."""


def distribution_name(target: Target) -> str:
    """Return the name of a `python_distribution`.

    Args:
        target: the target.
    """
    return str(target[PythonProvidesField].value.kwargs.get("name") or target.address.target_name)


def entry_points_of(target: Target) -> dict[str, dict[str, str]]:
    """Return the entry points of a `python_distribution` that belong to Cascade, by group and name.

    Args:
        target: the target. Entry points that are addresses of a `pex_binary` are left out: the runtime needs an object.
    """
    found: dict[str, dict[str, str]] = {}
    given = (
        target[PythonProvidesField].value.kwargs.get("entry_points"),
        target[PythonDistributionEntryPointsField].value,
    )
    for groups in given:
        for group, entries in (groups or {}).items():
            for name, value in entries.items() if group.startswith(GROUP) else ():
                if not value.startswith(":") and "/" not in value:
                    found.setdefault(group, {})[name] = value
    return found


def metadata_of(target: Target) -> dict[str, str]:
    """Return the files by which `importlib.metadata` finds a distribution and its entry points.

    Args:
        target: a `python_distribution`.

    Returns:
        The text of each file by its path from a directory of the import path.
    """
    name = distribution_name(target)
    version = str(target[PythonProvidesField].value.kwargs.get("version") or "0")
    directory = f"{re.sub(r'[-_.]+', '_', name)}-{re.sub(r'[^A-Za-z0-9.+!]+', '_', version)}.dist-info"
    groups = entry_points_of(target)
    text = "\n".join(
        "".join([f"[{group}]\n", *(f"{entry} = {value}\n" for entry, value in sorted(groups[group].items()))])
        for group in sorted(groups)
    )
    return {
        f"{directory}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{directory}/entry_points.txt": text,
    }
