"""The versions of Pants that the plugin runs on, and the engine module of each."""

from __future__ import annotations

GET = "get"
BY_NAME = "by_name"

LAST_WITH_GET_ONLY = (2, 17)
FIRST_BY_NAME = (2, 30)


class UnsupportedPantsError(Exception):
    """The plugin does not support the version of Pants that loads it."""


def engine_for(version: str, major: int, minor: int) -> str:
    """Return how a version of Pants calls rules.

    Args:
        version: the whole version, for the error message.
        major: its first number.
        minor: its second number.

    Returns:
        `GET` for Pants 2.17 and `BY_NAME` for 2.30 and later.

    Raises:
        UnsupportedPantsError: for any other version. The message names the versions that work.
    """
    if (major, minor) == LAST_WITH_GET_ONLY:
        return GET
    if (major, minor) >= FIRST_BY_NAME:
        return BY_NAME
    raise UnsupportedPantsError(
        f"The cascade_pants plugin does not run on Pants {version}. It runs on Pants 2.17 (tested on 2.17.1) and on "
        "Pants 2.30 and later.\n"
        "Set `pants_version` under [GLOBAL] in pants.toml to one of these, such as 2.17.1 or 2.30.0. From 2.18 to "
        "2.29, the engine API for plugins was changing, and no version of this plugin supports it."
    )
