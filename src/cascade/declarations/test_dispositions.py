from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandera.polars as pandera
import pytest
from pydantic import AwareDatetime, BaseModel, Field, NaiveDatetime

from cascade.declarations import IngestionDeclaration
from cascade.exceptions import DeclarationError
from cascade.ingestion import cascade_ingestion


class Reading(BaseModel):
    station: str
    hour: int
    celsius: float
    flagged: bool
    day: date
    seen: NaiveDatetime
    at_end: AwareDatetime | None = None
    samples: Sequence[int] = ()
    secret: int = Field(default=0, exclude=True)


GOOD: dict[str, Any] = {
    "table_name": "readings",
    "unique_key": "station",
    "group": "weather",
    "validation_schema": Reading,
}


def fetch() -> None: ...


def declared(**arguments: Any) -> IngestionDeclaration:
    return cascade_ingestion(**{**GOOD, **arguments})(fetch).declaration


def problems_of(**arguments: Any) -> str:
    with pytest.raises(DeclarationError) as caught:
        declared(**arguments)
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"write_disposition": "append"}, 'unique_key: has no effect with write_disposition="append"'),
        ({"write_disposition": "replace"}, '"replace" of daily partitions requires partition_column'),
        (
            {"write_disposition": "replace", "partition_column": "hour"},
            'partition_column: "hour" is a long; it must be a timestamp with a time zone (AwareDatetime) or a date.',
        ),
        ({"write_disposition": "replace", "partition_column": "seen"}, "names two instants when clocks are set back"),
        ({"write_disposition": "replace", "partition_column": "at_end"}, '"at_end" may be null'),
        ({"write_disposition": "replace", "partition_column": "days"}, 'Did you mean "day"?'),
        (
            {"write_disposition": "replace", "partition_column": "day", "partitions": "hourly"},
            '"day" is a date, which does not tell the hour',
        ),
        (
            {"write_disposition": "replace", "partition_column": "day", "partitions": None},
            "partition_column: has no effect with partitions=None; remove it.",
        ),
        ({"partition_column": "day"}, 'partition_column: has no effect with write_disposition="merge"; remove it.'),
        (
            {"write_disposition": "replace", "partition_column": "day", "hard_delete": "flagged"},
            'hard_delete: has no effect with write_disposition="replace"; remove it.',
        ),
        ({"dedup_sort": "hours"}, 'dedup_sort: "hours" is not a field of Reading. Did you mean "hour"?'),
        ({"dedup_sort": ["celsius"]}, "dedup_sort: must be the name of a field, not ['celsius']"),
        ({"dedup_sort": "station"}, 'dedup_sort: "station" is part of unique_key'),
        ({"dedup_sort": "flagged"}, 'dedup_sort: "flagged" is a boolean in Reading, whose values have no order'),
        ({"dedup_sort": "samples"}, 'dedup_sort: "samples" is a list in Reading, whose values have no order'),
        (
            {"dedup_sort": "secret"},
            'dedup_sort: "secret" has exclude=True in Reading, so the table has no such column.',
        ),
        ({"hard_delete": "secret"}, 'hard_delete: "secret" has exclude=True in Reading'),
        ({"unique_key": "secret"}, '"secret" has exclude=True in Reading'),
        ({"partition_spec": ["secret"]}, '"secret" has exclude=True in Reading'),
        ({"hard_delete": "deleted"}, 'hard_delete: "deleted" is not a field of Reading.'),
        ({"hard_delete": "station"}, 'hard_delete: "station" is part of unique_key'),
    ],
)
def test_an_argument_that_does_not_fit_the_disposition_is_refused(arguments: dict[str, Any], said: str) -> None:
    assert said in problems_of(**arguments)


def test_only_a_merge_needs_a_key() -> None:
    keyless = {name: value for name, value in GOOD.items() if name != "unique_key"}
    with pytest.raises(DeclarationError) as caught:
        cascade_ingestion(**keyless)(fetch)
    assert caught.value.problems == ('the required argument "unique_key" is missing.',)
    declaration = cascade_ingestion(**keyless, write_disposition="replace", partition_column="day")(fetch).declaration
    assert declaration.unique_key == ()


def test_append_takes_no_key_and_reserves_the_names_of_its_columns() -> None:
    class Frame(pandera.DataFrameModel):
        cascade: str = pandera.Field(alias="_cascade_run")

    keyless = {name: value for name, value in GOOD.items() if name != "unique_key"}
    assert cascade_ingestion(**keyless, write_disposition="append")(fetch).declaration.unique_key == ()
    with pytest.raises(DeclarationError, match='the name of the column "_cascade_run" is reserved'):
        cascade_ingestion(**{**keyless, "validation_schema": Frame}, write_disposition="append")(fetch)
