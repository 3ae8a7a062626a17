"""The keys of `.env` for dlt: over its `secrets.toml`, under the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import ConfigProvider, EnvironProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

_NAME = ".env of the Cascade project"


class DotenvProvider(ConfigProvider):
    """Gives dlt the keys of `.env` as it would find them in the environment, `SOURCES__GITHUB__TOKEN` and so on.

    Args:
        values: the keys and their values.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {key.upper(): value for key, value in values.items()}

    @property
    def name(self) -> str:
        """How dlt names this provider in its messages."""
        return _NAME

    def get_value(self, key: str, hint: type[Any], pipeline_name: str | None, *sections: str) -> tuple[Any | None, str]:
        """Looks a key up under its sections, and gives the name under which it was looked for."""
        full = EnvironProvider.get_key_name(key, *((pipeline_name,) if pipeline_name else ()), *sections)
        return self._values.get(full), full

    @property
    def supports_secrets(self) -> bool:
        """`.env` may hold secrets."""
        return True

    @property
    def supports_sections(self) -> bool:
        """Sections are part of the key, joined by two underscores."""
        return True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to find."""
        return not self._values

    @property
    def locations(self) -> list[str]:
        """Where to look for a value that dlt misses."""
        return [".env"]


def register_dlt_provider(values: Mapping[str, str]) -> None:
    """Puts the keys of `.env` at dlt's disposal in this process. A second call replaces what the first one gave.

    Args:
        values: `CascadeConfig.dlt_values`.
    """
    providers = Container()[PluggableRunContext].providers
    others = [provider for provider in providers.providers if provider.name != _NAME]
    after = next((i + 1 for i, provider in enumerate(others) if isinstance(provider, EnvironProvider)), 0)
    providers.providers[:] = [*others[:after], DotenvProvider(values), *others[after:]]
