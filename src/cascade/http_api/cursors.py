"""Cursors: where the next page of a table begins, as opaque text."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from cascade.http_api.problems import ProblemError
from cascade.iceberg.pages import Place

_VERSION = 1
_LARGEST = 2**63


@dataclass(frozen=True)
class Cursor:
    """Where the next page begins.

    Args:
        query: a number that stands for the table, the columns and the filter; see `query_number`.
        snapshot_id: the snapshot that the pages show.
        schema_id: the schema of the table when the first page was read.
        place: where the page begins in that snapshot.
    """

    query: int
    snapshot_id: int
    schema_id: int
    place: Place

    def text(self) -> str:
        """Return the cursor as text that needs no escapes in a URL."""
        fields = [_VERSION, self.query, self.snapshot_id, self.schema_id, self.place.file, self.place.row]
        return base64.urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, query: int) -> Cursor:
        """Read a cursor.

        Args:
            text: the text of a cursor.
            query: the number of the query that it is given with.

        Raises:
            ProblemError: it is not a cursor, or one of another query.
        """
        try:
            fields = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        except (binascii.Error, ValueError, RecursionError):
            fields = None
        if (
            not isinstance(fields, list)
            or len(fields) != 6
            or not all(_is_number(one) for one in fields)
            or fields[0] != _VERSION
        ):
            raise ProblemError(
                HTTPStatus.BAD_REQUEST,
                f"The cursor {text!r} is not one that this API gave. Leave it out to start anew.",
            )
        _, own, snapshot_id, schema_id, file, row = fields
        if own != query:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST,
                "The cursor belongs to another query. Repeat the table, the columns, the filter and the branch of the "
                "first page.",
            )
        return cls(own, snapshot_id, schema_id, Place(file, row))


def query_number(table: str, columns: Sequence[str] | None, where: str | None) -> int:
    """Return a number that tells a query from others, so that no cursor is used for another one by mistake.

    Args:
        table: the table and its branch.
        columns: the columns that were asked for.
        where: the filter.
    """
    return zlib.crc32(json.dumps([table, columns, where]).encode())


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < _LARGEST
