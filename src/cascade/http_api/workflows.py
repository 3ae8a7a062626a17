"""The states of the workflows, and the lineage of what they fill."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from cascade.config.secrets import mask_secrets
from cascade.drawing.lineage import LineageError, lineage_of
from cascade.http_api import models
from cascade.http_api.answers import Document
from cascade.http_api.problems import ProblemError, responses
from cascade.http_api.served import Served
from cascade.spelling import did_you_mean

router = APIRouter(tags=["workflows"])


@router.get("/workflows", response_model=models.Workflows, summary="List the workflows with their partitions")
def list_workflows(served: Served) -> Document:
    """List the workflows of the project with the partitions that are published, missing, failed, running and stale."""
    states = served.states(served.declarations)
    failures = [mask_secrets(str(each)) for each in served.failures]
    return Document({"workflows": [each.document() for each in states], "failures": failures})


@router.get(
    "/workflows/{asset:path}",
    response_model=models.WorkflowState,
    responses=responses(HTTPStatus.NOT_FOUND),
    summary="Describe the partitions of a workflow",
)
def describe_workflow(
    served: Served,
    asset: Annotated[str, Path(description="The asset or its table.", examples=["weather_observations"])],
) -> Document:
    """Describe the partitions of a workflow by their states, and its last run."""
    for declaration in served.declarations:
        if asset in ("/".join(declaration.asset_key), declaration.table):
            (state,) = served.states([declaration])
            return Document(state.document())
    known = [name for each in served.declarations for name in ("/".join(each.asset_key), each.table)]
    raise ProblemError(HTTPStatus.NOT_FOUND, f'There is no workflow "{asset}".{did_you_mean(asset, known)}')


@router.get(
    "/lineage", response_model=models.Lineage, responses=responses(HTTPStatus.NOT_FOUND), summary="Return the graph"
)
def return_lineage(
    served: Served,
    name: Annotated[
        str | None,
        Query(
            description="A table, an asset key, a model or a mart: only what it reads and what reads it.",
            examples=["raw.weather_observations"],
        ),
    ] = None,
) -> Document:
    """Return the graph of workflows, tables, models and marts, which comes from the source alone."""
    graph = served.graph()
    try:
        return Document((graph if name is None else lineage_of(graph, name)).document())
    except LineageError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, str(error)) from error
