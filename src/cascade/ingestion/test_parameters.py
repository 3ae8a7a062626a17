"""What a function takes by the names of its parameters, passed as Dagster passes it to an `@asset`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Optional

import dagster as dg
import pytest

from cascade import PartitionWindow, cascade_ingestion
from cascade.exceptions import DeclarationError
from cascade.iceberg import Lakehouse
from cascade.ingestion.conftest import ARGUMENTS, AT, DAY
from cascade.ingestion.parameters import MissingResource


class Api(dg.ConfigurableResource):  # type: ignore[type-arg]
    station: str


DEFAULT = Api(station="default")


class Session(dg.ConfigurableResource):  # type: ignore[type-arg]
    opened: bool = False

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        self._station = "from the session"

    @property
    def station(self) -> str:
        return self._station


def materialized(lakehouse: Lakehouse, function: Any, **resources: Any) -> dg.ExecuteInProcessResult:
    asset = cascade_ingestion(**ARGUMENTS)(function).asset
    return dg.materialize([asset], partition_key=DAY, resources={"lakehouse": lakehouse, **resources})


def test_a_function_takes_context_resources_and_the_partition(lakehouse: Lakehouse) -> None:
    seen: list[Any] = []

    def fetch(
        window: PartitionWindow, context: dg.AssetExecutionContext, api: Api, partition_date: str, session: Session
    ) -> Iterator[object]:
        seen.extend([window.key, context.partition_key, partition_date, context.run.run_id, session.station])
        yield {"station": api.station, "at": AT}

    result = materialized(lakehouse, fetch, api=Api(station="a"), session=Session())
    assert seen == [DAY, DAY, DAY, result.run_id, "from the session"]
    assert lakehouse.catalog.load_table("raw.readings").scan().to_arrow()["station"].to_pylist() == ["a"]


def test_a_resource_may_be_any_object(lakehouse: Lakehouse) -> None:
    def fetch(station: dg.ResourceParam[str]) -> list[object]:
        return [{"station": station, "at": AT}]

    materialized(lakehouse, fetch, station="plain")
    assert lakehouse.catalog.load_table("raw.readings").scan().to_arrow()["station"].to_pylist() == ["plain"]


def test_a_resource_has_precedence_over_a_default(lakehouse: Lakehouse) -> None:
    def fetch(api: Api = DEFAULT, limit: int = 3) -> list[object]:
        return [{"station": f"{api.station} {limit}", "at": AT}]

    materialized(lakehouse, fetch, api=Api(station="given"))
    assert lakehouse.catalog.load_table("raw.readings").scan().to_arrow()["station"].to_pylist() == ["given 3"]


def test_a_resource_that_may_be_none_is_passed(lakehouse: Lakehouse) -> None:
    def fetch(
        api: Api | None = None,
        other: Annotated[Optional[Api], "why"] = None,  # noqa: UP045
        session: Session | None = None,
        limit: int | None = None,
    ) -> list[object]:
        assert api is not None and other is not None and session is not None and limit is None
        return [{"station": f"{api.station} {other.station} {session.station}", "at": AT}]

    materialized(lakehouse, fetch, api=Api(station="a"), other=Api(station="b"), session=Session())
    rows = lakehouse.catalog.load_table("raw.readings").scan().to_arrow()
    assert rows["station"].to_pylist() == ["a b from the session"]


def test_the_asset_requires_what_the_function_takes() -> None:
    def fetch(context: object, api: Api, partition_date: str) -> None: ...
    def plain() -> None: ...

    assert cascade_ingestion(**ARGUMENTS)(fetch).op.required_resource_keys == {"api", "lakehouse"}
    assert cascade_ingestion(**ARGUMENTS)(plain).op.required_resource_keys == {"lakehouse"}


def test_a_call_passes_everything_through() -> None:
    def fetch(context: object, api: Api) -> list[object]:
        return [context, api.station]

    assert cascade_ingestion(**ARGUMENTS)(fetch)("any context", api=Api(station="a")) == ["any context", "a"]


def test_a_stand_in_fails_the_run_with_the_problem(lakehouse: Lakehouse) -> None:
    def fetch(api: Api) -> None:
        raise AssertionError("the function must not run")

    with pytest.raises(DeclarationError, match="@cascade_ingestion: there is no api") as caught:
        materialized(lakehouse, fetch, api=MissingResource("there is no api."))
    assert caught.value.location is not None and caught.value.location.line == fetch.__code__.co_firstlineno
