"""The rows of a table, by page, as JSON or Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pyarrow as pa
from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from cascade.exceptions import CascadeError
from cascade.http_api import models
from cascade.http_api.answers import ARROW, Document, arrow_stream, prefers_arrow
from cascade.http_api.cursors import Cursor, query_number
from cascade.http_api.found_tables import found_table
from cascade.http_api.problems import ProblemError, responses
from cascade.http_api.served import Served, ServedProject
from cascade.http_api.tables import TableName
from cascade.iceberg.hidden import visible
from cascade.iceberg.pages import Page, Place, read_page, table_at
from cascade.iceberg.row_filter import row_filter
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.spelling import did_you_mean

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.table_ref import TableRef

MOST_ROWS = 100_000
MOST_JSON_ROWS = 10_000
_SNAPSHOT_HEADER = "Cascade-Snapshot-Id"
_CURSOR_HEADER = "Cascade-Next-Cursor"

router = APIRouter(tags=["rows"])


@router.get(
    "/tables/{table}/rows",
    response_model=models.RowsPage,
    responses={
        200: {
            "content": {ARROW: {"schema": {"type": "string", "format": "binary"}}},
            "headers": {
                _SNAPSHOT_HEADER: {"description": "The snapshot.", "schema": {"type": "string"}},
                _CURSOR_HEADER: {"description": "The next cursor, if there is one.", "schema": {"type": "string"}},
            },
        },
        **responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.GONE),
    },
    summary="Read rows of a table",
)
def read_rows(
    served: Served,
    table: TableName,
    column: Annotated[
        list[str] | None, Query(description="A column to read. Repeat it for several; all without it.")
    ] = None,
    where: Annotated[
        str | None,
        Query(
            max_length=2000,
            description="A filter expression, as `cascade table erase --where` takes it.",
            examples=["origin = 'JFK' and temp > 40"],
        ),
    ] = None,
    limit: Annotated[
        int,
        Query(ge=1, le=MOST_ROWS, description=f"How many rows a page has at most: of JSON, {MOST_JSON_ROWS} at most."),
    ] = 100,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
    branch: Annotated[str | None, Query(description="The branch to read; `main` without it.")] = None,
    format: Annotated[
        Literal["json", "arrow"] | None, Query(description="The format, for clients that cannot send `Accept`.")
    ] = None,
    accept: Annotated[str | None, Header(description=f"`application/json` or `{ARROW}`.")] = None,
) -> Response:
    """Read rows of a table, in an order that is the same whenever they are asked for.

    All pages of a cursor show the snapshot of the first one, whatever is written meanwhile. Large rows make pages
    shorter than `limit`, so go on until there is no next cursor. With a filter, the last page may be empty.
    """
    as_arrow = _wants_arrow(format, accept)
    if not as_arrow and limit > MOST_JSON_ROWS:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            f"A page of JSON has at most {MOST_JSON_ROWS} rows, and the limit given is {limit}. Ask for Arrow: "
            f"Accept: {ARROW}",
        )
    ref, found = found_table(served, table, branch)
    query = query_number(str(ref), column, where)
    begin = Cursor.read(cursor, query) if cursor is not None else _beginning(found, query)
    opened = table_at(found, begin.snapshot_id or None, begin.schema_id)
    if opened is None:
        raise _gone(ref, begin)
    sensitive = _sensitive(served, ref, found)
    columns = _columns(opened, ref, column, sensitive)
    judge = row_filter(opened, ref, where)
    _require_shown(ref, sensitive.intersection((*columns, *judge.columns)))
    try:
        with storage_errors_named(served.lakehouse, ref, "read"):
            page = read_page(opened, columns, judge, begin.place, limit)
    except CascadeError:
        # Maintenance removes the files of a snapshot after it expires, which may be now.
        if begin.snapshot_id and found.refresh().snapshot_by_id(begin.snapshot_id) is None:
            raise _gone(ref, begin) from None
        raise
    return _answer(ref, begin, page, as_arrow=as_arrow)


def _wants_arrow(format: str | None, accept: str | None) -> bool:
    wanted = format == "arrow" if format is not None else prefers_arrow(accept)
    if wanted is None:
        raise ProblemError(
            HTTPStatus.NOT_ACCEPTABLE, f"Rows come as application/json or {ARROW}. Given: Accept: {accept}"
        )
    return wanted


def _beginning(table: Table, query: int) -> Cursor:
    snapshot = table.current_snapshot()
    return Cursor(query, snapshot.snapshot_id if snapshot else 0, table.metadata.current_schema_id, Place())


def _gone(ref: TableRef, begin: Cursor) -> ProblemError:
    return ProblemError(
        HTTPStatus.GONE,
        f"The snapshot {begin.snapshot_id} of {ref.full_name} has expired, so its next page cannot be read. Start "
        "anew, without the cursor.",
    )


def _columns(table: Table, ref: TableRef, given: Sequence[str] | None, sensitive: frozenset[str]) -> list[str]:
    known = [field.name for field in table.schema().fields]
    if given is None:
        return [name for name in visible(known) if name not in sensitive]
    for name in given:
        if name not in known:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST,
                f'The table {ref} has no column "{name}".{did_you_mean(name, known)} '
                f"Its columns: {', '.join(visible(known))}.",
            )
    return list(dict.fromkeys(given))


def _sensitive(served: ServedProject, ref: TableRef, table: Table) -> frozenset[str]:
    sensitive = served.sensitive_of(ref, table)
    if sensitive is None:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"The workflow of {ref.full_name} did not load when the server started, so which of its columns are "
            "sensitive is unknown. Correct it, and start the server again.",
        )
    return sensitive


def _require_shown(ref: TableRef, asked: frozenset[str]) -> None:
    if asked:
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            f'The column "{min(asked)}" of {ref.full_name} is sensitive. This API shows no values of it, and does not '
            "filter by it.",
        )


def _answer(ref: TableRef, begin: Cursor, page: Page, *, as_arrow: bool) -> Response:
    following = None
    if page.next is not None:
        following = Cursor(begin.query, begin.snapshot_id, begin.schema_id, page.next).text()
    snapshot_id = str(begin.snapshot_id) if begin.snapshot_id else None
    headers = {"Vary": "Accept"}
    if snapshot_id is not None:
        headers[_SNAPSHOT_HEADER] = snapshot_id
    if following is not None:
        headers[_CURSOR_HEADER] = following
    if as_arrow:
        return arrow_stream(page.rows, headers)
    document = {
        "table": ref.full_name,
        "snapshot_id": snapshot_id,
        "rows": _python_rows(ref, page.rows),
        "next_cursor": following,
    }
    return Document(document, headers)


def _python_rows(ref: TableRef, rows: pa.Table) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = rows.to_pylist()
        return found
    except (OverflowError, ValueError, pa.ArrowException) as error:
        raise ProblemError(
            HTTPStatus.NOT_ACCEPTABLE,
            f"A row of {ref.full_name} has a date or time that JSON's writer does not have: {error}. Ask for Arrow: "
            f"Accept: {ARROW}",
        ) from error
