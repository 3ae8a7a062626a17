"""`table erase`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cascade.cli.conftest import Cascade
from cascade.config import CascadeConfig
from cascade.framework.conftest import SampleProject
from cascade.iceberg import open_lakehouse
from cascade.table_ref import TableRef

ORDERS = TableRef("raw", "orders")
WORKFLOW = """
    from pathlib import Path
    from pydantic import BaseModel, Field
    from cascade.ingestion import cascade_ingestion

    class Order(BaseModel):
        id: int
        customer: str = Field(alias="customerName")
        amount: float

    @cascade_ingestion(table_name="orders", unique_key="id", validation_schema=Order, partitions=None, group="g")
    def orders():
        lines = Path("orders.txt").read_text().split()
        return [dict(zip(("id", "customerName", "amount"), line.split(","))) for line in lines]
"""


@pytest.fixture
def orders(project: SampleProject, cascade: Cascade) -> Path:
    """Fill a table twice, with rows of two customers, one of them refused."""
    project.write("orders.py", WORKFLOW)
    source = project.root / "orders.txt"
    for amount in (1, 2):
        source.write_text(f"1,ann,{amount}\n2,bob,{amount}\n3,bob,{amount}\n4,bob,many\n5,ann,much\n")
        assert cascade("materialize", "orders").exit_code == 0
    return source


def customers() -> list[str]:
    return sorted(open_lakehouse(CascadeConfig()).require(ORDERS).scan().to_arrow()["customer"].to_pylist())


def refused(cascade: Cascade) -> list[str]:
    return [json.loads(each["row"])["customerName"] for each in cascade.json("quarantine", "show", "orders")["rows"]]


@pytest.mark.usefixtures("program")
def test_a_person_is_gone_from_the_table_its_history_and_its_refused_rows(cascade: Cascade, orders: Path) -> None:
    where = ("--where", "customer = 'bob'")
    preview = cascade("table", "erase", "orders", *where, "--dry-run")
    assert preview.exit_code == 0, preview.output
    assert preview.stdout.splitlines() == [
        "raw.orders: 2 rows on main. 2 snapshots hold them, in 2 files.",
        "raw.orders__quarantine: 1 row on main. 1 snapshot holds them, in 1 file.",
    ]
    unasked = cascade("table", "erase", "orders", *where)
    assert (unasked.exit_code, customers()) == (2, ["ann", "bob", "bob"])
    done = cascade("table", "erase", "orders", *where, "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "3 rows erased. 2 files read afterwards: none holds such a row." in done.stdout
    assert (customers(), refused(cascade)) == (["ann"], ["ann"])
    warehouse = Path(open_lakehouse(CascadeConfig()).warehouse)
    assert not [path for path in warehouse.rglob("*.parquet") if b"bob" in path.read_bytes()]
    again = cascade.json("table", "erase", "orders", *where, "--yes")
    assert [each["rows"] for each in again["erased"]] == [{}, {}]
    assert cascade.json("status")["workflows"][0]["missing"]["count"] == 0
    # The source has the rows no more.
    orders.write_text("1,ann,2\n5,ann,much\n")
    assert cascade("materialize", "orders").exit_code == 0
    assert customers() == ["ann"]


@pytest.mark.usefixtures("orders", "program")
def test_a_filter_over_no_column_and_a_quarantine_are_refused(cascade: Cascade) -> None:
    for name, where, message in (
        ("orders", "client = 'bob'", "The columns are id, customer, amount."),
        ("orders", "customer = 'bob' garbage", "is invalid"),
        ("orders__quarantine", "id = 1", "cascade table erase raw.orders --where FILTER"),
    ):
        result = cascade("table", "erase", name, "--where", where, "--yes")
        assert (result.exit_code, message in result.output) == (2, True), result.output
    assert len(customers()) == 3


@pytest.mark.usefixtures("orders")
def test_a_refused_row_that_cannot_be_judged_is_told(cascade: Cascade) -> None:
    # The second time, there is nothing else to do.
    for _ in range(2):
        result = cascade("table", "erase", "orders", "--where", "amount = 2.0", "--yes")
        assert result.exit_code == 1
        assert "2 rows of raw.orders__quarantine could not be judged" in result.stderr
        assert customers() == []
