"""The reference page of the settings: a table of all keys."""

from __future__ import annotations

import types
import typing
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cascade.config.model import CascadeConfig


def settings_table() -> str:
    """Renders the table of all settings in Markdown. It is the content of docs/reference/configuration.md."""
    rows = [_row(name, info) for name, info in CascadeConfig.model_fields.items()]
    return "\n".join(
        [_INTRODUCTION, "| key, and in the environment | type | default | what for |", "|---|---|---|---|", *rows, ""]
    )


def _row(name: str, info: FieldInfo) -> str:
    cells = (
        f"`{name}` `CASCADE_{name.upper()}`",
        _type_name(info.annotation),
        _default(name, info),
        info.description,
    )
    return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"


_DEFAULTS = {
    "project_root": "the nearest directory whose `pyproject.toml` has `[tool.cascade]`, else the working directory",
    "project_name": "the name of the root's directory",
    "dagster_home": "`<root>/.cascade/dagster`",
    "dlt_directory": "`<root>/.cascade/dlt`",
}

_TYPE_NAMES: dict[Any, str] = {
    str: "text", int: "integer", bool: "true or false", Path: "path", date: "date", SecretStr: "secret"
}  # fmt: skip


def _default(name: str, info: FieldInfo) -> str:
    if name in _DEFAULTS:
        return _DEFAULTS[name]
    value = info.default
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type_name(annotation: Any) -> str:
    if annotation in _TYPE_NAMES:
        return _TYPE_NAMES[annotation]
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return " or ".join(_type_name(argument) for argument in arguments if argument is not types.NoneType)
    return str(getattr(annotation, "__name__", annotation))


_INTRODUCTION = """\
# Settings

<!-- Made by `cascade config docs`. Do not edit: change cascade/config/model.py. -->

A setting comes from the first of these that has it: the environment, `.env`, `cascade_config.py`, `[tool.cascade]`
in `pyproject.toml`, the default. The files are looked for in the project root; a PEX falls back to the
`cascade_config.py` and `pyproject.toml` that were packaged with it, and `.env` is never packaged.

- In the environment and in `.env` a key is `CASCADE_` and the name in capitals. An empty value counts as unset.
- In `cascade_config.py` every variable at module level is a setting, unless its name begins with an underscore or it
  is a module, a function or a class.
- Keys that are not in this table are kept for the project's own use. Those whose names look like secrets are masked,
  and those that are close to a known name give a warning.
- The keys of `.env` that do not begin with `CASCADE_` are given to dlt alone: over `.dlt/secrets.toml`, under the
  environment.
- `cascade config show` prints every value and where it comes from.
"""
