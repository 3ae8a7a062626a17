"""The code of a project as Pants knows it: what each module depends on, from the manifest."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cascade.declarations.code_sources import closure_of, read_file
from cascade.reader.fingerprint import VERSION, combined, fingerprint_of_data

_BYTES = "bytes:"


@dataclass(frozen=True)
class PackedCode:
    """The code of a project when Pants generated its manifest.

    Args:
        files: the fingerprint of each file, by its path from the directory of the import path that it is in. One that
            begins with `bytes:` is that of the bytes of a Python file.
        closures: the places in `files` of those that each module depends on.
        requirements: the names and versions of the requirements that each module depends on.
        rules: the version of the rules of the fingerprints.
        live: whether to take files as they are now, and modules that they have begun to import.
    """

    files: Mapping[str, str]
    closures: Mapping[str, Sequence[int]]
    requirements: Mapping[str, Sequence[str]]
    rules: int = VERSION
    live: bool = False

    @classmethod
    def from_dict(cls, values: object, *, live: bool = False) -> PackedCode | None:
        """Read the field `code` of a manifest, or return None if it has another form.

        Args:
            values: the field.
            live: see `PackedCode`.
        """
        if not isinstance(values, Mapping):
            return None
        rules = values.get("rules")
        files, closures, requirements = (values.get(name) for name in ("files", "closures", "requirements"))
        if (
            not isinstance(rules, int)
            or not isinstance(files, Mapping)
            or not isinstance(closures, Mapping)
            or not isinstance(requirements, Mapping)
        ):
            return None
        return cls(files, closures, requirements, rules, live)

    @cached_property
    def _files(self) -> tuple[tuple[str, str], ...]:
        return tuple(self.files.items())

    def version(self, module: str) -> str | None:
        """Return the version of the code of a module, or None if Pants does not know the module.

        Args:
            module: the name of the module.
        """
        places = self.closures.get(module)
        if places is None:
            return None
        files = dict(self._files[place] for place in places)
        if self.live and self.rules == VERSION:
            for path, found in [(path, _found(path)) for path in files]:
                # A file that is not on the import path cannot be found again.
                if found is not None and (now := _now(path, found, files[path])) != files[path]:
                    files = {**_imported(path, found), **files, path: now}
        return combined(files, self.requirements.get(module, ()))


def _found(path: str) -> str | None:
    return next((file for entry in sys.path if os.path.isfile(file := os.path.join(entry or ".", path))), None)


def _now(path: str, file: str, before: str) -> str:
    if before.startswith(_BYTES):
        with open(file, "rb") as opened:
            return _BYTES + fingerprint_of_data(opened)
    return read_file(file, _module(path))[0]


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(path: str, file: str) -> dict[str, str]:
    """Return the fingerprints of the modules that a module imports, by their paths."""
    if not path.endswith(".py"):
        return {}
    modules, _ = closure_of({_module(path): Path(file)})
    found = {}
    for module, place in modules.items():
        ending = "/__init__.py" if os.path.basename(place) == "__init__.py" else ".py"
        # Pants leaves out an empty file, which it takes for the mark of a package.
        if os.path.getsize(place):
            found[module.replace(".", "/") + ending] = read_file(place, module)[0]
    return found
