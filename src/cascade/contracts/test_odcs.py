"""Contracts in the form of the Open Data Contract Standard."""

from __future__ import annotations

from cascade.contracts.model import Column, Contract, Element, Freshness, Reader
from cascade.contracts.odcs import odcs_document


def test_the_document_has_the_fields_of_the_standard() -> None:
    contract = Contract(
        table="raw.things",
        version="2.1.0",
        description="Things.",
        group="shop",
        owners=("team:data",),
        write_disposition="merge",
        unique_key=("day", "id"),
        partition_spec={"day": "month"},
        freshness_hours=Freshness(warn=6, fail=24),
        columns=(
            Column(name="id", type="long", required=True, description="The number."),
            Column(name="day", type="date", required=True),
            Column(name="name", type="string", sensitive=True),
            Column(name="price", type="decimal(9, 2)"),
            Column(name="seen", type="timestamptz"),
            Column(name="place", type="struct", fields=(Column(name="town", type="string"),)),
            Column(name="tags", type="list", element=Element(type="uuid", required=True)),
        ),
        read_by=(Reader(kind="model", name="m", columns=("id",)),),
    )
    document = odcs_document(contract)
    (table,) = document.pop("schema")
    assert document == {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "raw.things",
        "name": "raw.things",
        "version": "2.1.0",
        "status": "active",
        "domain": "shop",
        "description": {"purpose": "Things."},
        "team": {"members": [{"username": "team:data", "role": "owner"}]},
        "slaProperties": [
            {"property": "freshness", "value": 24.0, "unit": "h", "element": "things"},
            {"property": "freshnessWarning", "value": 6.0, "unit": "h", "element": "things"},
        ],
        "customProperties": [
            {"property": "writeDisposition", "value": "merge"},
            {"property": "partitionTransforms", "value": {"day": "month"}},
            {"property": "readBy", "value": [{"kind": "model", "name": "m", "columns": ["id"]}]},
        ],
    }
    assert (table["name"], table["physicalName"], table["physicalType"]) == ("things", "raw.things", "table")
    identifier, day, name, price, seen, place, tags = table["properties"]
    assert identifier == {
        "name": "id",
        "logicalType": "integer",
        "physicalType": "long",
        "logicalTypeOptions": {"format": "i64"},
        "required": True,
        "primaryKey": True,
        "primaryKeyPosition": 2,
        "description": "The number.",
    }
    assert (day["primaryKeyPosition"], day["partitioned"], day["partitionKeyPosition"]) == (1, True, 1)
    assert name["classification"] == "restricted"
    assert (price["logicalType"], price["physicalType"]) == ("number", "decimal(9, 2)")
    assert (seen["logicalType"], seen["logicalTypeOptions"]["timezone"]) == ("timestamp", True)
    assert place["properties"] == [{"name": "town", "logicalType": "string", "physicalType": "string"}]
    assert tags["items"] == {
        "logicalType": "string",
        "physicalType": "uuid",
        "logicalTypeOptions": {"format": "uuid"},
        "required": True,
    }
