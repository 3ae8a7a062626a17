"""The manifest: what the runtime learns from Pants about a project, through the module that Pants generates.

The generated module holds a dictionary of plain literals, `MANIFEST`, and passes it to `run_project` and to
`build_definitions`. Its fields are those of `Manifest`. The plugin and the runtime may be of different versions:

- A field that only adds information does not change `version`, and a runtime that does not know it ignores it.
- `version` goes up when a runtime that ignored the change would do something wrong. A runtime refuses a manifest of a
  higher version than its own; it keeps reading the lower ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cascade.config.dbt_directory import DIRECTORY_VARIABLE, PACKED_VARIABLE, describe_packed
from cascade.config.root import SETTINGS_VARIABLE
from cascade.declarations.code_version import use_packed_code
from cascade.declarations.packed_code import PackedCode
from cascade.exceptions import ConfigError
from cascade.framework.project import Project
from cascade.framework.renewed_manifest import DIRECTORY_VARIABLE as RENEWED_VARIABLE

VERSION = 1
"""The highest version of a manifest that this runtime reads."""

_DBT_FIELDS = ("directory", "packed", "inside")


@dataclass(frozen=True)
class ManifestDbt:
    """The dbt project of a project.

    Args:
        directory: its directory, from that of the project.
        packed: the name of the directory next to the generated module with its files as they were when Pants generated
            it, and those that it needs from elsewhere. The name changes with any of them.
        inside: its directory in `packed`.
    """

    directory: str
    packed: str
    inside: str


@dataclass(frozen=True)
class Manifest:
    """A project, as Pants knows it from the BUILD files.

    Args:
        version: the version of the manifest's format.
        name: the project's name, which is the name of the `cascade_project`.
        address: the Pants address of the `cascade_project`.
        module: the name of the generated module, whose `defs` are the project's definitions.
        modules: the names of the modules to load.
        settings: the name of the directory next to the generated module with the project's settings as they were
            when Pants generated it. Settings in the project's own directory override them. None without settings.
        dbt: the dbt project, if the `cascade_project` names one.
        code: the files and requirements that each module depends on; None if the manifest does not say.
    """

    version: int
    name: str
    address: str
    module: str
    modules: tuple[str, ...]
    settings: str | None = None
    dbt: ManifestDbt | None = None
    code: PackedCode | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Read a manifest.

        Args:
            values: the fields; unknown ones are ignored.

        Raises:
            ConfigError: the manifest has a higher version than this runtime reads, or a field is missing or has the
                wrong type.
        """
        hint = "Pants generates the manifest; do not edit it. Use a plugin and a runtime of the same release."
        if not isinstance(values, Mapping):
            given = type(values).__name__
            raise ConfigError(f"The manifest must be a mapping of its fields, but it is a {given}.", hint=hint)
        what = f"The manifest of {values.get('address', 'the project')}"
        given_version = values.get("version")
        # True is an int.
        is_number = isinstance(given_version, int) and not isinstance(given_version, bool)
        version = int(given_version) if is_number else 0  # type: ignore[call-overload]
        if version > VERSION:
            raise ConfigError(
                f"{what} has version {version}, but this runtime reads version {VERSION}.",
                hint="Upgrade cascade-workflows in the project's resolve, then: pants generate-lockfiles",
            )
        modules, settings, dbt = values.get("modules"), values.get("settings"), values.get("dbt")
        texts = {name: values.get(name) for name in ("name", "address", "module")}
        wrong = [name for name, value in texts.items() if not isinstance(value, str)]
        if version < 1:
            wrong.append("version")
        if not isinstance(modules, (list, tuple)) or not all(isinstance(name, str) for name in modules):
            wrong.append("modules")
        if settings is not None and not isinstance(settings, str):
            wrong.append("settings")
        given_dbt = dbt if isinstance(dbt, Mapping) else {}
        dbt_fields = [text for name in _DBT_FIELDS if isinstance(text := given_dbt.get(name), str)]
        if dbt is not None and len(dbt_fields) < len(_DBT_FIELDS):
            wrong.append("dbt")
        if wrong:
            given = ", ".join(f"{name} is {values.get(name)!r}" for name in wrong)
            raise ConfigError(f"{what} cannot be read: {given}.", hint=hint)
        return cls(
            version=version,
            modules=tuple(modules),  # type: ignore[arg-type]
            settings=settings,  # type: ignore[arg-type]
            dbt=ManifestDbt(*dbt_fields) if dbt_fields else None,
            # Only `dev` goes on after an edit; what else a manifest starts has the code of when it was generated.
            code=PackedCode.from_dict(values.get("code"), live=bool(os.environ.get(RENEWED_VARIABLE))),
            **texts,  # type: ignore[arg-type]
        )

    @property
    def project(self) -> Project:
        """The project for the command line."""
        return Project(self.name, self.modules, address=self.address, module=self.module)

    def announce(self) -> None:
        """Set the variables of the project's name, settings and dbt project, for this process and its children.

        This process also takes the versions of the workflows' code from the manifest.

        Variables that are already set are not changed.
        """
        use_packed_code(self.code)
        os.environ.setdefault("CASCADE_PROJECT_NAME", self.name)
        # The entry point of a PEX, and `python -m`, run the module as `__main__`.
        module = sys.modules.get(self.module) or sys.modules["__main__"]
        place = Path(str(getattr(module, "__file__", ""))).absolute().parent
        if self.settings is not None and (place / self.settings).is_dir():
            os.environ.setdefault(SETTINGS_VARIABLE, str(place / self.settings))
        # Who has set the directory means that one. `pants run` does, too, so that edits count.
        if self.dbt is not None and not os.environ.get(DIRECTORY_VARIABLE):
            os.environ[DIRECTORY_VARIABLE] = self.dbt.directory
            if (place / self.dbt.packed).is_dir():
                os.environ[PACKED_VARIABLE] = describe_packed(place / self.dbt.packed, self.dbt.inside)
