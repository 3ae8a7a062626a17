"""Pass the keys of `.env` to dlt. They override its `secrets.toml`, and the environment overrides them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import ConfigProvider, EnvironProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

_NAME = ".env of the Cascade project"


class DotenvProvider(ConfigProvider):
    """Provides dlt with the keys of `.env` under their environment names, such as `SOURCES__GITHUB__TOKEN`.

    Args:
        values: the keys and their values.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {key.upper(): value for key, value in values.items()}

    @property
    def name(self) -> str:
        """The name of this provider in dlt's messages."""
        return _NAME

    def get_value(self, key: str, hint: type[Any], pipeline_name: str | None, *sections: str) -> tuple[Any | None, str]:
        """Look up a key under its sections, and return the value with the full name of the key."""
        full = EnvironProvider.get_key_name(key, *((pipeline_name,) if pipeline_name else ()), *sections)
        return self._values.get(full), full

    @property
    def supports_secrets(self) -> bool:
        """Always true: `.env` may hold secrets."""
        return True

    @property
    def supports_sections(self) -> bool:
        """Always true: sections are part of the key, joined by two underscores."""
        return True

    @property
    def is_empty(self) -> bool:
        """Whether there are no keys."""
        return not self._values

    @property
    def locations(self) -> list[str]:
        """The places to add a value that dlt is missing."""
        return [".env"]


def register_dlt_provider(values: Mapping[str, str]) -> None:
    """Register the keys of `.env` with dlt in this process. A second call replaces the keys of the first.

    Args:
        values: `CascadeConfig.dlt_values`.
    """
    providers = Container()[PluggableRunContext].providers
    others = [provider for provider in providers.providers if provider.name != _NAME]
    after = next((i + 1 for i, provider in enumerate(others) if isinstance(provider, EnvironProvider)), 0)
    providers.providers[:] = [*others[:after], DotenvProvider(values), *others[after:]]
