"""Which assets a selection selects, and what is said about one that selects nothing."""

from __future__ import annotations

import re
from typing import Any

import dagster as dg
import pytest

from cascade.exceptions import DiscoveryError, UsageError
from cascade.framework.selection import is_selection, select_assets


@pytest.fixture(scope="module")
def graph() -> Any:
    @dg.asset(group_name="bronze", tags={"nightly": "", "team": "sky"}, owners=["team:sky"])
    def flights() -> None: ...

    @dg.asset(key=["lake", "weather-2"], group_name="bronze")
    def weather() -> None: ...

    @dg.asset(deps=[flights, weather, dg.AssetSpec("elsewhere")], group_name="silver", kinds={"sql"})
    def delays() -> None: ...

    @dg.asset(deps=[delays], group_name="gold")
    def gold_daily_delays() -> None: ...

    return dg.Definitions([flights, weather, delays, gold_daily_delays]).resolve_asset_graph()


def selected(graph: Any, text: str) -> set[str]:
    tables = {"raw.flights": dg.AssetKey("flights")}
    return {key.path[-1] for key in select_assets(graph, text, tables.get)}


FLIGHTS, WEATHER, DELAYS, GOLD = "flights", "weather-2", "delays", "gold_daily_delays"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+gold_daily_delays", {FLIGHTS, WEATHER, DELAYS, GOLD}),
        ("1+gold_daily_delays", {DELAYS, GOLD}),
        ("flights+1", {FLIGHTS, DELAYS}),
        ("raw.flights+", {FLIGHTS, DELAYS, GOLD}),
        ("lake/weather-2 or flights", {FLIGHTS, WEATHER}),
        ("+delays AND NOT flights", {WEATHER, DELAYS}),
        ("roots(+delays) and not (raw.flights or delays)", {WEATHER}),
        ("group:silver", {DELAYS}),
        ("group:silver or group:gold", {DELAYS, GOLD}),
        ("tag:nightly", {FLIGHTS}),
        ('tag:team=sky or tag:"team"="sky"', {FLIGHTS}),
        ("owner:team:sky", {FLIGHTS}),
        ("kind:sql", {DELAYS}),
        ("key:lake/*", {WEATHER}),
        ('key:"lake/*" or key:nothing*', {WEATHER}),
        ("*", {FLIGHTS, WEATHER, DELAYS, GOLD}),
    ],
)
def test_the_syntax_is_that_of_dagster_and_names_need_no_attribute(graph: Any, text: str, found: set[str]) -> None:
    assert selected(graph, text) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("+gold_daily_delay", 'names the asset "gold_daily_delay", which does not exist. Did you mean'),
        ("flights or delay", 'names the asset "delay", which does not exist. Did you mean "delays"?'),
        ("group:slver", 'names the group "slver", which no asset has. Did you mean "silver"?'),
        ("tag:nightli", 'names the tag "nightli", which no asset has. Did you mean "nightly"?'),
        ("tag:team=sly", 'names the tag "team=sly", which no asset has. Did you mean "team=sky"?'),
        ("owner:team:sly", 'names the owner "team:sly", which no asset has. Did you mean "team:sky"?'),
        ("kind:sqm", 'names the kind "sqm", which no asset has.'),
        ("key:weather*", 'names the asset "weather*", which does not exist.'),
        ("elsewhere and flights", 'The selection "elsewhere and flights" selects no asset.'),
        ("flights and not flights", 'The selection "flights and not flights" selects no asset.'),
        ("flights delays", '"flights delays" is neither an asset nor a selection of assets.'),
        ("(flights", '"(flights" is neither an asset nor a selection of assets.'),
        ("colour:red", '"colour:red" is neither an asset nor a selection of assets.'),
    ],
)
def test_a_selection_of_nothing_is_wrong_usage(graph: Any, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        selected(graph, text)


def test_what_is_missing_may_be_in_a_part_that_did_not_load(graph: Any) -> None:
    with pytest.raises(UsageError, match=r'Did you mean "delays"\? It may be in a part .*\nno module'):
        select_assets(graph, "+delay", failures=[DiscoveryError("no module")])


def test_names_are_not_selections() -> None:
    assert not any(map(is_selection, ("flights", "raw.flights", "lake/weather-2")))
    assert all(map(is_selection, ("+flights", "a or b", "group:x", "*", "key:raw/*")))
