"""The arguments of the Pex tool."""

from __future__ import annotations

import pytest
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import EntryPoint, PexExecutionMode, PexLayout
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import Pex, PexRequest
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.core.goals.package import BuiltPackage
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, CreateDigest, Digest
from pants.engine.process import ProcessResult
from pants.engine.target import TransitiveTargets, TransitiveTargetsRequest
from pants.testutil.option_util import create_subsystem
from pants.testutil.rule_runner import MockGet, run_rule_with_mocks
from pants.util.ordered_set import FrozenOrderedSet

from cascade_pants.goals.package import (
    CascadeProjectPackageFieldSet,
    for_one_minor_version,
    package_project,
    pex_arguments,
)
from cascade_pants.target_types import CascadeProjectTarget

BOOT = ("--sh-boot", "--preamble-file", "__cascade_preamble.py")
DEV = Address("", target_name="dev")


def packaged(
    *,
    found: str = "3.11",
    default: str = ">=3.11,<3.14",
    address: Address = DEV,
    **fields: object,
) -> tuple[BuiltPackage, PexFromTargetsRequest, PexRequest]:
    """Run the rule, with an interpreter that says it is `found`."""
    described: list[PexFromTargetsRequest] = []
    built: list[PexRequest] = []
    target = CascadeProjectTarget(fields, address)
    wanted = fields["interpreter_constraints"][0] if "interpreter_constraints" in fields else default  # type: ignore[index]
    setup = create_subsystem(
        PythonSetup,
        interpreter_constraints=[default],
        interpreter_versions_universe=["3.10", "3.11", "3.12", "3.13"],
        warn_on_python2_usage=False,
    )

    def describe(request: PexFromTargetsRequest) -> PexRequest:
        described.append(request)
        return PexRequest(
            output_filename=request.output_filename, internal_only=request.internal_only, layout=request.layout
        )

    def build(request: PexRequest) -> Pex:
        built.append(request)
        return Pex(EMPTY_DIGEST, request.output_filename, None)

    def ask(process: PexCliProcess) -> ProcessResult:
        assert process.extra_args[:2] == ("--interpreter-constraint", str(InterpreterConstraints([wanted])))
        return _Answer(f"{found}\n".encode())  # type: ignore[return-value]

    package = run_rule_with_mocks(
        package_project,
        rule_args=[CascadeProjectPackageFieldSet.create(target), setup],
        mock_gets=[
            MockGet(
                TransitiveTargets,
                (TransitiveTargetsRequest,),
                lambda _: TransitiveTargets((target,), FrozenOrderedSet()),
            ),
            MockGet(ProcessResult, (PexCliProcess,), ask),
            MockGet(Digest, (CreateDigest,), lambda _: EMPTY_DIGEST),
            MockGet(PexRequest, (PexFromTargetsRequest,), describe),
            MockGet(Pex, (PexRequest,), build),
        ],
    )
    return package, *described, *built


class _Answer:
    def __init__(self, stdout: bytes) -> None:
        self.stdout = stdout


def test_one_file_that_starts_the_manifest() -> None:
    package, request, _ = packaged()
    assert [artifact.relpath for artifact in package.artifacts] == ["dev.pex"]
    assert request.main == EntryPoint("cascade_project_dev", "main")
    assert request.layout is PexLayout.ZIPAPP
    assert request.additional_args == ("--venv", "prepend", *BOOT)


def test_it_takes_the_requirements_that_run_installed_and_fits_other_machines() -> None:
    _, described, built = packaged()
    assert described.internal_only
    assert described.hardcoded_interpreter_constraints is None
    assert not built.internal_only
    assert built.layout is PexLayout.ZIPAPP


def test_a_project_in_a_directory() -> None:
    package, _, _ = packaged(address=Address("apps/billing", target_name="prod"))
    assert package.artifacts[0].relpath == "apps.billing/prod.pex"


def test_the_fields() -> None:
    package, request, built = packaged(output_path="out/x.pex", layout="packed", execution_mode="zipapp")
    assert package.artifacts[0].relpath == "out/x.pex"
    assert request.layout is built.layout is PexLayout.PACKED
    assert request.additional_args == ()


@pytest.mark.parametrize(
    ("arguments", "minor"),
    [
        ({"interpreter_constraints": ["==3.12.*"], "found": "3.11"}, "3.12"),
        ({"interpreter_constraints": [">=3.12"], "found": "3.13"}, "3.13"),
        ({"found": "3.12"}, "3.12"),
        ({"default": "==3.11.*", "found": "3.12"}, "3.11"),
    ],
)
def test_one_minor_version(arguments: dict[str, object], minor: str) -> None:
    _, _, built = packaged(**arguments)  # type: ignore[arg-type]
    assert built.interpreter_constraints.partition_into_major_minor_versions(["3.10", "3.11", "3.12", "3.13"]) == (
        minor,
    )


def test_stricter_constraints_are_kept() -> None:
    universe = ["3.11", "3.12"]
    plain = for_one_minor_version(InterpreterConstraints([">=3.11,<3.14"]), "3.11", universe)
    assert str(plain) == "CPython==3.11.*"
    newer = for_one_minor_version(InterpreterConstraints([">=3.11,<3.14"]), "3.13", universe)
    assert str(newer) == "CPython==3.13.*"
    narrow = for_one_minor_version(InterpreterConstraints([">=3.11.4,<3.14"]), "3.11", universe)
    assert str(narrow) == "CPython<3.14,==3.11.*,>=3.11.4"


def test_the_arguments_of_each_mode_and_layout() -> None:
    assert pex_arguments(PexExecutionMode.VENV, PexLayout.ZIPAPP) == ("--venv", "prepend", *BOOT)
    assert pex_arguments(PexExecutionMode.VENV, PexLayout.LOOSE) == ("--venv", "prepend")
    assert pex_arguments(PexExecutionMode.ZIPAPP, PexLayout.PACKED) == ()
