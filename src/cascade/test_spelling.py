from __future__ import annotations

from cascade.spelling import did_you_mean, nearest


def test_the_closest_name_is_suggested() -> None:
    assert nearest("weahter", ["flights", "weather", "weather_daily"]) == "weather"
    assert did_you_mean("weahter", ["flights", "weather"]) == ' Did you mean "weather"?'


def test_nothing_is_suggested_if_no_name_is_close() -> None:
    assert nearest("zzz", ["flights", "weather"]) is None
    assert did_you_mean("zzz", ["flights", "weather"]) == ""


def test_a_value_that_is_not_a_string_is_compared_as_one() -> None:
    assert nearest(2024, ["2023", "1999"]) == "2023"


def test_a_higher_cutoff_suggests_less() -> None:
    assert nearest("weather", ["whether"]) == "whether"
    assert nearest("weather", ["whether"], cutoff=0.95) is None
