"""A `profiles.yml` in a dbt project, which no PEX may bring along with a secret in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml  # pants: no-infer-dep
from pants.engine.fs import FileContent

PROFILES_FILE = "profiles.yml"
"""The name of a file of profiles."""

LEFT_OUT = ".left_out"
"""What the name of the file has in addition that takes the place of such a profile, and says why."""

_SECRET_NAME = re.compile(
    r"pass|pwd|secret(?!s$)|token(?!_(endpoint|url|uri)$)|credential|private_key|(^|_)key(_id)?$|api_?key|jwt|dsn",
    re.IGNORECASE,
)
_URL_WITH_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_VARIABLE = re.compile(r"\{\{.*\benv_var\s*\(.*\}\}", re.DOTALL)


def secrets_in_profiles(content: bytes) -> list[str]:
    """Find the secrets that are written in a `profiles.yml` instead of read with `env_var`.

    Args:
        content: the file.

    Returns:
        The line and the key of each, such as `line 7: password`.
    """
    try:
        document = yaml.compose(content.decode(), Loader=yaml.SafeLoader)  # type: ignore[no-untyped-call]
    except (UnicodeDecodeError, yaml.YAMLError):
        return ["it cannot be read"]
    return [f"line {node.start_mark.line + 1}: {key}" for key, node in _scalars("", document) if _is_secret(key, node)]


def _scalars(key: str, node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _scalars(str(name.value), value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _scalars(key, value)
    elif node is not None:
        yield key, node


def _is_secret(key: str, node: Any) -> bool:
    text = str(node.value)
    if (
        not text
        or node.tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:bool")
        or _VARIABLE.fullmatch(text.strip())
    ):
        return False
    return bool(_SECRET_NAME.search(key) or _URL_WITH_PASSWORD.search(text))


def without_secrets(files: Iterable[FileContent]) -> Iterator[FileContent]:
    """Replace each `profiles.yml` with secrets in it by a file that says where they are.

    Args:
        files: the files of a dbt project.
    """
    for file in files:
        found = secrets_in_profiles(file.content) if posixpath.basename(file.path) == PROFILES_FILE else []
        if found:
            yield FileContent(f"{file.path}{LEFT_OUT}", ", ".join(found).encode())
        else:
            yield file


def left_out_profiles(files: Iterable[FileContent], directory: str) -> str:
    """Return what to say about the profiles that `without_secrets` has replaced; nothing if there are none.

    Args:
        files: the packed files.
        directory: the directory that contains them.
    """
    found = [file for file in files if file.path.endswith(f"/{PROFILES_FILE}{LEFT_OUT}")]
    listed = "".join(
        f"\n  {posixpath.relpath(file.path, directory)[: -len(LEFT_OUT)]}, {file.content.decode()}" for file in found
    )
    if not listed:
        return ""
    return (
        f"The PEX would contain secrets of a profile of dbt:{listed}\n"
        "Read each with `env_var`, such as `password: \"{{ env_var('DBT_ENV_SECRET_PASSWORD') }}\"`.\n"
        'Or keep the file out of the PEX with `sources` of the cascade_dbt_project, such as `sources=["**/*", '
        '"!profiles.yml"]`. Then set DBT_PROFILES_DIR where the PEX runs, or dbt uses the profile of Cascade.'
    )
