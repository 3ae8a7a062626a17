"""The arguments of declarations, read from source."""

from __future__ import annotations

import datetime as dt

import pytest

from .declarations import Argument, Declaration
from .modules import declarations_in
from .values import Key, Reference

IMPORTS = """\
import datetime
from datetime import UTC, date
import dagster as dg
from cascade import cascade_ingestion
from workflows.weather import schema
from .schemas import Row
from .upstream import stations
"""


def declared(source: str) -> Declaration:
    (declaration,) = declarations_in(f"{IMPORTS}{source}\n".encode())
    return declaration


def argument(source: str, name: str = "given", before: str = "") -> Argument:
    found = declared(f"{before}\n@cascade_ingestion({name}={source})\ndef f(): ...").argument(name)
    assert found is not None
    return found


def test_every_argument_with_its_line() -> None:
    found = declared(
        """\
@cascade_ingestion(
    table_name="trips", namespace="taxi",
    unique_key=["vendor", "picked_up_at"],
    validation_schema=Row,
    group=None,
    cron="0 6 * * *",
    freshness_hours=(26, 50.5),
    partitions="monthly",
    partition_start=date(2013, 1, 1),
    partition_timezone="Europe/Berlin",
    write_disposition="merge",
    deps=[stations, dg.AssetKey(["gold", "zones"]), "planes"],
    owners=["team:taxi"],
    tags={"tier": "1"},
    validate=True,
    max_retries=-1,
)
def trips(): ...
"""
    )
    assert found.arguments == (
        Argument("table_name", 9, "trips"),
        Argument("namespace", 9, "taxi"),
        Argument("unique_key", 10, ("vendor", "picked_up_at")),
        Argument("validation_schema", 11, Reference("Row", ".schemas.Row")),
        Argument("group", 12, None),
        Argument("cron", 13, "0 6 * * *"),
        Argument("freshness_hours", 14, (26, 50.5)),
        Argument("partitions", 15, "monthly"),
        Argument("partition_start", 16, dt.date(2013, 1, 1)),
        Argument("partition_timezone", 17, "Europe/Berlin"),
        Argument("write_disposition", 18, "merge"),
        Argument("deps", 19, (Reference("stations", ".upstream.stations"), Key(("gold", "zones")), "planes")),
        Argument("owners", 20, ("team:taxi",)),
        Argument("tags", 21, (("tier", "1"),)),
        Argument("validate", 22, True),
        Argument("max_retries", 23, -1),
    )
    assert (found.table, found.asset_key, found.unread) == ("taxi.trips", ("taxi", "trips"), ())
    # The engine of Pants keeps declarations in sets.
    assert hash(found) == hash(found)


@pytest.mark.parametrize(
    ("source", "before", "value"),
    [
        ("datetime.datetime(2013, 1, 1, 6, tzinfo=UTC)", "", dt.datetime(2013, 1, 1, 6, tzinfo=dt.timezone.utc)),
        ("datetime.date(year=2013, month=2, day=3)", "", dt.date(2013, 2, 3)),
        ("START", "START = date(2013, 1, 1)", dt.date(2013, 1, 1)),
        ("[*KEYS, 'c']", "KEYS = ('a',) + ('b',)", ("a", "b", "c")),
        ("f'{DOMAIN}_{2}'", "DOMAIN = 'taxi'", "taxi_2"),
        ("dict(a=1)", "", (("a", 1),)),
    ],
)
def test_values_that_need_no_run(source: str, before: str, value: object) -> None:
    assert argument(source, before=before) == Argument("given", 9, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "before"),
    [
        ("name()", ""),
        ("NAMES[0]", "NAMES = ('a',)"),
        ("TWICE", "TWICE = 'a'; TWICE = 'b'"),
        ("LONGER", "LONGER = 'a'\nLONGER += 'b'"),
        ("COMPUTED", "COMPUTED = name()"),
        ("imported.NAME", ""),
        ("date(2013, 13, 1)", ""),
        ("f'{NAME!r}'", "NAME = 'a'"),
        ("'a' + 1", ""),
        ("{**MORE}", ""),
        ("b'bytes'", ""),
        ("LOOPED", "LOOPED = 'a'\nfor LOOPED in ('b', 'c'): print(LOOPED)"),
        ("LOOPED", "LOOPED = 'a'\nfor n, (LOOPED, m) in pairs:\n    pass"),
        ("OPENED", "OPENED = 'a'\nwith open('x') as f, open('y') as OPENED:\n    pass"),
        ("NAME", "try:\n    from local import NAME\nexcept ImportError:\n    NAME = 'a'"),
        ("NAME", "NAME = 'a'\ntry: pass\nexcept: NAME = 'b'"),
        ("NAME", "NAME = 'a'\nNAME, other = pair()"),
        ("NAME", "NAME = 'a'\nprint(NAME := 'b')"),
        ("NAME", "NAME = 'a'\ndel NAME"),
        ("NAME", "NAME = ['a']\nNAME[0] = 'b'"),
        ("NAME", "NAME = ['a']\nNAME.append('b')"),
        ("NAME", "NAME = ['a']\nif OTHER: NAME.append('b')"),
        ("NAME", "NAME = ['a']\nelse: NAME.append('b')"),
        ("NAME", "NAME = ['a']\nNAME += ['b']"),
    ],
)
def test_an_argument_that_is_not_static_is_returned_as_written(source: str, before: str) -> None:
    found = argument(source, before=before.replace("; ", "\n"))
    assert (found.value, found.unread) == (None, source)


def test_a_reference_is_resolved_through_the_imports() -> None:
    assert argument("schema.Row", "validation_schema").value == Reference("schema.Row", "workflows.weather.schema.Row")
    assert argument("Own", "validation_schema", "class Own: ...").value == Reference("Own", "Own")
    assert argument("Alias", "validation_schema", "Alias = Row").value == Reference("Row", ".schemas.Row")


def test_a_mapping_in_the_same_module_is_read() -> None:
    found = declared(
        "COMMON = {'namespace': 'gold', 'owners': ['team:x'], 'tags': TAGS}\n"
        "@cascade_ingestion(table_name='t', **COMMON)\ndef f(): ..."
    )
    assert found.table == "gold.t"
    assert found.arguments[2:] == (Argument("owners", 9, ("team:x",)), Argument("tags", 9, unread="**COMMON"))


@pytest.mark.parametrize(
    "change",
    [
        "COMMON['namespace'] = 'silver'",
        "COMMON['namespace']: str = 'silver'",
        "COMMON['tags']['a'] = 'b'",
        "COMMON.update(namespace='silver')",
        "COMMON.setdefault('owners', []).append('team:x')",
        "COMMON |= {'namespace': 'silver'}",
        "del COMMON['namespace']",
        "for key in ('namespace',): COMMON[key] = 'silver'",
        "if EU:\n    COMMON['namespace'] = 'silver'",
        "for COMMON['namespace'] in ('a', 'b'): pass",
    ],
)
def test_a_mapping_that_is_changed_afterwards_is_not_static(change: str) -> None:
    for source in (
        f"COMMON = {{'namespace': 'gold'}}\n{change}\n@cascade_ingestion(table_name='t', **COMMON)\ndef f(): ...",
        f"COMMON = {{'namespace': 'gold'}}\n@cascade_ingestion(table_name='t', **COMMON)\ndef f(): ...\n{change}",
    ):
        found = declared(source)
        assert [argument.name for argument in found.unread] == ["**"]


def test_using_a_mapping_does_not_change_it() -> None:
    uses = (
        "print(COMMON['namespace'], COMMON.get('a'))\nOTHER = {**COMMON}\nOTHER['a'] = COMMON\nassert COMMON == OTHER\n"
    )
    found = declared(
        f"COMMON = {{'namespace': 'gold'}}\n{uses}@cascade_ingestion(table_name='t', **COMMON)\ndef f(): ..."
    )
    assert found.table == "gold.t"


def test_many_names_are_found_through_an_index() -> None:
    names = [f"N{number}" for number in range(100)]
    assigned = "\n".join(f"{name} = '{name}'" for name in names)
    assert argument(f"[{', '.join(names)}]", before=f"{assigned}\nN7 = 'again'", name="keys").unread is not None
    assert argument(f"[{', '.join(names)}]", before=assigned, name="keys").value == tuple(names)


@pytest.mark.parametrize(
    ("source", "before"),
    [
        ("+".join(["'a'"] * 3000), ""),
        ("LONG", f"LONG = {'+'.join(['chr(97)'] * 3000)}"),
        ("(" * 90 + "'a'" + ")" * 90, ""),
        ("-" * 5000 + "1", ""),
        ("a" + ".b" * 5000, ""),
        ("N0", "\n".join(f"N{number} = N{number + 1}" for number in range(3000)) + "\nN3000 = 'a'"),
    ],
    ids=["sum", "sum of calls", "brackets", "signs", "attributes", "names"],
)
def test_an_expression_may_be_longer_than_a_recursion_can_be_deep(source: str, before: str) -> None:
    found = declared(f"{before}\n@cascade_ingestion(table_name={source}, unique_key='id')\ndef f(): ...")
    assert found.table in (None, "raw.a", "raw." + "a" * 3000)
    assert found.table is not None or found.unread_table


SUM = "+".join(["'a'"] * 900)


def test_a_sum_of_many_strings_has_a_value() -> None:
    found = declared(f"@cascade_ingestion(table_name={SUM})\ndef f(): ...")
    assert found.table == "raw." + "a" * 900


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("@dg.asset\ndef plain(): ...", ("plain",)),
        ("@dg.asset()\nasync def plain(): ...", ("plain",)),
        ("@dg.asset(name='named', deps=[stations])\ndef plain(): ...", ("named",)),
        ("@dg.asset(key=['gold', 'named'])\ndef plain(): ...", ("gold", "named")),
        ("@dg.asset(key=dg.AssetKey('named'))\ndef plain(): ...", ("named",)),
        ("@dg.asset(key_prefix='gold', io_manager_key=KEY)\ndef plain(): ...", ("gold", "plain")),
        ("@dg.asset(key_prefix=['gold', 'eu'], name='named')\ndef plain(): ...", ("gold", "eu", "named")),
        ("wrapped = dg.asset(name='named')(function)", ("named",)),
        ("wrapped = dg.asset(function)", None),
        ("@dg.asset(name=name())\ndef plain(): ...", None),
        ("@dg.asset(key_prefix=PREFIX)\ndef plain(): ...", None),
        ("@dg.job\ndef plain(): ...", None),
    ],
)
def test_the_key_of_a_plain_dagster_asset(source: str, key: tuple[str, ...] | None) -> None:
    assert declared(source).asset_key == key


def test_a_call_in_newer_syntax_has_no_table() -> None:
    found = declared('@cascade_ingestion(table_name=f"{NAMES["key"]}")\ndef f(): ...')
    assert found.table is None
    assert [argument.name for argument in found.unread_table] == ["table_name"]
