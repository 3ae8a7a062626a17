"""The files of a parse of dbt without what differs from machine to machine and from time to time."""

from __future__ import annotations

import hashlib
import pprint
from collections.abc import Mapping, Sequence
from typing import Any

Places = Mapping[str, str]
"""Absolute paths by their names in a portable parse."""

_TIME = "2000-01-01T00:00:00.000000Z"
_TIMES = ("generated_at", "invocation_started_at", "run_started_at")


def replace_places(value: Any, places: Places, *, portable: bool) -> Any:
    """Replace paths at the beginning of texts by their names, or the names by the paths.

    Args:
        value: a document.
        places: the paths.
        portable: whether to replace the paths.
    """
    pairs = [(path, _name(name)) if portable else (_name(name), path) for name, path in places.items()]

    def replaced(inner: Any) -> Any:
        if isinstance(inner, str):
            for old, new in pairs:
                if old in inner:
                    inner = inner.replace(old, new)
            return inner
        if isinstance(inner, dict):
            return {key: replaced(one) for key, one in inner.items()}
        return [replaced(one) for one in inner] if isinstance(inner, list) else inner

    return replaced(value)


def _name(name: str) -> str:
    return f"<cascade:{name}>"


def portable_manifest(manifest: dict[str, Any], places: Places) -> dict[str, Any]:
    """Return the content of `manifest.json` as it is on every machine.

    Args:
        manifest: the content that dbt wrote.
        places: the paths in it.
    """
    made: dict[str, Any] = replace_places(_timeless(manifest), places, portable=True)
    return made


def portable_partial_parse(partial: dict[str, Any], places: Places) -> dict[str, Any]:
    """Return the content of `partial_parse.msgpack` as it is on every machine.

    Args:
        partial: the content that dbt wrote.
        places: the paths in it.
    """
    made = replace_places(_timeless(partial), places, portable=True)
    for file in made["files"].values():
        # dbt reads a file again whose time it does not know, and compares the content.
        file["path"]["modification_time"] = 0.0
        if not file["path"]["project_root"].startswith(_name("files")):
            # dbt's own macros are wherever dbt is installed, where it finds them anew.
            file["path"]["project_root"] = ""
    made["state_check"]["profile_hash"]["checksum"] = ""
    result: dict[str, Any] = made
    return result


def connection_hash(connection: Sequence[Sequence[Any]]) -> str:
    """Return the hash by which dbt tells whether a parse was made for a connection.

    Args:
        connection: what dbt knows of the connection, sorted.
    """
    return hashlib.sha256(pprint.pformat([tuple(pair) for pair in connection]).encode()).hexdigest()


def _timeless(document: dict[str, Any]) -> dict[str, Any]:
    made = {key: _with_fixed_times(value) for key, value in document.items()}
    made["metadata"] = {
        **document["metadata"],
        **{name: _TIME for name in _TIMES if name in document["metadata"]},
        "invocation_id": None,
        "user_id": None,
    }
    return made


def _with_fixed_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: 0.0 if key == "created_at" and isinstance(inner, float) else _with_fixed_times(inner)
            for key, inner in value.items()
        }
    return [_with_fixed_times(one) for one in value] if isinstance(value, list) else value
