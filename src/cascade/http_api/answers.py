"""The answers of the API: the JSON documents of the commands, and Arrow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from cascade.terminal.documents import json_value, without_infinities

if TYPE_CHECKING:
    import pyarrow as pa

ARROW = "application/vnd.apache.arrow.stream"
"""The media type of Arrow's IPC streaming format, as registered with IANA."""
_ANY = ("application/*", "*/*")
_NOT_KEPT = {"Cache-Control": "no-store"}


class Document(Response):
    """A JSON document, with values written as the commands write them under `--json`."""

    media_type = "application/json"

    def __init__(self, content: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, headers={**_NOT_KEPT, **(headers or {})})

    def render(self, content: Any) -> bytes:
        """Write the document."""
        return json.dumps(without_infinities(content), default=json_value, ensure_ascii=False).encode()


def arrow_stream(rows: pa.Table, headers: Mapping[str, str]) -> Response:
    """Return rows as a stream of Arrow.

    Args:
        rows: the rows of a page.
        headers: headers of the answer.
    """
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return Response(sink.getvalue().to_pybytes(), headers={**_NOT_KEPT, **headers}, media_type=ARROW)


def prefers_arrow(accept: str | None) -> bool | None:
    """Return whether a client asks for Arrow rather than for JSON; None if it takes neither.

    Args:
        accept: the header `Accept` of the request.
    """
    if not accept or not accept.strip():
        return False
    ranges = dict(_range(part) for part in accept.split(","))
    arrow = next((ranges[name] for name in (ARROW, *_ANY) if name in ranges), 0.0)
    plain = next((ranges[name] for name in ("application/json", *_ANY) if name in ranges), 0.0)
    if max(arrow, plain) <= 0:
        return None
    return arrow > plain or (arrow == plain and ARROW in ranges)


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    try:
        return name.lower(), float(weight)
    except ValueError:
        return name.lower(), 0.0
