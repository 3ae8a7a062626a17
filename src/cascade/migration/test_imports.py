"""Imports, and strings that surely name a module, follow what moved; the rest of a module stays as it is."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.migration.imports import Rewritten, rewrite
from cascade.migration.names import Module, NewNames

NAMES = NewNames(
    moved={
        "cascade.schemas.weather": "workflows.schemas.weather",
        "cascade.schemas.sales": "workflows.schemas.sales",
        "cascade.defs.ingestion.weather.stations": "workflows.ingestion.weather.stations",
        "cascade.defs.ingestion.weather.rain": "workflows.ingestion.weather.rain",
        "cascade.utils": "workflows.shared.utils",
        "cascade.utils.days": "workflows.shared.utils.days",
    },
    packages={
        "cascade.defs": "workflows",
        "cascade.defs.ingestion": "workflows.ingestion",
        "cascade.defs.ingestion.weather": "workflows.ingestion.weather",
        "cascade.schemas": "workflows.schemas",
    },
)
RAIN = Module("cascade.defs.ingestion.weather.rain", "workflows.ingestion.weather.rain")


def rewritten(source: str, module: Module = RAIN) -> Rewritten:
    return rewrite(dedent(source).encode(), module, NAMES, {"dlt_rain": "rain"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from cascade.schemas.weather import Rain", "from workflows.schemas.weather import Rain"),
        ("from cascade.schemas.weather import (\n    A,  # a\n    B,\n)", None),
        ("from cascade.schemas import weather", "from workflows.schemas import weather"),
        ("from cascade.schemas import weather as w, sales", "from workflows.schemas import weather as w, sales"),
        ("from cascade.defs.ingestion import weather", "from workflows.ingestion import weather"),
        ("from cascade.schemas.weather import *", "from workflows.schemas.weather import *"),
        ("import cascade.schemas.weather as w", "import workflows.schemas.weather as w"),
        ("import os, cascade.utils.days as d; x = 1", "import os, workflows.shared.utils.days as d; x = 1"),
        ("import cascade.utils.days\nx = cascade.utils.days.at(1)", None),
        ("import cascade.ingestion\n@cascade.ingestion.cascade_ingestion()\ndef f(): ...", ""),
        ("from . import stations", ""),
        ("from .stations import (A, B)", ""),
        ("from ....schemas import weather", "from workflows.schemas import weather"),
        ("from ....schemas.weather import Rain  # ok", "from workflows.schemas.weather import Rain  # ok"),
        ("from....utils.days import(at)", "from workflows.shared.utils.days import(at)"),
        ("from ....ingestion import cascade_ingestion", "from cascade.ingestion import cascade_ingestion"),
        ("from cascade.ingestion import cascade_ingestion", ""),
        ("from cascade.definitions import defs", "from cascade.framework.definitions import defs"),
        (
            "from cascade.quality.decorator import cascade_quality",
            "from cascade.quality import cascade_quality",
        ),
        ("if x: from cascade.utils import days", "if x: from workflows.shared.utils import days"),
        (
            "from cascade.schemas import weather, to_iceberg_schema  # both",
            "from workflows.schemas import weather\nfrom cascade.schemas import to_iceberg_schema  # both",
        ),
        (
            "from cascade.schemas import (\n    weather,  # ours\n    to_iceberg_schema,\n)",
            "from workflows.schemas import (\n    weather,  # ours\n    )\nfrom cascade.schemas import (\n"
            "    to_iceberg_schema,\n)",
        ),
        (
            'm = importlib.import_module("cascade.schemas.weather")',
            'm = importlib.import_module("workflows.schemas.weather")',
        ),
        (
            "import_module('.weather', package='cascade.schemas')",
            "import_module('.weather', package='workflows.schemas')",
        ),
        (
            'with mock.patch("cascade.defs.ingestion.weather.rain.STATIONS.x", []): ...',
            'with mock.patch("workflows.ingestion.weather.rain.STATIONS.x", []): ...',
        ),
        ('monkeypatch.setattr("cascade.utils.days.at", f)', 'monkeypatch.setattr("workflows.shared.utils.days.at", f)'),
        ('k = AssetKey(["dlt_rain"])', 'k = AssetKey(["rain"])'),
        ('@asset(deps=["dlt_rain", "dlt_other"])\ndef f(): ...', '@asset(deps=["rain", "dlt_other"])\ndef f(): ...'),
    ],
)
def test_what_is_sure_is_rewritten(before: str, after: str | None) -> None:
    expected = before.replace("cascade.schemas", "workflows.schemas").replace("cascade.utils", "workflows.shared.utils")
    result = rewritten(f"# before\n\n{before}\nlast = 1\n")
    assert result.content.decode() == f"# before\n\n{expected if after is None else after or before}\nlast = 1\n"
    assert (result.unsure, result.missing) == ((), frozenset())


@pytest.mark.parametrize(
    ("source", "line", "text"),
    [
        ('x = 1\nMODULE = "cascade.schemas.weather"\n', 2, '"workflows.schemas.weather" now'),
        ('x = f"cascade.schemas.{name}"\n', 1, '"cascade.schemas." have moved'),
        ('x = import_module("cascade.schemas." + name)\n', 1, '"cascade.schemas." have moved'),
        ('x = "cascade.defs.ingestion.%s" % name\n', 1, '"cascade.defs.ingestion." have moved'),
        (
            '"""Doc of cascade.schemas.weather."""\nx: "list[cascade.schemas.weather.A]"\n',
            2,
            "weather.A, which has moved",
        ),
        ("import cascade\ncascade.utils.days.at()\n", 2, "it is workflows.shared.utils.days.at now"),
        ("import cascade as c\nc.schemas.weather.A\n", 2, "If c.schemas.weather.A is of"),
        (
            "import cascade.schemas\ndef f(cascade): return cascade\ncascade.schemas.weather.A\n",
            3,
            "it is workflows.schemas.weather.A now",
        ),
        ('print("dlt_rain")\n', 1, 'it is "rain" now'),
        ("import cascade.schemas.rain\n", 1, "no module cascade.schemas.rain any more"),
        ("from cascade.schemas import weather, Gone\n", 2, "cascade.schemas has no Gone any more"),
        ("from cascade.gone import a, b, c\n", 1, "cascade.gone has no a, b and c any more"),
        ("from cascade.gone import *\n", 1, "no module cascade.gone any more"),
        ("from cascade.ingestion import *\n", 1, "not what it had"),
        ("import cascade.ingestion\ncascade.ingestion.gone()\n", 2, "no cascade.ingestion.gone any more"),
        ('import_module("cascade.gone")\n', 1, "no cascade.gone any more"),
    ],
)
def test_what_is_not_sure_is_left_to_a_person(source: str, line: int, text: str) -> None:
    found = rewritten(source).unsure
    assert [number for number, _ in found] == [line]
    assert text in found[0][1]


def test_names_that_are_not_the_package_stay() -> None:
    for source in (
        "cascade = make()\nimport cascade.utils.days\nx = cascade.utils.days\n",
        "def f(cascade):\n    import cascade.utils.days\n    return cascade.utils.days\n",
    ):
        assert (
            b"= cascade.utils.days\n" in rewritten(source).content
            or b"return cascade.utils.days\n" in rewritten(source).content
        )
    unchanged = "x = self.cascade.utils.days\nfrom cascaded.schemas import weather\nfrom . import cascade\n"
    assert rewritten(unchanged).content == unchanged.encode()


def test_line_ends_encoding_and_a_mark_stay() -> None:
    source = "\ufeff# é\r\nfrom cascade.utils import days\r\n\tif_ = 'é'\r\n".replace("\t", "")
    assert rewrite(source.encode(), RAIN, NAMES, {}).content.decode() == source.replace(
        "cascade.utils", "workflows.shared.utils"
    )
    latin = "# -*- coding: latin-1 -*-\nfrom cascade.utils import days\nx = 'é'\n".encode("latin-1")
    assert "x = 'é'".encode("latin-1") in rewrite(latin, RAIN, NAMES, {}).content


def test_invalid_python_is_an_error() -> None:
    with pytest.raises(SyntaxError):
        rewritten("from cascade.utils import (\n")


MODULES = st.sampled_from([*NAMES.moved, *NAMES.packages, "cascade.ingestion", "cascade.schemas", "os.path", "dlt"])
ALIAS = st.sampled_from(["", " as a", "  as  b"])
IMPORT = st.builds("import {}{}".format, MODULES, ALIAS)
IMPORTED = st.sampled_from(["days", "weather", "cascade_ingestion", "x"])
LIST = st.lists(st.builds("{}{}".format, IMPORTED, ALIAS), min_size=1, max_size=4).map(" , ".join)
FROM = st.builds(str.format, st.sampled_from(["from {} import {}", "from {} import ({})"]), MODULES, LIST)
OTHER = st.sampled_from(["x = 1  # c", "if x: pass", "class A:\n    '''doc'''\n", "\n", "# only", "y = (1,\n     2)"])


@settings(max_examples=40)
@given(st.lists(st.one_of(IMPORT, FROM, OTHER, st.builds("if x: {}".format, FROM)), max_size=8))
def test_the_result_is_python_that_binds_the_same_names_and_is_left_alone_the_next_time(lines: list[str]) -> None:
    source = "\n".join(lines) + "\n"
    first = rewritten(source, Module())
    assert bound(first.content) == bound(source.encode())
    second = rewrite(first.content, Module(), NewNames({}, {}), {})
    assert second.content == first.content


def bound(source: bytes) -> list[str]:
    """List the names that imports bind, without those of `import a.b`, which are the first word of a path."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names += [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.asname for alias in node.names if alias.asname]
    return sorted(names)
