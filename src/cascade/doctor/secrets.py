"""Keeping secrets out of what the doctor prints, whatever a library puts into its errors."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from cascade.doctor.finding import Finding

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_SHORTEST = 4
"""Of anything shorter, hiding each place where it stands would hide words that mean something else."""


def known_secrets(environment: Mapping[str, str], config: CascadeConfig | None) -> list[str]:
    """Lists the values that must not be printed: those whose names look like secrets, and those of secret settings.

    Args:
        environment: the environment of the process.
        config: the settings, None where they cannot be read.
    """
    from cascade.config.secrets import is_secret_name, secret_values

    # `PWD` is the working directory, and `SSH_AUTH_SOCK` a socket: where something is gives nothing away.
    values = [value for name, value in environment.items() if is_secret_name(name) and not os.path.isabs(value)]
    if config is not None:
        for name, value in (*config, *config.dlt_values.items()):
            values += secret_values(name, value)
    # The longest first: one may hold another.
    return sorted({value for value in values if len(value) >= _SHORTEST}, key=lambda value: (-len(value), value))


def without_secrets(finding: Finding, secrets: Iterable[str]) -> Finding:
    """Hides secrets, and passwords in addresses, wherever a finding has them.

    Args:
        finding: what a check found.
        secrets: what `known_secrets` gives.
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
