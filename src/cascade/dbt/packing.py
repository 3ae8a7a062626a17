"""Parse a dbt project for a PEX. Pants runs this module as a program when it packages a project.

Its argument is a JSON object: `files`, the directory of the packed files; `inside`, the directory of the dbt project in
it; and `output`, the directory to write. If the project can be parsed only where the PEX runs, it prints why. It exits
with 1 and prints the problems if dbt finds any.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_MISSING_VARIABLE = re.compile(r"Env var required but not provided: '([^']*)'")


def main(arguments: list[str] | None = None) -> int:
    """Run the program; see above.

    Args:
        arguments: its arguments, by default those of the process.
    """
    from cascade.dbt.parse import dbt_is_installed

    (question,) = sys.argv[1:] if arguments is None else arguments
    asked = json.loads(question)
    files, output = Path(asked["files"]).absolute(), Path(asked["output"]).absolute()
    if not dbt_is_installed():
        print("Its resolve lacks dbt-core or dbt-duckdb.")
        return 0
    try:
        pack_parse(files, asked["inside"], output)
    except CascadeError as error:
        missing = _MISSING_VARIABLE.search(error.message)
        text = _shown(error, files)
        if not missing:
            print(text, file=sys.stderr)
            return 1
        print(f"It reads the environment variable {missing[1]} without a default. {text}")
    return 0


def pack_parse(files: Path, inside: str, output: Path) -> None:
    """Let dbt parse a project, and write what it finds as it is on every machine.

    Args:
        files: the directory of the packed files.
        inside: the directory of the dbt project in it.
        output: the directory to write to.

    Raises:
        CascadeError: dbt cannot parse the project.
    """
    import msgpack  # pants: no-infer-dep

    from cascade.config import CascadeConfig
    from cascade.dbt.manifest import parse_into
    from cascade.dbt.packed_parse import MANIFEST, TARGET, ParseDescription, installed_dbt, places_of
    from cascade.dbt.portable_parse import portable_manifest, portable_partial_parse, replace_places
    from cascade.dbt.profile import dbt_environment
    from cascade.dbt.state_files import PARTIAL_PARSE

    with tempfile.TemporaryDirectory(prefix="cascade-dbt-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        directory = Path(os.path.normpath(files / inside))
        config = CascadeConfig(project_root=root, dbt_project_dir=str(directory), dbt_target=TARGET)
        parsed = root / "parsed"
        parsed.mkdir()
        parse_into(config, dbt_environment(config), parsed, in_order=True)
        places = places_of(config, files)
        manifest = json.loads((parsed / MANIFEST).read_bytes())
        partial = msgpack.unpackb((parsed / PARTIAL_PARSE).read_bytes(), raw=False, strict_map_key=False)
        connection = _connection(config, partial["state_check"]["profile_hash"]["checksum"])
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(portable_manifest(manifest, places))
    (output / MANIFEST).write_text(text, encoding="utf-8")
    (output / PARTIAL_PARSE).write_bytes(msgpack.packb(portable_partial_parse(partial, places), use_bin_type=True))
    ParseDescription(
        dbt=installed_dbt(),
        variables=replace_places(partial["env_vars"], places, portable=True),
        connection=replace_places(connection, places, portable=True),
        is_whole=not _reads_variables(files),
    ).write(output)


def _connection(config: CascadeConfig, checksum: str) -> list[list[Any]]:
    """Return what dbt knows of the connection, if its hash is that of the parse."""
    import yaml
    from dbt.adapters.duckdb.credentials import DuckDBCredentials  # pants: no-infer-dep

    from cascade.dbt.packed_parse import TARGET
    from cascade.dbt.portable_parse import connection_hash
    from cascade.dbt.profile import duckdb_file, profile_text

    output = yaml.safe_load(profile_text("any"))["any"]["outputs"][TARGET]
    values = {key: value for key, value in output.items() if key not in ("type", "threads")}
    credentials = DuckDBCredentials.from_dict({**values, "path": str(duckdb_file(config))})
    found = [list(pair) for pair in sorted(credentials.connection_info())]
    # Without it, dbt parses the whole project again where the PEX runs.
    return found if connection_hash(found) == checksum else []


def _reads_variables(files: Path) -> bool:
    """Return whether a project file reads the environment, of which dbt keeps only a hash."""
    return any(b"env_var" in file.read_bytes() for file in files.rglob("dbt_project.yml"))


def _shown(error: CascadeError, files: Path) -> str:
    location = f"{error.location}: " if error.location else ""
    return f"{location}{error.message}".replace(f"{files}{os.sep}", "")


if __name__ == "__main__":
    sys.exit(main())
