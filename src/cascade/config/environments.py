"""The settings of a lakehouse that a user calls by a name: `embedded`, `production`, or one with a file `.env.NAME`."""

from __future__ import annotations

import re

from cascade.config.layers import DOTENV, dotenv_named
from cascade.config.model import CascadeConfig
from cascade.config.root import find_project_root
from cascade.exceptions import ConfigError
from cascade.spelling import did_you_mean

EMBEDDED = "embedded"
PRODUCTION = "production"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def config_named(name: str) -> CascadeConfig:
    """Return the settings of the project in one of its environments.

    If the project root has a file `.env.NAME`, that stands for `.env`, and all other sources count as ever. Without
    such a file, `embedded` is the lakehouse in `.cascade`, and `production` the one that the settings name.

    Args:
        name: name of the environment.

    Raises:
        ConfigError: there is no such environment, or its settings are invalid.
    """
    root = find_project_root()
    if _NAME.fullmatch(name) and (root / f"{DOTENV}.{name}").is_file():
        with dotenv_named(f"{DOTENV}.{name}"):
            return CascadeConfig.from_user_config()
    if name == EMBEDDED:
        return CascadeConfig(iceberg_catalog=None, nessie_uri=None, iceberg_warehouse=None)
    known = [EMBEDDED, PRODUCTION, *(path.name.removeprefix(f"{DOTENV}.") for path in root.glob(f"{DOTENV}.*"))]
    if name != PRODUCTION:
        raise ConfigError(
            f'There is no environment "{name}".{did_you_mean(name, known)}',
            hint=f"Put its settings, such as CASCADE_ICEBERG_CATALOG, into {root / f'{DOTENV}.{name}'}.",
        )
    config = CascadeConfig.from_user_config()
    if config.iceberg_catalog is None and config.nessie_uri is None:
        raise ConfigError(
            "The settings name no catalog, so the lakehouse of the project is the embedded one.",
            hint=f"Put CASCADE_ICEBERG_CATALOG and CASCADE_ICEBERG_WAREHOUSE into {root / DOTENV}.{PRODUCTION},\n"
            f"or, if all commands are to use them, into {root / DOTENV}.",
        )
    return config
