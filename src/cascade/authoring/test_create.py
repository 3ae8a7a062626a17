"""What `create-workflow` renders, without the command line."""

from __future__ import annotations

import pytest

from cascade.authoring.create import create_workflow
from cascade.authoring.new_files import WorkflowOptions, Workplace
from cascade.config import CascadeConfig
from cascade.exceptions import UsageError
from cascade.framework.collect import Collected
from cascade.framework.conftest import SampleProject, project

__all__ = ["project"]


@pytest.fixture
def workplace(project: SampleProject) -> Workplace:
    """Return a project that holds no workflows."""

    def load() -> tuple[Collected, tuple[()]]:
        raise AssertionError("an ingestion needs no imports")

    return Workplace(CascadeConfig(), "cascade", load, lambda name: None)


def test_an_ingestion_is_rendered_without_importing_or_writing(workplace: Workplace, project: SampleProject) -> None:
    before = sorted(project.root.rglob("*"))
    made = create_workflow(workplace, WorkflowOptions(domain="weather", kind="database"))
    assert (made.kind, made.source, made.new.table) == ("ingestion", "database", "weather_observations")
    assert f"{project.package}/ingestion/weather/observations.py" in made.new.files
    assert made.new.next_commands[0].startswith("cascade materialize weather_observations")
    assert "SOURCES__WEATHER__CREDENTIALS" in made.new.notices[0]
    assert sorted(project.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (WorkflowOptions(), "needs a domain"),
        (WorkflowOptions(kind="file", source="database", domain="weather"), "are two different sources"),
        (WorkflowOptions(kind="quality", domain="weather", cron="@daily"), "A check takes no --cron"),
    ],
)
def test_options_that_cannot_be_used_are_an_error(workplace: Workplace, options: WorkflowOptions, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        create_workflow(workplace, options)
