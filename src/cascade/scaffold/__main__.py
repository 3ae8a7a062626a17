"""`python -m cascade.scaffold REQUEST`: render a workflow, or checks or a dbt model of a table.

The request is a JSON object. The answer is `{"build": text, "files": {path: text}, "packages": {path: text},
"table": name, "partition": key}` or `{"error": "..."}`. `build` is the text of the BUILD file. `packages` holds the
`__init__.py` files of the parent packages, which are only for new directories. `partition` is a partition with rows;
empty for checks and models. The exit code is 0 in both cases, so that Pants caches the answer.
"""

from __future__ import annotations

import json
import sys

from cascade.exceptions import CascadeError
from cascade.scaffold import (
    IngestionRequest,
    QualityRequest,
    TransformRequest,
    package_files,
    quality_packages,
    render_ingestion,
    render_quality,
    render_transform,
)
from cascade.scaffold.build_files import dbt_project_build, workflow_build
from cascade.scaffold.examples import DAYS


def answer(text: str) -> dict[str, object]:
    """Answer one request.

    Args:
        text: the request as JSON, with the fields of `IngestionRequest`, or with `"kind": "quality"` and those that
            `QualityRequest.from_json` reads, or with `"kind": "dbt"` and those that `TransformRequest.from_json` reads.

    Returns:
        The answer, ready for JSON.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        return {"error": f"The request is not valid JSON: {error}."}
    try:
        if isinstance(document, dict) and document.get("kind") == "quality":
            return _checks(QualityRequest.from_json(document))
        if isinstance(document, dict) and document.get("kind") == "dbt":
            return _model(TransformRequest.from_json(document))
        request = IngestionRequest.from_json(document)
        files = render_ingestion(request)
        return {
            "build": workflow_build(resolve=request.resolve),
            "files": files,
            "packages": package_files(request),
            "table": request.table_name,
            "partition": DAYS[0],
        }
    except CascadeError as error:
        return {"error": str(error)}


def _checks(request: QualityRequest) -> dict[str, object]:
    files = render_quality(request)
    return {
        "build": workflow_build(resolve=request.resolve),
        "files": files,
        "packages": quality_packages(request),
        "table": request.table.full_name,
        "partition": "",
    }


def _model(request: TransformRequest) -> dict[str, object]:
    return {
        "build": dbt_project_build(resolve=request.resolve),
        "files": render_transform(request),
        "packages": {},
        "table": request.table.full_name,
        "partition": "",
    }


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
