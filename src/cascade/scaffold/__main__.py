"""`python -m cascade.scaffold REQUEST`: one JSON request in, one JSON answer out.

The answer is `{"files": {path: text}, "packages": {path: text}, "table": name, "partition": key}`, where `packages` are
the `__init__.py` of the packages above, to be written in new directories only, and `partition` is one that has rows; or
it is `{"error": "..."}`. The exit code is 0 for both, so that Pants keeps either answer in its cache.
"""

from __future__ import annotations

import json
import sys

from cascade.exceptions import UsageError
from cascade.scaffold import IngestionRequest, package_files, render_ingestion
from cascade.scaffold.examples import DAYS


def answer(text: str) -> dict[str, object]:
    """Answer one request.

    Args:
        text: the request as JSON, with the fields of `IngestionRequest`.

    Returns:
        The answer, ready to become JSON.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        return {"error": f"The request is not JSON: {error}."}
    try:
        request = IngestionRequest.from_json(document)
        return {
            "files": render_ingestion(request),
            "packages": package_files(request),
            "table": request.table_name,
            "partition": DAYS[0],
        }
    except UsageError as error:
        return {"error": str(error)}


def main(arguments: list[str]) -> int:
    """Print the answer to the request in the first argument.

    Args:
        arguments: the command line without the program's name.
    """
    if len(arguments) != 1:
        print("Usage: python -m cascade.scaffold REQUEST, where REQUEST is a JSON object.", file=sys.stderr)
        return 2
    print(json.dumps(answer(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
