"""Contracts in the form of the Open Data Contract Standard.

The fields are those of version 3.1.0, https://bitol-io.github.io/open-data-contract-standard/v3.1.0/. What it has no
field for is in `customProperties`.
"""

from __future__ import annotations

from typing import Any

from cascade.contracts.model import Column, Contract, Element

API_VERSION = "v3.1.0"

_LOGICAL = {
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "string": "string",
    "binary": "string",
    "uuid": "string",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "struct": "object",
    "list": "array",
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "binary": {"format": "binary"},
    "uuid": {"format": "uuid"},
    "int": {"format": "i32"},
    "long": {"format": "i64"},
    "float": {"format": "f32"},
    "double": {"format": "f64"},
    "timestamptz": {"timezone": True, "defaultTimezone": "Etc/UTC"},
    "timestamp": {"timezone": False},
}


def odcs_document(contract: Contract) -> dict[str, Any]:
    """Return a contract as a document of the Open Data Contract Standard.

    Args:
        contract: the contract.
    """
    namespace, _, name = contract.table.rpartition(".")
    # The standard has no field for these.
    further = {
        "writeDisposition": contract.write_disposition,
        "partitions": contract.partitions,
        "partitionTimezone": contract.partition_timezone,
        "partitionStart": contract.partition_start,
        "partitionEnd": contract.partition_end,
        "partitionTransforms": contract.partition_spec,
        "readBy": [reader.model_dump(mode="json", exclude_defaults=True) for reader in contract.read_by],
    }
    return _present(
        {
            "apiVersion": API_VERSION,
            "kind": "DataContract",
            "id": contract.table,
            "name": contract.table,
            "version": contract.version,
            "status": "active",
            "domain": contract.group,
            "description": _present({"purpose": contract.description}),
            "schema": [
                _present(
                    {
                        "name": name,
                        "physicalName": contract.table,
                        "logicalType": "object",
                        "physicalType": "table",
                        "description": contract.description,
                        "properties": [_property(column, contract) for column in contract.columns],
                        "customProperties": [{"property": "namespace", "value": namespace}],
                    }
                )
            ],
            "team": _present({"members": [{"username": owner, "role": "owner"} for owner in contract.owners]}),
            "slaProperties": _freshness(contract, name),
            "customProperties": [{"property": key, "value": value} for key, value in _present(further).items()],
        }
    )


def _property(column: Column, contract: Contract) -> dict[str, Any]:
    key, layout = contract.unique_key, list(contract.partition_spec)
    return _present(
        {
            "name": column.name,
            **_type(column),
            "required": column.required or None,
            "primaryKey": (column.name in key) or None,
            "primaryKeyPosition": key.index(column.name) + 1 if column.name in key else None,
            "partitioned": (column.name in layout) or None,
            "partitionKeyPosition": layout.index(column.name) + 1 if column.name in layout else None,
            "classification": "restricted" if column.sensitive else None,
            "description": column.description,
        }
    )


def _type(value: Column | Element) -> dict[str, Any]:
    name = value.type.partition("(")[0]
    found: dict[str, Any] = {"logicalType": _LOGICAL.get(name, "number"), "physicalType": value.type}
    if name in _OPTIONS:
        found["logicalTypeOptions"] = _OPTIONS[name]
    if value.fields:
        found["properties"] = [_inner(field) for field in value.fields]
    if value.element is not None:
        found["items"] = _present({**_type(value.element), "required": value.element.required or None})
    return found


def _inner(field: Column) -> dict[str, Any]:
    return _present(
        {
            "name": field.name,
            **_type(field),
            "required": field.required or None,
            "description": field.description,
        }
    )


def _freshness(contract: Contract, table: str) -> list[dict[str, Any]]:
    hours = contract.freshness_hours
    if hours is None:
        return []
    found = [{"property": "freshness", "value": hours.fail, "unit": "h", "element": table}]
    if hours.warn is not None:
        found.append({"property": "freshnessWarning", "value": hours.warn, "unit": "h", "element": table})
    return found


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out the fields without a value."""
    return {name: value for name, value in fields.items() if value not in (None, [], {}, ())}
