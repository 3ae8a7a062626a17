"""What is wrong with the settings, with the source of each value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pydantic import ValidationError

from cascade.config.layers import DOTENV, PREFIX, Layers
from cascade.config.secrets import is_secret_name, masked_value
from cascade.exceptions import ConfigError
from cascade.program import typed
from cascade.spelling import nearest


def config_error(error: ValidationError, layers: Layers, given: Mapping[str, object]) -> ConfigError:
    """Return the error for invalid settings. It does not show secrets.

    Args:
        error: what pydantic found.
        layers: the sources of the settings.
        given: the settings that were arguments.
    """
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        if detail["type"] == "default_factory_not_called":
            # This only follows from the other errors.
            continue
        name = str(detail["loc"][0]) if detail["loc"] else "settings"
        if name in given:
            origin, value = f"{name} in the arguments of CascadeConfig", given[name]
        else:
            layer = next((layer for layer in layers.layers if name in layer.values), None)
            origin = layers.origin(name) or name
            value = layer.values[name] if layer else None
        shown = "a hidden value" if is_secret_name(name) else repr(masked_value(name, value))
        # pydantic's prefix of what a validator of ours says.
        message = str(detail["msg"]).removeprefix("Value error, ").rstrip(".")
        problems.append(f"{origin} is {shown}: {message[:1].lower()}{message[1:]}.")
    return ConfigError("\n".join(problems), hint=f"See every setting with its type and default: {typed('config docs')}")


def misspelled_settings(layers: Layers, known: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each key that is not a setting, but is close to one.

    Args:
        layers: the sources of the settings.
        known: the names of all settings.
    """
    for layer in layers.layers:
        for name in layer.values:
            if name in known:
                continue
            close = nearest(name, known, cutoff=0.8)
            if close is not None:
                meant = f"{PREFIX}{close.upper()}" if layer.name.startswith(("environment", DOTENV)) else close
                yield f"{layer.origins[name]} is not a Cascade setting. Did you mean {meant}?"
