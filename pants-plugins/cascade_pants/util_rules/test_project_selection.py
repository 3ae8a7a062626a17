"""Which workflows the address specs of a project choose."""

from __future__ import annotations

import pytest
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException

from cascade_pants.util_rules.all_workflows import Workflow, WorkflowFile
from cascade_pants.util_rules.project_selection import parse_workflow_specs, select_workflows

DEV = Address("", target_name="dev")


def workflow(directory: str, *files: str, resolve: str = "main", name: str | None = None) -> Workflow:
    return Workflow(
        Address(directory, target_name=name),
        resolve,
        tuple(WorkflowFile(f"{directory}/{file}", Address(directory, relative_file_path=file)) for file in files),
    )


WORKFLOWS = (
    workflow("src/workflows/billing", "invoices.py"),
    workflow("src/workflows/billing/eu", "vat.py"),
    workflow("src/workflows/flights", "flights.py", "planes.py"),
    workflow("src/workflows/flights", "flights.py", "planes.py", resolve="other"),
    workflow("src/workflows/spark", "jobs.py", resolve="other"),
    workflow("src/workflows/weather", "observations.py", name="daily"),
)


def select(*specs: str, resolve: str = "main") -> list[str]:
    parsed = parse_workflow_specs(DEV, specs)
    return [str(selected.address) for selected in select_workflows(DEV, resolve, parsed, WORKFLOWS)]


def failure(*specs: str, resolve: str = "main") -> str:
    with pytest.raises(InvalidFieldException) as raised:
        select(*specs, resolve=resolve)
    return str(raised.value)


def test_without_specs_every_workflow_of_the_resolve() -> None:
    selected = select_workflows(DEV, "other", None, WORKFLOWS)
    assert [str(workflow.address) for workflow in selected] == [
        "src/workflows/flights:flights",
        "src/workflows/spark:spark",
    ]


@pytest.mark.parametrize(
    ("specs", "names"),
    [
        (["src/workflows/billing"], ["billing:billing"]),
        (["src/workflows/billing:"], ["billing:billing"]),
        (["src/workflows/billing::"], ["billing:billing", "billing/eu:eu"]),
        (["//src/workflows/billing::"], ["billing:billing", "billing/eu:eu"]),
        (["src/workflows/weather:daily"], ["weather:daily"]),
        (["src/workflows/flights/planes.py"], ["flights:flights"]),
        (["src/workflows/flights/planes.py:flights"], ["flights:flights"]),
        (["src/workflows/*/invoices.py"], ["billing:billing"]),
        (["src/workflows/billing::", "!src/workflows/billing/eu"], ["billing:billing"]),
        (["src/workflows/billing::", "-src/workflows/billing/eu::"], ["billing:billing"]),
        (["!src/workflows/billing::", "!src/workflows/spark"], ["flights:flights", "weather:daily"]),
    ],
)
def test_specs(specs: list[str], names: list[str]) -> None:
    assert select(*specs) == [f"src/workflows/{name}" for name in names]


def test_a_workflow_that_is_also_in_another_resolve_is_taken_from_the_projects() -> None:
    (selected,) = select_workflows(DEV, "other", parse_workflow_specs(DEV, ["src/workflows/flights"]), WORKFLOWS)
    assert selected.resolve == "other"


def test_a_file_that_is_excluded_leaves_the_rest_of_its_workflow() -> None:
    specs = parse_workflow_specs(DEV, ["src/workflows/flights", "!src/workflows/flights/planes.py"])
    (selected,) = select_workflows(DEV, "main", specs, WORKFLOWS)
    assert [file.path for file in selected.files] == ["src/workflows/flights/flights.py"]


def test_a_spec_that_matches_nothing_names_the_nearest() -> None:
    message = failure("src/workflows/wether:daily")
    assert "`workflows` of the cascade_project //:dev has the entry 'src/workflows/wether:daily'" in message
    assert "Did you mean 'src/workflows/weather:daily'?" in message


def test_an_exclusion_that_matches_nothing_is_an_error_too() -> None:
    assert "'!src/workflows/fligths'" in failure("!src/workflows/fligths")


def test_a_directory_inside_a_workflow() -> None:
    assert "is inside the workflow src/workflows/flights:flights" in failure("src/workflows/flights/parts::")


def test_a_repository_without_workflows() -> None:
    with pytest.raises(InvalidFieldException, match=r"//:dev has no workflows.*cascade-scaffold"):
        select_workflows(DEV, "main", None, ())
    with pytest.raises(InvalidFieldException, match="The repository has none"):
        select_workflows(DEV, "main", parse_workflow_specs(DEV, ["src::"]), ())


def test_workflows_in_another_resolve_only() -> None:
    with pytest.raises(InvalidFieldException, match=r"its resolve 'third' has no cascade_workflow.*'main', 'other'"):
        select_workflows(DEV, "third", None, WORKFLOWS)


def test_a_spec_that_reaches_into_another_resolve() -> None:
    message = failure("src/workflows::")
    assert "The project is in the resolve 'main'" in message
    assert "src/workflows/spark:spark (resolve 'other')" in message
    assert "src/workflows/flights" not in message
    assert "'!src/workflows/spark'" in message


def test_an_exclusion_fixes_it() -> None:
    assert "src/workflows/spark:spark" not in select("src/workflows::", "!src/workflows/spark")


def test_everything_excluded() -> None:
    assert "excludes every workflow" in failure("src/workflows/weather", "!src/workflows::")


@pytest.mark.parametrize("text", ["src::x", "a:b:c", "../elsewhere", "/elsewhere"])
def test_an_entry_that_is_not_a_spec(text: str) -> None:
    message = failure(text)
    assert f"has the entry {text!r}, which is not an address spec" in message
    assert "`src/workflows::`" in message


def parametrized(directory: str, resolve: str, *parameters: dict[str, str]) -> Workflow:
    addresses = (Address(directory, relative_file_path="x.py", parameters=one) for one in parameters)
    files = tuple(WorkflowFile(f"{directory}/x.py", address) for address in addresses)
    return Workflow(Address(directory), resolve, files)


VARIANTS = (
    parametrized("a", "one", {"resolve": "one"}),
    parametrized("a", "two", {"resolve": "two"}),
    parametrized("b", "one", {"python": "new"}, {"python": "old"}),
)


def variants(*specs: str, resolve: str) -> list[str]:
    selected = select_workflows(DEV, resolve, parse_workflow_specs(DEV, specs), VARIANTS)
    return [str(file.address) for one in selected for file in one.files]


@pytest.mark.parametrize(
    ("specs", "resolve", "expected"),
    [
        (["a:a@resolve=two"], "two", ["a/x.py@resolve=two"]),
        (["a"], "two", ["a/x.py@resolve=two"]),
        (["b:b@python=old"], "one", ["b/x.py@python=old"]),
        (["b:b@python=old", "b:b@python=new"], "one", ["b/x.py@python=new", "b/x.py@python=old"]),
        (["b"], "one", ["b/x.py@python=new", "b/x.py@python=old"]),
        (["b", "!b:b@python=new"], "one", ["b/x.py@python=old"]),
        (["!a", "!b:b@python=new"], "one", ["b/x.py@python=old"]),
    ],
)
def test_a_variant_of_a_parametrized_workflow_is_the_one_that_the_spec_names(
    specs: list[str], resolve: str, expected: list[str]
) -> None:
    assert variants(*specs, resolve=resolve) == expected


def test_a_variant_of_another_resolve_or_one_that_does_not_exist() -> None:
    with pytest.raises(InvalidFieldException, match=r"'a:a@resolve=two', which matches workflows of another resolve"):
        variants("a:a@resolve=two", resolve="one")
    with pytest.raises(InvalidFieldException, match=r"'a:a@resolve=three', which matches no"):
        variants("a:a@resolve=three", resolve="one")
