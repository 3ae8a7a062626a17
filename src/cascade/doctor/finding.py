"""The result of a check, and what every check needs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

Status = Literal["ok", "warning", "problem"]
"""`problem`: something will fail. `warning`: something may fail, or is unusual."""

_SHORTEST_SECRET = 4
"""Masking anything shorter would mask parts of ordinary words."""


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        check: the name of the check, one to three words.
        status: the result.
        detail: what was found, with the value.
        hint: what to type or to change, or None.
    """

    check: str
    status: Status
    detail: str
    hint: str | None = None


def known_secrets(environment: Mapping[str, str], config: CascadeConfig | None) -> list[str]:
    """Return the values that must not be printed: of variables that look like secrets, and of secret settings.

    Args:
        environment: the environment of the process.
        config: the settings; None if they cannot be read.
    """
    from cascade.config.secrets import is_secret_name, secret_values

    # The names `PWD` and `SSH_AUTH_SOCK` look like those of secrets, but their values are paths.
    values = [value for name, value in environment.items() if is_secret_name(name) and not os.path.isabs(value)]
    if config is not None:
        for name, value in (*config, *config.dlt_values.items()):
            values += secret_values(name, value)
    # The longest first, since a secret may contain another.
    return sorted({value for value in values if len(value) >= _SHORTEST_SECRET}, key=lambda value: (-len(value), value))


def without_secrets(finding: Finding, secrets: Iterable[str]) -> Finding:
    """Mask secrets, and passwords in URLs, in a finding.

    Args:
        finding: the result of a check.
        secrets: the result of `known_secrets`.
    """
    secrets = tuple(secrets)
    return replace(
        finding, detail=_masked(finding.detail, secrets), hint=finding.hint and _masked(finding.hint, secrets)
    )


def _masked(text: str, secrets: Iterable[str]) -> str:
    from cascade.config.secrets import MASK, mask_secrets

    for secret in secrets:
        text = text.replace(secret, MASK)
    return mask_secrets(text)


def nearest_existing(path: Path) -> Path:
    """Return a path itself, or the nearest directory above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())
