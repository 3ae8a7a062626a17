"""The rules for names, and the closest valid name for an invalid one."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterator

_PACKAGE = re.compile(r"[a-z_][a-z0-9_]*")
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TABLE = re.compile(r"[A-Za-z0-9_]+")
_LONGEST_ASSET = 32
"""In characters. Up to this length, every generated line fits the formatter's line length."""
_CRON_FIELD = re.compile(r"[0-9A-Za-z*,/#?-]+")
_CRON_ALIASES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")

# pydantic models have these methods, and generated code uses these types: a field of the same name would hide them.
_TAKEN_BY_MODELS = frozenset(
    {
        *("construct", "copy", "dict", "from_orm", "json", "schema", "schema_json", "validate"),
        *("parse_file", "parse_obj", "parse_raw", "update_forward_refs"),
        *("float", "int", "str"),
    }
)


# The templates import or define these names: an asset of the same name would hide them.
_TAKEN_BY_TEMPLATES = frozenset(
    {
        *("annotations", "cascade_ingestion", "closing", "dlt", "files", "pl", "read_csv", "rest_api_source", "window"),
        *("datetime", "datetime_", "dt", "io", "json", "pytest", "requests", "sql_table", "sqlite3", "test_workflow"),
        *("addresses", "address", "columns", "connection", "database", "day", "file", "good", "kind", "marks"),
        *("monkeypatch", "name", "options", "partition_date", "path", "query", "request", "requested", "response"),
        *("result", "rows", "send", "t", "tmp_path"),
    }
)


def without_accents(text: str) -> str:
    """Remove accents from letters: `météo` becomes `meteo`.

    Args:
        text: any string. Letters that do not consist of a base letter and an accent are kept.
    """
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def suggest(name: str, *, prefix: str) -> str:
    """Turn any string into a lower-case identifier.

    Args:
        name: the string, such as `credit-risk` or `2024 Sales`.
        prefix: the prefix for a name that is empty, begins with a digit or is a Python keyword.

    Returns:
        The identifier: `credit_risk`, `<prefix>_2024_sales`.
    """
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", without_accents(name))
    cleaned = re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_").lower()
    if not cleaned:
        return prefix
    return f"{prefix}_{cleaned}" if cleaned[0].isdigit() or keyword.iskeyword(cleaned) else cleaned


def package_problems(package: str, directory: str) -> Iterator[str]:
    """Yield a sentence for each reason why a directory cannot contain the package.

    Args:
        package: the dotted name, such as `workflows.weather`.
        directory: the path of the package from the root of the repository or project, with forward slashes.
    """
    parts = package.split(".")
    bad = [part for part in parts if not _PACKAGE.fullmatch(part) or keyword.iskeyword(part)]
    if bad:
        good = "/".join(suggest(part, prefix="workflow") for part in parts)
        listed = ", ".join(repr(part) for part in bad)
        stem = directory[: -len("/".join(parts))] if directory.endswith("/".join(parts)) else ""
        yield (
            f"{listed} cannot be the name of a Python package: use lower-case letters, digits and underscores, and "
            f"begin with a letter. Use {stem}{good} instead of {directory}."
        )
        return
    if not f"/{directory}".endswith("/" + "/".join(parts)):
        yield f"The directory {directory} is not that of the package {package}: it must end with {'/'.join(parts)}."
    if parts[0] in sys.stdlib_module_names:
        yield (
            f"The package {parts[0]} would hide the module {parts[0]} of Python's standard library. "
            f"Put the workflow in a package, such as workflows/{'/'.join(parts)}."
        )


def domain_problems(domain: str) -> Iterator[str]:
    """Yield a sentence if a domain cannot be the name of modules and packages in a standalone project.

    Args:
        domain: the subject of a workflow, such as `weather`.
    """
    yield from _module_problems("domain", domain, good_domain(domain))


def good_domain(domain: str) -> str:
    """Return the closest domain that `domain_problems` accepts.

    Args:
        domain: any string.
    """
    return _good_module(domain, "workflow")


def asset_problems(asset: str) -> Iterator[str]:
    """Yield a sentence for each reason why an asset's name cannot be that of a function and a module.

    Args:
        asset: the name of the rows, such as `observations`.
    """
    good = _good_module(asset, "rows_of")
    yield from _module_problems("asset", asset, f"daily_{good}" if _is_taken(good) else good)
    if len(asset) > _LONGEST_ASSET:
        yield f"The asset name {asset!r} has {len(asset)} characters. At most {_LONGEST_ASSET} are allowed."
    if _is_taken(asset) and not keyword.iskeyword(asset):
        yield (
            f"The generated code uses the name {asset!r} itself, so it cannot be the asset. "
            f"Use {'daily_' + asset!r}, for example."
        )


def _is_taken(asset: str) -> bool:
    return asset in _TAKEN_BY_TEMPLATES or hasattr(builtins, asset)


def _module_problems(what: str, name: str, good: str) -> Iterator[str]:
    instead = f"Use {good!r}, for example."
    if not _PACKAGE.fullmatch(name) or keyword.iskeyword(name):
        yield (
            f"The {what} {name!r} cannot be the name of a Python {'package' if what == 'domain' else 'module'}: use "
            f"lower-case letters, digits and underscores, and begin with a letter. {instead}"
        )
    elif name.startswith("_"):
        yield f"The {what} {name!r} begins with an underscore. Cascade does not load such files. {instead}"
    elif name.startswith("test_") or name.endswith("_test") or name == "conftest":
        yield f"The {what} {name!r} looks like the name of a test. Cascade does not load tests. {instead}"


def _good_module(name: str, prefix: str) -> str:
    good = suggest(name, prefix=prefix)
    while good.startswith("test_") or good.endswith("_test"):
        good = suggest(good.removeprefix("test_").removesuffix("_test"), prefix=prefix)
    return prefix if good in ("conftest", "test") else good


def table_problems(what: str, name: str) -> Iterator[str]:
    """Yield a sentence if Dagster would refuse the name of a table or group.

    Args:
        what: `table` or `group`, for the message.
        name: the name to check.
    """
    if not _TABLE.fullmatch(name):
        yield (
            f"The {what} {name!r} must contain only letters, digits and underscores. "
            f"Use {suggest(name, prefix=what)!r}, for example."
        )


def key_problems(columns: tuple[str, ...]) -> Iterator[str]:
    """Yield a sentence for each column of a unique key that the generated schema cannot have as a field.

    Args:
        columns: the columns of the key, in order.
    """
    if not columns:
        yield "The unique key needs at least one column, such as 'id'."
    for column in columns:
        if not _COLUMN.fullmatch(column) or keyword.iskeyword(column):
            yield (
                f"The key column {column!r} cannot be the name of a schema field: use letters, digits and underscores, "
                f"and begin with a letter. Use {suggest(column, prefix='key')!r}, for example."
            )
        elif column in _TAKEN_BY_MODELS or column.startswith("model_"):
            yield (
                f"The key column {column!r} has a name that schemas use themselves. "
                f"Use {'key_' + column!r}, for example, with the source's name as the field's alias."
            )
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        yield f"The unique key contains {', '.join(map(repr, repeated))} more than once."
    elif len({column.lower() for column in columns}) < len(columns):
        alike = [column for column in columns if sum(column.lower() == other.lower() for other in columns) > 1]
        yield f"The key columns {', '.join(map(repr, alike))} differ only in case, which SQL ignores."


def cron_problems(cron: str) -> Iterator[str]:
    """Yield a sentence if a cron expression is invalid.

    `pants cascade-scaffold` may run without croniter. In that case, this checks only the form, and the decorator of the
    generated workflow checks the rest.

    Args:
        cron: the expression, such as `0 6 * * *`.
    """
    fields = cron.split(" ")
    well_formed = cron in _CRON_ALIASES or (len(fields) == 5 and all(_CRON_FIELD.fullmatch(field) for field in fields))
    if well_formed:
        try:
            from croniter import croniter
        except ImportError:
            return
        well_formed = bool(croniter.is_valid(cron))
    if not well_formed:
        yield (
            f"The cron expression {cron!r} is not valid. Its five fields are minute, hour, day of the month, month and "
            "day of the week. For example, '0 6 * * *' is every day at six."
        )
