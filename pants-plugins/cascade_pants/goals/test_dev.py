from __future__ import annotations

import json

import pytest
from pants.base.specs import AddressLiteralSpec
from pants.core.goals.run import RunRequest
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, Digest

from cascade_pants.goals.dev import blocking_notice
from cascade_pants.goals.dev_process import (
    CodeServer,
    code_server,
    dev_argv,
    interactive_process,
    relocated,
)
from cascade_pants.goals.projects import in_order, which_project
from cascade_pants.target_types import CascadeProjectTarget

DEV = Address("", target_name="dev")
BILLING = Address("teams/billing", target_name="dev")
OTHER_DIGEST = Digest("a" * 64, 1)


def request(name: str, digest: Digest = EMPTY_DIGEST) -> RunRequest:
    return RunRequest(
        digest=digest,
        args=[f"{{chroot}}/{name}.pex"],
        extra_env={"PEX_EXTRA_SYS_PATH": "src:{chroot}/src", "CASCADE_PROJECT_ROOT": f"/repository/{name}"},
        append_only_caches={"pex_root": "caches"},
    )


def test_one_project_runs_its_dev_command() -> None:
    assert dev_argv(request("dev"), host=None, port=None) == ("{chroot}/dev.pex", "dev")


def test_host_and_port_are_passed_on() -> None:
    argv = dev_argv(request("dev"), host="0.0.0.0", port=3001)
    assert argv[1:] == ("dev", "--host", "0.0.0.0", "--port", "3001")


def test_the_branch_is_passed_on() -> None:
    assert dev_argv(request("dev"), host=None, port=None, branch="me")[1:] == ("dev", "--branch", "me")


def test_pants_alone_restarts_what_it_watches() -> None:
    assert dev_argv(request("dev"), host=None, port=None, restartable=True)[1:] == ("dev", "--no-reload")


def test_the_sources_of_further_projects_are_watched() -> None:
    server = code_server("billing", request("billing"))
    argv = dev_argv(request("dev"), host=None, port=None, build_root="/repository", code_servers=[server])
    assert argv[2:4] == ("--watch", "/repository/src")


def test_further_projects_are_code_servers_of_the_first() -> None:
    argv = dev_argv(request("dev"), host=None, port=None, code_servers=[CodeServer("billing", ("run", "it"))])
    assert argv[1:] == ("dev", "--with-code-server", 'billing=["run", "it"]')


def test_a_code_server_has_the_variables_of_its_own_project() -> None:
    server = code_server("billing", request("billing"))
    assert server.argv == (
        "/usr/bin/env",
        "-u",
        "PYTHONPATH",
        "CASCADE_PROJECT_ROOT=/repository/billing",
        "PEX_EXTRA_SYS_PATH=src:{chroot}/src",
        "{chroot}/billing.pex",
    )


def test_a_code_server_does_not_have_the_dbt_project_of_the_first() -> None:
    first = {"CASCADE_PROJECT_ROOT": "/repository", "CASCADE_DBT_PROJECT_DIR": "/repository/sql"}
    removed = code_server("billing", request("billing"), first).argv[:5]
    assert removed == ("/usr/bin/env", "-u", "PYTHONPATH", "-u", "CASCADE_DBT_PROJECT_DIR")


def test_a_relocated_project_finds_its_files_and_the_live_sources() -> None:
    moved = relocated(request("billing"), "projects/1")
    assert moved.args == ("{chroot}/projects/1/billing.pex",)
    assert moved.extra_env["PEX_EXTRA_SYS_PATH"] == "src:{chroot}/projects/1/src"


def test_projects_of_one_name_stay_apart() -> None:
    process = interactive_process(
        [request("dev"), request("dev", OTHER_DIGEST)],
        [DEV, BILLING],
        environment={"HOME": "/home/me", "PEX_EXTRA_SYS_PATH": "overruled"},
        build_root="/repository",
        host=None,
        port=None,
        restartable=True,
    )
    name, _, argv = process.process.argv[-1].partition("=")
    assert name == "teams_billing_dev"
    assert json.loads(argv)[-1] == "{chroot}/__cascade_projects/1/dev.pex"
    assert dict(process.process.immutable_input_digests) == {"__cascade_projects/1": OTHER_DIGEST}
    assert process.process.input_digest == EMPTY_DIGEST
    assert process.process.env["HOME"] == "/home/me"
    assert process.process.env["PEX_EXTRA_SYS_PATH"] == "src:{chroot}/src"
    asked = json.loads(process.process.env["CASCADE_MANIFEST_COMMAND"])
    assert asked["directory"] == "/repository"
    assert asked["argv"][1:] == ["cascade-manifest", "//:dev", "teams/billing:dev"]
    assert process.run_in_workspace
    assert process.restartable


@pytest.mark.parametrize(("specs", "command"), [([], "cascade-dev"), ([":dev"], "cascade-dev :dev")])
def test_under_pantsd_the_flag_that_avoids_blocking_is_named(specs: list[str], command: str) -> None:
    notice = blocking_notice(pantsd=True, specs=specs)
    assert notice is not None and notice.endswith(f" --no-pantsd {command}")
    assert blocking_notice(pantsd=False, specs=specs) is None


def test_the_first_project_on_the_command_line_comes_first() -> None:
    dev, billing = CascadeProjectTarget({}, DEV), CascadeProjectTarget({}, BILLING)
    literals = [AddressLiteralSpec("teams/billing", "dev"), AddressLiteralSpec("", "dev")]
    assert in_order(literals, [dev, billing]) == (billing, dev)
    assert in_order([literals[0]], [dev, billing]) == (billing, dev)
    assert in_order([], [dev, billing]) == (dev, billing)


def test_all_projects_are_listed_if_it_is_unclear_which_is_meant() -> None:
    message = which_project([DEV, BILLING], "cascade-dev", given=False)
    assert "name the one that you mean" in message
    assert "cascade-dev //:dev" in message
    assert "cascade-dev teams/billing:dev" in message
    assert "matches no cascade_project" in which_project([DEV], "cascade-dev", given=True)
    assert 'cascade_project(name="dev")' in which_project([], "cascade-dev", given=True)
