"""The names of requirements. Pure."""

from __future__ import annotations

import re
from typing import Optional

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def requirement_name(requirement: object) -> Optional[str]:  # noqa: UP045
    """Return the name of a requirement in the form in which all its spellings are equal.

    Args:
        requirement: anything that reads as a requirement, such as `PyYAML[x]>=6; python_version > "3"`.

    Returns:
        The name, such as `pyyaml`, or None if the text begins with none.
    """
    found = _NAME.match(str(requirement))
    return re.sub(r"[-_.]+", "-", found[1].rstrip("._-")).lower() if found else None
