"""A dbt project that uses what dbt has: it is built in DuckDB and on Trino, and must give the same rows."""

from __future__ import annotations

FILES = {
    # A namespace beside `raw`.
    "workflows/ingestion/limits.py": '''
from pydantic import BaseModel

from cascade import cascade_ingestion


class Limit(BaseModel):
    station: str
    most: float


@cascade_ingestion(
    table_name="limits", namespace="reference", unique_key="station", validation_schema=Limit, partitions=None
)
def limits():
    """The limit of each station."""
    return [{"station": "Harbour", "most": 20.0}, {"station": "Castle Street", "most": 30.0}]
''',
    "transforms/dbt/seeds/names.csv": "station,name,opened\nHarbour,The harbor,2001-02-03\nMill Lane,,1999-12-31\n",
    "transforms/dbt/snapshots/limits.yml": """
snapshots:
  - name: limits_over_time
    relation: source('reference', 'limits')
    config: {unique_key: station, strategy: check, check_cols: all}
""",
    "transforms/dbt/models/gold/sources.yml": "sources: [{name: reference, tables: [{name: limits}]}]\n",
    # Without a strategy of its own. It counts what it has, so that its second run shows whether it is incremental.
    "transforms/dbt/models/gold/daily.sql": """
{{ config(materialized='incremental', unique_key=['station', 'observed_on']) }}
select
    station, observed_on, pm25,
    {% if is_incremental() %}(select count(*) from {{ this }}){% else %}0{% endif %} as had
from {{ ref('air_quality_days') }}
{% if is_incremental() %}
where observed_on >= (select max(observed_on) from {{ this }})
{% endif %}
""",
    "transforms/dbt/models/gold/latest.sql": """
{{ config(materialized='iceberg', unique_key='station', schema='gold') }}
select
    station, observed_on, pm25,
    {% if is_incremental() %}(select count(*) from {{ this }}){% else %}0{% endif %} as had
from {{ ref('air_quality_days') }} as days
where observed_on = (select max(observed_on) from {{ ref('air_quality_days') }})
""",
    "transforms/dbt/models/gold/exceeded.sql": """
{{ config(materialized='iceberg') }}
select days.station, names.name, count(*) as days, avg(days.pm25) as mean_pm25, max(days.observed_on) as last_day
from {{ ref('air_quality_days') }} as days
inner join {{ source('reference', 'limits') }} as limits on days.station = limits.station and days.pm25 > limits.most
left join {{ ref('names') }} as names on days.station = names.station
group by days.station, names.name
""",
    "transforms/dbt/models/gold/more.yml": """
models:
  - name: latest
    columns: [{name: station, data_tests: [unique, not_null]}]
  - name: exceeded
    config: {meta: {cascade: {publish: {to: postgres, unique_key: station}}}}
    columns: [{name: station, data_tests: [unique, {relationships: {arguments: {to: ref('latest'), field: station}}}]}]
unit_tests:
  - name: a_day_at_the_limit_is_not_over_it
    model: exceeded
    given:
      - input: ref('air_quality_days')
        rows:
          - {station: Harbour, observed_on: 2024-01-01, pm25: 20.0}
          - {station: Harbour, observed_on: 2024-01-02, pm25: 20.5}
      - input: source('reference', 'limits')
        rows: [{station: Harbour, most: 20.0}]
      - input: ref('names')
        rows: []
    expect:
      rows: [{station: Harbour, name: null, days: 1, mean_pm25: 20.5, last_day: 2024-01-02}]
""",
}

TABLES = {
    "main.air_quality_by_district": "district, stations, days, days_above_guideline, round(mean_pm25, 6)",
    "main.daily": "station, cast(observed_on as varchar), pm25, had",
    "main.exceeded": "station, name, days, round(mean_pm25, 6), cast(last_day as varchar)",
    "main.names": "station, name, cast(opened as varchar)",
    "main.limits_over_time": "station, most, dbt_valid_to is null",
    "main_gold.latest": "station, cast(observed_on as varchar), pm25, had",
}
"""What to compare in each table that dbt makes of them."""
