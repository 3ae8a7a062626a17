"""The division of checks among processes, and their command lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pants.engine.addresses import Address

from cascade_pants.goals.check import marker_directories
from cascade_pants.goals.check_batches import (
    CascadeCheckFieldSet,
    WorkflowBatch,
    batches,
    neighbours_of,
    shared_tables,
    unknown_tables,
    with_fillers,
)
from cascade_pants.goals.check_owners import missing_owners
from cascade_pants.goals.check_resources import ResourcesOfProject, resources_to_check
from cascade_pants.goals.validate_process import COLUMNS_FILE, LACKING_FILE, validate_arguments
from cascade_pants.reader.declarations import Argument, Declaration
from cascade_pants.reader.values import Value
from cascade_pants.target_types import CascadeWorkflowSourceTarget
from cascade_pants.testing import python_setup
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow, WorkflowFile
from cascade_pants.util_rules.plugins import PluginCode
from cascade_pants.util_rules.table_map import LocatedDeclaration, TableMap

SETUP = python_setup(enable_resolves=True, resolves={"a": "a.lock", "b": "b.lock"}, default_resolve="a")


def workflow(name: str, resolve: str = "a", files: Iterable[str] = ("x.py", "y.py")) -> Workflow:
    return Workflow(
        Address(f"w/{name}"),
        resolve,
        tuple(WorkflowFile(f"w/{name}/{f}", Address(f"w/{name}", relative_file_path=f)) for f in files),
    )


def field_set(name: str, file: str = "x.py", fields: Mapping[str, object] | None = None) -> CascadeCheckFieldSet:
    target = CascadeWorkflowSourceTarget(
        {"source": file, **(fields or {})}, Address(f"w/{name}", relative_file_path=file)
    )
    return CascadeCheckFieldSet.create(target)


def names(found: list[WorkflowBatch]) -> list[list[str]]:
    return [[workflow.address.spec_path for workflow in batch.workflows] for batch in found]


def test_a_workflow_is_checked_as_a_whole_even_if_one_file_is_requested() -> None:
    (batch,) = batches([field_set("one", "y.py")], [workflow("one"), workflow("two")], SETUP, 16)
    assert batch == WorkflowBatch("a", (workflow("one"),))


def test_resolves_and_interpreters_are_kept_apart() -> None:
    asked = [
        field_set("one"),
        field_set("two", fields={"resolve": "b"}),
        field_set("three", fields={"interpreter_constraints": ["==3.12.*"]}),
    ]
    workflows = [workflow("one"), workflow("two", "a"), workflow("two", "b"), workflow("three")]
    found = batches(asked, workflows, SETUP, 16)
    assert sorted(names(found)) == [["w/one"], ["w/three"], ["w/two"]]
    assert {batch.resolve for batch in found if batch.workflows[0].address.spec_path == "w/two"} == {"b"}


def test_no_batch_is_too_large_and_no_workflow_is_lost() -> None:
    workflows = [workflow(f"n{number:03}") for number in range(100)]
    found = batches([field_set(f"n{number:03}") for number in range(100)], workflows, SETUP, 16)
    assert max(len(batch.workflows) for batch in found) <= 16
    assert 7 <= len(found) <= 25
    assert [name for batch in names(found) for name in batch] == [f"w/n{number:03}" for number in range(100)]


def test_a_new_workflow_leaves_most_batches_as_they_are() -> None:
    numbers = range(100)
    before = batches([field_set(f"n{n:03}") for n in numbers], [workflow(f"n{n:03}") for n in numbers], SETUP, 16)
    more = [*(f"n{n:03}" for n in numbers), "n010b"]
    after = batches([field_set(n) for n in more], [workflow(n) for n in sorted(more)], SETUP, 16)
    assert len(set(after) - set(before)) <= 3


def test_directories_in_which_nothing_is_loaded() -> None:
    workflows = [workflow("one"), workflow("two"), workflow("three")]
    assert marker_directories(workflows, ["w/one/x.py", "w/two/parts/x.py"]) == ["w/three", "w/two"]


def test_the_command_line_is_the_same_for_the_same_modules() -> None:
    assert validate_arguments({"b", "a"}, {"d", "c"}) == (
        "validate",
        *("--lacking", LACKING_FILE),
        *("--columns", COLUMNS_FILE),
        *("--module", "a"),
        *("--module", "b"),
        *("--known", "c"),
        *("--known", "d"),
    )
    assert validate_arguments({"a"}, {"c"}, only_resources=True) == (
        "validate",
        "--resources",
        *("--module", "a"),
        *("--known", "c"),
    )


def test_a_batch_is_described_by_its_first_workflow() -> None:
    assert WorkflowBatch("a", (workflow("one"),)).description == "w/one:one"
    assert WorkflowBatch("a", (workflow("one"), workflow("two"))).description == "w/one:one and 1 more"


def table_map(**tables: str) -> TableMap:
    """Map one table for each workflow, which its file `x.py` declares."""
    return TableMap.of(
        LocatedDeclaration(
            Declaration("cascade_ingestion", 4, "load", (Argument("table_name", 4, table),)),
            f"w/{name}/x.py",
            Address(f"w/{name}", relative_file_path="x.py"),
        )
        for name, table in tables.items()
    )


def test_a_table_that_a_workflow_outside_of_the_check_declares_too() -> None:
    everything = AllWorkflows([workflow("one"), workflow("three"), workflow("two")])
    tables = table_map(one="shared", three="own", two="shared")
    expected = (
        "w/{}/x.py:4: @cascade_ingestion: the table raw.shared is already declared at w/{}/x.py:4 (w/{}:{}). "
        "Rename one of the two."
    )
    first = [WorkflowBatch("a", (workflow("one"), workflow("three")))]
    assert shared_tables(first, tables, everything) == [expected.format("one", "two", "two", "two")]
    # Of two checked workflows, one is reported. Those of one process are reported by that process.
    both = [*first, WorkflowBatch("a", (workflow("two"),))]
    assert shared_tables(both, tables, everything) == [expected.format("two", "one", "one", "one")]
    assert shared_tables([WorkflowBatch("a", tuple(everything))], tables, everything) == []
    assert shared_tables([WorkflowBatch("a", (workflow("three"),))], tables, everything) == []


def test_a_table_that_a_workflow_of_another_resolve_declares_too() -> None:
    everything = AllWorkflows([workflow("one"), workflow("two", "b")])
    batch = WorkflowBatch("a", (workflow("one"),))
    (problem,) = shared_tables([batch], table_map(one="shared", two="shared"), everything)
    assert problem.startswith(
        "w/one/x.py:4: @cascade_ingestion: the table raw.shared is already declared at w/two/x.py:4"
    )
    # One file may be in several resolves.
    shared = AllWorkflows([workflow("one"), workflow("one", "b")])
    assert shared_tables([batch], table_map(one="shared"), shared) == []


def test_the_neighbours_of_a_batch_are_the_other_workflows_in_its_sandbox() -> None:
    everything = AllWorkflows([workflow("one"), workflow("three"), workflow("two"), workflow("zzz", "b")])
    present = [Address(f"w/{name}", relative_file_path="y.py") for name in ("zzz", "two", "one", "no_workflow")]
    assert neighbours_of(WorkflowBatch("a", (workflow("one"),)), present, everything) == [workflow("two")]


def test_the_projects_in_which_a_resource_may_be_missing() -> None:
    one, two, other = workflow("one"), workflow("two"), workflow("zzz", "b")
    everything = AllWorkflows([one, two, other])
    dev, small = Address("", target_name="dev"), Address("", target_name="small")
    projects = {
        **{file.address: (dev,) for file in two.files},
        # A project may leave out a file of a workflow.
        one.files[0].address: (dev, small),
    }
    first = Workflow(one.address, one.resolve, one.files[:1])
    assert resources_to_check([one.files[0].address], everything, projects, {small: KAFKA}) == [
        ResourcesOfProject(dev, ("w/one/x.py",), (first, two)),
        ResourcesOfProject(small, ("w/one/x.py",), (first,), KAFKA),
    ]
    # What no project holds cannot lack a resource of its project.
    assert resources_to_check([other.files[0].address], everything, projects, {}) == []


KAFKA = PluginCode((Address("3rdparty", target_name="kafka"),))
RULES = PluginCode((Address("acme", target_name="code"),), (("acme-1.dist-info/METADATA", "Name: acme"),))


def test_workflows_of_projects_with_other_plugins_are_checked_in_other_processes() -> None:
    workflows = [workflow(name) for name in ("one", "three", "two", "zero")]
    dev, small = Address("", target_name="dev"), Address("", target_name="small")
    held: dict[Address, tuple[Address, ...]] = {
        file.address: projects
        for one, projects in zip(workflows, [(dev,), (dev, small), (dev,), ()])
        for file in one.files
    }
    plugins = {dev: KAFKA, small: RULES}
    asked = [field_set(name) for name in ("one", "two", "three", "zero")]
    found = batches(asked, workflows, SETUP, 16, plugins, held)
    named = {tuple(one.address.spec_path for one in batch.workflows): batch.plugins for batch in found}
    assert named == {
        ("w/zero",): PluginCode(),
        ("w/one", "w/two"): KAFKA,
        ("w/three",): KAFKA.with_other(RULES),
    }
    assert named["w/three",].files[0].path == "__cascade_plugins/acme-1.dist-info/METADATA"


def checks_of(table: str, name: str = "three", call: str = "cascade_quality") -> LocatedDeclaration:
    address = Address(f"w/{name}", relative_file_path="x.py")
    return LocatedDeclaration(Declaration(call, 7, arguments=(Argument("table", 8, table),)), f"w/{name}/x.py", address)


def test_the_files_that_fill_a_checked_table_join_the_batch() -> None:
    everything = AllWorkflows([workflow("one"), workflow("two", "b"), workflow("three")])
    tables = table_map(one="flights", two="weather")
    batch = WorkflowBatch("a", (workflow("three"),))
    found = with_fillers(batch, [checks_of("flights"), checks_of("raw.weather"), checks_of("x")], tables, everything)
    assert [address.spec_path for address in found.fillers] == ["w/one"]
    assert with_fillers(batch, [checks_of("flights", call="asset")], tables, everything) == batch


def test_a_misspelled_table_of_checks_is_reported() -> None:
    tables = table_map(one="flights", two="readings_2023")
    checked = [checks_of(table) for table in ("flihgts", "mart.flights", "readings_2024", "raw.flights", "orders")]
    assert unknown_tables(checked, tables) == [
        'w/three/x.py:7: @cascade_quality: table: no workflow of the repository fills "raw.flihgts". '
        'Did you mean "raw.flights"?'
    ]


def ingestion(name: str, **arguments: Value) -> LocatedDeclaration:
    given = tuple(Argument(argument, 5, value) for argument, value in {"table_name": name, **arguments}.items())
    address = Address(f"w/{name}", relative_file_path="x.py")
    return LocatedDeclaration(Declaration("cascade_ingestion", 4, "load", given), f"w/{name}/x.py", address)


def test_owners_are_required_where_the_option_says_so() -> None:
    everything = AllWorkflows([workflow("one"), workflow("three"), workflow("two")])
    declared = [ingestion("one"), ingestion("two", owners=("team:data",)), ingestion("three", owners=())]
    problem = (
        "w/{0}/x.py:4: @cascade_ingestion: owners: the table raw.{0} has no owner, and the option "
        '`[cascade].require_owners` requires one. Add an e-mail address or a team, such as owners=["team:data"].'
    )
    assert missing_owners(declared, [], everything) == []
    assert missing_owners(declared, ["::"], everything) == [problem.format("one"), problem.format("three")]
    assert missing_owners(declared, ["w::", "!w/one"], everything) == [problem.format("three")]
    assert missing_owners(declared, ["!w/three"], everything) == [problem.format("one")]
    assert missing_owners(declared, ["w/two"], everything) == []


def test_owners_that_only_the_running_code_knows() -> None:
    everything = AllWorkflows([workflow("one")])
    for argument in (Argument("owners", 5, unread="OWNERS()"), Argument("**", 5, unread="**COMMON")):
        one = ingestion("one")
        declaration = replace(one.declaration, arguments=(*one.declaration.arguments, argument))
        assert missing_owners([replace(one, declaration=declaration)], ["::"], everything) == []


def test_an_option_that_names_no_workflow() -> None:
    (problem,) = missing_owners([ingestion("one")], ["w/onne"], AllWorkflows([workflow("one")]))
    assert problem.startswith("The option `[cascade].require_owners` has the entry 'w/onne', which matches no")
    assert "Did you mean 'w/one'?" in problem
