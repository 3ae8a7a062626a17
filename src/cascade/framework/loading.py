"""Imports of a project's modules. A module that fails is reported with the user's line and does not hide the others."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError, DiscoveryError, SourceLocation, asks_for_the_end
from cascade.framework.frames import location_of_error

_LISTED = 8
"""How many modules an error lists that another one keeps from loading."""


@dataclass(frozen=True)
class LoadedModules:
    """The outcome of loading.

    Args:
        modules: the modules that loaded, by name, in the order requested.
        failed: the error of each module that did not load, by name. If a package fails, its modules are not reported.
            Modules that fail at the same line for the same reason share one error.
        seconds: the import time of each module that was not imported before.
    """

    modules: Mapping[str, ModuleType] = field(default_factory=dict)
    failed: Mapping[str, CascadeError] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[CascadeError, ...]:
        """The errors of the modules that did not load, each once."""
        return tuple({id(error): error for error in self.failed.values()}.values())

    def failure_of(self, name: str) -> CascadeError | None:
        """Return why a module did not load: its own error, or that of a package above it. None if it loaded."""
        return next((self.failed[each] for each in (name, *_packages_above(name)) if each in self.failed), None)


def load_modules(names: Iterable[str], *, starting: Callable[[str], None] = lambda name: None) -> LoadedModules:
    """Import modules by name.

    Args:
        names: full names, such as `workflows.weather.observations`, packages before their modules.
        starting: called with the name of each module before it is imported.

    Returns:
        What loaded and what failed. An exception in a module is reported, not raised.

    Raises:
        KeyboardInterrupt: the user pressed Ctrl-C.
    """
    names = tuple(names)
    top_packages = tuple(dict.fromkeys(name.partition(".")[0] for name in names))
    modules: dict[str, ModuleType] = {}
    failed: dict[str, CascadeError] = {}
    seconds: dict[str, float] = {}
    for name in names:
        if any(package in failed for package in _packages_above(name)):
            continue
        starting(name)
        is_new = name not in sys.modules
        begun = time.monotonic()
        try:
            modules[name] = importlib.import_module(name)
        except CascadeError as error:
            failed[name] = error
        except BaseException as error:
            if asks_for_the_end(error):
                raise
            failed[name] = _import_failure(name, error, top_packages)
        if is_new:
            seconds[name] = time.monotonic() - begun
    return LoadedModules(modules, _with_shared_errors(failed), seconds)


def _packages_above(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _with_shared_errors(failed: Mapping[str, CascadeError]) -> dict[str, CascadeError]:
    """Let modules that fail for one reason, such as a module that they all import, share one error."""
    groups: dict[object, list[str]] = {}
    for name, error in failed.items():
        groups.setdefault(_reason_key(error), []).append(name)
    shared = {name: _shared_error(names, failed) for names in groups.values() for name in names}
    return {name: shared[name] for name in failed}


def _reason_key(error: CascadeError) -> object:
    cause = error.__cause__
    if not isinstance(error, DiscoveryError) or cause is None:
        return str(error)
    return (error.location, type(cause), _reason(cause)) if error.location else id(error)


def _shared_error(names: list[str], failed: Mapping[str, CascadeError]) -> CascadeError:
    """Return the error of the module that contains the line at fault, with a sentence about the others."""
    if len(names) == 1:
        return failed[names[0]]
    owner = next((name for name in names if _is_at_fault(name, failed[name])), names[0])
    error, others = failed[owner], [name for name in names if name != owner]
    listed = ", ".join(others[:_LISTED]) + (f" and {len(others) - _LISTED} more" if len(others) > _LISTED else "")
    sentence = f"This also keeps {listed} from loading."
    # The error may be one that every module raised, with the sentence from an earlier call.
    if not (error.hint or "").endswith(sentence):
        error.hint = f"{error.hint}\n{sentence}" if error.hint else sentence
    return error


def _is_at_fault(name: str, error: CascadeError) -> bool:
    first = _first_line(name)
    return first is not None and error.location is not None and first.file == error.location.file


def _import_failure(name: str, error: BaseException, top_packages: tuple[str, ...]) -> DiscoveryError:
    location = location_of_error(error, top_packages)
    if isinstance(error, ModuleNotFoundError) and error.name and location is None:
        # No line of the user's code ran: the module itself, or a package above it, does not exist.
        failure = _absence(name, error.name)
    else:
        failure = DiscoveryError(
            f"The module {name} does not import: {type(error).__name__}: {_reason(error)}",
            location=location or _first_line(name),
            hint=hint_for(error),
        )
    failure.__cause__ = error
    return failure


def hint_for(error: BaseException) -> str | None:
    """Return what to do about an exception in a user's module, or None if that is not known."""
    if isinstance(error, SystemExit):
        return 'Put the code of a script under `if __name__ == "__main__":`.'
    if isinstance(error, ModuleNotFoundError) and error.name == "pandera":
        return "Type: pip install 'cascade-workflows[pandera]'"
    if any(text in _reason(error) for text in _NO_DG_PROJECT):
        return (
            "Dagster's loader looks for the pyproject.toml or dg.toml of its project in the directories above. Under "
            'Pants, add the file to the workflow in the BUILD file next to it: data=["pyproject.toml"].'
        )
    return None


# What `load_from_defs_folder` and `load_defs` say.
_NO_DG_PROJECT = ("Could not find config file (pyproject.toml/dg.toml)", "No project root with pyproject.toml")


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return error.msg
    try:
        return mask_secrets(str(error)) or "no message"
    except Exception as another:
        return f"its message could not be rendered ({type(another).__name__})"


def _absence(name: str, missing: str) -> DiscoveryError:
    for package in reversed(_packages_above(name)):
        above = sys.modules.get(package)
        if above is None:
            continue
        rest = name.removeprefix(f"{package}.")
        for path in (Path(directory, f"{rest}.py") for directory in getattr(above, "__path__", ())):
            here = SourceLocation(str(path), 1)
            if path.is_symlink() and not path.exists():
                return DiscoveryError(
                    f"The module {name} is a symbolic link to a file that does not exist.", location=here
                )
            if path.is_file():
                return DiscoveryError(
                    "The file cannot be imported, because its name contains a dot.",
                    location=here,
                    hint=f"Rename it, for example to {rest.replace('.', '_')}.py.",
                )
        if not hasattr(above, "__path__"):
            return DiscoveryError(
                f"The module {name} is hidden by the module {package}, which has the same name as its directory.",
                location=_first_line(package),
                hint="Rename one of the two, or make the module the __init__.py of the directory.",
            )
    return DiscoveryError(
        f"There is no module {missing}" + (f", which {name} imports." if missing != name else "."),
        hint="If you renamed or deleted a file under Pants, restart the command: it lists the modules when it starts.",
    )


def _first_line(name: str) -> SourceLocation | None:
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        # This imports the packages above, which may raise anything.
        return None
    return SourceLocation(spec.origin, 1) if spec and spec.origin and spec.has_location else None
