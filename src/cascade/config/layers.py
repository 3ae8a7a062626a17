"""Reading the places that settings come from, each as one layer of plain values.

A layer keeps, beside each value, the words that tell a person where it stands. Nothing here knows the settings'
types: that is the model's business.
"""

from __future__ import annotations

import io
import os
import re
import runpy
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType

from cascade.config.root import SETTINGS_VARIABLE
from cascade.config.secrets import mask_secrets
from cascade.exceptions import ConfigError, SourceLocation

PREFIX = "CASCADE_"

_NOT_SETTINGS = frozenset({"settings_directory", "project_root", "keep_going"})
"""Variables of the environment that steer a process and are no settings."""


@dataclass(frozen=True)
class Layer:
    """The settings that one source gives.

    Args:
        name: the source, as `config show` names it: "environment", ".env", "cascade_config.py", "pyproject.toml".
        values: the value of each setting, by the setting's name in lower case.
        origins: for each of these, the words that say where it stands, such as `CASCADE_AUTOMATION in .env`.
    """

    name: str
    values: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layers:
    """Every source, the strongest first, and the other keys of `.env`, which are for dlt alone."""

    layers: tuple[Layer, ...]
    dotenv_rest: Mapping[str, str]

    def origin(self, name: str) -> str | None:
        """Says where the value of a setting stands, or None where no source gives it."""
        for layer in self.layers:
            if name in layer.values:
                return layer.origins[name]
        return None

    def source(self, name: str) -> str:
        """Names the source that gives a setting, "default" where none does."""
        return next((layer.name for layer in self.layers if name in layer.values), "default")


@dataclass(frozen=True)
class DescribedSetting:
    """One setting, as `cascade config show` prints it.

    Args:
        name: the setting's name.
        value: its value; secrets are masked.
        source: "environment", ".env", "cascade_config.py", "pyproject.toml", "argument" or "default".
        origin: where exactly the value stands, None for a default.
        extra: whether it is a key of the project's own, which Cascade does not know.
    """

    name: str
    value: object
    source: str
    origin: str | None
    extra: bool = False


def read_layers(project_root: Path, environment: Mapping[str, str] | None = None) -> Layers:
    """Reads all sources of settings.

    Args:
        project_root: where `.env`, `cascade_config.py` and `pyproject.toml` are looked for. The latter two are taken
            from `CASCADE_SETTINGS_DIRECTORY` where the root has none: they travel in a PEX, and `.env` never does.
        environment: stands for the process environment.

    Raises:
        ConfigError: a file cannot be read, parsed or run; names it and the line.
    """
    environment = os.environ if environment is None else environment
    dotenv, rest = _read_dotenv(project_root / ".env")
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
        ),
        dotenv_rest=rest,
    )


def _prefixed(name: str, values: Mapping[str, str | None], place: str) -> Layer:
    # An empty value counts as unset, because that is all that a shell or a compose file can write for "no value".
    found = {
        key[len(PREFIX) :].lower(): (key, value) for key, value in values.items() if key.startswith(PREFIX) and value
    }
    kept = {setting: pair for setting, pair in found.items() if setting and setting not in _NOT_SETTINGS}
    return Layer(
        name,
        values={setting: value for setting, (_, value) in kept.items()},
        origins={setting: f"{key} in {place}" for setting, (key, _) in kept.items()},
    )


def _read_dotenv(path: Path) -> tuple[Layer, Mapping[str, str]]:
    if not path.is_file():
        return Layer(".env"), {}
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            # What stands there may be a secret, and is not repeated.
            raise ConfigError("This line is not KEY=value.", location=SourceLocation(str(path), binding.original.line))
    values = dotenv_values(stream=io.StringIO(text))
    rest = {key: value for key, value in values.items() if value is not None and not key.startswith(PREFIX)}
    return _prefixed(".env", values, str(path)), rest


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
            f"cascade_config.py does not run: {type(error).__name__}: {mask_secrets(str(error))}",
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
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        at_line = re.search(r"at line (\d+)", str(error))
        location = SourceLocation(str(path), int(at_line.group(1)) if at_line else 1)
        raise ConfigError(f"pyproject.toml is not valid TOML: {error}", location=location) from error
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.cascade is a {type(table).__name__}, and should be a table [tool.cascade].")
    settings = {str(name).lower().replace("-", "_"): value for name, value in table.items()}
    return _file_layer("pyproject.toml", settings, f"{path} [tool.cascade]")


def _file_layer(name: str, settings: Mapping[str, object], place: str) -> Layer:
    kept = {setting: value for setting, value in settings.items() if setting not in _NOT_SETTINGS}
    return Layer(name, values=kept, origins={setting: f"{setting} in {place}" for setting in kept})
