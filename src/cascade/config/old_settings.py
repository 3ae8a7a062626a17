"""The object `cascade.config.config` from before version 1.0. Only projects in the old layout use it."""

from __future__ import annotations

import os
from typing import Any

from pydantic import SecretStr

from cascade.config.model import CascadeConfig
from cascade.legacy.variables import SETTINGS
from cascade.spelling import did_you_mean


class OldSettings:
    """The settings by their old names, which were those of environment variables without a prefix.

    Secrets are plain strings, as they were.

    Args:
        settings: the settings of the project.
    """

    def __init__(self, settings: CascadeConfig) -> None:
        self._settings = settings

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        variable = name.upper()
        setting = SETTINGS.get(variable, name)
        if hasattr(self._settings, setting):
            value = getattr(self._settings, setting)
            return value.get_secret_value() if isinstance(value, SecretStr) else value
        # A setting of the project's own, which its copy of the framework declared.
        for values in (os.environ, self._settings.dlt_values):
            if variable in values:
                return values[variable]
        known = [*type(self._settings).model_fields, *map(str.lower, self._settings.dlt_values)]
        raise AttributeError(
            f"There is no setting {name!r}.{did_you_mean(name, known)} Set {variable} in .env or in the environment."
        )


def get_config() -> OldSettings:
    """Return the settings of the project, by their old names."""
    return OldSettings(CascadeConfig.from_user_config())


def __getattr__(name: str) -> Any:
    if name == "config":
        return get_config()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
