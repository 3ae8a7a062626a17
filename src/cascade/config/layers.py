"""Read the sources of settings, each as one layer of plain values.

A layer keeps, with each value, a description of its origin for messages. The model defines the types of the settings.
"""

from __future__ import annotations

import io
import os
import re
import runpy
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType

from cascade.config.root import SETTINGS_VARIABLE, legacy_package
from cascade.config.secrets import mask_secrets
from cascade.exceptions import ConfigError, SourceLocation

PREFIX = "CASCADE_"
DOTENV = ".env"

_DOTENV: ContextVar[str] = ContextVar("cascade_config_dotenv", default=DOTENV)

_NOT_SETTINGS = frozenset(
    {"settings_directory", "project_root", "keep_going", "program", "packed_dbt_project", "legacy_told"}
)
"""Environment variables that control a process and are not settings."""


@dataclass(frozen=True)
class Layer:
    """The settings of one source.

    Args:
        name: the source, as `config show` prints it: "environment", ".env", "cascade_config.py", "pyproject.toml", or
            "layout" for what the layout from before version 1.0 implies.
        values: the value of each setting, by the setting's name in lower case.
        origins: where each value comes from, such as `CASCADE_AUTOMATION in .env`.
    """

    name: str
    values: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layers:
    """All sources in order of precedence, and the other keys of `.env`, which are for dlt only."""

    layers: tuple[Layer, ...]
    dotenv_rest: Mapping[str, str]

    def origin(self, name: str) -> str | None:
        """Return where the value of a setting comes from, or None if no source sets it."""
        for layer in self.layers:
            if name in layer.values:
                return layer.origins[name]
        return None

    def source(self, name: str) -> str:
        """Return the source that sets a setting, or "default" if none does."""
        return next((layer.name for layer in self.layers if name in layer.values), "default")


@dataclass(frozen=True)
class DescribedSetting:
    """One setting, as `cascade config show` prints it.

    Args:
        name: the setting's name.
        value: its value. Secrets are masked.
        source: "environment", ".env", "cascade_config.py", "pyproject.toml", "argument" or "default".
        origin: the exact place that the value comes from, or None for a default.
        extra: whether it is one of the project's own keys, which Cascade does not know.
    """

    name: str
    value: object
    source: str
    origin: str | None
    extra: bool = False


@contextmanager
def dotenv_named(name: str) -> Iterator[None]:
    """Let another file of the project root stand for `.env`.

    Args:
        name: name of the file, such as `.env.production`.
    """
    token = _DOTENV.set(name)
    try:
        yield
    finally:
        _DOTENV.reset(token)


def read_layers(project_root: Path, environment: Mapping[str, str] | None = None) -> Layers:
    """Read all sources of settings.

    Args:
        project_root: the directory of `.env`, `cascade_config.py` and `pyproject.toml`. If the root lacks one of the
            latter two, it is read from `CASCADE_SETTINGS_DIRECTORY`: they travel in a PEX, and `.env` never does.
        environment: the environment variables to use in place of those of the process.

    Raises:
        ConfigError: a file cannot be read, parsed or run.
    """
    environment = os.environ if environment is None else environment
    dotenv, rest = _read_dotenv(project_root / _DOTENV.get())
    shipped = environment.get(SETTINGS_VARIABLE)
    places = (project_root, *([Path(shipped)] if shipped else []))
    config_file = next((p for place in places if (p := place / "cascade_config.py").is_file()), None)
    pyproject = next((p for place in places if (p := place / "pyproject.toml").is_file()), None)
    return Layers(
        layers=(
            _prefixed("environment", environment, "the environment"),
            dotenv,
            _read_config_file(config_file),
            _read_pyproject(pyproject),
            *(_legacy_layers(project_root, environment, rest) if legacy_package(project_root) else ()),
        ),
        dotenv_rest=rest,
    )


def _prefixed(name: str, values: Mapping[str, str | None], place: str) -> Layer:
    # An empty value counts as unset, because shells and compose files have no other way to write "no value".
    found = {
        key[len(PREFIX) :].lower(): (key, value) for key, value in values.items() if key.startswith(PREFIX) and value
    }
    kept = {setting: pair for setting, pair in found.items() if setting and setting not in _NOT_SETTINGS}
    return Layer(
        name,
        values={setting: value for setting, (_, value) in kept.items()},
        origins={setting: f"{key} in {place}" for setting, (key, _) in kept.items()},
    )


def _legacy_layers(root: Path, environment: Mapping[str, str], dotenv: Mapping[str, str]) -> tuple[Layer, ...]:
    """Return what the variables without a prefix set, and what the layout from before version 1.0 implies."""
    from cascade.legacy.project import default_settings
    from cascade.legacy.variables import settings_of

    layers = []
    for name, values, place in (
        ("environment", environment, "the environment"),
        (_DOTENV.get(), dotenv, str(root / _DOTENV.get())),
    ):
        found = settings_of(values)
        origins = {each.setting: f"{' and '.join(each.names)} in {place}" for each in found}
        layers.append(Layer(name, {each.setting: each.value for each in found}, origins))
    defaults = default_settings(root)
    layers.append(Layer("layout", defaults, {name: f"the layout of {root}" for name in defaults}))
    return tuple(layers)


def _read_dotenv(path: Path) -> tuple[Layer, Mapping[str, str]]:
    if not path.is_file():
        return Layer(path.name), {}
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        # Editors of Windows begin files with a byte order mark, which is no part of the first name.
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}") from error
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            # The line may hold a secret, so the message must not repeat it.
            raise ConfigError(
                "This line does not have the form KEY=value.", location=SourceLocation(str(path), binding.original.line)
            )
    values = dotenv_values(stream=io.StringIO(text))
    rest = {key: value for key, value in values.items() if value is not None and not key.startswith(PREFIX)}
    return _prefixed(path.name, values, str(path)), rest


def _read_config_file(path: Path | None) -> Layer:
    if path is None:
        return Layer("cascade_config.py")
    try:
        names = runpy.run_path(str(path), run_name="cascade_config")
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        line = _line_in(path, error)
        raise ConfigError(
            f"cascade_config.py failed to run: {type(error).__name__}: {mask_secrets(str(error))}",
            location=SourceLocation(str(path), line),
        ) from error
    settings = {
        name.lower(): value
        for name, value in names.items()
        if not name.startswith("_")
        and not isinstance(value, (ModuleType, FunctionType, type))
        and name != "annotations"
    }
    return _file_layer("cascade_config.py", settings, str(path))


def _line_in(path: Path, error: BaseException) -> int:
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return (frames[-1].lineno or 1) if frames else 1


def _read_pyproject(path: Path | None) -> Layer:
    if path is None:
        return Layer("pyproject.toml")
    import tomllib

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("cascade", {})
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        at_line = re.search(r"at line (\d+)", str(error))
        location = SourceLocation(str(path), int(at_line.group(1)) if at_line else 1)
        raise ConfigError(f"pyproject.toml is not valid TOML: {error}", location=location) from error
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.cascade is a {type(table).__name__}, but must be a table: [tool.cascade].")
    settings = {str(name).lower().replace("-", "_"): value for name, value in table.items()}
    return _file_layer("pyproject.toml", settings, f"{path} [tool.cascade]")


def _file_layer(name: str, settings: Mapping[str, object], place: str) -> Layer:
    kept = {setting: value for setting, value in settings.items() if setting not in _NOT_SETTINGS}
    return Layer(name, values=kept, origins={setting: f"{setting} in {place}" for setting in kept})
