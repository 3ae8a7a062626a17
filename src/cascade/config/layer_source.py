"""One layer of the settings, as a source of pydantic-settings."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from cascade.config.layers import Layer
from cascade.config.secrets import is_secret_name


class LayerSource(PydanticBaseSettingsSource):
    """A source of pydantic-settings that has the values of one layer.

    Args:
        settings_cls: the class of the settings.
        layer: the layer.
    """

    def __init__(self, settings_cls: type[BaseSettings], layer: Layer) -> None:
        super().__init__(settings_cls)
        self._layer = layer

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of one field."""
        return self._layer.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all values. Extras whose names look like secrets are hidden."""
        fields = self.settings_cls.model_fields
        return {
            name: SecretStr(value) if name not in fields and isinstance(value, str) and is_secret_name(name) else value
            for name, value in self._layer.values.items()
        }
