"""The settings of a project as one typed object."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from cascade.config.layer_source import LayerSource
from cascade.config.layers import DescribedSetting, Layers, read_layers
from cascade.config.observer_settings import ObserverSettings
from cascade.config.problems import config_error, misspelled_settings
from cascade.config.project_settings import ProjectSettings
from cascade.config.root import ROOT_VARIABLE, find_project_root
from cascade.config.run_settings import RunSettings
from cascade.config.secrets import masked_value
from cascade.config.server_settings import ServerSettings
from cascade.config.table_settings import TableSettings
from cascade.table_ref import MAIN_BRANCH


class ConfigWarning(UserWarning):
    """A setting is unknown but close to a known one, or is set where it has no effect."""


_READ: ContextVar[Layers | None] = ContextVar("cascade_config_layers", default=None)


class CascadeConfig(ObserverSettings, RunSettings, ServerSettings, TableSettings, ProjectSettings, BaseSettings):
    """All settings of a project.

    Set each as `CASCADE_<NAME>` in the environment or in `.env`, or by its name in `cascade_config.py` or under
    `[tool.cascade]` in `pyproject.toml`. The first of these sources that has it wins.

    Other keys are kept as extras (`config.my_key`) for the project's own use. Extras whose names look like secrets are
    `SecretStr`: `config.my_token.get_secret_value()`.

    A group of settings may rely on those of the groups that stand to the right of it.

    Args:
        values: settings that override every source, for tests and programs.

    Raises:
        ConfigError: a value is invalid. The message names the source of each invalid value.
    """

    model_config = SettingsConfigDict(
        extra="allow", frozen=True, hide_input_in_errors=True, validate_default=True, defer_build=False
    )

    _layers: Layers = PrivateAttr()
    _given: frozenset[str] = PrivateAttr()

    def __init__(self, **values: Any) -> None:
        root = values.get("project_root")
        root = Path(root).absolute() if root is not None else find_project_root()
        layers = read_layers(root)
        token = _READ.set(layers)
        try:
            super().__init__(**{**values, "project_root": root})
        except ValidationError as error:
            raise config_error(error, layers, values) from None
        finally:
            _READ.reset(token)
        self._layers = layers
        self._given = frozenset(values)
        for message in misspelled_settings(layers, type(self).model_fields):
            warnings.warn(message, ConfigWarning, stacklevel=3)

    @classmethod
    def from_user_config(cls, project_root: Path | None = None) -> CascadeConfig:
        """Read the settings of a project from all sources.

        Args:
            project_root: the project's directory. Default: `CASCADE_PROJECT_ROOT`, else the nearest directory at or
                above the working directory whose `pyproject.toml` has `[tool.cascade]`, else the working directory.

        Returns:
            The settings.

        Raises:
            ConfigError: a source cannot be read, or a value is invalid.
        """
        return cls(project_root=project_root) if project_root is not None else cls()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Replace the sources of pydantic-settings, which do not record where a value comes from."""
        layers = _READ.get()
        return (init_settings, *(LayerSource(settings_cls, layer) for layer in (layers.layers if layers else ())))

    @property
    def is_observed(self) -> bool:
        """Whether the events of runs are sent anywhere. Those of runs on a branch concern nobody else."""
        receivers = (self.alert_webhook, self.alert_slack, self.alert_email, self.openlineage_url, self.otlp_endpoint)
        return self.branch == MAIN_BRANCH and any(receivers)

    @property
    def dlt_values(self) -> Mapping[str, str]:
        """The keys of `.env` without the prefix `CASCADE_`, for dlt only: see `cascade.config.dlt_provider`."""
        return self._layers.dotenv_rest

    def describe(self) -> tuple[DescribedSetting, ...]:
        """Return every setting and extra with its value and source. Secrets are masked.

        Returns:
            The known settings in the order of their documentation, then the extras by name.
        """
        known = type(self).model_fields
        return tuple(
            DescribedSetting(
                name=name,
                value=masked_value(name, getattr(self, name)),
                source=self.source_of(name),
                origin=self.origin_of(name),
                extra=name not in known,
            )
            for name in (*known, *sorted(self.model_extra or {}))
        )

    def source_of(self, name: str) -> str:
        """Return the source of a setting's value.

        Args:
            name: the setting's name, such as `automation`.

        Returns:
            "argument", "environment", ".env", "cascade_config.py", "pyproject.toml" or "default".
        """
        if name == "project_root" and name not in self._given:
            return "environment" if os.environ.get(ROOT_VARIABLE) else "default"
        return "argument" if name in self._given else self._layers.source(name)

    def origin_of(self, name: str) -> str | None:
        """Return where a setting's value comes from, such as `CASCADE_AUTOMATION in the environment`.

        Args:
            name: the setting's name, such as `automation`.

        Returns:
            The origin, or None for a default or an argument.
        """
        return None if name in self._given else self._layers.origin(name)

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [(name, masked_value(name, value)) for name, value in self]
